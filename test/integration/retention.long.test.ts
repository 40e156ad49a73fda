/**
 * @module Another number than 14: a jurisdiction that keeps keys for ten days, from the upload to the last byte. Shown by listing what is left in every
 * object and bucket after the clock has passed it, and by looking for the keys' bytes in every file: journal and copies included.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { ObjectRemains } from '../../domain/sunset.ts';
import { keyEnd, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { countryIndexPath } from '../../protocol/index/cwa-tree.ts';
import { advanceUntilIdle, moveClock } from '../../scripts/support/operator.ts';
import { SunsetPortal } from '../../scripts/support/sunset.ts';
import { patientKeys, payloadOf, START, startSystem, type System } from '../conformance/support/system.ts';
import { names, publishedKeys } from '../support/published.ts';

const DAYS = 10;
const MIDNIGHT = START - (START % SECONDS_PER_DAY);
/** 05:00 UTC: hours and records of the night have gone. */
const morning = (day: number): number => MIDNIGHT + day * SECONDS_PER_DAY + 5 * 3600;

let state = '';
let system: System;
beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'retention-test-'));
  const origin = { MIN_KEYS: '0', MIN_UPLOADS: '0', RETENTION_DAYS: String(DAYS) };
  system = await startSystem({ state, vars: { upload: { ANSWER_DEADLINE_MS: '0' }, origin } });
});
afterAll(async () => {
  await system.edge.dispose();
  rmSync(state, { recursive: true, force: true });
});

const KEYS = patientKeys('somebody', START);
const endOf = (key: (typeof KEYS)[number]): number =>
  keyEnd({ rollingStartIntervalNumber: key.rollingStartIntervalNumber!, rollingPeriod: key.rollingPeriod! });

/** @returns how many files of the state hold a byte string of the keys */
function filesWithKeys(): number {
  const entries = readdirSync(join(state, 'resources'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return files.filter((file) => {
    const bytes = readFileSync(file);
    return KEYS.some(({ keyData }) => bytes.includes(Buffer.from(keyData!)));
  }).length;
}

async function rowsOf(object: string): Promise<ObjectRemains['tables']> {
  const { objects } = await new SunsetPortal(system.edge.url).status();
  return objects.find((one) => one.object === object)!.tables;
}

async function inPrivate(prefix: string): Promise<string[]> {
  const bucket = await system.edge.miniflare.getR2Bucket('PRIVATE', 'exposure-edge-origin');
  return (await bucket.list({ prefix })).objects.map(({ key }) => key);
}

/** Alarms run on real time: what one is to delete within a second is asked for until it has. */
async function until(gone: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100 && !(await gone()); tries++) await new Promise((resolve) => setTimeout(resolve, 100));
}

describe('ten days', () => {
  it('a key is published for ten days after its period, and not a midnight longer', async ({ expect }) => {
    const [tan = ''] = await system.tans(1);
    expect((await system.upload(tan, payloadOf(KEYS))).status).toBe(200);
    await moveClock(system.edge.url, START + 3600);
    // Of fourteen keys those that ended ten days ago are no news to anybody.
    const fresh = KEYS.filter((key) => endOf(key) + DAYS * SECONDS_PER_DAY > START);
    expect([fresh.length, names(await publishedKeys(system.edge, 'DE'))]).toEqual([DAYS, names(fresh)]);
    const bucket = await system.edge.miniflare.getR2Bucket('PUBLIC', 'exposure-edge-origin');
    const meta = { httpMetadata: { contentType: 'application/json' } };
    await bucket.put(countryIndexPath(), `"${Buffer.from(KEYS[0]!.keyData!).toString('latin1')}"`, meta);
    await advanceUntilIdle(system.edge.url);
    expect((await inPrivate('foreign/')).length).toBe(1);
    expect(filesWithKeys()).toBeGreaterThan(0);
    for (let day = 1; day <= DAYS + 1; day++) {
      await moveClock(system.edge.url, morning(day));
      const midnight = MIDNIGHT + day * SECONDS_PER_DAY;
      const alive = fresh.filter((key) => endOf(key) + DAYS * SECONDS_PER_DAY > midnight);
      // As often as it is in a chunk that is named; of the former cut nothing is left at five.
      expect([day, [...new Set(names(await publishedKeys(system.edge, 'DE')))]]).toEqual([day, names(alive)]);
    }
  });

  it('then no byte of it is left: not in records, chunks, journal, copies, nor in any object', async ({ expect }) => {
    await moveClock(system.edge.url, morning(DAYS + 2));
    for (const prefix of ['sets/', 'issues/', 'openings/', 'quarantine/', 'foreign/'])
      expect(await inPrivate(prefix)).toEqual([]);
    await until(async () => (await rowsOf('buffer'))['known_key'] === 0);
    const buffer = await rowsOf('buffer');
    for (const table of ['waiting_row', 'row_label', 'release_counter', 'known_key'])
      expect([table, buffer[table]]).toEqual([table, 0]);
    expect(filesWithKeys()).toBe(0);
  });

  it('what hangs on a TAN’s life goes with that: its row and the upload’s id, two days after fourteen', async ({
    expect,
  }) => {
    expect([(await rowsOf('ledger'))['held_tan'], (await rowsOf('buffer'))['upload']]).toEqual([1, 1]);
    await moveClock(system.edge.url, morning(16));
    await until(async () => (await rowsOf('buffer'))['upload'] === 0);
    expect([(await rowsOf('ledger'))['held_tan'], (await rowsOf('buffer'))['upload']]).toEqual([0, 0]);
    // Of the machine's own rows those of ten days and one more.
    const { sealed_hour: hours = 0, region_day: days = 0 } = await rowsOf('publisher');
    expect([hours <= (DAYS + 2) * 24 + 5, days <= 2 * (DAYS + 2)]).toEqual([true, true]);
    const log = await inPrivate('log/');
    expect(log.length).toBeGreaterThan(0);
  });
});
