/**
 * @module The RPC entrypoint `BackOffice` of `verification`, for `portal` (docs/architecture.md §2); `Redeem`, for `upload`, is in redeem.ts.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { IssueSource } from '../../domain/issue.ts';
import {
  type ApiKey,
  type ApiKeyKind,
  type CheckedApiKey,
  type CodesBackOfficeRpc,
  type CodeStatus,
  type CreatedApiKey,
  type IssueCodeReply,
  type IssueCodeRequest,
  type IssuedCodesBook,
} from '../../domain/rpc-codes.ts';
import type { RollbackTarget } from '../../domain/rollback.ts';
import type { QuotaRequest, ReleaseReply, TeleTanBook } from '../../domain/code-books.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import type {
  BatchCursor,
  CardBatch,
  CardBatchPage,
  CardSheet,
  IssuedTeleTanReply,
  IssueTansRequest,
  VerificationBackOfficeRpc,
} from '../../domain/rpc.ts';
import { FAILED_CODE_BUDGET } from '../../durable-objects/code-store/guess-count.ts';
import type { VerificationEnv } from './bindings.ts';
import type { Codes } from './google/codes.ts';
import { USER_REPORT_TEMPLATE } from './sms/config.ts';
import { deliverCodes, deliveryBooks } from './sms/deliver.ts';
import { type SendPost, SmsGateway } from './sms/gateway.ts';
import type { DeliverReply, MessageSettings, SmsBackOfficeRpc } from '../../domain/rpc-sms.ts';
import type { ObjectRemains } from '../../domain/sunset.ts';
import { purgeAll, remainsOf, stopAll } from '../shared/ending.ts';
import { verificationClocks, verificationObjects } from './clocks.ts';
import { FAILED_GUESS_BUDGET } from './desk.ts';
import { MAX_CODES_ASKED } from '../../domain/teletan.ts';
import { apiKeyKind, checkedTarget, MAX_CODES_PER_DAY, MAX_QUOTA_PER_HOUR, staffName } from './checked.ts';
import { servicesOf } from './services.ts';

/** Bound by `portal` alone. */
export class BackOffice
  extends WorkerEntrypoint<VerificationEnv>
  implements VerificationBackOfficeRpc, CodesBackOfficeRpc, SmsBackOfficeRpc
{
  /** See {@link VerificationBackOfficeRpc}. */
  async issueTans(request: IssueTansRequest): Promise<{ readonly tans: readonly string[] } | null> {
    const { issues, ledger } = servicesOf(this.env);
    const vouched = await issues.ofStaff(staffName(request.issuer));
    return vouched.kind === 'over' ? null : { tans: await ledger.issue(request.count, vouched.issueId) };
  }

  /** See {@link VerificationBackOfficeRpc}. */
  issuesOf(target: RollbackTarget): Promise<string[]> {
    return servicesOf(this.env).rollback.issuesOf(checkedTarget(target));
  }

  /** See {@link VerificationBackOfficeRpc}. */
  issueSources(issueIds: readonly string[]): Promise<IssueSource[]> {
    return servicesOf(this.env).rollback.sources(issueIds);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  endIssues(target: RollbackTarget, askedDay: number): Promise<void> {
    return servicesOf(this.env).rollback.end(checkedTarget(target), askedDay);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  async forgetExpired(): Promise<{ readonly forgotten: number }> {
    return { forgotten: await servicesOf(this.env).ledger.forgetExpired() };
  }

  /** See {@link ClocksRpc}. */
  clocks(): Promise<ClockStatus[]> {
    return verificationClocks(this.env, null);
  }

  /** See {@link ClocksRpc}. */
  confirmClocks(at: number): Promise<ClockStatus[]> {
    return verificationClocks(this.env, at);
  }

  /** See {@link EndingRpc}. */
  stopForGood(hour: number): Promise<void> {
    return stopAll(verificationObjects(this.env), hour);
  }

  /** See {@link EndingRpc}. */
  purgeForGood(hour: number): Promise<void> {
    return purgeAll(verificationObjects(this.env), hour);
  }

  /** See {@link EndingRpc}. */
  remains(): Promise<ObjectRemains[]> {
    return remainsOf(verificationObjects(this.env));
  }

  /** See {@link VerificationBackOfficeRpc}. */
  issueTeleTan(issuer: string, request?: string): Promise<IssuedTeleTanReply | null> {
    return servicesOf(this.env).desk.issueTeleTan(staffName(issuer), request);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  orderedTeleTan(issuer: string, request: string): Promise<IssuedTeleTanReply | null> {
    return servicesOf(this.env).desk.orderedTeleTan(staffName(issuer), request);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  revokeTeleTan(id: string, issuer: string): Promise<boolean> {
    return servicesOf(this.env).desk.revokeTeleTan(id, staffName(issuer));
  }

  /** See {@link VerificationBackOfficeRpc}. @throws RangeError when `codes` is not an integer 1..60 */
  async askBeyondQuota(issuer: string, person: string, codes: number): Promise<boolean> {
    if (!Number.isInteger(codes) || codes < 1 || codes > MAX_CODES_ASKED) {
      throw new RangeError(`codes: an integer 1..${MAX_CODES_ASKED} is expected, got ${codes}`);
    }
    return this.env.CODE_DESK.getByName('desk').askBeyondQuota(staffName(issuer), staffName(person), codes);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  async quotaRequests(): Promise<readonly QuotaRequest[]> {
    return this.env.CODE_DESK.getByName('desk').quotaRequests();
  }

  /** See {@link VerificationBackOfficeRpc}. */
  async releaseQuota(id: string, by: string): Promise<ReleaseReply> {
    return { ...(await this.env.CODE_DESK.getByName('desk').releaseQuota(id, staffName(by))) };
  }

  /** See {@link VerificationBackOfficeRpc}. */
  teleTanBook(issuer: string): Promise<TeleTanBook> {
    return servicesOf(this.env).desk.book(staffName(issuer));
  }

  /** See {@link VerificationBackOfficeRpc}. @throws RangeError when `perHour` is not an integer 0..10,000 */
  async setTeleTanQuota(issuer: string, perHour: number): Promise<void> {
    if (!Number.isInteger(perHour) || perHour < 0 || perHour > MAX_QUOTA_PER_HOUR) {
      throw new RangeError(`perHour: an integer 0..${MAX_QUOTA_PER_HOUR} is expected, got ${perHour}`);
    }
    await this.env.CODE_DESK.getByName('desk').setQuota(staffName(issuer), perHour);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  async teleTanQuotas(): Promise<{ issuer: string; teleTansPerHour: number }[]> {
    return this.env.CODE_DESK.getByName('desk').quotas();
  }

  /** See {@link VerificationBackOfficeRpc}. */
  makeCards(provider: string, label: string, count: number, request?: string): Promise<CardSheet | null> {
    return servicesOf(this.env).desk.makeCards(staffName(provider), staffName(label), count, request);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  orderedCards(provider: string, request: string): Promise<CardSheet | null> {
    return servicesOf(this.env).desk.orderedCards(staffName(provider), request);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  cardBatches(provider: string | null, from: BatchCursor | null): Promise<CardBatchPage> {
    return servicesOf(this.env).desk.batches(provider, from);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  cardBatch(batchId: string, provider: string | null): Promise<CardBatch | null> {
    return servicesOf(this.env).desk.batch(batchId, provider);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  withdrawBatch(batchId: string, provider: string | null, from: number): Promise<number | null> {
    return servicesOf(this.env).desk.withdraw(batchId, provider, from);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  async guesses(): Promise<{ thisHour: number; lastHour: number; alarm: boolean }> {
    const counts = await this.env.CODE_DESK.getByName('desk').failedGuesses();
    return { ...counts, alarm: Math.max(counts.thisHour, counts.lastHour) > FAILED_GUESS_BUDGET };
  }

  /** How a message leaves; the local edge has an outbox. */
  protected post: SendPost = (url, init) => fetch(url, init);

  /** See {@link SmsBackOfficeRpc}. */
  deliverCodes(issuer: string, requests: readonly IssueCodeRequest[]): Promise<DeliverReply[]> {
    const { config, codes } = servicesOf(this.env);
    const gateway = new SmsGateway(config.sms, this.post);
    return deliverCodes({ codes: deliveryBooks(codes), gateway }, staffName(issuer), requests);
  }

  /** See {@link SmsBackOfficeRpc}. */
  async messageSettings(): Promise<MessageSettings> {
    const { gateway, templates, region, linkDomain } = servicesOf(this.env).config.sms;
    // What says to somebody that they asked for a code themselves is nothing for staff to send.
    const labels = [...templates.keys()].filter((label) => label !== USER_REPORT_TEMPLATE);
    return { sends: gateway !== null, templates: labels, region, linkDomain };
  }

  /** See {@link CodesBackOfficeRpc}. */
  issueCodes(issuer: string, requests: readonly IssueCodeRequest[]): Promise<IssueCodeReply[]> {
    return this.#codes.issue(staffName(issuer), requests);
  }

  /** See {@link CodesBackOfficeRpc}. */
  async codeStatus(issuer: string, uuid: string): Promise<CodeStatus | null> {
    const status = await this.#codes.store.codeStatus(staffName(issuer), uuid.toLowerCase());
    return status === null ? null : { ...status };
  }

  /** See {@link CodesBackOfficeRpc}. */
  async expireCode(issuer: string, uuid: string): Promise<CodeStatus | 'claimed' | null> {
    const reply = await this.#codes.store.expireCode(staffName(issuer), uuid.toLowerCase());
    return reply === null || reply === 'claimed' ? reply : { ...reply };
  }

  /** See {@link CodesBackOfficeRpc}. */
  async cancelCode(issuer: string, uuid: string): Promise<void> {
    await this.#codes.store.cancelCode(staffName(issuer), uuid.toLowerCase());
  }

  /** See {@link CodesBackOfficeRpc}. */
  async codeBook(issuer: string): Promise<IssuedCodesBook> {
    return { ...(await this.#codes.store.codeBook(staffName(issuer))) };
  }

  /** See {@link CodesBackOfficeRpc}. @throws RangeError when `perDay` is not an integer 0..100,000 */
  async setCodeQuota(issuer: string, perDay: number): Promise<void> {
    if (!Number.isInteger(perDay) || perDay < 0 || perDay > MAX_CODES_PER_DAY) {
      throw new RangeError(`perDay: an integer 0..${MAX_CODES_PER_DAY} is expected, got ${perDay}`);
    }
    await this.#codes.store.setQuota(staffName(issuer), perDay);
  }

  /** See {@link CodesBackOfficeRpc}. */
  async codeQuotas(): Promise<{ issuer: string; codesPerDay: number }[]> {
    return this.#codes.store.quotas();
  }

  /** See {@link CodesBackOfficeRpc}. @throws RangeError when `kind` is none */
  async createApiKey(kind: ApiKeyKind, name: string, request?: string): Promise<CreatedApiKey> {
    return this.#codes.createApiKey(apiKeyKind(kind), staffName(name), request);
  }

  /** See {@link CodesBackOfficeRpc}. */
  async apiKeys(): Promise<ApiKey[]> {
    return this.#codes.store.apiKeys();
  }

  /** See {@link CodesBackOfficeRpc}. */
  async revokeApiKey(id: string): Promise<boolean> {
    return this.#codes.store.revokeApiKey(id);
  }

  /** See {@link CodesBackOfficeRpc}. */
  checkApiKey(kind: ApiKeyKind, key: string): Promise<CheckedApiKey | null> {
    return this.#codes.checkApiKey(kind, key);
  }

  /** See {@link CodesBackOfficeRpc}. */
  async codeGuesses(): Promise<{ thisHour: number; lastHour: number; alarm: boolean }> {
    const counts = await this.#codes.store.failedGuesses();
    return { ...counts, alarm: Math.max(counts.thisHour, counts.lastHour) > FAILED_CODE_BUDGET };
  }

  get #codes(): Codes {
    return servicesOf(this.env).codes;
  }
}
