/**
 * @module The directory of backends as a phone reads it (docs/directory.md): all of it, whatever regions its owner was in, so that who serves it learns of none of them. What it says is kept, so that a phone without an
 * answer goes on by it, as long as its policy lets a checkpoint grow old and no longer.
 */
import { parseCheckpoint } from '../../protocol/directory/checkpoint.ts';
import type { DirectoryEntry } from '../../protocol/directory/entry.ts';
import { loadDirectory, MAX_OBJECT_BYTES } from '../../protocol/directory/load.ts';
import type { Head } from '../../protocol/directory/merkle.ts';
import type { DirectoryPolicy } from '../../protocol/directory/policy.ts';
import { describeProblem } from '../../protocol/directory/problem.ts';
import { type Directory, problemOfCheckpoint, readDirectory } from '../../protocol/directory/read.ts';
import type { OpenStatement } from '../../protocol/directory/statement.ts';
import { bundlesOf, CHECKPOINT_PATH, type ReadObject } from '../../protocol/directory/tiles.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { equalBytes } from '../../protocol/primitives/bytes.ts';
import { describeHttpError, type Fetch, get, type HttpError } from '../http.ts';
import type { Store } from '../store.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../timing/clock-check.ts';

/** What a phone keeps of it. */
export interface KeptDirectory {
  /** Given to the next reading, so that a directory that was rolled back or forked shows. */
  readonly head: Head;
  /** Unix seconds: the checkpoint held then; all leaves were read last then. */
  readonly heldAt: number;
  readonly readAt: number;
  readonly entries: readonly DirectoryEntry[];
}

/** Objects of the log that never change, by path. */
export interface ObjectStore {
  get(path: string): Promise<Uint8Array | null>;
  put(path: string, bytes: Uint8Array): Promise<void>;
}

export interface DirectoryPorts {
  readonly fetch: Fetch;
  /** Where the log's objects lie, without a slash at its end. */
  readonly url: string;
  /** Built into the app. */
  readonly policy: DirectoryPolicy;
  /** Unix seconds. */
  readonly now: number;
  readonly store: Store<KeptDirectory>;
  readonly objects: ObjectStore;
  /** `rememberingOpen` of the policy's roots, where many phones of one process read the same log. */
  readonly open?: OpenStatement;
}

/** What may be relied on now. */
export interface KnownRegions {
  readonly entries: readonly DirectoryEntry[];
  /** Why nothing new could be learned, for a person; null: all is as of now. */
  readonly problem: string | null;
  /** Bytes of all bodies. */
  readonly bytes: number;
}

/** Certificates may end meanwhile: with the same checkpoint all is judged again after a day. */
const JUDGE_AGAIN_SECONDS = SECONDS_PER_DAY;

/** An object could not be had. */
class NoObject extends Error {
  readonly error: HttpError;

  constructor(error: HttpError) {
    super();
    this.error = error;
  }
}

/**
 * Reads the checkpoint, and what is new in the log.
 *
 * @param ports see {@link DirectoryPorts}
 * @returns the regions that may be relied on; after a failure those that were, until they are too old
 * @throws whatever saving throws. Died before the state is saved, the phone reads the same again; objects are only ever the same.
 */
export async function readRegions(ports: DirectoryPorts): Promise<KnownRegions> {
  const { policy, now, store } = ports;
  const loaded = await store.load();
  const kept = loaded.ok ? loaded.value : null;
  let bytes = 0;
  const goOn = (problem: string): KnownRegions => {
    const isFresh = kept !== null && now - kept.heldAt <= policy.maxAgeSeconds;
    return { entries: isFresh ? current(kept.entries, now) : [], problem, bytes };
  };
  if (!loaded.ok) return goOn(`state ${loaded.error.path} can't be read`);
  const fetched = async (path: string): Promise<Uint8Array | null> => {
    const answer = await get(ports.fetch, `${ports.url}/${path}`, MAX_OBJECT_BYTES);
    if (!answer.ok && answer.error.kind === 'status' && answer.error.status === 404) return null;
    if (!answer.ok) throw new NoObject(answer.error);
    const found = answer.value.bytes ?? new Uint8Array();
    bytes += found.length;
    return found;
  };
  try {
    const checkpoint = await fetched(CHECKPOINT_PATH);
    if (checkpoint !== null && kept !== null && isSame(checkpoint, kept, ports)) {
      await store.save({ ...kept, heldAt: now });
      return { entries: current(kept.entries, now), problem: null, bytes };
    }
    const read = await loadDirectory(async (path) => {
      if (path === CHECKPOINT_PATH) return checkpoint;
      const before = await ports.objects.get(path);
      return before ?? fetched(path);
    });
    const directory = judged(read, ports, kept?.head ?? null);
    if (directory.head === null) return goOn(directory.problems.map((one) => describeProblem(one)).join('; '));
    await keepObjects(read, directory.head.size, ports.objects);
    const { head, entries } = directory;
    await store.save({ head, heldAt: now, readAt: now, entries });
    return { entries, problem: null, bytes };
  } catch (error) {
    if (error instanceof NoObject) return goOn(describeHttpError(error.error));
    throw error;
  }
}

/** A phone's clock may be off by this much, either way: witnesses' times are judged by each of them. */
const clocksOf = (now: number): number[] => [now, now + CLOCK_TOLERANCE_SECONDS, now - CLOCK_TOLERANCE_SECONDS];

function judged(read: ReadObject, { policy, now, open }: DirectoryPorts, seen: Head | null): Directory {
  const source = { read, policy, seen, ...(open === undefined ? {} : { open }) };
  const [first, ...others] = clocksOf(now).map((at) => () => readDirectory({ ...source, now: at }));
  let directory = first!();
  for (const again of others) {
    const isOfTime = directory.problems.some(({ kind }) => kind === 'too-few-witnesses' || kind === 'stale');
    if (directory.head !== null || !isOfTime) break;
    const next = again();
    if (next.head !== null) directory = next;
  }
  return directory;
}

/** Whether the log has nothing new, and still holds. */
function isSame(bytes: Uint8Array, { head, readAt }: KeptDirectory, { policy, now }: DirectoryPorts): boolean {
  const checkpoint = parseCheckpoint(bytes);
  if (checkpoint === null || Math.abs(now - readAt) > JUDGE_AGAIN_SECONDS) return false;
  const holds = clocksOf(now).some((at) => problemOfCheckpoint(checkpoint, policy, at) === null);
  return holds && checkpoint.size === head.size && equalBytes(checkpoint.root, head.root);
}

const current = (entries: readonly DirectoryEntry[], now: number): DirectoryEntry[] =>
  entries.filter(({ validUntil }) => validUntil > now);

/** Full bundles alone: of others a larger one comes in their place. */
async function keepObjects(read: ReadObject, size: number, objects: ObjectStore): Promise<void> {
  for (const path of bundlesOf(size).filter((name) => !name.includes('.p/'))) {
    const bytes = read(path);
    if (bytes !== null && (await objects.get(path)) === null) await objects.put(path, bytes);
  }
}

/** @param value what was read from disk @returns whether it is a {@link KeptDirectory} */
export function isKeptDirectory(value: unknown): value is KeptDirectory {
  if (typeof value !== 'object' || value === null) return false;
  const { head, heldAt, readAt, entries } = value as Record<string, unknown>;
  if (typeof head !== 'object' || head === null || !Array.isArray(entries)) return false;
  const { size, root } = head as Record<string, unknown>;
  return (
    [size, heldAt, readAt].every((one) => typeof one === 'number') &&
    root instanceof Uint8Array &&
    entries.every((entry: unknown) => isEntry(entry))
  );
}

/** As far as the phone reads it: it wrote the file itself, after all was judged. */
function isEntry(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { regionId, cluster, publicUrl, formats, verificationKeys, validUntil } = value as Record<string, unknown>;
  return (
    [regionId, cluster, publicUrl].every((text) => typeof text === 'string') &&
    Array.isArray(formats) &&
    Array.isArray(verificationKeys) &&
    typeof validUntil === 'number'
  );
}

/** @returns objects in memory, for simulations of many phones */
export function memoryObjects(): ObjectStore {
  const objects = new Map<string, Uint8Array>();
  return {
    get: (path) => Promise.resolve(objects.get(path) ?? null),
    put: (path, bytes) => {
      objects.set(path, bytes);
      return Promise.resolve();
    },
  };
}
