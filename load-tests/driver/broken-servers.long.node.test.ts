/**
 * @module A test of the load tests: each scenario passes in front of a sound edge and fails in front of servers that are broken in one
 * way each. Needs k6 as `npm run load` does (Go builds it once).
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { temporaryFolder } from '../../scripts/support/command-line/interrupt.ts';
import { advanceUntilIdle } from '../../scripts/support/operator.ts';
import { type BrokenServer, type Fault, FAULTS, startBrokenServer } from '../../test/support/broken-server.ts';
import { manifestKeyOf } from './context.ts';
import { fill, SHORT_HISTORY } from './fill.ts';
import { ensureK6, type K6 } from './k6.ts';
import { failuresOf, runK6 } from './k6-run.ts';
import { prepareCodes, preparePublish } from './prepare-google.ts';
import { prepareCover } from './prepare-cover.ts';
import { prepareUploads } from './prepare-uploads.ts';
import { SCENARIO_NAMES } from './stages.ts';

const { path: folder, remove } = temporaryFolder('broken-servers');
const servers = new Map<Fault, BrokenServer>();
let edge: LocalEdge;
let k6: K6;
let day = '';

beforeAll(async () => {
  k6 = await ensureK6();
  edge = await startLocalEdge({ state: join(folder, 'state'), onLog: () => undefined });
  const now = Math.floor(Date.now() / 1000);
  day = await fill(edge, { now, ...SHORT_HISTORY, say: () => undefined });
  for (const fault of FAULTS) servers.set(fault, await startBrokenServer(fault, edge.url));
});
afterAll(async () => {
  for (const server of servers.values()) await server.stop();
  await edge.dispose();
  remove();
});

type Scenario = (typeof SCENARIO_NAMES)[number] | 'bytes';

const PREPARE: Readonly<Partial<Record<Scenario, typeof prepareUploads>>> = {
  'upload-publish': preparePublish,
  'verification-certificate': prepareCodes,
  cover: async (_edge, _count, file) => prepareCover(file),
};

const isUpload = (scenario: Scenario): boolean => /^(upload|verification|cover|portal)/.test(scenario);
/** Few sessions a second of each kind: a flood is ten times as much, and `download-peak` sixty times. */
const factorOf = (scenario: Scenario): number =>
  scenario === 'download-peak' ? 0.000_02 : scenario === 'cover' ? 0.01 : isUpload(scenario) ? 0.002 : 0.001;

/** @returns why the run doesn't count; none when it is green */
async function failures(scenario: Scenario, fault: Fault): Promise<readonly string[]> {
  const own = mkdtempSync(join(folder, `${scenario}-`));
  const uploads = join(own, 'uploads.json');
  if (isUpload(scenario)) await (PREPARE[scenario] ?? prepareUploads)(edge, 20, uploads);
  const url = servers.get(fault)?.url ?? '';
  const environment = {
    BASE_URLS: url,
    DIRECT_URL: url,
    DAY: day,
    MANIFEST_KEY: manifestKeyOf(edge),
    UPLOADS: uploads,
    RATE_FACTOR: String(factorOf(scenario)),
    DURATION: '2',
    CHECK_TIMES: 'no',
    HOURLY_DAYS: '1',
    KINDS: 'manifestHourly,cwaHourly,headAgain',
    // A sound answer to an upload takes a second; where none comes, nothing is gained by waiting.
    ...(fault === 'stops' ? { TIMEOUT: '0.5' } : {}),
  };
  // An hour waits to be sealed under load.
  const seals = scenario === 'seal-under-load' && fault === 'sound';
  const during = { seconds: 1, act: () => advanceUntilIdle(edge.url) };
  const result = await runK6({
    k6,
    scenario,
    folder: own,
    environment,
    atMostSeconds: 120,
    ...(seals ? { during } : {}),
  });
  return failuresOf(result);
}

const ALL: readonly Scenario[] = [...SCENARIO_NAMES, 'bytes'];
const READS_HEADS = ALL.filter((scenario) => !isUpload(scenario));
/** The flood's odd paths are refused by the tier in front, which isn't here: `npm run load:ci` holds that scenario to be green. */
const SOUND = ALL.filter((scenario) => scenario !== 'download-flood');
/** An answer to an upload has no body that could be damaged, of one to a dummy a phone reads nothing; of a page of staff most letters are for people. */
const READS_BODIES = ALL.filter((scenario) => !/^(upload|cover|portal)/.test(scenario));

const NOT_GOOD = /sessions_(not_)?good|\bgood ones/;

describe.concurrent('a load test', () => {
  // Thresholds need a machine that keeps up with a second's load: where it didn't, it is asked again. What is broken is so each time.
  it.for(SOUND)('%s is green in front of a sound edge', { retry: 2 }, async (scenario, { expect }) => {
    expect(await failures(scenario, 'sound')).toEqual([]);
  });

  it.for(ALL)('%s fails where everything is answered 200 and a page of HTML', async (scenario, { expect }) => {
    expect((await failures(scenario, 'html')).join('; ')).toMatch(NOT_GOOD);
  });

  it.for(READS_BODIES)(
    '%s fails where the index is right and one bit of each file is not',
    async (scenario, { expect }) => {
      expect((await failures(scenario, 'files')).join('; ')).toMatch(NOT_GOOD);
    },
  );

  it.for(READS_HEADS)("%s fails where heads aren't signed by the pinned key", async (scenario, { expect }) => {
    expect((await failures(scenario, 'signatures')).join('; ')).toMatch(NOT_GOOD);
  });

  it.for(ALL)('%s fails where answers are 503, end halfway or never come', async (scenario, { expect }) => {
    expect((await failures(scenario, 'stops')).join('; ')).toMatch(NOT_GOOD);
  });
});
