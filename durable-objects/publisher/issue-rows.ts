/**
 * @module Which published rows a rollback means (docs/rollback.md): the records' sealed issue ids are opened with the undo key, which is an argument of this call alone and is kept nowhere.
 * Reads alone. Decoys are never meant: a forger could tell them by what ends with its own keys.
 */
import { countStep } from '../../domain/rollback-counts.ts';
import type { PublishedKeys, RollbackWait } from '../../domain/rollback.ts';
import { ISSUES_USE, type PartIssues, readIssues } from '../../domain/publication/issue-groups.ts';
import { ROW_BYTES, rowProvenance } from '../../domain/publication/packed-keys.ts';
import {
  issuesKey,
  partKey,
  publishingRegions,
  takenUpTo,
  type RecordPart,
  type SetRecord,
} from '../../domain/publication/record.ts';
import { mergeTaken, parseTaken, takenKey, type TakenRows } from '../../domain/publication/taken.ts';
import { openerKey, openPages } from '../../domain/sealed-pages.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { pause } from '../pace.ts';
import type { Publication } from './publication.ts';
import { PARTS_AT_ONCE } from './takable-rows.ts';
import { keepRequest } from './take-back.ts';
import { waitOf } from './waits.ts';

/** What was found. */
interface IssueRows {
  readonly parts: readonly TakenRows[];
  readonly days: readonly PublishedKeys[];
  /** Ids that are mixed with the wanted ones. */
  readonly others: readonly string[];
}

/** The key doesn't open what was sealed: shares of another key, or an object that was damaged. */
class UndoKeyError extends Error {
  override readonly name = 'UndoKeyError';
}

/** The key that was handed in opens nothing. */
type BadKey = { readonly kind: 'bad-key'; readonly reason: string };
export type PublishedIssuesReply =
  | ({
      readonly kind: 'found';
      readonly regions: readonly string[];
      /** In which counts may be told (domain/rollback-counts.ts), keys. */
      readonly step: number;
    } & Pick<IssueRows, 'days' | 'others'>)
  | BadKey;
/** sealing: an hour is being written; ask again. kept: durably; how many rows nobody had asked for before, and what they wait for. */
export type TakeBackIssuesReply =
  | { readonly kind: 'sealing' }
  | { readonly kind: 'kept'; readonly rows: number; readonly wait: RollbackWait | null }
  | BadKey;

/** Whose rows are to be taken back. */
export interface IssuesRequest {
  /** A random UUID. */
  readonly id: string;
  readonly issueIds: readonly string[];
  /** PKCS#8 PEM, kept nowhere; several, one after the other, where hours were sealed to a former undo key, too (docs/rotation.md). */
  readonly undoKey: string;
  /** Number of the set up to which sets may have such rows. */
  readonly throughSet: number;
}

/** Which published rows have these issue ids. @param undoKey PKCS#8 PEM, kept nowhere */
export async function publishedIssues(
  p: Publication,
  issueIds: readonly string[],
  undoKey: string,
): Promise<PublishedIssuesReply> {
  return openedWith(async () => {
    const { days, others } = await rowsOfIssues(p, issueIds, undoKey);
    return { kind: 'found', regions: p.config.regions, step: countStep(p.config.policy), days, others };
  });
}

/** Keeps a request for the rows that have these issue ids (take-back.ts). */
export async function takeBackIssues(
  p: Publication,
  { id, issueIds, undoKey, throughSet }: IssuesRequest,
): Promise<TakeBackIssuesReply> {
  // Of a set that is not recorded, or not even heard of, nobody knows the rows, and a request is kept once.
  if (p.store.hoursIn('FROZEN').length > 0 || p.store.lastSet() < throughSet) return { kind: 'sealing' };
  return openedWith(async () => {
    const { parts } = await rowsOfIssues(p, issueIds, undoKey);
    if (parts.length > 0) await keepRequest(p, { id, cause: 'rollback', parts });
    return { kind: 'kept', rows: p.takings.request(id)?.rows ?? 0, wait: await waitOf(p, id) };
  });
}

/** An exception would lose its class on the way to the caller. */
async function openedWith<T>(work: () => Promise<T>): Promise<T | BadKey> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UndoKeyError) return { kind: 'bad-key', reason: error.message };
    throw error;
  }
}

/**
 * @param issueIds whose rows are wanted
 * @param undoKey PKCS#8 PEM of the undo key's private half, or of several
 * @throws UndoKeyError naming the object that it doesn't open; Error for a record that lacks an object
 */
async function rowsOfIssues(p: Publication, issueIds: readonly string[], undoKey: string): Promise<IssueRows> {
  const search = new Search(p, issueIds, await privateKeys(undoKey));
  const today = Math.floor(p.now / SECONDS_PER_DAY);
  const parts = p.store
    .hoursBetween(0, Number.MAX_SAFE_INTEGER)
    .flatMap(({ record }) => (record?.parts ?? []).map((part) => ({ record: record!, part })))
    .filter(({ part }) => part.day > today);
  for (let at = 0; at < parts.length; at += PARTS_AT_ONCE) {
    await Promise.all(parts.slice(at, at + PARTS_AT_ONCE).map(({ record, part }) => search.visit(record, part)));
    await pause();
  }
  return search.found();
}

/** While the undo key is changed there are two; more were never asked for at once. */
const MOST_KEYS = 3;

async function privateKeys(pems: string): Promise<readonly CryptoKey[]> {
  // Each ends where the next begins; what lies between is nobody's, and refused with its key.
  const each = pems.split(/(?<=-----END PRIVATE KEY-----)\s*(?=\S)/);
  try {
    if (each.length <= MOST_KEYS) return await Promise.all(each.map((pem) => openerKey(pem)));
  } catch {
    // What the library says of it helps nobody.
  }
  throw new UndoKeyError(`the undo key must be a P-256 private key in PEM (PKCS#8), or ${MOST_KEYS} at most`);
}

class Search {
  readonly #p: Publication;
  readonly #wanted: ReadonlySet<string>;
  readonly #keys: readonly CryptoKey[];
  readonly #parts: TakenRows[] = [];
  readonly #days = new Map<string, { day: number; region: string; meant: number; mixed: number; all: number }>();
  readonly #others = new Set<string>();
  /** Rows that were taken back with an hour and leave on a day, by the name of their object; read once. */
  readonly #taken = new Map<string, Promise<readonly TakenRows[]>>();

  constructor(p: Publication, issueIds: readonly string[], keys: readonly CryptoKey[]) {
    this.#p = p;
    this.#wanted = new Set(issueIds);
    this.#keys = keys;
  }

  async visit(record: SetRecord, part: RecordPart): Promise<void> {
    const { hour } = record;
    const taken = await this.#takenOf(hour, part);
    for (const region of this.#p.config.regions) {
      const gone = takenUpTo(part, Infinity).reduce((sum, { regionKeys }) => sum + (regionKeys[region] ?? 0), 0);
      this.#line(hour, region).all += (part.regionKeys[region] ?? 0) - gone;
    }
    if (!part.issues) return;
    const issues = await this.#issuesOf(hour, part);
    const groups = issues.groups.map((group) => {
      const meant = group.some((id) => this.#wanted.has(id));
      const others = meant ? group.filter((id) => !this.#wanted.has(id)) : [];
      return { meant, others };
    });
    if (!groups.some(({ meant }) => meant)) return;
    const rows = await this.#p.privateBucket.get(partKey(hour, part));
    if (rows === null) throw new Error(`the private record lacks ${partKey(hour, part)}`);
    const hits: number[] = [];
    for (let row = 0; row < part.rows; row++) {
      const group = issues.groupOf(row);
      const provenance = record.provenances[rowProvenance(rows, row * ROW_BYTES)];
      if (group === null || !groups[group]!.meant || provenance?.synthetic !== false || taken.has(row)) continue;
      hits.push(row);
      const { others } = groups[group]!;
      for (const id of others) this.#others.add(id);
      for (const region of publishingRegions(this.#p.config.regions, this.#p.config.unionRegion, provenance)) {
        const line = this.#line(hour, region);
        line.meant += 1;
        if (others.length > 0) line.mixed += 1;
      }
    }
    if (hits.length > 0) this.#parts.push({ hour, day: part.day, n: part.n, rows: Uint32Array.from(hits) });
  }

  found(): IssueRows {
    return { parts: mergeTaken(this.#parts), days: [...this.#days.values()], others: [...this.#others].toSorted() };
  }

  #line(hour: number, region: string) {
    const day = Math.floor(hour / 24);
    const name = `${day} ${region}`;
    const line = this.#days.get(name) ?? { day, region, meant: 0, mixed: 0, all: 0 };
    this.#days.set(name, line);
    return line;
  }

  async #issuesOf(hour: number, part: RecordPart): Promise<PartIssues> {
    const name = issuesKey(hour, part);
    const sealed = await this.#p.privateBucket.get(name);
    if (sealed === null) throw new Error(`the private record lacks ${name}`);
    const opened = await this.#open(sealed);
    if (!opened.ok) throw new UndoKeyError(`${name}: ${opened.error}`);
    const read = readIssues(opened.value, { hour, day: part.day, n: part.n }, part.rows);
    if (!read.ok) throw new UndoKeyError(`${name}: ${read.error}`);
    return read.value;
  }

  /** Which key an hour was sealed to isn't written down. */
  async #open(sealed: Uint8Array): ReturnType<typeof openPages> {
    const opened = await Promise.all(this.#keys.map((key) => openPages(key, ISSUES_USE, sealed)));
    return opened.find(({ ok }) => ok) ?? opened[0]!;
  }

  async #takenOf(hour: number, part: RecordPart): Promise<ReadonlySet<number>> {
    const rows = new Set<number>();
    for (const { hour: takenHour } of takenUpTo(part, Infinity)) {
      const name = takenKey(takenHour, part.day);
      const all = this.#taken.get(name) ?? this.#readTaken(name);
      this.#taken.set(name, all);
      for (const one of await all) if (one.hour === hour && one.n === part.n) for (const row of one.rows) rows.add(row);
    }
    return rows;
  }

  async #readTaken(name: string): Promise<readonly TakenRows[]> {
    const bytes = await this.#p.privateBucket.get(name);
    if (bytes === null) throw new Error(`the private bucket lacks ${name}`);
    return parseTaken(bytes);
  }
}
