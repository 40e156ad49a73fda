/**
 * @module A clock that jumps, over the whole edge (docs/architecture.md §11): nothing is published early or deleted, the operator's command
 * tells it, and the operator's word ends it.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { advanceUntilIdle, confirmClocks, jumpClock, readClocks, setClock } from '../../scripts/support/operator.ts';
import { patientKeys, payloadOf, START, startSystem, type System } from '../conformance/support/system.ts';
import { runCommand } from '../support/processes.ts';

const DAY = 86_400;
const TAN_GONE_SECONDS = DAY + 2 * 3600;
/** From START, 10:20, the last sealed hour is 09; two hours more are believed: 10 and 11. */
const BELIEVED_THROUGH = Math.floor(START / 3600) + 1;

let system: System;
beforeAll(async () => {
  const origin = { MIN_KEYS: '1', MIN_UPLOADS: '1' };
  system = await startSystem({ vars: { upload: { ANSWER_DEADLINE_MS: '0' }, origin } });
  await setClock(system.edge.url, START);
  const [tan = ''] = await system.tans(1);
  await system.upload(tan, payloadOf(patientKeys('a patient', START)));
  await advanceUntilIdle(system.edge.url);
});
afterAll(() => system.edge.dispose());

const lastHour = async (): Promise<number | null> => {
  const status = (await (await fetch(`${system.edge.url}/operator/status`)).json()) as {
    regions: { lastIndexedHour: number | null }[];
  };
  return status.regions[0]!.lastIndexedHour;
};
const records = async (): Promise<number> => {
  const bucket = await system.edge.miniflare.getR2Bucket('PRIVATE', 'exposure-edge-origin');
  return (await bucket.list({ prefix: 'sets/' })).objects.length;
};

describe('a clock that jumps by 15 days', () => {
  it('is not believed: nothing is published past the bound, no record and no TAN is deleted', async ({ expect }) => {
    await jumpClock(system.edge.url, START + 15 * DAY, START);
    await advanceUntilIdle(system.edge.url);
    expect(await lastHour()).toBe(BELIEVED_THROUGH);
    expect(await records()).toBeGreaterThan(10);
    const held = (await readClocks(system.edge.url)).filter((clock) => clock.held);
    expect(held.map(({ object }) => object)).toEqual(
      expect.arrayContaining(['publisher', 'buffer', 'parameters', 'ledger']),
    );
  });

  it('is shown by `npm run clock`, with an exit code', async ({ expect }) => {
    const { code, stdout } = await runCommand(['scripts/clock.ts', '--url', system.edge.url]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^publisher .*WAITS: its clock is not believed$/m);
    expect(stdout.trim().split('\n').length).toBe(3 + 20 + 16 + 1);
  });

  it('goes on when an operator confirms it', async ({ expect }) => {
    const after = await confirmClocks(system.edge.url, START + 15 * DAY);
    expect(after.filter(({ held }) => held)).toEqual([]);
    await advanceUntilIdle(system.edge.url);
    expect(await lastHour()).toBe(Math.floor((START + 15 * DAY) / 3600) - 1);
    expect(15 * DAY).toBeGreaterThan(TAN_GONE_SECONDS);
    expect(await records()).toBe(0);
  });
});
