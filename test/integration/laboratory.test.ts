/**
 * @module From a laboratory's row to what a phone reads, over weeks of the local clock: rapid tests by the hash of their QR code, and
 * rows that come again when the test is over.
 */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { runCrons } from '../../local-edge/crons.ts';
import { readEnvironments } from '../../local-edge/workers.ts';
import { openLaboratory, postRows, withBackOffice } from '../support/back-office.ts';

const DAY = 86_400;
const START = 1_796_000_000;

let edge: LocalEdge;
let now = START;

beforeAll(async () => {
  edge = await startLocalEdge({
    adapt: withBackOffice,
    vars: { verification: { ANSWER_DEADLINE_MS: '0' } },
    onLog: () => undefined,
  });
  await setClock();
  await openLaboratory(edge.url);
});
afterAll(() => edge?.dispose());

const hash = (): string => randomBytes(32).toString('hex');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function phone(path: string, body: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${edge.url}/version/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'cwa-fake': '0' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
const register = async (key: string): Promise<string> =>
  String((await phone('registrationToken', { key, keyType: 'GUID' })).body['registrationToken']);
const poll = async (registrationToken: string): Promise<unknown> =>
  (await phone('testresult', { registrationToken })).body['testResult'];
const tan = async (registrationToken: string): Promise<number> => (await phone('tan', { registrationToken })).status;
/** Nothing is published here, so no hour in between has to be sealed. */
async function setClock(): Promise<void> {
  const answer = await fetch(`${edge.url}/local/clock`, { method: 'PUT', body: JSON.stringify({ now }) });
  if (!answer.ok) throw new Error(`local clock: ${answer.status}`);
}
const later = async (days: number): Promise<void> => {
  now += days * DAY;
  await setClock();
};

describe('a phone that scanned a rapid test or a PoC-NAT', () => {
  it.for([
    ['quicktest', [5, 6, 7, 8, 9], 0],
    ['pocnat', [10, 11, 12, 13, 14], 10],
  ] as const)(
    'reads all codes of %s, and gets a TAN for the positive one',
    async ([route, codes, less], { expect }) => {
      const read: unknown[] = [];
      const tans: number[] = [];
      for (const code of codes) {
        const qr = hash();
        await postRows(edge.url, route, [{ id: qr, result: code }]);
        const token = await register(sha256(qr));
        read.push(await poll(token));
        tans.push(await tan(token));
      }
      expect(read).toEqual(codes.map((code) => code - less));
      expect(tans).toEqual([400, 400, 201, 400, 400]);
    },
  );
});

describe('a laboratory that sends a row again', () => {
  it('revives nothing: not after a day, not when it is redeemed, not after its retention', async ({ expect }) => {
    const [guid, late] = [hash(), hash()];
    const post = () =>
      postRows(
        edge.url,
        'lab',
        [guid, late].map((id) => ({ id, result: 2 })),
      );
    await post();
    const token = await register(guid);
    expect(await poll(token)).toBe(2);
    await later(1);
    await post();
    expect([await poll(token), await tan(token)]).toEqual([2, 201]);
    await later(21);
    await post();
    expect([await poll(token), await tan(token)]).toEqual([4, 400]);
    // Who registers late has a session that outlives the result.
    const lateToken = await register(late);
    expect(await poll(lateToken)).toBe(4);
    await later(40);
    await post();
    expect([await poll(lateToken), await tan(lateToken)]).toEqual([0, 400]);
    // The other session is over with its result.
    expect([await poll(token), await tan(token)]).toEqual([undefined, 400]);
  });

  it('brings no test back that its person deleted, before or after the result', async ({ expect }) => {
    const [before, after] = [hash(), hash()];
    const tokens = [await register(before), await register(after)];
    await postRows(edge.url, 'lab', [{ id: after, result: 2 }]);
    for (const registrationToken of tokens) expect((await phone('forget', { registrationToken })).status).toBe(200);
    // As late as a session of it would have waited for its first row.
    await later(59);
    await postRows(
      edge.url,
      'lab',
      [before, after].map((id) => ({ id, result: 2 })),
    );
    await later(2);
    await postRows(
      edge.url,
      'lab',
      [before, after].map((id) => ({ id, result: 2 })),
    );
    for (const key of [before, after]) {
      expect((await phone('registrationToken', { key, keyType: 'GUID' })).status).toBe(400);
    }
  });

  it('of two at once the newer sample is read', async ({ expect }) => {
    const guid = hash();
    const token = await register(guid);
    const rows = [
      { id: guid, result: 1, sc: now - 3 * DAY },
      { id: guid, result: 2, sc: now - DAY },
    ];
    await Promise.all(rows.map((row) => postRows(edge.url, 'lab', [row])));
    expect(await poll(token)).toBe(2);
    await postRows(edge.url, 'lab', rows.slice(0, 1));
    expect([await poll(token), await tan(token)]).toEqual([2, 201]);
  });
});

it('the crons of the local edge see to every object, by its clock', async ({ expect }) => {
  await runCrons(edge.miniflare, readEnvironments());
  const answer = await fetch(`${edge.url}/operator/clock`);
  const { clocks } = (await answer.json()) as { clocks: { object: string; confirmed: number; held: boolean }[] };
  expect(clocks.length).toBeGreaterThan(36);
  for (const { object, confirmed, held } of clocks)
    expect([object, now - confirmed < 3600, held]).toEqual([object, true, false]);
});
