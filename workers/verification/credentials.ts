/**
 * @module What the region that tested does (docs/credential.md): gives a phone with a positive test a credential in place of a TAN, and says which it took back. Credentials are derived, as TANs are, so that a lost answer
 * is asked for again; what is kept is the place in the status list and a keyed hash of the phone's key.
 *
 * Durable writes: a place in the list, then the session's grant. A crash in between leaves a place of nobody. A test that ends meanwhile has its credential taken back before it is given out; a crash before that leaves one
 * that nobody was given.
 */
import { grantFor } from '../../domain/credential.ts';
import { credentialId, holderName } from '../../domain/derived-codes.ts';
import { speaksAgainst } from '../../domain/test-result.ts';
import type { CredentialDesk } from '../../durable-objects/credential-desk/credential-desk.ts';
import {
  credentialEnd,
  type CredentialSigner,
  credentialSigner,
  holderKey,
  issueCredential,
} from '../../protocol/credential/credential.ts';
import { signStatusList, statusBits } from '../../protocol/credential/status-list.ts';
import { dateOf, hourOf } from '../../protocol/gaen/intervals.ts';
import { askLaboratory } from './answered.ts';
import type { VerificationConfig, VerificationEnv } from './bindings.ts';
import type { CredentialConfig } from './credential-config.ts';
import type { CredentialQuestion } from './question.ts';
import type { Sessions } from './sessions.ts';
import { Shards } from './shards.ts';

/** Sessions of a shard that are looked at in one call. */
const PAGE_ROWS = 500;

/** refused: no positive test, a TAN was taken, or another phone has it. later: the list is full. */
type CredentialReply = { readonly kind: 'given'; readonly credential: string } | { readonly kind: 'refused' | 'later' };

export class Credentials {
  readonly #env: VerificationEnv;
  readonly #config: VerificationConfig;
  readonly #sessions: Sessions;
  readonly #shards: Shards;
  #signer: Promise<CredentialSigner> | null = null;
  /** The list of an hour, signed once in this isolate. */
  #list: { readonly hour: number; readonly jwt: string } | null = null;

  constructor(env: VerificationEnv, config: VerificationConfig, sessions: Sessions) {
    this.#env = env;
    this.#config = config;
    this.#sessions = sessions;
    this.#shards = new Shards(env.TEST_SESSION);
  }

  /** A stub belongs to the request that made it, so it is made anew each time. */
  get #desk(): DurableObjectStub<CredentialDesk> {
    return this.#env.CREDENTIAL_DESK.getByName('desk');
  }

  /** `/credential`. @param now Unix seconds */
  async take({ token, holder }: CredentialQuestion, now: number): Promise<CredentialReply> {
    const { credentials, tanHashKeys } = this.#config;
    if (credentials === null) return { kind: 'refused' };
    const positive = await this.#sessions.positive(token);
    if (positive === null) return { kind: 'refused' };
    const shard = this.#shards.of(positive.hash);
    const before = await shard.granted(positive.hash);
    // The same phone, whichever key it was noted with.
    const names = tanHashKeys.all.map((key) => holderName(holder, key));
    const known = names.find((name) => name === before?.holder) ?? holderName(holder, tanHashKeys.current);
    const wanted = { expiresAt: credentialEnd(now), holder: known };
    // Asked before a place is taken, which a refusal would leave to nobody.
    if (grantFor(positive.session, before, { ...wanted, statusIndex: 0 }, now) === null) return { kind: 'refused' };
    const place = before?.statusIndex ?? (await this.#desk.take({ issueId: positive.issueId, ...wanted }));
    if (place === null) return { kind: 'later' };
    const grant = await shard.grant(positive.hash, { ...wanted, statusIndex: place });
    if (grant === null) return { kind: 'refused' };
    if (!(await this.#sessions.stays(positive))) {
      await this.#desk.revoke([grant.statusIndex]);
      return { kind: 'refused' };
    }
    const { origin: issuer, region } = credentials;
    const about = {
      issuer,
      region,
      reportType: 'confirmed-test',
      onset: positive.sampleCollected === null ? null : dateOf(positive.sampleCollected),
      expiresAt: grant.expiresAt,
      id: credentialId(positive.seed, positive.keys.derivationKey),
      statusIndex: grant.statusIndex,
      holder: holderKey(holder),
    } as const;
    return { kind: 'given', credential: await issueCredential(about, await this.#sign(credentials)) };
  }

  /** What other regions fetch once an hour. @param now Unix seconds @returns the list of this hour, or null in phase I */
  async statusList(now: number): Promise<string | null> {
    const { credentials } = this.#config;
    if (credentials === null) return null;
    const hour = hourOf(now);
    if (this.#list?.hour !== hour) {
      const bits = statusBits(await this.#desk.revoked());
      this.#list = { hour, jwt: await signStatusList(bits, credentials.origin, hour, await this.#sign(credentials)) };
    }
    return this.#list.jwt;
  }

  /** Takes back the credentials of tests that their laboratories have called something else than positive since. @returns how many were looked at */
  async takeBackCorrected(): Promise<number> {
    const looked = await Promise.all(this.#shards.all().map((_shard, digit) => this.#correctShard(digit)));
    return looked.reduce((sum, count) => sum + count, 0);
  }

  async #correctShard(digit: number): Promise<number> {
    const shard = this.#shards.of(digit.toString(16));
    let looked = 0;
    for (let after = ''; ;) {
      const page = await shard.grantedSessions(after, PAGE_ROWS);
      for (const { id, statusIndex } of page) {
        const session = await shard.peek(id);
        if (session === null || session.state !== 'registered') continue;
        const { reply } = await askLaboratory(this.#env.RESULTS, session);
        // A test that its owner had deleted says nothing, and nothing against it.
        if (reply.labId !== null && speaksAgainst(reply.result)) await this.#desk.revoke([statusIndex]);
      }
      looked += page.length;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_ROWS) return looked;
      after = last.id;
    }
  }

  #sign({ signingKeyPem, keyName }: CredentialConfig): Promise<CredentialSigner> {
    return (this.#signer ??= credentialSigner(signingKeyPem, keyName));
  }
}
