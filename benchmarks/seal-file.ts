/**
 * @module `npm run bench:seal-file`: what it costs to make export files out of sorted keys, without storage: encode, sign
 * (SHA-256 included), ZIP, hash of the ZIP, on one thread. 1,000,000 keys are files of 100,000. Writes results/seal-file.md
 * and fails when 28,000 keys of the pinned data set take more than 17.6 bytes each or more than 0.2 s (docs/architecture.md §12).
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { cpuUsage, version } from 'node:process';
import { utf8 } from '../protocol/primitives/bytes.ts';
import { type ExportHeader, ExportWriter, exportSignature, exportZip } from '../protocol/export/export-file.ts';
import { sha256 } from '../protocol/primitives/hash.ts';
import { KEY_DATA_BYTES } from '../protocol/export/key-fields.ts';
import type { ReportType, TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { hourEnd, hourStart } from '../protocol/gaen/intervals.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../protocol/signing.ts';
import { compareKeys } from '../protocol/export/tek-order.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { REPORT_OPTIONS } from '../scripts/support/report.ts';
import { DATA_SET_HOUR, dataSet } from './keys.ts';

const COUNTS = [10_000, 28_000, 100_000, 1_000_000];
const KEYS_A_FILE = 100_000;
const RUNS = 5;
const TARGET_KEYS = 28_000;
const TARGET_BYTES_A_KEY = 17.6;
const TARGET_SECONDS = 0.2;
const RESULT = new URL('results/seal-file.md', import.meta.url);
const { der: signer } = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8('benchmark key'))));
const HEADER: ExportHeader = {
  startTimestamp: hourStart(DATA_SET_HOUR),
  endTimestamp: hourEnd(DATA_SET_HOUR),
  region: 'DE',
  keyId: '262',
  keyVersion: 'v1',
};

const STEPS = ['encode', 'sign', 'zip', 'hash'] as const;
type Times = Record<(typeof STEPS)[number], number>;

interface Row {
  readonly count: number;
  readonly times: Times;
  /** Wall clock, ms. */
  readonly total: number;
  /** Processor time of the whole process, garbage collection included, ms. */
  readonly cpu: number;
  readonly bytesAKey: number;
}

/** Keys as a store holds them, flat: a million objects would be measured through the garbage collector. */
interface FlatKeys {
  readonly count: number;
  readonly keyData: Uint8Array;
  /** Five values a key: start, period, level, report type, onset. */
  readonly fields: Int32Array;
}
const FIELDS = 5;

function flatten(keys: readonly TemporaryExposureKey[]): FlatKeys {
  const keyData = new Uint8Array(keys.length * KEY_DATA_BYTES);
  const fields = new Int32Array(keys.length * FIELDS);
  for (const [i, key] of keys.entries()) {
    keyData.set(key.keyData, i * KEY_DATA_BYTES);
    const { rollingStartIntervalNumber, rollingPeriod, transmissionRiskLevel, reportType, daysSinceOnsetOfSymptoms } =
      key;
    fields.set(
      [rollingStartIntervalNumber, rollingPeriod, transmissionRiskLevel, reportType, daysSinceOnsetOfSymptoms],
      i * FIELDS,
    );
  }
  return { count: keys.length, keyData, fields };
}

function keyAt({ keyData, fields }: FlatKeys, i: number): TemporaryExposureKey {
  const at = i * FIELDS;
  return {
    keyData: keyData.subarray(i * KEY_DATA_BYTES, (i + 1) * KEY_DATA_BYTES),
    rollingStartIntervalNumber: fields[at]!,
    rollingPeriod: fields[at + 1]!,
    transmissionRiskLevel: fields[at + 2]!,
    reportType: fields[at + 3]! as ReportType,
    daysSinceOnsetOfSymptoms: fields[at + 4]!,
  };
}

/** Makes all files of `keys`, one in memory at a time. */
function sealOnce(keys: FlatKeys): Omit<Row, 'count'> {
  const times: Times = { encode: 0, sign: 0, zip: 0, hash: 0 };
  const cpuBefore = cpuUsage();
  let bytes = 0;
  const timed = <T>(step: keyof Times, work: () => T): T => {
    const from = performance.now();
    const result = work();
    times[step] += performance.now() - from;
    return result;
  };
  for (let from = 0; from < keys.count; from += KEYS_A_FILE) {
    const to = Math.min(from + KEYS_A_FILE, keys.count);
    const bin = timed('encode', () => {
      const writer = new ExportWriter(HEADER, to - from);
      for (let i = from; i < to; i++) writer.add(keyAt(keys, i));
      return writer.finish();
    });
    const sig = timed('sign', () => exportSignature(HEADER, bin, signer));
    const zip = timed('zip', () => exportZip(bin, sig));
    timed('hash', () => sha256(zip));
    bytes += zip.length;
  }
  const total = STEPS.reduce((sum, step) => sum + times[step], 0);
  const { user, system } = cpuUsage(cpuBefore);
  return { times, total, cpu: (user + system) / 1000, bytesAKey: bytes / keys.count };
}

function measure(count: number): Row {
  const sorted = dataSet(count);
  sorted.sort(compareKeys);
  const keys = flatten(sorted);
  const runs = Array.from({ length: RUNS }, () => sealOnce(keys)).toSorted((a, b) => a.total - b.total);
  return { count, ...runs[Math.floor(RUNS / 2)]! };
}

await run(
  {
    name: 'npm run bench:seal-file',
    summary: `Makes export files out of sorted keys, without storage: encode, sign, ZIP, hash. Writes benchmarks/results/seal-file.md. Ends
      with 1 where ${TARGET_KEYS} keys take more than ${TARGET_BYTES_A_KEY} bytes each or more than ${TARGET_SECONDS} s.`,
    options: REPORT_OPTIONS,
    computes: true,
  },
  ({ 'no-report': noReport }, { say, print }) => {
    const rows: Row[] = [];
    for (const count of COUNTS) {
      const row = measure(count);
      rows.push(row);
      const steps = STEPS.map((step) => `${step} ${row.times[step].toFixed(1)}`).join(', ');
      say(
        `${count} keys: ${row.total.toFixed(1)} ms (${row.cpu.toFixed(1)} of CPU), ${row.bytesAKey.toFixed(2)} B/key (${steps} ms)`,
      );
    }

    const number = (n: number): string => n.toFixed(1);
    const report = `# Making export files

${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${version}; \`npm run bench:seal-file\`.
Sorted keys of the pinned data set (benchmarks/keys.ts) to finished ZIPs, one thread, no storage; median of ${RUNS} runs. "sign" includes SHA-256
of export.bin; files of at most ${KEYS_A_FILE.toLocaleString('en')} keys.

| keys | whole, ms | CPU, ms | encode, ms | sign, ms | zip, ms | hash of the ZIP, ms | bytes a key |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows
  .map(({ count, times, total, cpu, bytesAKey }) => {
    const cells = [
      count.toLocaleString('en'),
      number(total),
      number(cpu),
      ...STEPS.map((step) => number(times[step])),
      bytesAKey.toFixed(2),
    ];
    return `| ${cells.join(' | ')} |\n`;
  })
  .join('')}`;
    if (!noReport) writeFileSync(RESULT, report);

    const target = rows.find(({ count }) => count === TARGET_KEYS)!;
    const good = target.bytesAKey <= TARGET_BYTES_A_KEY && target.total <= TARGET_SECONDS * 1000;
    print(
      { rows, pass: good },
      `${good ? 'PASS' : 'FAIL'}: ${TARGET_KEYS} keys in ${(target.total / 1000).toFixed(3)} s, ` +
        `${target.bytesAKey.toFixed(2)} B/key (targets ${TARGET_SECONDS} s, ${TARGET_BYTES_A_KEY} B)`,
    );
    return good ? 0 : 1;
  },
);
