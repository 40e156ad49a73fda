/**
 * @module A phone as a directory: one file for each thing that a phone remembers, each replaced as a whole (store.ts), readable by its
 * owner alone, and one command at a time.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { PinnedKey } from '../../protocol/export/export-reader.ts';
import { isAbroad } from '../credential/abroad-state.ts';
import { isManifestState } from '../download/download-manifest.ts';
import { ExposureHistory, type HistorySnapshot, isHistorySnapshot } from '../matching/history.ts';
import { RETENTION_SECONDS } from '../matching/options.ts';
import { currentParameters, newParametersState, type ParametersState } from '../parameters/parameters.ts';
import type { Sighting } from '../radio/sighting.ts';
import { currentKey, type OwnKey, type TekHistory } from '../radio/tek-schedule.ts';
import type { RandomBytes } from '../random.ts';
import { fileStore, type Store } from '../store.ts';
import { isTestState } from '../course/test-state.ts';
import type { Symptoms } from '../upload/onset.ts';
import { areKeptSecrets } from '../upload/withdrawal.ts';
import { RefusedError, UnreadableError } from './calling.ts';
import { locked } from './lock.ts';

/** What is written into phone.json; a phone of another format is not touched. */
const FORMAT = 1;

/** What an app has built in. */
export interface PhoneSettings {
  readonly format: number;
  /** Origins, without a slash at their end. */
  readonly downloadUrl: string;
  readonly uploadUrl: string;
  readonly verificationUrl: string;
  readonly region: string;
  readonly exportKey: PinnedKey;
  readonly manifestKeys: Readonly<Record<string, Uint8Array>>;
  /** Whether it lives by the local edge's clock, which can be moved, instead of this machine's. */
  readonly localClock: boolean;
}

/** What the person said of their symptoms, and when, Unix seconds: the key of the day is shared with the same. */
interface Said {
  readonly symptoms: Symptoms;
  readonly at: number;
  /** The test that it was said of: `codeKey` of test-state.ts. */
  readonly codeKey: string | null;
}

/** An open phone. */
export interface Phone {
  readonly directory: string;
  readonly settings: PhoneSettings;
  /** Unix seconds on its clock. */
  readonly now: number;
  readonly random: RandomBytes;
  /** Own keys and what was heard, of 14 days by its clock. */
  readonly keys: TekHistory;
  readonly sightings: readonly Sighting[];
  /** The same as it lies in the directory, with what is older until {@link forgetOld}. */
  readonly stored: { readonly keys: TekHistory; readonly sightings: readonly Sighting[] };
  readonly parameters: ParametersState;
  readonly stores: ReturnType<typeof storesOf>;
  /** Its matches; {@link Phone.stores} keeps what changes. */
  readonly history: ExposureHistory;
}

const random: RandomBytes = (length) => Uint8Array.from(randomBytes(length));

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';
const areBytes = (value: unknown): boolean => value instanceof Uint8Array;
const isList =
  <T>(is: (member: unknown) => boolean) =>
  (value: unknown): value is T[] =>
    Array.isArray(value) && value.every((member: unknown) => is(member));
const areWhole = (...values: readonly unknown[]): boolean => values.every((value) => Number.isSafeInteger(value));

function isSettings(value: unknown): value is PhoneSettings {
  if (!isObject(value)) return false;
  // Of another format nothing else is looked at: it is named, not called damaged.
  if (typeof value['format'] === 'number' && value['format'] !== FORMAT) return true;
  const { downloadUrl, uploadUrl, verificationUrl, region, exportKey, manifestKeys, localClock } = value;
  return (
    [downloadUrl, uploadUrl, verificationUrl, region].every(isText) &&
    isObject(exportKey) &&
    areBytes(exportKey['publicKeySpki']) &&
    isObject(manifestKeys) &&
    Object.values(manifestKeys).every(areBytes) &&
    typeof localClock === 'boolean'
  );
}

const isOwnKey = (key: unknown): boolean =>
  isObject(key) && areBytes(key['keyData']) && areWhole(key['rollingStartIntervalNumber'], key['rollingPeriod']);

const isHistory = (keys: unknown): keys is TekHistory => isList<OwnKey>(isOwnKey)(keys);

const isSighting = (seen: unknown): boolean =>
  isObject(seen) &&
  areBytes(seen['rpi']) &&
  areBytes(seen['aem']) &&
  areWhole(seen['timestamp'], seen['rssi'], seen['previousScan']);

const isSightings = (list: unknown): list is readonly Sighting[] => isList<Sighting>(isSighting)(list);

function isParametersState(value: unknown): value is ParametersState {
  if (!isObject(value)) return false;
  const { secret, document, failures } = value;
  return areBytes(secret) && (document === null || isText(document)) && areWhole(failures);
}

const isSaid = (value: unknown): value is Said =>
  isObject(value) && isObject(value['symptoms']) && areWhole(value['at']);

function storesOf(directory: string) {
  const at = (name: string): string => join(directory, `${name}.json`);
  return {
    settings: fileStore(at('phone'), isSettings),
    keys: fileStore(at('keys'), isHistory),
    sightings: fileStore(at('sightings'), isSightings),
    test: fileStore(at('test'), isTestState),
    abroad: fileStore(at('abroad'), isAbroad),
    said: fileStore(at('symptoms'), isSaid),
    secrets: fileStore(at('secrets'), areKeptSecrets),
    download: fileStore(at('download'), isManifestState),
    matches: fileStore<HistorySnapshot>(at('matches'), isHistorySnapshot),
    parameters: fileStore(at('parameters'), isParametersState),
  };
}

/**
 * Makes a phone. A command that dies before the one file is whole leaves no phone, and can be called again.
 *
 * @param directory made if missing, for its owner alone
 * @param settings without the format
 * @throws {RefusedError} when there is a phone already
 */
export async function createPhone(directory: string, settings: Omit<PhoneSettings, 'format'>): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await locked([directory], async () => {
    const store = storesOf(directory).settings;
    const loaded = await store.load();
    if (!loaded.ok || loaded.value !== null) {
      throw new RefusedError(`${directory} has a phone already; remove the directory to begin anew`);
    }
    await store.save({ format: FORMAT, ...settings });
  });
}

/**
 * Opens phones for one command: what is over is forgotten, each has a key for today, and no other command is at work on them.
 *
 * @param directories of one phone or more
 * @param work what the command does
 * @returns its result
 * @throws {RefusedError | UnreadableError} when one is busy, is none, or is damaged
 */
export async function withPhones<T>(
  directories: readonly string[],
  work: (...phones: Phone[]) => Promise<T>,
): Promise<T> {
  for (const directory of directories) await settingsOf(directory);
  return locked(directories, async () => work(...(await Promise.all(directories.map(openPhone)))));
}

async function settingsOf(directory: string): Promise<PhoneSettings> {
  const settings = await load(storesOf(directory).settings);
  if (settings === null) throw new UnreadableError(`${directory} is no phone; make one: phone init ${directory}`);
  if (settings.format === FORMAT) return settings;
  const format = `${directory} is a phone of format ${settings.format}, this program knows format ${FORMAT}`;
  throw new UnreadableError(`${format}; nothing was changed`);
}

async function openPhone(directory: string): Promise<Phone> {
  const stores = storesOf(directory);
  const settings = await settingsOf(directory);
  // Everything is read before anything is asked or written: a damaged file is named, and nothing is lost by going on without it.
  const stored = {
    keys: (await load(stores.keys)) ?? [],
    sightings: (await load(stores.sightings)) ?? [],
  };
  const matches = await load(stores.matches);
  const parameters = (await load(stores.parameters)) ?? newParametersState(random);
  for (const store of [stores.test, stores.abroad, stores.said, stores.secrets, stores.download])
    await load<unknown>(store);
  const now = await clockOf(settings);
  const { history: keys } = currentKey(stored.keys, now, random);
  const sightings = stored.sightings.filter(({ timestamp }) => timestamp >= now - RETENTION_SECONDS);
  const history = new ExposureHistory({ now }, { revokeConfirmed: true }, matches);
  const phone = { directory, settings, now, random, keys, sightings, stored, parameters, stores, history };
  await keep(phone, { keys });
  return phone;
}

/**
 * Writes down what is new. What is older than 14 days by this phone's clock stays, and counts nowhere, until an answer has shown that the
 * clock is right: on the word of a clock that ran ahead nobody loses their keys.
 *
 * @param phone as opened
 * @param next what has changed
 */
export async function keep(
  { stored, stores, keys: known, sightings: heard }: Phone,
  next: { readonly keys?: TekHistory; readonly sightings?: readonly Sighting[] },
): Promise<void> {
  const { keys, sightings } = next;
  if (keys !== undefined) {
    const names = new Set([...known, ...keys].map(({ keyData }) => toHex(keyData)));
    const older = stored.keys.filter(({ keyData }) => !names.has(toHex(keyData)));
    // Keys first: who dies between the two writes has sent something that can be shared.
    await stores.keys.save(
      [...older, ...keys].toSorted((a, b) => a.rollingStartIntervalNumber - b.rollingStartIntervalNumber),
    );
  }
  if (sightings !== undefined) {
    await stores.sightings.save([...stored.sightings.filter((seen) => !heard.includes(seen)), ...sightings]);
  }
}

/**
 * Forgets what is over, when an answer has just shown that the clock is right. Each write stands for itself: a phone that dies between
 * them forgets the rest the next time.
 *
 * @param phone as opened
 */
export async function forgetOld({ stores, keys, sightings, history, now }: Phone): Promise<void> {
  history.forget(now);
  await stores.keys.save(keys);
  await stores.sightings.save(sightings);
  await stores.matches.save(history.snapshot());
}

async function load<T>(store: Store<T>): Promise<T | null> {
  const loaded = await store.load();
  if (loaded.ok) return loaded.value;
  const { error } = loaded;
  const what = error.kind === 'corrupt' ? 'is damaged, or no file of a phone' : `can't be read (${error.code})`;
  throw new UnreadableError(`${error.path} ${what}; nothing was changed`);
}

async function clockOf({ localClock, downloadUrl }: PhoneSettings): Promise<number> {
  if (!localClock) return Math.floor(Date.now() / 1000);
  try {
    const { now } = (await (await fetch(`${downloadUrl}/local/clock`)).json()) as { now?: unknown };
    if (typeof now === 'number') return now;
  } catch {
    // Falls through: neither is a clock.
  }
  throw new RefusedError(`no local clock at ${downloadUrl}; is the local edge running (npm start)?`);
}

/** @param phone as opened @returns the parameters it goes by, null before the first good document */
export const parametersOf = (phone: Phone) => currentParameters(phone.parameters);
