/**
 * @module What operators do about professionals' cards, by page or by command: bring an authority's list of revoked
 * certificates, keep the list of holders, block a certificate. Each is in the audit log before it is done.
 */
import type { ListFacts } from '../../durable-objects/staff-room/authority-ops.ts';
import type { CardHolder } from '../../durable-objects/staff-room/card-ops.ts';
import { SERIALS_PER_CALL } from '../../durable-objects/staff-room/authority-ops.ts';
import { cardSubject } from '../../durable-objects/staff-room/card-ops.ts';
import { type Certificate, marksOf, serialMark } from '../../protocol/certificates/certificate.ts';
import { validateAuthority } from '../../protocol/certificates/path.ts';
import { readRevocationList, type RevocationList } from '../shared/certificates/revocation-list.ts';
import { audit, type StaffContext } from './staff-context.ts';

/** A list, and who signed it with what leads to a root; none: one of the roots did. */
interface BroughtList {
  readonly der: Uint8Array;
  readonly authorities: readonly Certificate[];
}

/** What became of a list. `refused` says by which rule, a fixed text. */
export type ListOutcome =
  | { readonly kind: 'in-force'; readonly facts: ListFacts }
  | { readonly kind: 'older' }
  | { readonly kind: 'refused'; readonly rule: string };

/** @returns whether the list is in force now */
export async function bringList(c: StaffContext, brought: BroughtList): Promise<ListOutcome> {
  const read = readList(c, brought);
  if (!read.ok) return { kind: 'refused', rule: read.rule };
  const { authority, list } = read;
  const facts: ListFacts = {
    authority: authority.publicKey,
    name: authority.subjectText,
    nameHash: authority.subject,
    number: list.number,
    thisUpdate: list.thisUpdate,
    nextUpdate: list.nextUpdate,
    entries: list.revoked.length,
  };
  const { room } = c.var;
  await audit(c, 'cards.list', `authority ${facts.authority.slice(0, 16)} entries ${facts.entries}`);
  const generation = await room.beginList(facts);
  if (generation === null) return { kind: 'older' };
  for (let from = 0; from < list.revoked.length; from += SERIALS_PER_CALL) {
    await room.addSerials(generation, list.revoked.slice(from, from + SERIALS_PER_CALL));
  }
  return (await room.finishList(generation, facts)) ? { kind: 'in-force', facts } : { kind: 'older' };
}

type ReadList =
  | { readonly ok: true; readonly authority: Certificate; readonly list: RevocationList }
  | { readonly ok: false; readonly rule: string };

function readList(c: StaffContext, { der, authorities }: BroughtList): ReadList {
  const { config, now } = c.var;
  const [authority, ...intermediates] = authorities;
  if (authority === undefined) {
    const results = config.staffRoots.map((root) => ({ root, result: readRevocationList(der, root, now) }));
    for (const { root, result } of results) if (result.ok) return { ok: true, authority: root, list: result.value };
    const said = results.flatMap(({ result }) => (result.ok || result.error === 'issuer' ? [] : [result.error]));
    return { ok: false, rule: said[0] ?? 'issuer' };
  }
  const path = validateAuthority(authority, { intermediates, roots: config.staffRoots, now });
  if (!path.ok) return { ok: false, rule: `authority: ${path.error}` };
  const result = readRevocationList(der, authority, now);
  return result.ok ? { ok: true, authority, list: result.value } : { ok: false, rule: result.error };
}

/** Puts holders on the list. @returns false when one names an authority whose list was never brought; then none is put on */
export async function listHolders(c: StaffContext, holders: readonly CardHolder[]): Promise<boolean> {
  const known = new Set((await c.var.room.authorities()).map(({ authority }) => authority));
  if (holders.some(({ authority }) => !known.has(authority))) return false;
  for (const { authority, holderId, roles, provider, person } of holders) {
    const subject = cardSubject(authority, holderId);
    const about = `roles ${roles.join(' ') || 'none'} person ${person || 'none'} provider ${provider}`;
    await audit(c, 'cards.holder', `${subject} ${about}`);
  }
  await c.var.room.setHolders(holders);
  return true;
}

/** Takes a holder off the list. */
export async function unlistHolder(c: StaffContext, subject: string): Promise<void> {
  await audit(c, 'cards.holder-removed', subject);
  await c.var.room.removeHolder(subject);
}

/** Blocks a certificate for staff and for laboratories: whose it is, nobody has to know in a hurry. */
export async function blockByMarks(c: StaffContext, marks: readonly string[]): Promise<void> {
  await audit(c, 'certificate.block', marks.join(' '));
  // A crash in between leaves it blocked for staff; blocking again blocks it for laboratories.
  await c.var.room.block(marks);
  await c.env.LABORATORY.blockCertificate(marks);
}

/** @returns what names a certificate to be blocked: its own marks */
export const marksToBlock = (certificate: Certificate): string[] => marksOf(certificate);

/** @param serial hex digits, in pairs or with colons @returns the mark of an authority's serial number, or null */
export async function markOfSerial(c: StaffContext, authority: string, serial: string): Promise<string | null> {
  const facts = (await c.var.room.authorities()).find((one) => one.authority === authority);
  const digits = serial.replaceAll(/[\s:]/g, '').toLowerCase().replace(/^0+/, '');
  if (facts === undefined || !/^[0-9a-f]{1,40}$/.test(digits)) return null;
  return serialMark(facts.nameHash, digits.length % 2 === 0 ? digits : `0${digits}`);
}
