/**
 * @module The contracts of verification codes as apps of Exposure Notifications Express know them (docs/spec/google.md §5): API keys, codes that are issued, messages that carry them. Types and pure
 * functions; `verification#BackOffice` offers {@link CodesBackOfficeRpc} to `portal`, and `workers/verification/google/` uses {@link SmsPort}.
 */

/** device: apps ask `/api/verify`, `/api/certificate`, `/api/user-report`; admin: systems that issue codes; stats: reads statistics. A key is good for one of them. */
export const API_KEY_KINDS = ['device', 'admin', 'stats'] as const;
export type ApiKeyKind = (typeof API_KEY_KINDS)[number];

/** What is known of an API key; never the key. */
export interface ApiKey {
  /** 32 lowercase hex digits: what a revocation names. */
  readonly id: string;
  readonly kind: ApiKeyKind;
  /** 1..100 characters, as an operator named it. */
  readonly name: string;
  /** Unix seconds. */
  readonly createdAt: number;
  /** Unix seconds, or null. A revoked key is listed for 30 days. */
  readonly revokedAt: number | null;
}

/** A key and its text, `<random>.<realm>.<HMAC>`: told once, kept nowhere. */
export interface CreatedApiKey {
  readonly apiKey: ApiKey;
  readonly text: string;
}

/** A key that holds: its name, and who issues with it ({@link apiKeyIssuer}). */
export interface CheckedApiKey {
  readonly id: string;
  readonly name: string;
}

/** @param id of an API key of kind admin @returns the issuer that its codes are booked to; a member of staff is their subject, which never begins so */
export const apiKeyIssuer = (id: string): string => `key:${id}`;

export const CODE_TEST_TYPES = ['confirmed', 'likely', 'negative', 'user-report'] as const;
export type CodeTestType = (typeof CODE_TEST_TYPES)[number];

/** A code to issue: the fields of `POST /api/issue` (docs/spec/google.md §5.4), checked for type alone by who calls. */
export interface IssueCodeRequest {
  readonly testType: CodeTestType;
  /** YYYY-MM-DD, or null. */
  readonly symptomDate: string | null;
  readonly testDate: string | null;
  /** Minutes east of UTC, -1440..1440: below 0 a date may be one day older than 28. */
  readonly tzOffset: number;
  /** E.164; looked at for `user-report`, where it must not have had one lately; never stored in the clear. */
  readonly phone: string | null;
  /** Any version, lower or upper case; null: a new one. The same one with the same fields, of the same issuer, gives the same code again while that is live. */
  readonly uuid: string | null;
  /** 1..255 characters: whom the issuer issues for; a quota of its own, kept as a keyed hash. */
  readonly externalIssuerId: string | null;
  readonly smsTemplateLabel: string | null;
  readonly onlyGenerateSms: boolean;
  /** Whether a long code is wanted too: for a link or an SMS. */
  readonly long: boolean;
}

/** A code, told once; `verification` keeps keyed hashes. */
export interface IssuedCode {
  /** Lower case. */
  readonly uuid: string;
  /** Eight digits. */
  readonly code: string;
  /** Unix seconds: 15 minutes. */
  readonly expiresAt: number;
  /** 16 characters [a-z0-9]; null where none was asked for. */
  readonly longCode: string | null;
  /** Unix seconds: 24 hours, of a user report 15 minutes. */
  readonly longExpiresAt: number | null;
}

/**
 * The `errorCode`s of docs/spec/google.md §5.4. issuer_ended is ours: what this issuer vouches for today was rolled back; Google's dialect says `unsupported_test_type` for it.
 * user_report_known is ours too: this phone had one within 30 days; whoever answers a person says what is said of one that was sent.
 */
export type IssueErrorCode =
  | 'missing_date'
  | 'invalid_date'
  | 'invalid_test_type'
  | 'unsupported_test_type'
  | 'phone_number_invalid'
  | 'uuid_already_exists'
  | 'invalid_external_issuer_id'
  | 'quota_exceeded'
  | 'issuer_ended'
  | 'user_report_known'
  | 'internal_server_error';

export type IssueCodeReply = IssuedCode | { readonly error: IssueErrorCode };

/** What an issuer may know of a code. */
export interface CodeStatus {
  readonly uuid: string;
  readonly testType: CodeTestType;
  readonly createdAt: number;
  /** Of the short code; now or earlier once the code was expired by its issuer. */
  readonly expiresAt: number;
  readonly longExpiresAt: number | null;
  /** Whether an app took it; never which. */
  readonly claimed: boolean;
}

/** An issuer's codes of the last 24 hours, newest first, 500 at most, and the quota of the UTC day. */
export interface IssuedCodesBook {
  readonly codes: readonly CodeStatus[];
  readonly used: number;
  readonly limit: number;
}

/** Most codes of one call of {@link CodesBackOfficeRpc.issueCodes}. */
export const MAX_CODES_PER_CALL = 2_000;

/** Part of verification#BackOffice, bound by `portal` alone. `issuer`: a subject of staff, or {@link apiKeyIssuer}; 1..100 characters. */
export interface CodesBackOfficeRpc {
  /**
   * @param requests 1..{@link MAX_CODES_PER_CALL}
   * @returns of each, in their order, the code or what is wrong with it; each is all or nothing, and none waits for another
   */
  issueCodes(issuer: string, requests: readonly IssueCodeRequest[]): Promise<readonly IssueCodeReply[]>;
  /** @returns null when this issuer issued no such code within 14 days */
  codeStatus(issuer: string, uuid: string): Promise<CodeStatus | null>;
  /** Idempotent. @returns the code's status after it (one that has expired stays as it is); claimed: it is too late; null: as of {@link codeStatus} */
  expireCode(issuer: string, uuid: string): Promise<CodeStatus | 'claimed' | null>;
  /** A code whose message didn't leave: gone as if it had never been issued, quota too. A claimed one stays. */
  cancelCode(issuer: string, uuid: string): Promise<void>;
  codeBook(issuer: string): Promise<IssuedCodesBook>;
  /** @param perDay 0..100,000 codes a UTC day; 0 stops the issuer. Without one: 2,000 of a person, 20,000 of an API key */
  setCodeQuota(issuer: string, perDay: number): Promise<void>;
  codeQuotas(): Promise<readonly { readonly issuer: string; readonly codesPerDay: number }[]>;
  /**
   * @param name 1..100 characters
   * @param request the order of a form, 64 lowercase hex digits: the same one gives the same key (decision 033). Left out: a new one
   */
  createApiKey(kind: ApiKeyKind, name: string, request?: string): Promise<CreatedApiKey>;
  /** @returns all keys, newest first */
  apiKeys(): Promise<readonly ApiKey[]>;
  /** Idempotent; at once. @returns false when there is no such key */
  revokeApiKey(id: string): Promise<boolean>;
  /** @param key text as it came, of any form @returns null: forged, of another kind, revoked or forgotten */
  checkApiKey(kind: ApiKeyKind, key: string): Promise<CheckedApiKey | null>;
  /** @returns failed guesses of codes, of the running and of the last hour, and whether there are more than a deployment should see */
  codeGuesses(): Promise<{ readonly thisHour: number; readonly lastHour: number; readonly alarm: boolean }>;
}

/** A message that is to bring a code to a phone (docs/spec/google.md §5.6). Nothing of it is kept or logged. */
export interface SmsMessage {
  /** E.164. */
  readonly phone: string;
  /** As the authenticated message signs it. */
  readonly purpose: 'EN Report' | 'User Report';
  /** Which of the operator's templates; null: the default one. */
  readonly templateLabel: string | null;
  readonly code: IssuedCode;
}

/** sent: the gateway took it. busy: try later (`sms_queue_full`). failed: it didn't (`sms_failure`). */
export type SmsOutcome = 'sent' | 'busy' | 'failed';

/** The gateway for messages. `createApp` of `verification` is handed `sms: (env) => SmsPort | null`; null: there is none, and user reports are not offered. */
export interface SmsPort {
  /** Never rejects. */
  send(message: SmsMessage): Promise<SmsOutcome>;
}
