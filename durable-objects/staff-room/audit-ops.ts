/**
 * @module The audit log: who did what and when, never about a patient. Append-only, held by triggers (schema.ts);
 * each entry carries a hash over the one before it, so that an entry changed behind the object's back is found. Each 500th
 * hash is kept a second time: a page verifies what came since, and the object's alarm goes through the whole log in slices,
 * so that no length of it holds a colleague up.
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
interface AuditEntry extends AuditRecord {
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

/** What was found. */
export interface AuditFound {
  /** Newest first. */
  readonly entries: readonly AuditEntry[];
  /** Where to go on, as `before`; null when everything was looked through. */
  readonly before: number | null;
}

/** What is known of the chain. */
export interface AuditChain {
  /** The first entry that does not follow from the one before it, or null while none is known. */
  readonly broken: number | null;
  /** Unix seconds at which the whole log was last gone through, or null before the first time. */
  readonly wholeAt: number | null;
}

type Row = { id: number; at: number; who: string; what: string; detail: string; chain: string };
type Pass = { id: number; chain: string; whole_at: number | null; broken: number | null };

/** Entries on a page. */
export const AUDIT_PAGE = 50;
/** Entries that one search looks at, some 8 ms; the next page goes on. */
export const AUDIT_SEARCHED = 20_000;
/** Entries between two checkpoints, and in a slice of the whole: some 4 ms, whatever there is before (80,000 at once took 0.76 s). */
export const AUDIT_SLICE = 500;
/** The whole log is gone through once a day. */
const PASS_EVERY_SECONDS = 86_400;

const linkOf = (previous: string, at: number, { who, what, detail }: AuditRecord): string =>
  toHex(sha256(utf8(JSON.stringify([previous, at, who, what, detail]))));

/** Appends an entry, and its checkpoint when one is due: both or neither, there is no await between. @param now Unix seconds */
export function appendAudit(sql: SqlStorage, record: AuditRecord, now: number): void {
  const last = sql.exec<{ chain: string }>('SELECT chain FROM audit ORDER BY id DESC LIMIT 1').toArray()[0];
  const { who, what, detail } = record;
  const chain = linkOf(last?.chain ?? '', now, record);
  const { id } = sql
    .exec<{ id: number }>(
      'INSERT INTO audit (at, who, what, detail, chain) VALUES (?, ?, ?, ?, ?) RETURNING id',
      now,
      who,
      what,
      detail,
      chain,
    )
    .one();
  if (id % AUDIT_SLICE === 0) sql.exec('INSERT INTO audit_checkpoint VALUES (?, ?)', id, chain);
}

/** @returns at most {@link AUDIT_PAGE} entries of the {@link AUDIT_SEARCHED} before `before`, newest first */
export function searchAudit(sql: SqlStorage, { text, from, to, before }: AuditSearch): AuditFound {
  const newest = sql.exec<{ id: number | null }>('SELECT MAX(id) AS id FROM audit').one().id ?? 0;
  const below = Math.min(before ?? newest + 1, newest + 1);
  const lowest = below - AUDIT_SEARCHED;
  const entries = sql
    .exec<Row>(
      `SELECT * FROM audit WHERE id < ?4 AND id >= ?5
       AND (?1 IS NULL OR instr(lower(who || char(10) || what || char(10) || detail), lower(?1)))
       AND (?2 IS NULL OR at >= ?2) AND (?3 IS NULL OR at < ?3)
       ORDER BY id DESC LIMIT ${AUDIT_PAGE}`,
      text,
      from,
      to,
      below,
      lowest,
    )
    .toArray()
    .map(({ id, at, who, what, detail }) => ({ id, at, who, what, detail }));
  const goesOn = entries.length === AUDIT_PAGE ? (entries.at(-1)?.id ?? 0) : lowest;
  return { entries, before: goesOn > 1 ? goesOn : null };
}

/** @returns what is known of the chain, after verifying what came since the last checkpoint */
export function auditChain(sql: SqlStorage): AuditChain {
  const last = sql
    .exec<{ id: number; chain: string }>('SELECT id, chain FROM audit_checkpoint ORDER BY id DESC LIMIT 1')
    .toArray()[0] ?? { id: 0, chain: '' };
  // A checkpoint's own entry is looked at again: the log may have been cut before it.
  const { broken } = verifySlice(sql, last.id, last.chain);
  const cut = broken === null && last.id > 0 && !exists(sql, last.id) ? last.id : broken;
  const pass = passOf(sql);
  return { broken: pass.broken ?? cut, wholeAt: pass.whole_at };
}

/**
 * Verifies one more slice of the whole log; a pass begins a day after the last one ended. A crash before the end of a slice
 * leaves it to be verified again.
 *
 * @param now Unix seconds
 * @returns whether the pass goes on
 */
export function verifyNextSlice(sql: SqlStorage, now: number): boolean {
  const pass = passOf(sql);
  if (pass.id === 0 && pass.whole_at !== null && now < pass.whole_at + PASS_EVERY_SECONDS) return false;
  const { broken, id, chain } = verifySlice(sql, pass.id, pass.chain);
  if (broken === null && id > pass.id) {
    sql.exec('UPDATE audit_pass SET id = ?, chain = ?', id, chain);
    return true;
  }
  const missing = sql.exec<{ id: number }>('SELECT id FROM audit_checkpoint WHERE id > ? ORDER BY id LIMIT 1', id);
  const found = broken ?? missing.toArray()[0]?.id ?? null;
  sql.exec("UPDATE audit_pass SET id = 0, chain = '', whole_at = ?, broken = ?", now, found);
  return false;
}

/** Verifies entries after one whose hash is known. */
function verifySlice(sql: SqlStorage, after: number, chainThere: string) {
  const checkpoints = new Map(
    sql
      .exec<{ id: number; chain: string }>(
        'SELECT id, chain FROM audit_checkpoint WHERE id > ? ORDER BY id LIMIT 2',
        after,
      )
      .toArray()
      .map(({ id, chain }) => [id, chain]),
  );
  let [id, previous] = [after, chainThere];
  for (const row of sql.exec<Row>(`SELECT * FROM audit WHERE id > ? ORDER BY id LIMIT ${AUDIT_SLICE}`, after)) {
    const whole = row.chain === linkOf(previous, row.at, row) && row.chain === (checkpoints.get(row.id) ?? row.chain);
    if (!whole) return { broken: row.id, id, chain: previous };
    [id, previous] = [row.id, row.chain];
  }
  return { broken: null, id, chain: previous };
}

const exists = (sql: SqlStorage, id: number): boolean =>
  sql.exec('SELECT 1 FROM audit WHERE id = ?', id).toArray().length > 0;

const passOf = (sql: SqlStorage): Pass => sql.exec<Pass>('SELECT id, chain, whole_at, broken FROM audit_pass').one();
