/**
 * @module For tests of the retry protocol alone: verification and origin as plain memory, on the real state machine of
 * domain/reservation.ts, with a saboteur on the wire that makes any call fail before or after its effect.
 */
import { commit, release, reserve, type TanRow } from '../../domain/reservation.ts';
import type { AcceptReply, IntakeRpc, RedeemRpc, ResolveReply } from '../../domain/rpc.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';

/** One failure: the n-th call (from 0) throws, before it did anything or when it had done all. */
export interface Crash {
  readonly call: number;
  readonly when: 'before' | 'after';
}

export const TAN = 'the-tan';
/** 2020-11-25T12:00:00Z */
export const START = 1_606_305_600;
export const LEASE_SECONDS = 60;

/** What both neighbours remember. */
export class World {
  now = START;
  tan: TanRow = { state: 'issued', codeBatchId: 'cards-1', expiresAt: START + 86_400 };
  /** Upload id → hex of its keys. */
  readonly stored = new Map<string, readonly string[]>();
  readonly dead = new Set<string>();
  readonly knownKeys = new Set<string>();
  /** Names of the calls of the last attempt, in order. */
  calls: string[] = [];
  #ids = 0;

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
  ports(
    crash: Crash | null = null,
    pause: () => Promise<unknown> = async () => undefined,
  ): {
    redeem: RedeemRpc;
    intake: IntakeRpc;
    now: () => number;
  } {
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
      redeem: {
        reserve: (_tan, digest) =>
          over('reserve', () => {
            const { reply, write } = reserve(this.tan, {
              digest,
              now: this.now,
              leaseSeconds: LEASE_SECONDS,
              newUploadId: () => `u${this.#ids++}`,
            });
            this.tan = write ?? this.tan;
            return reply;
          }),
        commit: (_tan, uploadId) => over('commit', () => void (this.tan = commit(this.tan, uploadId) ?? this.tan)),
        release: (_tan, uploadId) => over('release', () => void (this.tan = release(this.tan, uploadId) ?? this.tan)),
      },
      intake: {
        accept: (uploadId, upload) =>
          over('accept', () =>
            this.#accept(
              uploadId,
              upload.keys.map((k) => toHex(k.keyData)),
            ),
          ),
        resolve: (uploadId) => over('resolve', () => this.#resolve(uploadId)),
      },
    };
  }

  #accept(uploadId: string, keys: readonly string[]): AcceptReply {
    if (this.dead.has(uploadId)) return { kind: 'tombstone' };
    if (this.stored.has(uploadId)) return { kind: 'stored' };
    const fresh = keys.filter((key) => !this.knownKeys.has(key));
    if (fresh.length === 0) return { kind: 'known' };
    for (const key of fresh) this.knownKeys.add(key);
    this.stored.set(uploadId, fresh);
    return { kind: 'stored' };
  }

  #resolve(uploadId: string): ResolveReply {
    if (this.stored.has(uploadId)) return { kind: 'stored' };
    this.dead.add(uploadId);
    return { kind: 'tombstone' };
  }
}
