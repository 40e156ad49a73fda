/** @module What a backend says, and what whoever runs it has it do beside what anybody can over the wire: types alone. */

/** poll: its consumer asks whoever is due. peers: how it stands with each. round: all that its crons do. tamper: an object of its bucket of feeds is altered. */
export type Order =
  | { readonly kind: 'poll' | 'peers' | 'round' }
  | { readonly kind: 'tamper'; readonly object: string };

/** What is read here of a desk's status (durable-objects/peer-desk/contract.ts). */
export interface PeerStatus {
  readonly config: { readonly RegionID: string };
  readonly state: { readonly lastBatchID: string | null; readonly breaker: string | null };
  /** Unix seconds; null before the first poll. */
  readonly nextPoll: number | null;
  /** Why the last poll failed. */
  readonly fault: string | null;
  readonly batches: readonly {
    readonly batch: string;
    readonly state: 'imported' | 'quarantined' | 'discarded';
    readonly imported: number;
    /** Keys that broke a rule, by its name. */
    readonly dropped: Readonly<Record<string, number>>;
  }[];
}

/** What it says when it answers. */
export interface Ready {
  /** Of the local edge. */
  readonly url: string;
  /** Of its TLS front. */
  readonly feedUrl: string;
  /** SPKI, what phones pin. */
  readonly publicPem: string;
  readonly manifestPem: string;
}

/** A request of a peer that was answered. */
export interface Answered {
  readonly path: string;
  readonly status: number;
}
