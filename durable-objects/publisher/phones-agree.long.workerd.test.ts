/**
 * @module Phones against the real Publisher (docs/architecture.md §5.11, §6): after any sequence of uploads, seals, rollbacks, withdrawals, days off
 * and reinstallations their matches are those of a phone that saw only the final set. The same with a pure model of a publisher, and many more
 * cases: phone/download/taken-back.test.ts.
 */
import { runInDurableObject } from 'cloudflare:test';
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import type { PinnedKey } from '../../protocol/export/export-reader.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { concatBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { ok } from '../../protocol/primitives/result.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { type CwaState, syncCwaTree } from '../../phone/download/download-cwa.ts';
import { type ManifestState, syncManifest } from '../../phone/download/download-manifest.ts';
import { ExposureHistory } from '../../phone/matching/history.ts';
import type { Sighting } from '../../phone/radio/sighting.ts';
import type { Store } from '../../phone/store.ts';
import { heardOf } from '../../phone/testing/heard.ts';
import { r2Bucket } from './bucket.ts';
import { newWorkspace } from '../../domain/publication/workspace.ts';
import { findRows } from './find-rows.ts';
import { PublisherStore } from './store.ts';
import { DAY_0, keysOf, Rig, testEnv } from './test-rig.ts';

/** Over three midnights. */
const [RUNS, HOURS] = [1, 64];
const secrets = testEnv as unknown as { readonly EXPORT_SIGNING_KEY: string; readonly MANIFEST_SIGNING_KEY: string };
const EXPORT_KEY: PinnedKey = {
  publicKeySpki: signerFromPkcs8Pem(secrets.EXPORT_SIGNING_KEY).publicKeySpki,
  keyId: '262',
  keyVersion: 'v1',
};
const MANIFEST_KEYS = { 'manifest-v1': signerFromPkcs8Pem(secrets.MANIFEST_SIGNING_KEY).publicKeySpki };

class Died extends Error {}

/** Keeps a phone's state, and dies in a write if told so. */
class Kept<T> implements Store<T> {
  diesAfter: number | null = null;
  #value: T | null = null;
  load = () => Promise.resolve(ok(this.#value));
  save = (value: T): Promise<void> => {
    if (this.diesAfter !== null && this.diesAfter-- === 0) return Promise.reject(new Died('killed'));
    this.#value = value;
    return Promise.resolve();
  };
}

/** A phone that reads the real bucket. */
class Phone {
  readonly #rig: Rig;
  readonly #mode: 'manifest' | 'cwa';
  readonly #heard: () => readonly Sighting[];
  #manifest = new Kept<ManifestState>();
  #tree = new Kept<CwaState>();
  history = new ExposureHistory({}, { revokeConfirmed: true });

  constructor(rig: Rig, mode: 'manifest' | 'cwa', heard: () => readonly Sighting[]) {
    this.#rig = rig;
    this.#mode = mode;
    this.#heard = heard;
  }

  reinstall(): void {
    this.#manifest = new Kept();
    this.#tree = new Kept();
    this.history = new ExposureHistory({}, { revokeConfirmed: true });
  }

  /** @returns what went wrong, each as its kind */
  async sync(diesAfter: number | null = null): Promise<string[]> {
    for (const store of [this.#manifest, this.#tree]) store.diesAfter = diesAfter;
    const ports = {
      fetch: async (url: string) => {
        const object = await testEnv.PUBLIC.get(new URL(url).pathname.slice(1));
        return object === null
          ? new Response(null, { status: 404 })
          : new Response(await object.arrayBuffer(), { headers: { etag: object.httpEtag } });
      },
      baseUrl: 'https://edge.test',
      clock: () => this.#rig.now,
      exportKey: EXPORT_KEY,
      onFile: ({ exportFile: { keys, revisedKeys } }: { exportFile: Parameters<typeof keysIn>[0] }) => {
        this.history.provide(keys, revisedKeys, this.#heard(), this.#rig.now);
      },
    };
    try {
      const { errors } = await (this.#mode === 'manifest'
        ? syncManifest({ ...ports, region: 'EUR', manifestKeys: MANIFEST_KEYS, store: this.#manifest })
        : syncCwaTree({ ...ports, country: 'EUR', store: this.#tree }));
      return errors.map(({ kind }) => kind);
    } catch (error) {
      if (error instanceof Died) return ['died'];
      throw error;
    }
  }

  /** How many matches it had, and has no more. */
  takenBack(): number {
    return this.history.snapshot().entries.filter(({ transitions }) => transitions > 0).length;
  }

  matches(): string[] {
    return this.history
      .matches(this.#rig.now)
      .map(({ key }) => toHex(key.keyData))
      .toSorted();
  }
}

const keysIn = (file: {
  readonly keys: readonly TemporaryExposureKey[];
  readonly revisedKeys: readonly TemporaryExposureKey[];
}) => file.keys;

/** Ends keys wherever they are: what waits is deleted, what is published is taken back with the next hour. */
async function end(rig: Rig, keys: readonly TemporaryExposureKey[], cause: 'rollback' | 'withdrawal'): Promise<void> {
  const teks = concatBytes(...keys.map(({ keyData }) => keyData));
  const parts = await runInDurableObject(rig.publisher, (_publisher, { storage }) => {
    const store = new PublisherStore(storage);
    const ports = { now: rig.now, store, privateBucket: r2Bucket(testEnv.PRIVATE), workspace: newWorkspace() };
    return findRows(ports, teks);
  });
  await rig.tuneBuffer();
  await rig.buffer.dropWaiting({ id: crypto.randomUUID(), teks });
  if (parts.length > 0) {
    await rig.inPublisher((publisher) => publisher.takeBack({ id: crypto.randomUUID(), cause, parts }));
  }
}

/** Mostly null. */
const seldom = <T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

/** One run of a phone. */
const phoneRun = fc.record({
  reinstalled: seldom(15, fc.constant(true)),
  diesAfter: seldom(3, fc.integer({ min: 0, max: 12 })),
});

/** What happens in an hour. */
const hour = fc.record({
  uploads: fc.constantFrom(0, 1, 1, 2),
  /** The objects of `origin` are gone from memory in the middle of the seal. */
  evicted: seldom(9, fc.constant(true)),
  /** Of the keys that are known by then, one in so many ends. */
  ends: seldom(6, fc.record({ oneIn: fc.constantFrom(3, 6, 20), phase: fc.nat(19) })),
  /** Two of each kind; null: it doesn't run. */
  phones: fc.array(seldom(1, phoneRun), { minLength: 4, maxLength: 4 }),
});

describe('phones of the real Publisher', () => {
  it('match what a phone matches that saw only the final set', async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(hour, { minLength: HOURS, maxLength: HOURS }), async (hours) => {
        const rig = await Rig.create();
        const [all, ended] = [new Map<string, TemporaryExposureKey>(), new Set<string>()];
        let heard: Sighting[] = [];
        const phones = (['manifest', 'manifest', 'cwa', 'cwa'] as const).map(
          (mode) => new Phone(rig, mode, () => heard),
        );
        let uploads = 0;
        for (const [at, { uploads: count, evicted, ends, phones: runs }] of hours.entries()) {
          for (let n = 0; n < count; n++) {
            const today = Math.floor(rig.now / 86_400);
            const keys = keysOf((uploads += 1), 2 + (uploads % 4), today - 1);
            await rig.accept(`upload ${uploads}`, keys, uploads % 3 === 0 ? ['DE', 'FR'] : ['DE']);
            for (const key of keys) all.set(toHex(key.keyData), key);
            // Of each second key the phones heard something.
            heard = [...heard, ...keys.filter((_, i) => i % 2 === 0).map((key) => heardOf(key, 70))];
          }
          if (ends !== null && at < HOURS - 1) {
            const living = [...all].filter(([name]) => !ended.has(name));
            const chosen = living.filter((_, i) => i % ends.oneIn === ends.phase % ends.oneIn);
            if (chosen.length > 0)
              await end(
                rig,
                chosen.map(([, key]) => key),
                ends.oneIn < 20 ? 'rollback' : 'withdrawal',
              );
            for (const [name] of chosen) ended.add(name);
          }
          rig.now += 3600;
          if (evicted !== null) {
            for (let step = 0; step < 3; step++) await rig.advance();
            await rig.evict();
          }
          await rig.untilIdle();
          for (const [i, run] of runs.entries()) {
            if (run === null) continue;
            if (run.reinstalled !== null) phones[i]!.reinstall();
            await phones[i]!.sync(run.diesAfter);
          }
        }
        // Until the last key is published, and then for everybody.
        for (let rest = 0; rest < 4; rest++) {
          rig.now += 3600;
          await rig.untilIdle();
        }
        const expected = [...all.keys()].filter((name) => !ended.has(name));
        const met = expected.filter((name) =>
          heard.some(({ rpi }) => toHex(rpi) === toHex(heardOf(all.get(name)!, 70).rpi)),
        );
        const late = new Phone(rig, 'manifest', () => heard);
        for (const phone of [late, ...phones]) {
          expect(await phone.sync()).toEqual([]);
          expect(phone.matches()).toEqual(met.toSorted());
        }
        // It would hold of a publisher that takes nothing back.
        expect(ended.size).toBeGreaterThan(10);
        for (const mode of [phones.slice(0, 2), phones.slice(2)]) {
          expect(mode.reduce((sum, phone) => sum + phone.takenBack(), 0)).toBeGreaterThan(0);
        }
        expect(met.length).toBeGreaterThan(5);
      }),
      { numRuns: RUNS, seed: DAY_0, endOnFailure: true },
    );
  });
});
