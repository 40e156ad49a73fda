/**
 * @module What a federation on this machine consists of: a folder with the certificates and keys of everybody, which in the world are
 * many parties'; of each backend its certificates, ports and settings. Made once, and found again at the next start.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { issueCertificate } from '../../local-edge/efgs-gateway/pki.ts';
import { noteKeyText, noteSecret, noteSecretText } from '../../protocol/directory/note.ts';
import { certificateText } from '../../protocol/directory/statement.ts';
import { randomBytes } from 'node:crypto';
import {
  type CertificateLevel,
  type Issued,
  issueDirectoryCertificate,
  LEVELS,
} from '../support/directory/certificates.ts';
import { writeDurably } from '../support/directory/folder.ts';
import { chainFromPem } from '../support/directory/statements.ts';
import { freePort } from '../support/free-port.ts';

/** A region as whoever starts it wants it. */
export interface RegionWish {
  /** Two capital letters. */
  readonly id: string;
  readonly cluster: string;
}

/** Where everything of a backend lies, and where it answers. */
export interface BackendPlan extends RegionWish {
  /** Absolute: state of the local edge, and its certificates. */
  readonly folder: string;
  /** Of the local edge: what phones and operators ask. */
  readonly port: number;
  /** Of its TLS front: what peers ask. */
  readonly feedPort: number;
}

/** A federation in a folder. */
export interface FederationPlan {
  /** Absolute. */
  readonly dir: string;
  readonly backends: readonly BackendPlan[];
}

/** Name of the log, and of its checkpoints' first line. */
const ORIGIN = 'directory.local/federation';
/** Witnesses cosign at each start and each publication; a local clock may be moved by weeks. */
const MAX_AGE_SECONDS = 30 * 86_400;
/** RFC 5280 §4.2.1.12: id-kp-serverAuth. */
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';
/** Both must have cosigned. */
const WITNESSES = ['w1', 'w2'] as const;

/** @returns names of the files that belong to all, the directory's among them */
export const directoryFiles = (dir: string) => ({
  /** All Workers, bundled once for the processes of all backends. */
  bundles: join(dir, 'bundles.json'),
  log: join(dir, 'directory'),
  policy: join(dir, 'policy.json'),
  root: join(dir, 'keys/root'),
  logSecret: join(dir, 'keys/log.secret'),
  witnesses: WITNESSES.map((name) => ({
    secret: join(dir, `keys/${name}.secret`),
    state: join(dir, `keys/${name}.sqlite`),
  })),
  cluster: (cluster: string) => join(dir, `keys/cluster-${cluster}`),
});

/** @returns names of a backend's files */
export const backendFiles = ({ folder, id }: Pick<BackendPlan, 'folder' | 'id'>) => ({
  state: join(folder, 'state'),
  /** What its operator signs statements with. */
  region: join(folder, `${id}-region`),
  /** What its consumer shows to others' feeds. */
  client: join(folder, `${id}-client`),
  server: join(folder, `${id}-server`),
  settings: join(folder, 'settings.json'),
});

/**
 * @param dir made if missing
 * @param regions in the order in which they are started
 * @param now Unix seconds, from when certificates hold
 * @returns the plan; what was there already is as it was
 * @throws Error when the folder holds another federation
 */
export async function makePlan(dir: string, regions: readonly RegionWish[], now: number): Promise<FederationPlan> {
  const home = resolve(dir);
  const file = join(home, 'plan.json');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as readonly BackendPlan[]) : [];
  const backends: BackendPlan[] = [];
  for (const { id, cluster } of regions) {
    const before = known.find((one) => one.id === id);
    if (before !== undefined && before.cluster !== cluster) throw new Error(`${file}: ${id} is of ${before.cluster}`);
    backends.push({
      id,
      cluster,
      folder: join(home, id),
      port: before?.port ?? (await freePort()),
      feedPort: before?.feedPort ?? (await freePort()),
    });
  }
  if (known.some(({ id }) => !backends.some((one) => one.id === id))) {
    throw new Error(`${file}: has other regions; take them all, or another --dir`);
  }
  await makeAuthorities(home, [...new Set(regions.map(({ cluster }) => cluster))], now);
  for (const backend of backends) await makeBackend(home, backend, now);
  // Last: what is in it has its certificates.
  writeDurably(file, `${JSON.stringify(backends, null, 2)}\n`);
  return { dir: home, backends };
}

/** Root, clusters, the log, its witnesses and the policy that names them all. */
async function makeAuthorities(dir: string, clusters: readonly string[], now: number): Promise<void> {
  const files = directoryFiles(dir);
  await certificate(files.root, { level: 'root', region: null, cluster: null }, null, now);
  for (const cluster of clusters) {
    await certificate(files.cluster(cluster), { level: 'cluster', region: null, cluster }, files.root, now);
  }
  const logKey = noteKey(files.logSecret, ORIGIN, 'note');
  const witnesses = files.witnesses.map(({ secret }, at) => noteKey(secret, `${WITNESSES[at]}.local`, 'cosignature'));
  if (existsSync(files.policy)) return;
  const roots = chainFromPem(readFileSync(`${files.root}.pem`, 'utf8')).map((one) => certificateText(one));
  const policy = {
    origin: ORIGIN,
    logKeys: [logKey],
    roots,
    witnesses,
    threshold: witnesses.length,
    maxAgeSeconds: MAX_AGE_SECONDS,
  };
  writeDurably(files.policy, `${JSON.stringify(policy, null, 2)}\n`);
}

async function makeBackend(dir: string, backend: BackendPlan, now: number): Promise<void> {
  const { id: region, cluster } = backend;
  const [files, above] = [backendFiles(backend), directoryFiles(dir).cluster(cluster)];
  await certificate(files.region, { level: 'region', region, cluster }, above, now);
  await certificate(files.client, { level: 'tls', region, cluster }, above, now);
  if (existsSync(`${files.server}.pem`)) return;
  // A name of its own: a reader trusts several, and finds the one that signed by it.
  const { certificatePem, privateKeyPem } = await issueCertificate({
    name: `CN=Feeds of ${region}`,
    now,
    days: LEVELS.tls.days,
    purposes: [SERVER_AUTHENTICATION],
    hosts: [{ type: 'ip', value: '127.0.0.1' }],
  });
  writeDurably(`${files.server}.key`, privateKeyPem, 0o600);
  writeDurably(`${files.server}.pem`, certificatePem);
}

/** Its key first: a crash in between leaves a key without a certificate, which the next start writes over. */
async function certificate(
  base: string,
  subject: { readonly level: CertificateLevel; readonly region: string | null; readonly cluster: string | null },
  issuerBase: string | null,
  now: number,
): Promise<void> {
  if (existsSync(`${base}.pem`)) return;
  const issuer = issuerBase === null ? null : readIssued(issuerBase);
  const { chain, key } = await issueDirectoryCertificate({ ...subject, now, days: LEVELS[subject.level].days, issuer });
  writeDurably(`${base}.key`, key, 0o600);
  writeDurably(`${base}.pem`, chain);
}

/** @param base of the names of its files */
export const readIssued = (base: string): Issued => ({
  chain: readFileSync(`${base}.pem`, 'utf8'),
  key: readFileSync(`${base}.key`, 'utf8'),
});

/** @returns the public key, as policies have it */
function noteKey(file: string, name: string, type: 'note' | 'cosignature'): string {
  if (!existsSync(file)) {
    const secret = noteSecret(name, type, new Uint8Array(randomBytes(32)));
    writeDurably(file, `${noteSecretText(secret)}\n`, 0o600);
    writeDurably(file.replace(/secret$/, 'pub'), `${noteKeyText(secret)}\n`);
  }
  return readFileSync(file.replace(/secret$/, 'pub'), 'utf8').trim();
}
