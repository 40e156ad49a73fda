/**
 * @module The simulator's hours beside the Publisher's (docs/architecture.md §5.3, §5.11): of the same uploads both publish as many keys, decoys and what is set aside
 * among them. Both draw, so the Publisher's sum is held against the spread of many simulated ones.
 */
import { afterAll, beforeAll, it } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { moveClock } from '../../scripts/support/operator.ts';
import type { Upload } from '../../simulator/cases.ts';
import { publish } from '../../simulator/publication.ts';
import { Random } from '../../simulator/random.ts';
import { patientKeys, PATIENTS, payloadOf, START, startSystem, type System } from '../conformance/support/system.ts';
import { publishedKeys } from '../support/published.ts';

/** Each with as many uploads as a chunk has at least; within the UTC day, so that no day's chunk comes beside the hours'. */
const HOURS = 10;
const SIMULATED = 60;
const FIRST = Math.floor(START / 3600);

let system: System;
beforeAll(async () => {
  system = await startSystem({ vars: { upload: { ANSWER_DEADLINE_MS: '0' } } });
});
afterAll(() => system.edge.dispose());

const patientsOf = (hour: number) =>
  Array.from({ length: PATIENTS }, (_, n) => patientKeys(`hour ${hour} patient ${n}`, START));

/** As the simulator hands them on. */
const simulatedUploads = (): Upload[] =>
  [...Array(HOURS).keys()].flatMap((hour) =>
    patientsOf(hour).map((keys) => ({
      at: START + hour * 3600,
      keys: keys as unknown as TemporaryExposureKey[],
      days: new Set<number>(),
    })),
  );

function simulatedKeys(reserveUploads: number): { readonly mean: number; readonly deviation: number } {
  const sums = Array.from({ length: SIMULATED }, (_, seed) => {
    const policy = { ...DEFAULT_CHUNK_POLICY, reserveUploads };
    const hours = { first: FIRST, last: FIRST + HOURS - 1 };
    const { keysOf } = publish(simulatedUploads(), hours, new Random(seed, 1), policy);
    return [...Array(HOURS).keys()].reduce((sum, n) => sum + keysOf(FIRST + n).length, 0);
  });
  const mean = sums.reduce((sum, one) => sum + one, 0) / SIMULATED;
  const variance = sums.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (SIMULATED - 1);
  return { mean, deviation: Math.sqrt(variance) };
}

it('the simulator publishes as many keys as the Publisher does, of the same uploads', async ({ expect }) => {
  for (let hour = 0; hour < HOURS; hour++) {
    const tans = await system.tans(PATIENTS);
    const sent = patientsOf(hour).map((keys, n) => system.upload(tans[n] ?? '', payloadOf(keys)));
    expect((await Promise.all(sent)).map(({ status }) => status)).toEqual(Array(PATIENTS).fill(200));
    await moveClock(system.edge.url, START + (hour + 1) * 3600);
  }
  const real = (await publishedKeys(system.edge, 'DE')).length;
  const { mean, deviation } = simulatedKeys(DEFAULT_CHUNK_POLICY.reserveUploads);
  // Six deviations of one draw: one run in 500 million is further off.
  expect(Math.abs(real - mean)).toBeLessThan(6 * deviation);
  // And it would show that an hour sets nothing aside.
  expect(Math.abs(real - simulatedKeys(0).mean)).toBeGreaterThan(6 * deviation);
});
