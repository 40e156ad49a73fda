/**
 * @module `phone region`: where its owner was, said by them and kept by the phone alone. None of these commands asks anybody: what is new is fetched by the next sync.
 */
import { readFile } from 'node:fs/promises';
import { DIRECTORY_PREFIX } from '../../protocol/directory/tiles.ts';
import { CLUSTER } from '../../protocol/directory/entry.ts';
import { dateOf, isUtcDate, type UtcDate } from '../../protocol/gaen/intervals.ts';
import { testedIn } from '../credential/abroad-course.ts';
import { homeOf, planFeeds } from '../regions/feeds.ts';
import { NO_REGIONS, type RegionsState } from '../regions/sync.ts';
import { followedRegions, isRegionName, withLeave, withVisit } from '../regions/visits.ts';
import { followedText } from '../regions/words.ts';
import {
  allow,
  EXIT,
  type Io,
  messageOf,
  type Options,
  positional,
  RefusedError,
  toJson,
  UnreadableError,
  UsageError,
} from './calling.ts';
import { type Phone, withPhones } from './phone-directory.ts';
import { type DirectorySettings, policyOf, regionStoresOf } from './region-stores.ts';

/** An upload has room for as many (`phone/upload/upload-request.ts`). */
const MOST_COUNTRIES = 50;
const USAGE = 'expected add DIR REGION, leave DIR REGION or list DIR';

/**
 * Reads what an app has built in to read the directory of regions by.
 *
 * @param policyFile docs/directory.md, "What a reader trusts"
 * @param url where the log lies; undefined: at the phone's own index
 * @param downloadUrl of the phone
 * @returns what a phone keeps of it
 * @throws {UnreadableError | UsageError}
 */
export async function readPolicy(
  policyFile: string,
  url: string | undefined,
  downloadUrl: string,
): Promise<DirectorySettings> {
  const place = url ?? `${downloadUrl}/${DIRECTORY_PREFIX}`;
  if (!URL.canParse(place) || !/^https?:$/.test(new URL(place).protocol)) {
    throw new UsageError(`--directory: "${place}" must be an address, as http://127.0.0.1:8787/${DIRECTORY_PREFIX}`);
  }
  let policy: string;
  try {
    policy = await readFile(policyFile, 'utf8');
  } catch (error) {
    throw new UnreadableError(messageOf(error));
  }
  const settings = { url: place.replace(/\/$/, ''), policy };
  policyOf(settings);
  return settings;
}

/**
 * `phone region add|leave|list DIR …`
 *
 * @param given what stands behind `region`
 * @param options see calling.ts
 * @param io where the answer goes
 * @returns 0
 * @throws {UsageError | UnreadableError | RefusedError}
 */
export async function region(given: readonly string[], options: Options, io: Io): Promise<number> {
  const [action, ...rest] = given;
  switch (action) {
    case 'add':
      return add(rest, options, io);
    case 'leave':
      return leave(rest, options, io);
    case 'list':
      return list(rest, options, io);
    default:
      throw new UsageError(`region: ${USAGE}`);
  }
}

function dayOf(name: 'from' | 'to' | 'on', text: string | undefined, otherwise: UtcDate): UtcDate {
  if (text === undefined) return otherwise;
  if (!isUtcDate(text)) throw new UsageError(`region: --${name}: "${text}" must be a day, as 2026-11-26`);
  return text;
}

async function stateOf({ directory }: Phone): Promise<RegionsState> {
  const loaded = await regionStoresOf(directory).regions.load();
  if (loaded.ok) return loaded.value ?? NO_REGIONS;
  throw new UnreadableError(`${loaded.error.path} is damaged, or can't be read; nothing was changed`);
}

async function add(given: readonly string[], options: Options, io: Io): Promise<number> {
  allow('region', options, ['from', 'to', 'policy', 'directory']);
  const [directory, name] = positional('region add', given, ['DIR', 'REGION']);
  if (!isRegionName(name)) throw new UsageError(`region: "${name}" must be a region, as NL, or a cluster, as eu`);
  return withPhones([directory], async (phone) => {
    if (phone === undefined) throw new UsageError(`region: ${USAGE}`);
    const { settings, now } = phone;
    const today = dateOf(now);
    const from = dayOf('from', options.from, options.to !== undefined && options.to < today ? options.to : today);
    const to = options.to === undefined ? null : dayOf('to', options.to, today);
    if (to !== null && to < from) throw new UsageError(`region: --to ${to} is before --from ${from}`);
    if (name === settings.region) throw new RefusedError(`${name} is this phone’s own region: it is always read`);
    const stores = regionStoresOf(directory);
    const policy = await stores.policy.load();
    if (options.policy !== undefined) {
      await stores.policy.save(await readPolicy(options.policy, options.directory, settings.downloadUrl));
    } else if (!policy.ok || policy.value === null) {
      throw new RefusedError('this phone has no policy for the directory of regions: give it with --policy FILE, once');
    }
    const state = await stateOf(phone);
    const visits = withVisit(state.visits, { region: name, from, to, said: today });
    const followed = followedRegions(visits, now).find((one) => one.region === name);
    if (followed === undefined && to !== null && to < today) {
      throw new RefusedError(`${name}: left more than 14 days ago: nothing that was heard then is kept`);
    }
    await stores.regions.save({ ...state, visits });
    const until = followed === undefined ? null : dateOf(followed.until);
    const end =
      to === null ? 'phone region leave says that you left; it is read 14 days longer' : `until ${until}, by itself`;
    const text =
      followed === undefined ? `${name} is read from ${from} on` : `${name} is read from the next sync on, ${end}`;
    io.out(
      options.json === true
        ? toJson({ phone: directory, region: name, from, to, until: followed?.until ?? null })
        : `${directory}: ${text}\n`,
    );
    return EXIT.done;
  });
}

async function leave(given: readonly string[], options: Options, io: Io): Promise<number> {
  allow('region', options, ['on']);
  const [directory, name] = positional('region leave', given, ['DIR', 'REGION']);
  return withPhones([directory], async (phone) => {
    if (phone === undefined) throw new UsageError(`region: ${USAGE}`);
    const on = dayOf('on', options.on, dateOf(phone.now));
    const state = await stateOf(phone);
    const visits = withLeave(state.visits, name, on);
    if (visits === null)
      throw new RefusedError(`${name}: no visit on ${on} is known; phone region list says which are`);
    await regionStoresOf(directory).regions.save({ ...state, visits });
    const until = followedRegions(visits, phone.now).find((one) => one.region === name)?.until ?? null;
    const text = until === null ? 'is read no more' : `is read until ${dateOf(until)}, by itself`;
    io.out(
      options.json === true ? toJson({ phone: directory, region: name, on, until }) : `${directory}: ${name} ${text}\n`,
    );
    return EXIT.done;
  });
}

async function list(given: readonly string[], options: Options, io: Io): Promise<number> {
  allow('region', options, []);
  const [directory] = positional('region list', given, ['DIR']);
  return withPhones([directory], async (phone) => {
    if (phone === undefined) throw new UsageError(`region: ${USAGE}`);
    const { settings, now } = phone;
    const state = await stateOf(phone);
    const followed = followedRegions(state.visits, now);
    const loaded = await regionStoresOf(directory).known.load();
    const entries = loaded.ok ? (loaded.value?.entries ?? []) : [];
    const home = { url: settings.downloadUrl, region: settings.region };
    const names = followed.map((one) => one.region);
    const facts = { followed: names, entries, home, read: new Set<string>(), down: new Set<string>() };
    const plan = entries.length === 0 ? null : planFeeds(facts);
    const own = homeOf(entries, home);
    const regions = followed.map((one) => {
      const found = entries.find(({ regionId }) => regionId === one.region);
      const upcoming = { cluster: found?.cluster ?? null, phase: found?.phase ?? null };
      return {
        ...one,
        ...upcoming,
        isCluster: CLUSTER.test(one.region),
        withHome: plan?.withHome.includes(one.region) ?? false,
      };
    });
    const first = `${settings.region}  home${own === undefined ? '' : `, of the cluster ${own.cluster}`}, always read`;
    const lines = [first, ...followed.map((one) => followedText(one, plan))];
    io.out(
      options.json === true
        ? toJson({ phone: directory, home: settings.region, cluster: own?.cluster ?? null, regions })
        : lines.map((line) => `${directory}: ${line}\n`).join(''),
    );
    return EXIT.done;
  });
}

/**
 * @param phone as opened
 * @param codeKey of the test that is shared (test-state.ts)
 * @returns countries that its owner names when they share keys, and lets have them: all that are followed now, a cluster's one by one, and the one that tested
 * @throws {UnreadableError}
 */
export async function countriesAbroad(phone: Phone, codeKey: string | null): Promise<string[]> {
  const { visits } = await stateOf(phone);
  const loaded = await regionStoresOf(phone.directory).known.load();
  const entries = loaded.ok ? (loaded.value?.entries ?? []) : [];
  const names = followedRegions(visits, phone.now).flatMap(({ region: name }) =>
    CLUSTER.test(name) ? entries.filter(({ cluster }) => cluster === name).map(({ regionId }) => regionId) : [name],
  );
  const home = homeOf(entries, { url: phone.settings.downloadUrl, region: phone.settings.region })?.regionId;
  const isAbroad = (name: string): boolean =>
    /^[A-Z]{2}$/.test(name) && name !== phone.settings.region && name !== home;
  const tested = await testedIn(phone.stores.abroad, codeKey);
  return [...new Set([...tested, ...names])].filter(isAbroad).toSorted().slice(0, MOST_COUNTRIES);
}
