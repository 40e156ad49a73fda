/**
 * @module Keys that were fetched and wait for the one detection call of a day's few (detection.ts), as apps keep files for it. A key takes 25 bytes: three regions of 28,000 keys a day for 14 days are 29 MB.
 */
import { KEY_DATA_BYTES } from '../../protocol/export/key-fields.ts';
import { DAYS_SINCE_ONSET_UNKNOWN, type ReportType, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';

/** Keys of one file. */
export interface WaitingFile {
  /** Region whose feed it is. */
  readonly region: string;
  /** Packed keys, {@link packKeys}. */
  readonly keys: Uint8Array;
  readonly revisedKeys: Uint8Array;
}

/** Files by name; a name is one file's for good. */
export interface Inbox {
  /** Names of all that wait, in the order in which they came. */
  names(): Promise<readonly string[]>;
  /** @returns the file; null: there is none */
  get(name: string): Promise<WaitingFile | null>;
  /** Durable when the promise is fulfilled; again under a name: the same once. */
  put(name: string, file: WaitingFile): Promise<void>;
  remove(name: string): Promise<void>;
}

/** key_data, start (4), period, level, report type, days since onset (2; −32,768: none is told) */
const RECORD_BYTES = KEY_DATA_BYTES + 9;
const NO_ONSET = -0x8000;

/** @returns 25 bytes a key */
export function packKeys(keys: readonly TemporaryExposureKey[]): Uint8Array {
  const bytes = new Uint8Array(keys.length * RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, key] of keys.entries()) {
    const at = index * RECORD_BYTES + KEY_DATA_BYTES;
    bytes.set(key.keyData, index * RECORD_BYTES);
    view.setUint32(at, key.rollingStartIntervalNumber);
    view.setUint8(at + 4, key.rollingPeriod);
    view.setUint8(at + 5, key.transmissionRiskLevel);
    view.setUint8(at + 6, key.reportType);
    const onset = key.daysSinceOnsetOfSymptoms;
    view.setInt16(at + 7, onset === DAYS_SINCE_ONSET_UNKNOWN ? NO_ONSET : onset);
  }
  return bytes;
}

/** @param bytes what {@link packKeys} made @returns the keys, one by one */
export function* unpackKeys(bytes: Uint8Array): Generator<TemporaryExposureKey> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start + RECORD_BYTES <= bytes.length; start += RECORD_BYTES) {
    const at = start + KEY_DATA_BYTES;
    const onset = view.getInt16(at + 7);
    yield {
      keyData: bytes.slice(start, at),
      rollingStartIntervalNumber: view.getUint32(at),
      rollingPeriod: view.getUint8(at + 4),
      transmissionRiskLevel: view.getUint8(at + 5),
      reportType: view.getUint8(at + 6) as ReportType,
      daysSinceOnsetOfSymptoms: onset === NO_ONSET ? DAYS_SINCE_ONSET_UNKNOWN : onset,
    };
  }
}

/** @param value what was read from disk @returns whether it is a {@link WaitingFile} */
export function isWaitingFile(value: unknown): value is WaitingFile {
  if (typeof value !== 'object' || value === null) return false;
  const { region, keys, revisedKeys } = value as Record<string, unknown>;
  return typeof region === 'string' && keys instanceof Uint8Array && revisedKeys instanceof Uint8Array;
}

/** @returns an inbox in memory, for simulations of many phones */
export function memoryInbox(): Inbox {
  const files = new Map<string, WaitingFile>();
  return {
    names: () => Promise.resolve([...files.keys()]),
    get: (name) => Promise.resolve(files.get(name) ?? null),
    put: (name, file) => {
      files.set(name, file);
      return Promise.resolve();
    },
    remove: (name) => {
      files.delete(name);
      return Promise.resolve();
    },
  };
}
