/**
 * @module What the story comes to, counted from the feeds as peers were served them and from the public files as phones are: nothing here knows what a backend meant to do.
 */
import { compareKeys } from '../../../protocol/export/tek-order.ts';
import type { TemporaryExposureKey } from '../../../protocol/gaen/keys.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import type { Fed } from './feeds.ts';

/** One public file. */
export interface PublicFile {
  /** As its header says. */
  readonly region: string;
  readonly keys: readonly TemporaryExposureKey[];
}

/** One backend at the end. */
export interface Backend {
  readonly id: string;
  /** What peers read of it: feed → what it has. */
  readonly feeds: ReadonlyMap<string, Fed>;
  /** What it was to read: the peer and its feed. */
  readonly reads: readonly { readonly peer: string; readonly feed: string }[];
  readonly files: readonly PublicFile[];
  /** What its own people shared. */
  readonly consenting: ReadonlySet<string>;
  readonly refusing: ReadonlySet<string>;
}

/** How many of what. */
export interface Counts {
  /** Keys in the feeds that each was to read, once for each reader. */
  readonly sent: number;
  /** Those of them that the reader publishes. */
  readonly imported: number;
  /** Published more than once by the same backend. */
  readonly doubled: number;
  /** In a feed, and of somebody else's people or feeds. */
  readonly ownBack: number;
  /** Keys of people who refused that anybody but their own backend has. */
  readonly refusedAbroad: number;
  /** Of people here, and not published here. */
  readonly missing: number;
  readonly originVisible: number;
  readonly decoysUnmasked: number;
  /** Files in which peers' keys stand among ours, so that zeros say something. */
  readonly mixedFiles: number;
  /** Synthetic keys of all backends, so that a zero above says something. */
  readonly decoys: number;
}

const named = ({ keyData }: TemporaryExposureKey): string => toHex(keyData);
const keysOf = (files: readonly PublicFile[]): string[] => files.flatMap(({ keys }) => keys.map(named));
const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);

/** @returns all keys that a backend has put into feeds */
const fedBy = ({ feeds }: Backend): Set<string> => new Set([...feeds.values()].flatMap(({ keys }) => keys));

/** @param minKeys fewest keys of people here and decoys in any part of a file */
export function countAll(backends: readonly Backend[], minKeys: number): Counts {
  const counts = backends.map((own) => countOf(own, backends, minKeys));
  const all = (name: keyof Counts): number => sum(counts.map((one) => one[name]));
  return {
    sent: all('sent'),
    imported: all('imported'),
    doubled: all('doubled'),
    ownBack: all('ownBack'),
    refusedAbroad: all('refusedAbroad'),
    missing: all('missing'),
    originVisible: all('originVisible'),
    decoysUnmasked: all('decoysUnmasked'),
    mixedFiles: all('mixedFiles'),
    decoys: all('decoys'),
  };
}

function countOf(own: Backend, all: readonly Backend[], minKeys: number): Counts {
  const others = all.filter(({ id }) => id !== own.id);
  const published = keysOf(own.files);
  const distinct = new Set(published);
  const people = new Set([...own.consenting, ...own.refusing]);
  const foreign = new Set(others.flatMap((one) => [...fedBy(one), ...one.consenting, ...one.refusing]));
  const sent = own.reads.flatMap(({ peer, feed }) => [
    ...new Set(all.find(({ id }) => id === peer)?.feeds.get(feed)?.keys ?? []),
  ]);
  const remote = new Set(sent);
  const abroad = new Set(others.flatMap((one) => [...fedBy(one), ...keysOf(one.files)]));
  const fed = fedBy(own);
  return {
    sent: sent.length,
    imported: sent.filter((key) => distinct.has(key)).length,
    doubled: published.length - distinct.size,
    ownBack: [...fed].filter((key) => foreign.has(key) && !people.has(key)).length,
    refusedAbroad: [...own.refusing].filter((key) => fed.has(key) || abroad.has(key)).length,
    missing: [...people].filter((key) => !distinct.has(key)).length,
    originVisible: originVisible(own, remote, minKeys),
    decoysUnmasked: sum(own.files.map((file) => unmaskedIn(file, own, remote, people, minKeys))),
    mixedFiles: own.files.filter(({ keys }) => new Set(keys.map((key) => remote.has(named(key)))).size === 2).length,
    decoys: [...distinct].filter((key) => !remote.has(key) && !people.has(key)).length,
  };
}

/**
 * Counts what would tell a peer's key from ours: a file of another region or in another order than sorted, one in which peers' keys have too little company, and keys in fields that none of ours has.
 */
function originVisible({ id, files }: Backend, remote: ReadonlySet<string>, minKeys: number): number {
  const fields = (key: TemporaryExposureKey): string =>
    [key.rollingPeriod, key.transmissionRiskLevel, key.reportType, key.daysSinceOnsetOfSymptoms].join();
  const keys = files.flatMap((file) => [...file.keys]);
  const ours = new Set(keys.filter((key) => !remote.has(named(key))).map(fields));
  // Of a site that never had a case whoever subtracts the others' feeds sees that it has none: no key is told from others by its fields.
  const isTold = (key: TemporaryExposureKey): boolean => remote.has(named(key)) && !ours.has(fields(key));
  const strange = ours.size === 0 ? 0 : keys.filter(isTold).length;
  const apart = files.filter((file) => {
    const local = file.keys.filter((key) => !remote.has(named(key))).length;
    const isSorted = file.keys.every((key, at) => at === 0 || compareKeys(file.keys[at - 1] ?? key, key) <= 0);
    // Without any of ours nobody's is left over.
    const isAlone = file.keys.length > local && local > 0 && local < minKeys;
    return file.region !== id || !isSorted || isAlone;
  }).length;
  return strange + apart;
}

/**
 * Subtracts every feed from a file, and peers' feeds too: what is left falls into parts by which feeds have it.
 *
 * @returns decoys in parts that are smaller than a chunk, or have no person's key
 */
function unmaskedIn(
  { keys }: PublicFile,
  { feeds }: Backend,
  remote: ReadonlySet<string>,
  people: ReadonlySet<string>,
  minKeys: number,
): number {
  const sets = [...feeds.values()].map((fed) => new Set(fed.keys));
  const local = keys.map(named).filter((key) => !remote.has(key));
  const parts = Map.groupBy(local, (key) => sets.map((set) => Number(set.has(key))).join(''));
  return sum(
    [...parts.values()].map((part) => {
      const decoys = part.filter((key) => !people.has(key)).length;
      return part.length < minKeys || decoys === part.length ? decoys : 0;
    }),
  );
}
