/**
 * @module The list of laboratories: who may post results, by the SHA-256 fingerprint of the client certificate. It is
 * signed outside the system, so that whoever can write the store still cannot add a laboratory (docs/spec/europe.md §3.7).
 */
import { LIST_RULES, type ListRefusal, type ListRule } from './list-refusal.ts';
import type { Laboratory } from './rpc.ts';

/** Type of the signed document (protocol/signed-document). */
export const LABORATORY_LIST_TYPE = 'laboratories';

export interface LaboratoryList {
  /** Only grows. */
  readonly version: number;
  readonly laboratories: readonly Laboratory[];
}

type Parsed = { ok: true; value: LaboratoryList } | { ok: false; error: string; refusal: ListRefusal };

/**
 * Reads the payload of a signed list.
 *
 * @param payload what the signature covers, parsed
 * @returns the list, or the first field that breaks a rule
 */
export function parseLaboratoryList(payload: unknown): Parsed {
  const refuse = (field: string, rule: ListRule): Parsed => {
    const at = /^laboratories\[(\d+)\]/.exec(field)?.[1];
    const refusal: ListRefusal = { kind: 'content', rule, at: at === undefined ? null : Number(at) };
    return { ok: false, error: `${field} ${LIST_RULES[rule]}`, refusal };
  };
  if (!isObject(payload)) return refuse('payload', 'object');
  const { version, laboratories } = payload;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) {
    return refuse('version', 'version');
  }
  if (!Array.isArray(laboratories)) return refuse('laboratories', 'array');
  const parsed: Laboratory[] = [];
  const ids = new Set<string>();
  const fingerprints = new Set<string>();
  for (const [i, lab] of laboratories.entries()) {
    const at = `laboratories[${i}]`;
    if (!isObject(lab)) return refuse(at, 'object');
    const { id, name, certificateFingerprints, birthDate = 'optional' } = lab;
    if (typeof id !== 'string' || !/^[a-z0-9-]{1,64}$/.test(id)) return refuse(`${at}.id`, 'id');
    if (ids.has(id)) return refuse(`${at}.id`, 'twice');
    ids.add(id);
    if (typeof name !== 'string' || name.length < 1 || name.length > 200) {
      return refuse(`${at}.name`, 'name');
    }
    if (!Array.isArray(certificateFingerprints) || certificateFingerprints.length < 1) {
      return refuse(`${at}.certificateFingerprints`, 'certificates');
    }
    for (const fingerprint of certificateFingerprints) {
      if (typeof fingerprint !== 'string' || !/^[0-9a-f]{64}$/.test(fingerprint)) {
        return refuse(`${at}.certificateFingerprints`, 'fingerprint');
      }
      if (fingerprints.has(fingerprint)) return refuse(`${at}.certificateFingerprints`, 'shared');
      fingerprints.add(fingerprint);
    }
    if (birthDate !== 'optional' && birthDate !== 'required') {
      return refuse(`${at}.birthDate`, 'birthDate');
    }
    parsed.push({ id, name, certificateFingerprints, birthDate });
  }
  return { ok: true, value: { version, laboratories: parsed } };
}

/**
 * @param fingerprint SHA-256 of the client certificate as the platform tells it, any case; all 64 digits count
 *   (a gateway of 2020 lost certificates whose hash began with 00, docs/spec/europe.md §3.7)
 * @returns the laboratory whose certificate this is, or null
 */
export function laboratoryOf(list: LaboratoryList, fingerprint: string): Laboratory | null {
  const wanted = fingerprint.toLowerCase();
  return list.laboratories.find((lab) => lab.certificateFingerprints.includes(wanted)) ?? null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
