/**
 * @module The private record of a published set (design.md §5 Record): what undo, rebuild and federation stand on. One part
 * holds at most one file's keys, in published order; code-batch ids live in a record of their own, under a key of their
 * own. Columns of protobuf (proto/set-record.proto), deflated; read with a cap and without trust.
 */
import { deflate, inflateCapped } from './deflate.ts';
import { exposure_edge as proto } from './generated/set-record.js';
import { badKeyField, KEY_DATA_BYTES } from './key-fields.ts';
import type { ReportType, TemporaryExposureKey } from './keys.ts';
import { decodeMessage } from './protobuf-read.ts';
import { type Result, err, ok } from './result.ts';

/** Most keys of one part: those of one file (design.md §5 Files). */
const MAX_RECORD_KEYS = 100_000;
/** Some 34 bytes a key before deflate, and room for provenances. */
const MAX_RECORD_BYTES = 8_000_000;
/** Code-batch ids are short, but a deployment chooses them. */
const MAX_BATCH_RECORD_BYTES = 16_000_000;
const VERSION = 1;

/** Where a part stands: in set `setNumber`, part `part` (from 1) of `of`. */
interface RecordPosition {
  readonly setNumber: number;
  readonly part: number;
  readonly of: number;
}

export interface RecordedKey {
  readonly key: TemporaryExposureKey;
  /** ISO 3166-1 alpha-2, sorted, the home country included. */
  readonly regions: readonly string[];
  /** Country that took the upload in. */
  readonly origin: string;
  readonly consentToFederation: boolean;
  /** Drawn by us to hide real uploads (design.md §5 Policy). */
  readonly synthetic: boolean;
}

export interface SetRecord extends RecordPosition {
  /** In published order. */
  readonly keys: readonly RecordedKey[];
}

export interface BatchRecord extends RecordPosition {
  /** One a key, in published order; null for keys whose code came from no batch. */
  readonly codeBatchIds: readonly (string | null)[];
}

/** `what` names the column and the rule, never a key. */
export interface RecordError {
  readonly kind: 'malformed-record';
  readonly what: string;
}

/** Distinct values in order of first appearance, and where each is. */
class Dictionary {
  readonly positions = new Map<string, number>();

  positionOf(value: string): number {
    const known = this.positions.get(value);
    if (known !== undefined) return known;
    const position = this.positions.size;
    this.positions.set(value, position);
    return position;
  }
}

function requireCount(count: number): void {
  if (count > MAX_RECORD_KEYS) throw new RangeError(`set record: ${count} keys, at most ${MAX_RECORD_KEYS} a part`);
}

/**
 * @param record one part; at most 100,000 keys, each as it was published
 * @returns bytes of the record object; the same for the same input
 * @throws {RangeError} when there are more keys, or a key that no export could hold
 */
export function encodeSetRecord(record: SetRecord): Uint8Array {
  const count = record.keys.length;
  requireCount(count);
  const keyData = new Uint8Array(count * KEY_DATA_BYTES);
  const provenances: proto.Provenance.$Properties[] = [];
  const dictionary = new Dictionary();
  const columns = {
    startDifferences: [] as number[],
    rollingPeriods: [] as number[],
    transmissionRiskLevels: [] as number[],
    reportTypes: [] as number[],
    daysSinceOnset: [] as number[],
    provenanceIndexes: [] as number[],
  };
  const syntheticDifferences: number[] = [];
  let lastStart = 0;
  let lastSynthetic = 0;
  for (const [i, { key, regions, origin, consentToFederation, synthetic }] of record.keys.entries()) {
    const bad = badKeyField(key);
    if (bad !== null) throw new RangeError(`set record: keys[${i}].${bad.field} must be ${bad.rule}, got ${bad.value}`);
    keyData.set(key.keyData, i * KEY_DATA_BYTES);
    columns.startDifferences.push(key.rollingStartIntervalNumber - lastStart);
    lastStart = key.rollingStartIntervalNumber;
    columns.rollingPeriods.push(key.rollingPeriod);
    columns.transmissionRiskLevels.push(key.transmissionRiskLevel);
    columns.reportTypes.push(key.reportType);
    columns.daysSinceOnset.push(key.daysSinceOnsetOfSymptoms);
    const position = dictionary.positionOf(JSON.stringify([regions, origin, consentToFederation]));
    if (position === provenances.length) provenances.push({ regions: [...regions], origin, consentToFederation });
    columns.provenanceIndexes.push(position);
    if (synthetic) {
      syntheticDifferences.push(i - lastSynthetic);
      lastSynthetic = i;
    }
  }
  const { setNumber, part, of } = record;
  const position = { version: VERSION, setNumber, part, of };
  const message = { ...position, keyData, ...columns, provenances, syntheticDifferences };
  return deflate(proto.SetRecordPart.encode(message).finish());
}

/**
 * @param bytes any bytes
 * @returns the part, every key checked again as an export's reader would; or what is wrong with it
 */
export function decodeSetRecord(bytes: Uint8Array): Result<SetRecord, RecordError> {
  const message = openPart(bytes, MAX_RECORD_BYTES, proto.SetRecordPart);
  if (!message.ok) return message;
  const m = message.value;
  const count = m.rollingPeriods.length;
  if (count > MAX_RECORD_KEYS) return malformed(`${count} keys, at most ${MAX_RECORD_KEYS}`);
  if (m.keyData.length !== count * KEY_DATA_BYTES) return malformed('key_data is not 16 bytes a key');
  for (const column of ['startDifferences', 'transmissionRiskLevels', 'reportTypes', 'daysSinceOnset'] as const) {
    if (m[column].length !== count) return malformed(`${column} has ${m[column].length} values for ${count} keys`);
  }
  if (m.provenanceIndexes.length !== count) return malformed('provenanceIndexes has other values than keys');
  const synthetic = new Set<number>();
  let at = 0;
  for (const difference of m.syntheticDifferences) {
    at += difference;
    if (at >= count || synthetic.has(at)) return malformed('syntheticDifferences leave the keys');
    synthetic.add(at);
  }
  const provenances = m.provenances.map((provenance) => ({
    regions: provenance.regions ?? [],
    origin: provenance.origin ?? '',
    consentToFederation: provenance.consentToFederation ?? false,
  }));

  const keys: RecordedKey[] = [];
  let start = 0;
  for (const [i, rollingPeriod] of m.rollingPeriods.entries()) {
    start += m.startDifferences[i] ?? 0;
    const key: TemporaryExposureKey = {
      keyData: new Uint8Array(m.keyData.subarray(i * KEY_DATA_BYTES, (i + 1) * KEY_DATA_BYTES)),
      transmissionRiskLevel: m.transmissionRiskLevels[i] ?? 0,
      rollingStartIntervalNumber: start,
      rollingPeriod,
      reportType: (m.reportTypes[i] ?? 0) as ReportType,
      daysSinceOnsetOfSymptoms: m.daysSinceOnset[i] ?? 0,
    };
    const bad = badKeyField(key);
    if (bad !== null) return malformed(`keys[${i}].${bad.field} is ${bad.value}, must be ${bad.rule}`);
    const provenance = provenances[m.provenanceIndexes[i] ?? 0];
    if (provenance === undefined) return malformed(`keys[${i}] names a provenance that is not there`);
    keys.push({ key, ...provenance, synthetic: synthetic.has(i) });
  }
  return ok({ setNumber: m.setNumber, part: m.part, of: m.of, keys });
}

/**
 * @param record one part; at most 100,000 keys
 * @returns bytes of the batch-record object; the same for the same input
 * @throws {RangeError} when there are more keys
 */
export function encodeBatchRecord(record: BatchRecord): Uint8Array {
  requireCount(record.codeBatchIds.length);
  const dictionary = new Dictionary();
  const indexes = record.codeBatchIds.map((id) => (id === null ? 0 : dictionary.positionOf(id) + 1));
  const { setNumber, part, of } = record;
  const codeBatchIds = [...dictionary.positions.keys()];
  return deflate(
    proto.BatchRecordPart.encode({ version: VERSION, setNumber, part, of, codeBatchIds, indexes }).finish(),
  );
}

/**
 * @param bytes any bytes
 * @returns the part, or what is wrong with it
 */
export function decodeBatchRecord(bytes: Uint8Array): Result<BatchRecord, RecordError> {
  const message = openPart(bytes, MAX_BATCH_RECORD_BYTES, proto.BatchRecordPart);
  if (!message.ok) return message;
  const { setNumber, part, of, codeBatchIds: known, indexes } = message.value;
  if (indexes.length > MAX_RECORD_KEYS) return malformed(`${indexes.length} keys, at most ${MAX_RECORD_KEYS}`);
  const codeBatchIds: (string | null)[] = [];
  for (const index of indexes) {
    const id = index === 0 ? null : known[index - 1];
    if (id === undefined) return malformed(`index ${index} names no code batch`);
    codeBatchIds.push(id);
  }
  return ok({ setNumber, part, of, codeBatchIds });
}

interface Part {
  readonly version: number;
  readonly part: number;
  readonly of: number;
}

function openPart<T extends Part>(
  bytes: Uint8Array,
  limit: number,
  type: Parameters<typeof decodeMessage<T>>[0],
): Result<T, RecordError> {
  const inflated = inflateCapped(bytes, limit);
  if (inflated === 'too-large') return malformed(`more than ${limit} bytes after inflating`);
  if (inflated === 'malformed' || inflated.used !== bytes.length) return malformed('not a deflate stream');
  const message = decodeMessage(type, inflated.data);
  if (message === null) return malformed('not protobuf');
  if (message.version !== VERSION) return malformed(`version ${message.version}, this reads ${VERSION}`);
  if (message.part < 1 || message.part > message.of) return malformed(`part ${message.part} of ${message.of}`);
  return ok(message);
}

function malformed(what: string): Result<never, RecordError> {
  return err({ kind: 'malformed-record', what });
}
