/** @module The portal in workerd over real RPC; its neighbours are the stubs of test/support. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { describe, it } from 'vitest';
import { createApp } from './app.ts';
import { parsePortalConfig, type PortalEnv } from './bindings.ts';
import type { Identity, IdentitySource } from './identity-source.ts';
import { COMMANDS_PER_MINUTE } from '../../durable-objects/staff-room/session-ops.ts';
import { identifyByAccess } from './identity.ts';
import type { Role } from './roles.ts';
import { identityOf, NOW } from './test-rig.ts';

const ENV = env as unknown as PortalEnv;
const deployed = (exports as unknown as { default: Fetcher }).default;
const app = createApp({ identify: identityOf({ roles: ['operator'] }), clock: () => NOW });

async function call(method: string, path: string, init: RequestInit = {}, bindings = ENV): Promise<Response> {
  const context = createExecutionContext();
  const response = await app.fetch(
    new Request(`https://portal.example${path}`, { method, ...init }),
    bindings,
    context,
  );
  await waitOnExecutionContext(context);
  return response;
}
const json = (body: unknown): RequestInit => ({
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('operator commands', () => {
  it('issue TANs', async ({ expect }) => {
    const response = await call('POST', '/operator/tans', json({ count: 3 }));
    expect([response.status, response.headers.get('cache-control')]).toEqual([201, 'no-store']);
    const { tans } = await response.json<{ tans: string[] }>();
    expect(new Set(tans).size).toBe(3);
  });

  it('advance, and once all is published forget what is due elsewhere', async ({ expect }) => {
    const called: string[] = [];
    const bindings = (idle: boolean): PortalEnv => ({
      ...ENV,
      ORIGIN: { ...ENV.ORIGIN, advance: async () => ({ idle }) },
      VERIFICATION: {
        ...ENV.VERIFICATION,
        forgetExpired: async () => {
          called.push(`forget, idle ${idle}`);
          return { forgotten: 0 };
        },
      },
    });
    for (const idle of [false, true]) {
      expect(await (await call('POST', '/operator/advance', json({}), bindings(idle))).json()).toEqual({ idle });
    }
    expect(called).toEqual(['forget, idle true']);
  });

  it('advance peers too where that is asked for, once what is ours is published', async ({ expect }) => {
    const asked: boolean[] = [];
    const bindings = (idle: boolean): PortalEnv => ({
      ...ENV,
      ORIGIN: { ...ENV.ORIGIN, advance: async () => ({ idle }) },
      VERIFICATION: { ...ENV.VERIFICATION, forgetExpired: async () => ({ forgotten: 0 }) },
      FEDERATION: {
        ...ENV.FEDERATION,
        advance: async () => {
          asked.push(idle);
          return { idle: false };
        },
      },
    });
    const advance = async (body: object, idle: boolean): Promise<unknown> =>
      (await call('POST', '/operator/advance', json(body), bindings(idle))).json();
    expect(await advance({ peers: false }, true)).toEqual({ idle: true });
    expect(await advance({ peers: true }, false)).toEqual({ idle: false });
    expect(asked).toEqual([]);
    expect(await advance({ peers: true }, true)).toEqual({ idle: false });
    expect(asked).toEqual([true]);
    expect(await advance({ peers: 1 }, true)).toMatchObject({ status: 400 });
  });

  it('tell every clock, and confirm the time to all of them', async ({ expect }) => {
    const clocks = async (response: Promise<Response>) =>
      (await (await response).json<{ clocks: { object: string; held: boolean }[] }>()).clocks.map(
        ({ object, held }) => `${object} ${held}`,
      );
    expect(await clocks(call('GET', '/operator/clock'))).toEqual(['publisher false', 'staff-room false']);
    const now = Math.floor(Date.now() / 1000);
    expect(await clocks(call('POST', '/operator/clock', json({ now })))).toEqual([
      'publisher false',
      'staff-room false',
    ]);
    // By this clock the others are years ahead.
    expect(await clocks(call('POST', '/operator/clock', json({ now: 1_600_000_000 })))).toEqual([
      'publisher true',
      'staff-room true',
    ]);
  });

  it('tell how the origin stands', async ({ expect }) => {
    expect(await (await call('GET', '/operator/status')).json()).toEqual({ regions: [], idle: true, counters: {} });
  });
});

describe('refusals', () => {
  it.for<[name: string, method: string, path: string, init: RequestInit, status: number]>([
    ['a form', 'POST', '/operator/tans', { body: new URLSearchParams({ count: '3' }) }, 415],
    ['no content type', 'POST', '/operator/advance', {}, 415],
    ['no JSON', 'POST', '/operator/tans', json('{'), 400],
    ['no UTF-8', 'POST', '/operator/tans', { ...json(''), body: Uint8Array.of(0xff, 0xfe) }, 400],
    ['a time that is none', 'POST', '/operator/clock', json({ now: 'now' }), 400],
    ['a count of 0', 'POST', '/operator/tans', json({ count: 0 }), 400],
    ['too many bytes', 'POST', '/operator/tans', json(' '.repeat(5_000)), 413],
    ['an unknown path', 'GET', '/operator/keys', {}, 404],
    ['GET where POST belongs', 'GET', '/operator/advance', {}, 404],
    ['an unknown path elsewhere', 'GET', '/keys', {}, 404],
  ])('%s', async ([, method, path, init, status], { expect }) => {
    const response = await call(method, path, init);
    expect([response.status, response.headers.get('cache-control')]).toEqual([status, 'no-store']);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status });
  });

  it('a back office out of reach is a problem without its message', async ({ expect }) => {
    const ORIGIN = { ...ENV.ORIGIN, status: () => Promise.reject(new Error('secret detail')) };
    const response = await call('GET', '/operator/status', {}, { ...ENV, ORIGIN });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret detail');
  });
});

describe('identity', () => {
  it('the deployed portal lets nobody in without Access, whatever headers say', async ({ expect }) => {
    for (const path of ['/operator/status', '/', '/operator/unknown']) {
      const response = await deployed.fetch(`https://portal.example${path}`, {
        headers: { 'cf-access-jwt-assertion': 'x', 'cf-access-authenticated-user-email': 'operator@example.org' },
      });
      expect(response.status).toBe(403);
    }
  });

  const CONFIG = { ...parsePortalConfig(ENV), operatorServices: new Map([['service-1', 'Anna@Example.org']]) };
  const source = (identity: Record<string, unknown> | undefined): IdentitySource => ({
    request: new Request('https://portal.example/'),
    access: { aud: 'a', getIdentity: async () => identity },
    config: CONFIG,
    now: NOW,
    checkCard: async () => ({ kind: 'unlisted' }),
  });

  it.for<[name: string, identity: Record<string, unknown> | undefined, subject: string | null]>([
    ['a person', { email: 'a@example.org', user_uuid: 'u' }, 'a@example.org'],
    ['a service', { user_uuid: 'service-1' }, 'service-1'],
    ['a service that is nobody’s', { user_uuid: 'service-2' }, null],
    ['no name', {}, null],
    ['an empty name', { email: '' }, null],
    ['a name that no issuer may have', { email: 'a'.repeat(101) }, null],
    ['nobody', undefined, null],
  ])('comes from Access’s context: %s', async ([, identity, subject], { expect }) => {
    expect((await identifyByAccess(source(identity)))?.subject ?? null).toBe(subject);
    expect(await identifyByAccess({ ...source(identity), access: undefined })).toBeNull();
  });

  it.for<[name: string, fields: unknown, roles: readonly string[]]>([
    ['a list', ['auditor', 'hotline'], ['hotline', 'auditor']],
    ['one text', 'provider', ['provider']],
    ['a text with commas, which is one value', 'hotline, provider', []],
    ['groups', [{ name: 'operator' }], ['operator']],
    ['unknown names', ['admin', 'Hotline', 7], []],
    ['no claim', undefined, []],
  ])('roles come from the claim: %s', async ([, roles, expected], { expect }) => {
    const identity = { email: 'a@example.org', iat: 5, oidc_fields: { exposure_edge_roles: roles } };
    expect(await identifyByAccess(source(identity))).toMatchObject({ roles: expected, authenticatedAt: 5 });
  });

  it.for<[name: string, claimed: unknown, provider: string]>([
    ['a text', 'Praxis Gouda', 'Praxis Gouda'],
    ['a text with a comma', 'Klinikum, Nord', 'Klinikum, Nord'],
    ['another with the same beginning', 'Klinikum, Süd', 'Klinikum, Süd'],
    ['a list of one', ['Klinikum, Süd'], 'Klinikum, Süd'],
    ['a group', [{ name: 'Klinikum, Süd' }], 'Klinikum, Süd'],
    ['a list of two, which is none', ['Klinikum, Nord', 'Klinikum, Süd'], 'a@example.org'],
    ['a text that no batch could have', 'x'.repeat(101), 'a@example.org'],
    ['a text of two lines', 'a\nb', 'a@example.org'],
    ['an empty text', '', 'a@example.org'],
    ['no claim', undefined, 'a@example.org'],
  ])('the provider is one value: %s', async ([, claimed, provider], { expect }) => {
    const identity = { email: 'a@example.org', oidc_fields: { exposure_edge_provider: claimed } };
    expect(await identifyByAccess(source(identity))).toMatchObject({ provider });
  });

  it('says which person it is: whoever signs in by the address, a service by its owner’s', async ({ expect }) => {
    expect(await identifyByAccess(source({ email: 'Anna@example.org' }))).toMatchObject({ person: 'anna@example.org' });
    expect(await identifyByAccess(source({ user_uuid: 'service-1' }))).toMatchObject({ person: 'anna@example.org' });
  });

  it('a role in another field is none, and a service that is listed is an operator', async ({ expect }) => {
    expect(await identifyByAccess(source({ email: 'a@b', roles: ['operator'] }))).toMatchObject({ roles: [] });
    expect(await identifyByAccess(source({ user_uuid: 'service-1' }))).toMatchObject({ roles: ['operator'] });
    const claimed = { user_uuid: 'service-2', oidc_fields: { exposure_edge_roles: ['operator'] } };
    expect(await identifyByAccess(source(claimed))).toBeNull();
    expect(await identifyByAccess(source({ email: 'service-1' }))).toMatchObject({ roles: [] });
  });
});

describe('the operator role', () => {
  it.for<[role: Role, status: number, config: number]>([
    ['operator', 200, 200],
    ['health-authority', 403, 200],
    ['hotline', 403, 403],
    ['auditor', 403, 403],
  ])('%s: status %d, configuration %d', async ([role, status, config], { expect }) => {
    const other = createApp({ identify: identityOf({ roles: [role] }), clock: () => NOW });
    const ORIGIN = { ...ENV.ORIGIN, status: async () => ({}), parameterStatus: async () => ({}) };
    const answers = ['/operator/status', '/operator/config'].map(async (path) => {
      const request = new Request(`https://portal.example${path}`);
      return (await other.fetch(request, { ...ENV, ORIGIN }, createExecutionContext())).status;
    });
    expect(await Promise.all(answers)).toEqual([status, config]);
  });
});

describe('the session and the pace of commands', () => {
  const asked = async (given: Partial<Identity>): Promise<number> => {
    const subject = given.subject ?? 'commands@example.org';
    const other = createApp({ identify: identityOf({ subject, roles: ['operator'], ...given }), clock: () => NOW });
    const request = new Request('https://portal.example/operator/status');
    return (await other.fetch(request, ENV, createExecutionContext())).status;
  };
  const room = ENV.STAFF_ROOM.getByName('room');

  it('whose sessions were ended gives no command until the next sign-in', async ({ expect }) => {
    const subject = 'ended@example.org';
    const now = Math.floor(Date.now() / 1000);
    expect(await asked({ subject, authenticatedAt: now })).toBe(200);
    await room.revoke(subject);
    expect(await asked({ subject, authenticatedAt: now })).toBe(401);
    expect(await asked({ subject, authenticatedAt: now + 60 })).toBe(200);
  });

  it('too many in a minute are told to wait, whatever they ask, and others are not', async ({ expect }) => {
    const subject = 'hasty@example.org';
    const statuses = [];
    // Two minutes' worth: the minute may turn meanwhile.
    for (let i = 0; i < 2 * COMMANDS_PER_MINUTE + 1; i++) statuses.push(await asked({ subject }));
    expect(statuses).toContain(429);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(await asked({ subject: 'patient@example.org' })).toBe(200);
  });
});
