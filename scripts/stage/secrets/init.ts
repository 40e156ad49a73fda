/**
 * @module `stage init`: draws what a stage lacks, seals what Workers hold to the operator and what no Worker holds to its keepers. Shows no secret, writes none in the clear, writes
 * over nothing. Later versions ask for more: the same command adds what is missing to what is there.
 *
 * Order of writes, and what a crash after each leaves (init.node.test.ts kills it there):
 * 1. the double's identity: an identity that opens nothing yet; the next init uses it;
 * 2. for each offline key `public/<key>.pem`: a public half whose private half nobody has; the next init draws another pair and writes over it, for no Worker knows it;
 * 3. its sealed private half, `offline/…`, shares one by one: a whole pair that no Worker knows; the next init takes it as it is. One share of two: told, since nobody can complete it;
 * 4. `<name>.secrets.age`: the stage is complete but for public halves of signing keys; the next init writes them;
 * 5. `public/<key>.pem` of the keys that Workers sign with.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity } from 'age-encryption';
import { drawKeyPair, drawSecret, isSigningKey, publicPem } from '../../../local-edge/draw-secrets.ts';
import { writeWhole } from '../../../local-edge/state-format.ts';
import { splitKey } from '../../support/undo-key.ts';
import type { StagePlaces } from '../file/places.ts';
import { isDouble, type Stage } from '../file/stage.ts';
import { seal, SealError } from './age.ts';
import { broughtFault, isBrought, isOfflineKey, neededSecrets, offlineFilesOf, publicFileOf } from './inventory.ts';
import {
  identityLost,
  missingSecrets,
  newSealed,
  openSealed,
  operatorIdentities,
  operatorRecipients,
  type Sealed,
  type Secrets,
  sealSecrets,
} from './sealed.ts';
import { PRIVATE_MODE, writeNewWhole } from './whole-file.ts';

/** What `init` did; names and files, no value. */
export interface InitReport {
  /** Secrets that were drawn now, by name. */
  readonly drawn: readonly string[];
  /** Taken from the folder that was given. */
  readonly brought: readonly string[];
  /** There already. */
  readonly kept: readonly string[];
  /** Sealed files that belong into keepers' hands. */
  readonly offline: readonly string[];
  /** Public halves, for apps, Apple, Google, auditors. */
  readonly public: readonly string[];
  /** Only of the double: its identity was made on this machine. */
  readonly identity: string | null;
}

/** How to go about it. */
export interface InitOptions {
  /** File of an identity that opens what is there; null: the double's. */
  readonly identity: string | null;
  /** A folder with files `<SECRET>` or `<SECRET>.pem`; null: everything is drawn. */
  readonly bring: string | null;
}

/**
 * @param stage see {@link Stage}
 * @param places of it
 * @param options see {@link InitOptions}
 * @returns what was drawn, kept and written
 * @throws SealError when what is there can't be opened, a pair is half there, or something must be brought; nothing is drawn then
 */
export async function initStage(stage: Stage, places: StagePlaces, options: InitOptions): Promise<InitReport> {
  const identity = await ensureIdentity(stage, places);
  const sealed = await sealedBefore(stage, places, options.identity);
  const missing = missingSecrets(stage, sealed.secrets);
  const brought = options.bring === null ? {} : bringSecrets(options.bring, missing);
  const nobodys = missing.filter((name) => isBrought(name) && brought[name] === undefined);
  if (nobodys.length > 0) {
    throw new SealError(
      `${nobodys.join(', ')}: others issue them: put each into a file of its name, and name the folder by --bring`,
    );
  }
  const drawn = missing.filter((name) => brought[name] === undefined);
  const offline = drawn.filter(isOfflineKey);
  const keepers = await keepersOf(stage, places);
  const halves: Record<string, string> = {};
  for (const name of offline) halves[name] = await offlinePair(name, places, keepers[name]);
  const secrets: Secrets = {
    ...sealed.secrets,
    ...brought,
    ...Object.fromEntries(drawn.map((name) => [name, halves[name] ?? drawSecret(name)])),
  };
  if (missing.length > 0 || !existsSync(places.secrets)) await sealSecrets(stage, places, { ...sealed, secrets });
  return {
    drawn,
    brought: Object.keys(brought),
    kept: neededSecrets(stage).filter((name) => !missing.includes(name)),
    offline: offline.flatMap((name) => offlineFilesOf(name).map((file) => join(places.offline, file))),
    public: writePublicHalves(places, secrets),
    identity,
  };
}

async function ensureIdentity(stage: Stage, places: StagePlaces): Promise<string | null> {
  if (!isDouble(stage) || stage.keepers.operator !== null) return null;
  if (existsSync(places.identity)) return null;
  if (existsSync(places.secrets)) throw identityLost(places);
  writeNewWhole(places.identity, `${await generateIdentity()}\n`, PRIVATE_MODE);
  return places.identity;
}

async function sealedBefore(stage: Stage, places: StagePlaces, identity: string | null): Promise<Sealed> {
  if (!existsSync(places.secrets)) return newSealed(stage);
  return openSealed(stage, places, operatorIdentities(stage, places, identity));
}

/** Public halves that a Worker is given → whom each file of the other half is sealed to. */
export async function keepersOf(
  stage: Stage,
  places: StagePlaces,
): Promise<Readonly<Record<string, readonly (readonly string[])[]>>> {
  const operator = await operatorRecipients(stage, places);
  const { restore, undo } = stage.keepers;
  return {
    LABORATORY_LIST_PUBLIC_KEY: [operator],
    RESTORE_PUBLIC_KEY: [restore.length === 0 ? operator : restore],
    UNDO_PUBLIC_KEY: undo.length === 0 ? [operator, operator] : undo.map((one) => [one]),
  };
}

/** @returns the public half of a pair whose other half lies sealed in `offline/` */
async function offlinePair(
  name: Parameters<typeof offlineFilesOf>[0],
  places: StagePlaces,
  keepers: readonly (readonly string[])[] = [],
): Promise<string> {
  const publicFile = join(places.public, publicFileOf(name)!);
  const files = offlineFilesOf(name).map((file) => join(places.offline, file));
  const there = files.filter((file) => existsSync(file));
  if (there.length === files.length && existsSync(publicFile)) {
    const pem = readFileSync(publicFile, 'utf8');
    const fault = broughtFault(name, pem);
    if (fault === null) return pem;
  }
  if (there.length > 0) {
    throw new SealError(
      `${there.join(', ')} is there without all of ${[publicFile, ...files].join(', ')}: an init was cut off, or a file is lost. Bring back what is missing; if no stage was ever deployed with it, move these away`,
    );
  }
  const pair = drawKeyPair();
  const texts = name === 'UNDO_PUBLIC_KEY' ? splitKey(pair) : [pair];
  mkdirSync(places.public, { recursive: true });
  writeWhole(publicFile, publicPem(pair));
  for (const [n, file] of files.entries()) writeNewWhole(file, await seal(texts[n]!, keepers[n]!), PRIVATE_MODE);
  return publicPem(pair);
}

/** Values out of files that are named as secrets are; what has another name is left alone. */
function bringSecrets(folder: string, missing: readonly string[]): Record<string, string> {
  const files = readdirSync(folder);
  const found: Record<string, string> = {};
  for (const name of missing) {
    const file = files.find((one) => one === name || one === `${name}.pem`);
    if (file === undefined) continue;
    const text = readFileSync(join(folder, file), 'utf8');
    const value = text.includes('-----BEGIN') ? text : text.trim();
    const fault = broughtFault(name, value);
    if (fault !== null) throw new SealError(`${join(folder, file)}: ${name} ${fault}`);
    found[name] = value;
  }
  return found;
}

/**
 * Writes the public halves of keys that Workers sign with, in the place of former ones: after `init`, and after a rotation.
 *
 * @param places of the stage
 * @param secrets of it
 * @returns the files
 */
export function writePublicHalves(places: StagePlaces, secrets: Secrets): readonly string[] {
  mkdirSync(places.public, { recursive: true });
  return Object.entries(secrets).flatMap(([name, value]) => {
    const file = publicFileOf(name);
    if (file === null) return [];
    const pem = isSigningKey(name) ? publicPem(value) : value;
    const path = join(places.public, file);
    if (!existsSync(path) || readFileSync(path, 'utf8') !== pem) writeWhole(path, pem);
    return [path];
  });
}

/** @param report see {@link InitReport} @param stage its name @returns what `init` says to a person */
export function initLines(report: InitReport, stage: string): readonly string[] {
  const { drawn, brought, kept, offline, identity } = report;
  const count = (names: readonly string[], what: string): string[] =>
    names.length === 0 ? [] : [`${what} ${names.length}: ${names.join(', ')}`];
  return [
    ...(identity === null ? [] : [`identity of this machine, for the double alone: ${identity}`]),
    ...count(drawn, 'drawn'),
    ...count(brought, 'brought'),
    ...(drawn.length + brought.length === 0
      ? [`nothing was missing: ${kept.length} secrets are there`]
      : count(kept, 'kept')),
    ...(offline.length === 0
      ? []
      : ['sealed to their keepers, for their hands; no apply reads them:', ...offline.map((file) => `  ${file}`)]),
    `public halves: ${report.public.length} files (apps, Apple, Google, auditors)`,
    `next: npm run stage -- plan ${stage}`,
  ];
}
