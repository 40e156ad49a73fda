/**
 * @module Secrets of a local edge: drawn once into its state directory (mode 0600), the same ever after, since a second
 * start must verify what the first one signed and hashed. They never leave that directory.
 */
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerEnvironment } from './workers.ts';

const FILE = 'secrets.json';
/** Names the public half of a signing key that readers of `public.pem` want. */
const PUBLIC_FILES: Readonly<Record<string, string>> = {
  EXPORT_SIGNING_KEY: 'public.pem',
  MANIFEST_SIGNING_KEY: 'manifest-public.pem',
  CONFIG_SIGNING_KEY: 'config-public.pem',
  LOG_SIGNING_KEY: 'log-public.pem',
};

/** Names the private half that the operator of a local edge signs with outside of it. */
const SIGNING_FILES: Readonly<Record<string, string>> = { LABORATORY_LIST_SIGNING_KEY: 'laboratories.pem' };

const drawKeyPair = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** The other half of a public key that a Worker is given; kept beside it, for the operator who signs or restores. */
const otherHalfOf = (name: string): string =>
  name.replace(/PUBLIC_KEY$/, name.startsWith('RESTORE') ? 'PRIVATE_KEY' : 'SIGNING_KEY');

/** A secret by its name: a signing key is a P-256 key in PEM, any other is 32 bytes in base64. */
const draw = (name: string): string =>
  name.endsWith('SIGNING_KEY') ? drawKeyPair() : randomBytes(32).toString('base64');

/** @param pem a private key in PKCS#8 PEM @returns its public key, SPKI PEM */
function publicPem(pem: string): string {
  return createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();
}

/**
 * Reads the secrets of a state directory, draws those that are missing, and writes the public keys beside them.
 *
 * @param state an existing directory
 * @param workers whose secrets are wanted
 * @returns secret by name; two Workers that name the same secret share it (the TAN MAC key)
 */
export function loadSecrets(state: string, workers: readonly WorkerEnvironment[]): Readonly<Record<string, string>> {
  const file = join(state, FILE);
  const secrets = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : {};
  for (const name of new Set(workers.flatMap((worker) => worker.secrets))) {
    if (name.endsWith('_PUBLIC_KEY')) {
      secrets[name] = publicPem((secrets[otherHalfOf(name)] ??= drawKeyPair()));
    } else secrets[name] ??= draw(name);
  }
  writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  for (const [name, target] of Object.entries(PUBLIC_FILES)) {
    const pem = secrets[name];
    if (pem !== undefined) writeFileSync(join(state, target), publicPem(pem));
  }
  for (const [name, target] of Object.entries(SIGNING_FILES)) {
    const pem = secrets[name];
    if (pem !== undefined) writeFileSync(join(state, target), pem, { mode: 0o600 });
  }
  return secrets;
}
