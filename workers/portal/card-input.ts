/** @module Reads operators' commands about cards: small JSON objects, checked field by field, nothing reflected. */
import type { CardHolder } from '../../durable-objects/staff-room/card-ops.ts';
import { fromBase64 } from '../../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import type { Certificate } from '../../protocol/certificates/certificate.ts';
import { certificatesInPem, isAddress } from './bindings.ts';
import type { InputError } from './operator-input.ts';
import { HOLDER_ID, PROFESSIONAL_ROLES, type Role } from './roles.ts';

/** A list of 200,000 entries is some 8 MB; base64 makes a third more of it. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;
export const MAX_LIST_COMMAND_BYTES = Math.ceil((MAX_LIST_BYTES * 4) / 3) + 64 * 1024;
const MAX_HOLDERS = 100;
const AUTHORITY = /^[0-9a-f]{64}$/;
const PROVIDER = /^[^\p{C}]{1,100}$/u;
const SUBJECT = /^card:[0-9a-f]{16}:[^\p{C}]{1,64}$/u;

/** @returns a list of revoked certificates with its authority, and what leads from there to a root */
export function readList(body: unknown): Result<{ der: Uint8Array; authorities: readonly Certificate[] }, InputError> {
  const fields = fieldsOf(body, ['list', 'authority']);
  if (fields === null) return err('Only list and authority are known.');
  const { list, authority = null } = fields;
  const der = typeof list === 'string' ? bytesOf(list) : null;
  if (der === null || der.length > MAX_LIST_BYTES)
    return err(`list must be base64 of at most ${MAX_LIST_BYTES} bytes.`);
  if (authority === null) return ok({ der, authorities: [] });
  const authorities = typeof authority === 'string' ? certificatesInPem(authority) : null;
  if (authorities === null || authorities.length === 0) return err('authority must be certificates in PEM, or null.');
  return ok({ der, authorities });
}

/** @returns holders to put on the list */
export function readHolders(body: unknown): Result<readonly CardHolder[], InputError> {
  const holders = fieldsOf(body, ['holders'])?.['holders'];
  if (!Array.isArray(holders) || holders.length < 1 || holders.length > MAX_HOLDERS) {
    return err(`holders must be a list of 1..${MAX_HOLDERS}.`);
  }
  const read = holders.map((holder) => holderIn(holder));
  const fine = read.filter((holder) => holder !== null);
  return fine.length === read.length
    ? ok(fine)
    : err(
        'A holder has authority (64 hex digits), holderId, roles (of those a card may have), provider and person (e-mail address, or empty).',
      );
}

/** @returns an entry of the list if all of it may stand there, else null */
export function holderIn(value: unknown): CardHolder | null {
  const fields = fieldsOf(value, ['authority', 'holderId', 'roles', 'provider', 'person']);
  if (fields === null) return null;
  const { authority, holderId, roles, provider, person } = fields;
  const fine =
    matches(AUTHORITY, authority) &&
    matches(HOLDER_ID, holderId) &&
    matches(PROVIDER, provider) &&
    typeof person === 'string' &&
    (person === '' || isAddress(person)) &&
    Array.isArray(roles) &&
    roles.every((role) => PROFESSIONAL_ROLES.includes(role as Role));
  if (!fine) return null;
  const known = PROFESSIONAL_ROLES.filter((role) => roles.includes(role));
  return { authority, holderId, roles: known, provider, person: person.toLowerCase() };
}

/** @returns a card's subject, as the list of holders has it */
export function readSubject(body: unknown): Result<string, InputError> {
  const subject = fieldsOf(body, ['subject'])?.['subject'];
  return isCardSubject(subject) ? ok(subject) : err('subject must be one of the list of holders.');
}

export const isCardSubject = (value: unknown): value is string => matches(SUBJECT, value);

/** @returns the certificate to block */
export function readBlock(body: unknown): Result<Certificate, InputError> {
  const certificate = fieldsOf(body, ['certificate'])?.['certificate'];
  const [found, ...others] = (typeof certificate === 'string' ? certificatesInPem(certificate) : null) ?? [];
  return found === undefined || others.length > 0 ? err('certificate must be one certificate in PEM.') : ok(found);
}

const matches = (pattern: RegExp, value: unknown): value is string => typeof value === 'string' && pattern.test(value);

function fieldsOf(body: unknown, known: readonly string[]): Readonly<Record<string, unknown>> | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null;
  return Object.keys(body).every((name) => known.includes(name)) ? (body as Record<string, unknown>) : null;
}

function bytesOf(base64: string): Uint8Array | null {
  try {
    return fromBase64(base64);
  } catch {
    return null;
  }
}
