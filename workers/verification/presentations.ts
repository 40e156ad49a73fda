/**
 * @module What the base region does (docs/credential.md): takes a credential of another region's positive test, once, for a session as if the person had been tested here. The session's name is a keyed hash of the
 * credential's id, and its row is what says that it was used: nothing else of a credential is kept, neither its place in the list nor the phone's key.
 *
 * Durable writes: one row of one shard, so a crash leaves it or nothing; a lost answer is asked for again, as of a code (registration.ts).
 */
import { type CredentialRefusal, issuerEntry } from '../../domain/credential.ts';
import { credentialSeed } from '../../domain/derived-codes.ts';
import { credentialSession } from '../../domain/session.ts';
import { type Credential, readCredential, verifyCredential } from '../../protocol/credential/credential.ts';
import { type Presentation, readPresentation, verifyProof } from '../../protocol/credential/presentation.ts';
import { isRevoked } from '../../protocol/credential/status-list.ts';
import type { DirectoryEntry } from '../../protocol/directory/entry.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { directoryReader, type ReadDirectoryNow } from '../shared/directory-reader.ts';
import type { VerificationConfig, VerificationEnv } from './bindings.ts';
import { fetchStatusLists, type FetchList } from './peer-status.ts';
import { KeyPairs, type Named, namedBy, type SessionKeys } from './session-keys.ts';
import { Shards } from './shards.ts';

/** later: the directory or the issuer's list isn't known here at the moment. */
type PresentationReply =
  | { readonly kind: 'granted'; readonly token: string }
  | { readonly kind: 'refused'; readonly why: CredentialRefusal }
  | { readonly kind: 'later' };

/** Anybody may ask: a flood of made-up credentials must not be one of reads. What was revoked in the directory counts no more so much later. */
const LOOK_EVERY_SECONDS = 10;
const LATER: PresentationReply = { kind: 'later' };

export class Presentations {
  readonly #env: VerificationEnv;
  readonly #config: VerificationConfig;
  readonly #shards: Shards;
  readonly #pairs: KeyPairs;
  readonly #read: ReadDirectoryNow | null;

  constructor(env: VerificationEnv, config: VerificationConfig) {
    const taking = config.credentials?.taking ?? null;
    this.#env = env;
    this.#config = config;
    this.#shards = new Shards(env.TEST_SESSION);
    this.#pairs = new KeyPairs(config, this.#shards);
    this.#read =
      taking === null
        ? null
        : directoryReader({
            bucket: taking.directory,
            policy: taking.policy,
            lookEverySeconds: LOOK_EVERY_SECONDS,
            // A stub belongs to the request that made it, so it is made anew each time.
            memory: {
              directoryHead: (log) => env.CREDENTIAL_DESK.getByName('desk').directoryHead(log),
              keepDirectoryHead: (log, from, to) =>
                env.CREDENTIAL_DESK.getByName('desk').keepDirectoryHead(log, from, to),
            },
          });
  }

  /** `/presentation`. @param text a credential with its proof @param now Unix seconds */
  async use(text: string, now: number): Promise<PresentationReply> {
    if (this.#read === null) return { kind: 'refused', why: 'phase' };
    const presentation = readPresentation(text);
    const claimed = presentation === null ? null : readCredential(presentation.credential);
    if (presentation === null || claimed === null) return { kind: 'refused', why: 'malformed' };
    const entries = await this.#entries(now);
    if (entries === null) return LATER;
    const believed = await this.#believed(presentation, claimed, entries, now);
    if (!believed.ok) return { kind: 'refused', why: believed.error };
    const { issuer, region, id, statusIndex } = believed.value;
    const list = await this.#env.CREDENTIAL_DESK.getByName('desk').peerList(region);
    if (list === null || list.issuer !== issuer || list.expiresAt <= now) return LATER;
    if (isRevoked(list.bits, statusIndex)) return { kind: 'refused', why: 'revoked' };
    const issueId = await this.#env.CODE_DESK.getByName('desk').issueOfToday('region', region);
    // An operator has taken back all of that region's tests of today.
    if (issueId === null) return { kind: 'refused', why: 'revoked' };
    const named = (keys: SessionKeys): Named => namedBy(credentialSeed(issuer, id, keys.derivationKey), keys);
    const traces = { names: (keys: SessionKeys) => [named(keys).hash], locks: [`${issuer}\0${id}`] };
    const open = async (keys: SessionKeys): Promise<PresentationReply> => {
      const { seed, token, hash } = named(keys);
      const making = { replaces: null, isPosted: true, seed };
      const reply = await this.#shards.of(hash).register(hash, credentialSession(issueId, now), making);
      if (reply.kind === 'granted') return { kind: 'granted', token };
      return reply.kind === 'later' || reply.kind === 'unknown' ? LATER : { kind: 'refused', why: 'used' };
    };
    return (await this.#pairs.once(traces, open)) ?? LATER;
  }

  /** Fetches the lists of all regions whose tests are taken up, once an hour, used or not. @param now Unix seconds @returns regions whose list isn't known */
  async refreshLists(now: number, fetchList?: FetchList): Promise<readonly string[]> {
    const taking = this.#config.credentials?.taking ?? null;
    const entries = await this.#entries(now);
    if (taking === null || entries === null) return taking?.peers ?? [];
    return fetchStatusLists({
      desk: this.#env.CREDENTIAL_DESK.getByName('desk'),
      entries,
      peers: taking.peers,
      now,
      fetchList,
    });
  }

  async #believed(
    presentation: Presentation,
    claimed: Credential,
    entries: readonly DirectoryEntry[],
    now: number,
  ): Promise<Result<Credential, CredentialRefusal>> {
    const { origin, taking } = this.#config.credentials ?? { origin: '', taking: null };
    const entry = issuerEntry(claimed, entries, taking?.peers ?? []);
    if (!entry.ok) return entry;
    const verified = await verifyCredential(presentation.credential, entry.value.testingKeys, now);
    if (!verified.ok) return err(verified.error === 'bad-signature' ? 'signature' : verified.error);
    const proof = await verifyProof(presentation, verified.value.holder, origin, now);
    return proof.ok ? ok(verified.value) : proof;
  }

  /** @returns null: there is no directory that can be relied on */
  async #entries(now: number): Promise<readonly DirectoryEntry[] | null> {
    const directory = (await this.#read?.(now)) ?? null;
    return directory === null || directory.head === null ? null : directory.entries;
  }
}
