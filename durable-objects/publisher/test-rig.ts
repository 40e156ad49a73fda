/**
 * @module Drives the real objects of `origin` in a test: its own clock and chunk policy, buckets that can refuse, eviction
 * between any two steps. Nothing of the platform is replaced.
 */
import { evictAllDurableObjects, reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { DEFAULT_CHUNK_POLICY, type ChunkPolicy } from '../../domain/chunk-policy.ts';
import { packBatch } from '../../domain/federation/packed-batch.ts';
import type { ImportReply } from '../../domain/rpc-federation.ts';
import { packUpload } from '../../domain/packed-upload.ts';
import type { AcceptedKey } from '../../domain/keys/uploaded.ts';
import type { AcceptedUpload } from '../../domain/rpc.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { concatBytes, fromUtf8, toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { WITHDRAWAL_HASH_BYTES } from '../../protocol/withdrawal.ts';
import { HourKeys } from '../submission-buffer/hour-keys.ts';
import { TAG_BYTES } from '../submission-buffer/row-cipher.ts';
import type { Acceptance } from '../submission-buffer/contract.ts';
import type { SubmissionBuffer } from '../submission-buffer/submission-buffer-do.ts';
import { r2Bucket, type BucketPort } from './bucket.ts';
import type { Publisher } from './publisher-do.ts';

interface TestEnv {
  readonly SUBMISSION_BUFFER: DurableObjectNamespace<SubmissionBuffer>;
  readonly PUBLISHER: DurableObjectNamespace<Publisher>;
  readonly PUBLIC: R2Bucket;
  readonly PRIVATE: R2Bucket;
  readonly FEEDS: R2Bucket;
}
export const testEnv = env as unknown as TestEnv;

/** 2026-06-15T00:00:00Z, a Monday. */
export const DAY_0 = 20_619;
export const MIDNIGHT = DAY_0 * 86_400;

/** Where peers read. */
export const FEED_URL = 'https://feeds.example';

/** Publishes every hour whatever it has, as the first demo does. */
const OPEN_POLICY: ChunkPolicy = { ...DEFAULT_CHUNK_POLICY, minKeys: 0, minUploads: 0, reserveUploads: 0 };

/** What the protected members of the objects look like from a test. */
interface Tunable {
  clock: () => number;
  secondClock: () => Promise<number>;
  config: { policy: ChunkPolicy; regions: readonly string[]; feeds: readonly string[]; feedUrl: string };
  bucket: (binding: R2Bucket, onCall: () => void) => BucketPort;
}

export class Rig {
  now = MIDNIGHT + 10 * 3600;
  /** What the second source of time says; null: the same. */
  second: number | null | 'out of reach' = null;
  policy = OPEN_POLICY;
  /** Feeds that peers read. */
  feeds: readonly string[] = [];
  /** That are published; null: those of the environment. */
  regions: readonly string[] | null = null;
  /** Called before each put of either bucket; what it throws, R2 "throws". */
  onPut: (key: string) => void = () => {};
  /** Called after each put; a throw is a crash between the object and the step's own row. */
  afterPut: (key: string) => void = () => {};
  /** Whole objects that the publisher has read at once, at most. */
  mostReads = 0;
  /** The publisher was killed: until it is evicted, nothing that it tries reaches R2. */
  dead = false;
  /** While it is set, no call of the publisher reaches the buffer. */
  bufferDown = false;
  readonly buffer = testEnv.SUBMISSION_BUFFER.getByName('buffer');
  readonly publisher = testEnv.PUBLISHER.getByName('publisher');

  #drawn = 0;
  /** Decoys are the same in each run: a test that meets the rare draw fails always or never. */
  readonly #random = (n: number): Uint8Array => sha256(utf8(`decoys ${(this.#drawn += 1)}`)).subarray(0, n);

  static async create(): Promise<Rig> {
    await reset();
    // After a story of a thousand objects and more, `reset` leaves a bucket as it is.
    for (const bucket of [testEnv.PUBLIC, testEnv.PRIVATE, testEnv.FEEDS].map((binding) => r2Bucket(binding))) {
      await bucket.delete(await bucket.list(''));
    }
    return new Rig();
  }

  async accept(
    uploadId: string,
    keys: readonly AcceptedKey[],
    regions = ['DE'],
    change: Partial<AcceptedUpload> = {},
  ): Promise<Acceptance> {
    // A hash that is a function of the key, unless the test gives one or null: records are then the same in each run.
    const own = keys.map((key) => ({ withdrawalHash: sha256(key.keyData).subarray(0, WITHDRAWAL_HASH_BYTES), ...key }));
    const base = { keys: own, regions, consentToFederation: true, origin: 'DE', issueId: null };
    const upload: AcceptedUpload = { ...base, ...change };
    await this.tuneBuffer();
    try {
      return await this.buffer.accept(uploadId, packUpload(upload));
    } finally {
      await this.inBuffer((_sql, { storage }) => storage.deleteAlarm());
    }
  }

  /** As `federation` hands a peer's batch on. @param revoked keys that the peer takes back */
  async importBatch(
    peer: string,
    batch: string,
    keys: readonly TemporaryExposureKey[],
    revoked: readonly Uint8Array[] = [],
  ): Promise<ImportReply> {
    await this.tuneBuffer();
    try {
      return await this.buffer.importBatch(
        packBatch({ peer, batch, sha256: toHex(sha256(utf8(JSON.stringify([keys, revoked])))), keys, revoked }),
      );
    } finally {
      await this.inBuffer((_sql, { storage }) => storage.deleteAlarm());
    }
  }

  /** One step of the publisher. */
  async advance(): Promise<{ readonly idle: boolean }> {
    await this.tuneBuffer();
    return this.inPublisher((publisher) => publisher.advance());
  }

  /** All that is due: by the alarm's way, which arms once in many steps, then a last step as an operator's. */
  async untilIdle(limit = 50): Promise<void> {
    await this.tuneBuffer();
    await this.inPublisher(async (publisher) => {
      for (let wakes = 0; wakes < limit; wakes++) {
        await publisher.wake();
        if ((await publisher.advance()).idle) return;
      }
      throw new Error(`not idle after ${limit} wakes`);
    });
  }

  /** Runs in the publisher with the rig's clock, policy and buckets; its alarm can't interfere afterwards. */
  async inPublisher<T>(body: (publisher: Publisher) => Promise<T>): Promise<T> {
    const outcome = runInDurableObject(this.publisher, async (publisher, state) => {
      this.#tune(publisher);
      const down = () => Promise.reject(new Error('out of reach'));
      const buffer = {
        firstHour: down,
        freeze: down,
        page: down,
        purge: down,
        expire: down,
        withdrawals: down,
        withdrawn: down,
        drops: down,
      };
      Object.assign(publisher, { bucket: (binding: R2Bucket, onCall: () => void) => this.#bucket(binding, onCall) });
      if (this.bufferDown) Object.assign(publisher, { buffer: () => buffer });
      else delete (publisher as unknown as Record<string, unknown>)['buffer'];
      try {
        return await body(publisher);
      } finally {
        await state.storage.deleteAlarm();
      }
    });
    try {
      return await outcome;
    } finally {
      await this.inBuffer((_sql, { storage }) => storage.deleteAlarm());
    }
  }

  async inBuffer<T>(body: (sql: SqlStorage, state: DurableObjectState) => T | Promise<T>): Promise<T> {
    return runInDurableObject(this.buffer, async (_buffer, state) => body(state.storage.sql, state));
  }

  /** Rewrites the row of a key as somebody could who has its key (submission-buffer/row-cipher.ts). */
  async damageRow(hour: number, keyData: Uint8Array, change: (row: Uint8Array) => void): Promise<void> {
    const keys = new HourKeys(
      () => r2Bucket(testEnv.PRIVATE),
      () => new Uint8Array(0),
    );
    await keys.ready(this.now);
    const cipher = keys.cipher(hour)!;
    const tag = cipher.tags(keyData).slice();
    await this.inBuffer((sql) => {
      const { sealed } = sql.exec<{ sealed: ArrayBuffer }>('SELECT sealed FROM waiting_row WHERE tag = ?', tag).one();
      const row = cipher.open(concatBytes(tag, new Uint8Array(sealed))).slice();
      change(row);
      cipher.seal(row);
      sql.exec('UPDATE waiting_row SET sealed = ? WHERE tag = ?', row.slice(TAG_BYTES), tag);
    });
  }

  /** Changes the buffer object as it is in memory. */
  async inBufferObject(body: (buffer: SubmissionBuffer) => void): Promise<void> {
    await this.tuneBuffer();
    await runInDurableObject(this.buffer, (buffer) => body(buffer));
  }

  /** What the buffer's alarm does, on the rig's clock. */
  async wakeBuffer(): Promise<void> {
    await this.tuneBuffer();
    await runInDurableObject(this.buffer, async (buffer, { storage }) => {
      await buffer.alarm();
      await storage.deleteAlarm();
    });
  }

  async inPublisherStorage<T>(body: (sql: SqlStorage) => T): Promise<T> {
    return runInDurableObject(this.publisher, (_publisher, state) => body(state.storage.sql));
  }

  async evict(): Promise<void> {
    this.dead = false;
    await evictAllDurableObjects();
  }

  /** Hands the rig's clock, policy and randomness to the buffer; what calls it does so itself. */
  async tuneBuffer(): Promise<void> {
    await runInDurableObject(this.buffer, (buffer) => {
      this.#tune(buffer);
      Object.assign(buffer, { random: this.#random });
    });
  }

  #tune(object: unknown): void {
    const tunable = object as Tunable;
    tunable.clock = () => this.now;
    tunable.secondClock = async () => {
      if (this.second === 'out of reach') throw new Error('out of reach');
      return this.second ?? this.now;
    };
    const { config } = tunable;
    const regions = this.regions ?? config.regions;
    tunable.config = { ...config, policy: this.policy, regions, feeds: this.feeds, feedUrl: FEED_URL };
  }

  #bucket(binding: R2Bucket, onCall: () => void): BucketPort {
    const port = r2Bucket(binding, () => {
      if (this.dead) throw new Error('killed');
      onCall();
    });
    let reads = 0;
    return {
      ...port,
      get: async (key) => {
        reads += 1;
        this.mostReads = Math.max(this.mostReads, reads);
        return port.get(key).finally(() => (reads -= 1));
      },
      put: async (key, bytes, meta, etag) => {
        this.onPut(key);
        const stored = await port.put(key, bytes, meta, etag);
        this.afterPut(key);
        if (this.dead) throw new Error('killed');
        return stored;
      },
    };
  }
}

/** @returns `n` keys of full days, deterministic: the upload number makes them differ */
export function keysOf(upload: number, n: number, firstDay = DAY_0 - 1): TemporaryExposureKey[] {
  return Array.from({ length: n }, (_, age) => ({
    keyData: keyBytes(upload, age),
    transmissionRiskLevel: 3 + ((upload + age) % 6),
    rollingStartIntervalNumber: (firstDay - age) * 144,
    rollingPeriod: 144,
    reportType: REPORT_TYPE.CONFIRMED_TEST,
    daysSinceOnsetOfSymptoms: 1 + (age % 2),
  }));
}

function keyBytes(upload: number, age: number): Uint8Array {
  const bytes = new Uint8Array(16);
  let state = (upload * 2654435761 + age * 40503 + 1) >>> 0;
  for (let i = 0; i < 16; i++) {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917 + i) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** @returns every object of a bucket by key */
export async function objects(bucket: R2Bucket): Promise<Map<string, Uint8Array>> {
  const all = new Map<string, Uint8Array>();
  for (const key of await r2Bucket(bucket).list('')) {
    const object = await bucket.get(key);
    if (object !== null) all.set(key, new Uint8Array(await object.arrayBuffer()));
  }
  return all;
}

/** @returns an object of the public bucket as JSON */
export async function publicJson(key: string): Promise<unknown> {
  const object = await testEnv.PUBLIC.get(key);
  if (object === null) throw new Error(`${key} is missing`);
  return JSON.parse(fromUtf8(new Uint8Array(await object.arrayBuffer())));
}
