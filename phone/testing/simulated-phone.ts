/**
 * @module A phone of a simulation: the real download code over a timeline, a network that fails as told, and a log
 * that an oracle can judge.
 */
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import type { ExportFile } from '../../protocol/export/export-reader.ts';
import { type CwaState, syncCwaTree } from '../download/download-cwa.ts';
import { type ManifestState, syncManifest } from '../download/download-manifest.ts';
import { NONE_REVOKED } from '../download/revoked-packages.ts';
import type { SyncOutcome } from '../download/download.ts';
import { ExposureHistory } from '../matching/history.ts';
import type { Sighting } from '../radio/sighting.ts';
import { memoryStore, type Store } from '../store.ts';
import { etagOf } from './taken-back.ts';
import { EXPORT_KEY, MANIFEST_KEYS, REGION, type Timeline } from './timeline.ts';

/** How the network behaves during one run. */
export interface Weather {
  /** Requests that are answered before the network is gone; null: it stays. */
  readonly failsAfter: number | null;
  /** Whether the failing answer breaks off in the middle of its body. */
  readonly inBody: boolean;
  /** One request, by position, that a server answers with 503; null: none. */
  readonly unavailable: number | null;
  /** Writes of its state after which the phone dies in the middle of the next; left out: it lives. */
  readonly diesAfter?: number | null;
}

export const CLEAR: Weather = { failsAfter: null, inBody: false, unavailable: null };

/** The phone died while it wrote down what it has. */
export class Died extends Error {}

/** What there is to fetch; a configuration that revokes packages, if there is one. */
type Edge = Pick<Timeline, 'at'> & Partial<Pick<Timeline, 'revokedPackages'>>;

export class SimulatedPhone {
  /** Paths whose body arrived whole, in order, with the instant. */
  readonly fetched: { path: string; now: number; bytes: Uint8Array }[] = [];
  /** Key data, base64url, of all keys handed on. */
  readonly received = new Set<string>();
  #manifestStore = memoryStore<ManifestState>();
  #cwaStore = memoryStore<CwaState>();
  /** What it met, by our own rule for what is taken back. */
  history = new ExposureHistory({}, { revokeConfirmed: true });
  readonly #sightings: readonly Sighting[];
  readonly #timeline: Edge;
  readonly #mode: 'manifest' | 'cwa';
  now: number;

  /**
   * @param timeline what there is to fetch
   * @param mode through the manifest or through CWA's tree
   * @param now Unix seconds of its first run at the earliest
   * @param sightings what it heard
   */
  constructor(timeline: Edge, mode: 'manifest' | 'cwa', now: number, sightings: readonly Sighting[] = []) {
    this.#sightings = sightings;
    this.#timeline = timeline;
    this.#mode = mode;
    this.now = now;
  }

  /** The app is removed and installed again: what was heard stays, what it knew of keys is gone. */
  reinstall(): void {
    this.#manifestStore = memoryStore<ManifestState>();
    this.#cwaStore = memoryStore<CwaState>();
    this.history = new ExposureHistory({}, { revokeConfirmed: true });
  }

  /** @param weather of this run @returns what the download code says of it @throws {Died} */
  run(weather: Weather): Promise<SyncOutcome> {
    const common = {
      fetch: this.#network(weather),
      baseUrl: 'http://edge.test',
      clock: () => this.now,
      exportKey: EXPORT_KEY,
      onFile: ({ exportFile: { keys, revisedKeys } }: { exportFile: ExportFile }) => {
        for (const key of keys) this.received.add(toBase64Url(key.keyData));
        this.history.provide(keys, revisedKeys, this.#sightings, this.now);
      },
    };
    const revoked = this.#timeline.revokedPackages?.(this.now) ?? NONE_REVOKED;
    return this.#mode === 'manifest'
      ? syncManifest({
          ...common,
          region: REGION,
          manifestKeys: MANIFEST_KEYS,
          store: mortal(this.#manifestStore, weather),
        })
      : syncCwaTree({ ...common, country: REGION, store: mortal(this.#cwaStore, weather), revoked });
  }

  #network(weather: Weather) {
    let requests = 0;
    return (url: string, init?: RequestInit): Promise<Response> => {
      const request = requests++;
      const path = new URL(url).pathname.slice(1);
      const fails = weather.failsAfter !== null && request >= weather.failsAfter;
      if (fails && !(weather.inBody && request === weather.failsAfter)) {
        return Promise.reject(new TypeError('fetch failed'));
      }
      if (request === weather.unavailable) return Promise.resolve(new Response(null, { status: 503 }));
      const bytes = this.#timeline.at(path, this.now);
      if (bytes === null) return Promise.resolve(new Response(null, { status: 404 }));
      const etag = etagOf(bytes);
      if (new Headers(init?.headers).get('if-none-match') === etag) {
        return Promise.resolve(new Response(null, { status: 304, headers: { etag } }));
      }
      const body = fails ? brokenBody(bytes) : new Uint8Array(bytes);
      if (!fails) this.fetched.push({ path, now: this.now, bytes });
      return Promise.resolve(new Response(body, { headers: { etag } }));
    };
  }
}

/** A store in whose next write the phone dies, after so many. */
function mortal<T>(store: Store<T>, { diesAfter = null }: Weather): Store<T> {
  let saves = 0;
  return {
    load: () => store.load(),
    save: (value) => (saves++ === diesAfter ? Promise.reject(new Died('killed')) : store.save(value)),
  };
}

/** Half of the bytes, then an error. */
function brokenBody(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let sent = false;
  return new ReadableStream({
    pull(controller) {
      if (sent) controller.error(new TypeError('terminated'));
      else controller.enqueue(bytes.slice(0, bytes.length / 2));
      sent = true;
    },
  });
}
