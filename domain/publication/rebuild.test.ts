/** @module Heads made again from the log: by which release they were signed decides what they say of compact chunks. */
import { describe, it } from 'vitest';
import { fromUtf8, toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { EventOf, SealedFile } from '../event-log/entry.ts';
import { chunkEntries } from './built-file.ts';
import { composeHead } from './head.ts';
import { composedOf, type PublishedFiles } from './published-head.ts';
import { rebuildIndex, RebuildMismatch } from './rebuild.ts';

const DAY = 20_417;
const HOUR = (DAY + 1) * 24;
const name = (of: string): string => toBase64Url(sha256(utf8(of)));
const fileOf = (of: string): SealedFile => ({
  start: DAY * 86_400,
  end: (DAY + 1) * 86_400,
  keys: 150,
  size: 2_600,
  sha256: name(of),
  keyId: '262',
  keyVersion: 'v1',
  sig: toBase64Url(utf8(`export.sig of ${of}`)),
});
const SEALED: PublishedFiles = {
  hour: () => [fileOf('hour')],
  day: () => [fileOf('day')],
  revocation: () => ({ days: [DAY], files: [fileOf('taken back')] }),
  google: [],
};

/** Signed, with what this release says of compact chunks or without. */
function publishedBy(release: { readonly compact?: false }): EventOf<'published'> {
  const { payload } = composeHead({
    region: 'DE',
    sequence: 7,
    previous: null,
    throughHour: HOUR,
    hours: [{ hour: HOUR, chunks: chunkEntries(SEALED.hour(HOUR), HOUR) }],
    days: [{ day: DAY, cut: DAY + 1, revised: null, chunks: chunkEntries(SEALED.day(DAY), null) }],
    revocations: [{ hour: HOUR, days: [DAY], chunks: chunkEntries([fileOf('taken back')], null), to: null }],
    googleFiles: null,
    ...release,
  });
  return {
    kind: 'published',
    region: 'DE',
    hour: HOUR,
    sequence: 7,
    previous: null,
    payloadSha256: toBase64Url(sha256(utf8(JSON.stringify(payload)))),
    head: { key: 'manifest-v1', signature: toBase64Url(new Uint8Array(64)) },
    regions: ['DE'],
    unionRegion: 'EUR',
    retentionDays: 14,
    hours: [HOUR],
    days: [{ day: DAY, cut: DAY + 1 }],
    revocations: [{ hour: HOUR, cut: DAY + 1 }],
  };
}

describe('a head made again', () => {
  it.for([
    { name: 'this release', release: {}, says: true },
    { name: 'one from before compact chunks', release: { compact: false }, says: false },
  ] as const)('is the one that was signed by $name, and so are its pages', ({ release, says }, { expect }) => {
    const published = publishedBy(release);
    const made = rebuildIndex(published, SEALED).filter(({ name: key }) => key.startsWith('v1/'));
    expect(made).toHaveLength(3);
    const texts = made.map(({ bytes }) => fromUtf8(bytes));
    expect(texts.map((text) => /"sig":|\\"compact\\":/.test(text))).toEqual([says, says, says]);
    expect(composedOf(published, SEALED).named.some((key) => key.endsWith('.compact'))).toBe(says);
  });

  it('is refused where neither is what was signed', ({ expect }) => {
    const other = { ...publishedBy({}), sequence: 8 };
    expect(() => rebuildIndex(other, SEALED)).toThrow(RebuildMismatch);
  });
});
