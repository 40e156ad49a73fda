/**
 * @module Download by Google's `index.txt` (docs/spec/google.md §3.6, docs/spec/gaen.md §10): each file that is listed is taken once, known by its name alone. The list is unsigned, so that files are withheld can't be noticed; what
 * is fetched is signed, and of the region that was asked for.
 *
 * A batch may be several files (batch_num 1..batch_size, docs/spec/gaen.md §4.4). Platforms want all of them in one call; here whatever came goes to one call (`phone/regions/detection.ts`), and each file's keys stand by themselves.
 */
import { MAX_ZIP_BYTES } from '../../protocol/export/export-reader.ts';
import { readFeedZip } from '../../protocol/export/feed-reader.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { isUsableKey } from '../../protocol/export/key-fields.ts';
import { INDEX_PATH, MAX_INDEX_BYTES, parseGoogleIndex } from '../../protocol/index/google-index.ts';
import { type DownloadPorts, endsRun, type FileCheck, type SyncOutcome, Transfer, type ZipReader } from './download.ts';
import type { Store } from '../store.ts';

/** What a phone remembers between runs. */
export interface GoogleState {
  readonly region: string;
  /** Names of files that were handed on, as far as they are still listed. */
  readonly had: readonly string[];
}

export interface GooglePorts extends DownloadPorts {
  /** As the files' header has it, if they have one. */
  readonly region: string;
  readonly store: Store<GoogleState>;
}

/** @param value what was read from disk @returns whether it is a {@link GoogleState} */
export function isGoogleState(value: unknown): value is GoogleState {
  if (typeof value !== 'object' || value === null) return false;
  const { region, had } = value as Record<string, unknown>;
  return typeof region === 'string' && Array.isArray(had) && had.every((name) => typeof name === 'string');
}

/**
 * Fetches every listed file that the phone doesn't have, oldest first.
 *
 * @param ports see {@link GooglePorts}
 * @returns what was done and what failed; with errors, run again later (retry.ts)
 * @throws whatever `onFile` or saving throws
 */
export async function syncGoogleIndex(ports: GooglePorts): Promise<SyncOutcome> {
  const transfer = new Transfer(ports);
  const loaded = await ports.store.load();
  if (!loaded.ok) {
    transfer.errors.push(loaded.error);
    return transfer.outcome();
  }
  let had = loaded.value?.region === ports.region ? loaded.value.had : [];
  const save = async (names: readonly string[]): Promise<void> => {
    had = names;
    await ports.store.save({ region: ports.region, had });
  };
  const answer = await transfer.get(INDEX_PATH, MAX_INDEX_BYTES);
  if (!answer.ok) {
    transfer.errors.push(answer.error);
    return transfer.outcome();
  }
  const listed = parseGoogleIndex(answer.value.bytes ?? new Uint8Array(), ports.baseUrl);
  if (!listed.ok) {
    transfer.errors.push({ kind: 'bad-list', path: INDEX_PATH, rule: 'must be names of files, one a line' });
    return transfer.outcome();
  }
  for (const name of listed.value.filter((one) => !had.includes(one))) {
    const file = await transfer.get(name, MAX_ZIP_BYTES);
    const error = file.ok
      ? await transfer.accept(name, file.value.bytes ?? new Uint8Array(), ofRegion(ports.region), readPart)
      : file.error;
    if (error === null) {
      await save([...had, name]);
      continue;
    }
    transfer.errors.push(error);
    if (endsRun(error)) return transfer.outcome();
  }
  const left = had.filter((name) => listed.value.includes(name));
  if (left.length < had.length) await save(left);
  return transfer.outcome();
}

/** Servers of more than one region have one key for all of them, and say whose a file is. */
const ofRegion =
  (region: string): FileCheck =>
  (_path, { header }) =>
    header.region === '' || header.region === region
      ? null
      : { kind: 'wrong-region', wanted: region, found: header.region };

/** One bad key costs no other of its file; and it may be one of several. */
const readPart: ZipReader = (zip, key) => {
  const read = readFeedZip(zip, key);
  if (!read.ok) return read;
  const { header, keys: all } = read.value;
  const [keys, revisedKeys]: [TemporaryExposureKey[], TemporaryExposureKey[]] = [[], []];
  for (const { key: one, revised } of all) if (isUsableKey(one)) (revised ? revisedKeys : keys).push(one);
  return { ok: true, exportFile: { header, keys, revisedKeys } };
};
