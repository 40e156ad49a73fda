/**
 * @module The bytes over which a batch is signed (docs/spec/europe.md §3.3): eight fields a key, each in base64 with a dot behind
 * it, the keys sorted by the base64 of their whole record. Not protobuf's bytes, so both of the gateway's forms sign alike.
 */
import { concatBytes, toBase64, toHex, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import type { EfgsKey } from './batch.ts';

/** @param value int32 or uint32 @returns four bytes, big-endian; a negative one in two's complement */
function fourBytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/**
 * @param key any key
 * @returns its record: what is signed for it, and what the gateway knows a key again by
 */
export function signingRecord(key: EfgsKey): string {
  const fields = [
    key.keyData,
    fourBytes(key.rollingStartIntervalNumber),
    fourBytes(key.rollingPeriod),
    fourBytes(key.transmissionRiskLevel),
    utf8(key.visitedCountries.join(',')),
    utf8(key.origin),
    fourBytes(key.reportType),
    fourBytes(key.daysSinceOnsetOfSymptoms),
  ];
  return fields.map((field) => `${toBase64(field)}.`).join('');
}

/** @returns records with what they are sorted by, in the order that is signed */
function sortedRecords(keys: readonly EfgsKey[]): { readonly key: EfgsKey; readonly record: string }[] {
  return (
    keys
      .map((key) => ({ key, record: signingRecord(key) }))
      .map((entry) => ({ ...entry, order: toBase64(utf8(entry.record)) }))
      // base64 is ASCII, so the order of UTF-16 units is that of its bytes; a locale's order would not be.
      .toSorted((a, b) => (a.order < b.order ? -1 : Number(a.order > b.order)))
  );
}

/**
 * @param keys in any order
 * @returns the same keys in the order that is signed: by key data first, which is random, so the order tells no key's neighbour
 */
export function signingOrder(keys: readonly EfgsKey[]): EfgsKey[] {
  return sortedRecords(keys).map(({ key }) => key);
}

/** @param keys in any order @returns the bytes to sign: the same for every order */
export function signingBytes(keys: readonly EfgsKey[]): Uint8Array {
  return concatBytes(...sortedRecords(keys).map(({ record }) => utf8(record)));
}

/** @param bytes of {@link signingBytes} @returns SHA-256 in hex, 64 lowercase digits */
export function batchHash(bytes: Uint8Array): string {
  return toHex(sha256(bytes));
}
