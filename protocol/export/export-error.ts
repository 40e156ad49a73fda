/**
 * @module Why a phone would refuse an export file, with the facts, and how that reads (docs/spec/gaen.md §4).
 */
import type { ZipError } from './zip.ts';

export type ExportError =
  | ZipError
  | { readonly kind: 'file-too-large'; readonly bytes: number; readonly limit: number }
  | { readonly kind: 'missing-entry'; readonly name: string }
  /** export.bin does not begin with the 16 bytes `EK Export v1    `. */
  | { readonly kind: 'bad-header' }
  | { readonly kind: 'malformed-protobuf'; readonly name: string }
  | { readonly kind: 'no-signature' }
  /** More than any server writes: each costs a check over the whole file, so they are counted before one is verified. */
  | { readonly kind: 'too-many-signatures'; readonly count: number; readonly limit: number }
  /** Android wants as many signatures in export.sig as infos in export.bin. */
  | { readonly kind: 'signature-count'; readonly infos: number; readonly signatures: number }
  /** Several signatures, and one of them names no key. */
  | { readonly kind: 'signature-without-id' }
  /** Names are `<id>-<version>`. */
  | { readonly kind: 'unknown-key'; readonly wanted: string; readonly found: readonly string[] }
  | { readonly kind: 'unsupported-algorithm'; readonly algorithm: string }
  | { readonly kind: 'bad-signature'; readonly key: string }
  | { readonly kind: 'bad-batch'; readonly num: number | null; readonly size: number }
  | { readonly kind: 'too-many-keys'; readonly count: number; readonly limit: number }
  | {
      readonly kind: 'bad-key';
      readonly list: 'keys' | 'revised_keys';
      /** Position in the list, from 0. */
      readonly index: number;
      /** Name on the wire. */
      readonly field: string;
      /** Value of the field; for key_data its length. */
      readonly value: number;
      readonly rule: string;
    };

/**
 * @param error from `readExportZip`
 * @returns one line for a person; names fields, numbers and rules, never a key
 */
export function describeExportError(error: ExportError): string {
  switch (error.kind) {
    case 'malformed-zip':
      return `not a valid ZIP: ${error.what}`;
    case 'unexpected-entry':
      return `ZIP entry ${JSON.stringify(error.name)}: only export.bin and export.sig may be there`;
    case 'duplicate-entry':
      return `ZIP entry ${error.name} is there twice`;
    case 'unsupported-entry':
      return `ZIP entry ${error.name}: ${error.what} is not read by phones`;
    case 'entry-too-large':
      return `ZIP entry ${error.name} is larger than ${error.limit} bytes`;
    case 'bad-checksum':
      return `ZIP entry ${error.name}: CRC-32 does not match its bytes`;
    case 'file-too-large':
      return `file of ${error.bytes} bytes, phones take at most ${error.limit}`;
    case 'missing-entry':
      return `ZIP entry ${error.name} is missing`;
    case 'bad-header':
      return 'export.bin does not begin with "EK Export v1" and four spaces';
    case 'malformed-protobuf':
      return `${error.name} is not valid protobuf`;
    case 'no-signature':
      return 'export.sig holds no signature';
    case 'too-many-signatures':
      return `export.sig holds ${error.count} signatures, at most ${error.limit} are read`;
    case 'signature-count':
      return `export.sig holds ${error.signatures} signatures, export.bin announces ${error.infos}`;
    case 'signature-without-id':
      return 'one of several signatures has no verification_key_id';
    case 'unknown-key':
      return `no signature by key ${error.wanted}, only by ${error.found.join(', ')}`;
    case 'unsupported-algorithm':
      return `signature_algorithm ${JSON.stringify(error.algorithm)}, phones take 1.2.840.10045.4.3.2`;
    case 'bad-signature':
      return `signature by key ${error.key} is not valid for export.bin`;
    case 'bad-batch':
      return `batch ${error.num ?? '(absent)'} of ${error.size}: one file must be batch 1 of 1`;
    case 'too-many-keys':
      return `${error.count} keys, phones take at most ${error.limit}`;
    case 'bad-key':
      return `${error.list}[${error.index}].${error.field} is ${error.value}, must be ${error.rule}`;
  }
}
