/**
 * @module Codes, tokens and certificates as routes and entrypoints see them (docs/verification.md, decision 066): texts in, keyed hashes out to the code store. Codes and tokens are derived here from what
 * the store keeps, so a lost reply is asked for again.
 *
 * Durable writes: the issue id is booked, then the codes. Whoever rolls an issuer back in between finds codes that are ended here at once; a crash before that leaves codes of an issuer that has ended, which
 * the rollback ends when it is asked for again, and whose certificates `reserveCertificate` refuses.
 */
import { apiKeyId, isOurApiKey, makeApiKey } from '../../../domain/api-key.ts';
import { type CodeDates, readCodeDates } from '../../../domain/code-dates.ts';
import { codeBytes } from '../../../domain/derived-codes.ts';
import {
  type ApiKey,
  type ApiKeyKind,
  CODE_TEST_TYPES,
  type CheckedApiKey,
  type CreatedApiKey,
  type IssueCodeReply,
  type IssueCodeRequest,
  type IssueErrorCode,
  MAX_CODES_PER_CALL,
} from '../../../domain/rpc-codes.ts';
import {
  CODE_SEED_BYTES,
  codesOf,
  concealed,
  LONG_CODE_SECONDS,
  SHORT_CODE_SECONDS,
} from '../../../domain/verification-codes.ts';
import type { CodeDesk } from '../../../durable-objects/code-desk/code-desk.ts';
import type { CodeStore } from '../../../durable-objects/code-store/code-store.ts';
import type {
  CertificateSource,
  CodeOrder,
  OrderNames,
  OrderReply,
} from '../../../durable-objects/code-store/contract.ts';
import { SECONDS_PER_DAY } from '../../../protocol/gaen/intervals.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { firstOf } from '../../../protocol/primitives/key-ring.ts';
import type { VerificationConfig, VerificationEnv } from '../bindings.ts';
import { isE164 } from './question.ts';

/** A short code meets a live one once in 10⁵ with 1,000 of them live: three in a row, never. */
const ATTEMPTS = 3;
const MAX_EXTERNAL_LENGTH = 255;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Issuer of what people report by themselves. */
export const USER_REPORTS = 'user-report';

const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

const REFUSED: Readonly<Record<Exclude<OrderReply['kind'], 'issued'>, IssueErrorCode>> = {
  taken: 'uuid_already_exists',
  quota: 'quota_exceeded',
  'phone-known': 'user_report_known',
  collided: 'internal_server_error',
};

/** Names of one API key: under the key of the ring that makes, then under the others (docs/rotation.md). */
export type ApiKeyIds = readonly [string, ...string[]];

type Refusal = { readonly error: IssueErrorCode };
const isOrder = (order: CodeOrder | Refusal): order is CodeOrder => !('error' in order);

export class Codes {
  readonly #env: VerificationEnv;
  readonly #config: VerificationConfig;

  constructor(env: VerificationEnv, config: VerificationConfig) {
    this.#env = env;
    this.#config = config;
  }

  /** A stub belongs to the request that made it, so it is made anew each time. */
  get store(): DurableObjectStub<CodeStore> {
    return this.#env.CODE_STORE.getByName('store');
  }

  get #books(): DurableObjectStub<CodeDesk> {
    return this.#env.CODE_DESK.getByName('desk');
  }

  /** See CodesBackOfficeRpc. @param nonce of a device that reports by itself @throws RangeError when there are none or too many */
  async issue(
    issuer: string,
    requests: readonly IssueCodeRequest[],
    nonce: Uint8Array | null = null,
  ): Promise<IssueCodeReply[]> {
    if (requests.length < 1 || requests.length > MAX_CODES_PER_CALL) {
      throw new RangeError(`requests: 1..${MAX_CODES_PER_CALL} are expected, got ${requests.length}`);
    }
    const isPerson = !issuer.startsWith('key:') && issuer !== USER_REPORTS;
    const issueId = await this.#books.issueOfToday(isPerson ? 'hotline' : 'staff', issuer);
    if (issueId === null) return requests.map(() => ({ error: 'issuer_ended' }));
    const { now, digits } = await this.store.terms();
    const orders = requests.map((request) => this.#orderOf(request, { digits, now, nonce }));
    const replies = await this.#placed(
      issuer,
      issueId,
      orders.filter((order) => isOrder(order)),
    );
    if (await this.#books.isIssueOver(issueId)) {
      await this.store.endIssues([issueId]);
      return requests.map(() => ({ error: 'issuer_ended' }));
    }
    const issued = await this.#issued(
      orders.filter((order) => isOrder(order)),
      replies,
    );
    return orders.map((order) => (isOrder(order) ? (issued.shift() ?? { error: REFUSED.collided }) : order));
  }

  /** A code that is another one's already is drawn anew. */
  async #placed(issuer: string, issueId: string, orders: readonly CodeOrder[]): Promise<OrderReply[]> {
    if (orders.length === 0) return [];
    const replies = [...(await this.store.issue(issuer, issueId, orders))];
    for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
      const met = orders.flatMap((order, i) => (replies[i]?.kind === 'collided' ? [{ order, i }] : []));
      if (met.length === 0) break;
      const redrawn = met.map(({ order }) => this.#redrawn(order));
      const anew = await this.store.issue(issuer, issueId, redrawn);
      for (const [n, { i }] of met.entries()) replies[i] = anew[n] ?? { kind: 'collided' };
    }
    return replies;
  }

  #redrawn(order: CodeOrder): CodeOrder {
    const { seed, concealedBy } = this.#draw(order.digits, order.long !== null);
    const [own, ...others] = this.#config.tanHashKeys.all.map(concealedBy);
    const names = order.others?.map((one, i) => ({ ...one, ...others[i] }));
    return { ...order, seed, ...own, ...(names !== undefined && { others: names }) };
  }

  /** @returns a new code's seed, and what the store is told of the code under a key */
  #draw(digits: number, isLong: boolean) {
    const seed = randomBytes(CODE_SEED_BYTES);
    const { short, long } = codesOf({ seed, digits }, this.#config.derivationKeys.current);
    const concealedBy = (hashKey: Uint8Array): Pick<CodeOrder, 'short' | 'long'> => ({
      short: concealed('code', short, hashKey),
      long: isLong ? concealed('code', long, hashKey) : null,
    });
    return { seed, concealedBy };
  }

  async #issued(orders: readonly CodeOrder[], replies: readonly OrderReply[]): Promise<IssueCodeReply[]> {
    const derivedBy = await this.#derivedBy(orders, replies);
    return orders.map(({ uuid }, i) => {
      const reply = replies[i] ?? { kind: 'collided' };
      if (reply.kind !== 'issued') return { error: REFUSED[reply.kind] };
      const { short, long } = codesOf(reply, derivedBy[i] ?? this.#config.derivationKeys.current);
      const { expiresAt, longExpiresAt } = reply;
      return { uuid, code: short, expiresAt, longCode: longExpiresAt === null ? null : long, longExpiresAt };
    });
  }

  /** An order that was given before is told the codes that it has, which another key may have made; the store knows their hashes. @returns of each order the key, or undefined: the one that makes */
  async #derivedBy(
    orders: readonly CodeOrder[],
    replies: readonly OrderReply[],
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const { derivationKeys, tanHashKeys } = this.#config;
    if (derivationKeys.others.length === 0) return [];
    const asked = orders.map(({ uuid }, i) => {
      const reply = replies[i];
      if (reply?.kind !== 'issued') return { uuid, codes: [] };
      const shorts = derivationKeys.all.map((key) => codesOf(reply, key).short);
      return { uuid, codes: shorts.flatMap((short) => tanHashKeys.all.map((key) => concealed('code', short, key))) };
    });
    const found = await this.store.ownCodes(asked);
    return found.map((at) => derivationKeys.all[Math.floor(at / tanHashKeys.all.length)]);
  }

  #orderOf(
    request: IssueCodeRequest,
    { digits, now, nonce }: { readonly digits: number; readonly now: number; readonly nonce: Uint8Array | null },
  ): CodeOrder | Refusal {
    const checked = checkedRequest(request, Math.floor(now / SECONDS_PER_DAY));
    if (typeof checked === 'string') return { error: checked };
    const { current, others } = this.#config.tanHashKeys;
    const { testType, externalIssuerId: external, phone } = request;
    const isReport = testType === 'user-report';
    const { seed, concealedBy } = this.#draw(digits, request.long);
    const namesBy = (hashKey: Uint8Array): OrderNames => ({
      ...concealedBy(hashKey),
      fields: concealed('code-fields', fieldsOf(request), hashKey),
      external: external === null ? null : concealed('external-issuer', external, hashKey),
      phone: isReport && phone !== null ? concealed('phone', phone, hashKey) : null,
    });
    return {
      uuid: request.uuid?.toLowerCase() ?? crypto.randomUUID(),
      testType,
      symptomDay: checked.symptomDay,
      testDay: checked.testDay,
      ...namesBy(current),
      ...(others.length > 0 && { others: others.map(namesBy) }),
      seed,
      digits,
      longSeconds: isReport ? SHORT_CODE_SECONDS : LONG_CODE_SECONDS,
      nonce: nonce === null ? null : concealed('nonce', nonce, current),
    };
  }

  /** @param name 1..100 characters @param request see CodesBackOfficeRpc */
  async createApiKey(kind: ApiKeyKind, name: string, request = toHex(randomBytes(32))): Promise<CreatedApiKey> {
    const { derivationKeys, google } = this.#config;
    // What the same order makes with each key of the ring: it is the one that is there already, or else the first.
    const made = derivationKeys.all.map((key) => {
      const bytes = codeBytes(key, 'api-key', `${kind}\0${name}`, request);
      const text = makeApiKey(kind, bytes, google.realm, key);
      return { text, ids: this.#idsOf(text) };
    });
    const [id = '', ...others] = made.flatMap(({ ids }) => ids);
    const apiKey = await this.store.addApiKey(id, kind, name, others);
    return { apiKey, text: made.find(({ ids }) => ids.includes(apiKey.id))?.text ?? '' };
  }

  /** @returns the names of a key that we made, of this kind, under each key of the ring, or null; which is its own, and whether it was revoked, the store knows */
  ourApiKey(kind: ApiKeyKind, text: string): ApiKeyIds | null {
    const { derivationKeys, google } = this.#config;
    const isOurs = (key: Uint8Array): true | null => (isOurApiKey(text, kind, google.realm, key) ? true : null);
    return firstOf(derivationKeys, isOurs) === null ? null : this.#idsOf(text);
  }

  #idsOf(text: string): ApiKeyIds {
    const { current, others } = this.#config.tanHashKeys;
    return [apiKeyId(text, current), ...others.map((key) => apiKeyId(text, key))];
  }

  /** See CodesBackOfficeRpc. */
  async checkApiKey(kind: ApiKeyKind, text: string): Promise<CheckedApiKey | null> {
    const ids = this.ourApiKey(kind, text);
    const key = ids === null ? null : await this.holding(ids, kind);
    return key === null ? null : { id: key.id, name: key.name };
  }

  /** @returns a key of this kind that holds, or null */
  async holding([id, ...others]: ApiKeyIds, kind: ApiKeyKind): Promise<ApiKey | null> {
    return this.store.holdingKey(id, kind, others);
  }

  /** @param hash of a certificate (protocol/publish/certificate.ts) @returns whom it goes back to, if it is ours */
  async certificateSource(hash: string): Promise<CertificateSource> {
    const source = await this.store.certificateSource(hash);
    // A copy: an RPC's result comes with a disposer.
    return source === null ? null : { ...source };
  }
}

/** Of a request, all that makes it what it is, but for its uuid. */
const fieldsOf = (request: IssueCodeRequest): string =>
  JSON.stringify(Object.entries({ ...request, uuid: null }).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** @param today UTC day @returns the days, or which rule is broken */
function checkedRequest(request: IssueCodeRequest, today: number): CodeDates | IssueErrorCode {
  const { testType, phone, uuid, externalIssuerId } = request;
  if (!CODE_TEST_TYPES.includes(testType)) return 'invalid_test_type';
  if (phone === null ? testType === 'user-report' : !isE164(phone)) return 'phone_number_invalid';
  if (uuid !== null && !UUID.test(uuid.toLowerCase())) return 'uuid_already_exists';
  if (externalIssuerId !== null && (externalIssuerId === '' || externalIssuerId.length > MAX_EXTERNAL_LENGTH)) {
    return 'invalid_external_issuer_id';
  }
  return readCodeDates(request, today);
}
