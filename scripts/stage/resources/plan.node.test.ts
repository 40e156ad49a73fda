/** @module What a plan says of an account: pure, so each is told from what was found alone. */
import { describe, it } from 'vitest';
import { ACCESS } from './access.ts';
import type { FoundAccess } from './access-found.ts';
import { staffRules } from './access-rules.ts';
import { R2_BUCKETS } from './buckets.ts';
import type { Context } from './context.ts';
import { HOSTS } from './domains.ts';
import type { Difference } from './resource.ts';
import { ROUTES, covers } from './routes.ts';
import { STAGE, memoryVault } from './test-rig.ts';
import { TRANSFORMS } from './transforms.ts';
import { FIREWALL, RATE_LIMITS } from './zone-rules.ts';

const NOW = Date.UTC(2026, 10, 26);
/** A plan makes no call: what it would call isn't there. */
const context = (stage = STAGE): Context => ({
  stage,
  accountId: 'a',
  zone: { id: 'z', name: 'example.org' },
  client: { certificateAuthorities: {}, rulesets: {}, zeroTrust: { access: {} } } as never,
  vault: memoryVault(),
  now: () => NOW,
});
const inTheWay = (differences: readonly Difference[]): string[] =>
  differences.flatMap(({ foreign, action, resource }) => (foreign === true && action !== 'keep' ? [resource] : []));
const told = (differences: readonly Difference[]): string[] =>
  differences.flatMap(({ foreign, action, resource }) => (foreign === true && action === 'keep' ? [resource] : []));

describe('what somebody else has', () => {
  it('at a host, before a host or under a name of ours is in the way', ({ expect }) => {
    const workers = [
      { id: '1', hostname: 'keys.example.org', service: 'shop' },
      { id: '2', hostname: 'www.example.org', service: 'shop' },
    ];
    expect(inTheWay(HOSTS.plan(context(), { workers, buckets: [] }))).toEqual(['host keys.example.org']);
    const routes = ['*example.org/*', 'www.example.org/*', 'submission.example.org/version/*'];
    const found = routes.map((pattern) => ({ id: pattern, pattern, script: 'shop' }));
    const planned = ROUTES.plan(context(), found);
    expect(inTheWay(planned)).toEqual(['route *example.org/*', 'route submission.example.org/version/*']);
    expect(told(planned)).toEqual(['route www.example.org/*']);
    const none = { isThere: false, isPublic: false, lifecycle: [], locks: [] };
    const elsewhere = [{ ...none, name: 'exposure-edge-public', elsewhere: ['default'] }];
    expect(R2_BUCKETS.plan(context(), elsewhere)).toEqual([
      {
        resource: 'bucket exposure-edge-public',
        action: 'change',
        fields: [{ name: 'jurisdiction', from: 'default', to: 'eu' }],
        foreign: true,
      },
    ]);
    const switches = ['remove_visitor_ip_headers', 'add_true_client_ip_headers', 'add_visitor_location_headers'];
    const transforms = TRANSFORMS.plan(
      context(),
      switches.map((id, n) => ({ id, enabled: n > 0 })),
    );
    expect(inTheWay(transforms)).toEqual(['transform remove_visitor_ip_headers']);
    expect(told(transforms)).toHaveLength(1);
  });

  it.for([
    ['*.example.org', true],
    ['codes.example.org', true],
    ['portal.example.org/operator', true],
    ['www.example.org', false],
    ['*.example.net', false],
  ] as const)('of Access at %s: %s', ([place, refused], { expect }) => {
    const applications = [{ id: '1', name: 'intranet', places: [place], settings: {}, policies: [] }];
    const found: FoundAccess = { providers: [OIDC], tokens: [], policies: [], applications };
    const expected = refused ? ['Access application of somebody else: intranet'] : [];
    expect(inTheWay(ACCESS.plan(context(), found))).toEqual(expected);
  });

  it('of Access is in the way of a host of cards, too, before which a certificate stands', ({ expect }) => {
    const stage = { ...STAGE, hosts: { ...STAGE.hosts, cards: 'cards.example.org' } };
    const applications = [{ id: '1', name: 'all', places: ['cards.example.org'], settings: {}, policies: [] }];
    const found: FoundAccess = { providers: [OIDC], tokens: [], policies: [], applications };
    expect(inTheWay(ACCESS.plan(context(stage), found))).toHaveLength(1);
    const guarded = FIREWALL.plan(context(stage), NONE).map(({ resource }) => resource);
    expect(guarded).toEqual(
      expect.arrayContaining(['laboratories', 'peers', 'cards'].map((host) => `WAF rule: ${host}-mtls`)),
    );
  });

  it('by a route is before a host where its pattern is', ({ expect }) => {
    expect(covers('https://keys.example.org/v1/*', 'keys.example.org')).toBe(true);
    expect(covers('*.example.org/*', 'keys.example.org')).toBe(true);
    expect(covers('*keys.example.org/*', 'keys.example.org')).toBe(true);
    expect(covers('example.org/*', 'keys.example.org')).toBe(false);
    expect(covers('keys-example.org/*', 'keys.example.org')).toBe(false);
  });
});

const OIDC = { id: 'idp', type: 'oidc', name: 'directory' };

describe('rules of ours', () => {
  const rule = (planned: readonly Difference[]): [string, string][] =>
    planned
      .filter(({ action }) => action !== 'keep' && action !== 'create')
      .map(({ action, resource }) => [action, resource]);

  it('are known by what they say or by their reference, and a second one goes', ({ expect }) => {
    const [made] = FIREWALL.plan(context(), { id: null, rules: [] });
    const to = Object.fromEntries(made!.fields.map((field) => [field.name, field.to]));
    const ours = { ...to, id: '1', ref: 'whatever' };
    const rewritten = { ...to, id: '2', ref: 'exposure-edge_demo_peers-mtls', description: 'mine now' };
    const former = { ...to, id: '3', description: 'exposure-edge:demo:of-before which nobody wants' };
    const rules = [
      ours,
      { ...ours, id: '4' },
      rewritten,
      former,
      { ...to, id: '5', description: 'exposure-edge:other:laboratories-mtls' },
    ];
    const planned = FIREWALL.plan(context(), { id: 'set', rules });
    expect(rule(planned)).toEqual([
      ['change', 'WAF rule: peers-mtls'],
      ['delete', `WAF rule: ${String(to['description'])} (4)`],
      ['delete', 'WAF rule: exposure-edge:demo:of-before which nobody wants (3)'],
    ]);
    expect(told(planned)).toEqual(['WAF rule of somebody else: exposure-edge:other:laboratories-mtls (block)']);
  });

  it('look at host, method, path and query alone, and limits count by address, without a look at what an upload came to', ({
    expect,
  }) => {
    const bucket = { ...STAGE, download: 'bucket' as const };
    const texts = [...FIREWALL.plan(context(bucket), NONE), ...RATE_LIMITS.plan(context(bucket), NONE)].map(
      ({ resource, fields }) => [resource, Object.fromEntries(fields.map(({ name, to }) => [name, to]))] as const,
    );
    const allowed = /http\.(?:host|request\.method|request\.uri\.(?:path|query))|cf\.tls_client_auth\.cert_verified/g;
    for (const [, { expression }] of texts) {
      expect(
        String(expression)
          .replaceAll(/"[^"]*"/g, '')
          .replaceAll(allowed, ''),
      ).not.toMatch(/http|cf|ip/);
      expect(String(expression).length).toBeLessThan(4096);
    }
    const limits = texts.flatMap(([resource, { ratelimit }]) =>
      ratelimit === undefined ? [] : [[resource, ratelimit as object] as const],
    );
    expect(limits.map(([resource]) => resource)).toEqual(
      ['uploads', 'tests', 'codes', 'misses'].map((name) => `rate limit: ${name}`),
    );
    for (const [, limit] of limits) expect(limit).toMatchObject({ characteristics: ['cf.colo.id', 'ip.src'] });
    expect(limits.filter(([, limit]) => 'counting_expression' in limit).map(([resource]) => resource)).toEqual([
      'rate limit: misses',
    ]);
  });
});

const NONE = { id: null, rules: [] };

describe('whom Access lets in', () => {
  const group = ['group Health office'];

  it('is told in the rules of the team’s one provider that knows groups', ({ expect }) => {
    const oidc = { claim_name: 'groups', claim_value: 'Health office', identity_provider_id: 'idp' };
    const staff = [...group, '@health.example.org', 'cem@example.org'];
    expect(staffRules(staff, [{ id: 'pin', type: 'onetimepin', name: '' }, OIDC])).toEqual([
      { oidc },
      { email_domain: { domain: 'health.example.org' } },
      { email: { email: 'cem@example.org' } },
    ]);
  });

  it('is a mistake that names the field where there is none, or more than one', ({ expect }) => {
    expect(() => staffRules(group, [])).toThrow(/^field access\.staff: "group Health office" .* the team has none$/);
    const two = [OIDC, { id: '2', type: 'okta', name: 'second' }];
    expect(() => staffRules(group, two)).toThrow(/the team has directory \(oidc\), second \(okta\)$/);
  });

  it('by a token that ends soon, or whose secret isn’t sealed, is renewed', ({ expect }) => {
    const token = { id: '1', name: 'exposure-edge:demo:nightly', service: 'nightly', duration: '8760h' };
    const plan = (more: { isSealed: boolean; expiresAt: number }) =>
      ACCESS.plan(context(), { providers: [OIDC], tokens: [{ ...token, ...more }], policies: [], applications: [] })[0];
    const later = NOW + 90 * 86_400_000;
    expect(plan({ isSealed: true, expiresAt: later })).toMatchObject({ action: 'keep', fields: [] });
    const unsealed = [{ name: 'secret', from: 'not sealed here', to: 'sealed' }];
    expect(plan({ isSealed: false, expiresAt: later })).toMatchObject({ action: 'change', fields: unsealed });
    const renewed = [{ name: 'expires', from: '2026-11-27', to: 'in a year' }];
    expect(plan({ isSealed: true, expiresAt: NOW + 86_400_000 })).toMatchObject({ action: 'change', fields: renewed });
  });
});
