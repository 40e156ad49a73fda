/**
 * @module What can be wrong with a directory, each with its facts, and what a reader makes of it: all is refused, a region is withheld, or
 * one leaf is ignored.
 */
import type { PathError } from '../certificates/path.ts';
import type { StatementError } from './statement.ts';

export type DirectoryProblem =
  | { readonly kind: 'no-checkpoint' }
  | { readonly kind: 'another-log'; readonly found: string; readonly wanted: string }
  | { readonly kind: 'log-signature' }
  | {
      readonly kind: 'too-few-witnesses';
      readonly found: number;
      readonly wanted: number;
      readonly missing: readonly string[];
    }
  /** Enough witnesses, but not lately. */
  | { readonly kind: 'stale'; readonly seconds: number; readonly most: number }
  | { readonly kind: 'object-missing'; readonly path: string }
  | { readonly kind: 'object-altered'; readonly path: string }
  /** The entries aren't those of the checkpoint. */
  | { readonly kind: 'root-differs'; readonly size: number }
  | { readonly kind: 'rolled-back'; readonly from: number; readonly to: number }
  /** A tree that doesn't begin with the one that was seen. */
  | { readonly kind: 'forked'; readonly seen: number; readonly size: number }
  | { readonly kind: 'sequence-gap'; readonly author: string; readonly after: number; readonly found: number }
  | { readonly kind: 'entry-expired'; readonly regionId: string; readonly validUntil: number }
  | { readonly kind: 'signer-refused'; readonly regionId: string; readonly error: PathError | 'revoked' }
  | { readonly kind: 'tls-expired'; readonly regionId: string; readonly fingerprint: string }
  | { readonly kind: 'statement'; readonly index: number; readonly error: StatementError }
  | { readonly kind: 'from-the-future'; readonly index: number; readonly issuedAt: number }
  /** Issued before its author's last statement, by what it says: nobody can say later what it would have said then. */
  | { readonly kind: 'backdated'; readonly index: number; readonly author: string; readonly issuedAt: number }
  | { readonly kind: 'revoked-signer'; readonly index: number; readonly author: string }
  | {
      readonly kind: 'moved-cluster';
      readonly index: number;
      readonly regionId: string;
      readonly from: string;
      readonly to: string;
    }
  | { readonly kind: 'before-removal'; readonly index: number; readonly regionId: string }
  | { readonly kind: 'sequence-repeated'; readonly index: number; readonly author: string; readonly sequence: number };

/** What a reader makes of it. */
export type Level = 'refused' | 'withheld' | 'ignored';

/** @returns all is refused, a region (or what its cluster says of it) is withheld, or one leaf or certificate is ignored */
export function levelOf({ kind }: DirectoryProblem): Level {
  switch (kind) {
    case 'no-checkpoint':
    case 'another-log':
    case 'log-signature':
    case 'too-few-witnesses':
    case 'stale':
    case 'object-missing':
    case 'object-altered':
    case 'root-differs':
    case 'rolled-back':
    case 'forked':
      return 'refused';
    case 'sequence-gap':
    case 'entry-expired':
    case 'signer-refused':
      return 'withheld';
    case 'tls-expired':
    case 'statement':
    case 'from-the-future':
    case 'backdated':
    case 'revoked-signer':
    case 'moved-cluster':
    case 'before-removal':
    case 'sequence-repeated':
      return 'ignored';
  }
}

/** @param seconds Unix seconds @returns `2026-11-26T10:00:00Z` */
const timeText = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

/** @returns one line for a person */
export function describeProblem(problem: DirectoryProblem): string {
  switch (problem.kind) {
    case 'no-checkpoint':
      return 'checkpoint: is missing or malformed';
    case 'another-log':
      return `checkpoint: is of "${problem.found}", not of "${problem.wanted}"`;
    case 'log-signature':
      return 'checkpoint: no signature by a key of the log that the policy names, or one that does not hold';
    case 'too-few-witnesses':
      return `checkpoint: ${problem.found} of ${problem.wanted} witnesses cosigned it; without ${problem.missing.join(', ')}`;
    case 'stale':
      return `checkpoint: enough witnesses saw it last ${problem.seconds} s ago; at most ${problem.most} s`;
    case 'object-missing':
      return `${problem.path}: is missing`;
    case 'object-altered':
      return `${problem.path}: is not what the checkpoint says`;
    case 'root-differs':
      return `entries: the root over ${problem.size} of them is not the checkpoint's; one was altered, or another log's`;
    case 'rolled-back':
      return `checkpoint: has ${problem.to} entries, ${problem.from} were seen before: the directory was rolled back`;
    case 'forked':
      return `checkpoint: of ${problem.size} entries does not continue the one of ${problem.seen} that was seen: the directory was forked`;
    case 'sequence-gap':
      return `${problem.author}: statement ${problem.found} follows ${problem.after}; what is below is withheld until the others are there`;
    case 'entry-expired':
      return `region ${problem.regionId}: its entry was valid until ${timeText(problem.validUntil)}`;
    case 'signer-refused':
      return `region ${problem.regionId}: the certificate behind its entry is refused now: ${problem.error}`;
    case 'tls-expired':
      return `region ${problem.regionId}: TLS certificate ${problem.fingerprint} has expired`;
    case 'statement':
      return `entry ${problem.index}: ${describeStatementError(problem.error)}`;
    case 'from-the-future':
      return `entry ${problem.index}: says it was issued at ${timeText(problem.issuedAt)}`;
    case 'backdated':
      return `entry ${problem.index}: ${problem.author} says it was issued at ${timeText(problem.issuedAt)}, before its last statement`;
    case 'revoked-signer':
      return `entry ${problem.index}: by ${problem.author} with a certificate that was revoked before`;
    case 'moved-cluster':
      return `entry ${problem.index}: region ${problem.regionId} is of cluster ${problem.from}, not of ${problem.to}`;
    case 'before-removal':
      return `entry ${problem.index}: region ${problem.regionId} was removed after it was issued`;
    case 'sequence-repeated':
      return `entry ${problem.index}: ${problem.author} has said its statement ${problem.sequence} before`;
  }
}

/** @returns one line for a person */
export function describeStatementError(error: StatementError): string {
  switch (error.kind) {
    case 'malformed':
      return `is no statement: ${error.what}`;
    case 'bad-signature':
      return 'its signature does not hold';
    case 'path':
      return `the ${error.of === 'tls' ? 'TLS certificate' : "signer's certificate"} is refused: ${error.error}`;
    case 'another-region':
      return `a certificate is of region "${error.named}", not of ${error.wanted}`;
    case 'another-cluster':
      return `a certificate is of cluster "${error.named}", not of ${error.wanted}`;
    case 'not-entitled':
      return 'its author may not say that';
  }
}
