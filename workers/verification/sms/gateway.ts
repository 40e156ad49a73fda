/**
 * @module The gateway for SMS: a message is composed, authenticated and posted by a signed webhook (docs/spec/google.md §5.6). The number, the code and the text are in that post
 * alone: nothing of them is stored or logged here, nor what the gateway answers, which may repeat them.
 */
import { createHmac } from 'node:crypto';
import type { SmsMessage, SmsOutcome, SmsPort } from '../../../domain/rpc-codes.ts';
import { utf8 } from '../../../protocol/primitives/bytes.ts';
import { authenticateSms } from '../../../protocol/sms/authenticated.ts';
import { expandTemplate } from '../../../protocol/sms/template.ts';
import { logLine } from '../../shared/log.ts';
import { type SmsConfig, USER_REPORT_TEMPLATE } from './config.ts';

/** A gateway that takes longer has failed: whoever waits is on the telephone. */
const GATEWAY_TIMEOUT_MS = 10_000;
/** Lives of codes (docs/spec/google.md §5.5), which messages say in these units. */
const SHORT_CODE_MINUTES = 15;
const SECONDS_PER_HOUR = 3_600;
/** What a gateway says that can't take any more at the moment. */
const BUSY = [429, 503];
/** What it says of a signature that it doesn't know. */
const REFUSED = [401, 403];

/** How a post leaves; the local edge has one of its own, which leads to its outbox. */
export type SendPost = (url: string, init: RequestInit) => Promise<Response>;

/** RFC 1123, as HTTP writes dates. */
const rfc1123 = (seconds: number): string => new Date(seconds * 1000).toUTCString();

/** @param post how it leaves @returns the gateway of an environment for user reports; null: there is none */
export const smsPortOf = (config: SmsConfig, post: SendPost): SmsPort | null =>
  config.gateway === null ? null : new SmsGateway(config, post);

/** Composes messages, and posts them. */
export class SmsGateway implements SmsPort {
  readonly #config: SmsConfig;
  readonly #post: SendPost;

  constructor(config: SmsConfig, post: SendPost) {
    this.#config = config;
    this.#post = post;
  }

  /** @returns whether there is anybody to take messages */
  get sends(): boolean {
    return this.#config.gateway !== null;
  }

  /** @returns whether a template has this label; null stands for the default one */
  hasTemplate(label: string | null): boolean {
    return label === null || this.#config.templates.has(label);
  }

  /** @returns the text of a message, authenticated; null when there is no such template or its text is too long */
  compose({ phone, purpose, templateLabel, code }: SmsMessage): string | null {
    const { templates, region, linkDomain, key } = this.#config;
    const [byDefault] = templates.values();
    // Not every authority has a text of its own for reports.
    const label = purpose === 'User Report' ? (templateLabel ?? USER_REPORT_TEMPLATE) : templateLabel;
    const named = label === null ? undefined : templates.get(label);
    const template = named ?? (label === null || label === USER_REPORT_TEMPLATE ? byDefault : undefined);
    if (template === undefined) return null;
    const issuedAt = code.expiresAt - SHORT_CODE_MINUTES * 60;
    const longest = (code.longExpiresAt ?? code.expiresAt) - issuedAt;
    const expanded = expandTemplate(template, {
      region,
      linkDomain,
      code: code.code,
      longCode: code.longCode,
      minutes: SHORT_CODE_MINUTES,
      hours: Math.max(1, Math.round(longest / SECONDS_PER_HOUR)),
    });
    if (expanded === null || key === null) return expanded;
    return authenticateSms(expanded, { purpose, phone, now: issuedAt }, key);
  }

  /** See {@link SmsPort}. */
  async send(message: SmsMessage): Promise<SmsOutcome> {
    const { gateway } = this.#config;
    const generatedSMS = gateway === null ? null : this.compose(message);
    if (gateway === null || generatedSMS === null) return 'failed';
    const { code, phone } = message;
    const body = JSON.stringify({
      uuid: code.uuid,
      code: code.code,
      expiresAt: rfc1123(code.expiresAt),
      expiresAtTimestamp: code.expiresAt,
      ...(code.longExpiresAt !== null && {
        longExpiresAt: rfc1123(code.longExpiresAt),
        longExpiresAtTimestamp: code.longExpiresAt,
      }),
      generatedSMS,
      phone,
    });
    try {
      const status = await this.#posted(gateway, body);
      if (status === 200) return 'sent';
      logLine(`sms-gateway answered ${status}`);
      return BUSY.includes(status) ? 'busy' : 'failed';
    } catch {
      logLine('sms-gateway not reached within 10 s');
      return 'failed';
    }
  }

  /** A gateway that refuses a signature has taken nothing: it may hold the next secret of the ring already, or the one before. */
  async #posted({ url, secrets }: NonNullable<SmsConfig['gateway']>, body: string): Promise<number> {
    const signal = AbortSignal.timeout(GATEWAY_TIMEOUT_MS);
    let status = 0;
    for (const secret of secrets) {
      const headers = {
        'content-type': 'application/json',
        'x-signature': createHmac('sha512', utf8(secret)).update(body).digest('hex'),
      };
      // A redirect would take number and code to whoever is named by it.
      const answer = await this.#post(url, { method: 'POST', headers, body, redirect: 'manual', signal });
      await answer.body?.cancel();
      status = answer.status;
      if (!REFUSED.includes(status)) return status;
    }
    return status;
  }
}
