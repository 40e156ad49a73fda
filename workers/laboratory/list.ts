/**
 * @module The signed list of laboratories as the Worker reads it: the signature is checked at each use of a new version,
 * never trusted because it was stored.
 */
import { type LaboratoryList, LABORATORY_LIST_TYPE, parseLaboratoryList } from '../../domain/laboratory-list.ts';
import type { ListRefusal } from '../../domain/list-refusal.ts';
import { openDocument } from '../../protocol/index/signed-document.ts';

const REFUSED_AS = {
  'malformed-document': 'document',
  'wrong-type': 'type',
  'unknown-key': 'key',
  'bad-signature': 'signature',
} as const;

const EMPTY: LaboratoryList = { version: 0, laboratories: [] };

/** @returns the list a document holds, or why it is refused */
export function openLaboratoryList(
  document: string,
  keys: Readonly<Record<string, Uint8Array>>,
): { ok: true; value: LaboratoryList } | { ok: false; error: string; refusal: ListRefusal } {
  const opened = openDocument(LABORATORY_LIST_TYPE, document, keys);
  if (!opened.ok) {
    const { kind } = opened.error;
    return { ok: false, error: `signed document: ${kind}`, refusal: { kind: REFUSED_AS[kind] } };
  }
  return parseLaboratoryList(opened.value.payload);
}

/** Opens each version once an isolate; an empty or forged store is an empty list. */
export function createListReader(keys: Readonly<Record<string, Uint8Array>>): (document: string) => LaboratoryList {
  let seen: { document: string; list: LaboratoryList } = { document: '', list: EMPTY };
  return (document) => {
    if (document !== seen.document) {
      const opened = openLaboratoryList(document, keys);
      seen = { document, list: opened.ok ? opened.value : EMPTY };
    }
    return seen.list;
  };
}
