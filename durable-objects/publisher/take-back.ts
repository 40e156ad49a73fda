/**
 * @module What published keys are to end, as it is asked for (docs/architecture.md §5.11): kept until an hour takes it up (taking-ops.ts).
 *
 * Durable order: the request's rows, salted, as an object of the private bucket, then its row with the log's entry, in one transaction. A crash in between leaves an
 * object that the repeated request writes anew, with another salt; one that nobody repeats goes at a midnight (`forgetTaken`). Then the entry as an object, before anybody is told that
 * the request is kept: a restore carries out what the log tells of (restore/source.ts). A crash before that leaves an entry that the next step puts. Rows lie in R2 and not in the object's storage,
 * since R2 keeps no former version: which rows one person withdrew is forgotten with the hour that did it.
 */
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import type { LogEvent } from '../../domain/event-log/entry.ts';
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import {
  encodeRequest,
  mergeTaken,
  parseRequest,
  requestKey,
  type TakeBackReply,
  type TakeBackRequest,
  type TakenRows,
} from '../../domain/publication/taken.ts';
import type { Publication } from './publication.ts';
import type { AskedRequest } from './taking-store.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const randomBytes = (n: number): Uint8Array => crypto.getRandomValues(new Uint8Array(n));
const META: ObjectMeta = { contentType: 'application/octet-stream', cacheControl: 'no-store', expires: null };

/**
 * Keeps a request; idempotent by its id, whatever rows it names the second time. One whose object was lost since is kept anew with the rows that it names now.
 *
 * @returns when it is durable: with which hour it is done, if it is
 * @throws RangeError for an id that is no UUID, or a request without rows; Error of the bucket
 */
export async function keepRequest(p: Publication, request: TakeBackRequest): Promise<TakeBackReply> {
  if (!UUID.test(request.id)) throw new RangeError('takeBack: id must be a UUID');
  const key = requestKey(request.id);
  // One that comes twice at once would be written twice, with two salts, and logged with one.
  const running = p.takings.beingKept.get(key);
  if (running !== undefined) return running;
  const kept = keepOnce(p, request).finally(() => p.takings.beingKept.delete(key));
  p.takings.beingKept.set(key, kept);
  return kept;
}

async function keepOnce(p: Publication, request: TakeBackRequest): Promise<TakeBackReply> {
  const { id } = request;
  const known = p.takings.request(id);
  if (known === null || (await isLost(p, known))) {
    const merged = mergeTaken(request.parts);
    if (merged.length === 0) throw new RangeError('takeBack: there is no row to take back');
    await keep(p, request, merged);
  }
  await p.log.flush(p.privateBucket);
  return replyOf(p.takings.request(id)!);
}

/** @returns whether nobody knows any more which rows a request names that no hour has taken up */
async function isLost(p: Publication, { id, hour, done }: AskedRequest): Promise<boolean> {
  return !done && hour === null && (await p.privateBucket.head(requestKey(id))) === null;
}

async function keep(p: Publication, request: TakeBackRequest, merged: readonly TakenRows[]): Promise<void> {
  const { id, cause } = request;
  const to = cause === 'revision' ? request.to : null;
  const key = requestKey(id);
  const bytes = encodeRequest(merged, randomBytes);
  const present = await p.privateBucket.head(key);
  if ((await p.privateBucket.put(key, bytes, META, present?.etag ?? null)) === null) {
    throw new Error('takeBack: the request is being kept by another call');
  }
  const askedHour = hourOf(p.now);
  const rows = countRows(merged);
  const before = new RowsOfOthers(p, id);
  // Who is kept first counts the rows, so whoever came while others' were read is read too.
  for (;;) {
    await before.read();
    const isKept = p.store.transaction(() => {
      if (!before.isComplete()) return false;
      // How many keys one person took back is said nowhere.
      const own = cause === 'rollback' ? before.without(merged) : 0;
      // An hour may have taken one up that had been lost, since its object is there again.
      const { hour = null, done = false } = p.takings.request(id) ?? {};
      p.takings.putRequest({ id, askedHour, hour, done, rows: own, to });
      // The id is in no entry: with it the hash would tell whose rows they were for as long as the log is kept.
      const said = { hour: askedHour, sha256: toBase64Url(sha256(bytes)) };
      p.log.append(entryOf(request, said, rows));
      return true;
    });
    if (isKept) return;
  }
}

function entryOf(
  request: TakeBackRequest,
  said: { readonly hour: number; readonly sha256: string },
  rows: number,
): LogEvent {
  switch (request.cause) {
    case 'rollback':
      return { kind: 'rollback', ...said, rows };
    case 'withdrawal':
      return { kind: 'withdrawal', ...said };
    case 'revision':
      return { kind: 'revision', ...said, to: request.to };
  }
}

/** @returns how many rows parts have together */
export const countRows = (parts: readonly TakenRows[]): number =>
  parts.reduce((sum, part) => sum + part.rows.length, 0);

/** Rows that requests to take back name which wait. */
class RowsOfOthers {
  readonly #p: Publication;
  /** Of the request itself nobody else's are. */
  readonly #read: Set<string>;
  #rows: TakenRows[] = [];

  constructor(p: Publication, id: string) {
    this.#p = p;
    this.#read = new Set([id]);
  }

  async read(): Promise<void> {
    for (const { id } of this.#p.takings.openTo(null)) {
      if (this.#read.has(id)) continue;
      this.#rows = mergeTaken([...this.#rows, ...((await rowsOfRequest(this.#p, id)) ?? [])]);
      this.#read.add(id);
    }
  }

  isComplete(): boolean {
    return this.#p.takings.openTo(null).every(({ id }) => this.#read.has(id));
  }

  /** @param parts merged @returns how many of their rows are named by nobody else */
  without(parts: readonly TakenRows[]): number {
    return countRows(mergeTaken([...this.#rows, ...parts])) - countRows(this.#rows);
  }
}

/** @returns the rows that a request names; null when its object is gone */
export async function rowsOfRequest(p: Publication, id: string): Promise<TakenRows[] | null> {
  const bytes = await p.privateBucket.get(requestKey(id));
  return bytes === null ? null : parseRequest(bytes);
}

const replyOf = ({ hour, done }: AskedRequest): TakeBackReply =>
  done && hour !== null ? { kind: 'taken', hour } : { kind: 'waiting' };
