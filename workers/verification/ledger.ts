/**
 * @module The ledger as the entrypoints see it: TANs in, keyed hashes out to one object (docs/decisions/012).
 */
import type { IssuedCertificate, TanLedger } from '../../durable-objects/tan-ledger/tan-ledger-do.ts';
import { keptDigest, tanHash } from '../../domain/tan-hash.ts';
import { composeTan, lastDayOfTan, TAN_UNPREDICTABLE_BYTES } from '../../domain/tan.ts';
import type { ReserveReply, ReserveRequest } from '../../domain/rpc.ts';
import type { TanStatus } from '../../domain/session.ts';
import { isCertificateName } from '../../protocol/publish/certificate.ts';
import type { VerificationConfig, VerificationEnv } from './bindings.ts';

/** One call issues at most so many: 1,000 rows are written within a few milliseconds. */
const MAX_TANS_PER_CALL = 1_000;

const HASH = /^[0-9a-f]{64}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What comes from another Worker is no more trusted than what comes from a phone. */
function checked(request: ReserveRequest): ReserveRequest {
  const { digest, reservationId, idCommitment, payloadCommitment } = request;
  const hashes = [digest, idCommitment, payloadCommitment].every((text) => typeof text === 'string' && HASH.test(text));
  if (!hashes || typeof reservationId !== 'string' || !UUID.test(reservationId)) {
    throw new RangeError('reserve: three hashes and a UUID in lowercase hex are expected');
  }
  return request;
}

/**
 * A copy: the runtime hangs a disposer on an RPC's result, and would hand that on, so that this call stayed open until the caller's garbage is
 * collected.
 */
function copied(answered: ReserveReply): ReserveReply {
  const reply = { ...answered };
  return reply.kind === 'reserved' ? { ...reply, permit: { ...reply.permit } } : reply;
}

/** Everything the entrypoints of `verification` do with TANs. */
export class Ledger {
  readonly #namespace: VerificationEnv['TAN_LEDGER'];
  readonly #config: VerificationConfig;

  /** @param env bindings @param config parsed variables */
  constructor(env: VerificationEnv, config: VerificationConfig) {
    this.#namespace = env.TAN_LEDGER;
    this.#config = config;
  }

  /** See `RedeemRpc.reserve`. @throws RangeError when a field has not the form that domain/rpc.ts gives it */
  async reserve(tan: string, request: ReserveRequest): Promise<ReserveReply> {
    // Who hasn't the certificate itself, which is verified each time, has nothing.
    if (isCertificateName(tan)) return { kind: 'unknown' };
    return copied(await this.#object.reserve(this.#hash(tan), this.#kept(tan, request), this.#config.leaseSeconds));
  }

  /**
   * See `RedeemRpc.reserveCertificate`.
   *
   * @param name of a certificate that was verified
   * @param issued what its first use writes
   * @throws RangeError as {@link reserve}
   */
  async reserveCertificate(name: string, issued: IssuedCertificate, request: ReserveRequest): Promise<ReserveReply> {
    const kept = this.#kept(name, request);
    return copied(await this.#object.reserveCertificate(this.#hash(name), issued, kept, this.#config.leaseSeconds));
  }

  /** See `RedeemRpc.commit`. */
  async commit(tan: string, reservationId: string): Promise<void> {
    await this.#object.commit(this.#hash(tan), reservationId, isCertificateName(tan));
  }

  /** See `RedeemRpc.release`. */
  async release(tan: string, reservationId: string, receipt: string): Promise<void> {
    await this.#object.release(this.#hash(tan), reservationId, receipt);
  }

  /**
   * Makes new TANs and records their hashes; resolves when all are durable.
   *
   * @param count 1..1000
   * @param issueId of who has them issued
   * @returns the TANs, which exist nowhere else
   * @throws RangeError when `count` is out of range
   */
  async issue(count: number, issueId: string | null): Promise<readonly string[]> {
    if (!Number.isInteger(count) || count < 1 || count > MAX_TANS_PER_CALL) {
      throw new RangeError(`count: an integer 1..${MAX_TANS_PER_CALL} is expected, got ${count}`);
    }
    // The object has the clock; it is asked for the last day, since a TAN is made before it is recorded.
    const lastDay = lastDayOfTan(await this.#object.endOfTan(this.#config.tanLifetimeSeconds));
    const tans = Array.from({ length: count }, () =>
      composeTan(crypto.getRandomValues(new Uint8Array(TAN_UNPREDICTABLE_BYTES)), lastDay, this.#config.tanMacKey),
    );
    await this.record(tans, issueId);
    return tans;
  }

  /**
   * Records TANs made elsewhere (derived from a session); one that is there already keeps its row.
   *
   * @param issueId of who vouched for the session, or null
   */
  async record(tans: readonly string[], issueId: string | null): Promise<void> {
    const lifetimeSeconds = this.#config.tanLifetimeSeconds;
    await this.#object.issue({ hashes: tans.map((tan) => this.#hash(tan)), issueId, lifetimeSeconds });
  }

  /** @returns what became of a TAN, as far as the ledger remembers */
  async status(tan: string): Promise<TanStatus> {
    return this.#object.status(this.#hash(tan));
  }

  /** Ends a TAN that was recorded and given to nobody. */
  async withdraw(tan: string): Promise<void> {
    await this.#object.withdraw(this.#hash(tan));
  }

  /** Ends the TANs of these issue ids that are not committed. */
  async withdrawIssues(issueIds: readonly string[]): Promise<void> {
    await this.#object.withdrawIssues(issueIds);
  }

  /** Deletes what has to be gone by now. @returns how many TANs were forgotten */
  async forgetExpired(): Promise<number> {
    return this.#object.forgetExpired();
  }

  #kept(tan: string, request: ReserveRequest): ReserveRequest {
    const { digest, reservationId, idCommitment, payloadCommitment } = checked(request);
    return { digest: keptDigest(this.#config.tanHashKey, tan, digest), reservationId, idCommitment, payloadCommitment };
  }

  #hash(tan: string): string {
    return tanHash(this.#config.tanHashKey, tan);
  }

  get #object(): DurableObjectStub<TanLedger> {
    return this.#namespace.getByName('ledger');
  }
}
