/**
 * @module The document of health authorities in the ParameterStore: a row, and a signed copy in the private bucket, from which a lost or set-back store
 * takes it up again. Of the two the higher version holds, and only our own signature makes the copy count.
 *
 * Durable order: the row (it is in force then), then the copy. A crash in between leaves the former copy: the next step puts it again. A store that is
 * lost in between goes back by that one version, which its operator sees by the number.
 */
import { AUTHORITIES_TYPE, type Authorities, NO_AUTHORITIES } from '../../protocol/publish/authorities.ts';
import {
  type AuthoritiesReply,
  planAuthorities,
  readPublished,
  type SetAuthoritiesRequest,
} from '../../domain/authority-list.ts';
import type { Consent } from '../../domain/parameters/publication.ts';
import { signDocument, signedBy } from '../../protocol/index/signed-document.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import type { BucketPort } from '../publisher/bucket.ts';
import type { ParameterStoreConfig } from './config.ts';

/** A migration (schema.ts). */
export const AUTHORITIES_TABLE = `
  CREATE TABLE authorities (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, authorities TEXT NOT NULL);
`;

/** In the private bucket, which `origin` alone holds. */
const AUTHORITIES_KEY = 'authorities.json';
/** The document as a text within a text, and its signature; of what isn't ours no more is read. */
const MAX_COPY_BYTES = 2 ** 20;

export class AuthorityDocument {
  readonly #sql: SqlStorage;
  readonly #config: ParameterStoreConfig;
  readonly #privateBucket: () => BucketPort;

  constructor(sql: SqlStorage, config: ParameterStoreConfig, privateBucket: () => BucketPort) {
    this.#sql = sql;
    this.#config = config;
    this.#privateBucket = privateBucket;
  }

  /** @returns what is in force; the bucket is asked only where no row is known @throws what the bucket throws then */
  async inForce(): Promise<Authorities> {
    if (this.#current().version === 0) await this.#takeUp(this.#privateBucket());
    return this.#current();
  }

  /**
   * In force when it answers; the copy is `keep`'s business.
   *
   * @param expected the version the operator has seen
   * @param consent how many agree; asked when nothing is awaited any more
   */
  async set(request: SetAuthoritiesRequest, expected: number, consent: () => Consent): Promise<AuthoritiesReply> {
    // A lost row comes back before versions are compared; then there is no await until the new one is there, so of two operators one is first.
    await this.inForce();
    const plan = planAuthorities(this.#current(), request.document, expected, consent());
    if (!plan.ok) return plan.error;
    const { version } = plan.value;
    if (request.dryRun) return { kind: 'would-publish', version };
    this.#decide(plan.value);
    return { kind: 'published', version };
  }

  /** @returns what the row says */
  #current(): Authorities {
    const row = this.#sql
      .exec<{ version: number; authorities: string }>('SELECT version, authorities FROM authorities')
      .toArray()[0];
    if (row === undefined) return NO_AUTHORITIES;
    return { version: row.version, authorities: JSON.parse(row.authorities) as Authorities['authorities'] };
  }

  #decide({ version, authorities }: Authorities): void {
    this.#sql.exec('INSERT OR REPLACE INTO authorities VALUES (1, ?, ?)', version, JSON.stringify(authorities));
  }

  /** Brings row and copy to the higher of the two versions. @throws what the bucket throws: taken again at the next step */
  async keep(): Promise<void> {
    const privateBucket = this.#privateBucket();
    const copied = await this.#takeUp(privateBucket);
    const { version, authorities } = this.#current();
    const { headKeyId, headSigner } = this.#config;
    const text = signDocument(AUTHORITIES_TYPE, headKeyId, { version, authorities }, headSigner);
    if (version === 0 || text === copied) return;
    const present = await privateBucket.head(AUTHORITIES_KEY);
    const meta = { contentType: 'application/json', cacheControl: 'no-store', expires: null };
    const written = await privateBucket.put(AUTHORITIES_KEY, utf8(text), meta, present?.etag ?? null);
    if (written === null) throw new Error(`${AUTHORITIES_KEY} was written by somebody else meanwhile`);
  }

  /** @returns the copy's text, whoever made it, or null where there is none */
  async #takeUp(privateBucket: BucketPort): Promise<string | null> {
    const bytes = await privateBucket.getStart(AUTHORITIES_KEY, MAX_COPY_BYTES);
    if (bytes === null) return null;
    const text = new TextDecoder().decode(bytes);
    const { headKeyId, headSigner, formerHeadKeys } = this.#config;
    const copied = readPublished(signedBy(AUTHORITIES_TYPE, headKeyId, text, headSigner, formerHeadKeys));
    // Meanwhile an operator may have decided.
    if (copied !== null && copied.version > this.#current().version) this.#decide(copied);
    return text;
  }
}
