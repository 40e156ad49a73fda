/**
 * @module Host names: custom domains of Workers, and the bucket's own where it serves downloads by itself. A second address of one of our Workers, or one of a bucket that nobody may reach,
 * is taken away: no rule of the zone stands before it.
 */
import { gone, orNull } from './calls.ts';
import { differing } from './compare.ts';
import type { Context } from './context.ts';
import type { StageOfResources } from './stage-part.ts';
import { everything } from './lists.ts';
import { BUCKETS, JURISDICTIONS, bucketName, workerName } from './names.ts';
import { type Resource, type Work, resource } from './resource.ts';
import { ROUTED_WORKERS, workerDomains } from './stage-hosts.ts';

interface BucketDomain {
  readonly bucket: string;
  readonly domain: string;
  readonly enabled: boolean;
  readonly minTLS: string | null;
}

interface Found {
  readonly workers: readonly { readonly id: string; readonly hostname: string; readonly service: string }[];
  readonly buckets: readonly BucketDomain[];
}

/** 1.0 and 1.1, which a bucket's domain takes unless told otherwise, are deprecated (RFC 8996). */
const MIN_TLS = '1.2';

async function read({ client, accountId, stage }: Context): Promise<Found> {
  const workers = await everything('custom domains', (options) =>
    client.workers.domains.list({ account_id: accountId }, options),
  );
  const parameters = { account_id: accountId, 'cf-r2-jurisdiction': JURISDICTIONS[stage.jurisdiction] };
  const buckets: BucketDomain[] = [];
  for (const bucket of BUCKETS) {
    const name = bucketName(stage, bucket);
    const listed = await orNull(client.r2.buckets.domains.custom.list(name, parameters));
    for (const { domain, enabled, minTLS } of listed?.domains ?? []) {
      buckets.push({ bucket: name, domain, enabled, minTLS: minTLS ?? null });
    }
  }
  return { workers, buckets };
}

function work(context: Context, found: Found, wanted = wantedOf(context.stage)): Work[] {
  const { client, accountId, stage, zone } = context;
  const parameters = { account_id: accountId, 'cf-r2-jurisdiction': JURISDICTIONS[stage.jurisdiction] };
  const ours = new Set(ROUTED_WORKERS.map((worker) => workerName(stage, worker)));
  const publicBucket = bucketName(stage, 'public');
  const works: Work[] = [];

  // What goes goes first: a host that moves from a Worker to the bucket can't be both's.
  for (const { id, hostname, service } of found.workers) {
    if (!ours.has(service) || wanted.workers.has(hostname)) continue;
    works.push({
      difference: { resource: `host ${hostname}`, action: 'delete', fields: differing({ worker: service }, null) },
      run: () => gone(client.workers.domains.delete(id, { account_id: accountId })),
    });
  }
  for (const { bucket, domain } of found.buckets) {
    if (bucket === publicBucket && domain === wanted.bucket) continue;
    works.push({
      difference: { resource: `host ${domain}`, action: 'delete', fields: differing({ bucket }, null) },
      run: () => gone(client.r2.buckets.domains.custom.delete(domain, { ...parameters, bucket_name: bucket })),
    });
  }
  for (const [hostname, worker] of wanted.workers) {
    const there = found.workers.find((one) => one.hostname === hostname);
    const fields = differing(there === undefined ? null : { worker: there.service }, { worker });
    const what = `host ${hostname}`;
    if (there !== undefined && !ours.has(there.service)) {
      works.push({
        difference: { resource: what, action: 'change', fields, foreign: true },
        refuse: `it leads to the Worker ${there.service}, which isn't this stage's; take the custom domain from it first`,
      });
    } else if (fields.length === 0) {
      works.push({ difference: { resource: what, action: 'keep', fields } });
    } else {
      works.push({
        difference: { resource: what, action: there === undefined ? 'create' : 'change', fields },
        async run() {
          // The platform lets no host be led elsewhere: it is taken away first. A break here leaves it without an answer.
          if (there !== undefined) await gone(client.workers.domains.delete(there.id, { account_id: accountId }));
          const body = { account_id: accountId, hostname, service: worker, zone_id: zone.id };
          await client.workers.domains.update(body);
        },
      });
    }
  }
  const { bucket } = wanted;
  if (bucket !== null) works.push(bucketWork(context, bucket, publicBucket, found));
  return works;
}

function bucketWork({ client, accountId, stage, zone }: Context, domain: string, bucket: string, found: Found): Work {
  const parameters = { account_id: accountId, 'cf-r2-jurisdiction': JURISDICTIONS[stage.jurisdiction] };
  const there = found.buckets.find((one) => one.bucket === bucket && one.domain === domain);
  const wanted = { bucket, enabled: true, minTLS: MIN_TLS };
  const fields = differing(there === undefined ? null : { ...there }, wanted);
  const what = `host ${domain}`;
  if (there === undefined) {
    return {
      difference: { resource: what, action: 'create', fields },
      run: () =>
        client.r2.buckets.domains.custom.create(bucket, {
          ...parameters,
          domain,
          enabled: true,
          zoneId: zone.id,
          minTLS: MIN_TLS,
        }),
    };
  }
  if (fields.length === 0) return { difference: { resource: what, action: 'keep', fields } };
  return {
    difference: { resource: what, action: 'change', fields },
    run: () =>
      client.r2.buckets.domains.custom.update(domain, {
        ...parameters,
        bucket_name: bucket,
        enabled: true,
        minTLS: MIN_TLS,
      }),
  };
}

const wantedOf = (stage: StageOfResources) => ({
  workers: workerDomains(stage),
  bucket: stage.download === 'bucket' ? stage.hosts.keys : null,
});

/** Host names. */
export const HOSTS: Resource<Found> = resource({
  name: 'hosts',
  phase: 'after-workers',
  rights: ['Account: Workers Scripts Write', 'Account: Workers R2 Storage Write', 'Zone: Workers Routes Write'],
  afterBreak:
    'some hosts answer and others don’t yet (phones try again); a host that moves between a Worker and the bucket answers nothing until it is moved. Apply again: what is there is kept',
  read,
  work: (context, found) => work(context, found),
  remove: (context, found) => work(context, found, { workers: new Map(), bucket: null }),
});
