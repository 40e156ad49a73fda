/**
 * @module A phone that was off for 14 days, against the real edge: it fetches 13 days and some hours, and gets exactly what
 * retention still allows (docs/architecture.md §5.9).
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { keyEnd, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { SubmittedKey } from '../../protocol/submission-payload.ts';
import { moveClock } from '../../scripts/support/operator.ts';
import { patientKeys, payloadOf, START, startSystem, type System } from '../conformance/support/system.ts';
import { names } from '../support/published.ts';
import { reader } from '../support/reader.ts';

const MIDNIGHT = START - (START % SECONDS_PER_DAY);
const DAYS = 14;
const at = (day: number, hour: number, minute = 0): number =>
  MIDNIGHT + day * SECONDS_PER_DAY + hour * 3600 + minute * 60;

let system: System;
beforeAll(async () => {
  const origin = { MIN_KEYS: '1', MIN_UPLOADS: '1' };
  system = await startSystem({ vars: { upload: { ANSWER_DEADLINE_MS: '0' }, origin } });
});
afterAll(() => system.edge.dispose());

describe('a phone that was off for 14 days', () => {
  const phones = { manifest: reader(() => system.edge, 'manifest'), tree: reader(() => system.edge, 'tree') };
  const before: Record<string, number> = {};
  const byDay: SubmittedKey[][] = [];

  it('is away while patients upload every day', async ({ expect }) => {
    const patient = async (name: string, now: number): Promise<SubmittedKey[]> => {
      await moveClock(system.edge.url, now);
      const keys = patientKeys(name, now);
      const [tan = ''] = await system.tans(1);
      expect((await system.upload(tan, payloadOf(keys))).status).toBe(200);
      return keys;
    };
    for (let day = 0; day <= DAYS; day++) {
      byDay.push(await patient(`day ${day}`, at(day, 12, 10)));
      if (day > 0) continue;
      await moveClock(system.edge.url, at(0, 13));
      for (const [name, phone] of Object.entries(phones)) {
        await phone.sync(at(0, 13, 1));
        expect(names(phone.keys)).toEqual(names(byDay[0]!));
        before[name] = phone.files.length;
      }
      byDay[0]!.push(...(await patient('day 0, later', at(0, 14, 10))));
    }
    await moveClock(system.edge.url, at(DAYS, 15));
  });

  it.for(['manifest', 'tree'] as const)(
    'fetches what it lacks through the %s, and nothing else',
    async (name, { expect }) => {
      const phone = phones[name];
      phone.keys.length = 0;
      await phone.sync(at(DAYS, 15, 1));
      const files = phone.files.slice(before[name]);
      expect(new Set(files).size).toBe(files.length);
      // Of the day on which it went off, every key had ended 14 days before the last midnight.
      const cut = at(DAYS, 0) - DAYS * SECONDS_PER_DAY;
      const allowed = byDay.flatMap((keys, day) => keys.filter((key) => day === DAYS || endOf(key) > cut));
      expect(allowed.length).toBe(13 + 12 + 11 + 10 + 9 + 8 + 7 + 6 + 5 + 4 + 3 + 2 + 1 + 14);
      expect(names(phone.keys)).toEqual(names(allowed));
      // Our phone skips files that are marked empty; CWA's tree has no mark.
      if (name === 'manifest') expect(files.length).toBe(13 + 1);
      else expect(files.filter((path) => path.includes('/hour/')).length).toBe(15);
    },
  );
});

function endOf({ rollingStartIntervalNumber, rollingPeriod }: SubmittedKey): number {
  if (rollingStartIntervalNumber === null || rollingPeriod === null) throw new Error('a key without its time');
  return keyEnd({ rollingStartIntervalNumber, rollingPeriod });
}
