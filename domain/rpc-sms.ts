/**
 * @module The contract between `portal` and `verification` about codes that leave by SMS (docs/spec/google.md §5.4, §5.6): types alone.
 */
import type { IssueCodeRequest, IssuedCode, IssueErrorCode } from './rpc-codes.ts';

/** sms_failure: the gateway didn't take it, or there is none. sms_queue_full: it says "later". template_unknown: no template has this label, or its text would be too long. */
export type DeliveryErrorCode = IssueErrorCode | 'sms_failure' | 'sms_queue_full' | 'template_unknown';

/** A code, and what became of its message. */
export interface DeliveredCode extends IssuedCode {
  /** Text of the message where only that was asked for; nothing was sent then. */
  readonly generatedSms: string | null;
  readonly sent: boolean;
}

export type DeliverReply = DeliveredCode | { readonly error: DeliveryErrorCode };

/** What messages are made of. */
export interface MessageSettings {
  /** Whether there is a gateway. */
  readonly sends: boolean;
  /** Labels, the default one first. */
  readonly templates: readonly string[];
  /** Region of the apps, as links name it. */
  readonly region: string;
  /** See `SmsValues.linkDomain` (protocol/sms/template.ts). */
  readonly linkDomain: string;
}

/** Part of verification#BackOffice, bound by `portal` alone. */
export interface SmsBackOfficeRpc {
  /**
   * Issues codes, and sends those that name a telephone number. A code whose message doesn't leave is cancelled: it opens nothing, and counts towards no quota.
   *
   * @param issuer as of `CodesBackOfficeRpc.issueCodes`
   * @param requests as of `CodesBackOfficeRpc.issueCodes`; who names a number has to ask for a long code too
   * @returns of each, in their order, the code or what is wrong with it
   */
  deliverCodes(issuer: string, requests: readonly IssueCodeRequest[]): Promise<readonly DeliverReply[]>;
  messageSettings(): Promise<MessageSettings>;
}
