/** @module The device API (docs/spec/google.md §5.3): from a code to a token, from a token to a certificate, and what people report by themselves. */
import { codeDate } from '../../../domain/code-dates.ts';
import type { IssueCodeRequest, IssueErrorCode, SmsPort } from '../../../domain/rpc-codes.ts';
import { concealed, parseVerificationCode, SHORT_CODE_SECONDS } from '../../../domain/verification-codes.ts';
import { handleOfToken, verificationToken } from '../../../domain/verification-token.ts';
import { firstOf } from '../../../protocol/primitives/key-ring.ts';
import { signCertificate } from '../../../protocol/publish/issued-certificate.ts';
import { logLine } from '../../shared/log.ts';
import { USER_REPORT_TEMPLATE } from '../sms/config.ts';
import type { VerificationConfig } from '../bindings.ts';
import { type DeviceAnswer, deviceError, type DeviceErrorCode, UNAUTHORIZED } from './answers.ts';
import { type ApiKeyIds, type Codes, USER_REPORTS } from './codes.ts';
import type { CertificateQuestion, UserReportQuestion, VerifyQuestion } from './question.ts';

/** What a route is handed beside its question. */
export interface DeviceContext {
  readonly codes: Codes;
  readonly config: VerificationConfig;
  /** Of the API key, which we made. */
  readonly apiKeyIds: ApiKeyIds;
  /** Unix seconds. */
  readonly now: number;
  /** null: no gateway for messages. */
  readonly sms: SmsPort | null;
  readonly waitUntil: (promise: Promise<unknown>) => void;
}

/** What the store is shown, under the key of the ring that makes, and beside it under each other one. */
function underEach<T>(
  { config, apiKeyIds }: DeviceContext,
  shown: (hashKey: Uint8Array) => T,
): T & { readonly apiKeyId: string; readonly others?: readonly (T & { readonly apiKeyId: string })[] } {
  const { current, others } = config.tanHashKeys;
  const own = { ...shown(current), apiKeyId: apiKeyIds[0] };
  if (others.length === 0) return own;
  return { ...own, others: others.map((key, i) => ({ ...shown(key), apiKeyId: apiKeyIds[i + 1] ?? '' })) };
}

/** `/api/verify`. */
export async function verify({ code, accepted, nonce }: VerifyQuestion, context: DeviceContext): Promise<DeviceAnswer> {
  const { codes, config } = context;
  const typed = parseVerificationCode(code);
  if (typed === null) return deviceError('code_invalid');
  const { reply, warns } = await codes.store.claim({
    ...underEach(context, (hashKey) => ({
      code: concealed('code', typed, hashKey),
      nonce: nonce === null ? null : concealed('nonce', nonce, hashKey),
    })),
    accepted,
  });
  if (warns) logLine('alert_code_guesses: more than the budget of an hour (docs/verification.md)');
  switch (reply.kind) {
    case 'granted': {
      const { handle, testType, symptomDay, testDay } = reply;
      const dates = {
        ...(symptomDay !== null && { symptomDate: codeDate(symptomDay) }),
        ...(testDay !== null && { testDate: codeDate(testDay) }),
      };
      return {
        status: 200,
        body: { testtype: testType, ...dates, token: verificationToken(handle, config.derivationKeys.current) },
      };
    }
    case 'unauthorized':
      return UNAUTHORIZED;
    case 'invalid':
      return deviceError('code_invalid');
    case 'expired':
      return deviceError('code_expired');
    case 'unsupported':
      return deviceError('unsupported_test_type');
  }
}

/** `/api/certificate`. */
export async function certificate(question: CertificateQuestion, context: DeviceContext): Promise<DeviceAnswer> {
  const { codes, config } = context;
  const handle = firstOf(config.derivationKeys, (key) => handleOfToken(question.token, key));
  // Whoever has used a token, and whoever never had one, hears the same.
  if (handle === null) return deviceError('token_expired');
  const { head, signingKey } = config.google;
  const shown = underEach(context, (hashKey) => ({ mac: concealed('ekeyhmac', question.mac, hashKey) }));
  const reply = await codes.store.certify({ ...shown, handle, tekmac: question.ekeyhmac, head });
  if (reply.kind !== 'certified') return reply.kind === 'expired' ? deviceError('token_expired') : UNAUTHORIZED;
  return { status: 200, body: { certificate: signCertificate(reply.signingInput, signingKey.raw) } };
}

const REPORT_ERRORS: Readonly<Partial<Record<IssueErrorCode, DeviceErrorCode>>> = {
  missing_date: 'missing_date',
  invalid_date: 'invalid_date',
  phone_number_invalid: 'phone_number_invalid',
  quota_exceeded: 'quota_exceeded',
};

/**
 * `/api/user-report`. Whether the number had a code lately doesn't show: the answer is the same, and the message goes out after it. One that doesn't go out takes its code along, so that the person can ask
 * again; a crash in between leaves a code that nobody was told, and a number that waits an hour.
 */
export async function userReport(question: UserReportQuestion, context: DeviceContext): Promise<DeviceAnswer> {
  const { codes, apiKeyIds, now, sms, waitUntil } = context;
  if ((await codes.holding(apiKeyIds, 'device')) === null) return UNAUTHORIZED;
  if (sms === null) return deviceError('unsupported_test_type', 400);
  const { symptomDate, testDate, tzOffset, phone, nonce } = question;
  const request: IssueCodeRequest = {
    testType: 'user-report',
    symptomDate,
    testDate,
    tzOffset,
    phone,
    uuid: null,
    externalIssuerId: null,
    smsTemplateLabel: USER_REPORT_TEMPLATE,
    onlyGenerateSms: false,
    long: true,
  };
  const [reply] = await codes.issue(USER_REPORTS, [request], nonce);
  if (reply === undefined) return deviceError('internal_server_error');
  if ('error' in reply && reply.error !== 'user_report_known') {
    if (reply.error === 'issuer_ended') return deviceError('unsupported_test_type', 400);
    return deviceError(REPORT_ERRORS[reply.error] ?? 'internal_server_error');
  }
  if (!('error' in reply)) waitUntil(sendOrCancel({ phone, ...reply }, codes, sms));
  const expiresAt = now + SHORT_CODE_SECONDS;
  return { status: 200, body: { expiresAt: asGoWrites(expiresAt), expiresAtTimestamp: expiresAt } };
}

/** RFC 1123 with the zone that Go names so. @param at Unix seconds */
const asGoWrites = (at: number): string => new Date(at * 1000).toUTCString().replace('GMT', 'UTC');

type Sent = Parameters<SmsPort['send']>[0]['code'] & { readonly phone: string };

async function sendOrCancel({ phone, ...code }: Sent, codes: Codes, sms: SmsPort): Promise<void> {
  const outcome = await sms.send({ phone, purpose: 'User Report', templateLabel: USER_REPORT_TEMPLATE, code });
  if (outcome !== 'sent') await codes.store.cancelCode(USER_REPORTS, code.uuid);
}
