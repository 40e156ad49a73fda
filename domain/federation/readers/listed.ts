/**
 * @module Google's `index.txt` (docs/spec/google.md §3.6), a list that nobody signed: what is fetched is signed all the same; that something is withheld can't be noticed by the list.
 *
 * A server may split a batch over several files (batch_num 1..batch_size, docs/spec/gaen.md §4.4; Google's own says 1 of 1 in each, docs/spec/google.md §3.4). They are one batch here, named by the last of its files, and come in
 * together. While one is missing the peer waits, and the fault says which; after a day it goes on with what is there, since each key stands by itself and those behind it would wait as well.
 */
import { MAX_ZIP_BYTES } from '../../../protocol/export/export-reader.ts';
import { type FeedFile, MAX_FEED_KEYS } from '../../../protocol/export/feed-reader.ts';
import { SECONDS_PER_DAY } from '../../../protocol/gaen/intervals.ts';
import { INDEX_PATH, MAX_INDEX_BYTES, parseGoogleIndex } from '../../../protocol/index/google-index.ts';
import { utf8 } from '../../../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../../../protocol/primitives/result.ts';
import type { InboundKey } from '../inbound.ts';
import { keysOf, verifiedExport } from './export.ts';
import { type FeedReader, get, nameOf, type ReadBatch, type ReadFault, type ReadPorts } from './reader.ts';

/** As `origin` takes them, and the portal's forms: what is longer could be set aside and never thrown away. */
const MAX_NAME = 100;
/** So many questions in one poll; together they are no larger than one file may be. */
const MOST_PARTS = 50;
/** A file and the next are written within minutes, and the index behind both: what isn't there a day after its batch ended is lost. */
const PARTS_WAIT_SECONDS = SECONDS_PER_DAY;

/** Reads `{RemoteRegionURL}/index.txt`. Its names are relative to the address above, where they begin with the address's own last folder. */
export const googleReader: FeedReader = {
  async following(last, ports) {
    const listed = await namesOf(ports);
    if (!listed.ok) return listed;
    const names = listed.value;
    if (last !== null && names.length > 0 && names.at(-1)! < last) return err({ kind: 'rewound', what: names.at(-1)! });
    const next = names.filter((name) => last === null || name > last);
    if (next[0] === undefined) return ok({ batch: null, recommendedNextPollTime: null });
    const found = await gather(next[0], next, ports);
    if (!found.ok) return found;
    const { parts, missing } = found.value;
    const { size, file } = parts[0]!;
    const hasGap = missing.length > 0;
    const age = 'tooMany' in file ? 0 : ports.now() - file.header.endTimestamp;
    // One of the future would be waited for without an end.
    if (hasGap && age >= 0 && age < PARTS_WAIT_SECONDS) {
      return err({ kind: 'gap', what: `part ${missing.join(', ')} of ${size}, beside ${next[0]}` });
    }
    return ok({ batch: joined(parts, ports), recommendedNextPollTime: null, hasGap });
  },
  async batch(id, ports) {
    const found = await readPart(id, ports);
    if (!found.ok) return found;
    const { size } = found.value;
    if (size === 1) return ok(joined([found.value], ports));
    const listed = await namesOf(ports);
    if (!listed.ok) return listed;
    // Named by its last file: the others lie right before it.
    const before = listed.value.filter((name) => name <= id).slice(-size);
    const whole = await gather(id, before, ports);
    return whole.ok ? ok(joined(whole.value.parts, ports)) : whole;
  },
};

/** @returns names of files in their order */
async function namesOf(ports: ReadPorts): Promise<Result<readonly string[], ReadFault>> {
  const got = await get(ports, `/${INDEX_PATH}`, MAX_INDEX_BYTES);
  if (!got.ok) return got;
  if (got.value.status === 404) return err({ kind: 'status', what: '404' });
  const names = parseGoogleIndex(got.value.body, ports.config.RemoteRegionURL);
  if (!names.ok) return err({ kind: 'format', what: names.error });
  return names.value.every((name) => name.length <= MAX_NAME)
    ? names
    : err({ kind: 'format', what: 'a name in index.txt' });
}

/** One file, believed to be the peer's. */
interface Part {
  readonly name: string;
  readonly sha256: string;
  /** tooMany: it has so many keys, more than are read. */
  readonly file: FeedFile | { readonly tooMany: number };
  readonly num: number;
  readonly size: number;
  /** Of the ZIP. */
  readonly bytes: number;
}

/**
 * @param known name of one of the parts
 * @param names in which all are, in their order
 * @returns parts of its batch in the order of their names, and the numbers of which there is none
 */
async function gather(
  known: string,
  names: readonly string[],
  ports: ReadPorts,
): Promise<Result<{ readonly parts: readonly Part[]; readonly missing: readonly number[] }, ReadFault>> {
  const own = await readPart(known, ports);
  if (!own.ok) return own;
  const { size } = own.value;
  if (size > MOST_PARTS) return err({ kind: 'format', what: `a batch of ${size} files` });
  const parts: Part[] = [];
  let bytes = 0;
  for (const name of names) {
    if (parts.length === size) break;
    const found = name === known ? own : await readPart(name, ports);
    if (!found.ok) {
      // In the list, and not there: one that is missing. What isn't signed is none of these, and its own fault later.
      if (found.error.kind === 'gap') continue;
      if (found.error.kind === 'signature' || found.error.kind === 'format') break;
      return found;
    }
    if (!isOfOneBatch(own.value, found.value)) {
      if (parts.includes(own.value)) break;
      continue;
    }
    if (parts.some(({ num }) => num === found.value.num)) break;
    parts.push(found.value);
    bytes += found.value.bytes;
    if (bytes > MAX_ZIP_BYTES) {
      return err({ kind: 'format', what: `more than ${MAX_ZIP_BYTES} bytes in ${size} files` });
    }
  }
  const had = new Set(parts.map(({ num }) => num));
  const missing = Array.from({ length: size }, (_, n) => n + 1).filter((num) => !had.has(num));
  return ok({ parts, missing });
}

/** Files of one window and region that say so; a split may add seconds to the end of each (docs/spec/gaen.md §4.4). */
function isOfOneBatch(one: Part, other: Part): boolean {
  if ('tooMany' in one.file || 'tooMany' in other.file) return one === other;
  const [a, b] = [one.file.header, other.file.header];
  const isWindow = a.startTimestamp === b.startTimestamp && Math.abs(a.endTimestamp - b.endTimestamp) <= one.size;
  return isWindow && a.region === b.region && one.size === other.size;
}

/** @param parts of one batch, at least one */
function joined(parts: readonly Part[], { config }: ReadPorts): ReadBatch {
  const names = parts.map(({ sha256 }) => sha256);
  const about = { id: parts.at(-1)!.name, sha256: names.length === 1 ? names[0]! : nameOf(utf8(names.join('\n'))) };
  const files = parts.map(({ file }) => file);
  const count = files.reduce((sum, file) => sum + ('tooMany' in file ? file.tooMany : file.count), 0);
  if (count > MAX_FEED_KEYS) return { ...about, count: 0, keys: [], tooMany: count };
  const keys: Iterable<InboundKey> = {
    *[Symbol.iterator]() {
      for (const file of files) if (!('tooMany' in file)) yield* keysOf(file, config.RegionID, false);
    },
  };
  return { ...about, count, keys };
}

async function readPart(name: string, ports: ReadPorts): Promise<Result<Part, ReadFault>> {
  const got = await get(ports, `/${name}`, MAX_ZIP_BYTES);
  if (!got.ok) return got;
  if (got.value.status === 404) return err({ kind: 'gap', what: name });
  const { body } = got.value;
  const read = verifiedExport(body, ports.keys);
  if (!read.ok) return read;
  const { num, size } = 'tooMany' in read.value ? { num: 1, size: 1 } : read.value.part;
  return ok({ name, sha256: nameOf(body), bytes: body.length, file: read.value, num, size });
}
