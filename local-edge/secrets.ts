/**
 * @module Secrets of a local edge: drawn once into its state directory (mode 0600), the same ever after, since a second
 * start must verify what the first one signed and hashed. They never leave that directory.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from './state-format.ts';
import type { WorkerEnvironment } from './workers.ts';

const FILE = 'secrets.json';
/** Names the public half of a signing key that readers of `public.pem` want. */
const PUBLIC_FILES: Readonly<Record<string, string>> = {
  EXPORT_SIGNING_KEY: 'public.pem',
  MANIFEST_SIGNING_KEY: 'manifest-public.pem',
  CONFIG_SIGNING_KEY: 'config-public.pem',
  LOG_SIGNING_KEY: 'log-public.pem',
  CREDENTIAL_SIGNING_KEY: 'credential-public.pem',
  CERTIFICATE_SIGNING_KEY: 'certificate-public.pem',
  SMS_SIGNING_KEY: 'sms-public.pem',
};

/** Names the private half that the operator of a local edge signs with, restores with or rolls back with, outside of it. */
const SIGNING_FILES: Readonly<Record<string, string>> = {
  LABORATORY_LIST_SIGNING_KEY: 'laboratories.pem',
  UNDO_PRIVATE_KEY: 'undo-private.pem',
  RESTORE_PRIVATE_KEY: 'restore.pem',
};

const drawKeyPair = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** The other half of a public key that a Worker is given; kept beside it, for the operator who signs, restores or rolls back. */
const otherHalfOf = (name: string): string =>
  name.replace(/PUBLIC_KEY$/, /^(RESTORE|UNDO)/.test(name) ? 'PRIVATE_KEY' : 'SIGNING_KEY');

/** A secret by its name: a signing key is a P-256 key in PEM, any other is 32 bytes in base64. */
const draw = (name: string): string =>
  name.endsWith('SIGNING_KEY') ? drawKeyPair() : randomBytes(32).toString('base64');

/** @param pem a private key in PKCS#8 PEM @returns its public key, SPKI PEM */
function publicPem(pem: string): string {
  return createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();
}

const SECRET_BYTES = 32;

/** What is wrong with a secret, or null. Never the secret itself. */
function faultOf(name: string, value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a text';
  if (name.endsWith('PUBLIC_KEY')) return null; // made anew of its other half
  if (!/(SIGNING|PRIVATE)_KEY$/.test(name)) {
    const isKey = (key: string): boolean =>
      /^[A-Za-z0-9+/]+=*$/.test(key) && Buffer.from(key, 'base64').length === SECRET_BYTES;
    const right = value.split(',').every(isKey);
    return right ? null : `must be ${SECRET_BYTES} bytes in base64`;
  }
  try {
    if (createPrivateKey(value).asymmetricKeyDetails?.namedCurve === 'prime256v1') return null;
  } catch {
    // What OpenSSL says of it helps nobody.
  }
  return 'must be a P-256 private key in PEM (PKCS#8)';
}

/**
 * The secrets as they are stored.
 *
 * @param wanted beside stored data none of them may be missing: what is drawn anew fits nothing that is there
 */
function readSecrets(state: string, wanted: readonly string[]): Record<string, string> {
  const file = join(state, FILE);
  const hasData = existsSync(join(state, 'resources'));
  const damaged = (what: string): Error =>
    new Error(
      `${file} is damaged: ${what}. What ${state} holds was signed and hashed with it: restore the file, or start with another --state.`,
    );
  if (!existsSync(file)) {
    if (hasData) throw damaged('it is missing');
    return {};
  }
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw damaged('it is not JSON');
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found))
    throw damaged('it must be an object of texts');
  for (const [name, value] of Object.entries(found)) {
    const fault = faultOf(name, value);
    if (fault !== null) throw damaged(`${name} ${fault}`);
  }
  const lacking = wanted.find((name) => !(name in found));
  if (hasData && lacking !== undefined) throw damaged(`${lacking} is missing`);
  return found as Record<string, string>;
}

/**
 * Reads the secrets of a state directory, draws those that are missing, and writes the public keys beside them.
 *
 * @param state an existing directory
 * @param workers whose secrets are wanted
 * @returns secret by name; two Workers that name the same secret share it (the TAN MAC key)
 * @throws Error naming the file, what is wrong with it and what to do, when it is damaged, or it or one of them is missing beside stored data
 */
export function loadSecrets(state: string, workers: readonly WorkerEnvironment[]): Readonly<Record<string, string>> {
  const names = new Set(workers.flatMap((worker) => worker.secrets));
  const secrets = readSecrets(
    state,
    [...names].map((name) => (name.endsWith('_PUBLIC_KEY') ? otherHalfOf(name) : name)),
  );
  for (const name of names) {
    if (name.endsWith('_PUBLIC_KEY')) {
      secrets[name] = publicPem((secrets[otherHalfOf(name)] ??= drawKeyPair()));
    } else secrets[name] ??= draw(name);
  }
  writeWhole(join(state, FILE), `${JSON.stringify(secrets, null, 2)}\n`);
  for (const [name, target] of Object.entries(PUBLIC_FILES)) {
    const pem = secrets[name];
    if (pem !== undefined) writeWhole(join(state, target), publicPem(pem));
  }
  for (const [name, target] of Object.entries(SIGNING_FILES)) {
    const pem = secrets[name];
    if (pem !== undefined) writeWhole(join(state, target), pem);
  }
  return secrets;
}
