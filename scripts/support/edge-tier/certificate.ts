/**
 * @module A TLS certificate for the tests, made at each start by openssl and thrown away with the run's folder. Leaf and
 * intermediate are sent, as public authorities have it, and padded to the size of a usual ECDSA chain: what a phone pays
 * for a handshake is mostly this chain, and a bare self-signed certificate would flatter us.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Bytes of DER that leaf and intermediate together should have. Public ECDSA chains (leaf with two timestamps of
 * certificate transparency, one intermediate) are between 2,000 and 2,900 bytes.
 */
const CHAIN_BYTES = 2_400;

function openssl(folder: string, ...args: string[]): void {
  const done = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
  if (done.error !== undefined) throw new Error('edge: openssl is missing: apt-get install -y openssl');
  if (done.status !== 0) throw new Error(`edge: openssl ${args[0]} failed: ${done.stderr.trim()}`);
}

const derBytes = (pem: string): number => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64').length;

/**
 * Makes `chain.pem` (leaf, intermediate), `leaf.key` and `root.pem` for 127.0.0.1 and localhost, valid for 30 days.
 *
 * @param folder made if missing
 * @returns bytes of the chain that is sent, in DER
 * @throws Error when openssl is missing or fails
 */
export function makeCertificate(folder: string): number {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const newKey = (name: string): void =>
    openssl(folder, 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', `${name}.key`);
  const request = (name: string, subject: string): void =>
    openssl(folder, 'req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`);
  const sign = (name: string, issuer: string, extensions: string): void => {
    writeFileSync(join(folder, `${name}.ext`), extensions);
    const by = ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial'];
    openssl(
      folder,
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...by,
      '-days',
      '30',
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    );
  };
  const subject = (name: string): string => `/O=exposure-edge load test, not for phones/CN=${name}`;
  for (const name of ['root', 'intermediate', 'leaf']) newKey(name);
  openssl(
    folder,
    'req',
    '-x509',
    '-new',
    '-key',
    'root.key',
    '-days',
    '30',
    '-subj',
    subject('root'),
    '-out',
    'root.pem',
  );
  const padding = (bytes: number): string => (bytes > 0 ? `nsComment=${'x'.repeat(bytes)}\n` : '');
  const issue = (leafPadding: number, intermediatePadding: number): number => {
    request('intermediate', subject('intermediate'));
    sign(
      'intermediate',
      'root',
      `basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign\n${padding(intermediatePadding)}`,
    );
    request('leaf', subject('127.0.0.1'));
    sign(
      'leaf',
      'intermediate',
      `subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n${padding(leafPadding)}`,
    );
    return ['leaf', 'intermediate'].reduce(
      (sum, name) => sum + derBytes(readFileSync(join(folder, `${name}.pem`), 'utf8')),
      0,
    );
  };
  const bare = issue(0, 0);
  const missing = Math.max(0, CHAIN_BYTES - bare - 50);
  const bytes = issue(Math.ceil(missing / 2), Math.floor(missing / 2));
  const pem = (name: string): string => readFileSync(join(folder, `${name}.pem`), 'utf8');
  writeFileSync(join(folder, 'chain.pem'), pem('leaf') + pem('intermediate'));
  return bytes;
}
