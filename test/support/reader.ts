/**
 * @module A reference phone that downloads from a running edge and keeps what it got.
 */
import { memoryStore } from '../../phone/store.ts';
import { type CwaState, syncCwaTree } from '../../phone/download/download-cwa.ts';
import { type ManifestState, syncManifest } from '../../phone/download/download-manifest.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { downloadPorts, pinnedKeys } from '../../scripts/demo/stage.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';

/** A phone that collects what it downloads. */
export interface Reader {
  readonly keys: TemporaryExposureKey[];
  /** Paths of the files it was handed. */
  readonly files: string[];
  readonly sync: (now: number) => Promise<void>;
}

/** @param edge asked for at each sync @param kind how it downloads @returns a phone that has downloaded nothing yet */
export function reader(edge: () => LocalEdge, kind: 'manifest' | 'tree'): Reader {
  const keys: TemporaryExposureKey[] = [];
  const files: string[] = [];
  const manifest = memoryStore<ManifestState>();
  const tree = memoryStore<CwaState>();
  return {
    keys,
    files,
    async sync(now) {
      const ports = downloadPorts(edge(), now, ({ path, exportFile }) => {
        files.push(path);
        keys.push(...exportFile.keys);
      });
      const { manifestKeys } = pinnedKeys(edge());
      const outcome = await (kind === 'manifest'
        ? syncManifest({ ...ports, region: 'DE', manifestKeys, store: manifest })
        : syncCwaTree({ ...ports, country: 'EUR', store: tree }));
      if (outcome.errors.length > 0) throw new Error(`${kind} at ${now}: ${JSON.stringify(outcome.errors)}`);
    },
  };
}
