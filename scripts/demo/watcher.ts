/**
 * @module A phone of the demo's audience: it downloads by the manifest, by Corona-Warn-App's tree or by Google's list, and remembers what it had and what it met from
 * one time to the next. By the manifest it takes a warning back, as our reference phone; by the others it holds to Android's rule for revoked keys, as an unmodified app
 * (docs/spec/gaen.md §6.4).
 */
import { dirname } from 'node:path';
import type { SyncOutcome } from '../../phone/download/download.ts';
import { type CwaState, syncCwaTree } from '../../phone/download/download-cwa.ts';
import { type GoogleState, syncGoogleIndex } from '../../phone/download/download-google.ts';
import { type ManifestState, syncManifest } from '../../phone/download/download-manifest.ts';
import { ExposureHistory } from '../../phone/matching/history.ts';
import type { Match } from '../../phone/matching/match.ts';
import { memoryStore } from '../../phone/store.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { googleIndexPath } from '../../protocol/index/google-index.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import type { Person } from './people.ts';
import { downloadPorts, pinnedKeys } from './stage.ts';

/** How a phone downloads. */
export type Way = 'manifest' | 'tree' | 'google';

/** One phone, and what it remembers. */
export interface Watcher {
  readonly person: Person;
  readonly way: Way;
  /** Key data in hex of every key that it was handed, in the order of the files. */
  readonly received: readonly string[];
  /** What was said anew of keys, in the order of the files. */
  readonly revised: readonly TemporaryExposureKey[];
  /** Fetches what is new, verifies and matches it. @param now Unix seconds on its clock */
  readonly sync: (now: number) => Promise<SyncOutcome>;
  /** Tells its owner. @param now Unix seconds @returns what it met, and how many keys of earlier warnings it takes back for the first time */
  readonly tell: (now: number) => { readonly matches: readonly Match[]; readonly withdrawn: number };
}

/** @param edge a running edge @param person its sightings are matched @param way how it downloads @returns a phone that has nothing yet */
export function watcher(edge: LocalEdge, person: Person, way: Way): Watcher {
  const history = new ExposureHistory({}, { revokeConfirmed: way === 'manifest' });
  const received: string[] = [];
  const revised: TemporaryExposureKey[] = [];
  const manifest = memoryStore<ManifestState>();
  const tree = memoryStore<CwaState>();
  const list = memoryStore<GoogleState>();
  return {
    person,
    way,
    received,
    revised,
    sync(now) {
      const ports = downloadPorts(edge, now, ({ exportFile: { keys, revisedKeys } }) => {
        for (const { keyData } of keys) received.push(toHex(keyData));
        revised.push(...revisedKeys);
        history.provide(keys, revisedKeys, person.sightings, now);
      });
      if (way === 'google') {
        const baseUrl = `${ports.baseUrl}/${dirname(googleIndexPath('DE'))}`;
        return syncGoogleIndex({ ...ports, baseUrl, region: 'DE', store: list });
      }
      return way === 'manifest'
        ? syncManifest({ ...ports, region: 'DE', manifestKeys: pinnedKeys(edge).manifestKeys, store: manifest })
        : syncCwaTree({ ...ports, country: 'EUR', store: tree });
    },
    tell(now) {
      const matches = history.matches(now);
      const withdrawn = history.withdrawn(now).untold;
      history.markTold();
      return { matches, withdrawn };
    },
  };
}
