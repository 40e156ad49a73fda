/**
 * @module Regions for roaming phones: each publishes real files with real signatures in one of four formats at a host of its own, all stand in one directory, and every request is written down.
 */
import { memoryStore, type Store } from '../../phone/store.ts';
import { ExposureHistory } from '../../phone/matching/history.ts';
import type { HistorySnapshot } from '../../phone/matching/history.ts';
import type { Fetch } from '../../phone/http.ts';
import type { Sighting } from '../../phone/radio/sighting.ts';
import { memoryInbox } from '../../phone/regions/inbox.ts';
import { memoryObjects } from '../../phone/regions/region-directory.ts';
import { NO_REGIONS, type RegionsOutcome, type RegionsState, syncRegions } from '../../phone/regions/sync.ts';
import { type Visit, withVisit } from '../../phone/regions/visits.ts';
import { testRandom } from '../../phone/testing/random.ts';
import { noteKeyText } from '../../protocol/directory/note.ts';
import { certificateText, type OpenStatement, rememberingOpen } from '../../protocol/directory/statement.ts';
import type { EntryStatement } from '../../protocol/directory/entry.ts';
import { dateOf } from '../../protocol/gaen/intervals.ts';
import { toBase64 } from '../../protocol/primitives/bytes.ts';
import {
  entryLeaf,
  entryOf,
  logOf,
  makeCluster,
  makeRegion,
  makeRoot,
  makeTls,
  type Party,
  policyFor,
  revocationLeaf,
  revocationOf,
} from './directory-world.ts';
import { type PublishedFormat, RegionPublisher } from './region-publisher.ts';

export { NOW } from './directory-world.ts';

/** One request, as a host sees it. */
export interface SeenRequest {
  readonly phone: string;
  readonly host: string;
  /** Method, path and headers, as they came. */
  readonly text: string;
}

const HOST = (region: string): string => `keys.${region.toLowerCase()}.example`;

/** A region of the world. */
interface Member {
  readonly party: Party;
  readonly cluster: string;
  readonly entry: EntryStatement;
}

/** All of it. */
export class RoamingWorld {
  readonly publishers = new Map<string, RegionPublisher>();
  readonly requests: SeenRequest[] = [];
  /** Hosts that don't answer. */
  readonly down = new Set<string>();
  /** Region → whose bytes its host serves. */
  readonly swapped = new Map<string, string>();
  readonly #members = new Map<string, Member>();
  readonly #leaves: Uint8Array[] = [];
  readonly #clusters = new Map<string, Party>();
  #root: Party | null = null;
  #log: { readonly of: string; readonly objects: ReadonlyMap<string, Uint8Array> } | null = null;
  /** Unix seconds, of all hosts and witnesses. */
  now: number;

  /** @param now Unix seconds */
  constructor(now: number) {
    this.now = now;
  }

  /** Adds a region, and enters it into the directory. @param seed of its keys; two of one seed have the same */
  async add(
    region: string,
    format: PublishedFormat,
    cluster = 'eu',
    more: Partial<EntryStatement> = {},
    seed = region.charCodeAt(0) + region.charCodeAt(1),
  ): Promise<RegionPublisher> {
    this.#root ??= await makeRoot();
    let above = this.#clusters.get(cluster);
    if (above === undefined) this.#clusters.set(cluster, (above = await makeCluster(this.#root, cluster)));
    const party = await makeRegion(above, `C=${region}, OU=${cluster}`);
    const tls = await makeTls(above, `C=${region}, OU=${cluster}`);
    const publisher = new RegionPublisher(region, format, `https://${HOST(region)}`, seed);
    this.publishers.set(region, publisher);
    const entry = entryOf(party, [tls], {
      regionId: region,
      cluster,
      formats: [format],
      validUntil: this.now + 390 * 86_400,
      ...keysOf(publisher),
      ...more,
    });
    this.#members.set(region, { party, cluster, entry });
    this.#leaves.push(entryLeaf(party, entry));
    return publisher;
  }

  /** The region signs with other keys from now on; in the directory stand the new ones alone. */
  rollOver(region: string, { told = true } = {}): void {
    const [member, publisher] = [this.#member(region), this.publishers.get(region)!];
    publisher.rollOver();
    if (!told) return;
    const { sequence } = member.entry;
    const entry = { ...member.entry, ...keysOf(publisher), sequence: sequence + 1, issuedAt: this.now - 60 };
    this.#members.set(region, { ...member, entry });
    this.#leaves.push(entryLeaf(member.party, entry));
  }

  /** Its cluster takes it out of the directory. */
  remove(region: string): void {
    const { cluster } = this.#member(region);
    const author = this.#clusters.get(cluster)!;
    const body = revocationOf(author, { regionId: region, cluster, removed: true, issuedAt: this.now - 60 });
    this.#leaves.push(revocationLeaf(author, body));
  }

  #member(region: string): Member {
    const member = this.#members.get(region);
    if (member === undefined) throw new Error(`${region} is no region`);
    return member;
  }

  get policy() {
    if (this.#root === null) throw new Error('no region yet');
    return policyFor(this.#root);
  }

  #open: OpenStatement | null = null;

  /** Remembers statements for all phones. */
  get open(): OpenStatement {
    return (this.#open ??= rememberingOpen(this.policy.roots));
  }

  /** The same as JSON, as apps have it built in. */
  get policyText(): string {
    const { origin, logKeys, roots, witnesses, threshold, maxAgeSeconds } = this.policy;
    return JSON.stringify({
      origin,
      logKeys: logKeys.map((key) => noteKeyText(key)),
      roots: roots.map((root) => certificateText(root)),
      witnesses: witnesses.map((key) => noteKeyText(key)),
      threshold,
      maxAgeSeconds,
    });
  }

  /** @param phone whose requests these are */
  fetchOf(phone: string): Fetch {
    return async (url, init) => {
      const { host, pathname, search } = new URL(url);
      const headers = [...new Headers(init?.headers)].map(([name, value]) => `${name}: ${value}`);
      this.requests.push({
        phone,
        host,
        text: [`${init?.method ?? 'GET'} ${pathname}${search}`, ...headers].join('\n'),
      });
      await Promise.resolve();
      const region = host.split('.')[1]!.toUpperCase();
      if (this.down.has(region)) throw new TypeError('no answer');
      const served = this.swapped.get(region) ?? region;
      const path = pathname.slice(1).replaceAll(`/${region}/`, `/${served}/`);
      const found = pathname.startsWith('/v1/directory/')
        ? this.#directory(pathname.slice('/v1/directory/'.length))
        : this.publishers.get(served)?.at(path, this.now);
      if (!found) return new Response(null, { status: 404 });
      const own = 'bytes' in found ? found : { bytes: found, headers: {} };
      const date = new Date(this.now * 1000).toUTCString();
      return new Response(new Uint8Array(own.bytes), { headers: { date, ...own.headers } });
    };
  }

  /** Made once for all phones that ask at an instant. */
  #directory(path: string): Uint8Array | undefined {
    const of = `${this.#leaves.length} ${this.now}`;
    if (this.#log?.of !== of) this.#log = { of, objects: logOf(this.#leaves, { cosignedAt: this.now - 60 }) };
    return this.#log.objects.get(path);
  }
}

function keysOf(publisher: RegionPublisher): Pick<EntryStatement, 'verificationKeys' | 'manifestKeys'> {
  const { keyId, keyVersion, exportSpki, manifestSpki } = publisher;
  return {
    verificationKeys: [{ keyId, keyVersion, spki: toBase64(exportSpki) }],
    manifestKeys: [{ keyId: 'manifest-v1', spki: toBase64(manifestSpki) }],
  };
}

/** A phone whose own region is one of the world's, with the app's state in memory. */
export class RoamingPhone {
  readonly name: string;
  readonly #world: RoamingWorld;
  readonly #home: string;
  readonly #random;
  #stores = new Map<string, Store<unknown>>();
  #regions = memoryStore<RegionsState>();
  #calls = memoryStore<readonly number[]>();
  readonly #objects = memoryObjects();
  readonly #inbox = memoryInbox();
  /** What the platform keeps, whatever becomes of the app. */
  readonly history = new ExposureHistory({}, { revokeConfirmed: true });
  readonly sightings: Sighting[] = [];
  /** Seconds that its clock is ahead. */
  clockError = 0;
  /** Dies at so many writes of a feed's state from now; null: it lives. */
  diesAfter: number | null = null;

  constructor(world: RoamingWorld, name: string, home: string) {
    this.#world = world;
    this.name = name;
    this.#home = home;
    this.#random = testRandom(`roaming ${name}`);
  }

  get now(): number {
    return this.#world.now + this.clockError;
  }

  async visit(region: string, from: number, to: number | null = null): Promise<void> {
    const loaded = await this.#regions.load();
    const state = (loaded.ok ? loaded.value : null) ?? NO_REGIONS;
    const visit: Visit = { region, from: dateOf(from), to: to === null ? null : dateOf(to), said: dateOf(this.now) };
    await this.#regions.save({ ...state, visits: withVisit(state.visits, visit) });
  }

  /** The app is removed and installed anew: what the platform keeps stays, detection's own count too. */
  reinstall(): void {
    this.#stores = new Map();
    this.#regions = memoryStore<RegionsState>();
  }

  sync(): Promise<RegionsOutcome> {
    const world = this.#world;
    const publisher = world.publishers.get(this.#home)!;
    const { keyId, keyVersion, exportSpki, manifestSpki } = publisher;
    const fetch = world.fetchOf(this.name);
    const homeUrl = `https://${HOST(this.#home)}`;
    return syncRegions({
      connect: () => fetch,
      random: this.#random,
      pause: () => Promise.resolve(),
      spreadSeconds: 3600,
      homeFeed: {
        region: this.#home,
        url: homeUrl,
        exportKeys: [{ keyId, keyVersion, publicKeySpki: exportSpki }],
        manifestKeys: { 'manifest-v1': manifestSpki },
        store: this.#storeOf('home'),
      },
      directory: { url: `${homeUrl}/v1/directory`, policy: world.policy, objects: this.#objects, open: world.open },
      regions: this.#regions,
      storeOf: (name) => this.#storeOf(name),
      forgetFeeds: (isKept) => {
        for (const name of this.#stores.keys()) {
          const [kind, region = ''] = name.split('-');
          if (kind === 'region' && !isKept(region)) this.#stores.delete(name);
        }
        return Promise.resolve();
      },
      inbox: this.#inbox,
      calls: this.#calls,
      matches: memoryStore<HistorySnapshot>(),
      history: this.history,
      sightings: this.sightings,
      now: this.now,
    });
  }

  /** @returns names of the states of feeds that it keeps */
  feeds(): string[] {
    return [...this.#stores.keys()].filter((name) => name.startsWith('region-')).toSorted();
  }

  #storeOf<T>(name: string): Store<T> {
    const known = this.#stores.get(name) ?? memoryStore<unknown>();
    this.#stores.set(name, known);
    const save = async (value: unknown): Promise<void> => {
      if (this.diesAfter !== null && this.diesAfter-- <= 0) throw new Error('died');
      await known.save(value);
    };
    return { load: () => known.load(), save } as unknown as Store<T>;
  }

  /** @returns key data (base64) of what it was warned of, each as often as it was matched */
  met(): string[] {
    return this.history.matches(this.now).map(({ key }) => toBase64(key.keyData));
  }
}
