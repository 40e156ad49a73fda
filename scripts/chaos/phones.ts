/**
 * @module Phones that download through the storm, by the manifest and by Corona-Warn-App's tree; some die in the middle of it, some are installed anew. In the end each
 * must have met what a phone has met that saw only what is published then.
 */
import { type CwaState, syncCwaTree } from '../../phone/download/download-cwa.ts';
import type { DownloadPorts } from '../../phone/download/download.ts';
import { type ManifestState, syncManifest } from '../../phone/download/download-manifest.ts';
import { ExposureHistory } from '../../phone/matching/history.ts';
import type { Sighting } from '../../phone/radio/sighting.ts';
import type { Store } from '../../phone/store.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { ok } from '../../protocol/primitives/result.ts';
import { exportPin, manifestKeys } from '../support/published.ts';
import type { Ready } from './victim.ts';

/** Keeps a phone's state, and dies at so many writes if told so. */
class Kept<T> implements Store<T> {
  diesAfter: number | null = null;
  #value: T | null = null;
  load = () => Promise.resolve(ok(this.#value));
  save = (value: T): Promise<void> => {
    if (this.diesAfter !== null && this.diesAfter-- === 0) return Promise.reject(new Error('the phone died'));
    this.#value = value;
    return Promise.resolve();
  };
}

/** One phone. */
class Phone {
  readonly #edge: Ready;
  readonly #way: 'manifest' | 'tree';
  readonly #heard: readonly Sighting[];
  readonly #now: () => number;
  #manifest = new Kept<ManifestState>();
  #tree = new Kept<CwaState>();
  // Android's own rule lets a confirmed test stay, which is no matter of what is published.
  #history = new ExposureHistory({}, { revokeConfirmed: true });

  constructor(edge: Ready, way: 'manifest' | 'tree', heard: readonly Sighting[], now: () => number) {
    this.#edge = edge;
    this.#way = way;
    this.#heard = heard;
    this.#now = now;
  }

  reinstall(): void {
    this.#manifest = new Kept();
    this.#tree = new Kept();
    this.#history = new ExposureHistory({}, { revokeConfirmed: true });
  }

  /** @param diesAfter writes of its state; null: it lives @returns what went wrong */
  async sync(diesAfter: number | null = null): Promise<string[]> {
    for (const store of [this.#manifest, this.#tree]) store.diesAfter = diesAfter;
    const ports: DownloadPorts = {
      fetch,
      baseUrl: this.#edge.url,
      clock: this.#now,
      exportKey: exportPin(this.#edge),
      onFile: ({ exportFile: { keys, revisedKeys } }) =>
        this.#history.provide(keys, revisedKeys, this.#heard, this.#now()),
    };
    try {
      const { errors } = await (this.#way === 'manifest'
        ? syncManifest({ ...ports, region: 'DE', manifestKeys: manifestKeys(this.#edge), store: this.#manifest })
        : syncCwaTree({ ...ports, country: 'EUR', store: this.#tree }));
      return errors.map(({ kind }) => kind);
    } catch (error) {
      return [(error as Error).message];
    }
  }

  /** @returns hex of the keys that it met, ascending */
  matches(): string {
    return this.#history
      .matches(this.#now())
      .map(({ key }) => toHex(key.keyData))
      .toSorted()
      .join(' ');
  }

  /** How many matches it had, and has no more. */
  takenBack(): number {
    return this.#history.snapshot().entries.filter(({ transitions }) => transitions > 0).length;
  }
}

/** What phones met, in the end. */
export interface Met {
  /** Keys that a phone meets which saw only the final set. */
  readonly matches: number;
  /** Phones that meet others. */
  readonly differing: number;
  /** Matches that phones had and took back. */
  readonly takenBack: number;
  /** Errors of the last download, of all of them. */
  readonly errors: readonly string[];
}

/** Two of each kind. */
export class Phones {
  readonly #all: readonly Phone[];
  readonly #fresh: () => Phone;
  readonly #byte: () => number;

  /**
   * @param edge its address and keys
   * @param heard what all of them heard; it grows
   * @param now Unix seconds of the local clock
   * @param byte draws 0..255
   */
  constructor(edge: Ready, heard: readonly Sighting[], now: () => number, byte: () => number) {
    const ways = ['manifest', 'manifest', 'tree', 'tree'] as const;
    this.#all = ways.map((way) => new Phone(edge, way, heard, now));
    this.#fresh = () => new Phone(edge, 'manifest', heard, now);
    this.#byte = byte;
  }

  /** Three in four download; one in eight dies while it does. One of each kind is installed anew now and then. What fails is tried again the next time. */
  async download(): Promise<void> {
    for (const [n, phone] of this.#all.entries()) {
      const draw = this.#byte();
      if (draw < 64) continue;
      if (n % 2 === 1 && draw % 32 === 0) phone.reinstall();
      await phone.sync(draw % 8 === 1 ? draw >> 4 : null);
    }
  }

  /**
   * @param met hex of the keys that they heard of
   * @param listed hex of the keys that are published in the end
   * @returns whether they met the same, after one more download
   */
  async judge(met: ReadonlySet<string>, listed: ReadonlySet<string>): Promise<Met> {
    const expected = [...met]
      .filter((name) => listed.has(name))
      .toSorted()
      .join(' ');
    const errors: string[] = [];
    let differing = 0;
    for (const phone of [this.#fresh(), ...this.#all]) {
      errors.push(...(await phone.sync()));
      if (phone.matches() !== expected) differing++;
    }
    const takenBack = this.#all.reduce((sum, phone) => sum + phone.takenBack(), 0);
    return { matches: expected === '' ? 0 : expected.split(' ').length, differing, takenBack, errors };
  }
}
