/**
 * @module What every format of a peer's feed is read by (docs/spec/europe.md §2.1, §2.2): which batch comes after one, and what is in it, with its signature, URL and hash verified. A reader keeps nothing; where we are
 * is the caller's, by the name of the last batch.
 */
import type { Format, PeerConfig } from '../peer.ts';
import type { InboundKey } from '../inbound.ts';
import { readAtMost } from '../bounded.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { sha256 } from '../../../protocol/primitives/hash.ts';
import { err, ok, type Result } from '../../../protocol/primitives/result.ts';

/** With which a peer signs. */
export interface PeerKey {
  readonly keyId: string;
  readonly keyVersion: string;
  /** SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
}

export interface ReadPorts {
  readonly config: PeerConfig;
  /** Ours: a partial feed is the one that is named after us. */
  readonly homeCountry: string;
  /** When a batch was read last, Unix seconds; null: none, or so long ago that it isn't remembered. */
  readonly lastRead: number | null;
  /** Two at most. */
  readonly keys: readonly PeerKey[];
  /** Unix seconds. */
  readonly now: () => number;
  /** Shows our client certificate, and ends by itself: its deadline holds for the answer's body too. */
  readonly fetch: (asked: Request) => Promise<Response>;
  /** `crypto.subtle` of the platform. */
  readonly subtle: SubtleCrypto;
}

/** Why a feed could not be read further. Nothing is lost by it: the same batch is asked for again. */
export interface ReadFault {
  /**
   * network: no answer, or not a whole one. status: an answer that says no. signature: not signed by the peer, for this URL, now. format: signed, and no batch. rewound: the feed ends before what we had. gap: a batch that
   * the feed says it has isn't there.
   */
  readonly kind: 'network' | 'status' | 'signature' | 'format' | 'rewound' | 'gap';
  /** For an operator; of the peer nothing but what it is expected to be. */
  readonly what: string;
}

/** One batch, believed to be the peer's. */
export interface ReadBatch {
  /** The format's name of it, for good. */
  readonly id: string;
  /** SHA-256 of what was signed, 64 lowercase hex digits. */
  readonly sha256: string;
  /** How many there are at most. */
  readonly count: number;
  /** In their order, each read as it is asked for; not judged yet. */
  readonly keys: Iterable<InboundKey>;
  /** So many are in it, more than are read: `keys` is empty, and the batch is beyond every limit. */
  readonly tooMany?: number;
}

/** What follows the last batch: null when there is nothing yet. */
export interface Following {
  readonly batch: ReadBatch | null;
  /** Unix seconds; null: the peer recommends nothing. */
  readonly recommendedNextPollTime: number | null;
  /** Batches between the last one and this had their time while we were away, and nobody has them any more. */
  readonly hasGap?: boolean;
}

/** One format. */
export interface FeedReader {
  /** @param last id of the last batch that was imported or set aside; null before the first */
  following(last: string | null, ports: ReadPorts): Promise<Result<Following, ReadFault>>;
  /** @returns the batch again, when its signature still holds */
  batch(id: string, ports: ReadPorts): Promise<Result<ReadBatch, ReadFault>>;
}

/** Formats that are read batch by batch; a gateway has steps of its own (efgs/ports.ts). */
export type ReadFormat = Exclude<Format, 'efgs'>;

/** An answer, whole. */
export interface Got {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/**
 * @param path below the peer's address, with its slash
 * @param limit bytes of the body
 * @returns the answer of a 200, or of a 404 without looking at its body; or why there is none
 */
export async function get(ports: ReadPorts, path: string, limit: number): Promise<Result<Got, ReadFault>> {
  const url = `${ports.config.RemoteRegionURL}${path}`;
  let got: Got;
  try {
    const came = await ports.fetch(new Request(url, { redirect: 'manual' }));
    if (came.status !== 200) await came.body?.cancel();
    const body = came.status === 200 ? await readAtMost(came, limit) : new Uint8Array(0);
    if (body === null) return err({ kind: 'format', what: `more than ${limit} bytes` });
    got = { url, status: came.status, headers: came.headers, body };
  } catch {
    // The connection or its deadline: asked again another time.
    return err({ kind: 'network', what: 'no answer' });
  }
  return got.status === 200 || got.status === 404 ? ok(got) : err({ kind: 'status', what: String(got.status) });
}

/** @returns the name of what was signed */
export const nameOf = (bytes: Uint8Array): string => toHex(sha256(bytes));
