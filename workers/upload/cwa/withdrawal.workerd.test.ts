/** @module `POST /v1/withdrawal` in workerd: every answer alike, a dummy makes no RPC, and nothing of a request but its openings goes on. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, it } from 'vitest';
import { encodeWithdrawal, type Opening } from '../../../protocol/withdrawal.ts';
import { createHourlyCounts } from '../../shared/hourly-counts.ts';
import { createApp } from '../app.ts';
import { MAX_BODY_BYTES } from './decide.ts';
import type { UploadEnv } from '../bindings.ts';

const ENV = { ...(env as unknown as UploadEnv), ANSWER_DEADLINE_MS: '0' };
const URL = 'https://submission.example/v1/withdrawal';
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const app = createApp({
  clock: () => 1_606_305_600,
  mayAnswerAtOnce: true,
  counts: createHourlyCounts(() => undefined),
});

const openings = (count: number): Opening[] =>
  Array.from({ length: count }, (_, n) => ({
    keyData: new Uint8Array(16).fill(n + 1),
    secret: new Uint8Array(32).fill(n + 101),
  }));
const real = (count: number): Uint8Array =>
  encodeWithdrawal({ openings: openings(count), cover: false }, new Uint8Array(99));
const dummy = (): Uint8Array => encodeWithdrawal({ openings: [], cover: true }, new Uint8Array(2000));

/** A neighbour that answers as told and keeps what it heard. */
function deployment(reply: () => Promise<'heard' | 'busy'> = async () => 'heard') {
  const heard: (readonly Opening[])[] = [];
  const calls: string[] = [];
  const called = (name: string) => () => {
    calls.push(name);
    throw new Error(`${name} has no part in this`);
  };
  const INTAKE: UploadEnv['INTAKE'] = {
    accept: called('accept'),
    resolve: called('resolve'),
    policy: called('policy'),
    known: called('known'),
    replayed: called('replayed'),
    stats: called('stats'),
    withdraw: (given) => {
      heard.push(given);
      return reply();
    },
  };
  const REDEEM: UploadEnv['REDEEM'] = {
    reserve: called('reserve'),
    reserveCertificate: called('reserveCertificate'),
    commit: called('commit'),
    release: called('release'),
  };
  return { heard, calls, bindings: { ...ENV, INTAKE, REDEEM } };
}

async function post(body: Uint8Array | null, bindings: UploadEnv, headers: Record<string, string> = PROTOBUF) {
  const context = createExecutionContext();
  const request = new Request(URL, { method: 'POST', headers, body: body === null ? null : new Uint8Array(body) });
  const response = await app.fetch(request, bindings, context);
  await waitOnExecutionContext(context);
  return response;
}
const shapeOf = (response: Response) =>
  [...response.headers].map(([name, value]) => [name, name === 'x-padding' ? '' : value]);

describe('a withdrawal', () => {
  it('hands its openings on, and nothing else, whatever else the request says', async ({ expect }) => {
    const { heard, calls, bindings } = deployment();
    const type = 'application/x-protobuf;a=000000000';
    const loud = {
      'content-type': type,
      'user-agent': 'phone',
      cookie: 'a=b',
      'cwa-fake': '1',
      'cwa-authorization': 'x',
    };
    const response = await post(real(30), bindings, loud);
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect([heard, calls]).toEqual([[openings(30)], []]);
  });

  it('has one answer for all that is heard, and the same headers for all that isn’t', async ({ expect }) => {
    const busy = deployment(async () => 'busy');
    const away = deployment(() => Promise.reject(new Error('origin is away')));
    const { heard, bindings } = deployment();
    const answers: [string, number, Response][] = [
      ['real', 200, await post(real(1), bindings)],
      ['as many as there may be', 200, await post(real(30), bindings)],
      ['dummy', 200, await post(dummy(), bindings)],
      ['too many', 400, await post(real(31), bindings)],
      ['no protobuf', 400, await post(new TextEncoder().encode('{"openings":[]}'), bindings)],
      ['no body', 400, await post(null, bindings)],
      ['neither openings nor a dummy', 400, await post(new Uint8Array([0x12, 0]), bindings)],
      ['larger than anything', 400, await post(new Uint8Array(MAX_BODY_BYTES + 1), bindings)],
      ['another type', 500, await post(real(1), bindings, { 'content-type': 'text/plain' })],
      ['too many at once', 500, await post(real(1), busy.bindings)],
      ['origin away', 500, await post(real(1), away.bindings)],
    ];
    for (const [name, status, response] of answers) {
      expect([name, response.status, await response.text()]).toEqual([name, status, '']);
      expect(shapeOf(response), name).toEqual(shapeOf(answers[0]![2]));
    }
    // Only the two that were good reached the neighbour: a dummy makes no RPC.
    expect(heard.map(({ length }) => length)).toEqual([1, 30]);
  });

  it('is refused by any other method, at once', async ({ expect }) => {
    const response = await app.request(URL, { method: 'GET' }, ENV);
    expect([response.status, await response.text()]).toEqual([405, '']);
  });
});
