/**
 * @module What a phone in a directory keeps of other regions: a file for each feed's state, files that wait for detection, objects of the directory's log. A phone of before there were regions has none of them, and is as it was.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePolicy, type DirectoryPolicy } from '../../protocol/directory/policy.ts';
import { areCalls } from '../regions/detection.ts';
import { type Inbox, isWaitingFile } from '../regions/inbox.ts';
import type { StoreOf } from '../regions/read-feed.ts';
import { isKeptDirectory, type ObjectStore } from '../regions/region-directory.ts';
import { isRegionsState, type SyncPorts } from '../regions/sync.ts';
import { fileStore, type Store } from '../store.ts';
import { UnreadableError } from './calling.ts';

/** What an app has built in to read the directory of regions by. */
export interface DirectorySettings {
  /** Where the log's objects lie, without a slash at its end. */
  readonly url: string;
  /** JSON (docs/directory.md, "What a reader trusts"). */
  readonly policy: string;
}

const FEED_STATE = /^region-([A-Z][A-Z0-9])-[a-z0-9-]+\.json$/;
const INBOX = 'inbox';
const JSON_END = '.json';

function isDirectorySettings(value: unknown): value is DirectorySettings {
  if (typeof value !== 'object' || value === null) return false;
  const { url, policy } = value as Record<string, unknown>;
  return typeof url === 'string' && typeof policy === 'string';
}

const isObject = (value: unknown): value is { readonly bytes: Uint8Array } =>
  typeof value === 'object' && value !== null && 'bytes' in value && value.bytes instanceof Uint8Array;

/** @param directory of the phone */
export function regionStoresOf(directory: string) {
  const storeOf: StoreOf = (name, is) => fileStore(join(directory, `${name}${JSON_END}`), is);
  return {
    storeOf,
    regions: storeOf('regions', isRegionsState),
    policy: storeOf('policy', isDirectorySettings),
    /** What the directory said last. */
    known: storeOf('directory', isKeptDirectory),
    calls: storeOf('calls', areCalls),
  };
}

/** Files of a folder that is made with the first of them. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names
      .filter((name) => name.endsWith(JSON_END))
      .map((name) => name.slice(0, -JSON_END.length))
      .toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function loaded<T>(store: Store<T>): Promise<T | null> {
  const found = await store.load();
  if (found.ok) return found.value;
  throw new UnreadableError(`${found.error.path} is damaged, or can't be read; nothing was changed`);
}

/** @param directory of the phone @returns files that wait, one by one in a folder */
function fileInbox(directory: string): Inbox {
  const folder = join(directory, INBOX);
  const at = (name: string) => fileStore(join(folder, `${name}${JSON_END}`), isWaitingFile);
  return {
    names: () => namesIn(folder),
    get: (name) => loaded(at(name)),
    async put(name, file) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await at(name).save(file);
    },
    remove: (name) => rm(join(folder, `${name}${JSON_END}`), { force: true }),
  };
}

/** @param directory of the phone @returns full bundles of the log; one that is damaged is fetched again */
function fileObjects(directory: string): ObjectStore {
  const at = (path: string) => fileStore(join(directory, 'log', `${path.replaceAll('/', '_')}${JSON_END}`), isObject);
  return {
    async get(path) {
      const found = await at(path).load();
      return found.ok ? (found.value?.bytes ?? null) : null;
    },
    put: (path, bytes) => at(path).save({ bytes }),
  };
}

/** @param settings what was kept @returns the policy @throws {UnreadableError} when it is none */
export function policyOf({ policy }: DirectorySettings): DirectoryPolicy {
  const parsed = parsePolicy(policy);
  if (parsed.ok) return parsed.value;
  throw new UnreadableError(`the policy for the directory of regions is none: ${parsed.error}`);
}

/** @param directory of the phone @returns what a sync works with, of regions */
export async function regionPorts(
  directory: string,
): Promise<Pick<SyncPorts, 'inbox' | 'calls' | 'regions' | 'storeOf' | 'directory' | 'forgetFeeds'>> {
  const { regions, calls, storeOf, policy } = regionStoresOf(directory);
  const settings = await loaded(policy);
  // Read before anything is asked, so that a damaged file is named.
  await loaded(regions);
  return {
    regions,
    calls,
    storeOf,
    inbox: fileInbox(directory),
    directory:
      settings === null ? null : { url: settings.url, policy: policyOf(settings), objects: fileObjects(directory) },
    async forgetFeeds(isKept) {
      for (const name of await readdir(directory)) {
        const region = FEED_STATE.exec(name)?.[1];
        if (region !== undefined && !isKept(region)) await rm(join(directory, name), { force: true });
      }
    },
  };
}
