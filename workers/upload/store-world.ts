/**
 * @module For tests of the retry protocol alone: verification and origin as plain memory, on the real state machine of
 * domain/reservation.ts and the real permits of domain/intake-permit.ts, with a saboteur on the wire that makes any call
 * fail before or after its effect.
 */
import { commitToId, deathReceipt, permits, provesDeath, signPermit } from '../../domain/intake-permit.ts';
import { unpackUpload, type PackedUpload } from '../../domain/packed-upload.ts';
import { commit, release, reserve, type TanRow } from '../../domain/reservation.ts';
import type {
  AcceptReply,
  IntakePermit,
  RedeemRpc,
  ReserveReply,
  ReserveRequest,
  ResolveReply,
} from '../../domain/rpc.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { NO_AUTHORITIES } from '../../protocol/publish/authorities.ts';
import type { StorePorts } from './store.ts';

/** One failure: the n-th call (from 0) throws, before it did anything or when it had done all. */
export interface Crash {
  readonly call: number;
  readonly when: 'before' | 'after';
}

export const TAN = 'the-tan';
/** 2020-11-25T12:00:00Z */
export const START = 1_606_305_600;
export const LEASE_SECONDS = 60;

const PERMIT_KEY = new Uint8Array(32).fill(1);
const UPLOAD_ID_KEY = new Uint8Array(32).fill(2);

/** What both neighbours remember. */
export class World {
  now = START;
  tan: TanRow = { state: 'issued', issueId: 'cards-1', expiresAt: START + 86_400 };
  /** Upload id → hex of its keys. */
  readonly stored = new Map<string, readonly string[]>();
  readonly dead = new Set<string>();
  readonly knownKeys = new Set<string>();
  /** Names of the calls of the last attempt, in order. */
  calls: string[] = [];

  /** Hex of every key that is durable, once for each time it was stored. */
  get durableKeys(): string[] {
    return [...this.stored.values()].flat().toSorted();
  }

  /**
   * The neighbours as one attempt sees them.
   *
   * @param crash which call fails, if any
   * @param pause awaited before and after each effect, so that a scheduler can put other attempts in between
   */
  ports(crash: Crash | null = null, pause: () => Promise<unknown> = async () => undefined): StorePorts {
    const calls: string[] = [];
    this.calls = calls;
    const over = async <T>(name: string, effect: () => T): Promise<T> => {
      const index = calls.push(name) - 1;
      const fails = (when: Crash['when']) => crash?.call === index && crash.when === when;
      await pause();
      if (fails('before')) throw new Error(`${name} was not reached`);
      const reply = effect();
      await pause();
      if (fails('after')) throw new Error(`the reply of ${name} was lost`);
      return reply;
    };
    return {
      now: () => this.now,
      uploadIdKey: UPLOAD_ID_KEY,
      supportedCountries: async () => ['DE'],
      redeem: {
        reserve: (_tan, request) => over('reserve', () => this.#reserve(request)),
        reserveCertificate: (_jwt, request) => over('reserve', () => this.#reserve(request)),
        commit: (_tan, id) => over('commit', () => void (this.tan = commit(this.tan, id) ?? this.tan)),
        release: (_tan, id, receipt) => over('release', () => this.#release(id, receipt)),
      } satisfies RedeemRpc,
      intake: {
        accept: (uploadId, upload, permit) => over('accept', () => this.#accept(uploadId, upload, permit)),
        resolve: (uploadId, idNonce) => over('resolve', () => this.#resolve(uploadId, idNonce)),
        policy: async () => ({ version: 1, supportedCountries: ['DE'], ended: false, authorities: NO_AUTHORITIES }),
        withdraw: async () => 'heard',
        known: (keys) =>
          over('known', () => keys.map(({ keyData }) => (this.knownKeys.has(toHex(keyData)) ? 'known' : 'new'))),
      },
    };
  }

  #reserve(request: ReserveRequest): ReserveReply {
    const { reply, write } = reserve(this.tan, { ...request, now: this.now, leaseSeconds: LEASE_SECONDS });
    this.tan = write ?? this.tan;
    if (reply.kind !== 'reserved') return reply;
    const { kind, reservationId, issueId, idCommitment } = reply;
    const hour = hourOf(this.now);
    const facts = { hour, idCommitment, payloadCommitment: request.payloadCommitment, issueId };
    return { kind, reservationId, issueId, permit: { hour, mac: signPermit(PERMIT_KEY, facts) } };
  }

  #release(reservationId: string, receipt: string): void {
    const proven = (idCommitment: string) => provesDeath(PERMIT_KEY, idCommitment, receipt);
    this.tan = release(this.tan, reservationId, proven) ?? this.tan;
  }

  #accept(uploadId: string, packed: PackedUpload, permit: IntakePermit): AcceptReply {
    const upload = unpackUpload(packed);
    if (upload === null || !permits(PERMIT_KEY, hourOf(this.now), uploadId, upload, permit)) return { kind: 'refused' };
    const receipt = deathReceipt(PERMIT_KEY, commitToId({ uploadId, idNonce: permit.idNonce }));
    if (this.dead.has(uploadId)) return { kind: 'tombstone', receipt };
    if (this.stored.has(uploadId)) return { kind: 'stored' };
    const fresh = upload.keys.map(({ keyData }) => toHex(keyData)).filter((key) => !this.knownKeys.has(key));
    if (fresh.length === 0) {
      this.dead.add(uploadId);
      return { kind: 'known', receipt };
    }
    for (const key of fresh) this.knownKeys.add(key);
    this.stored.set(uploadId, fresh);
    return { kind: 'stored' };
  }

  #resolve(uploadId: string, idNonce: string): ResolveReply {
    if (this.stored.has(uploadId)) return { kind: 'stored' };
    this.dead.add(uploadId);
    return { kind: 'tombstone', receipt: deathReceipt(PERMIT_KEY, commitToId({ uploadId, idNonce })) };
  }
}
