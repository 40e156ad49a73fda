/**
 * @module The retry protocol of docs/architecture.md §4.4 with the real Workers, the real ledger and the real buffer, and a connection
 * that is lost at each arrow: before the call arrives, or before its reply does. Then the same phone comes again, or another
 * one with the same TAN; and in the end what is published is what was acknowledged.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { fromUtf8, toBase64, utf8 } from '../../protocol/primitives/bytes.ts';
import { PUBLISH_PATH } from '../../protocol/publish/request.ts';
import { importLocally } from '../../scripts/support/authorities.ts';
import { moveClock, readClock, setClock } from '../../scripts/support/operator.ts';
import { patientKeys, payloadOf, START, startSystem, type System } from '../conformance/support/system.ts';
import { sentKeys, testAuthority, type TestAuthority } from '../support/health-authority.ts';
import { names, publishedKeys } from '../support/published.ts';
import { type Crash, sabotage, withSaboteur } from '../support/saboteur.ts';

/** RESERVATION_LEASE_SECONDS of wrangler.toml, and the rest of its last minute. */
const PAST_THE_LEASE = 120;

let system: System;
let authority: TestAuthority;
const winners: string[] = [];
const losers: string[] = [];
let patients = 0;

beforeAll(async () => {
  system = await startSystem({
    // Without a deadline an answer leaves when the work is done: only crashes are looked at here.
    vars: { upload: { ANSWER_DEADLINE_MS: '0' }, origin: { MIN_KEYS: '1', MIN_UPLOADS: '1' } },
    adapt: withSaboteur,
  });
  authority = await testAuthority();
  await importLocally(system.edge.url, [authority.authority]);
});
afterAll(() => system.edge.dispose());

const freshKeys = () => patientKeys(`crash ${(patients += 1)}`, START, 2);
type Keys = ReturnType<typeof freshKeys>;
const settle = (winner: Keys, loser: Keys | null) => {
  winners.push(...names(winner));
  if (loser !== null) losers.push(...names(loser));
};
const waitForTheLease = async () => setClock(system.edge.url, (await readClock(system.edge.url)) + PAST_THE_LEASE);

async function attempt(tan: string, keys: Keys, crash: Crash | null = null): Promise<[number, string[]]> {
  await sabotage(system.edge.url, crash);
  const { status } = await system.upload(tan, payloadOf(keys));
  return [status, await sabotage(system.edge.url, null)];
}

const ARROWS = ['reserve', 'accept', 'commit'];
const CRASHES = ARROWS.flatMap((arrow, call) =>
  (['before', 'after'] as const).map((when) => ({
    arrow,
    crash: { call, when },
    durable: call > 1 || (call === 1 && when === 'after'),
  })),
);

describe('a connection lost', () => {
  it.for(CRASHES)(
    '$crash.when $arrow: the same payload comes again and is stored',
    async ({ crash, arrow }, { expect }) => {
      const [tan] = await system.tans(1);
      const keys = freshKeys();
      const [status] = await attempt(tan ?? '', keys, crash);
      // A lost commit is nothing the phone need hear of: its keys are durable.
      expect(status).toBe(arrow === 'commit' ? 200 : 500);
      expect((await attempt(tan ?? '', keys))[0]).toBe(200);
      expect(await attempt(tan ?? '', keys)).toEqual([200, ['reserve', 'known']]);
      expect((await attempt(tan ?? '', freshKeys()))[0]).toBe(403);
      settle(keys, null);
    },
  );

  it.for(CRASHES)(
    '$crash.when $arrow: another payload comes with the same TAN',
    async ({ crash, durable }, { expect }) => {
      const [tan] = await system.tans(1);
      const [mine, other] = [freshKeys(), freshKeys()];
      await attempt(tan ?? '', mine, crash);
      await waitForTheLease();
      expect((await attempt(tan ?? '', other))[0]).toBe(durable ? 403 : 200);
      expect((await attempt(tan ?? '', mine))[0]).toBe(durable ? 200 : 403);
      settle(...(durable ? ([mine, other] as const) : ([other, mine] as const)));
    },
  );

  it('while the lease runs, another payload is told to try later', async ({ expect }) => {
    const [tan] = await system.tans(1);
    const [mine, other] = [freshKeys(), freshKeys()];
    await attempt(tan ?? '', mine, { call: 0, when: 'after' });
    expect(await attempt(tan ?? '', other)).toEqual([500, ['reserve']]);
    expect((await attempt(tan ?? '', mine))[0]).toBe(200);
    settle(mine, other);
  });
});

describe('a connection lost while a newcomer takes over', () => {
  const TAKE_OVER = ['reserve', 'resolve', 'release', 'reserve', 'accept', 'commit'];
  const cases = TAKE_OVER.flatMap((arrow, call) =>
    (['before', 'after'] as const).map((when) => ({ arrow, crash: { call, when } })),
  );

  it.for(cases)('$crash.when call $crash.call, $arrow: the newcomer gets through', async ({ crash }, { expect }) => {
    const [tan] = await system.tans(1);
    const [gone, newcomer] = [freshKeys(), freshKeys()];
    await attempt(tan ?? '', gone, { call: 1, when: 'before' });
    await waitForTheLease();
    await attempt(tan ?? '', newcomer, crash);
    expect((await attempt(tan ?? '', newcomer))[0]).toBe(200);
    expect((await attempt(tan ?? '', gone))[0]).toBe(403);
    settle(newcomer, gone);
  });

  it.for(cases.slice(0, 6))(
    '$crash.when call $crash.call, $arrow: the first phone comes back before',
    async ({ crash }, { expect }) => {
      const [tan] = await system.tans(1);
      const [first, newcomer] = [freshKeys(), freshKeys()];
      await attempt(tan ?? '', first, { call: 1, when: 'before' });
      await waitForTheLease();
      await attempt(tan ?? '', newcomer, crash);
      // A tombstone stands in its way at most: then it reserves anew.
      expect((await attempt(tan ?? '', first))[0]).toBe(200);
      expect((await attempt(tan ?? '', newcomer))[0]).toBe(403);
      settle(first, newcomer);
    },
  );
});

/** Without the padding, which is drawn anew. */
async function publish(body: object, crash: Crash | null = null) {
  await sabotage(system.edge.url, crash);
  const headers = { 'content-type': 'application/json' };
  const answer = await system.send(PUBLISH_PATH, { method: 'POST', headers, body: utf8(JSON.stringify(body)) });
  const { padding: _, ...said } = JSON.parse(fromUtf8(answer.body)) as Record<string, unknown>;
  return { status: answer.status, said, calls: await sabotage(system.edge.url, null) };
}

describe('a connection lost while keys are published under a certificate', () => {
  const certified = async (keys: Keys) =>
    authority.request(sentKeys(keys), { now: Math.floor(await readClock(system.edge.url)) });
  it.for(CRASHES)(
    '$crash.when $arrow: the same again is answered as the first time, token included',
    async ({ crash, arrow }, { expect }) => {
      const keys = freshKeys();
      const body = await certified(keys);
      const first = await publish(body, crash);
      expect([first.status, first.said['code']]).toEqual(
        arrow === 'commit' ? [200, undefined] : [503, 'internal_error'],
      );
      const again = await publish(body);
      expect([again.status, again.said]).toEqual([200, { insertedExposures: 2, revisionToken: expect.any(String) }]);
      if (arrow === 'commit') expect(again.said).toEqual(first.said);
      expect(await publish({ ...body, padding: 'again' })).toEqual({ ...again, calls: ['reserve', 'replayed'] });
      // Another set of keys isn't this certificate's, whatever it has become of.
      const other = await publish({ ...body, temporaryExposureKeys: sentKeys(freshKeys()) });
      expect([other.status, other.calls]).toEqual([401, []]);
      settle(keys, null);
    },
  );

  it('keys that exist are refused to another certificate without their token, and are its own with it', async ({
    expect,
  }) => {
    const [keys, others] = [freshKeys(), freshKeys()];
    const { said } = await publish(await certified(keys));
    const foreign = await publish(await certified(others));
    const now = Math.floor(await readClock(system.edge.url));
    const another = await authority.request(sentKeys(keys), { now, claims: { iat: now - 4 } });
    for (const [revisionToken, status, code] of [
      ['', 400, 'missing_revision_token'],
      // Bytes that a phone drew at random are as good as none; a token of other keys is known for what it is.
      [toBase64(new Uint8Array(1348).fill(7)), 400, 'missing_revision_token'],
      [foreign.said['revisionToken'], 400, 'invalid_revision_token'],
      [said['revisionToken'], 200, undefined],
    ]) {
      const answer = await publish({ ...another, revisionToken });
      expect([answer.status, answer.said['code']]).toEqual([status, code]);
    }
    settle(others, null);
    settle(keys, null);
  });
});

it('what was acknowledged is published, each key once, and nothing of those who were refused', async ({ expect }) => {
  await moveClock(system.edge.url, (await readClock(system.edge.url)) + 2 * SECONDS_PER_HOUR);
  for (const region of ['DE', 'EUR']) {
    const published = names(await publishedKeys(system.edge, region));
    expect(published).toEqual(winners.toSorted());
    expect(published.filter((name) => losers.includes(name))).toEqual([]);
  }
  expect(losers.length).toBeGreaterThan(20);
});
