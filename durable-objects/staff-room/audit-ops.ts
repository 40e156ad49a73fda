/**
 * @module The audit log: who did what and when, never about a patient. Append-only, held by triggers (schema.ts);
 * each entry carries a hash over the one before it, so that an entry changed behind the object's back is found.
 */
import { toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';

/** What is written. */
export interface AuditRecord {
  /** Subject of the identity. */
  readonly who: string;
  /** One of the portal's action names, e.g. `teletan.issue`. */
  readonly what: string;
  /** Facts of the action: counts, dates, ids of batches. Never a code, never free text. */
  readonly detail: string;
}

/** An entry as it is read. */
export interface AuditEntry extends AuditRecord {
  readonly id: number;
  /** Unix seconds. */
  readonly at: number;
}

/** What is looked for; a null matches everything. */
export interface AuditSearch {
  /** Part of who, what or detail; case doesn't matter. */
  readonly text: string | null;
  /** Unix seconds, inclusive. */
  readonly from: number | null;
  /** Unix seconds, exclusive. */
  readonly to: number | null;
  /** Only entries before this id, for the next page. */
  readonly before: number | null;
}

type Row = { id: number; at: number; who: string; what: string; detail: string; chain: string };

/** Entries on a page. */
export const AUDIT_PAGE = 50;

const linkOf = (previous: string, at: number, { who, what, detail }: AuditRecord): string =>
  toHex(sha256(utf8(JSON.stringify([previous, at, who, what, detail]))));

/** Appends an entry. @param now Unix seconds */
export function appendAudit(sql: SqlStorage, record: AuditRecord, now: number): void {
  const last = sql.exec<{ chain: string }>('SELECT chain FROM audit ORDER BY id DESC LIMIT 1').toArray()[0];
  const { who, what, detail } = record;
  const chain = linkOf(last?.chain ?? '', now, record);
  sql.exec('INSERT INTO audit (at, who, what, detail, chain) VALUES (?, ?, ?, ?, ?)', now, who, what, detail, chain);
}

/** @returns at most {@link AUDIT_PAGE} entries, newest first */
export function searchAudit(sql: SqlStorage, { text, from, to, before }: AuditSearch): AuditEntry[] {
  return sql
    .exec<Row>(
      `SELECT * FROM audit WHERE (?1 IS NULL OR instr(lower(who || char(10) || what || char(10) || detail), lower(?1)))
       AND (?2 IS NULL OR at >= ?2) AND (?3 IS NULL OR at < ?3) AND (?4 IS NULL OR id < ?4)
       ORDER BY id DESC LIMIT ${AUDIT_PAGE}`,
      text,
      from,
      to,
      before,
    )
    .toArray()
    .map(({ id, at, who, what, detail }) => ({ id, at, who, what, detail }));
}

/** @returns the id of the first entry that does not follow from the one before it, or null when all do */
export function firstBrokenLink(sql: SqlStorage): number | null {
  let previous = '';
  for (const row of sql.exec<Row>('SELECT * FROM audit ORDER BY id')) {
    if (row.chain !== linkOf(previous, row.at, row)) return row.id;
    previous = row.chain;
  }
  return null;
}
