/**
 * @module What the sizes of CWA's own uploads give away (docs/spec/cwa.md §1.3), measured on its padding and held against the
 * table in docs/privacy.md. The server can't change what those apps send.
 */
import { readFileSync } from 'node:fs';
import { describe, it } from 'vitest';
import { DECOY_PROFILE } from '../../domain/decoy-profile.ts';
import { encodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import { patientKeys, payloadOf, START } from './support/system.ts';

/** Android pads to 15 keys, iOS to 14, both with 28 bytes a missing key. */
const PADDED_TO = { Android: 15, iOS: 14 } as const;
const PADDING_A_KEY = 28;
/** Value for the day of the upload; null: the app sends a risk level alone. */
const ONSETS = [null, ...DECOY_PROFILE.answers.flatMap(({ from, to }) => [from, to])];

/** Bytes of a body with `count` keys; 0: a dummy. */
function bodyBytes(paddedTo: number, count: number, onset: number | null, cut: boolean): number {
  const keys = patientKeys('size', START, count).map((key, age) => ({
    ...key,
    daysSinceOnsetOfSymptoms: onset === null ? null : onset - 1 - age,
    rollingPeriod: cut && age === 0 ? 60 : key.rollingPeriod,
  }));
  const requestPadding = new Uint8Array(PADDING_A_KEY * Math.max(paddedTo - count, 0)).fill(0x41);
  return encodeSubmissionPayload(payloadOf(keys, { requestPadding })).length;
}

/** `3 to 7`: bytes that a real upload of `count` keys is longer than a dummy, whatever was answered about symptoms. */
function excess(paddedTo: number, count: number): string {
  const dummy = bodyBytes(paddedTo, 0, null, false);
  const sizes = ONSETS.flatMap((onset) => [true, false].map((cut) => bodyBytes(paddedTo, count, onset, cut) - dummy));
  return `${Math.min(...sizes)} to ${Math.max(...sizes)}`;
}

const COUNTS = [1, 5, 10, 13, 14];

describe('docs/privacy.md', () => {
  it('says how much longer a real upload of CWA’s apps is than their dummy', ({ expect }) => {
    const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
    const table = [
      row(['Keys', ...COUNTS]),
      row(['---', ...COUNTS.map(() => '---')]),
      ...Object.entries(PADDED_TO).map(([app, to]) => row([`${app}, bytes`, ...COUNTS.map((n) => excess(to, n))])),
    ].join('\n');
    const document = readFileSync(new URL('../../docs/privacy.md', import.meta.url), 'utf8');
    // It stands in a list.
    expect(document.replaceAll(/^ +/gm, '')).toContain(table);
  });
});
