/**
 * @module The ledger as the entrypoints see it: TANs in, keyed hashes out to one object (docs/decisions/012).
 */
import type { IssuedCertificate, TanLedger } from '../../durable-objects/tan-ledger/tan-ledger-do.ts';
import type { TanNames } from '../../durable-objects/tan-ledger/tan-rows.ts';
import { keptDigest, tanHash } from '../../domain/tan-hash.ts';
import { composeTan, lastDayOfTan, TAN_UNPREDICTABLE_BYTES } from '../../domain/tan.ts';
import type { ReserveReply, ReserveRequest } from '../../domain/rpc.ts';
import type { TanStatus } from '../../domain/session.ts';
import { MAX_RING_KEYS } from '../../protocol/primitives/key-ring.ts';
import { isCertificateName } from '../../protocol/publish/certificate.ts';
import type { VerificationConfig, VerificationEnv } from './bindings.ts';

/** One call issues at most so many: 1,000 rows are written within a few milliseconds. */
const MAX_TANS_PER_CALL = 1_000;

const HASH = /^[0-9a-f]{64}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What comes from another Worker is no more trusted than what comes from a phone. */
function checked(request: ReserveRequest): ReserveRequest {
  const { digest, otherDigests = [], reservationId, idCommitment, payloadCommitment } = request;
  if (!Array.isArray(otherDigests) || otherDigests.length >= MAX_RING_KEYS) {
    throw new RangeError(`reserve: at most ${MAX_RING_KEYS - 1} other digests are expected`);
  }
  const hashes = [digest, idCommitment, payloadCommitment, ...otherDigests];
  const areGood = hashes.every((text) => typeof text === 'string' && HASH.test(text));
  if (!areGood || typeof reservationId !== 'string' || !UUID.test(reservationId)) {
    throw new RangeError(
      'reserve: three hashes and a UUID in lowercase hex are expected, and other digests like the first',
    );
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

/** One TAN of a session as each MAC key spells it, the one that makes first: only one of them is ever recorded (docs/rotation.md). */
export type Spellings = readonly [string, ...string[]];

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
    const [hash, ...others] = this.#names(tan);
    return copied(await this.#object.reserve(hash, this.#kept(tan, request), this.#config.leaseSeconds, others));
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
    const [hash, ...others] = this.#names(name);
    return copied(await this.#object.reserveCertificate(hash, issued, kept, this.#config.leaseSeconds, others));
  }

  /** See `RedeemRpc.commit`. */
  async commit(tan: string, reservationId: string): Promise<void> {
    const [hash, ...others] = this.#names(tan);
    await this.#object.commit(hash, reservationId, isCertificateName(tan), others);
  }

  /** See `RedeemRpc.release`. */
  async release(tan: string, reservationId: string, receipt: string): Promise<void> {
    const [hash, ...others] = this.#names(tan);
    await this.#object.release(hash, reservationId, receipt, others);
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
      composeTan(
        crypto.getRandomValues(new Uint8Array(TAN_UNPREDICTABLE_BYTES)),
        lastDay,
        this.#config.tanMacKeys.current,
      ),
    );
    const { tanLifetimeSeconds: lifetimeSeconds, tanHashKeys } = this.#config;
    const hashes = tans.map((tan) => tanHash(tanHashKeys.current, tan));
    await this.#object.issue({ hashes, issueId, lifetimeSeconds });
    return tans;
  }

  /**
   * Records a TAN made elsewhere (derived from a session); one that is there already, in whatever spelling, keeps its row.
   *
   * @param issueId of who vouched for the session, or null
   * @returns the spelling in which it is there
   */
  async record(tan: Spellings, issueId: string | null): Promise<string> {
    const { names, spelledBy } = this.#namesOf(tan);
    const [hash, ...others] = names;
    const lifetimeSeconds = this.#config.tanLifetimeSeconds;
    const recorded = await this.#object.issue({
      hashes: [hash],
      ...(others.length > 0 && { others: [others] }),
      issueId,
      lifetimeSeconds,
    });
    return spelledBy(recorded?.[0] ?? hash);
  }

  /** @returns what became of a TAN, as far as the ledger remembers */
  async status(tan: Spellings): Promise<TanStatus> {
    const { names } = this.#namesOf(tan);
    return names.length === 1 ? this.#object.status(names[0]) : (await this.#object.standing(names)).status;
  }

  /** Ends a TAN that was recorded and given to nobody. */
  async withdraw(tan: Spellings): Promise<void> {
    const [hash, ...others] = this.#namesOf(tan).names;
    await this.#object.withdraw(hash, others);
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
    const { digest, otherDigests = [], reservationId, idCommitment, payloadCommitment } = checked(request);
    const [kept = '', ...others] = [digest, ...otherDigests].flatMap((one) =>
      this.#config.tanHashKeys.all.map((key) => keptDigest(key, tan, one)),
    );
    const said = { digest: kept, reservationId, idCommitment, payloadCommitment };
    return others.length === 0 ? said : { ...said, otherDigests: others };
  }

  #names(tan: string): TanNames {
    const { current, others } = this.#config.tanHashKeys;
    return [tanHash(current, tan), ...others.map((key) => tanHash(key, tan))];
  }

  /** @returns the names of all spellings, those of the first one first, and which spelling a name is of */
  #namesOf(tan: Spellings): { readonly names: TanNames; readonly spelledBy: (name: string) => string } {
    const named = tan.map((spelling) => ({ spelling, names: this.#names(spelling) }));
    const [first, ...others] = named.flatMap(({ names }) => names);
    return {
      names: [first ?? '', ...others],
      spelledBy: (name) => named.find(({ names }) => names.includes(name))?.spelling ?? tan[0],
    };
  }

  get #object(): DurableObjectStub<TanLedger> {
    return this.#namespace.getByName('ledger');
  }
}
