/**
 * @module `npm run bench:match`: how fast a phone matches a day of downloads (issue: 14 days × 28,000 keys against
 * 20,000 sightings within 10 s in one thread, in flat memory). Writes benchmarks/results/match.md.
 */
import { spawnSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { memoryUsage, version } from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Matcher } from '../phone/matching/match.ts';
import type { Sighting } from '../phone/radio/sighting.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { aem, aemk, identifierCipher, rpi, rpik } from '../protocol/gaen/rpi.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { REPORT_OPTIONS } from '../scripts/support/report.ts';

const KEY_COUNTS = [1_000, 28_000, 392_000];
const SIGHTINGS = 20_000;
/** Of the sightings, those of published keys. */
const MATCHING_SIGHTINGS = 20;
const TARGET_SECONDS = 10;
const START = 2_942_064;
const DAYS = 14;
const BLOCKS_PER_KEY = 144;
const COLLECT_EVERY = 1_000;
setFlagsFromString('--expose_gc');
/** Collects garbage now. */
const collect = runInNewContext('gc') as () => void;
const RESULT = new URL('results/match.md', import.meta.url);

/** A small generator with a seed (xorshift32): data that is the same on every machine. */
function randomBytes(seed: number): (length: number) => Uint8Array {
  let state = seed;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    });
}

const random = randomBytes(20_260_607);

function* keys(count: number, tekOf: (n: number) => Uint8Array): Generator<TemporaryExposureKey> {
  for (let n = 0; n < count; n++) {
    yield {
      keyData: tekOf(n),
      transmissionRiskLevel: 5,
      // By day, as in files of one day each.
      rollingStartIntervalNumber: START + Math.floor((n * DAYS) / count) * BLOCKS_PER_KEY,
      rollingPeriod: BLOCKS_PER_KEY,
      reportType: 1,
      daysSinceOnsetOfSymptoms: 0,
    };
  }
}

/** TEKs aren't stored: the n-th is its number under one AES key, so 392,000 keys cost no memory in the measurement. */
function tekMaker(): (n: number) => Uint8Array {
  const cipher = createCipheriv('aes-128-ecb', random(16), null);
  const block = new Uint8Array(16);
  const view = new DataView(block.buffer);
  return (n) => {
    view.setUint32(0, n);
    return cipher.update(block);
  };
}

function sightingsFor(count: number, tekOf: (n: number) => Uint8Array): Sighting[] {
  const met = [...keys(count, tekOf)].filter((_, n) => n % Math.floor(count / MATCHING_SIGHTINGS) === 0);
  return Array.from({ length: SIGHTINGS }, (_, n) => {
    const key = met[n];
    const interval = (key?.rollingStartIntervalNumber ?? START) + 70;
    if (key === undefined)
      return { rpi: random(16), aem: random(4), timestamp: interval * 600, rssi: -60, previousScan: 0 };
    const identifier = rpi(rpik(key.keyData), interval);
    const metadata = aem(aemk(key.keyData), identifier, Uint8Array.of(0x50, 8, 0, 0));
    return { rpi: identifier, aem: metadata, timestamp: interval * 600, rssi: -60, previousScan: 0 };
  });
}

/** What the machine's AES does at most, by `openssl speed` over a second: our own calls would measure themselves. Null where there is no openssl. */
function opensslBlocksPerSecond(): number | null {
  const args = ['speed', '-mr', '-seconds', '1', '-bytes', '16384', '-evp', 'aes-128-ecb'];
  const { stdout } = spawnSync('openssl', args, { encoding: 'utf8' });
  const bytes = /^\+F:\d+:AES-128-ECB:([\d.]+)$/m.exec(stdout ?? '')?.[1];
  return bytes === undefined ? null : Number(bytes) / 16;
}

/** Setting up AES anew for each key costs more than its 144 blocks: keys/s if there were nothing else to do. */
function ciphersPerSecond(): number {
  const plain = new Uint8Array(16 * BLOCKS_PER_KEY);
  const rounds = 50_000;
  const key = random(16);
  const begin = performance.now();
  for (let n = 0; n < rounds; n++) identifierCipher(key).update(plain);
  return rounds / ((performance.now() - begin) / 1000);
}

interface Row {
  readonly count: number;
  readonly seconds: number;
  readonly matches: number;
  /** Largest growth of heap and external memory over the run, bytes, right after a collection. */
  readonly kept: number;
}

function match(count: number): Row {
  const tekOf = tekMaker();
  const sightings = sightingsFor(count, tekOf);
  collect();
  const used = (): number => memoryUsage().heapUsed + memoryUsage().external;
  const before = used();
  let kept = 0;
  let paused = 0;
  let matches = 0;
  let seen = 0;
  const begin = performance.now();
  const matcher = new Matcher(sightings);
  for (const key of keys(count, tekOf)) {
    if ((matcher.sightingsOf(key)?.length ?? 0) > 0) matches += 1;
    if (++seen % COLLECT_EVERY === 0) {
      // Outside the measured time: a run without these collections is as fast, and its garbage is nobody's growth.
      const pause = performance.now();
      collect();
      kept = Math.max(kept, used() - before);
      paused += performance.now() - pause;
    }
  }
  const seconds = (performance.now() - begin - paused) / 1000;
  return { count, seconds, matches, kept };
}

const number = (value: number): string => Math.round(value).toLocaleString('en-GB');

function report(rows: readonly Row[], blocks: number | null, ciphers: number): string {
  const keysPerSecond = Math.max(...rows.map(({ count, seconds }) => count / seconds));
  const limit =
    blocks === null
      ? "not measured, openssl isn't there"
      : `${number(blocks)} blocks/s, that is ${number(blocks / BLOCKS_PER_KEY)} keys/s: ${number(blocks / BLOCKS_PER_KEY / keysPerSecond)} times the fastest row`;
  const table = rows.map(
    (row) =>
      `| ${number(row.count)} | ${row.seconds.toFixed(2)} | ${number(row.count / row.seconds)} | ` +
      `${number((row.count * BLOCKS_PER_KEY) / row.seconds)} | ${row.matches} | ${(row.kept / 1e6).toFixed(1)} |`,
  );
  return `# Matching: keys against ${number(SIGHTINGS)} sightings

\`npm run bench:match\`, ${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model ?? 'unknown CPU'}, one thread, Node ${version}.
Target: 392,000 keys within ${TARGET_SECONDS} s.

| keys | s | keys/s | RPIs/s | keys met | memory kept above start, MB |
|---|---|---|---|---|---|
${table.join('\n')}

- The machine's AES alone, one thread, by \`openssl speed -evp aes-128-ecb\`: ${limit}.
- Limit in Node with a cipher made for each key, as each key needs: ${number(ciphers)} keys/s. The rest goes to HKDF (four SHA-256 calls) and 144 look-ups.
- Memory: the most that was left right after a garbage collection, every ${number(COLLECT_EVERY)} keys: RPIs are made key by key, looked up and dropped.
`;
}

await run(
  {
    name: 'npm run bench:match',
    summary: `Matches ${KEY_COUNTS.map(number).join(', ')} keys against ${number(SIGHTINGS)} sightings. Writes benchmarks/results/match.md;
      the target is ${number(KEY_COUNTS.at(-1) ?? 0)} keys within ${TARGET_SECONDS} s.`,
    options: REPORT_OPTIONS,
    computes: true,
  },
  ({ 'no-report': noReport }, { progress, print }) => {
    match(2_000); // warms up the compiler
    const rows = KEY_COUNTS.map((count, done) => {
      progress('sizes', done, KEY_COUNTS.length);
      return match(count);
    });
    progress('sizes', rows.length, KEY_COUNTS.length);
    const text = report(rows, opensslBlocksPerSecond(), ciphersPerSecond());
    print(rows, text);
    if (!noReport) writeFileSync(RESULT, text);
    return 0;
  },
);
