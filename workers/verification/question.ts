/**
 * @module What a phone asks, parsed and checked (docs/spec/cwa.md §3.1). Pure: a dummy goes through the same rules.
 */
import { p256 } from '@noble/curves/nist.js';
import type { KeyType } from '../../domain/derived-codes.ts';
import { parseStrictJson } from '../../domain/strict-json.ts';
import { parseTeleTan } from '../../domain/teletan.ts';
import { parseBirthDateKey, parseTestKey } from '../../domain/test-result.ts';
import { MAX_PRESENTATION_LENGTH } from '../../protocol/credential/presentation.ts';
import { concatBytes, fromBase64Url } from '../../protocol/primitives/bytes.ts';

/** Largest request body; CWA's clients send 250 bytes, its server took 10,000. */
export const MAX_BODY_BYTES = 10_000;
const JSON_LIMITS = { depth: 2, members: 10 } as const;
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** First byte of an uncompressed point (SEC 1, section 2.3.3). */
const UNCOMPRESSED = 4;

/** What a phone sent: the members of its JSON object. */
export type Members = Readonly<Record<string, unknown>>;

/** Opens a session. `birthDateKey`: hash over GUID and date of birth, only with a GUID. */
export interface RegistrationQuestion {
  readonly keyType: KeyType;
  /** Hashed GUID in lower case, or normalised teleTAN. */
  readonly key: string;
  readonly birthDateKey: string | null;
}

/** @param body at most MAX_BODY_BYTES @returns the members of the JSON object in it, or null */
export function parseMembers(body: Uint8Array): Members | null {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
  const json = parseStrictJson(text, JSON_LIMITS);
  if (!json.ok || typeof json.value !== 'object' || json.value === null || Array.isArray(json.value)) return null;
  return json.value as Members;
}

/**
 * Whether it is a dummy. Corona-Warn-App's phones say it in a header, 0 for real and any other number for a dummy, as on upload
 * (docs/spec/cwa.md §6, "dummy flag semantics"); a request without that header in its body (docs/decisions/025).
 *
 * @param header value of `cwa-fake`; null: there is none
 * @param m the body's members
 * @returns null when neither says it
 */
export function isDummy(header: string | null, m: Members): boolean | null {
  if (header === null) return typeof m['cover'] === 'boolean' ? m['cover'] : null;
  return /^\d{1,10}$/.test(header.trim()) ? Number(header) !== 0 : null;
}

/** @param m the body's members @returns the question, or null when a rule is broken */
export function parseRegistration(m: Members): RegistrationQuestion | null {
  const { keyType } = m;
  // iOS 2.x spelled it so (docs/spec/cwa.md §3.1). Nobody sends both, and only one would be looked at.
  if (Object.hasOwn(m, 'keyDob') && Object.hasOwn(m, 'keyDOB')) return null;
  const keyDob = m['keyDob'] ?? m['keyDOB'] ?? null;
  if (keyType === 'GUID') {
    const key = parseTestKey(m['key']);
    const birthDateKey = keyDob === null ? null : parseBirthDateKey(keyDob);
    if (key === null || (birthDateKey === null && keyDob !== null)) return null;
    return { keyType, key, birthDateKey };
  }
  if (keyType !== 'TELETAN' || typeof m['key'] !== 'string' || keyDob !== null) return null;
  const key = parseTeleTan(m['key']);
  return key === null ? null : { keyType, key, birthDateKey: null };
}

/** Who asks for a credential, and for which key of the phone. */
export interface CredentialQuestion {
  readonly token: string;
  /** x and y of a point of P-256, 64 bytes. */
  readonly holder: Uint8Array;
}

/** @param m the body's members @returns the question, or null when a rule is broken */
export function parseCredentialQuestion(m: Members): CredentialQuestion | null {
  const token = parseToken(m);
  const holder =
    typeof m['holder'] === 'string' && /^[A-Za-z0-9_-]{86}$/.test(m['holder']) ? pointOf(m['holder']) : null;
  return token === null || holder === null ? null : { token, holder };
}

function pointOf(text: string): Uint8Array | null {
  try {
    const point = fromBase64Url(text);
    return p256.utils.isValidPublicKey(concatBytes(Uint8Array.of(UNCOMPRESSED), point), false) ? point : null;
  } catch {
    return null;
  }
}

/** @param m the body's members @returns a credential with its proof, unread, or null when there is none */
export function parsePresentation(m: Members): string | null {
  const text = m['presentation'];
  return typeof text === 'string' && text.length <= MAX_PRESENTATION_LENGTH ? text : null;
}

/** @param m the body's members @returns the registration token, lower case, or null when there is none */
export function parseToken(m: Members): string | null {
  const token = m['registrationToken'];
  if (typeof token !== 'string') return null;
  const canonical = token.toLowerCase();
  return UUID_V4.test(canonical) ? canonical : null;
}
