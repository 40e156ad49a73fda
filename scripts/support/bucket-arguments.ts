/**
 * @module Arguments of commands that read the buckets, and the buckets they name.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isState, openBuckets } from '../../local-edge/buckets.ts';
import { parsed } from './command-line/arguments.ts';
import { UsageError } from './command-line/command.ts';
import { bucketStore, folderStore, type ObjectReader, type ObjectStore } from './object-store.ts';

const files = (given: string): string[] | undefined => {
  const names = given.split(',');
  return names.every((name) => existsSync(name)) ? names : undefined;
};

/** Where the private bucket is, and whose log. */
export const LOG_ARGUMENTS = {
  state: parsed<string, null>(
    'state of a local edge that is not running; its keys are taken from there',
    {
      default: null,
      placeholder: 'FOLDER',
      mustBe: 'the folder that a local edge was started with (npm start -- --state)',
    },
    (given) => (isState(given) ? given : undefined),
  ),
  private: parsed<string, null>(
    'a copy of the private bucket instead',
    { default: null, placeholder: 'FOLDER', mustBe: 'a folder that exists' },
    (given) => (statSync(given, { throwIfNoEntry: false })?.isDirectory() === true ? given : undefined),
  ),
  'log-key': parsed<string[], null>(
    'public key of the log, PEM; several while entries of a former key are kept',
    { default: null, placeholder: 'FILE[,FILE]', mustBe: 'files that exist, with commas between them' },
    files,
  ),
};

/** What others may read, of a state. */
interface StateStores {
  readonly publicStore: ObjectStore;
  readonly feedStore: ObjectStore;
}

/** What was given for {@link LOG_ARGUMENTS}. */
export interface LogSource {
  readonly state: string | null;
  readonly private: string | null;
  readonly 'log-key': readonly string[] | null;
}

/**
 * @param source what was given
 * @param work gets the private bucket, the files with the log's keys, and the state's other buckets if there is a state
 * @returns what `work` returns; the buckets are closed by then
 * @throws UsageError when neither or both of state and copy were given, or no key
 */
export async function withBuckets<T>(
  source: LogSource,
  work: (reader: ObjectReader, keyFiles: readonly string[], ofState: StateStores | null) => Promise<T>,
): Promise<T> {
  const { state, private: copy } = source;
  if ((state === null) === (copy === null)) throw new UsageError('give either --state or --private');
  const keyFiles = source['log-key'] ?? (state === null ? [] : [join(state, 'log-public.pem')]);
  if (keyFiles.length === 0) throw new UsageError('--log-key: a file is needed with --private');
  const missing = keyFiles.find((file) => !existsSync(file));
  if (missing !== undefined) throw new UsageError(`--log-key: is needed, ${missing} is not there`);
  if (state === null) return work(folderStore(copy ?? ''), keyFiles, null);
  const buckets = await openBuckets(state);
  try {
    const { publicBucket, privateBucket, feedsBucket } = buckets;
    const ofState = { publicStore: bucketStore(publicBucket), feedStore: bucketStore(feedsBucket) };
    return await work(bucketStore(privateBucket), keyFiles, ofState);
  } finally {
    await buckets.dispose();
  }
}
