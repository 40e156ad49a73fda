/**
 * @module Where `npm run serve` has its secrets from: JSON that nobody else may read, or the file of a stage, sealed to its operator (`stages/<name>.secrets.age`), with
 * an identity of age that lies elsewhere. A value is never in a message.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { armor, Decrypter } from 'age-encryption';
import * as z from 'zod';

/** A file that isn't right: its name, the field, the rule. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Names the file with the identity, as for the commands of stages. */
const IDENTITY_VARIABLE = 'EXPOSURE_EDGE_IDENTITY';
const BY_NAME = z.record(z.string(), z.string().min(1));
/** As stages are sealed; of its other fields nothing is served. */
const SEALED = z.object({ format: z.literal(1), secrets: BY_NAME });

/**
 * @param file of a secret
 * @returns its text
 * @throws SettingsError when others may read it, but in the folder that systemd makes for a unit (LoadCredential)
 */
export function readPrivate(file: string): string {
  const { CREDENTIALS_DIRECTORY: given } = process.env;
  let mode: number;
  try {
    ({ mode } = statSync(file));
  } catch {
    throw new SettingsError(`${file}: there is no such file, or it can't be read`);
  }
  const isGiven = given !== undefined && dirname(resolve(file)) === given;
  if (!isGiven && (mode & 0o077) !== 0) {
    throw new SettingsError(`${file}: others may read it (mode ${(mode & 0o777).toString(8)}): chmod 600 ${file}`);
  }
  return readFileSync(file, 'utf8');
}

/**
 * @param file JSON of secrets by name, or a stage's sealed file, `….age`
 * @returns secret by name
 * @throws SettingsError naming the file and the rule: not readable, sealed to others, not of its format
 */
export async function readSecretsFile(file: string): Promise<Readonly<Record<string, string>>> {
  if (!file.endsWith('.age')) return checked(file, readPrivate(file), BY_NAME);
  const { [IDENTITY_VARIABLE]: identityFile } = process.env;
  if (identityFile === undefined)
    throw new SettingsError(`${file}: is sealed: ${IDENTITY_VARIABLE} must name the file of its identity`);
  const decrypter = new Decrypter();
  for (const [identity] of readPrivate(identityFile).matchAll(/^AGE-SECRET-KEY-\S+$/gm))
    decrypter.addIdentity(identity);
  let opened: string;
  try {
    opened = await decrypter.decrypt(armor.decode(readFileSync(file, 'utf8')), 'text');
  } catch {
    throw new SettingsError(`${file}: can't be opened: it is damaged, or sealed to somebody else than ${identityFile}`);
  }
  return checked(file, opened, SEALED).secrets;
}

function checked<T>(file: string, json: string, schema: z.ZodType<T>): T {
  let found: unknown;
  try {
    found = JSON.parse(json);
  } catch {
    throw new SettingsError(`${file}: is not of its format: no JSON`);
  }
  const read = schema.safeParse(found);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new SettingsError(`${file}: ${(issue?.path ?? []).join('.')}: ${issue?.message}`);
}
