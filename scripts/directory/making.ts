/** @module What is made once, before there is a directory: certificates, keys, the policy. Nothing that is there is written over. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { noteKeyText, noteSecret, noteSecretText, parseNoteKey } from '../../protocol/directory/note.ts';
import { parsePolicy } from '../../protocol/directory/policy.ts';
import { certificateText } from '../../protocol/directory/statement.ts';
import {
  type CertificateLevel,
  type Issued,
  issueDirectoryCertificate,
  LEVELS,
} from '../support/directory/certificates.ts';
import { chainFromPem } from '../support/directory/statements.ts';
import { UsageError } from '../support/command-line/command.ts';

/** Others' eyes are kept off what is secret. */
function writeNew(file: string, content: string, secret: boolean): void {
  mkdirSync(dirname(resolve(file)), { recursive: true });
  writeFileSync(file, content, { mode: secret ? 0o600 : 0o644, flag: 'wx' });
}

/** Where a certificate stands, and who is above it. */
export interface CertificateWish {
  readonly level: CertificateLevel;
  readonly region: string | null;
  readonly cluster: string | null;
  readonly days: number | null;
  readonly issuer: Issued | null;
}

/**
 * Writes `<out>.key` first: a crash in between leaves a key without a certificate, which opens nothing.
 *
 * @param out how the names of the files begin
 * @param now Unix seconds
 * @returns names of the files
 */
export async function makeCertificate(out: string, wish: CertificateWish, now: number) {
  const { level, region, cluster, issuer } = wish;
  const regional = level === 'region' || level === 'tls';
  if (regional !== (region !== null))
    throw new UsageError(`--region: ${regional ? 'is missing' : 'must not stand'} at ${level}`);
  if ((level !== 'root') !== (cluster !== null)) {
    throw new UsageError(`--cluster: ${level === 'root' ? 'must not stand' : 'is missing'} at ${level}`);
  }
  if ((level !== 'root') !== (issuer !== null)) {
    throw new UsageError(
      `--issuer-certificate, --issuer-key: ${level === 'root' ? 'must not stand' : 'are missing'} at ${level}`,
    );
  }
  const made = await issueDirectoryCertificate({ ...wish, now, days: wish.days ?? LEVELS[level].days });
  const files = { certificate: `${out}.pem`, key: `${out}.key` };
  writeNew(files.key, made.key, true);
  writeNew(files.certificate, made.chain, false);
  return files;
}

/** @returns names of the files, and the public key */
export function makeKeys(out: string, type: 'log' | 'witness', name: string) {
  const secret = noteSecret(name, type === 'log' ? 'note' : 'cosignature', new Uint8Array(randomBytes(32)));
  const files = { secret: `${out}.secret`, public: `${out}.pub` };
  writeNew(files.secret, `${noteSecretText(secret)}\n`, true);
  writeNew(files.public, `${noteKeyText(secret)}\n`, false);
  return { ...files, key: noteKeyText(secret) };
}

/**
 * @param file JSON as a policy's, with names of files beside it in `logKeys`, `witnesses` (as `keys` makes them) and `roots` (PEM)
 * @param out the policy
 * @returns the policy
 * @throws Error when it is none
 */
export function makePolicy(file: string, out: string): unknown {
  const written = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>;
  const textOf = (name: unknown): string => readFileSync(resolve(dirname(file), String(name)), 'utf8').trim();
  const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  const key = (given: unknown): string => (parseNoteKey(String(given)) === null ? textOf(given) : String(given));
  const policy = {
    ...written,
    logKeys: listOf(written['logKeys']).map((one) => key(one)),
    witnesses: listOf(written['witnesses']).map((one) => key(one)),
    roots: listOf(written['roots']).flatMap((name) => chainFromPem(textOf(name)).map((one) => certificateText(one))),
  };
  const parsed = parsePolicy(JSON.stringify(policy));
  if (!parsed.ok) throw new Error(parsed.error);
  writeNew(out, `${JSON.stringify(policy, null, 2)}\n`, false);
  return policy;
}
