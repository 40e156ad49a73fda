/** @module Sealing and opening by age (npm `age-encryption`, age-encryption.org/v1), armoured, so that a sealed file is text in a repository. What is in the clear is in memory alone. */
import { existsSync, readFileSync } from 'node:fs';
import { armor, Decrypter, Encrypter, identityToRecipient } from 'age-encryption';

/** A file that can't be opened, or an identity that is none. No message says what is in either. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

/** The variable that names the identity's file where `--identity` doesn't. */
export const IDENTITY_VARIABLE = 'EXPOSURE_EDGE_IDENTITY';

/** @param text what is sealed @param recipients `age1…`, each of whom can open it @returns the sealed text */
export async function seal(text: string, recipients: readonly string[]): Promise<string> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return armor.encode(await encrypter.encrypt(text));
}

/**
 * @param file a sealed one
 * @param identities `AGE-SECRET-KEY-…`
 * @returns what is in it
 * @throws SealError naming the file, when it is damaged or sealed to others
 */
export async function open(file: string, identities: readonly string[]): Promise<string> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  let sealed: Uint8Array;
  try {
    sealed = armor.decode(readFileSync(file, 'utf8'));
  } catch {
    throw new SealError(`${file} is damaged: it is no armoured age file`);
  }
  try {
    return await decrypter.decrypt(sealed, 'text');
  } catch {
    throw new SealError(
      `${file} can't be opened: it is damaged, or sealed to somebody else than the identity that was given`,
    );
  }
}

/**
 * @param file of `age-keygen`: identities a line, comments with #
 * @returns its identities
 * @throws SealError naming the file and the rule
 */
export function readIdentities(file: string): readonly string[] {
  if (!existsSync(file)) throw new SealError(`${file}: there is no such file; it must hold an identity of age`);
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  // Plugins (a hardware key) are programs that the library can't call.
  if (lines.length === 0 || !lines.every((line) => line.startsWith('AGE-SECRET-KEY-') && isIdentity(line))) {
    throw new SealError(`${file}: must hold identities of age, AGE-SECRET-KEY-…, one a line, and nothing else`);
  }
  return lines;
}

function isIdentity(line: string): boolean {
  try {
    new Decrypter().addIdentity(line);
    return true;
  } catch {
    return false;
  }
}

/** @param identity `AGE-SECRET-KEY-…` @returns whom to seal to */
export const recipientOf = (identity: string): Promise<string> => identityToRecipient(identity);
