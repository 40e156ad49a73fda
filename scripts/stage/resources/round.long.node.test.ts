/** @module The whole round against the double of the API: made, kept, edited by hand, changed, taken away; and each call failing once. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Double, Fault } from '../double/double.ts';
import { RIGHTS } from '../double/rights.ts';
import { readTokens } from './access-tokens.ts';
import { bring, isDrift } from './bring.ts';
import type { Context } from './context.ts';
import type { StageOfResources } from './stage-part.ts';
import { ResourceError } from './failure.ts';
import type { Difference } from './resource.ts';
import { RESOURCES } from './resources.ts';
import { issueCertificate } from '../../../test/support/certificate-authority.ts';
import { type Rig, STAGE, startRig } from './test-rig.ts';

/** @param name of an authority @returns its certificate, PEM */
async function authorityPem(name: string): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const { certificate } = await issueCertificate({ name: `CN=${name}`, authority: true, notBefore: now - 60 }, null);
  return `${certificate.toString('pem')}\n`;
}

let stage: StageOfResources;
let changed: StageOfResources;

beforeAll(async () => {
  const [first = '', second = '', peers = ''] = await Promise.all(
    ['Laboratories', 'Laboratories 2', 'Peers'].map(authorityPem),
  );
  const laboratories = { ...STAGE.laboratories, rootCertificates: [{ file: 'labs.pem', pem: first }] };
  const federation = { ...STAGE.federation, clientRoots: [{ file: 'peers.pem', pem: peers }] };
  stage = { ...STAGE, laboratories, federation };
  changed = {
    ...stage,
    download: 'bucket',
    hosts: { ...stage.hosts, codes: null, config: 'config.example.org', verification: 'tests.example.org' },
    access: {
      ...stage.access,
      staff: ['@health.example.org'],
      operators: ['anna@example.org', 'cem@example.org'],
      sessionHours: 8,
      services: [],
    },
    laboratories: { ...laboratories, rootCertificates: [{ file: 'labs.pem', pem: second }] },
  };
});

async function everythingPlanned(context: Context): Promise<Difference[]> {
  const planned: Difference[] = [];
  for (const resource of RESOURCES) planned.push(...resource.plan(context, await resource.read(context)));
  return planned;
}

const drift = async (context: Context): Promise<Difference[]> => (await everythingPlanned(context)).filter(isDrift);

async function apply(context: Context): Promise<string[]> {
  const lines: string[] = [];
  for (const resource of RESOURCES) await bring(resource, context, (line) => lines.push(line));
  return lines;
}

async function destroy(context: Context, progress: (line: string) => void): Promise<void> {
  for (const resource of RESOURCES.toReversed()) await resource.destroy(context, progress);
}

const silent = (): void => undefined;
const plain = (text: string): string => text.replaceAll(/ ?\([0-9a-f-]{16,36}\)|:ca:[0-9a-f]{16}/g, '');

/** What lies in the account, without what differs from run to run. */
function picture({ store }: Double): string {
  const { zones, buckets, domains, mtlsCertificates, ...account } = store.account;
  const { accessApplications, accessPolicies, accessServiceTokens } = account;
  const all = { zones, buckets, domains, mtlsCertificates, accessApplications, accessPolicies, accessServiceTokens };
  return JSON.stringify(all, null, 1)
    .replaceAll(/"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/g, '"uuid"')
    .replaceAll(/"[0-9a-f]{32,64}(\.access)?"/g, '"id"')
    .replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"time"')
    .replaceAll(/"version": "\d+"/g, '"version": "n"');
}

/** The library's pauses between two tries, without their length. */
const impatient = (context: Context): Context => {
  Object.assign(context.client, { calculateDefaultRetryTimeoutMillis: () => 1 });
  return context;
};

interface WafRules {
  readonly phase: string;
  readonly rules: Record<string, unknown>[];
}

describe('resources of a stage', () => {
  let rig: Rig;
  let context: Context;
  beforeAll(async () => {
    rig = await startRig();
    context = await rig.open({ stage });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const rulesets = (): WafRules[] =>
    rig.double.store.account.zones.flatMap((zone) => zone.rulesets as unknown as WafRules[]);
  const waf = (): WafRules => rulesets().find(({ phase }) => phase === 'http_request_firewall_custom')!;

  it('are planned without a change, made, and kept', async ({ expect }) => {
    const before = picture(rig.double);
    const planned = await drift(context);
    expect(planned.filter(({ action, foreign }) => foreign === true || action === 'delete')).toEqual([]);
    expect(picture(rig.double)).toBe(before);
    const lines = await apply(context);
    expect(lines).toEqual(planned.map(({ action, resource }) => `${action}: ${resource}`));
    expect(lines.map((line) => plain(line).split(/ (?:exposure-edge|keys\.)/)[0])).toEqual([
      ...Array.from({ length: 4 }, () => 'create: bucket'),
      ...['labs.pem', 'peers.pem'].map((file) => `create: client authority ${file}`),
      ...[
        'laboratories-mtls',
        'peers-mtls',
        'submission-paths',
        'verification-paths',
        'downloads-methods',
        'links-paths',
      ].map((rule) => `create: WAF rule: ${rule}`),
      ...['uploads', 'tests', 'codes', 'misses'].map((limit) => `create: rate limit: ${limit}`),
      'change: transform remove_visitor_ip_headers',
      'create: service token nightly',
      ...['staff', 'operators', 'services'].map((policy) => `create: Access policy ${policy}`),
      'create: Access application on portal.example.org',
      'create: host submission.example.org',
      'create: host',
      ...['verification', 'laboratories', 'peers', 'portal', 'codes', 'de.en'].map(
        (host) => `create: host ${host}.example.org`,
      ),
      ...Array.from({ length: 4 }, () => 'create: route'),
    ]);
    expect(await drift(context)).toEqual([]);
    const made = picture(rig.double);
    expect(await apply(context)).toEqual([]);
    expect(picture(rig.double)).toBe(made);
  });

  it('show a token’s secret to nobody but the vault', async ({ expect }) => {
    const [[name, text] = ['', '']] = rig.vault.sealed;
    const [token] = await readTokens(context);
    expect(name).toBe(`nightly ${token?.id}`);
    const [, secret = ''] = /CLOUDFLARE_ACCESS_CLIENT_SECRET=(\w{64})\n$/.exec(text) ?? [];
    expect(secret).not.toBe('');
    expect(JSON.stringify(await everythingPlanned(context))).not.toContain(secret);
  });

  it('are put right where somebody edited them, with both values; what isn’t ours stays', async ({ expect }) => {
    const { account } = rig.double.store;
    const [zone] = account.zones;
    const theirs = {
      id: 'theirs',
      ref: 'theirs',
      description: 'office',
      action: 'skip',
      expression: 'true',
      enabled: true,
    };
    waf().rules.splice(1, 0, theirs);
    Object.assign(waf().rules[0]!, { enabled: false });
    Object.assign(waf().rules[2]!, { expression: 'http.host eq "nowhere"' });
    account.accessPolicies.find(({ name }) => String(name).endsWith(':operators'))!['include'] = [{ everyone: {} }];
    const age = { type: 'Age', maxAge: 86_400 };
    const lifecycleRules = [
      { id: 'old', conditions: { prefix: '' }, enabled: true, deleteObjectsTransition: { condition: age } },
    ];
    const lockRules = [{ id: 'keep', condition: { type: 'Indefinite' }, enabled: true }];
    const bucket = account.buckets.find(({ name }) => name.endsWith('-private'))!;
    Object.assign(bucket, { managedDomain: true, lifecycleRules, lockRules });
    zone!.managedTransforms['remove_visitor_ip_headers'] = false;
    const isLaboratories = ({ hostnames }: { hostnames: string[] }): boolean =>
      hostnames[0] === STAGE.hosts.laboratories;
    zone!.hostnameAssociations = zone!.hostnameAssociations.filter((one) => !isLaboratories(one));
    zone!.routes = zone!.routes.slice(1);
    rig.double.store.save();

    const found = await drift(context);
    expect(found.map(({ action, resource, fields }) => [action, plain(resource), ...fields])).toEqual([
      [
        'change',
        'bucket exposure-edge-private',
        { name: 'r2.dev', from: true, to: false },
        { name: 'lifecycle rules', from: ['old'], to: [] },
        { name: 'locks', from: ['keep'], to: [] },
      ],
      ['change', 'client authority labs.pem', { name: 'hosts', from: [], to: [STAGE.hosts.laboratories] }],
      ['change', 'WAF rule: laboratories-mtls', { name: 'enabled', from: false, to: true }],
      [
        'change',
        'WAF rule: peers-mtls',
        {
          name: 'expression',
          from: 'http.host eq "nowhere"',
          to: 'http.host eq "peers.example.org" and not cf.tls_client_auth.cert_verified',
        },
      ],
      ['change', 'transform remove_visitor_ip_headers', { name: 'enabled', from: false, to: true }],
      [
        'change',
        'Access policy operators',
        {
          name: 'include',
          from: [{ everyone: {} }],
          to: STAGE.access.operators.map((email) => ({ email: { email } })),
        },
      ],
      ['create', 'route keys.example.org/v1/config/*', { name: 'worker', from: null, to: 'exposure-edge-config' }],
    ]);
    expect(await apply(context)).toHaveLength(found.length);
    expect(await drift(context)).toEqual([]);
    expect(waf().rules[1]).toEqual(theirs);
    const told = (await everythingPlanned(context)).filter(({ foreign }) => foreign === true);
    expect(told.map(({ resource }) => resource)).toEqual([
      'WAF rule of somebody else: office (skip, which may skip rules after it, ours among them)',
    ]);
  });

  it('follow the file where it changes, what guards first, and leave nothing of before', async ({ expect }) => {
    const next = await rig.open({ stage: changed });
    const lines = (await apply(next)).map(plain);
    const hosts = lines.filter((line) => line.includes(': host '));
    expect(lines.indexOf('create: WAF rule: bucket-paths')).toBeLessThan(lines.indexOf(hosts[0]!));
    expect(lines.indexOf('create: cache rule: bucket')).toBeLessThan(lines.indexOf(hosts[0]!));
    expect(hosts).toEqual([
      ...['keys', 'verification', 'codes'].map((host) => `delete: host ${host}.example.org`),
      ...['config', 'tests', 'keys'].map((host) => `create: host ${host}.example.org`),
    ]);
    const authorities = ['create: client authority labs.pem', 'delete: client authority exposure-edge:demo'];
    expect(lines.filter((line) => line.includes('client authority'))).toEqual(authorities);
    expect(await drift(next)).toEqual([]);
    const { account } = rig.double.store;
    expect([
      account.mtlsCertificates.length,
      account.accessServiceTokens.length,
      account.accessPolicies.length,
    ]).toEqual([2, 0, 2]);
    expect(account.zones[0]).toMatchObject({ routes: [], tieredCaching: 'on', smartTieredCache: 'on' });
  });

  it('are taken away, and nothing else', async ({ expect }) => {
    const next = await rig.open({ stage: changed });
    const lines: string[] = [];
    await destroy(next, (line) => lines.push(line));
    expect(lines.filter((line) => line.startsWith('keep: '))).toEqual([
      'keep: tiered cache, of the whole zone',
      'keep: transform remove_visitor_ip_headers, of the whole zone',
    ]);
    const { account } = rig.double.store;
    const [zone] = account.zones;
    expect(
      rulesets()
        .flatMap(({ rules }) => rules)
        .map(({ description }) => description),
    ).toEqual(['office']);
    const { buckets, domains, accessApplications, accessPolicies, mtlsCertificates } = account;
    const left = [buckets, domains, accessApplications, accessPolicies, mtlsCertificates, zone?.hostnameAssociations];
    expect(left.flat()).toEqual([]);
    await destroy(next, silent);
    expect(rig.double.unknownCalls()).toEqual([]);
  });
});

/** Each kind of call that writes, at every other time it comes: so each fails once, and is gone on with. */
const WRITES = ['POST', 'PUT', 'PATCH', 'DELETE'];
const TIMES = Array.from({ length: 40 }, (_, n) => 2 * n + 1);
const eachOnce = (fault: Fault): Fault[] =>
  WRITES.flatMap((method) => TIMES.map((call) => ({ ...fault, method, path: '**', call })));

describe('a call that fails once', () => {
  let expected = '';
  beforeAll(async () => {
    await using rig = await startRig();
    await apply(await rig.open({ stage }));
    await apply(await rig.open({ stage: changed }));
    expected = picture(rig.double);
  });

  it.for<readonly [name: string, fault: Fault]>([
    ['by 429, with a time to come again', { kind: 'too-many', retryAfterSeconds: 0 }],
    ['by 500', { kind: 'server-error' }],
    ['by a connection that is cut before anything is done', { kind: 'cut', when: 'before' }],
    ['by a connection that is cut in the answer', { kind: 'cut', when: 'after' }],
  ])('%s, leaves the account as if it hadn’t', async ([, fault], { expect }) => {
    await using rig = await startRig();
    const context = impatient(await rig.open({ stage }));
    for (const one of eachOnce(fault)) rig.double.fail(one);
    await apply(context);
    await apply(impatient(await rig.open({ stage: changed })));
    expect(picture(rig.double)).toBe(expected);
    const failed = rig.double.calls().filter(({ status }) => status === 0 || status >= 429);
    expect(failed.length).toBeGreaterThan(40);
    await destroy(impatient(await rig.open({ stage: changed })), silent);
    expect(rig.double.store.account.buckets).toEqual([]);
  });

  it('for good, says what it leaves, and the same command goes on from there', async ({ expect }) => {
    await using rig = await startRig();
    for (const one of eachOnce({ kind: 'forbidden' })) rig.double.fail(one);
    const messages: string[] = [];
    const untilDone = async (act: () => Promise<unknown>): Promise<void> => {
      for (;;) {
        try {
          await act();
          return;
        } catch (error) {
          if (!(error instanceof ResourceError)) throw error;
          messages.push(error.message);
        }
      }
    };
    for (const wanted of [stage, changed]) {
      const context = await rig.open({ stage: wanted });
      for (const resource of RESOURCES) await untilDone(() => bring(resource, context, silent));
    }
    expect(picture(rig.double)).toBe(expected);
    expect(messages.length).toBeGreaterThan(40);
    for (const message of messages)
      expect(message).toMatch(/: Cloudflare's API answered 403 \(.+ needs .+ Write.*\. What is left: .+/);
    await untilDone(async () => destroy(await rig.open({ stage: changed }), silent));
    expect(rig.double.store.account.buckets).toEqual([]);
  });

  it.for(Object.values(RIGHTS).filter((right) => !/DNS|Settings Read|Transform|Config|Mutual/.test(right)))(
    'for a token without "%s", names it',
    async (missing, { expect }) => {
      await using rig = await startRig();
      const token = rig.double.tokenWith(Object.values(RIGHTS).filter((right) => right !== missing));
      const failure = await (async () =>
        apply(await rig.open({ stage: { ...stage, download: 'bucket' }, token })))().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(ResourceError);
      expect((failure as ResourceError).status).toBe(403);
      expect((failure as ResourceError).message).toContain(missing);
    },
  );
});
