/**
 * @module Who may hold what (docs/architecture.md §2), read from wrangler.toml and tried in running Workers. The composition is the
 * deployed one: the entry files of `workers/`, the bindings of wrangler.toml, no CLOCK.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { LOCAL_ROUTES } from '../../local-edge/workers.ts';
import { PRIVILEGES, type Privileges } from './support/privileges.ts';

interface Environment {
  readonly name: string;
  readonly vars?: Readonly<Record<string, string>>;
  readonly services?: readonly { readonly binding: string; readonly service: string; readonly entrypoint?: string }[];
  readonly r2_buckets?: readonly { readonly binding: string; readonly bucket_name: string }[];
  readonly durable_objects?: { readonly bindings: readonly { readonly name: string; readonly class_name: string }[] };
  readonly secrets?: { readonly required: readonly string[] };
}

const toml = parse(readFileSync(new URL('../../wrangler.toml', import.meta.url), 'utf8')) as unknown as {
  readonly env: Readonly<Record<string, Environment>>;
};
const environments = Object.entries(toml.env);

/** Keys of an environment that bind nothing. */
const INERT = ['name', 'main', 'vars', 'cache', 'limits', 'triggers', 'migrations'];
/** Keys of an environment that bind something the table has a column for. */
const BINDING = ['services', 'r2_buckets', 'durable_objects', 'secrets'];

const sorted = (names: Iterable<string>): string[] => [...names].toSorted();

function heldBy(environment: Environment): Omit<Privileges, 'route'> {
  return {
    rpc: Object.fromEntries(
      (environment.services ?? []).map(({ binding, service, entrypoint = 'default' }) => [
        binding,
        `${service}#${entrypoint}`,
      ]),
    ),
    buckets: Object.fromEntries((environment.r2_buckets ?? []).map((bucket) => [bucket.binding, bucket.bucket_name])),
    objects: Object.fromEntries(
      (environment.durable_objects?.bindings ?? []).map((object) => [object.name, object.class_name]),
    ),
    secrets: sorted(environment.secrets?.required ?? []),
  };
}

describe('wrangler.toml', () => {
  it('has an environment for each row of the table, and no other', ({ expect }) => {
    expect(sorted(Object.keys(toml.env))).toEqual(sorted(Object.keys(PRIVILEGES)));
  });

  it.for(environments)('%s holds what its row allows, and nothing else', ([name, environment], { expect }) => {
    const { route: _route, ...allowed } = PRIVILEGES[name] ?? {};
    expect(heldBy(environment)).toEqual(allowed);
  });

  it.for(environments)('%s has no binding of a kind that the table does not know', ([, environment], { expect }) => {
    const unknown = Object.keys(environment).filter((key) => !INERT.includes(key) && !BINDING.includes(key));
    expect(unknown).toEqual([]);
  });

  it('gives the private bucket to origin alone, and signing keys too, but for those that speak of tests and to people', ({
    expect,
  }) => {
    const holders = (held: (row: Privileges) => boolean): string[] =>
      Object.keys(PRIVILEGES).filter((name) => held(PRIVILEGES[name] as Privileges));
    expect(holders(({ buckets }) => Object.values(buckets).includes('exposure-edge-private'))).toEqual(['origin']);
    const ofTests = ['CREDENTIAL_SIGNING_KEY', 'CERTIFICATE_SIGNING_KEY', 'SMS_SIGNING_KEY'];
    const others = ({ secrets }: Privileges) =>
      secrets.some((secret) => secret.endsWith('SIGNING_KEY') && !ofTests.includes(secret));
    expect(holders(others)).toEqual(['origin']);
    for (const name of ofTests) expect(holders(({ secrets }) => secrets.includes(name))).toEqual(['verification']);
  });

  it('gives no secret and no RPC to the Workers that only read', ({ expect }) => {
    for (const name of ['index', 'config'])
      expect(PRIVILEGES[name]).toMatchObject({ rpc: {}, objects: {}, secrets: [] });
  });

  it('leaves no way from the internet to a Worker without a route', ({ expect }) => {
    for (const [name, environment] of environments.filter(([worker]) => !PRIVILEGES[worker]?.route)) {
      expect(environment).not.toHaveProperty('routes');
      expect(environment).not.toHaveProperty('route');
      expect(LOCAL_ROUTES).not.toHaveProperty(name);
    }
    expect(toml).toMatchObject({ workers_dev: false, preview_urls: false });
    expect(toml).not.toHaveProperty('routes');
  });

  it('shares one secret between verification and origin, which MACs permits and names nobody', ({ expect }) => {
    const ofOrigin = PRIVILEGES['origin']?.secrets ?? [];
    expect(PRIVILEGES['verification']?.secrets.filter((secret) => ofOrigin.includes(secret))).toEqual(['PERMIT_KEY']);
  });

  it('leaves the key that joins a reservation to an upload id to upload alone', ({ expect }) => {
    const holders = Object.keys(PRIVILEGES).filter((name) => PRIVILEGES[name]?.secrets.includes('UPLOAD_ID_KEY'));
    expect(holders).toEqual(['upload']);
  });
});

describe('running Workers', () => {
  let edge: LocalEdge;
  beforeAll(async () => {
    edge = await startLocalEdge({ entries: 'deployed' });
  });
  afterAll(async () => {
    await edge.dispose();
  });

  const bindingsOf = (name: string): Promise<Record<string, unknown>> => edge.miniflare.getBindings(name);

  it.for(environments)('%s is given these bindings and no other', async ([name, environment], { expect }) => {
    const row = PRIVILEGES[name] as Privileges;
    const allowed = [
      ...Object.keys(row.rpc),
      ...Object.keys(row.buckets),
      ...Object.keys(row.objects),
      ...row.secrets,
      ...Object.keys(environment.vars ?? {}),
    ];
    expect(sorted(Object.keys(await bindingsOf(environment.name)))).toEqual(sorted(allowed));
  });

  /** Methods of each entrypoint (domain/rpc.ts), with arguments that would do no harm if the call went through. */
  const METHODS: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> = {
    'exposure-edge-verification#Redeem': {
      reserve: [
        '00000000-0000-4000-8000-000000000000',
        {
          digest: '0'.repeat(64),
          reservationId: '00000000-0000-4000-8000-000000000000',
          idCommitment: '0'.repeat(64),
          payloadCommitment: '0'.repeat(64),
        },
      ],
      reserveCertificate: ['none', {}],
      commit: ['00000000-0000-4000-8000-000000000000', 'none'],
      release: ['00000000-0000-4000-8000-000000000000', 'none', 'none'],
    },
    'exposure-edge-verification#BackOffice': {
      issueTans: [{ count: 1, issuer: 'nobody' }],
      issueTeleTan: ['nobody'],
      cardBatches: [null],
      teleTanQuotas: [],
      quotaRequests: [],
      orderedTeleTan: ['nobody', '0'.repeat(64)],
      guesses: [],
      forgetExpired: [],
    },
    'exposure-edge-origin#Intake': {
      resolve: ['0'.repeat(32), '0'.repeat(32)],
      known: [[]],
      policy: [],
      withdraw: [[]],
    },
    'exposure-edge-origin#Policy': { policy: [] },
    'exposure-edge-origin#Exchange': { importBatch: [null] },
    'exposure-edge-federation#BackOffice': {
      peers: [],
      advance: [],
      discardBatch: ['NL', '1'],
      rereadPeer: ['NL'],
      releaseBatch: ['NL', '1'],
    },
    'exposure-edge-origin#BackOffice': { status: [], advance: [], parameterStatus: [], authorities: [] },
    'exposure-edge-laboratory#Results': { resultOf: ['0'.repeat(64)], forget: ['0'.repeat(64)] },
    'exposure-edge-laboratory#BackOffice': { laboratories: [], setLaboratories: ['{}'] },
  };

  const bound = environments.flatMap(([name, environment]) =>
    Object.entries(PRIVILEGES[name]?.rpc ?? {}).map(([binding, target]) => ({
      worker: environment.name,
      binding,
      target,
    })),
  );

  it.for(bound)('$worker may call $target', async ({ worker, binding, target }, { expect }) => {
    const stub = (await bindingsOf(worker))[binding] as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const entries = Object.entries(METHODS[target] ?? {});
    expect(entries.length).toBeGreaterThan(0);
    for (const [method, args] of entries) await stub[method]?.(...args);
  });

  it.for(bound)(
    '$worker is refused every other method through $binding',
    async ({ worker, binding, target }, { expect }) => {
      const stub = (await bindingsOf(worker))[binding] as Record<string, (...args: unknown[]) => Promise<unknown>>;
      const others = Object.entries(METHODS).filter(([entrypoint]) => entrypoint !== target);
      const own = Object.keys(METHODS[target] ?? {});
      for (const [method, args] of others.flatMap(([, methods]) => Object.entries(methods))) {
        if (own.includes(method)) continue;
        await expect(async () => stub[method]?.(...args), method).rejects.toThrow(/does not implement/);
      }
      for (const method of ['put', 'get', 'list', 'freeze', 'alarm', 'env', 'ctx']) {
        await expect(async () => stub[method]?.(), method).rejects.toThrow();
      }
    },
  );

  it.for(bound)('$worker cannot send HTTP through $binding', async ({ worker, binding }, { expect }) => {
    const stub = (await bindingsOf(worker))[binding] as { fetch(url: string): Promise<Response> };
    await expect(stub.fetch('https://inside.example/operator/status')).rejects.toThrow();
  });
});
