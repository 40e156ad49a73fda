/** @module The whole round against the double of the API: made, kept, edited by hand, changed, taken away; and each call failing once. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { serviceSubjects } from './access.ts';
import { bring, destroyResources, isDrift, planResources } from './bring.ts';
import type { Context, StageOfResources } from './context.ts';
import type { Difference } from './resource.ts';
import { RESOURCES } from './resources.ts';
import { STAGE, type Rig, authorityPem, startRig } from './test-rig.ts';

let stage: StageOfResources;
let changed: StageOfResources;

beforeAll(async () => {
  const [first, second, peers] = await Promise.all(['Laboratories', 'Laboratories 2', 'Peers'].map(authorityPem));
  const federation = { ...STAGE.federation, clientRoots: [{ file: 'peers.pem', pem: peers! }] };
  const laboratories = { ...STAGE.laboratories, rootCertificates: [{ file: 'labs.pem', pem: first! }] };
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
    laboratories: { ...laboratories, rootCertificates: [{ file: 'labs.pem', pem: second! }] },
  };
});

async function drift(context: Context): Promise<Difference[]> {
  const planned = await planResources(context);
  return planned.flatMap(({ differences }) => differences).filter(isDrift);
}

async function apply(context: Context): Promise<string[]> {
  const lines: string[] = [];
  for (const resource of RESOURCES) await bring(resource, context, (line) => lines.push(line));
  return lines;
}

/** What lies in the account without what differs from run to run. */
function picture({ double }: Rig): unknown {
  const { zones, buckets, domains, accessApplications, accessPolicies, accessServiceTokens, mtlsCertificates } =
    double.store.account;
  const text = JSON.stringify({
    zones,
    buckets,
    domains,
    accessApplications,
    accessPolicies,
    accessServiceTokens,
    mtlsCertificates,
  });
  return text
    .replaceAll(/"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"/g, '"uuid"')
    .replaceAll(/"[0-9a-f]{32,64}(\.access)?"/g, '"id"')
    .replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"time"')
    .replaceAll(/"version":"\d+"/g, '"version":"n"');
}

describe('resources of a stage', () => {
  let rig: Rig;
  let context: Context;
  beforeAll(async () => {
    rig = await startRig();
    context = await rig.open({ stage });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it('are planned without a change, made, and kept', async ({ expect }) => {
    const before = picture(rig);
    const planned = await drift(context);
    expect(planned.every(({ action, foreign }) => foreign !== true && action !== 'delete')).toBe(true);
    expect(picture(rig)).toBe(before);
    const lines = await apply(context);
    expect(lines).toHaveLength(planned.length);
    expect(lines).toMatchSnapshot();
    expect(await drift(context)).toEqual([]);
    const made = picture(rig);
    expect(await apply(context)).toEqual([]);
    expect(picture(rig)).toBe(made);
    expect(rig.double.unknownCalls()).toEqual([]);
  });

  it('show a token’s secret to nobody but the vault', async ({ expect }) => {
    const [[name, text] = ['', '']] = rig.vault.sealed;
    const subjects = await serviceSubjects(context);
    expect(name).toBe(`nightly ${subjects['nightly']}`);
    const [, secret = ''] = /CLOUDFLARE_ACCESS_CLIENT_SECRET=(\w{64})\n$/.exec(text) ?? [];
    expect(secret).not.toBe('');
    expect(JSON.stringify(await planResources(context))).not.toContain(secret);
  });

  it('are put right where somebody edited them, with both values; what isn’t ours stays', async ({ expect }) => {
    const { account } = rig.double.store;
    const [zone] = account.zones;
    const waf = zone!.rulesets.find(({ phase }) => phase === 'http_request_firewall_custom') as {
      rules: Record<string, unknown>[];
    };
    const theirs = {
      id: 'theirs',
      ref: 'theirs',
      description: 'office',
      action: 'skip',
      expression: 'ip.src eq 192.0.2.1',
      enabled: true,
      version: '1',
      last_updated: 'x',
      action_parameters: { ruleset: 'current' },
    };
    waf.rules.splice(1, 0, theirs);
    Object.assign(waf.rules[0]!, { enabled: false });
    Object.assign(waf.rules[2]!, { expression: 'http.host eq "nowhere"' });
    account.accessPolicies.find(({ name }) => String(name).endsWith(':operators'))!['include'] = [{ everyone: {} }];
    account.buckets.find(({ name }) => name.endsWith('-private'))!.managedDomain = true;
    zone!.managedTransforms['remove_visitor_ip_headers'] = false;
    zone!.hostnameAssociations = zone!.hostnameAssociations.filter(
      ({ hostnames }) => !hostnames.includes('laboratories.example.org'),
    );
    zone!.routes = zone!.routes.slice(1);
    rig.double.store.save();

    const found = await drift(context);
    expect(
      found.map(({ action, resource, fields }) => [action, resource.replaceAll(/\(.{16}\)/g, '(…)'), fields]),
    ).toMatchSnapshot();
    const lines = await apply(context);
    expect(lines).toHaveLength(found.length);
    expect(await drift(context)).toEqual([]);
    expect(waf.rules.map(({ id }) => id).indexOf('theirs')).toBe(1);
    const now = account.zones[0]!.rulesets.find(({ phase }) => phase === 'http_request_firewall_custom') as typeof waf;
    expect(now.rules[1]).toEqual(theirs);
    const told = (await planResources(context))
      .flatMap(({ differences }) => differences)
      .filter(({ foreign }) => foreign);
    expect(told).toEqual([
      { resource: expect.stringContaining('which may skip rules after it'), action: 'keep', fields: [], foreign: true },
    ]);
  });

  it('follow the file where it changes, and leave nothing of before', async ({ expect }) => {
    const next = await rig.open({ stage: changed });
    const lines = await apply(next);
    expect(lines).toMatchSnapshot();
    expect(await drift(next)).toEqual([]);
    const { account } = rig.double.store;
    expect(account.mtlsCertificates).toHaveLength(2);
    expect(account.accessServiceTokens).toEqual([]);
    expect(account.domains.map(({ hostname }) => hostname).toSorted()).toEqual(
      ['config', 'de.en', 'laboratories', 'peers', 'portal', 'submission', 'tests'].map(
        (host) => `${host}.example.org`,
      ),
    );
  });

  it('are taken away, and nothing else', async ({ expect }) => {
    const next = await rig.open({ stage: changed });
    await destroyResources(next, () => undefined);
    const { account } = rig.double.store;
    const left = account.zones[0]!.rulesets.flatMap(
      (ruleset) => (ruleset as { rules?: { description?: string }[] }).rules ?? [],
    );
    expect(left.map(({ description }) => description)).toEqual(['office']);
    expect([
      account.buckets,
      account.domains,
      account.zones[0]!.routes,
      account.accessApplications,
      account.accessPolicies,
      account.mtlsCertificates,
      account.zones[0]!.hostnameAssociations,
    ]).toEqual(Array.from({ length: 7 }, () => []));
    await destroyResources(next, () => undefined);
    expect(rig.double.unknownCalls()).toEqual([]);
  });
});
