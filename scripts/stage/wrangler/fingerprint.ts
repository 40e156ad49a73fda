/**
 * @module By which a version is known: a tag that says of which commit it is and what is in it. A version with the tag that would be made now needs no making; a version without one of
 * ours was made by somebody else, by hand or by `wrangler secret put`.
 */
import { createHash, createHmac } from 'node:crypto';
import type { Bundle } from './bundles.ts';
import type { Configuration } from './configuration.ts';

const COMMIT = 12;
const FINGERPRINT = 24;
const TAG = new RegExp(`^ee-([0-9a-f]{${COMMIT}}|unknown)-([0-9a-f]{${FINGERPRINT}})$`);
/** Of one secret in a release file: enough to tell two apart. */
const SECRET_MARK = 16;

/** What is in a version. */
export interface VersionContent {
  readonly bundle: Pick<Bundle, 'hash'>;
  readonly configuration: Configuration;
  /** See {@link secretMarks}. */
  readonly marks: Readonly<Record<string, string>>;
}

/**
 * A secret's mark says whether it is the same as before, and nothing else: keyed, so that nobody who reads a release file or a tag can try values.
 *
 * @param secrets by name
 * @param key of the stage, 32 bytes, sealed with its secrets
 * @returns mark by name, 16 hex digits
 */
export function secretMarks(secrets: Readonly<Record<string, string>>, key: Uint8Array): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secrets)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [
        name,
        createHmac('sha256', key).update(`${name}\0${value}`).digest('hex').slice(0, SECRET_MARK),
      ]),
  );
}

/** @param content see {@link VersionContent} @returns 24 hex digits, the same for the same content */
export function fingerprintOf({ bundle, configuration, marks }: VersionContent): string {
  return createHash('sha256')
    .update(JSON.stringify([bundle.hash, configuration, marks]))
    .digest('hex')
    .slice(0, FINGERPRINT);
}

/** @param commit of the repository, hex, or null outside of one @returns the tag, at most 100 bytes as the platform wants it */
export function tagOf(commit: string | null, fingerprint: string): string {
  return `ee-${commit?.slice(0, COMMIT) ?? 'unknown'}-${fingerprint}`;
}

/** @returns what a version's tag says, or null: it isn't one of ours */
export function readTag(tag: string | null): { readonly commit: string; readonly fingerprint: string } | null {
  const [, commit, fingerprint] = TAG.exec(tag ?? '') ?? [];
  return commit === undefined || fingerprint === undefined ? null : { commit, fingerprint };
}
