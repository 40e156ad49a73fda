/**
 * @module The reference phone's way from a code to published keys, against the Workers themselves: laboratory result,
 * teleTAN, code card, second upload, cover traffic.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import parameters from '../../parameters/default.json' with { type: 'json' };
import { type OpeningCode, scanQrCode, typeCode } from '../../phone/verification/codes.ts';
import { type ManifestState, syncManifest } from '../../phone/download/download-manifest.ts';
import { playDummy } from '../../phone/course/playbook.ts';
import { memoryStore } from '../../phone/store.ts';
import { currentKey, endedKeys, type OwnKey, type TekHistory } from '../../phone/radio/tek-schedule.ts';
import {
  type CoursePorts,
  deleteTest,
  openTest,
  pollTest,
  shareKeys,
  shareLastKey,
  type TestState,
} from '../../phone/course/test-course.ts';
import { testRandom } from '../../phone/testing/random.ts';
import type { SharedKey, UploadContent } from '../../phone/upload/upload-request.ts';
import {
  dateOf,
  keyEnd,
  RETENTION_DAYS,
  SECONDS_PER_DAY,
  SECONDS_PER_HOUR,
  startOfDate,
} from '../../protocol/gaen/intervals.ts';
import { downloadPorts, pinnedKeys } from '../../scripts/demo/stage.ts';
import { moveClock, setClock } from '../../scripts/support/operator.ts';
import { START, startSystem, type System } from '../conformance/support/system.ts';
import { ask, openLaboratory, postResult, withBackOffice } from '../support/back-office.ts';
import { names } from '../support/published.ts';

const random = testRandom('test course');
let system: System;
let now = START;

const guidOf = (n: number): string => `3D6D08-9AB3CD10-1F2E-4D5C-8B7A-${String(n).padStart(12, '0')}`;

function opened(code: ReturnType<typeof scanQrCode>): OpeningCode {
  if (!code.ok) throw new Error(code.error.kind);
  return code.value;
}
const scan = (n: number): OpeningCode => opened(scanQrCode(`https://localhost/?${guidOf(n)}`));

/** Published whatever its age: the level is explicit. */
const withLevel = (keys: readonly OwnKey[]): SharedKey[] =>
  keys.map((key) => ({ ...key, transmissionRiskLevel: 6, daysSinceOnsetOfSymptoms: null }));

class Person {
  readonly store = memoryStore<TestState>();
  history: TekHistory = [];

  constructor() {
    for (let day = 14; day >= 0; day--) this.live(START - day * SECONDS_PER_DAY);
  }

  live(at: number): void {
    this.history = currentKey(this.history, at, random).history;
  }

  get ports(): CoursePorts {
    const { url } = system.edge;
    const clock = () => now;
    return { fetch, baseUrl: url, verificationUrl: url, random, clock, store: this.store, settings: parameters };
  }

  get content(): UploadContent {
    const keys = withLevel(endedKeys(this.history, now));
    return { keys, visitedCountries: ['DE'], consentToFederation: true, submissionType: 0 };
  }
}

/** Everything that must come out in the end. */
const shared: OwnKey[] = [];
const share = async (person: Person) => {
  const { content } = person;
  const outcome = await shareKeys(content, person.ports);
  if (outcome.ok) shared.push(...content.keys);
  return outcome;
};

beforeAll(async () => {
  system = await startSystem({
    vars: {
      // Without a deadline an answer leaves when the work is done: sizes and times are looked at elsewhere.
      upload: { ANSWER_DEADLINE_MS: '0' },
      verification: { ANSWER_DEADLINE_MS: '0' },
      origin: { MIN_KEYS: '1', MIN_UPLOADS: '1' },
    },
    adapt: withBackOffice,
  });
  await openLaboratory(system.edge.url);
});
afterAll(() => system.edge.dispose());

const DONE = { ok: true, value: null };
const advice = (kind: string) => ({ ok: false, error: { kind } });

describe('a person whose test a laboratory examines', () => {
  const person = new Person();

  it('registers, polls while it is pending, and may share once it is positive', async ({ expect }) => {
    expect(await openTest(scan(1), person.ports)).toEqual({ ok: true, value: 'pending' });
    expect(await pollTest(person.ports)).toEqual({ ok: true, value: 'pending' });
    expect(await shareKeys(person.content, person.ports)).toEqual(advice('ask-hotline'));
    await postResult(system.edge.url, scan(1).key, 2);
    expect(await pollTest(person.ports)).toEqual({ ok: true, value: 'positive' });
    expect(await share(person)).toEqual(DONE);
  });

  it('is sent to the hotline by a phone that was installed anew, whose teleTAN opens it again', async ({ expect }) => {
    const again = new Person();
    expect(await openTest(scan(1), again.ports)).toEqual(advice('ask-hotline'));
    const reply = (await ask(system.edge.url, 'verification', 'issueTeleTan', 'hotline-1')) as { teleTan: string };
    expect(await openTest(opened(typeCode(reply.teleTan)), again.ports)).toEqual({ ok: true, value: 'positive' });
    expect(await share(again)).toEqual(DONE);
    const third = new Person();
    expect(await openTest(opened(typeCode(reply.teleTan)), third.ports)).toEqual(advice('ask-hotline'));
  });

  it('shares nothing after a negative result', async ({ expect }) => {
    const negative = new Person();
    await postResult(system.edge.url, scan(2).key, 1);
    expect(await openTest(scan(2), negative.ports)).toEqual({ ok: true, value: 'negative' });
    expect(await shareKeys(negative.content, negative.ports)).toEqual(advice('ask-hotline'));
  });

  it('may delete the test, which nothing opens any more', async ({ expect }) => {
    const deleting = new Person();
    await postResult(system.edge.url, scan(3).key, 2);
    await openTest(scan(3), deleting.ports);
    expect(await deleteTest(deleting.ports)).toEqual(DONE);
    expect(await openTest(scan(3), new Person().ports)).toEqual(advice('ask-hotline'));
  });

  it('opens with a code card, typed or scanned, once', async ({ expect }) => {
    const sheet = (await ask(system.edge.url, 'verification', 'makeCards', 'practice-1', 'morning', 20)) as {
      cards: { code: string; guid: string }[];
    };
    const [typed, scanned] = sheet.cards;
    if (typed === undefined || scanned === undefined) throw new Error('expected two cards');
    const people = [new Person(), new Person()] as const;
    expect(await openTest(opened(typeCode(typed.code)), people[0].ports)).toEqual({ ok: true, value: 'positive' });
    const qr = opened(scanQrCode(`https://localhost/?${scanned.guid}`));
    expect(await openTest(qr, people[1].ports)).toEqual({ ok: true, value: 'positive' });
    for (const one of people) expect(await share(one)).toEqual(DONE);
    const late = opened(scanQrCode(`https://localhost/?${typed.guid}`));
    expect(await openTest(late, new Person().ports)).toEqual(advice('ask-hotline'));
  });

  it('shares the key of the day of the test on the next day, once', async ({ expect }) => {
    now = START + SECONDS_PER_DAY;
    await setClock(system.edge.url, now);
    person.live(now);
    expect(await shareLastKey(withLevel, person.history, person.ports)).toEqual(DONE);
    shared.push(...endedKeys(person.history, now).slice(-1));
    expect(await shareLastKey(withLevel, person.history, person.ports)).toEqual(advice('not-now'));
  });
});

describe('afterwards', () => {
  it('cover traffic is answered like the real thing and changes nothing', async ({ expect }) => {
    const { ports } = new Person();
    const statuses: number[] = [];
    const counted: CoursePorts['fetch'] = async (url, init) => {
      const answer = await fetch(url, init);
      statuses.push(answer.status);
      return answer;
    };
    const actions = ['register', 'poll', 'submit', 'submit'] as const;
    for (const action of actions) await playDummy(action, { ...ports, fetch: counted });
    // registrationToken and tan are created, results and uploads are OK, as for the lucky ones among the real.
    expect(statuses).toEqual([201, 200, 200, 200, 201, 200, 201, 200, 200, 201, 200, 200]);
  });

  it('exactly the shared keys are published, each once', async ({ expect }) => {
    now += 2 * SECONDS_PER_HOUR;
    await moveClock(system.edge.url, now);
    const published: { keyData: Uint8Array }[] = [];
    const outcome = await syncManifest({
      ...downloadPorts(system.edge, now, ({ exportFile }) => void published.push(...exportFile.keys)),
      region: 'DE',
      manifestKeys: pinnedKeys(system.edge).manifestKeys,
      store: memoryStore<ManifestState>(),
    });
    expect(outcome.errors).toEqual([]);
    // At midnight the day was cut without what had ended 14 days before: each person's oldest key.
    const cut = startOfDate(dateOf(now)) - RETENTION_DAYS * SECONDS_PER_DAY;
    const young = shared.filter((key) => keyEnd(key) > cut);
    expect(shared.length - young.length).toBe(4);
    expect(names(published)).toEqual(names(young));
    expect(names(published)).toHaveLength(4 * 13 + 1);
  });
});
