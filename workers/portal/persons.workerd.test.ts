/**
 * @module What two persons must want, one person with several credentials does not do alone (decision 046): a sign-in at Access and a service
 * token, or two tokens, are one person. By the deployed identity, over the real StaffRoom.
 */
import { createExecutionContext } from 'cloudflare:test';
import { describe, it } from 'vitest';
import { testKeyPem } from '../../test/support/secrets.ts';
import { createApp } from './app.ts';
import type { PortalEnv } from './bindings.ts';
import { newOnce } from './form.ts';
import { identifyByAccess } from './identity.ts';
import { ENV, NOW } from './test-rig.ts';

const UNDO_KEY = testKeyPem('UNDO_PRIVATE_KEY');
const TODAY = Math.floor(NOW / 86_400);
/** A neighbour whose objects don't stop: it is one for all files of tests, whatever their order. */
const neverStopping = <T extends object>(office: T): T =>
  new Proxy(office, {
    get: (target, name) =>
      name === 'stopForGood'
        ? async () => {}
        : (...given: unknown[]) => (target as Record<PropertyKey, (...args: unknown[]) => unknown>)[name]!(...given),
  });
const BINDINGS: PortalEnv = {
  ...ENV,
  ORIGIN: neverStopping(ENV.ORIGIN),
  VERIFICATION: neverStopping(ENV.VERIFICATION),
  LABORATORY: neverStopping(ENV.LABORATORY),
  FEDERATION: neverStopping(ENV.FEDERATION),
  OPERATOR_SERVICES: 'laptop=anna@example.org, cron=Anna@Example.org, other=ben@example.org',
};
const ROLES = { oidc_fields: { exposure_edge_roles: ['operator', 'health-authority', 'hotline'] } };
/** What Access says of a person who signs in, and of tokens. */
const BY = {
  signIn: { email: 'Anna@example.org', iat: NOW, ...ROLES },
  laptop: { user_uuid: 'laptop', iat: NOW, ...ROLES },
  cron: { user_uuid: 'cron', iat: NOW, ...ROLES },
  other: { user_uuid: 'other', iat: NOW, ...ROLES },
};
type Credential = keyof typeof BY;

/** Neighbours that remember nothing, as the stubs that files share do: open whatever was stopped, and with parameters for all phones. */
const remains = (object: string) => async () => [
  { object, phase: 'open', since: null, bytes: 0, tables: {}, hasAlarm: false },
];
const OPEN = {
  ORIGIN: {
    ending: async () => ({ waits: false, announced: false, kept: null }),
    bucketObjects: async () => [],
    remains: remains('publisher'),
    stopForGood: async () => {},
    publishParameters: async (_request: unknown, _version: number, persons: number) =>
      persons < 2
        ? { kind: 'needs-second-person', version: 2, abovePercentage: 10 }
        : { kind: 'published', version: 2 },
  },
  VERIFICATION: { remains: remains('ledger'), stopForGood: async () => {} },
  LABORATORY: { remains: remains('results'), stopForGood: async () => {} },
} as unknown as Pick<PortalEnv, 'ORIGIN' | 'VERIFICATION' | 'LABORATORY'>;

/** Somebody with a credential, who gives commands and sends forms. */
function comes(credential: Credential, neighbours: Partial<PortalEnv> = {}) {
  const app = createApp({ identify: identifyByAccess, clock: () => NOW });
  const access = { aud: 'a', getIdentity: async () => BY[credential] };
  let cookie = '';
  const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const context = Object.assign(createExecutionContext(), { access });
    const headers = { ...(init.headers as Record<string, string> | undefined), ...(cookie === '' ? {} : { cookie }) };
    const bindings = { ...BINDINGS, ...neighbours };
    const response = await app.fetch(
      new Request(`https://portal.example${path}`, { ...init, headers }),
      bindings,
      context,
    );
    cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie;
    return response;
  };
  const command = async (path: string, body: unknown): Promise<[number, Record<string, unknown>]> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await send(`/operator${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return [answer.status, await answer.json()];
  };
  const submit = async (path: string, fields: Record<string, string>): Promise<string> => {
    const csrf = /name="csrf" value="([^"]+)"/.exec(await (await send('/staff')).text())?.[1] ?? '';
    const body = new URLSearchParams({ csrf, once: newOnce(), ...fields });
    const headers = { 'sec-fetch-site': 'same-origin' };
    const answer = await send(path, { method: 'POST', body, headers, redirect: 'manual' });
    return answer.headers.get('location') ?? String(answer.status);
  };
  return { send, command, submit };
}

/** Each act that needs two: asked for by one credential; whether another may be the second. */
const ACTS: Readonly<Record<string, (first: Credential, second: Credential) => Promise<boolean>>> = {
  async rollback(first, second) {
    const target = { kind: 'laboratory', name: 'lab-1', fromDay: TODAY, toDay: TODAY };
    const [, { id }] = await comes(first).command('/rollback/ask', { target, undoKey: UNDO_KEY });
    const page = await (await comes(second).send('/staff/rollbacks')).text();
    const offered = page.includes('/staff/rollbacks/confirm');
    const [status] = await comes(second).command('/rollback/confirm', { id, undoKey: UNDO_KEY });
    return status === 200 || offered;
  },
  async parameters(first, second) {
    const publish = { document: '{"a":1}', expectedVersion: 1 };
    const [, { id }] = await comes(first, OPEN).command('/config/publish', publish);
    const [status] = await comes(second, OPEN).command('/config/agree', { proposal: id });
    return status === 200;
  },
  async batch(first, second) {
    // Each time another one of those that were imported.
    const batch = String(41 - (await ENV.STAFF_ROOM.getByName('room').peerActs()).length);
    await comes(first).submit('/staff/peers/undo', { peer: 'NL', batch });
    const acts = await ENV.STAFF_ROOM.getByName('room').peerActs();
    const act = acts.find((one) => one.batch === batch)?.id ?? '';
    return (await comes(second).submit('/staff/peers/confirm', { act })).endsWith('=peersConfirmed');
  },
  async quota(first, second) {
    const asking = comes(first);
    const by = BY[first];
    const subject = 'email' in by ? by.email : by.user_uuid;
    await ENV.VERIFICATION.issueTeleTan(subject, 'order');
    await asking.submit('/staff/teletan/ask', { codes: '3' });
    const request = (await ENV.VERIFICATION.quotaRequests()).findLast(({ issuer }) => issuer === subject)?.id ?? '';
    const at = await comes(second).submit('/staff/quotas/release', { request });
    // The neighbour remembers what other tests ask for, and other files count rows.
    await ENV.VERIFICATION.releaseQuota(request, 'somebody else');
    return at.endsWith('=quotasReleased');
  },
};
const SAME: [Credential, Credential][] = [
  ['signIn', 'laptop'],
  ['laptop', 'signIn'],
  ['laptop', 'cron'],
];

describe('one person is no second one', () => {
  it.for(
    Object.entries(ACTS).flatMap(([name, act]) => SAME.map(([first, second]) => [name, first, second, act] as const)),
  )('for %s: asked for by %s, then %s', async ([, first, second, act], { expect }) => {
    expect(await act(first, second)).toBe(false);
  });

  it.for(Object.entries(ACTS))('for %s; another person’s token is', async ([, act], { expect }) => {
    expect(await act('laptop', 'other')).toBe(true);
  });

  it('for the end of the deployment', async ({ expect }) => {
    const body = { deployment: ENV.DEPLOYMENT_NAME, dryRun: false };
    for (const credential of ['signIn', 'laptop', 'cron'] as const) {
      const [status, reply] = await comes(credential, OPEN).command('/sunset/stop', body);
      expect([status, reply]).toMatchObject([202, { kind: 'waits', by: 'anna@example.org' }]);
    }
    expect((await comes('other', OPEN).command('/sunset/stop', body))[0]).toBe(200);
  });
});

it('the audit log says whose token it was, and nothing twice of who signs in', async ({ expect }) => {
  const room = ENV.STAFF_ROOM.getByName('room');
  const { entries } = await room.search({ text: 'sunset.stop', from: null, to: null, before: null });
  expect(entries.map(({ who }) => who)).toEqual([
    'other (ben@example.org)',
    'cron (anna@example.org)',
    'laptop (anna@example.org)',
    'Anna@example.org',
  ]);
});
