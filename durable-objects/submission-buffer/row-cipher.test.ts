import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { hmacSha256 } from '../../protocol/primitives/hash.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { FIELDS_OFFSET, HourCipher, STORED_ROW_BYTES, TAG_BYTES, readLabel, writeLabel } from './row-cipher.ts';

const KEY = new Uint8Array(32).map((_, n) => n);
const TEK = FIELDS_OFFSET + 8;

/** Rows with a tag's place left empty, as they are before they are sealed. */
const openRows = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .chain((counts) =>
    fc.uint8Array({ minLength: counts.length * STORED_ROW_BYTES, maxLength: counts.length * STORED_ROW_BYTES }),
  );

const sealed = (rows: Uint8Array, key = KEY): Uint8Array => {
  const copy = rows.slice();
  new HourCipher(key).seal(copy);
  return copy;
};

describe('a row', () => {
  it('that was sealed is opened as it was, alone or among others', ({ expect }) => {
    fc.assert(
      fc.property(openRows, (rows) => {
        const opened = new HourCipher(KEY).open(sealed(rows));
        for (let row = 0; row < rows.length; row += STORED_ROW_BYTES) {
          const body = (of: Uint8Array) => of.slice(row + TAG_BYTES, row + STORED_ROW_BYTES);
          expect(body(opened)).toEqual(body(rows));
          const one = new HourCipher(KEY).open(sealed(rows.slice(row, row + STORED_ROW_BYTES)));
          expect(one).toEqual(opened.slice(row, row + STORED_ROW_BYTES));
        }
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it('is AES-256-CTR from its tag, and its tag AES-256 of the key, as another implementation has them', async ({
    expect,
  }) => {
    const row = new Uint8Array(STORED_ROW_BYTES).map((_, n) => 7 * n);
    const stored = sealed(row);
    const derived = (use: string) => hmacSha256(KEY, utf8(`exposure-edge/waiting/${use}/v1`)).slice();
    const ctr = async (use: string, counter: Uint8Array<ArrayBuffer>, bytes: Uint8Array<ArrayBuffer>) => {
      const key = await crypto.subtle.importKey('raw', derived(use), 'AES-CTR', false, ['encrypt']);
      return new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CTR', counter, length: 128 }, key, bytes));
    };
    // One block of CTR over zeros is the block cipher of its counter.
    const tag = await ctr('row-tag', row.slice(TEK, TEK + 16), new Uint8Array(16));
    expect(stored.slice(0, TAG_BYTES)).toEqual(tag);
    const counter = tag.slice();
    counter[15]! &= 0xfc;
    expect(stored.slice(TAG_BYTES)).toEqual(await ctr('row', counter, row.slice(TAG_BYTES)));
  });

  it('under another key, or damaged in its tag or key, is left out, and the others are not', ({ expect }) => {
    const rows = new Uint8Array(3 * STORED_ROW_BYTES).map((_, n) => n % 251);
    const stored = sealed(rows);
    expect(new HourCipher(new Uint8Array(32).fill(9)).open(stored.slice()).length).toBe(0);
    for (const at of [0, TEK]) {
      const damaged = stored.slice();
      damaged[STORED_ROW_BYTES + at]! ^= 1;
      const opened = new HourCipher(KEY).open(damaged);
      expect(opened.length / STORED_ROW_BYTES).toBe(2);
      expect(opened.slice(STORED_ROW_BYTES + TAG_BYTES)).toEqual(rows.slice(2 * STORED_ROW_BYTES + TAG_BYTES));
    }
  });

  it('shows nothing of its key: equal keys have equal tags within an hour, and no others', ({ expect }) => {
    const teks = new Uint8Array(48).fill(1, 0, 32).fill(2, 32);
    const tags = new HourCipher(KEY).tags(teks);
    const other = new HourCipher(new Uint8Array(32).fill(9)).tags(teks);
    expect(tags.slice(0, 16)).toEqual(tags.slice(16, 32));
    for (const tag of [tags.slice(32), other.slice(0, 16)]) expect(tag).not.toEqual(tags.slice(0, 16));
  });
});

describe('a label', () => {
  it('names a text, which only its own key opens, and says little of its length', ({ expect }) => {
    const cipher = new HourCipher(KEY);
    const short = cipher.sealLabel('["DE"]');
    const long = cipher.sealLabel(JSON.stringify(['DE', 'FR', 'batch-1']));
    expect([cipher.openLabel(short), cipher.openLabel(long)]).toEqual(['["DE"]', '["DE","FR","batch-1"]']);
    expect(short.sealed.length).toBe(long.sealed.length);
    expect(cipher.sealLabel('["DE"]').label).toBe(short.label);
    expect(new HourCipher(new Uint8Array(32).fill(9)).openLabel(short)).toBeNull();
  });

  it('fits into six bytes', ({ expect }) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (label) => {
        const bytes = new Uint8Array(6);
        writeLabel(bytes, 0, label);
        expect(readLabel(bytes, 0)).toBe(label);
      }),
      { seed: 1 },
    );
  });
});

describe('counts', () => {
  it('are opened by their own key alone, by whoever sealed them and by a later one, and not when they were damaged', ({
    expect,
  }) => {
    const cipher = new HourCipher(KEY);
    const counts = Uint8Array.from({ length: 1_400 }, (_, i) => i % 251);
    const before = cipher.sealCounts(counts.map((count) => count ^ 1));
    const written = cipher.sealCounts(counts);
    const damaged = written.slice();
    damaged[700]! ^= 1;
    for (const one of [cipher, new HourCipher(KEY)]) {
      expect(one.openCounts(written)).toEqual(counts);
      expect(one.openCounts(before)).toEqual(counts.map((count) => count ^ 1));
      expect(one.openCounts(damaged)).toBeNull();
    }
    expect(new HourCipher(new Uint8Array(32).fill(9)).openCounts(written)).toBeNull();
    // What was handed out is the caller's own.
    cipher.openCounts(written)?.fill(0);
    expect(cipher.openCounts(written)).toEqual(counts);
  });
});
