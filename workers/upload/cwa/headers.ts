/**
 * @module The request headers of Corona-Warn-App's dialect (docs/spec/cwa.md §1.1). A request without `cwa-fake` says what it is inside its
 * body, where nobody on the wire sees it (docs/decisions/025).
 */
import type { Outcome } from './outcome.ts';

/** Headers that reach the handler; everything else is gone before it runs. `cwa-header-padding` is ignored. */
export const DIALECT_HEADERS = ['content-type', 'cwa-fake', 'cwa-authorization', 'cwa-otp'] as const;

const MEDIA_TYPE = 'application/x-protobuf';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** @param headers of a request @returns whether its body says that it is a protobuf */
export function isProtobuf(headers: Headers): boolean {
  return headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() === MEDIA_TYPE;
}

/** What the headers ask for. */
export type Intent =
  | { readonly kind: 'upload'; readonly authorisation: string }
  | { readonly kind: 'dummy' }
  /** No header says it: the body does, claim.ts. */
  | { readonly kind: 'in-body' }
  | { readonly kind: 'answer'; readonly outcome: Outcome };

const answer = (kind: 'bad-headers' | 'unauthorised' | 'unsupported'): Intent => ({
  kind: 'answer',
  outcome: { kind },
});

/**
 * @param headers the headers that {@link DIALECT_HEADERS} lets through
 * @returns what to do with the body
 */
export function readHeaders(headers: Headers): Intent {
  if (!isProtobuf(headers)) return answer('unsupported');
  const fake = headers.get('cwa-fake')?.trim();
  if (fake === undefined) return { kind: 'in-body' };
  if (fake === '') return answer('bad-headers');
  if (!/^[+-]?\d{1,10}$/.test(fake)) return answer('unsupported');
  // A dummy carries an empty authorisation, or none, or any (docs/spec/cwa.md §1.3).
  if (Number(fake) !== 0) return { kind: 'dummy' };
  const authorisation = headers.get('cwa-authorization')?.trim() ?? '';
  const oneTimePassword = headers.get('cwa-otp')?.trim() ?? '';
  if ((authorisation === '') === (oneTimePassword === '')) return answer('bad-headers');
  if (authorisation !== '') return { kind: 'upload', authorisation };
  // One-time passwords authorise self-reports, by a service that is not run here: none is ever valid.
  return answer(UUID.test(oneTimePassword) ? 'unauthorised' : 'bad-headers');
}
