/** @module Operator commands about parameters, in workerd; what `origin` answers is played by a test's own object. */
import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, it } from 'vitest';
import type { PublishReply } from '../../domain/parameters/publication.ts';
import { createApp } from './app.ts';
import { identityOf } from './test-rig.ts';

interface Call {
  readonly method: string;
  readonly args: readonly unknown[];
}

/** An app whose origin gives one reply and remembers what it was asked. */
function portal(reply: PublishReply = { kind: 'published', version: 2 }, subject = 'anna@example.org') {
  const calls: Call[] = [];
  const answer =
    (method: string) =>
    (...args: unknown[]): Promise<PublishReply> => {
      calls.push({ method, args });
      return Promise.resolve(reply);
    };
  const ORIGIN = {
    publishParameters: answer('publish'),
    rollbackParameters: answer('rollback'),
    parameterStatus: () => Promise.resolve({ version: 1, published: true, issuedAt: 1, validUntil: 2, history: [] }),
    parameterDocument: (name: string) => Promise.resolve(name === 'known' ? '{"a":1}' : null),
  };
  const app = createApp({ identify: identityOf({ subject, roles: ['operator'] }), clock: () => 1_790_000_000 });
  const call = (method: string, path: string, body?: unknown): Promise<Response> =>
    Promise.resolve(
      app.fetch(
        new Request(`https://portal.example/operator/config${path}`, {
          method,
          ...(body === undefined
            ? {}
            : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
        }),
        { ...env, ORIGIN },
        createExecutionContext(),
      ),
    );
  return { call, calls };
}

describe('reading', () => {
  it('tells what is published, and a document by its name', async ({ expect }) => {
    const { call } = portal();
    expect(await (await call('GET', '')).json()).toMatchObject({ version: 1 });
    const document = await call('GET', '/documents/known');
    expect([document.status, await document.text()]).toEqual([200, '{"a":1}']);
    expect((await call('GET', '/documents/unknown')).status).toBe(404);
  });

  it('serves the operator’s page under a policy that lets nothing else run', async ({ expect }) => {
    const response = await portal().call('GET', '/explorer');
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'sha256-");
    expect(policy).not.toContain('unsafe');
    const page = await response.text();
    expect(page).toContain(policy);
    expect(page).not.toMatch(/ (src|href)="https?:/);
  });
});

describe('a second person', () => {
  const NEEDED: PublishReply = { kind: 'needs-second-person', version: 2, abovePercentage: 10 };
  const propose = async (subject: string): Promise<string> => {
    const asked = await portal(NEEDED, subject).call('POST', '/publish', { document: '{}', expectedVersion: 1 });
    return (await asked.json<{ id: string }>()).id;
  };

  it('is waited for; a dry run only says that one is needed', async ({ expect }) => {
    const { call } = portal(NEEDED, 'first@example.org');
    const tried = await call('POST', '/publish', { document: '{}', expectedVersion: 1, dryRun: true });
    expect([tried.status, await tried.json()]).toEqual([200, NEEDED]);
    const asked = await call('POST', '/publish', { document: '{"a":1}', expectedVersion: 1 });
    expect([asked.status, await asked.json()]).toMatchObject([202, { kind: 'proposed', abovePercentage: 10 }]);
    const { proposals } = await (await call('GET', '')).json<{ proposals: unknown[] }>();
    expect(proposals).toEqual([expect.objectContaining({ by: 'first@example.org', action: 'publish' })]);
  });

  it('is another one; then what was proposed is published as two agreed', async ({ expect }) => {
    const proposal = await propose('second@example.org');
    expect((await portal(NEEDED, 'second@example.org').call('POST', '/agree', { proposal })).status).toBe(403);
    const other = portal({ kind: 'published', version: 2 }, 'third@example.org');
    const agreed = await other.call('POST', '/agree', { proposal });
    expect([agreed.status, await agreed.json()]).toEqual([200, { kind: 'published', version: 2 }]);
    expect(other.calls).toEqual([
      { method: 'publish', args: [{ document: '{}', audience: null, dryRun: false }, 1, 2] },
    ]);
    expect((await other.call('POST', '/agree', { proposal })).status).toBe(404);
  });

  it('who comes after another publication is told so, and the proposal has ended', async ({ expect }) => {
    const proposal = await propose('fourth@example.org');
    const late = portal({ kind: 'conflict', version: 3 }, 'fifth@example.org');
    expect((await late.call('POST', '/agree', { proposal })).status).toBe(409);
    expect((await late.call('POST', '/agree', { proposal })).status).toBe(404);
  });

  it.for([{}, { proposal: 'x' }, { proposal: 1 }, { proposal: 'ab'.repeat(16), force: true }])(
    'is refused with %j',
    async (body, { expect }) => {
      expect((await portal().call('POST', '/agree', body)).status).toBe(400);
    },
  );
});

describe('publish and roll back', () => {
  it('hand the document on as text, with the version the operator saw', async ({ expect }) => {
    const { call, calls } = portal();
    const audience = { percentage: 10, android: 'all', ios: 'none' };
    expect((await call('POST', '/publish', { document: { a: 1 }, expectedVersion: 1, audience })).status).toBe(200);
    await call('POST', '/publish', { document: '{"a": 1}', expectedVersion: 0, dryRun: true });
    await call('POST', '/rollback', { toVersion: 3, expectedVersion: 4 });
    expect(calls).toEqual([
      { method: 'publish', args: [{ document: '{"a":1}', audience, dryRun: false }, 1, 1] },
      { method: 'publish', args: [{ document: '{"a": 1}', audience: null, dryRun: true }, 0, 1] },
      { method: 'rollback', args: [{ toVersion: 3, dryRun: false }, 4, 1] },
    ]);
  });

  it.for<[PublishReply, number]>([
    [{ kind: 'published', version: 2 }, 200],
    [{ kind: 'unchanged', version: 2 }, 200],
    [{ kind: 'would-publish', version: 2 }, 200],
    [{ kind: 'accepted', version: 2 }, 202],
    [{ kind: 'conflict', version: 5 }, 409],
    [{ kind: 'invalid', violations: [{ path: 'a', value: '1', rule: 'must be JSON', values: {} }] }, 422],
  ])('answer %o with %i', async ([reply, status], { expect }) => {
    const response = await portal(reply).call('POST', '/publish', { document: '{}', expectedVersion: 0 });
    expect([response.status, await response.json()]).toEqual([status, reply]);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it.for<[name: string, path: string, body: unknown]>([
    ['no document', '/publish', { expectedVersion: 0 }],
    ['a document that is a number', '/publish', { document: 1, expectedVersion: 0 }],
    ['no version', '/publish', { document: '{}' }],
    ['a negative version', '/publish', { document: '{}', expectedVersion: -1 }],
    ['an unknown field', '/publish', { document: '{}', expectedVersion: 0, force: true }],
    ['a bad audience', '/publish', { document: '{}', expectedVersion: 0, audience: { percentage: 0 } }],
    ['a dry run of sorts', '/publish', { document: '{}', expectedVersion: 0, dryRun: 'yes' }],
    ['a list', '/publish', []],
    ['a version of 0 to go back to', '/rollback', { toVersion: 0, expectedVersion: 1 }],
    ['a document to go back to', '/rollback', { document: '{}', expectedVersion: 1 }],
  ])('refuse %s', async ([, path, body], { expect }) => {
    const { call, calls } = portal();
    const response = await call('POST', path, body);
    expect([response.status, calls]).toEqual([400, []]);
  });

  it('refuse what is larger than any document', async ({ expect }) => {
    const { call, calls } = portal();
    const response = await call('POST', '/publish', { document: 'x'.repeat(600_000), expectedVersion: 0 });
    expect([response.status, calls]).toEqual([413, []]);
  });
});
