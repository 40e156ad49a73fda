import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it, vi } from 'vitest';
import { command, issueCodes } from './operator.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

type Command = (url: string) => Promise<unknown>;

/** Asks a server that answers so. @returns what the command gave, and how often and with which headers it asked */
async function asked(answer: Answer, answers: readonly number[] = [], ask?: Command) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const asking = ask?.(url) ?? command(url, 'POST', '/operator/x', { a: 1 }, answers);
  const outcome = await asking.catch((error: Error) => error.message);
  server.close();
  return { outcome, requests };
}
const json =
  (status: number, value: unknown): Answer =>
  (_request, response) =>
    response.writeHead(status).end(JSON.stringify(value));

afterEach(() => vi.unstubAllEnvs());

describe('a command', () => {
  it('shows Access the service token of the environment', async ({ expect }) => {
    vi.stubEnv('CLOUDFLARE_ACCESS_CLIENT_ID', 'id.access');
    vi.stubEnv('CLOUDFLARE_ACCESS_CLIENT_SECRET', 'secret');
    const { outcome, requests } = await asked(json(200, { done: true }));
    expect(outcome).toEqual({ done: true });
    expect(requests[0]?.headers).toMatchObject({
      'cf-access-client-id': 'id.access',
      'cf-access-client-secret': 'secret',
    });
  });

  it('sends none without one', async ({ expect }) => {
    vi.stubEnv('CLOUDFLARE_ACCESS_CLIENT_ID', undefined);
    const { requests } = await asked(json(200, {}));
    expect(Object.keys(requests[0]?.headers ?? {}).filter((name) => name.startsWith('cf-'))).toEqual([]);
  });

  it('does not follow Access to its sign-in page, and says what is missing', async ({ expect }) => {
    const { outcome, requests } = await asked((_request, response) =>
      response.writeHead(302, { location: '/cdn-cgi/access/login' }).end(),
    );
    expect(outcome).toContain('Access wants a sign-in; set CLOUDFLARE_ACCESS_CLIENT_ID');
    expect(requests.length).toBe(1);
  });

  it('takes a status that is an answer, and throws any other with its text', async ({ expect }) => {
    expect((await asked(json(409, { kind: 'conflict' }), [409])).outcome).toEqual({ kind: 'conflict' });
    expect((await asked(json(409, { kind: 'conflict' }))).outcome).toContain('409 {"kind":"conflict"}');
  });
});

it('codes that were issued are handed over before it is said that the quota is used up: they are nowhere else', async ({
  expect,
}) => {
  const wanted = { testType: 'confirmed', symptomDate: null, testDate: null, long: false };
  const handed: string[] = [];
  const answers = [
    { codes: Array.from({ length: 1_000 }, () => ({ code: '1' })), missing: 0 },
    { codes: [{ code: '2' }], missing: 499 },
  ];
  const { outcome } = await asked(
    (request, response) => json(201, answers.shift())(request, response),
    [],
    (url) => issueCodes(url, 1_500, wanted, (some) => handed.push(...some.map(({ code }) => code))),
  );
  expect(outcome).toContain('1001 of 1500 codes were issued');
  expect([handed.length, handed.at(-1)]).toEqual([1_001, '2']);
});
