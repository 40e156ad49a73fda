/** @module What staff do about verification codes, one or many: requests as `verification` takes them, and what is told of an error. */
import type { IssueCodeRequest } from '../../domain/rpc-codes.ts';
import type { DeliveryErrorCode } from '../../domain/rpc-sms.ts';
import { toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { BulkFault } from './bulk-table.ts';
import type { NoticeKey } from './notices.ts';

/**
 * @param order of a form (decision 033), 64 hex digits that only the session leads to
 * @param index of a code of that order
 * @returns the uuid by which the same order always gets the same code (RFC 9562 §5.8)
 */
export function uuidOfOrder(order: string, index = 0): string {
  const hex = toHex(sha256(utf8(`exposure-edge/code-order/v1\0${order}\0${index}`)));
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

/** @returns the request for a code of a person's own */
export function staffRequest(
  about: Pick<IssueCodeRequest, 'testType' | 'symptomDate' | 'testDate' | 'phone'> & Partial<IssueCodeRequest>,
): IssueCodeRequest {
  return {
    tzOffset: 0,
    uuid: null,
    externalIssuerId: null,
    smsTemplateLabel: null,
    onlyGenerateSms: false,
    long: about.phone !== null,
    ...about,
  };
}

/** What a page says where one code was asked for, and a report where many were. */
export const TOLD: Readonly<Record<DeliveryErrorCode, { readonly notice: NoticeKey; readonly fault: BulkFault }>> = {
  missing_date: { notice: 'issueDate', fault: 'date' },
  invalid_date: { notice: 'issueDate', fault: 'date' },
  invalid_test_type: { notice: 'issueIncomplete', fault: 'type' },
  unsupported_test_type: { notice: 'issueRefused', fault: 'refused' },
  phone_number_invalid: { notice: 'issueNumber', fault: 'phone' },
  uuid_already_exists: { notice: 'issueAgain', fault: 'refused' },
  invalid_external_issuer_id: { notice: 'issueIncomplete', fault: 'refused' },
  quota_exceeded: { notice: 'issueQuotaOver', fault: 'quota' },
  issuer_ended: { notice: 'issueRefused', fault: 'refused' },
  user_report_known: { notice: 'issueRefused', fault: 'refused' },
  internal_server_error: { notice: 'issueRefused', fault: 'refused' },
  sms_failure: { notice: 'issueSmsFailed', fault: 'sms' },
  sms_queue_full: { notice: 'issueSmsFailed', fault: 'sms' },
  template_unknown: { notice: 'issueIncomplete', fault: 'refused' },
};
