/**
 * @module One simulated backend: a store in memory under the rules of the domain, which decide everything: when a key goes out, whether an hour is published, held or filled, what decoys look like, which feed a
 * key is in, what of a peer's batch is taken. What is not here: storage, crypto, HTTP, withdrawals. Fills and reserve follow durable-objects/submission-buffer/{decoy-ops,feed-parts,reserve-ops}.ts.
 */
import { DEFAULT_CHUNK_POLICY, decideChunk, splitEvenly } from '../../domain/chunk-policy.ts';
import { releaseHour, retentionEnd } from '../../domain/embargo.ts';
import { rank, type Present } from '../../domain/federation/duplicates.ts';
import { judgeInbound } from '../../domain/federation/inbound.ts';
import { feedsOf } from '../../domain/publication/feeds.ts';
import type { Provenance } from '../../domain/publication/packed-keys.ts';
import type { RandomBytes } from '../../domain/random.ts';
import type { Received } from '../../domain/received.ts';
import { hourEnd } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { fillSet } from './filling.ts';
import { SetOfRows, type Row } from './set-of-rows.ts';

/** Whose keys they are, as rows have it. */
export type About = Pick<Provenance, 'regions' | 'consentToFederation' | 'origin'>;

/** A numbered batch of a feed. */
export interface Batch {
  readonly origin: string;
  readonly keys: readonly TemporaryExposureKey[];
  /** The same for each reader at one time: judged once. */
  judged?: Judged;
}

/** What of a batch may be stored. */
interface Judged {
  readonly keys: readonly TemporaryExposureKey[];
  /** In which the last of them may go out. */
  readonly release: number;
}

/** What is known of keys that came together. */
interface Known {
  present: Present;
}

/** Of a peer's batch what waits here. */
interface RemoteRows {
  readonly release: number;
  readonly known: Known;
  keys: number;
}

/** What a backend did. */
export interface Tally {
  uploads: number;
  people: number;
  aged: number;
  decoys: number;
  sets: number;
  padded: number;
  exported: number;
  batches: number;
  imported: number;
  duplicates: number;
  dropped: number;
  published: number;
  requests: number;
  read: number;
}

export const NOTHING: Tally = {
  uploads: 0,
  people: 0,
  aged: 0,
  decoys: 0,
  sets: 0,
  padded: 0,
  exported: 0,
  batches: 0,
  imported: 0,
  duplicates: 0,
  dropped: 0,
  published: 0,
  requests: 0,
  read: 0,
};

const LOCAL: Known = { present: 'local' };

export class Backend {
  readonly name: string;
  readonly tally: Tally = { ...NOTHING };
  readonly #feeds: readonly string[];
  readonly #random: RandomBytes;
  readonly #received: Received;
  /** By key data: here the same bytes are the same object. */
  readonly #known = new Map<Uint8Array, Known>();
  readonly #batches = new Map<string, Batch[]>();
  #waiting: Row[] = [];
  #remote: RemoteRows[] = [];
  #uploads = 0;

  /** @param received what it knows of the shape of uploads */
  constructor(name: string, feeds: readonly string[], random: RandomBytes, received: Received) {
    this.name = name;
    this.#feeds = feeds;
    this.#random = random;
    this.#received = received;
  }

  /** Takes one person's keys in. @param hour that runs */
  upload(keys: readonly TemporaryExposureKey[], about: Omit<About, 'origin'>, hour: number): void {
    this.tally.uploads += 1;
    this.#store(keys, { ...about, origin: this.name }, { earliest: hour, synthetic: false });
  }

  /** The hour is over: what is published of it. */
  seal(hour: number): void {
    for (const feed of this.#feeds) this.#batches.set(feed, []);
    const rows = this.#takeReleased(hour);
    const remote = this.#remote.filter(({ release }) => release <= hour);
    const set = new SetOfRows(rows, { feeds: this.#feeds, home: this.name });
    const oldest = [...rows, ...remote].reduce((first, { release }) => Math.min(first, release), Infinity);
    const count = { region: this.name, ...set.count() };
    const decision = decideChunk(DEFAULT_CHUNK_POLICY, hour, oldest === Infinity ? null : oldest, [count]);
    if (decision === 'empty' || decision === 'hold') {
      this.#waiting.push(...rows);
      return;
    }
    if (rows.length > 0) {
      fillSet(set, {
        hour,
        padded: decision === 'pad',
        random: this.#random,
        received: this.#received,
        nextWaits: () => this.#waiting.length > 0,
        store: (keys, about, earliest) => {
          const all = this.#store(keys, about, { earliest, synthetic: true });
          const now = all.filter(({ release }) => release <= hour);
          this.#waiting = this.#waiting.filter((row) => !now.includes(row));
          return now;
        },
      });
      this.tally.sets += 1;
      if (decision === 'pad') this.tally.padded += 1;
    }
    this.#publish(set, remote);
  }

  /** @returns batches of the last hour that a reader of the feed hasn't */
  batchesOf(feed: string): readonly Batch[] {
    return this.#batches.get(feed) ?? [];
  }

  /** Reads a peer's feed. @param hour that was sealed @param now Unix seconds */
  read(peer: Backend, feed: string, hour: number, now: number): void {
    this.tally.requests += 1;
    for (const batch of peer.batchesOf(feed)) {
      this.tally.requests += 1;
      this.tally.read += batch.keys.length;
      const { keys, release } = (batch.judged ??= judged(batch, now));
      this.tally.dropped += batch.keys.length - keys.length;
      const rows: RemoteRows = { release: Math.max(release, hour + 1), known: { present: 'remote-waiting' }, keys: 0 };
      for (const { keyData } of keys) {
        if (rank(this.#known.get(keyData)?.present ?? 'none', 'remote') === 'leave') this.tally.duplicates += 1;
        else {
          rows.keys += 1;
          this.#known.set(keyData, rows.known);
        }
      }
      this.tally.imported += rows.keys;
      if (rows.keys > 0) this.#remote.push(rows);
    }
  }

  /** @returns the released rows that can still be published; the others are gone */
  #takeReleased(hour: number): Row[] {
    const released = this.#waiting.filter(({ release }) => release <= hour);
    this.#waiting = this.#waiting.filter(({ release }) => release > hour);
    const [kept, aged]: [Row[], Row[]] = [[], []];
    for (const row of released) {
      (retentionEnd(row.key, DEFAULT_CHUNK_POLICY.retentionDays) <= hourEnd(hour) ? aged : kept).push(row);
    }
    this.tally.aged += aged.filter(({ synthetic }) => !synthetic).length;
    return kept;
  }

  #store(
    keys: readonly TemporaryExposureKey[],
    about: About,
    how: { readonly earliest: number; readonly synthetic: boolean },
  ): Row[] {
    const fresh = keys.flatMap((key) => {
      const known = this.#known.get(key.keyData);
      const what = rank(known?.present ?? 'none', 'local');
      if (what === 'leave') return [];
      if (what === 'take-over') this.#remote.find((rows) => rows.known === known)!.keys -= 1;
      this.#known.set(key.keyData, LOCAL);
      return [{ key, release: Math.max(releaseHour(key), how.earliest) }];
    });
    const first = Math.min(...fresh.map(({ release }) => release));
    const upload = (this.#uploads += 1);
    const rows = fresh.map(({ key, release }) => ({
      key,
      release,
      about,
      upload,
      isFirst: release === first,
      synthetic: how.synthetic,
    }));
    this.#waiting.push(...rows);
    return rows;
  }

  #publish(set: SetOfRows, remote: readonly RemoteRows[]): void {
    for (const rows of remote) rows.known.present = 'remote-published';
    this.#remote = this.#remote.filter((rows) => !remote.includes(rows));
    const decoys = set.rows.filter(({ synthetic }) => synthetic).length;
    this.tally.decoys += decoys;
    this.tally.people += set.rows.length - decoys;
    this.tally.published += set.rows.length + remote.reduce((sum, { keys }) => sum + keys, 0);
    const keysOf = new Map<string, TemporaryExposureKey[]>();
    for (const { about, key } of set.rows) {
      for (const feed of feedsOf(about, this.#feeds, this.name)) {
        const keys = keysOf.get(feed) ?? [];
        keys.push(key);
        keysOf.set(feed, keys);
      }
    }
    for (const [feed, keys] of keysOf) {
      let at = 0;
      const sizes = splitEvenly(keys.length, DEFAULT_CHUNK_POLICY.maxKeysPerFile);
      this.#batches.set(
        feed,
        sizes.map((size) => ({ origin: this.name, keys: keys.slice(at, (at += size)) })),
      );
      this.tally.exported += keys.length;
      this.tally.batches += sizes.length;
    }
  }
}

function judged({ origin, keys }: Batch, now: number): Judged {
  const inbound = keys.map((key) => ({ ...key, onset: key.daysSinceOnsetOfSymptoms, origin }));
  const good = judgeInbound(inbound, origin, now).keys;
  return { keys: good, release: good.reduce((last, key) => Math.max(last, releaseHour(key)), 0) };
}
