/**
 * @module A head that was signed, composed again from what the event log says was sealed: by which release, its hash tells.
 */
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { EventOf, SealedFile } from '../event-log/entry.ts';
import { chunkEntries } from './built-file.ts';
import { googleFilesOf, type ExportedDay } from './google-files.ts';
import { composeHead, type Composed, type Contents } from './head.ts';

/** What was sealed of all that a publication names. */
export interface PublishedFiles {
  readonly hour: (hour: number) => readonly SealedFile[];
  readonly day: (day: number) => readonly SealedFile[];
  readonly revocation: (hour: number) => Pick<EventOf<'revoked'>, 'days' | 'files' | 'to'>;
  /** Days of Google's view that it lists. */
  readonly google: readonly ExportedDay[];
}

/** @returns what a publication's head is made of */
function contentsOf(published: EventOf<'published'>, sealed: PublishedFiles): Contents {
  const { region, sequence, previous, hour: throughHour, hours, days, revocations = [] } = published;
  return {
    region,
    sequence,
    previous,
    throughHour,
    hours: hours.map((hour) => ({ hour, chunks: chunkEntries(sealed.hour(hour), hour) })),
    days: days.map(({ day, cut, revised = null }) => ({
      day,
      cut,
      revised,
      chunks: chunkEntries(sealed.day(day), null),
    })),
    revocations: revocations.map(({ hour }) => {
      const { days: of, files, to = null } = sealed.revocation(hour);
      return { hour, days: of, chunks: chunkEntries(files, null), to };
    }),
    googleFiles: published.index === undefined ? null : googleFilesOf(sealed.google).map(({ key }) => key),
    ended: published.ended === true,
  };
}

/** @returns what the next head calls `previous`, and the log keeps */
export const payloadHash = ({ payload }: Composed): string => toBase64Url(sha256(utf8(JSON.stringify(payload))));

/**
 * @param published the region's last
 * @param sealed files and days of what it names
 * @returns the head that was signed, by this release or by one from before compact chunks; where neither is, what this one makes
 */
export function composedOf(published: EventOf<'published'>, sealed: PublishedFiles): Composed {
  const contents = contentsOf(published, sealed);
  const composed = composeHead(contents);
  if (payloadHash(composed) === published.payloadSha256) return composed;
  const former = composeHead({ ...contents, compact: false });
  return payloadHash(former) === published.payloadSha256 ? former : composed;
}
