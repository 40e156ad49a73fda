/**
 * @module The secrets that Workers hold, in one file sealed to the operator: `stages/<name>.secrets.age`. It is the truth of a stage: what isn't in it isn't deployed, and what is
 * deployed can't be read back from the account.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeWhole } from '../../../local-edge/state-format.ts';
import { isDouble, type Stage } from '../file/stage.ts';
import type { StagePlaces } from '../file/places.ts';
import { IDENTITY_VARIABLE, open, readIdentities, recipientOf, seal, SealError } from './age.ts';
import type { HeldSecrets } from '../steps/rollout.ts';
import { broughtFault, neededSecrets, secretsOf } from './inventory.ts';
import { PRIVATE_MODE, writeNewWhole } from './whole-file.ts';

/** Raised when an earlier version couldn't read it any more. */
const FORMAT = 1;
const MARK_KEY_BYTES = 32;

/** Every secret of a stage, by name. Never printed; written sealed alone. */
export type Secrets = Readonly<Record<string, string>>;

/** What is in the file. */
export interface Sealed {
  readonly secrets: Secrets;
  /** 32 bytes, drawn with the file and the same ever after: marks by which two secrets are told apart are keyed by it (scripts/stage/wrangler/fingerprint.ts). */
  readonly markKey: Uint8Array;
}

/**
 * @param stage see {@link Stage}
 * @param places of it
 * @param identity file of an identity; null: the one of this machine, which the double has alone
 * @returns identities that open what is sealed to the operator
 * @throws SealError when there is none, or nothing to open
 */
export function operatorIdentities(stage: Stage, places: StagePlaces, identity: string | null): readonly string[] {
  if (!existsSync(places.secrets)) throw notThere(stage, places);
  if (identity !== null) return readIdentities(identity);
  if (isDouble(stage) && existsSync(places.identity)) return readIdentities(places.identity);
  if (isDouble(stage) && stage.keepers.operator === null) throw identityLost(places);
  throw new SealError(
    `${places.secrets} can't be opened: name the file of the operator's identity by --identity or ${IDENTITY_VARIABLE}`,
  );
}

const notThere = ({ name }: Stage, { secrets }: StagePlaces): SealError =>
  new SealError(`${secrets} isn't there: npm run stage -- init ${name} draws and seals the stage's secrets`);

/** @param places of a stage on the double @returns what is wrong where its sealed file is there and its identity isn't: somebody took `.stage/` away */
export function identityLost({ secrets, identity, offline }: StagePlaces): SealError {
  return new SealError(
    `${secrets} is there, and the identity that opens it, ${identity}, is not. Bring that back; or, to begin anew with other secrets, remove ${secrets} and ${dirname(offline)}, and then init`,
  );
}

/** @returns to whom the operator's files are sealed @throws SealError where the stage names nobody and this machine has no identity */
export async function operatorRecipients(stage: Stage, places: StagePlaces): Promise<readonly string[]> {
  if (stage.keepers.operator !== null) return [stage.keepers.operator];
  const [identity] = readIdentities(places.identity);
  return [await recipientOf(identity!)];
}

/**
 * @param stage see {@link Stage}
 * @param places of it
 * @param identities that open it; see {@link operatorIdentities}
 * @returns what is sealed; the key of the list of laboratories is the stage's own where it names one
 * @throws SealError naming the file, and which secret breaks which rule; never a value
 */
export async function openSealed(stage: Stage, places: StagePlaces, identities: readonly string[]): Promise<Sealed> {
  if (!existsSync(places.secrets)) throw notThere(stage, places);
  const { secrets, markKey } = readSealed(places.secrets, await open(places.secrets, identities));
  return { secrets: { ...secrets, ...ownKeys(stage) }, markKey };
}

/** @returns a file's content before the first secret is drawn */
export const newSealed = (stage: Stage): Sealed => ({ secrets: ownKeys(stage), markKey: randomBytes(MARK_KEY_BYTES) });

const ownKeys = ({ laboratories }: Stage): Secrets =>
  laboratories.listPublicKey === null ? {} : { LABORATORY_LIST_PUBLIC_KEY: laboratories.listPublicKey };

function readSealed(file: string, text: string): Sealed {
  let read: { readonly format?: unknown; readonly markKey?: unknown; readonly secrets?: unknown } | null;
  try {
    read = JSON.parse(text) as typeof read;
  } catch {
    // What the parser says of it has a piece of it.
    read = null;
  }
  const { format, markKey, secrets } = read ?? {};
  if (typeof secrets !== 'object' || secrets === null || typeof markKey !== 'string' || format !== FORMAT) {
    throw new SealError(
      `${file} was sealed whole, but what is in it isn't of format ${FORMAT}: another version made it`,
    );
  }
  for (const [name, value] of Object.entries(secrets as Record<string, unknown>)) {
    const fault = typeof value === 'string' ? broughtFault(name, value) : 'must be a text';
    if (fault !== null) throw new SealError(`${file}: ${name} ${fault}`);
  }
  return { secrets: secrets as Secrets, markKey: Buffer.from(markKey, 'base64') };
}

/** @param stage see {@link Stage} @param secrets of it @returns names of those that its Workers need and it lacks: a newer version asks for more */
export const missingSecrets = (stage: Stage, secrets: Secrets): readonly string[] =>
  neededSecrets(stage).filter((name) => secrets[name] === undefined);

/** @param stage see {@link Stage} @param sealed see {@link openSealed} @returns the secrets by Worker; one that is missing is missing there, and whoever plans says so (scripts/stage/wrangler/workers.ts) */
export const heldSecrets = (stage: Stage, { secrets, markKey }: Sealed): HeldSecrets => ({
  of: (worker) => secretsOf(stage, worker, secrets),
  markKey,
});

/**
 * Seals them, a new file or in the place of the former. A crash before it leaves the former file, a crash after it this one.
 *
 * @param stage see {@link Stage}
 * @param places of it
 * @param sealed all of it
 */
export async function sealSecrets(stage: Stage, places: StagePlaces, { secrets, markKey }: Sealed): Promise<void> {
  const inOrder = Object.entries(secrets).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify({
    format: FORMAT,
    markKey: Buffer.from(markKey).toString('base64'),
    secrets: Object.fromEntries(inOrder),
  });
  const armoured = await seal(text, await operatorRecipients(stage, places));
  if (existsSync(places.secrets)) writeWhole(places.secrets, armoured);
  else writeNewWhole(places.secrets, armoured, PRIVATE_MODE);
}
