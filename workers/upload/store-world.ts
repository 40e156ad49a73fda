/**
 * @module For tests of the retry protocol alone: verification and origin as plain memory, on the real state machine of
 * domain/reservation.ts and the real permits of domain/intake-permit.ts, with a saboteur on the wire that makes any call
 * fail before or after its effect. A certificate is any text with a dot here, and a revision token is the list of keys that it is for.
 */
import { decodeJwt } from 'jose';
import { commitToId, deathReceipt, permits, provesDeath, signPermit } from '../../domain/intake-permit.ts';
import { unpackUpload, type PackedUpload } from '../../domain/packed-upload.ts';
import type { PublishedPolicy } from '../../domain/keys/regions.ts';
import { commit, release, reserve, type TanRow } from '../../domain/reservation.ts';
import type { Certified, Published, PublishPart } from '../../domain/rpc-publish.ts';
import type {
  AcceptReply,
  IntakePermit,
  RedeemRpc,
  ReserveReply,
  ReserveRequest,
  ResolveReply,
} from '../../domain/rpc.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { fromUtf8, toBase64, toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { keyRing } from '../../protocol/primitives/key-ring.ts';
import { NO_AUTHORITIES, type Authorities } from '../../protocol/publish/authorities.ts';
import { certificateName } from '../../protocol/publish/certificate.ts';
import type { TanUploadPorts } from './cwa/tan-upload.ts';

/** One failure: the n-th call (from 0) throws, before it did anything or when it had done all. */
export interface Crash {
  readonly call: number;
  readonly when: 'before' | 'after';
}

export const TAN = 'the-tan';
/** 2020-11-25T12:00:00Z */
export const START = 1_606_305_600;
export const LEASE_SECONDS = 60;
/** What every certificate here says, as far as it goes into the permit. */
const CERTIFIED = { authorityId: 'health-de', reportType: 'confirmed' } as const;
/** @returns what goes into the permit of a certificate; what isn't one at all, as texts of the retry protocol's tests aren't, ends in 15 minutes */
function certifiedBy(jwt: string): Certified {
  try {
    return { ...CERTIFIED, expiresAt: Number(decodeJwt(jwt).exp) };
  } catch {
    return { ...CERTIFIED, expiresAt: START + 900 };
  }
}
/** A certificate that nobody vouches for. */
export const FORGED = 'forged.';
/** @param jwt a certificate @returns what the ledger calls it */
export const nameOf = (jwt: string): string => certificateName(toHex(sha256(utf8(jwt.slice(0, jwt.lastIndexOf('.'))))));

const PERMIT_KEY = new Uint8Array(32).fill(1);
const UPLOAD_ID_KEYS = keyRing(toBase64(new Uint8Array(32).fill(2)), 'UPLOAD_ID_KEY');

/** What both neighbours remember. */
export class World {
  now = START;
  tan: TanRow = { state: 'issued', issueId: 'cards-1', expiresAt: START + 86_400 };
  /** Ledger name → row, made by the first `reserveCertificate`. */
  readonly certificates = new Map<string, TanRow>();
  /** Upload id → hex of its keys. */
  readonly stored = new Map<string, readonly string[]>();
  /** Upload id → what its phone was answered. */
  readonly published = new Map<string, Published>();
  readonly dead = new Set<string>();
  readonly knownKeys = new Set<string>();
  /** Whose certificates the policy says are good; null: `origin` doesn't answer. */
  authorities: Authorities | null = NO_AUTHORITIES;
  ended = false;
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
  ports(crash: Crash | null = null, pause: () => Promise<unknown> = async () => undefined): TanUploadPorts {
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
      uploadIdKeys: UPLOAD_ID_KEYS,
      supportedCountries: async () => ['DE'],
      redeem: {
        reserve: (tan, request) => over('reserve', () => this.#reserve(tan, request)),
        reserveCertificate: (jwt, request) => over('reserve', () => this.#reserveCertificate(jwt, request)),
        commit: (name, id) => over('commit', () => this.#write(name, commit(this.#row(name), id, name !== TAN))),
        release: (name, id, receipt) => over('release', () => this.#release(name, id, receipt)),
      } satisfies RedeemRpc,
      intake: {
        accept: (uploadId, upload, permit, publish) =>
          over('accept', () => this.#accept(uploadId, upload, permit, publish)),
        replayed: (uploadId) => over('replayed', () => this.published.get(uploadId) ?? null),
        resolve: (uploadId, idNonce) => over('resolve', () => this.#resolve(uploadId, idNonce)),
        policy: async () => this.#policy(),
        withdraw: async () => 'heard',
        known: (keys) =>
          over('known', () => keys.map(({ keyData }) => (this.knownKeys.has(toHex(keyData)) ? 'known' : 'new'))),
      },
    };
  }

  #policy(): PublishedPolicy {
    if (this.authorities === null) throw new Error('origin is away');
    return { version: 1, supportedCountries: ['DE', 'NL'], ended: this.ended, authorities: this.authorities };
  }

  #row = (name: string): TanRow | null => (name === TAN ? this.tan : (this.certificates.get(name) ?? null));

  #write(name: string, row: TanRow | null): void {
    if (row === null) return;
    if (name === TAN) this.tan = row;
    else this.certificates.set(name, row);
  }

  #reserveCertificate(jwt: string, request: ReserveRequest): ReserveReply {
    if (jwt === FORGED) return { kind: 'unknown' };
    const name = nameOf(jwt);
    const issued: TanRow = { state: 'issued', issueId: 'authority-1', expiresAt: START + 900 };
    this.#write(name, this.#row(name) ?? issued);
    return this.#reserve(name, request, certifiedBy(jwt));
  }

  #reserve(name: string, request: ReserveRequest, certified: Certified | null = null): ReserveReply {
    const { reply, write } = reserve(this.#row(name), { ...request, now: this.now, leaseSeconds: LEASE_SECONDS });
    this.#write(name, write);
    if (reply.kind !== 'reserved') return reply;
    const { kind, reservationId, issueId, idCommitment } = reply;
    const hour = hourOf(this.now);
    const facts = { hour, idCommitment, payloadCommitment: request.payloadCommitment, issueId, certified };
    return { kind, reservationId, idCommitment, issueId, permit: { hour, mac: signPermit(PERMIT_KEY, facts) } };
  }

  #release(name: string, reservationId: string, receipt: string): void {
    const proven = (idCommitment: string) => provesDeath(PERMIT_KEY, idCommitment, receipt);
    this.#write(name, release(this.#row(name), reservationId, proven));
  }

  #accept(uploadId: string, packed: PackedUpload, permit: IntakePermit, publish: PublishPart | undefined): AcceptReply {
    const upload = unpackUpload(packed);
    if (upload === null || !permits(PERMIT_KEY, hourOf(this.now), uploadId, upload, permit, publish ?? null))
      return { kind: 'refused' };
    const receipt = deathReceipt(PERMIT_KEY, commitToId({ uploadId, idNonce: permit.idNonce }));
    if (this.dead.has(uploadId)) return { kind: 'tombstone', receipt };
    if (this.stored.has(uploadId)) return { kind: 'stored', publish: this.published.get(uploadId) ?? null };
    const sent = upload.keys.map(({ keyData }) => toHex(keyData));
    const fresh = sent.filter((key) => !this.knownKeys.has(key));
    const named = fromUtf8(publish?.token ?? new Uint8Array());
    if (publish !== undefined && sent.some((key) => this.knownKeys.has(key) && !named.includes(key))) {
      this.dead.add(uploadId);
      return {
        kind: 'publish-refused',
        code: named === '' ? 'missing_revision_token' : 'invalid_revision_token',
        receipt,
      };
    }
    if (publish === undefined && fresh.length === 0) {
      this.dead.add(uploadId);
      return { kind: 'known', receipt };
    }
    for (const key of fresh) this.knownKeys.add(key);
    this.stored.set(uploadId, fresh);
    if (publish === undefined) return { kind: 'stored' };
    const token = utf8(sent.join());
    const answer = { inserted: fresh.length, revised: sent.length - fresh.length, token };
    this.published.set(uploadId, answer);
    return { kind: 'stored', publish: answer };
  }

  #resolve(uploadId: string, idNonce: string): ResolveReply {
    if (this.stored.has(uploadId)) return { kind: 'stored' };
    this.dead.add(uploadId);
    return { kind: 'tombstone', receipt: deathReceipt(PERMIT_KEY, commitToId({ uploadId, idNonce })) };
  }
}
