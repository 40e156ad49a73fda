/**
 * @module How a publish request can end, and what Google's dialect says then (docs/spec/google.md §1.3, §1.4): one size and one set of headers for all of it.
 * Each decision is a line of docs/google-dialect.md.
 */
import { randomBytes } from 'node:crypto';
import type { Published, PublishRefusal } from '../../../domain/rpc-publish.ts';
import { toBase64 } from '../../../protocol/primitives/bytes.ts';
import {
  NOTHING_TO_SAY,
  PUBLISH_API_VERSION,
  writePublishResponse,
  type PublishErrorCode,
  type PublishResponse,
} from '../../../protocol/publish/response.ts';
import { levelAnswer, type LevelStatus } from '../../shared/level-answer.ts';

/** What became of single keys, a line each. */
export interface KeyNotes {
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
}

/** How it ended. */
export type PublishOutcome =
  /** Chaff: read and judged as a request is, and nothing more. */
  | { readonly kind: 'chaff' }
  /** All that the certificate asks for is done, now or since an earlier attempt. */
  | ({ readonly kind: 'published'; readonly published: Published } & KeyNotes)
  /**
   * Every key is left out with a warning: nothing is stored, the certificate is unused. Or what was answered to these keys isn't remembered any more. The
   * phone's own token goes back to it, since it keeps the last that it is given.
   */
  | ({ readonly kind: 'nothing-new'; readonly revisionToken: string } & KeyNotes)
  | { readonly kind: 'wrong-method' | 'wrong-media-type' | 'too-large' | 'malformed' }
  /** A rule of docs/google-dialect.md. */
  | { readonly kind: 'keys-refused'; readonly rule: string; readonly failures: readonly string[] }
  /** Nobody's certificates are good with that `healthAuthorityID`, or the service has ended. */
  | { readonly kind: 'unknown-authority' }
  /** Whatever is wrong with the certificate, or with what binds it to these keys. */
  | { readonly kind: 'certificate-invalid' }
  | { readonly kind: 'publish-refused'; readonly code: PublishRefusal }
  /** Ours: `origin` never told whose certificates are good; an authority isn't for this country. */
  | { readonly kind: 'authorities-unknown' | 'no-region' }
  /** Ours: a neighbour is out of reach, another upload holds the certificate, or the deadline came first. The phone may send the same again. */
  | { readonly kind: 'try-later' };

interface Said extends Partial<PublishResponse> {
  readonly status: LevelStatus;
}

const refused = (status: LevelStatus, code: PublishErrorCode, error: string): Said => ({ status, code, error });

/** Texts for whoever reads English at a debugger; apps go by the code. */
const REFUSAL_TEXTS: Readonly<Record<PublishRefusal, string>> = {
  missing_revision_token: 'no revision token, but sent existing keys',
  invalid_revision_token: 'invalid revision token',
  key_already_revised: 'key was already revised',
  invalid_report_type_transition: 'invalid report type transition',
};

/** @param outcome see {@link PublishOutcome} @returns what the phone hears */
export function saidOf(outcome: PublishOutcome): Said {
  switch (outcome.kind) {
    case 'chaff':
      return { status: 200 };
    case 'published': {
      const { published } = outcome;
      return {
        ...notesOf(outcome),
        revisionToken: toBase64(published.token),
        insertedExposures: published.inserted,
      };
    }
    case 'nothing-new':
      return { ...notesOf(outcome), revisionToken: outcome.revisionToken };
    case 'wrong-method':
      return refused(405, 'bad_request', 'only POST is allowed');
    case 'wrong-media-type':
      return refused(415, 'bad_request', 'content-type is not application/json');
    case 'too-large':
      return refused(413, 'bad_request', 'body is larger than 64000 bytes');
    case 'malformed':
      return refused(400, 'bad_request', 'body is not a publish request');
    case 'keys-refused':
      return refused(
        400,
        'bad_request',
        [`unable to read request data: ${outcome.rule}`, ...outcome.failures].join('; '),
      );
    case 'unknown-authority':
      return refused(401, 'unknown_health_authority_id', 'unknown health authority ID');
    case 'certificate-invalid':
      return refused(
        401,
        'health_authority_verification_certificate_invalid',
        'unable to validate diagnosis verification',
      );
    case 'publish-refused':
      return refused(400, outcome.code, REFUSAL_TEXTS[outcome.code]);
    case 'authorities-unknown':
      return refused(503, 'unable_to_load_health_authority', 'unable to load health authority, try again later');
    case 'no-region':
      return refused(503, 'health_authority_missing_region_config', 'health authority is not set up, try again later');
    case 'try-later':
      return refused(503, 'internal_error', 'internal error, try again later');
  }
}

/** A key that was left out for what the phone sent makes a partial failure, with status 200; one that was left out for other reasons doesn't. */
function notesOf({ failures, warnings }: KeyNotes): Said {
  return { status: 200, warnings, ...(failures.length > 0 && { code: 'partial_failure', error: failures.join('; ') }) };
}

const HEADERS = { 'content-type': 'application/json', 'x-api-version': PUBLISH_API_VERSION } as const;

const randomBase64 = (characters: number): string => randomBytes((characters / 4) * 3).toString('base64');

/**
 * @param outcome see {@link PublishOutcome}
 * @param statusLineHasPhrase see level-answer.ts
 * @returns the answer, as long as every other
 */
export function publishAnswer(outcome: PublishOutcome, statusLineHasPhrase: boolean): Response {
  const { status, ...said } = saidOf(outcome);
  const body = writePublishResponse({ ...NOTHING_TO_SAY, ...said }, randomBase64);
  return levelAnswer(status, statusLineHasPhrase, HEADERS, body);
}
