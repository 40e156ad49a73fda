/** @module Answers of an API in trouble, as the library's client with whole answers takes them. */
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { clientOf } from './client.ts';
import { ResourceError, told } from './failure.ts';
import { everything } from './lists.ts';

/** What the next calls are answered with: status, body, whether it ends half way. */
interface Answer {
  readonly status?: number;
  readonly body: unknown;
  readonly cut?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

let server: Server;
let apiBase = '';
let answers: Answer[] = [];
let calls: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url}`);
    const { status = 200, body, cut = false, headers = {} } = answers.shift() ?? { body: 'none' };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const length = { 'content-length': text.length + (cut ? 10 : 0) };
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after-ms': '1', ...length, ...headers });
    if (cut) response.write(text, () => response.destroy());
    else response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  apiBase = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const doing = { resource: 'bucket x', afterBreak: 'nothing', rights: ['Account: Workers R2 Storage Write'] };
const good = (result: unknown, more: object = {}): Answer => ({
  body: { success: true, errors: [], messages: [], result, ...more },
});
const bad = (status: number, code: number): Answer => ({
  status,
  body: { success: false, errors: [{ code, message: 'no' }], messages: [], result: null },
});

async function ask(method: 'get' | 'post', given: readonly Answer[]): Promise<unknown> {
  [answers, calls] = [[...given], []];
  const client = clientOf({ apiBase, token: 'secret-token' }, 2);
  Object.assign(client, { calculateDefaultRetryTimeoutMillis: () => 1 });
  const call = () =>
    method === 'get'
      ? client.r2.buckets.get('x', { account_id: 'a' })
      : client.r2.buckets.create({ account_id: 'a', name: 'x' });
  return told(doing, async () => call()).catch((error: unknown) => error);
}

describe('an answer', () => {
  it.for<readonly [name: string, method: 'get' | 'post', first: Answer, calls: number]>([
    ['429 is waited for', 'get', bad(429, 971), 2],
    ['429 to a creation, too: nothing was done', 'post', bad(429, 971), 2],
    ['500 is asked again', 'get', bad(500, 10_013), 2],
    ['half of it, by a connection that is cut, is asked again', 'get', { body: '{"success":true,', cut: true }, 2],
    ['half of it, in a whole answer, is asked again', 'get', { body: '{"success":true,' }, 2],
  ])('%s', async ([, method, first, count], { expect }) => {
    expect(await ask(method, [first, good({ name: 'x' })])).toEqual({ name: 'x' });
    expect(calls).toHaveLength(count);
  });

  it.for<readonly [name: string, method: 'get' | 'post', first: Answer, told: object]>([
    [
      '500 to a creation isn’t sent again: it may have been done',
      'post',
      bad(500, 10_013),
      { status: 500, codes: [10_013], ambiguous: true },
    ],
    [
      'that is cut of a creation isn’t, either',
      'post',
      { body: '{"suc', cut: true },
      { status: null, ambiguous: true },
    ],
    [
      'that says no with a status of success is no',
      'get',
      { ...bad(200, 7000), status: 200 },
      { status: null, codes: [7000], ambiguous: true },
    ],
    [
      'that a bucket is there is an answer',
      'post',
      bad(409, 10_004),
      { status: 409, codes: [10_004], ambiguous: false },
    ],
    ['that the token may not names what it lacks', 'get', bad(403, 10_000), { status: 403, ambiguous: false }],
  ])('%s', async ([, method, first, expected], { expect }) => {
    const error = await ask(method, [first, good({ name: 'x' })]);
    expect(error).toBeInstanceOf(ResourceError);
    expect(error).toMatchObject(expected);
    expect(calls).toHaveLength(1);
    const { message } = error as ResourceError;
    expect(message).toMatch(/^bucket x: .*What is left: nothing$/);
    expect(message).not.toContain('secret-token');
    expect(message.includes('Workers R2 Storage Write')).toBe((expected as { status: number | null }).status === 403);
  });

  it('that stays away ends in the library’s bounds', async ({ expect }) => {
    const error = await ask('get', [bad(500, 1), bad(500, 1), bad(500, 1), bad(500, 1)]);
    expect(error).toMatchObject({ status: 500, brief: "bucket x: Cloudflare's API answered 500 (1 no)" });
    expect(calls).toHaveLength(3);
  });
});

describe('a list', () => {
  const list = (given: readonly Answer[]): Promise<unknown[]> => {
    [answers, calls] = [[...given], []];
    const client = clientOf({ apiBase, token: 't' }, 0);
    return everything('routes', (options) => client.workers.routes.list({ zone_id: 'z' }, options));
  };
  const page = (total: number, ...ids: string[]): Answer =>
    good(
      ids.map((id) => ({ id, pattern: id })),
      { result_info: { total_count: total } },
    );

  it('of which the first answer is a page is read to its end', async ({ expect }) => {
    expect(await list([page(3, 'a', 'b'), page(3, 'c')])).toHaveLength(3);
    expect(calls).toEqual(['GET /zones/z/workers/routes', 'GET /zones/z/workers/routes?page=2']);
  });

  it('that is shorter than it says is no list', async ({ expect }) => {
    await expect(list([page(3, 'a', 'b'), page(3)])).rejects.toThrow('half an answer: 2 of 3 routes came');
  });
});
