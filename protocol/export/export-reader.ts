/**
 * @module Reads an export as strictly as Android does (docs/spec/gaen.md §4, §4.2, §4.3), and where iOS or microG are stricter about a
 * key, as they are. Never throws on any bytes; a file it accepts is one that our phone may match against.
 */
import { equalBytes } from '../primitives/bytes.ts';
import {
  ECDSA_WITH_SHA256,
  EXPORT_BIN,
  EXPORT_HEADER,
  EXPORT_SIG,
  type ExportHeader,
  type KeyName,
} from './export-file.ts';
import type { ExportError } from './export-error.ts';
import { gaen } from '../generated/gaen-export.js';
import { INTERVALS_PER_DAY } from '../gaen/intervals.ts';
import { badKeyField } from './key-fields.ts';
import { DAYS_SINCE_ONSET_UNKNOWN, REPORT_TYPE, type ReportType, type TemporaryExposureKey } from '../gaen/keys.ts';
import { countFields, decodeMessage, numberOf64, optional } from '../primitives/protobuf-read.ts';
import { type Result, err, ok } from '../primitives/result.ts';
import { verifyDer } from '../signing.ts';
import { readZip } from './zip.ts';

export { describeExportError, type ExportError } from './export-error.ts';

/** The most that phones take: 16 MB of ZIP, 750,000 keys (docs/spec/gaen.md §4.5); export.sig of 64 KB (iOS). */
export const MAX_ZIP_BYTES = 16_000_000;
const MAX_KEYS = 750_000;
/** Beside keys a file has five fields and ten signatures; the rest is room for fields that a later format may add. */
const MAX_OTHER_FIELDS = 100;
const MAX_SIG_BYTES = 65_536;
/** 750,000 keys of 34 bytes are 25.5 MB; the rest is room for fields that a later format may add. */
const MAX_BIN_BYTES = 32_000_000;
/** Google's server writes ten at most (docs/spec/gaen.md §4.3); each one that names our key costs a hash of the whole file. */
const MAX_SIGNATURES = 10;
/** batch_size at most (docs/spec/gaen.md §4.4). */
const MAX_BATCH_SIZE = 1_000_000;

/** The key a phone has pinned for a health authority. */
export interface PinnedKey {
  /** SubjectPublicKeyInfo, 91 bytes. */
  readonly publicKeySpki: Uint8Array;
  /** verification_key_id, `262` */
  readonly keyId: string;
  /** verification_key_version, `v1` */
  readonly keyVersion: string;
}

export interface ExportFile {
  /** keyId and keyVersion are those of the first SignatureInfo, empty where the file has none. */
  readonly header: ExportHeader;
  readonly keys: readonly TemporaryExposureKey[];
  /** Status changes of keys published before (v1.5). */
  readonly revisedKeys: readonly TemporaryExposureKey[];
}

export type ExportResult =
  | {
      readonly ok: true;
      readonly exportFile: ExportFile;
      /** The signed bytes. */
      readonly exportBin: Uint8Array;
      /** Which keys the signatures of export.sig name, in their order; an absent id is empty. */
      readonly signedBy: readonly KeyName[];
      /** False only when no key was given to verify with. */
      readonly verified: boolean;
      /** Position in `signedBy` of the signature that verified, null when no key was given. */
      readonly signature: number | null;
    }
  | { readonly ok: false; readonly error: ExportError };

/**
 * @param zip the whole file
 * @param pinned key that must have signed it; null reads without verifying (files whose key is unknown)
 * @returns its content, or why a phone would refuse it
 * @throws {TypeError} when the pinned key itself is no P-256 key
 */
export function readExportZip(zip: Uint8Array, pinned: PinnedKey | null): ExportResult {
  return readOpened(openZip(zip, pinned));
}

/**
 * @param files what a ZIP would have held, as a compact chunk has it
 * @param pinned key that must have signed it
 * @returns its content, or why a phone would refuse it
 * @throws {TypeError} when the pinned key itself is no P-256 key
 */
export function readExportFiles(files: ExportFiles, pinned: PinnedKey): ExportResult {
  return readOpened(openFiles(files, pinned));
}

function readOpened(opened: Result<OpenedZip, ExportError>): ExportResult {
  if (!opened.ok) return opened;
  const { exportBin, signatures, valid } = opened.value;
  const bin = readBin(exportBin);
  if (!bin.ok) return bin;
  const { exportFile, infos } = bin.value;
  if (infos !== signatures.length) {
    return err({ kind: 'signature-count', infos, signatures: signatures.length });
  }
  const signedBy = signatures.map(({ keyId, keyVersion }) => ({ keyId: keyId ?? '', keyVersion }));
  return { ok: true, exportFile, exportBin, signedBy, verified: valid !== null, signature: valid };
}

/** Both files of an export. */
export interface ExportFiles {
  readonly exportBin: Uint8Array;
  readonly exportSig: Uint8Array;
}

/** A file whose signature was verified, and nothing else. */
export interface OpenedZip {
  readonly exportBin: Uint8Array;
  readonly signatures: readonly Signature[];
  /** Position of the one that verified, null when no key was given. */
  readonly valid: number | null;
}

/** @param pinned null: nothing is verified @returns what is in a ZIP of an export, or why a phone would refuse it */
export function openZip(zip: Uint8Array, pinned: PinnedKey | null): Result<OpenedZip, ExportError> {
  if (zip.length > MAX_ZIP_BYTES) return err({ kind: 'file-too-large', bytes: zip.length, limit: MAX_ZIP_BYTES });
  const entries = readZip(
    zip,
    new Map([
      [EXPORT_BIN, MAX_BIN_BYTES],
      [EXPORT_SIG, MAX_SIG_BYTES],
    ]),
  );
  if (!entries.ok) return entries;
  const exportBin = entries.value.get(EXPORT_BIN);
  if (exportBin === undefined) return err({ kind: 'missing-entry', name: EXPORT_BIN });
  const exportSig = entries.value.get(EXPORT_SIG);
  if (exportSig === undefined) return err({ kind: 'missing-entry', name: EXPORT_SIG });
  return openFiles({ exportBin, exportSig }, pinned);
}

function openFiles({ exportBin, exportSig }: ExportFiles, pinned: PinnedKey | null): Result<OpenedZip, ExportError> {
  const signatures = readSignatures(exportSig);
  if (!signatures.ok) return signatures;
  // Before the protobuf is looked at: what nobody signed deserves no parser.
  const valid = pinned === null ? ok(null) : validSignature(signatures.value, exportBin, pinned);
  return valid.ok ? ok({ exportBin, signatures: signatures.value, valid: valid.value }) : valid;
}

/**
 * @param exportBin export.bin alone, without ZIP and signature, its 16-byte header included
 * @returns its content, or why a phone would refuse it
 */
export function readExportBin(exportBin: Uint8Array): Result<ExportFile, ExportError> {
  const bin = readBin(exportBin);
  return bin.ok ? ok(bin.value.exportFile) : bin;
}

interface Signature {
  /** null: the field is absent */
  readonly keyId: string | null;
  readonly keyVersion: string;
  readonly algorithm: string;
  readonly signature: Uint8Array;
}

function readSignatures(exportSig: Uint8Array): Result<readonly Signature[], ExportError> {
  const list = decodeMessage(gaen.TEKSignatureList, exportSig);
  if (list === null) return err({ kind: 'malformed-protobuf', name: EXPORT_SIG });
  if (list.signatures.length === 0) return err({ kind: 'no-signature' });
  if (list.signatures.length > MAX_SIGNATURES) {
    return err({ kind: 'too-many-signatures', count: list.signatures.length, limit: MAX_SIGNATURES });
  }
  return ok(
    list.signatures.map((signature) => {
      const info = signature.signatureInfo ?? {};
      return {
        keyId: optional(info, 'verificationKeyId') ?? null,
        keyVersion: info.verificationKeyVersion ?? '',
        algorithm: info.signatureAlgorithm ?? '',
        signature: signature.signature ?? new Uint8Array(),
      };
    }),
  );
}

/**
 * @returns position of the first signature that names the pinned key and is valid, or why there is none: what was wrong with the first that names
 *   it. All of them are tried (there are {@link MAX_SIGNATURES} at most), since anybody can put another of the same name before ours
 */
function validSignature(
  signatures: readonly Signature[],
  exportBin: Uint8Array,
  pinned: PinnedKey,
): Result<number, ExportError> {
  const nameOf = (keyId: string | null, version: string): string => `${keyId ?? ''}-${version}`;
  const wanted = nameOf(pinned.keyId, pinned.keyVersion);
  if (signatures.length > 1 && signatures.some(({ keyId }) => keyId === null))
    return err({ kind: 'signature-without-id' });
  let refused: ExportError | null = null;
  for (const [position, { keyId, keyVersion, algorithm, signature }] of signatures.entries()) {
    // A single signature without an id is tried against a single pinned key (docs/spec/gaen.md §4.3).
    if (keyId !== null && nameOf(keyId, keyVersion) !== wanted) continue;
    if (algorithm !== ECDSA_WITH_SHA256) refused ??= { kind: 'unsupported-algorithm', algorithm };
    else if (verifyDer(pinned.publicKeySpki, exportBin, signature)) return ok(position);
    else refused ??= { kind: 'bad-signature', key: wanted };
  }
  const found = signatures.map(({ keyId, keyVersion }) => nameOf(keyId, keyVersion));
  return err(refused ?? { kind: 'unknown-key', wanted, found });
}

/** @param exportBin with its 16-byte header @returns the message behind it, whose fields are few enough to be read */
export function encodedIn(exportBin: Uint8Array, limit: number): Result<Uint8Array, ExportError> {
  if (!equalBytes(exportBin.subarray(0, EXPORT_HEADER.length), EXPORT_HEADER)) return err({ kind: 'bad-header' });
  const encoded = exportBin.subarray(EXPORT_HEADER.length);
  const count = countFields(encoded);
  return count > limit + MAX_OTHER_FIELDS ? err({ kind: 'too-many-keys', count, limit }) : ok(encoded);
}

/** The message of an export.bin. */
export type WireExport = gaen.TemporaryExposureKeyExport & gaen.TemporaryExposureKeyExport.$Shape;

/** Which file of a batch it is. */
export interface ExportPart {
  /** batch_num, 1.. */
  readonly num: number;
  /** batch_size */
  readonly size: number;
}

/** @returns which file of a batch a message says it is; the whole where it says nothing */
export function partOf(message: WireExport): Result<ExportPart, ExportError> {
  const size = optional(message, 'batchSize');
  const num = optional(message, 'batchNum');
  if (size === undefined) return ok({ num: 1, size: 1 });
  const valid = num !== undefined && num >= 1 && num <= size && size <= MAX_BATCH_SIZE;
  return valid ? ok({ num, size }) : err({ kind: 'bad-batch', num: num ?? null, size });
}

/** @returns what a message says of its file */
export function headerOf(message: WireExport): ExportHeader {
  const [info = {}] = message.signatureInfos;
  return {
    startTimestamp: numberOf64(message.startTimestamp),
    endTimestamp: numberOf64(message.endTimestamp),
    region: message.region,
    keyId: info.verificationKeyId ?? '',
    keyVersion: info.verificationKeyVersion ?? '',
  };
}

function readBin(exportBin: Uint8Array): Result<{ exportFile: ExportFile; infos: number }, ExportError> {
  const encoded = encodedIn(exportBin, MAX_KEYS);
  if (!encoded.ok) return encoded;
  const message = decodeMessage(gaen.TemporaryExposureKeyExport, encoded.value);
  if (message === null) return err({ kind: 'malformed-protobuf', name: EXPORT_BIN });
  const part = partOf(message);
  if (!part.ok) return part;
  // A phone wants all parts in one call (docs/spec/gaen.md §4.4); this is one file, so it must be the whole batch.
  if (part.value.size !== 1) return err({ kind: 'bad-batch', ...part.value });
  const count = message.keys.length + message.revisedKeys.length;
  if (count > MAX_KEYS) return err({ kind: 'too-many-keys', count, limit: MAX_KEYS });
  const keys = readKeys('keys', message.keys);
  if (!keys.ok) return keys;
  const revisedKeys = readKeys('revised_keys', message.revisedKeys);
  if (!revisedKeys.ok) return revisedKeys;
  const exportFile = { header: headerOf(message), keys: keys.value, revisedKeys: revisedKeys.value };
  return ok({ exportFile, infos: message.signatureInfos.length });
}

type WireKey = gaen.TemporaryExposureKey.$Properties;

/** @returns a key as it was sent, whatever is wrong with it */
export function keyOf(wire: WireKey): TemporaryExposureKey {
  return {
    keyData: new Uint8Array(wire.keyData ?? []),
    transmissionRiskLevel: wire.transmissionRiskLevel ?? 0,
    // −1 is what no file can mean: an absent start makes microG drop the whole file (docs/spec/gaen.md §4.2).
    rollingStartIntervalNumber: optional(wire, 'rollingStartIntervalNumber') ?? -1,
    rollingPeriod: wire.rollingPeriod ?? INTERVALS_PER_DAY,
    reportType: (wire.reportType ?? REPORT_TYPE.UNKNOWN) as ReportType,
    daysSinceOnsetOfSymptoms: optional(wire, 'daysSinceOnsetOfSymptoms') ?? DAYS_SINCE_ONSET_UNKNOWN,
  };
}

function readKeys(
  list: 'keys' | 'revised_keys',
  wire: readonly WireKey[],
): Result<readonly TemporaryExposureKey[], ExportError> {
  const keys: TemporaryExposureKey[] = [];
  for (const [index, wireKey] of wire.entries()) {
    const key = keyOf(wireKey);
    // Onset is judged as 0 when it is absent: unknown is a value that only a reader knows.
    const isTold = optional(wireKey, 'daysSinceOnsetOfSymptoms') !== undefined;
    const bad = badKeyField(isTold ? key : { ...key, daysSinceOnsetOfSymptoms: 0 });
    if (bad !== null) return err({ kind: 'bad-key', list, index, ...bad });
    keys.push(key);
  }
  return ok(keys);
}
