/**
 * @module Who may come by a professional's card: the subjects on our own list with their roles and provider, and the
 * certificates that are blocked here. A card's certificate says who somebody is, never what they may do.
 */
import { revocationOf } from './authority-ops.ts';

/** One certificate of a path that was validated. */
export interface CardLink {
  /** What a block may name it by: issuer and serial number, public key. */
  readonly marks: readonly string[];
  /** SHA-256 of the public key of the authority that issued it, lowercase hex. */
  readonly authority: string;
  /** Serial number, lowercase hex. */
  readonly serial: string;
}

/** What a card shows. */
export interface CardQuestion {
  /** The card's certificate first, the one below the root last. */
  readonly links: readonly [CardLink, ...CardLink[]];
  /** Marks of the root. */
  readonly rootMarks: readonly string[];
  /** The subject's serialNumber: the professional's number at the authority. */
  readonly holderId: string;
}

/**
 * holder: may come in. blocked: here, by an operator. revoked: by its authority. stale: the authority's list is missing or
 * past its end, so nothing is known. unlisted: not on our list. held: an operator ended this card's sessions.
 */
export type CardAnswer =
  | {
      readonly kind: 'holder';
      readonly subject: string;
      /** See {@link CardHolder.person}; the subject where it is empty. */
      readonly person: string;
      readonly roles: readonly string[];
      readonly provider: string;
    }
  | { readonly kind: 'blocked' | 'revoked' | 'stale' | 'unlisted' | 'held' };

/** An entry of our list. */
export interface CardHolder {
  /** SHA-256 of the public key of the authority that issues the person's cards, lowercase hex. */
  readonly authority: string;
  /** 1..64 characters. */
  readonly holderId: string;
  readonly roles: readonly string[];
  /** 1..100 characters. */
  readonly provider: string;
  /** The person's e-mail address at Access, in lower case, or the same for each of their cards; empty: nobody who comes otherwise (decision 046). */
  readonly person: string;
}

/** An entry as operators see it. */
export interface ListedHolder extends CardHolder {
  readonly subject: string;
  /** An operator ended this card's sessions, and nobody has let the person in again. */
  readonly held: boolean;
}

/** Holders on a page. */
export const HOLDER_PAGE = 50;
/** Blocked certificates that are shown. */
const BLOCKED_SHOWN = 200;

type Row = {
  subject: string;
  authority: string;
  holder_id: string;
  roles: string;
  provider: string;
  held: number;
  person: string;
};

/**
 * @param authority SHA-256 of its public key: a number at one authority is nobody at another
 * @returns the subject of a card's holder, as sessions, quotas and the audit log have it
 */
export const cardSubject = (authority: string, holderId: string): string =>
  `card:${authority.slice(0, 16)}:${holderId}`;

/** @param now Unix seconds @returns whether this card lets somebody in, and as whom */
export function checkCard(sql: SqlStorage, { links, rootMarks, holderId }: CardQuestion, now: number): CardAnswer {
  const marks = [...rootMarks, ...links.flatMap((link) => link.marks)];
  if (marks.some((mark) => isBlocked(sql, mark))) return { kind: 'blocked' };
  for (const { authority, serial } of links) {
    const revocation = revocationOf(sql, authority, serial, now);
    if (revocation !== 'good') return { kind: revocation };
  }
  const subject = cardSubject(links[0].authority, holderId);
  const row = find(sql, subject);
  if (row === null || row.authority !== links[0].authority || row.holder_id !== holderId) return { kind: 'unlisted' };
  if (row.held === 1) return { kind: 'held' };
  return { kind: 'holder', subject, person: row.person || subject, roles: rolesIn(row), provider: row.provider };
}

/** Blocks a certificate by any of its marks. */
export function blockCertificate(sql: SqlStorage, marks: readonly string[], now: number): void {
  for (const mark of marks) sql.exec('INSERT OR IGNORE INTO blocked_certificate VALUES (?, ?)', mark, now);
}

/** @returns what is blocked, the last first */
export function blockedCertificates(sql: SqlStorage): { mark: string; at: number }[] {
  return sql
    .exec<{ mark: string; at: number }>(
      `SELECT mark, at FROM blocked_certificate ORDER BY at DESC, mark LIMIT ${BLOCKED_SHOWN}`,
    )
    .toArray();
}

/** Puts somebody on the list or changes their entry; who is held stays so. */
export function setHolder(sql: SqlStorage, { authority, holderId, roles, provider, person }: CardHolder): void {
  sql.exec(
    `INSERT INTO card_holder VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)
     ON CONFLICT (subject) DO UPDATE SET authority = ?2, holder_id = ?3, roles = ?4, provider = ?5, person = ?6`,
    cardSubject(authority, holderId),
    authority,
    holderId,
    roles.join(' '),
    provider,
    person,
  );
}

/** Takes somebody off the list. */
export function removeHolder(sql: SqlStorage, subject: string): void {
  sql.exec('DELETE FROM card_holder WHERE subject = ?', subject);
}

/** Keeps a card out, or lets it in again. */
export function holdCard(sql: SqlStorage, subject: string, held: boolean): void {
  sql.exec('UPDATE card_holder SET held = ? WHERE subject = ?', held ? 1 : 0, subject);
}

/** @param after the last subject of the page before, or '' @returns a page of the list, by subject */
export function cardHolders(sql: SqlStorage, after: string): ListedHolder[] {
  return sql
    .exec<Row>(`SELECT * FROM card_holder WHERE subject > ? ORDER BY subject LIMIT ${HOLDER_PAGE}`, after)
    .toArray()
    .map((row) => ({
      subject: row.subject,
      authority: row.authority,
      holderId: row.holder_id,
      roles: rolesIn(row),
      provider: row.provider,
      person: row.person,
      held: row.held === 1,
    }));
}

const rolesIn = ({ roles }: Row): string[] => roles.split(' ').filter((role) => role !== '');

const isBlocked = (sql: SqlStorage, mark: string): boolean =>
  sql.exec('SELECT 1 FROM blocked_certificate WHERE mark = ?', mark).toArray().length > 0;

const find = (sql: SqlStorage, subject: string): Row | null =>
  sql.exec<Row>('SELECT * FROM card_holder WHERE subject = ?', subject).toArray()[0] ?? null;
