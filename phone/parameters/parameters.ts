/**
 * @module How a phone comes by its parameters: it takes a head that is signed, newer than what it saw, in force, and
 * the document the head names for it. Whatever is wrong, it keeps the last good document and says why
 * (docs/parameters.md).
 */
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import {
  CONFIG_TYPE,
  type ConfigHead,
  type DocumentEntry,
  type PhoneVersion,
  chooseDocument,
  configDocumentPath,
  configHeadPath,
  documentName,
  parseConfigHead,
} from '../../protocol/parameters/config-head.ts';
import { type Parameters, parseParameters } from '../../protocol/parameters/document.ts';
import { type Violation, describeViolation } from '../../protocol/parameters/violation.ts';
import { type Result, err, ok } from '../../protocol/primitives/result.ts';
import { type DocumentError, describeDocumentError, openDocument } from '../../protocol/index/signed-document.ts';
import { type Fetch, type HttpError, describeHttpError, get } from '../http.ts';
import type { RandomBytes } from '../random.ts';
import { CLOCK_TOLERANCE_SECONDS, clockError, describeClockError } from '../timing/clock-check.ts';

const MAX_HEAD_BYTES = 16_384;
const MAX_DOCUMENT_BYTES = 1_048_576;
const SECRET_BYTES = 16;

/** What a phone remembers. */
export interface ParametersState {
  /** Decides its part in staged roll-outs; drawn once, never sent. */
  readonly secret: Uint8Array;
  /** The highest head it took; null before the first. */
  readonly head: ConfigHead | null;
  /** ETag of that head. */
  readonly etag: string | null;
  /** The last good document's text; null before the first. */
  readonly document: string | null;
  /** Failures in a row, for the back-off. */
  readonly failures: number;
}

export type ParametersError =
  | HttpError
  | DocumentError
  | { readonly kind: 'malformed-head'; readonly what: string }
  /** The phone's clock is off: nothing can be said about what is in force. */
  | { readonly kind: 'clock'; readonly errorSeconds: number }
  | { readonly kind: 'no-date' }
  | { readonly kind: 'older'; readonly seen: number; readonly got: number }
  /** The version that was seen, issued earlier than what was seen, or with other documents. */
  | { readonly kind: 'replayed'; readonly version: number }
  | { readonly kind: 'expired'; readonly validUntil: number }
  | { readonly kind: 'from-the-future'; readonly issuedAt: number }
  | { readonly kind: 'wrong-document'; readonly name: string }
  | { readonly kind: 'unreadable-document'; readonly violations: readonly Violation[] };

export interface ParametersSource {
  readonly fetch: Fetch;
  /** Address of the `config` Worker. */
  readonly url: string;
  /** Key id → SPKI of the keys pinned for our own documents. */
  readonly keys: Readonly<Record<string, Uint8Array>>;
  readonly phone: PhoneVersion;
}

/** 'new': other parameters from now on. 'same': the head was renewed or is unchanged. */
export interface ParametersUpdate {
  readonly state: ParametersState;
  readonly outcome: Result<'new' | 'same', ParametersError>;
}

/** @param random a cryptographic source */
export function newParametersState(random: RandomBytes): ParametersState {
  return { secret: random(SECRET_BYTES), head: null, etag: null, document: null, failures: 0 };
}

/** @returns the parameters a phone goes by; null before the first good document */
export function currentParameters(state: ParametersState): Parameters | null {
  if (state.document === null) return null;
  const parsed = parseParameters(JSON.parse(state.document));
  return parsed.ok ? parsed.value : null;
}

/**
 * Asks once.
 * @param state as the last call left it
 * @param now the phone's clock, Unix seconds
 * @returns the state to keep, changed only by what is good, and what happened
 */
export async function updateParameters(
  source: ParametersSource,
  state: ParametersState,
  now: number,
): Promise<ParametersUpdate> {
  const outcome = await attempt(source, state, now);
  if (outcome.ok) return { state: outcome.value.state, outcome: ok(outcome.value.change) };
  return { state: { ...state, failures: state.failures + 1 }, outcome };
}

interface Attempt {
  readonly state: ParametersState;
  readonly change: 'new' | 'same';
}

async function attempt(
  source: ParametersSource,
  state: ParametersState,
  now: number,
): Promise<Result<Attempt, ParametersError>> {
  const url = new URL(configHeadPath(), withSlash(source.url)).href;
  // Without a head an ETag would get a 304 for nothing.
  const body = await get(source.fetch, url, MAX_HEAD_BYTES, state.head === null ? null : state.etag);
  if (!body.ok) return body;
  const clock = checkClock(body.value.headers, now);
  if (!clock.ok) return clock;
  const { bytes, headers } = body.value;
  const offered = bytes === null ? ok({ head: state.head!, etag: state.etag }) : read(bytes, headers, source.keys);
  if (!offered.ok) return offered;
  const { head, etag } = offered.value;
  const judged = judge(head, state.head, now);
  if (!judged.ok) return judged;
  // Also for a head that is unchanged: the app may have been updated since, and be meant by another entry.
  const text = await documentText(source, state, chooseDocument(head, source.phone, state.secret));
  if (!text.ok) return text;
  const next: ParametersState = { secret: state.secret, head, etag, document: text.value, failures: 0 };
  return ok({ state: next, change: text.value === state.document ? 'same' : 'new' });
}

interface Offered {
  readonly head: ConfigHead;
  readonly etag: string | null;
}

function read(bytes: Uint8Array, headers: Headers, keys: ParametersSource['keys']): Result<Offered, ParametersError> {
  const head = readHead(bytes, keys);
  return head.ok ? ok({ head: head.value, etag: headers.get('etag') }) : head;
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

/** A phone whose clock is further off than the tolerance can't judge what is in force. */
function checkClock(headers: Headers, now: number): Result<null, ParametersError> {
  if (Number.isNaN(Date.parse(headers.get('date') ?? ''))) return err({ kind: 'no-date' });
  const errorSeconds = clockError(headers, now);
  return errorSeconds === null ? ok(null) : err({ kind: 'clock', errorSeconds });
}

function readHead(bytes: Uint8Array, keys: ParametersSource['keys']): Result<ConfigHead, ParametersError> {
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    return err({ kind: 'malformed-head', what: 'not UTF-8' });
  }
  const opened = openDocument(CONFIG_TYPE, text, keys);
  if (!opened.ok) return opened;
  const head = parseConfigHead(opened.value.payload);
  return head.ok ? head : err({ kind: 'malformed-head', what: head.error });
}

/**
 * Whether a signed head may replace the one that was taken last.
 * @param seen null before the first
 * @param now Unix seconds, of a clock that is at most two hours off
 */
function judge(head: ConfigHead, seen: ConfigHead | null, now: number): Result<null, ParametersError> {
  if (seen !== null && head.version < seen.version) {
    return err({ kind: 'older', seen: seen.version, got: head.version });
  }
  if (seen !== null && head.version === seen.version) {
    const sameDocuments = JSON.stringify(head.documents) === JSON.stringify(seen.documents);
    if (head.issuedAt < seen.issuedAt || !sameDocuments) return err({ kind: 'replayed', version: head.version });
  }
  if (head.issuedAt > now + CLOCK_TOLERANCE_SECONDS) return err({ kind: 'from-the-future', issuedAt: head.issuedAt });
  return head.validUntil <= now ? err({ kind: 'expired', validUntil: head.validUntil }) : ok(null);
}

async function documentText(
  source: ParametersSource,
  state: ParametersState,
  entry: DocumentEntry,
): Promise<Result<string, ParametersError>> {
  if (state.document !== null && documentName(state.document) === entry.sha256) return ok(state.document);
  const url = new URL(configDocumentPath(entry.sha256), withSlash(source.url)).href;
  const body = await get(source.fetch, url, Math.min(MAX_DOCUMENT_BYTES, entry.size));
  if (!body.ok) return body;
  const bytes = body.value.bytes ?? new Uint8Array();
  const wrong = err({ kind: 'wrong-document', name: entry.sha256 } as const);
  let text: string;
  let parsed: Result<Parameters, readonly Violation[]>;
  try {
    text = fromUtf8(bytes);
    if (documentName(text) !== entry.sha256) return wrong;
    parsed = parseParameters(JSON.parse(text));
  } catch {
    return wrong;
  }
  return parsed.ok ? ok(text) : err({ kind: 'unreadable-document', violations: parsed.error });
}

/** @returns one line for a person */
export function describeParametersError(error: ParametersError): string {
  switch (error.kind) {
    case 'network':
    case 'status':
    case 'too-large':
      return describeHttpError(error);
    case 'malformed-document':
    case 'wrong-type':
    case 'unknown-key':
    case 'bad-signature':
      return describeDocumentError(error);
    case 'malformed-head':
      return `configuration head: ${error.what}`;
    case 'clock':
      return describeClockError(error.errorSeconds);
    case 'no-date':
      return 'the answer has no Date, so the clock cannot be checked';
    case 'older':
      return `configuration version ${error.got} is older than ${error.seen}, which was seen before`;
    case 'replayed':
      return `configuration version ${error.version} was seen before, issued later or with other documents`;
    case 'expired':
      return `configuration expired at ${error.validUntil}`;
    case 'from-the-future':
      return `configuration is issued in the future, at ${error.issuedAt}`;
    case 'wrong-document':
      return `document ${error.name} is not what its name says`;
    case 'unreadable-document':
      return `document: ${error.violations.map((violation) => describeViolation(violation)).join('; ')}`;
  }
}
