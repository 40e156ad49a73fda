/** @module A desk for tests: the real object in real storage, whose peer is in memory (test/support/peer-feed.ts) and whose `origin` is a map that forgets nothing. */
import { reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { PeerConfig } from '../../domain/federation/peer.ts';
import type { ExchangeRpc, ImportReply, PeerBatch } from '../../domain/rpc-federation.ts';
import { SORT_BYTES, TEK_OFFSET } from '../../domain/publication/packed-keys.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { testKeyPem } from './secrets.ts';
import { PEER_URL, PeerFeed } from './peer-feed.ts';
import type { DeskStatus } from '../../durable-objects/peer-desk/contract.ts';
import type { PeerDesk } from '../../durable-objects/peer-desk/peer-desk-do.ts';

const testEnv = env as unknown as { readonly PEER_DESK: DurableObjectNamespace<PeerDesk> };
/** 2026-06-15T12:05:00Z */
export const NOON = 20_619 * 86_400 + 43_500;

interface Tunable {
  clock: () => number;
  secondClock: () => Promise<number>;
  peerFetch: (config: PeerConfig) => (asked: Request) => Promise<Response>;
  exchange: () => ExchangeRpc;
}

/** What `origin` would have: keys by batch. */
class MapOrigin implements ExchangeRpc {
  readonly batches = new Map<
    string,
    { readonly sha256: string; readonly keys: readonly string[]; readonly revoked: readonly string[] }
  >();
  calls = 0;
  /** Regions that it takes no keys of. */
  readonly refuses = new Set<string>();
  /** Called before anything is kept; a throw is an `origin` out of reach. */
  before: (batch: PeerBatch) => void = () => {};
  /** Called when it is kept; a throw is a crash before the desk hears of it. */
  after: (batch: PeerBatch) => void = () => {};

  async importBatch(batch: PeerBatch): Promise<ImportReply> {
    this.calls += 1;
    this.before(batch);
    if (this.refuses.has(batch.peer)) return { kind: 'refused' };
    const name = `${batch.peer} ${batch.batch}`;
    const had = this.batches.get(name);
    if (had !== undefined && had.sha256 !== batch.sha256) return { kind: 'conflict' };
    const hex = (bytes: Uint8Array, size: number, offset: number): string[] =>
      Array.from({ length: bytes.length / size }, (_, n) =>
        toHex(bytes.subarray(n * size + offset, n * size + offset + 16)),
      );
    const [keys, revoked] = [hex(batch.keys, SORT_BYTES, TEK_OFFSET), hex(batch.revoked, 16, 0)];
    if (had === undefined) this.batches.set(name, { sha256: batch.sha256, keys, revoked });
    this.after(batch);
    const counts = { imported: keys.length, left: 0, revoked: revoked.length, strange: 0 };
    return { kind: had === undefined ? 'imported' : 'known', counts };
  }

  /** All keys, in the order they came. */
  get keys(): string[] {
    return [...this.batches.values()].flatMap(({ keys }) => keys);
  }
}

export class DeskRig {
  now = NOON;
  config: PeerConfig;
  readonly feed: PeerFeed;
  readonly origin = new MapOrigin();
  readonly desk: DurableObjectStub<PeerDesk>;
  readonly #region: string;
  /** Whoever answers in place of the feed. */
  ask: ((asked: Request) => Promise<Response>) | null = null;
  /** Other variables of the Worker. */
  vars: Readonly<Record<string, unknown>> = {};

  private constructor(region: string) {
    this.#region = region;
    this.desk = testEnv.PEER_DESK.getByName(region);
    this.feed = new PeerFeed(region, testKeyPem('peer of tests'), this.now);
    this.config = {
      RegionID: region,
      RemoteRegionURL: PEER_URL,
      ReplicationType: 'a2a',
      Format: 'exposure-edge',
      VerificationKeys: [this.feed.verificationKey],
      TLSConsumerCertificate: 'PEER_CERTIFICATE',
    };
  }

  static async create(): Promise<DeskRig> {
    await reset();
    return new DeskRig('NL');
  }

  /** @returns the desk of another peer, in the same deployment */
  static async beside({ now }: DeskRig, region: string): Promise<DeskRig> {
    const other = new DeskRig(region);
    other.now = now;
    return other;
  }

  /** Runs in the desk, its peer, `origin` and clock in place; its alarm can't interfere afterwards. */
  async inDesk<T>(body: (desk: PeerDesk) => Promise<T>): Promise<T> {
    this.feed.now = this.now;
    return runInDurableObject(this.desk, async (desk, state) => {
      const tuned: Tunable = {
        clock: () => this.now,
        secondClock: async () => this.now,
        peerFetch: () => this.ask ?? this.feed.fetch,
        exchange: () => this.origin,
      };
      Object.assign(desk, tuned);
      Object.assign((desk as unknown as { readonly variables: object }).variables, {
        PEERS: JSON.stringify([this.config]),
        ...this.vars,
      });
      try {
        return await body(desk);
      } finally {
        await state.storage.deleteAlarm();
      }
    });
  }

  /** A poll that is due, and what follows it at once. @returns what the desk says then */
  async poll(seconds = 3660): Promise<DeskStatus> {
    this.now += seconds;
    return this.inDesk(async (desk) => {
      for (let n = 0; n < 50; n++) {
        const { idle } = await desk.advance(this.#region);
        if (idle) break;
        this.now += 2;
        this.feed.now = this.now;
      }
      return desk.status(this.#region);
    });
  }

  async status(): Promise<DeskStatus> {
    return this.inDesk((desk) => desk.status(this.#region));
  }
}
