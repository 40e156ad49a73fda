/**
 * @module Which feeds a phone reads for the regions it follows: pure. A region that is followed is read at its own address by the keys that the directory names (arXiv:2006.13087 §4.2, "Base solution"). Regions of a cluster
 * whose public keys are the same everywhere (docs/directory.md, `publicKeysOf`) are one feed, the home's where it is one of them.
 */
import { CLUSTER, type DirectoryEntry } from '../../protocol/directory/entry.ts';
import { spkiFromBase64 } from '../../protocol/directory/spki.ts';
import type { PinnedKey } from '../../protocol/export/export-reader.ts';

/** In the order in which a phone takes them: a signed list before an unsigned one, all fields of a key before some of them. */
const READABLE = ['exposure-edge', 'cwa', 'google', 'dp3t'] as const;
type FeedFormat = (typeof READABLE)[number];

/** Static objects of one region. */
export interface Feed {
  /** Region whose objects they are. */
  readonly region: string;
  readonly format: FeedFormat;
  /** Without a slash at its end. */
  readonly url: string;
  /** Two at most. */
  readonly exportKeys: readonly PinnedKey[];
  /** Of the manifest, SubjectPublicKeyInfo by id. */
  readonly manifestKeys: Readonly<Record<string, Uint8Array>>;
}

/** Why a region that is followed can't be read. */
export interface Unreadable {
  readonly region: string;
  /** not-listed: the directory doesn't name it (any more). format: none of its formats is one of ours. keys: it names none to verify with. */
  readonly why: 'not-listed' | 'format' | 'keys';
}

export interface FeedPlan {
  readonly feeds: readonly Feed[];
  /** Followed regions whose keys the home's own feed has. */
  readonly withHome: readonly string[];
  readonly unreadable: readonly Unreadable[];
}

export interface PlanFacts {
  /** What the owner follows: regions, and clusters as a whole. */
  readonly followed: readonly string[];
  readonly entries: readonly DirectoryEntry[];
  readonly home: { readonly url: string; readonly region: string };
  /** Regions that are read already: of a cluster that is one feed, it stays the same one. */
  readonly read: ReadonlySet<string>;
  /** Regions that have given no answer for a day: another of the cluster is read in their place. */
  readonly down: ReadonlySet<string>;
}

/** @returns what to read for whom */
export function planFeeds({ followed, entries, home, read, down }: PlanFacts): FeedPlan {
  const homeEntry = homeOf(entries, home);
  const wanted = new Map<string, DirectoryEntry>();
  const withHome = new Set<string>();
  const unreadable: Unreadable[] = [];
  for (const name of followed) {
    const found = entries.filter((entry) => (CLUSTER.test(name) ? entry.cluster : entry.regionId) === name);
    if (found.length === 0) unreadable.push({ region: name, why: 'not-listed' });
    for (const entry of found) {
      if (entry.regionId === homeEntry?.regionId) withHome.add(name);
      else wanted.set(entry.regionId, entry);
    }
  }
  const feeds: Feed[] = [];
  for (const group of Map.groupBy(wanted.values(), groupOf).values()) {
    const isWithHome = homeEntry !== undefined && groupOf(homeEntry) === groupOf(group[0]!);
    if (isWithHome && !down.has(homeEntry.regionId)) {
      for (const { regionId } of group) withHome.add(regionId);
      continue;
    }
    const tried = preferred(group, read, down).map((entry) => feedOf(entry));
    const feed = tried.find((one) => 'format' in one);
    if (feed === undefined) unreadable.push(...tried.filter((one) => 'why' in one));
    else feeds.push(feed);
  }
  return { feeds, withHome: [...withHome].toSorted(), unreadable };
}

/** @returns the directory's entry of the phone's own region: by its address, since a phone may read the union's part of it (`EUR`) */
export function homeOf(entries: readonly DirectoryEntry[], home: PlanFacts['home']): DirectoryEntry | undefined {
  return (
    entries.find(({ publicUrl }) => withoutSlash(publicUrl) === home.url) ??
    entries.find(({ regionId }) => regionId === home.region)
  );
}

/** Regions with one answer have the same keys. */
const groupOf = ({ regionId, cluster, publicKeysOf }: DirectoryEntry): string =>
  publicKeysOf === 'cluster' ? `cluster ${cluster}` : `region ${regionId}`;

const preferred = (group: readonly DirectoryEntry[], read: ReadonlySet<string>, down: ReadonlySet<string>) =>
  group.toSorted((a, b) => {
    const rank = ({ regionId }: DirectoryEntry): number => (down.has(regionId) ? 2 : 0) + (read.has(regionId) ? 0 : 1);
    return rank(a) - rank(b) || (a.regionId < b.regionId ? -1 : 1);
  });

const withoutSlash = (url: string): string => url.replace(/\/$/, '');

function feedOf(entry: DirectoryEntry): Feed | Unreadable {
  const { regionId: region, publicUrl } = entry;
  const exportKeys = entry.verificationKeys.flatMap(({ keyId, keyVersion, spki }) => {
    const publicKeySpki = spkiFromBase64(spki);
    return publicKeySpki === null ? [] : [{ keyId, keyVersion, publicKeySpki }];
  });
  const manifestKeys = Object.fromEntries(
    (entry.manifestKeys ?? []).flatMap(({ keyId, spki }) => {
      const key = spkiFromBase64(spki);
      return key === null ? [] : [[keyId, key] as const];
    }),
  );
  const known = READABLE.filter((format) => entry.formats.includes(format));
  const hasManifestKeys = Object.keys(manifestKeys).length > 0;
  const format = known.find((one) => one !== 'exposure-edge' || hasManifestKeys);
  if (known.length === 0) return { region, why: 'format' };
  if (format === undefined || exportKeys.length === 0) return { region, why: 'keys' };
  return { region, format, url: withoutSlash(publicUrl), exportKeys, manifestKeys };
}
