/**
 * @module Codes that leave by SMS: issued, sent, and cancelled where the message didn't leave (docs/spec/google.md §5.4).
 *
 * Durable writes: the code, then (elsewhere, by the gateway) the message, then the mark that it has left, or the cancellation. A crash after the first leaves a code that nobody knows, which ends by
 * itself; the same `uuid` asked again gives it again and sends it. One after the message leaves a code without its mark: asked again, the same text is sent once more. One before the cancellation leaves
 * a code as after the first.
 */
import type { CodesBackOfficeRpc, IssueCodeRequest, IssuedCode } from '../../../domain/rpc-codes.ts';
import type { DeliverReply } from '../../../domain/rpc-sms.ts';
import type { SendingReply } from '../../../durable-objects/code-store/sent-ops.ts';
import type { Codes } from '../google/codes.ts';
import type { SmsGateway } from './gateway.ts';

/** Connections that a Worker holds open at once. */
const AT_ONCE = 6;
/** So many failures in a row, and a gateway is away: the rest of a batch isn't made to wait for it. */
const FAILURES_TO_STOP = 6;

/** What the code store does for it. */
interface DeliveryBooks extends Pick<CodesBackOfficeRpc, 'issueCodes' | 'cancelCode'> {
  /** @returns those of the codes whose message has left */
  sentBefore(uuids: readonly string[]): Promise<readonly string[]>;
  /** Of two who ask for one code at once, one sends it: what the other isn't told apart from would reach a person twice, or cancel what they were sent. */
  beginSending(uuid: string): Promise<SendingReply>;
  markSent(uuid: string): Promise<void>;
}

/** @returns the code store's part of it */
export const deliveryBooks = (codes: Codes): DeliveryBooks => ({
  issueCodes: (issuer, requests) => codes.issue(issuer, requests),
  cancelCode: async (issuer, uuid) => codes.store.cancelCode(issuer, uuid),
  sentBefore: async (uuids) => codes.store.sentBefore(uuids),
  beginSending: async (uuid) => codes.store.beginSending(uuid),
  markSent: async (uuid) => codes.store.markSent(uuid),
});

/** What is delivered with. */
export interface Delivery {
  readonly codes: DeliveryBooks;
  readonly gateway: SmsGateway;
}

/** @param about see `SmsBackOfficeRpc.deliverCodes` @returns of each request, in their order, the code or what is wrong */
export async function deliverCodes(
  { codes, gateway }: Delivery,
  issuer: string,
  requests: readonly IssueCodeRequest[],
): Promise<DeliverReply[]> {
  const replies = requests.map((request) => refusalBefore(request, gateway));
  const open = requests.flatMap((_, at) => (replies[at] === null ? [at] : []));
  const asked = open.map((at) => requests[at]!);
  const issued = asked.length === 0 ? [] : await codes.issueCodes(issuer, asked);
  const run = { failuresInARow: 0, sent: await sentBefore(codes, asked) };
  await inLanes(open, async (at, n) => {
    replies[at] = await deliver({ codes, gateway }, issuer, requests[at]!, issued[n]!, run);
  });
  return replies.map((reply) => reply ?? { error: 'internal_server_error' });
}

/** Only who names a uuid can have asked before. */
async function sentBefore(codes: DeliveryBooks, asked: readonly IssueCodeRequest[]): Promise<ReadonlySet<string>> {
  const uuids = asked.flatMap(({ uuid, phone }) => (uuid === null || phone === null ? [] : [uuid.toLowerCase()]));
  return new Set(uuids.length === 0 ? [] : await codes.sentBefore(uuids));
}

/** What is wrong with a message is said before a code is made. */
function refusalBefore(request: IssueCodeRequest, gateway: SmsGateway): DeliverReply | null {
  if (request.phone === null) return null;
  if (!gateway.hasTemplate(request.smsTemplateLabel)) return { error: 'template_unknown' };
  return request.onlyGenerateSms || gateway.sends ? null : { error: 'sms_failure' };
}

async function deliver(
  { codes, gateway }: Delivery,
  issuer: string,
  request: IssueCodeRequest,
  reply: IssuedCode | { readonly error: string },
  run: { failuresInARow: number; readonly sent: ReadonlySet<string> },
): Promise<DeliverReply> {
  if ('error' in reply) return reply as DeliverReply;
  const code: IssuedCode = { ...reply };
  const { phone } = request;
  if (phone === null) return { ...code, generatedSms: null, sent: false };
  const purpose = request.testType === 'user-report' ? 'User Report' : 'EN Report';
  const message = { phone, purpose, templateLabel: request.smsTemplateLabel, code } as const;
  const cancelled = async (error: 'sms_failure' | 'sms_queue_full' | 'template_unknown'): Promise<DeliverReply> => {
    await codes.cancelCode(issuer, code.uuid);
    return { error };
  };
  if (request.onlyGenerateSms) {
    const generatedSms = gateway.compose(message);
    return generatedSms === null ? cancelled('template_unknown') : { ...code, generatedSms, sent: false };
  }
  const left = { ...code, generatedSms: null, sent: true } as const;
  if (run.sent.has(code.uuid)) return left;
  // Nobody else knows a uuid that was drawn for this request.
  const sending = request.uuid === null ? 'go' : await codes.beginSending(code.uuid);
  if (sending === 'sent') return left;
  if (sending !== 'go') return { error: sending === 'busy' ? 'sms_queue_full' : 'sms_failure' };
  if (run.failuresInARow >= FAILURES_TO_STOP) return cancelled('sms_failure');
  const outcome = await gateway.send(message);
  run.failuresInARow = outcome === 'sent' ? 0 : run.failuresInARow + 1;
  if (outcome === 'sent') {
    await codes.markSent(code.uuid);
    return left;
  }
  return cancelled(outcome === 'busy' ? 'sms_queue_full' : 'sms_failure');
}

/** Works on items in their order, a few at a time. */
async function inLanes<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      await work(items[at]!, at);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, lane));
}
