/**
 * @module `npm run bench:size`: bytes a key in the ZIP, by order of the keys and by deflate, beside the least that any
 * format could need; the compact form (compact-size.ts); what taking keys back costs a phone (revocation-size.ts), and what Google's view does (google-size.ts). Data set: benchmarks/keys.ts. Writes results/size.md; ends with 1 when 28,000 keys miss the target.
 */
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { version } from 'node:process';
import { splitEvenly } from '../domain/chunk-policy.ts';
import { compareBytes } from '../protocol/primitives/bytes.ts';
import { deflate } from '../protocol/export/deflate.ts';
import { ExportWriter } from '../protocol/export/export-file.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { compareKeys } from '../protocol/export/tek-order.ts';
import { startPlatformDeflate, type PlatformDeflate } from '../local-edge/platform-deflate.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { REPORT_OPTIONS } from '../scripts/support/report.ts';
import { DATA_SET_HOUR, DATA_SET_SEED, dataSet } from './keys.ts';
import { compactSizes, compactTable } from './compact-size.ts';
import { googleSizes, googleTable } from './google-size.ts';
import { revocationSizes, revocationTable } from './revocation-size.ts';

const COUNTS = [140, 1_176, 28_000, 1_000_000];
const MAX_KEYS_PER_FILE = 100_000;
const TARGET_KEYS = 28_000;
const TARGET_BYTES = 17.6;
const COMPACT_TARGET_BYTES = 15.5;
/** What a file has beside deflated keys: ZIP structures 228, export.sig 111 deflated to 116 (docs/spec/gaen.md §4.1). */
const ZIP_AND_SIGNATURE_BYTES = 344;
const RESULT = new URL('results/size.md', import.meta.url);

const hashOf = (key: TemporaryExposureKey): Uint8Array => createHmac('sha256', 'order').update(key.keyData).digest();

const ORDERS: Readonly<Record<string, (keys: readonly TemporaryExposureKey[]) => TemporaryExposureKey[]>> = {
  'key bytes': (keys) => keys.toSorted((a, b) => compareBytes(a.keyData, b.keyData)),
  'keyed hash': (keys) =>
    keys
      .map((key) => ({ key, hash: hashOf(key) }))
      .toSorted((a, b) => compareBytes(a.hash, b.hash))
      .map(({ key }) => key),
  'metadata, then key bytes': (keys) => keys.toSorted(compareKeys),
};

function exportBin(keys: readonly TemporaryExposureKey[]): Uint8Array {
  const start = DATA_SET_HOUR * 3600;
  const header = { startTimestamp: start, endTimestamp: start + 3600, region: 'DE', keyId: '262', keyVersion: 'v1' };
  const writer = new ExportWriter(header, keys.length);
  for (const key of keys) writer.add(key);
  return writer.finish();
}

interface Measured {
  readonly pinned: number;
  readonly platform: number;
}

async function measure(keys: readonly TemporaryExposureKey[], platform: PlatformDeflate): Promise<Measured> {
  let [pinned, native, at] = [0, 0, 0];
  for (const size of splitEvenly(keys.length, MAX_KEYS_PER_FILE)) {
    const bin = exportBin(keys.slice(at, at + size));
    at += size;
    pinned += deflate(bin).length + ZIP_AND_SIGNATURE_BYTES;
    native += (await platform.size(bin)) + ZIP_AND_SIGNATURE_BYTES;
  }
  return { pinned: pinned / keys.length, platform: native / keys.length };
}

/**
 * A set of n keys with random bytes and metadata of entropy H carries n·(128 + H) − log₂ n! bits: which key comes first
 * says nothing. With the order given (ours is), n·128 bits of key bytes remain and metadata is a handful of counts.
 */
function floors(keys: readonly TemporaryExposureKey[]): { set: number; keyBytes: number; metadataBits: number } {
  const counts = new Map<string, number>();
  for (const k of keys) {
    const metadata = [k.rollingStartIntervalNumber, k.rollingPeriod, k.transmissionRiskLevel, k.reportType].join();
    counts.set(metadata, (counts.get(metadata) ?? 0) + 1);
  }
  const n = keys.length;
  const metadataBits = [...counts.values()].reduce((sum, count) => sum - (count / n) * Math.log2(count / n), 0);
  let orderBits = 0;
  for (let i = 2; i <= n; i++) orderBits += Math.log2(i);
  return { set: (128 + metadataBits - orderBits / n) / 8, keyBytes: 16, metadataBits };
}

await run(
  {
    name: 'npm run bench:size',
    summary: `Bytes a key in the ZIP, by order of the keys and by deflate, beside the least that any format could need. Writes
      benchmarks/results/size.md. Ends with 1 where ${TARGET_KEYS} keys take more than ${TARGET_BYTES} bytes each, or in the compact form more than ${COMPACT_TARGET_BYTES}.`,
    options: REPORT_OPTIONS,
  },
  async ({ 'no-report': noReport }, { say, print }) => {
    const platform = await startPlatformDeflate();
    const table: string[] = [];
    const rows: object[] = [];
    let reached = Number.NaN;
    const floorsOfSets = new Map<number, number>();
    for (const count of COUNTS) {
      const keys = dataSet(count);
      const { set, metadataBits } = floors(keys);
      floorsOfSets.set(count, set);
      for (const [name, order] of Object.entries(ORDERS)) {
        const { pinned, platform: native } = await measure(order(keys), platform);
        if (count === TARGET_KEYS && name.startsWith('metadata')) reached = pinned;
        const cells = [count.toLocaleString('en'), name, pinned.toFixed(2), native.toFixed(2), set.toFixed(2), '16.00'];
        table.push(`| ${[...cells, metadataBits.toFixed(2)].join(' | ')} |`);
        rows.push({ keys: count, order: name, pinned, platform: native, floorOfTheSet: set, metadataBits });
        say(table.at(-1) ?? '');
      }
    }
    await platform.dispose();
    const revocations = revocationSizes();
    const google = googleSizes();
    const compact = compactSizes();
    const compactReached = compact.find(({ keys }) => keys === TARGET_KEYS)?.compact ?? Number.NaN;
    const report = `# Bytes a key in the ZIP

${new Date().toISOString().slice(0, 10)}, Node ${version}; \`npm run bench:size\`. Data set: \`benchmarks/keys.ts\`, seed "${DATA_SET_SEED}": uploads of the published profile
(docs/decoy-profile.md), the keys that one hour releases. Files of at most ${MAX_KEYS_PER_FILE.toLocaleString('en')} keys, ZIP and signature included. "Pinned" is protocol/export/deflate.ts (the same
bytes everywhere), "platform" is workerd's CompressionStream (level 6, changes between builds). Floors: of the set, n·(128 + H) − log₂ n! bits
with H the entropy of a key's metadata, which no format that writes whole keys can reach; and the key's own 16 random bytes, which one
that does can't go below. Target: ≤ ${TARGET_BYTES} at ${TARGET_KEYS.toLocaleString('en')} keys.

| keys | order | pinned | platform | floor of the set | floor of whole keys | H, bits |
| --- | --- | --- | --- | --- | --- | --- |
${table.join('\n')}

${compactTable(compact, floorsOfSets)}
${revocationTable(revocations)}
${googleTable(google)}`;
    if (!noReport) writeFileSync(RESULT, report);
    const good = reached <= TARGET_BYTES && compactReached <= COMPACT_TARGET_BYTES;
    print(
      { rows, compact, revocations, google, pass: good },
      `${good ? 'PASS' : 'FAIL'}: ${reached.toFixed(3)} bytes a key at ${TARGET_KEYS} keys (target ${TARGET_BYTES}); compact ${compactReached.toFixed(3)} (target ${COMPACT_TARGET_BYTES}), ${(compactReached / reached).toFixed(3)} of the ZIP`,
    );
    return good ? 0 : 1;
  },
);
