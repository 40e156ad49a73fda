/**
 * @module The export file (GAEN export format v1.5; docs/spec/gaen.md §4, §12): export.bin, export.sig and the ZIP around them, so
 * that every phone accepts it. The hot path of sealing: one buffer allocated once, protobuf laid by hand into it.
 */
import { utf8 } from '../primitives/bytes.ts';
import { gaen } from '../generated/gaen-export.js';
import { badKeyField, KEY_DATA_BYTES } from './key-fields.ts';
import type { TemporaryExposureKey } from '../gaen/keys.ts';
import { type Scratch, exactMemory } from './scratch.ts';
import type { Signer } from '../signing.ts';
import { writeZip } from './zip.ts';

/** What an export says about itself; batch 1 of 1 always (docs/spec/gaen.md §4.1). */
export interface ExportHeader {
  /** First second of the window, Unix seconds. */
  readonly startTimestamp: number;
  /** End of the window (exclusive), Unix seconds, > start. */
  readonly endTimestamp: number;
  /** `DE`, `EUR` */
  readonly region: string;
  /** verification_key_id, `[A-Za-z0-9_.]`, the MCC by convention: `262`. */
  readonly keyId: string;
  /** verification_key_version, `[A-Za-z0-9_]`: `v1`. */
  readonly keyVersion: string;
  /** Keys that sign beside it while a key is replaced, the newest first (docs/spec/google.md §3.9); left out: none. */
  readonly alsoSignedBy?: readonly KeyName[];
}

/** The 16 bytes in front of export.bin, compared exactly by Android and iOS (docs/spec/gaen.md §4). */
export const EXPORT_HEADER = utf8('EK Export v1    ');
/** ecdsa-with-SHA256, the one algorithm that iOS takes (docs/spec/gaen.md §4.3). */
export const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
export const EXPORT_BIN = 'export.bin';
export const EXPORT_SIG = 'export.sig';
/**
 * Bytes of one framed key at most: tag and length 2, key_data 2 + 16, risk level 2, start 1 + 5, period 1 + 2, report
 * type 2, onset 2. With today's start numbers (4 bytes) and a full period it is 34.
 */
const MAX_KEY_BYTES = 35;
const BATCH = 1;

/** Tags of the two lists of an export, and of TemporaryExposureKey: field number << 3 | wire type. */
const TAG = {
  keys: 0x3a,
  revisedKeys: 0x42,
  keyData: 0x0a,
  riskLevel: 0x10,
  start: 0x18,
  period: 0x20,
  reportType: 0x28,
  onset: 0x30,
};

/** What SignatureInfo says: which of the pinned keys signed. */
export interface KeyName {
  readonly keyId: string;
  readonly keyVersion: string;
}

function signatureInfo(header: KeyName): gaen.SignatureInfo.$Properties {
  return {
    verificationKeyVersion: header.keyVersion,
    verificationKeyId: header.keyId,
    signatureAlgorithm: ECDSA_WITH_SHA256,
  };
}

/** The newest first, at most so many (docs/spec/google.md §3.9). */
const MAX_SIGNATURES = 10;

/** @returns the keys whose signatures export.sig holds, in their order */
function keyNames(header: ExportHeader): readonly KeyName[] {
  return [header, ...(header.alsoSignedBy ?? [])];
}

function requireRange(field: string, value: number, low: number, high: number): void {
  if (!(Number.isInteger(value) && value >= low && value <= high)) {
    throw new RangeError(`export: ${field} must be a whole number in ${low}..${high}, got ${value}`);
  }
}

function requireHeader(header: ExportHeader): void {
  requireRange('startTimestamp', header.startTimestamp, 0, Number.MAX_SAFE_INTEGER);
  requireRange('endTimestamp', header.endTimestamp, header.startTimestamp + 1, Number.MAX_SAFE_INTEGER);
  const names = keyNames(header);
  if (names.length > MAX_SIGNATURES)
    throw new RangeError(`export: at most ${MAX_SIGNATURES} keys, got ${names.length}`);
  for (const { keyId, keyVersion } of names) {
    if (!/^[A-Za-z0-9_.]+$/.test(keyId)) {
      throw new RangeError(`export: keyId must be of [A-Za-z0-9_.], got "${keyId}"`);
    }
    if (!/^[A-Za-z0-9_]+$/.test(keyVersion)) {
      throw new RangeError(`export: keyVersion must be of [A-Za-z0-9_], got "${keyVersion}"`);
    }
  }
  if (!/^[A-Z]{2,3}$/.test(header.region)) {
    throw new RangeError(`export: region must be 2 or 3 capital letters, got "${header.region}"`);
  }
}

/**
 * Lays keys into one buffer as they come. The bytes are those that protobufjs writes for the same message, except that
 * nothing is left out because it equals a default: microG drops a file without a rolling period (docs/spec/gaen.md §4.2).
 */
export class ExportWriter {
  readonly #bytes: Uint8Array;
  #at: number;
  #list: 'keys' | 'revised_keys' = 'keys';

  /**
   * @param header see {@link ExportHeader}
   * @param keyCountUpperBound most keys that will be added, revised ones among them; 35 bytes each are allocated now
   * @param scratch where the file may be laid; it is in use until the file's ZIP is made
   * @throws {RangeError} when a field of the header or the bound is out of range
   */
  constructor(header: ExportHeader, keyCountUpperBound: number, scratch: Scratch = exactMemory) {
    requireHeader(header);
    requireRange('keyCountUpperBound', keyCountUpperBound, 0, 10_000_000);
    const metadata = gaen.TemporaryExposureKeyExport.encode({
      startTimestamp: header.startTimestamp,
      endTimestamp: header.endTimestamp,
      region: header.region,
      batchNum: BATCH,
      batchSize: BATCH,
      signatureInfos: keyNames(header).map(signatureInfo),
    }).finish();
    this.#bytes = scratch(EXPORT_HEADER.length + metadata.length + MAX_KEY_BYTES * keyCountUpperBound);
    this.#bytes.set(EXPORT_HEADER);
    this.#bytes.set(metadata, EXPORT_HEADER.length);
    this.#at = EXPORT_HEADER.length + metadata.length;
  }

  /**
   * @param key every field in the range that phones accept; one bad key can fail a whole file on Android (docs/spec/gaen.md §4.2)
   * @throws {RangeError} when a field is out of range, there are more keys than said, or revised ones before it
   */
  add(key: TemporaryExposureKey): void {
    if (this.#list !== 'keys') throw new RangeError('export: keys stand before revised_keys');
    this.#lay(TAG.keys, key);
  }

  /**
   * @param key one that was published before, as {@link add} takes it, with the report type that it has from now on (docs/spec/gaen.md §6.4)
   * @throws {RangeError} when a field is out of range or there are more keys than said
   */
  addRevised(key: TemporaryExposureKey): void {
    this.#list = 'revised_keys';
    this.#lay(TAG.revisedKeys, key);
  }

  #lay(list: number, key: TemporaryExposureKey): void {
    const bad = badKeyField(key);
    if (bad !== null) throw new RangeError(`export: ${bad.field} must be ${bad.rule}, got ${bad.value}`);
    const { keyData, rollingStartIntervalNumber: start, rollingPeriod: period } = key;
    const bytes = this.#bytes;
    let at = this.#at;
    if (at + MAX_KEY_BYTES > bytes.length) throw new RangeError('export: more keys than keyCountUpperBound');
    bytes[at] = list;
    const lengthAt = at + 1;
    bytes[at + 2] = TAG.keyData;
    bytes[at + 3] = KEY_DATA_BYTES;
    // Sixteen stores cost less than one call of set().
    for (let i = 0; i < KEY_DATA_BYTES; i++) bytes[at + 4 + i] = keyData[i]!;
    bytes[at + 20] = TAG.riskLevel;
    bytes[at + 21] = key.transmissionRiskLevel;
    bytes[at + 22] = TAG.start;
    at += 23;
    for (let rest = start; ; rest >>>= 7) {
      bytes[at++] = rest > 127 ? (rest & 127) | 128 : rest;
      if (rest <= 127) break;
    }
    bytes[at++] = TAG.period;
    if (period > 127) bytes[at++] = (period & 127) | 128;
    bytes[at++] = period > 127 ? 1 : period;
    bytes[at++] = TAG.reportType;
    bytes[at++] = key.reportType;
    bytes[at++] = TAG.onset;
    // Zigzag: 0, −1, 1, −2 … become 0, 1, 2, 3 …
    bytes[at++] = (key.daysSinceOnsetOfSymptoms << 1) ^ (key.daysSinceOnsetOfSymptoms >> 31);
    bytes[lengthAt] = at - lengthAt - 1;
    this.#at = at;
  }

  /** @returns export.bin so far, its 16-byte header included; a view, so add nothing while it is in use */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }
}

/** One signer, and the name under which apps pinned its key. */
export interface NamedSigner {
  readonly name: KeyName;
  /** DER, ECDSA P-256/SHA-256 */
  readonly signer: Signer;
}

/**
 * @param bytes what is signed
 * @param signers in the order in which their signatures stand
 * @returns export.sig, a TEKSignatureList
 */
export function signatureList(bytes: Uint8Array, signers: readonly NamedSigner[]): Uint8Array {
  const list = gaen.TEKSignatureList.encode({
    signatures: signers.map(({ name, signer }) => ({
      signatureInfo: signatureInfo(name),
      batchNum: BATCH,
      batchSize: BATCH,
      signature: signer.sign(bytes),
    })),
  }).finish();
  return Uint8Array.from(list);
}

/**
 * @param header the one that export.bin was written with; its SignatureInfo stands in both files
 * @param exportBin whole export.bin: the 16-byte header is signed too (docs/spec/gaen.md §4.3)
 * @param signer DER, ECDSA P-256/SHA-256
 * @returns export.sig with exactly one signature: microG verifies every one with the single key it pins (docs/spec/gaen.md §4.3). More are {@link signatureList}'s
 */
export function exportSignature(header: KeyName, exportBin: Uint8Array, signer: Signer): Uint8Array {
  return signatureList(exportBin, [{ name: header, signer }]);
}

/**
 * @param exportBin from {@link ExportWriter}
 * @param exportSig from {@link exportSignature}
 * @param scratch where the ZIP may be laid, not the memory that `exportBin` lies in
 * @returns the ZIP: two entries in this order, deflated, a fixed time (docs/spec/gaen.md §12); the same bytes for the same input
 */
export function exportZip(exportBin: Uint8Array, exportSig: Uint8Array, scratch?: Scratch): Uint8Array {
  return writeZip(
    [
      { name: EXPORT_BIN, data: exportBin },
      { name: EXPORT_SIG, data: exportSig },
    ],
    scratch,
  );
}
