/**
 * @module Secrets of a local edge: drawn once into its state directory (mode 0600), the same ever after, since a second
 * start must verify what the first one signed and hashed. They never leave that directory.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawKeyPair, drawSecret, isPublicKey, otherHalfOf, publicPem, secretFault } from './draw-secrets.ts';
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
    // A public key is made anew of its other half.
    const fault = isPublicKey(name) && typeof value === 'string' ? null : secretFault(name, value);
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
    [...names].map((name) => (isPublicKey(name) ? otherHalfOf(name) : name)),
  );
  for (const name of names) {
    if (isPublicKey(name)) {
      secrets[name] = publicPem((secrets[otherHalfOf(name)] ??= drawKeyPair()));
    } else secrets[name] ??= drawSecret(name);
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
