/**
 * @module A file of health authorities as people write it: `{"authorities": […]}`, a list, or one authority alone; keys in PEM, base64 or as a JWK, times
 * as ISO 8601 or Unix seconds. What it becomes is what domain/authority-list.ts judges.
 */
import { type AuthorityFault, readAuthorities } from '../../domain/authority-list.ts';
import { parseStrictJson } from '../../domain/strict-json.ts';
import { type Result, err } from '../../protocol/primitives/result.ts';
import type { HealthAuthority } from '../../protocol/publish/authorities.ts';
import { CERTIFIED_REPORTS } from '../../protocol/publish/report-type.ts';
import { keyOfJwk } from './jwks.ts';

const JSON_LIMITS = { depth: 8, members: 50_000 };
const PEM = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/;

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @returns Unix seconds of an ISO 8601 text; anything else as it is */
function timeOf(value: unknown): unknown {
  const at = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? value : Math.floor(at / 1000);
}

function keyOf(key: unknown, at: string): unknown {
  if (!isObject(key)) return key;
  if ('kty' in key)
    return { ...keyOfJwk(key, at), from: timeOf(key['from'] ?? 0), until: timeOf(key['until'] ?? null) };
  const { publicKey, from = 0, until = null, ...rest } = key;
  const body = typeof publicKey === 'string' ? PEM.exec(publicKey)?.[1]?.replaceAll(/\s/g, '') : undefined;
  return { ...rest, publicKey: body ?? publicKey, from: timeOf(from), until: timeOf(until) };
}

function authorityOf(authority: unknown, at: string): unknown {
  if (!isObject(authority)) return authority;
  const { id, name = id, keys = [], reportTypes = [...CERTIFIED_REPORTS], ...rest } = authority;
  const read = Array.isArray(keys) ? keys.map((key: unknown, n) => keyOf(key, `${at}.keys[${n}]`)) : keys;
  return { id, name, ...rest, keys: read, reportTypes };
}

/** The list in any of the forms; what `list --json` prints is one. */
function listOf(document: unknown): unknown {
  if (Array.isArray(document)) return document;
  return isObject(document) && !('authorities' in document) ? [document] : (document as Fields | null)?.['authorities'];
}

/**
 * @param text of the file
 * @returns the authorities, or everything that is wrong
 * @throws Error naming a JWK's field, its value and the rule
 */
export function readAuthorityFile(text: string): Result<readonly HealthAuthority[], readonly AuthorityFault[]> {
  const json = parseStrictJson(text, JSON_LIMITS);
  if (!json.ok) {
    const rule =
      json.error.kind === 'duplicate-name' ? 'names a field twice in one object' : 'must be JSON, of few levels';
    return err([{ field: '', value: `${text.length} characters`, rule }]);
  }
  const list = listOf(json.value);
  return readAuthorities({
    authorities: Array.isArray(list) ? list.map((one: unknown, n) => authorityOf(one, `authorities[${n}]`)) : list,
  });
}

/** @returns a fault as a line for a person */
export const describeFault = ({ field, value, rule }: AuthorityFault): string =>
  `${field === '' ? 'the document' : field} ${value}: ${rule}`;
