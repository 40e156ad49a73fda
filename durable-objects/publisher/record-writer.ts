/**
 * @module PLANNED: the private record of a set (docs/architecture.md §5.8). Everything published is built from it, so a
 * rebuild takes the same path as the first publication.
 *
 * `sets/<hour>/<day>-<n>.bin` holds rows in published order (domain/publication/packed-keys.ts) that all leave at the
 * midnight of `day`, so that retention deletes whole objects; `openings/<hour>/<day>-<n>.bin` their withdrawal hashes; `issues/<hour>/<day>-<n>.bin` holds the issue ids of
 * those rows (domain/publication/issue-groups.ts), sealed to the undo key; `sets/<hour>/set.json` says what the set is. Boundaries and groups are a function of the
 * set alone. Sealed bytes are new each time, so of these the first stays, and names the part that it belongs to.
 *
 * Rows that no export can hold go to `quarantine/<hour>/rows.bin` (quarantine.ts).
 *
 * Durable order: parts, what was put aside, then set.json, then the row PLANNED in the object's store. A crash before that row repeats the
 * step, which finds its own objects and compares them; the buffer keeps the set until it is INDEXED everywhere.
 */
import { REVISED_TYPES } from '../../protocol/gaen/keys.ts';
import { fromHex, toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { WITHDRAWAL_HASH_BYTES } from '../../protocol/withdrawal.ts';
import { cutDay } from '../../domain/embargo.ts';
import { GROUP_BYTES, ISSUES_USE, layIssues, type IssueGroup } from '../../domain/publication/issue-groups.ts';
import { countedAs } from '../../domain/publication/feeds.ts';
import { isRevisable } from '../../domain/publication/revision.ts';
import { recipientKey, sealPages } from '../../domain/sealed-pages.ts';
import {
  REPORT_TYPE_OFFSET,
  ROW_BYTES,
  SORT_BYTES,
  rowProvenance,
  rowStart,
  type Provenance,
} from '../../domain/publication/packed-keys.ts';
import {
  issuesKey,
  objectsOf,
  openingsKey,
  partKey,
  publishingRegions,
  quarantineKey,
  setKey,
  type RecordPart,
  type SetRecord,
} from '../../domain/publication/record.ts';
import type { KeyPage } from '../submission-buffer/contract.ts';
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import { putFirst, putOnce } from './bucket.ts';
import { Quarantine } from './quarantine.ts';

import type { Publication } from './publication.ts';

/** 20,000 rows are 880 KB with their withdrawal hashes; at most 17 parts are open at once, one per day that keys may leave. */
const PART_ROWS = 20_000;
/** Pages are short, since each is left to two garbage collectors, the buffer's and the publisher's. */
const PAGE_ROWS = 5_000;
/** Sealed issue ids are padded to a multiple of this. */
const ISSUES_BLOCK_BYTES = 4_096;

const randomBytes = (n: number): Uint8Array => crypto.getRandomValues(new Uint8Array(n));

/** The buffer didn't answer, for whatever reason; nothing else is thrown as this. */
export class BufferOutOfReach extends Error {
  override readonly name = 'BufferOutOfReach';
}

/** @returns what the buffer answers. @throws BufferOutOfReach for any failure of the call */
export async function reach<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    throw new BufferOutOfReach(cause instanceof Error ? cause.message : 'out of reach', { cause });
  }
}

/** The record of an hour that publishes no key: nothing is written for it. */
export function emptyRecord(hour: number, regions: readonly string[]): SetRecord {
  const none = Object.fromEntries(regions.map((region) => [region, 0]));
  return { hour, setNo: null, keys: 0, regionKeys: none, syntheticKeys: none, provenances: {}, parts: [] };
}

/**
 * Pages through a frozen set and writes its record.
 *
 * @param hour the hour the set is published in
 * @param setNo of the buffer
 * @returns the record, with every object in the private bucket
 */
export async function writeRecord(p: Publication, hour: number, setNo: number): Promise<SetRecord> {
  const writer = new RecordWriter(p, hour);
  let after: Uint8Array | null = null;
  for (;;) {
    const page: KeyPage = await reach(p.buffer.page(setNo, after, PAGE_ROWS));
    await writer.add(page);
    if (page.last) break;
    // Of the page as it came: paging goes on behind a row that was put aside, too.
    after = page.rows.slice(page.rows.length - ROW_BYTES);
  }
  return writer.finish(setNo);
}

interface OpenPart {
  readonly day: number;
  n: number;
  rows: Uint8Array;
  openings: Uint8Array;
  count: number;
  regionKeys: Record<string, number>;
  /** Of each row the number of its group, two bytes. */
  groups: Uint8Array;
  reserve: Record<string, number>;
  /** Of the reserve, by report type. */
  revisable: Record<number, Record<string, number>>;
}

class RecordWriter {
  readonly #p: Publication;
  readonly #hour: number;
  readonly #open = new Map<number, OpenPart>();
  readonly #parts: RecordPart[] = [];
  readonly #provenances: Record<number, Provenance> = {};
  readonly #synthetic: Record<string, number> = {};
  readonly #quarantine: Quarantine;
  #issueGroups: readonly IssueGroup[] = [];
  #feeds: readonly string[] = [];
  /** Name → hash of what was put. */
  readonly #put = new Map<string, string>();
  #keys = 0;

  constructor(p: Publication, hour: number) {
    this.#p = p;
    this.#hour = hour;
    this.#quarantine = new Quarantine(hour, p.config.policy.retentionDays);
    for (const region of p.config.regions) this.#synthetic[region] = 0;
  }

  async add(given: KeyPage): Promise<void> {
    const page = this.#quarantine.sift(given);
    this.#issueGroups = page.issueGroups;
    this.#feeds = page.feeds;
    const regionsOf = new Map<number, readonly string[]>();
    for (const [id, provenance] of Object.entries(page.provenances)) {
      regionsOf.set(Number(id), publishingRegions(this.#p.config.regions, this.#p.config.unionRegion, provenance));
    }
    // Rows come sorted, so neighbours mostly share start, period and provenance: such a stretch is copied at once.
    for (let from = 0; from < page.rows.length;) {
      const to = stretchEnd(page.rows, from);
      await this.#addStretch(page, from, to, regionsOf);
      from = to;
    }
  }

  async #addStretch(
    page: KeyPage,
    first: number,
    end: number,
    regionsOf: ReadonlyMap<number, readonly string[]>,
  ): Promise<void> {
    const id = rowProvenance(page.rows, first);
    const provenance = page.provenances[id]!;
    this.#provenances[id] = provenance;
    const part = this.#partFor(
      cutDay(rowStart(page.rows, first), page.rows[first + 4]!, this.#p.config.policy.retentionDays),
    );
    for (let from = first; from < end;) {
      const to = Math.min(end, from + (PART_ROWS - part.count) * ROW_BYTES);
      const rows = (to - from) / ROW_BYTES;
      part.rows.set(page.rows.subarray(from, to), part.count * ROW_BYTES);
      const hashes = page.openings.subarray(hashAt(from), hashAt(to));
      part.openings.set(hashes, part.count * WITHDRAWAL_HASH_BYTES);
      for (const region of regionsOf.get(id)!) {
        part.regionKeys[region] = (part.regionKeys[region] ?? 0) + rows;
        if (provenance.synthetic) this.#synthetic[region]! += rows;
      }
      if (provenance.reserve === true) {
        const [home = ''] = this.#p.config.regions;
        for (const name of [...regionsOf.get(id)!, countedAs(provenance, home)]) {
          part.reserve[name] = (part.reserve[name] ?? 0) + rows;
          countRevisable(part.revisable, page.rows.subarray(from, to), name);
        }
      }
      const numbers = page.groups.subarray((from / ROW_BYTES) * GROUP_BYTES, (to / ROW_BYTES) * GROUP_BYTES);
      part.groups.set(numbers, part.count * GROUP_BYTES);
      part.count += rows;
      this.#keys += rows;
      if (part.count === PART_ROWS) await this.#flush(part);
      from = to;
    }
  }

  async finish(setNo: number): Promise<SetRecord> {
    for (const part of this.#open.values()) if (part.count > 0) await this.#flush(part);
    const quarantined = this.#quarantine.rows;
    if (quarantined > 0) {
      await this.#putObject(quarantineKey(this.#hour), this.#quarantine.bytes(), 'application/octet-stream');
    }
    const parts = this.#parts.toSorted((a, b) => a.day - b.day || a.n - b.n);
    const regionKeys = Object.fromEntries(
      this.#p.config.regions.map((region) => [
        region,
        parts.reduce((n, part) => n + (part.regionKeys[region] ?? 0), 0),
      ]),
    );
    const record: SetRecord = {
      hour: this.#hour,
      setNo,
      keys: this.#keys,
      regionKeys,
      syntheticKeys: this.#synthetic,
      provenances: this.#provenances,
      parts,
      ...(this.#feeds.length > 0 ? { feeds: this.#feeds } : {}),
      ...(quarantined > 0 ? { quarantined } : {}),
    };
    await this.#putObject(setKey(this.#hour), utf8(JSON.stringify(record)), 'application/json');
    const objects = objectsOf(record, this.#p.config.policy.retentionDays);
    return { ...record, objects: objects.map((object) => ({ ...object, sha256: this.#put.get(object.name)! })) };
  }

  async #putObject(name: string, bytes: Uint8Array, contentType: string): Promise<void> {
    await putOnce(this.#p.privateBucket, name, bytes, privateMeta(contentType));
    this.#put.set(name, toBase64Url(sha256(bytes)));
  }

  #partFor(day: number): OpenPart {
    let part = this.#open.get(day);
    if (part === undefined) {
      const [rows, groups] = [new Uint8Array(PART_ROWS * ROW_BYTES), new Uint8Array(PART_ROWS * GROUP_BYTES)];
      const openings = new Uint8Array(PART_ROWS * WITHDRAWAL_HASH_BYTES);
      part = { day, n: 0, rows, openings, groups, count: 0, regionKeys: {}, reserve: {}, revisable: {} };
      this.#open.set(day, part);
    }
    return part;
  }

  async #flush(part: OpenPart): Promise<void> {
    const { day, n, count, regionKeys, reserve, revisable } = part;
    const bytes = part.rows.subarray(0, count * ROW_BYTES);
    const groups = part.groups.subarray(0, count * GROUP_BYTES);
    const issues = groups.some((byte) => byte > 0);
    await this.#putObject(partKey(this.#hour, part), bytes, 'application/octet-stream');
    const openings = part.openings.subarray(0, count * WITHDRAWAL_HASH_BYTES);
    await this.#putObject(openingsKey(this.#hour, part), openings, 'application/octet-stream');
    if (issues) await this.#putIssues(part, groups);
    const setAside = Object.keys(reserve).length > 0 ? { reserve } : {};
    const toSayAnew = Object.keys(revisable).length > 0 ? { revisable } : {};
    this.#parts.push({ day, n, rows: count, regionKeys, issues, openings: true, ...setAside, ...toSayAnew });
    Object.assign(part, { n: n + 1, count: 0, regionKeys: {}, reserve: {}, revisable: {} });
  }

  /** Sealed in one page, so that its length says how many rows and sources there are, which the record and the books say too. */
  async #putIssues({ day, n }: OpenPart, groups: Uint8Array): Promise<void> {
    const name = issuesKey(this.#hour, { day, n });
    const seal = async (): Promise<Uint8Array> => {
      const plain = layIssues({ hour: this.#hour, day, n }, this.#issueGroups, groups);
      const pageBytes = Math.ceil(plain.length / ISSUES_BLOCK_BYTES) * ISSUES_BLOCK_BYTES;
      const key = await recipientKey(this.#p.config.undoPublicKey);
      return sealPages(key, randomBytes, ISSUES_USE, 1, (page) => page.set(plain), pageBytes);
    };
    const ofPart = this.#put.get(partKey(this.#hour, { day, n }))!;
    const hash = await putFirst(this.#p.privateBucket, name, seal, privateMeta('application/octet-stream'), ofPart);
    this.#put.set(name, toBase64Url(fromHex(hash)));
  }
}

/** Counts rows by the report types that can come to be another. */
function countRevisable(counts: OpenPart['revisable'], rows: Uint8Array, name: string): void {
  for (let row = 0; row < rows.length; row += ROW_BYTES) {
    const type = rows[row + REPORT_TYPE_OFFSET]!;
    if (!REVISED_TYPES.some((to) => isRevisable(type, to))) continue;
    const ofType = (counts[type] ??= {});
    ofType[name] = (ofType[name] ?? 0) + 1;
  }
}

/** @returns offset of a row's withdrawal hash */
const hashAt = (row: number): number => (row / ROW_BYTES) * WITHDRAWAL_HASH_BYTES;

/** @returns offset of the first row after `from` that differs in start, period or provenance */
function stretchEnd(rows: Uint8Array, from: number): number {
  let to = from + ROW_BYTES;
  for (; to < rows.length; to += ROW_BYTES) {
    for (let i = 0; i < 5; i++) if (rows[to + i] !== rows[from + i]) return to;
    for (let i = SORT_BYTES; i < ROW_BYTES; i++) if (rows[to + i] !== rows[from + i]) return to;
  }
  return to;
}

function privateMeta(contentType: string): ObjectMeta {
  return { contentType, cacheControl: 'no-store', expires: null };
}
