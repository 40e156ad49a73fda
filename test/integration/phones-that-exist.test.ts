/**
 * @module Uploads that phones make which exist, against all Workers together: keys that were cut on their day
 * (test/vectors/upload-*.json), an attempt on the day after (test/support/android-app.ts), a TAN that was kept for 13 days.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { SubmittedKey } from '../../protocol/submission-payload.ts';
import { moveClock, setClock } from '../../scripts/support/operator.ts';
import { patientKeys, payloadOf, startSystem, type System } from '../conformance/support/system.ts';
import { androidKeys, type AndroidKey } from '../support/android-app.ts';
import { names, publishedKeys } from '../support/published.ts';
import { type Crash, sabotage, withSaboteur } from '../support/saboteur.ts';

/** 2026-11-24T14:00Z, of which the vectors are. */
const NOW = Date.UTC(2026, 10, 24, 14) / 1000;
const HOUR = 3600;
const DAY = 24 * HOUR;
const TODAY = (NOW / 600 / 144) | 0;
const OLDEST = (TODAY - 14) * 144;

interface Vector {
  readonly keys: readonly { readonly start: number; readonly period: number; readonly trl: number }[];
  readonly visited: readonly string[];
  readonly origin: string;
}

const bytes = (label: string): Uint8Array =>
  Uint8Array.from(createHash('sha256').update(label).digest().subarray(0, 16));

let system: System;
let keptTan = '';
/** Every key that must come out. */
const stored: SubmittedKey[] = [];

beforeAll(async () => {
  system = await startSystem({
    vars: { upload: { ANSWER_DEADLINE_MS: '0' }, origin: { MIN_KEYS: '1', MIN_UPLOADS: '1' } },
    adapt: withSaboteur,
  });
  await setClock(system.edge.url, NOW);
  [keptTan = ''] = await system.tans(1);
});
afterAll(() => system.edge.dispose());

const oneTan = async (): Promise<string> => (await system.tans(1))[0] ?? '';

describe('an upload', () => {
  it.for([
    { name: '15 keys', file: 'upload-15-keys.json', count: 15 },
    { name: '16 keys, two of today', file: 'upload-16-keys-two-today.json', count: 16 },
    { name: '28 keys, two of each of 14 days', file: 'upload-28-keys.json', count: 28 },
    { name: '30 keys, two of each day', file: 'upload-30-keys.json', count: 30 },
  ])('of $name is stored, and published once', async ({ file, count }, { expect }) => {
    const path = new URL(`../vectors/${file}`, import.meta.url);
    const { keys, visited, origin } = JSON.parse(readFileSync(path, 'utf8')) as Vector;
    const sent = keys.map(({ start, period, trl }, n) => ({
      keyData: bytes(`${file}/${n}`),
      transmissionRiskLevel: trl,
      rollingStartIntervalNumber: start,
      rollingPeriod: period,
      reportType: 1,
      daysSinceOnsetOfSymptoms: null,
    }));
    expect(sent).toHaveLength(count);
    const { status } = await system.upload(await oneTan(), payloadOf(sent, { visitedCountries: visited, origin }));
    expect(status).toBe(200);
    stored.push(...sent); // what is published is looked at below
  });
});

interface Person {
  readonly tan: string;
  readonly history: readonly AndroidKey[];
}
const asSent = ({ history }: Person, now: number): SubmittedKey[] =>
  androidKeys(history, 'one-to-two-weeks', now).map((key) => ({ ...key, reportType: 1 }));

describe('Corona-Warn-App on Android, whose answer was lost', () => {
  const people: Person[] = [];
  const LOST: readonly (readonly [what: string, crash: Crash | null, status: number])[] = [
    ['behind everything', null, 200],
    ['before the commit', { call: 2, when: 'before' }, 200],
    ['with that of accept', { call: 1, when: 'after' }, 500],
  ];

  it.for(LOST)('%s: its keys are stored', async ([what, crash, status], { expect }) => {
    const person = {
      tan: await oneTan(),
      history: Array.from({ length: 14 }, (_, age) => ({
        keyData: bytes(`${what}/${age}`),
        rollingStartIntervalNumber: (TODAY - 1 - age) * 144,
        rollingPeriod: 144,
      })),
    };
    await sabotage(system.edge.url, crash);
    const keys = asSent(person, NOW);
    expect((await system.upload(person.tan, payloadOf(keys))).status).toBe(status);
    await sabotage(system.edge.url, null);
    people.push(person);
    stored.push(...keys.filter(({ transmissionRiskLevel }) => (transmissionRiskLevel ?? 0) >= 3));
  });

  it('what was stored is published, each key once', async ({ expect }) => {
    const ended = stored.filter((key) => key.rollingStartIntervalNumber !== TODAY * 144);
    expect(ended.length).toBeLessThan(stored.length);
    await moveClock(system.edge.url, NOW + HOUR);
    for (const region of ['DE', 'EUR']) expect(names(await publishedKeys(system.edge, region))).toEqual(names(ended));
  });

  it('on the next day, without its oldest key and with levels computed anew, is told stored', async ({ expect }) => {
    // 05:10: the first day is one chunk, without the keys of the oldest day; the running day's have come out.
    await moveClock(system.edge.url, NOW + 15 * HOUR + 600);
    const left = stored.filter((key) => key.rollingStartIntervalNumber !== OLDEST);
    expect(names(await publishedKeys(system.edge, 'DE'))).toEqual(names(left));
    for (const person of people) {
      const [before, after] = [asSent(person, NOW), asSent(person, NOW + DAY)];
      expect(after).toHaveLength(before.length - 1);
      const risen = after.filter((key, n) => key.transmissionRiskLevel! >= 3 && before[n]!.transmissionRiskLevel! < 3);
      expect(risen).not.toEqual([]);
      expect((await system.upload(person.tan, payloadOf(after))).status).toBe(200);
      const others = patientKeys(`not ${person.tan}`, NOW);
      expect((await system.upload(person.tan, payloadOf(others))).status).toBe(403);
    }
    await moveClock(system.edge.url, NOW + 17 * HOUR + 600);
    expect(names(await publishedKeys(system.edge, 'DE'))).toEqual(names(left));
  });
});

it('a phone with its first TAN, 13 days and 23 hours old, is stored', async ({ expect }) => {
  const later = NOW + 14 * DAY - HOUR;
  await setClock(system.edge.url, later);
  expect((await system.upload(keptTan, payloadOf(patientKeys('off for days', later)))).status).toBe(200);
});
