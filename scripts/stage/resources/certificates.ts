/**
 * @module Authorities whose client certificates laboratories and other backends show: uploaded to the account, and named for a host of the zone. A certificate's name is its own hash, so
 * another one in the file is another one here: the new one is good before the old one goes. Authorities of our own need a plan with mTLS for them; the platform looks at no revocation list
 * of theirs, so the Workers ask for a certificate's fingerprint again (docs/laboratory.md, docs/federation.md).
 */
import { createHash, X509Certificate } from 'node:crypto';
import type { HostnameAssociations } from 'cloudflare/resources/certificate-authorities/hostname-associations';
import { gone } from './calls.ts';
import { differing } from './compare.ts';
import type { Context } from './context.ts';
import type { StageOfResources } from './stage-part.ts';
import { everything } from './lists.ts';
import { tagOf, tagsOf } from './names.ts';
import { type Resource, type Work, resource } from './resource.ts';

interface FoundAuthority {
  readonly id: string;
  readonly name: string;
  /** Null: what the account has is no certificate that can be read. */
  readonly fingerprint: string | null;
  /** Hosts of the zone that take certificates of it. */
  readonly hosts: readonly string[];
}

interface Found {
  readonly authorities: readonly FoundAuthority[];
  /** Hosts that take certificates which Cloudflare itself issues for the zone. */
  readonly managed: readonly string[];
}

interface Wanted {
  readonly fingerprint: string;
  readonly pem: string;
  /** Files that it stands in, for a person. */
  readonly files: readonly string[];
  readonly hosts: readonly string[];
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
/** Of SHA-256 in hex: as many as tell certificates of one account apart. */
const NAME_LENGTH = 16;

/** @param pem one certificate @returns SHA-256 of its DER, hex; null where it can't be read */
function fingerprintOf(pem: string): string | null {
  try {
    return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
  } catch {
    return null;
  }
}

function wantedOf({ hosts, laboratories, federation, staff }: StageOfResources): Wanted[] {
  const uses = [
    ...laboratories.rootCertificates.map((file) => ({ ...file, host: hosts.laboratories })),
    ...(hosts.peers === null ? [] : federation.clientRoots.map((file) => ({ ...file, host: hosts.peers as string }))),
    ...(hosts.cards === null ? [] : staff.cardRoots.map((file) => ({ ...file, host: hosts.cards as string }))),
  ];
  const wanted = new Map<string, Wanted>();
  for (const { file, pem: text, host } of uses) {
    for (const [pem] of text.matchAll(CERTIFICATE)) {
      const fingerprint = fingerprintOf(pem);
      if (fingerprint === null) throw new Error(`${file} holds what is no certificate`);
      // One authority may be good for both hosts, and stands in the account once.
      const { files = [], hosts: named = [] } = wanted.get(fingerprint) ?? {};
      wanted.set(fingerprint, {
        fingerprint,
        pem: `${pem}\n`,
        files: [...new Set([...files, file])],
        hosts: [...new Set([...named, host])].toSorted(),
      });
    }
  }
  return [...wanted.values()];
}

const associationsOf = ({ client }: Context): HostnameAssociations =>
  client.certificateAuthorities.hostnameAssociations;

async function read(context: Context): Promise<Found> {
  const { client, accountId, zone } = context;
  const listed = await everything('certificates', (options) =>
    client.mtlsCertificates.list({ account_id: accountId }, options),
  );
  const authorities: FoundAuthority[] = [];
  for (const { id, name = '', certificates = '', ca } of listed) {
    if (id === undefined || ca === false) continue;
    const { hostnames = [] } = await associationsOf(context).get({ zone_id: zone.id, mtls_certificate_id: id });
    authorities.push({ id, name, fingerprint: fingerprintOf(certificates), hosts: hostnames.toSorted() });
  }
  const managed = await associationsOf(context).get({ zone_id: zone.id });
  return { authorities, managed: managed.hostnames ?? [] };
}

function work(context: Context, found: Found, wanted = wantedOf(context.stage)): Work[] {
  const { stage } = context;
  const ours = hostsOf(stage);
  const tags = tagsOf(stage);
  const works = wanted.map((one) => wantedWork(context, found, one));
  for (const { id, name, fingerprint, hosts } of found.authorities) {
    if (wanted.some((one) => one.fingerprint === fingerprint)) continue;
    const there = hosts.filter((host) => ours.has(host));
    if (name.startsWith(tags)) {
      works.push({
        difference: { resource: `client authority ${name}`, action: 'delete', fields: differing({ hosts }, null) },
        run: () => removeAuthority(context, id),
      });
    } else if (there.length > 0) works.push(foreign(`client authority of somebody else: ${name} (${id})`, there));
  }
  const managed = found.managed.filter((host) => ours.has(host));
  if (managed.length > 0) works.push(foreign('client authority of Cloudflare itself', managed));
  return works;
}

/** Who has a certificate of it passes the zone's rule; the Worker still refuses whom the signed lists don't name. */
function foreign(what: string, hosts: readonly string[]): Work {
  const label = `${what}: its certificates are let through to ${hosts.join(', ')}, where the Worker asks for the fingerprint`;
  return { difference: { resource: label, action: 'keep', fields: [], foreign: true } };
}

function wantedWork(context: Context, found: Found, { fingerprint, pem, files, hosts }: Wanted): Work {
  const { client, accountId, zone, stage } = context;
  const name = tagOf(stage, `ca:${fingerprint.slice(0, NAME_LENGTH)}`);
  const what = `client authority ${files.join(', ')} (${fingerprint.slice(0, NAME_LENGTH)})`;
  const candidates = found.authorities.filter((one) => one.fingerprint === fingerprint);
  const there = candidates.find((one) => one.name === name) ?? candidates[0];
  const associate = (id: string, hostnames: readonly string[]): Promise<unknown> =>
    associationsOf(context).update({ zone_id: zone.id, mtls_certificate_id: id, hostnames: [...hostnames] });
  if (there === undefined) {
    return {
      difference: { resource: what, action: 'create', fields: differing(null, { hosts }) },
      async run() {
        const parameters = { account_id: accountId, ca: true, certificates: pem, name };
        const { id } = await client.mtlsCertificates.create(parameters);
        if (id === undefined) throw new Error('half an answer: a certificate without its id');
        // A break here leaves an authority that no host names: the next apply finds it by its hash.
        await associate(id, hosts);
      },
    };
  }
  // Somebody else's upload of the same authority: hosts of theirs stay.
  const target = there.name === name ? hosts : [...new Set([...there.hosts, ...hosts])].toSorted();
  const fields = differing({ hosts: there.hosts }, { hosts: target });
  if (fields.length === 0) return { difference: { resource: what, action: 'keep', fields } };
  return { difference: { resource: what, action: 'change', fields }, run: () => associate(there.id, target) };
}

/** In this order: what a host names isn't deleted. */
async function removeAuthority(context: Context, id: string): Promise<void> {
  const { client, accountId, zone } = context;
  await associationsOf(context).update({ zone_id: zone.id, mtls_certificate_id: id, hostnames: [] });
  await gone(client.mtlsCertificates.delete(id, { account_id: accountId }));
}

const hostsOf = ({ hosts }: StageOfResources): ReadonlySet<string> =>
  new Set([hosts.laboratories, ...(hosts.peers === null ? [] : [hosts.peers])]);

/** Authorities of client certificates, and the hosts that take them. */
export const CLIENT_AUTHORITIES: Resource<Found> = resource({
  name: 'client authorities',
  phase: 'before-workers',
  rights: ['Account: SSL and Certificates Write', 'Zone: SSL and Certificates Write'],
  afterBreak:
    'laboratories and peers whose authority no host names yet are refused; none gets in that shouldn’t. Apply again: authorities are found by their hash',
  read,
  work: (context, found) => work(context, found),
  remove: (context, found) => work(context, found, []).filter(({ difference }) => difference.foreign !== true),
});
