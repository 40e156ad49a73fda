import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { TEST_SECRETS, testKeyPem } from '../test/support/secrets.ts';
import { concatBytes, utf8 } from '../protocol/primitives/bytes.ts';
import { sha256 } from '../protocol/primitives/hash.ts';
import {
  JOURNAL_ENDED_BYTES,
  JOURNAL_ROW_BYTES,
  JOURNAL_USE,
  layJournal,
  readJournal,
  type JournalState,
} from './journal.ts';
import {
  openPages,
  openerKey,
  openWithSecret,
  PAGE_BYTES,
  recipientKey,
  SEALED_HEADER_BYTES,
  sealPages,
  secretOf,
} from './sealed-pages.ts';

const STATE: Omit<JournalState, 'rows'> = {
  endedKeys: 0,
  dropped: [{ hour: 494_855, cause: 'rollback', rows: 12 }],
  hour: 494_856,
  firstHour: 494_000,
  sets: [{ setNo: 3, hour: 494_855, firstHour: null, lastHour: null, decision: 'empty', facts: '{}', purged: true }],
  labels: [{ regions: ['DE', 'FR'], consentToFederation: true, origin: 'DE', synthetic: false, issueId: 'cards-1' }],
  counters: [],
  takenBack: [],
  ended: [{ name: 'ab'.repeat(16), expiresHour: 494_500 }],
};
const LEAST = 6 * PAGE_BYTES;

const rowsOf = (count: number): Uint8Array =>
  concatBytes(
    ...Array.from({ length: count }, (_, n) => {
      const hash = sha256(Uint8Array.of(n, n >> 8, n >> 16));
      return concatBytes(hash, hash.subarray(0, JOURNAL_ROW_BYTES - hash.length));
    }),
  );
let drawn = 0;
const random = (n: number): Uint8Array => sha256(Uint8Array.of((drawn += 1))).subarray(0, n);

/** All pages, as they are laid. */
function laid(rows: readonly Uint8Array[], before = 0): Uint8Array {
  const count = rows.reduce((sum, piece) => sum + piece.length, 0) / JOURNAL_ROW_BYTES;
  const { pages, fill } = layJournal({ ...STATE, rows: count }, rows, before);
  const plain = new Uint8Array(pages * PAGE_BYTES);
  for (let n = 0; n < pages; n++) fill(plain.subarray(n * PAGE_BYTES, (n + 1) * PAGE_BYTES), n);
  return plain;
}

describe('a journal', () => {
  it('is read as it was written, whatever pieces its rows came in', ({ expect }) => {
    const rows = rowsOf(20_000);
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 8 }), (cuts) => {
        const ends = [0, ...cuts.toSorted((a, b) => a - b), 20_000];
        const pieces = ends
          .slice(1)
          .map((end, n) => rows.subarray(ends[n]! * JOURNAL_ROW_BYTES, end * JOURNAL_ROW_BYTES));
        const read = readJournal(laid(pieces));
        if (!read.ok) throw new Error(read.error);
        expect(read.value.state).toMatchObject({ ...STATE, rows: 20_000 });
        expect(sha256(read.value.rows)).toEqual(sha256(rows));
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  it('has one size from no key to 32,000, then twice as much, and never less than before', ({ expect }) => {
    expect([0, 1, 14, 32_000].map((count) => laid([rowsOf(count)]).length)).toEqual([LEAST, LEAST, LEAST, LEAST]);
    expect(laid([rowsOf(33_000)]).length).toBe(2 * LEAST);
    expect(laid([], 24).length).toBe(4 * LEAST);
  });

  it('has hashes of keys that ended behind its rows; one of the format before is read, without them', ({ expect }) => {
    const [rows, hashes] = [rowsOf(3), rowsOf(2).subarray(0, 2 * JOURNAL_ENDED_BYTES)];
    const { pages, fill } = layJournal({ ...STATE, rows: 3, endedKeys: 2 }, [rows, hashes], 0);
    const plain = new Uint8Array(pages * PAGE_BYTES);
    fill(plain.subarray(0, PAGE_BYTES), 0);
    const read = readJournal(plain);
    expect(read.ok && [read.value.rows, read.value.endedKeys]).toEqual([rows, hashes]);
    const json = JSON.stringify({ ...STATE, format: 2, rows: 3, endedKeys: undefined, dropped: undefined });
    const length = Uint8Array.of(0, 0, json.length >> 8, json.length & 255);
    const former = readJournal(concatBytes(length, utf8(json), rows, new Uint8Array(9)));
    expect(former.ok && [former.value.rows, former.value.endedKeys.length, former.value.state.dropped]).toEqual([
      rows,
      0,
      [],
    ]);
  });

  it('that breaks a rule is refused, and the rule named', ({ expect }) => {
    const plain = laid([rowsOf(3)]);
    const named = (bytes: Uint8Array): string => {
      const read = readJournal(bytes);
      return read.ok ? '' : read.error;
    };
    const other = (from: string, to: string) =>
      Uint8Array.from(Buffer.from(Buffer.from(plain).toString('latin1').replace(from, to), 'latin1'));
    expect(named(plain.subarray(0, 3))).toContain('too few');
    expect(named(other('"format":3', '"format":9'))).toContain('format 9');
    expect(named(other('"rows":3', '"rows":9').subarray(0, 580))).toContain('9 rows and 0 hashes end outside it');
    expect(named(other('"format"', '@format@'))).toContain('no JSON');
    expect(named(new Uint8Array(8).fill(255))).toContain('ends outside it');
  });
});

describe('sealed pages', () => {
  const PEM = testKeyPem('RESTORE_PRIVATE_KEY');
  const seal = async (): Promise<Uint8Array> =>
    sealPages(await recipientKey(TEST_SECRETS.RESTORE_PUBLIC_KEY), random, JOURNAL_USE, 3, (page, n) => {
      page.fill(n + 1, 0, 5);
    });

  it('are opened by the other half of the key alone, and for their use', async ({ expect }) => {
    const bytes = await seal();
    const opened = await openPages(await openerKey(PEM), JOURNAL_USE, bytes);
    expect(opened.ok && [0, 1, 2].map((n) => opened.value[n * PAGE_BYTES + 4])).toEqual([1, 2, 3]);
    expect(opened.ok && opened.value[5]).toBe(0);
    const wrong = [
      openPages(await openerKey(testKeyPem('another')), JOURNAL_USE, bytes),
      openPages(await openerKey(PEM), 'another/use', bytes),
    ];
    for (const one of await Promise.all(wrong)) expect(one.ok).toBe(false);
  });

  it('are opened by a secret that the key gives for them alone, of their beginning', async ({ expect }) => {
    const [bytes, another] = [await seal(), await seal()];
    const key = await openerKey(PEM);
    const secret = await secretOf(key, bytes.subarray(0, SEALED_HEADER_BYTES));
    if (!secret.ok) throw new Error(secret.error);
    expect(await openWithSecret(secret.value, JOURNAL_USE, bytes)).toEqual(await openPages(key, JOURNAL_USE, bytes));
    expect((await openWithSecret(secret.value, JOURNAL_USE, another)).ok).toBe(false);
    expect((await openWithSecret(secret.value, 'another/use', bytes)).ok).toBe(false);
    expect((await openWithSecret(new Uint8Array(3), JOURNAL_USE, bytes)).ok).toBe(false);
    expect((await secretOf(key, another.subarray(0, SEALED_HEADER_BYTES - 1))).ok).toBe(false);
  });

  it('say nothing of what is in them: twice the same is sealed twice differently, at one length', async ({
    expect,
  }) => {
    const [a, b] = [await seal(), await seal()];
    expect(a.length).toBe(b.length);
    expect(a.subarray(12)).not.toEqual(b.subarray(12));
  });

  it('damaged, cut off, of two objects or in another order are refused', async ({ expect }) => {
    const key = await openerKey(PEM);
    const [bytes, another] = [await seal(), await seal()];
    const page = (n: number): [number, number] => [77 + n * (PAGE_BYTES + 16), 77 + (n + 1) * (PAGE_BYTES + 16)];
    const swapped = bytes.slice();
    swapped.set(bytes.subarray(...page(1)), page(0)[0]);
    swapped.set(bytes.subarray(...page(0)), page(1)[0]);
    const mixed = bytes.slice();
    mixed.set(another.subarray(...page(2)), page(2)[0]);
    const flipped = bytes.slice();
    flipped[100_000]! ^= 1;
    const fewer = bytes.slice(0, page(1)[1]);
    fewer[11] = 2;
    for (const bad of [swapped, mixed, flipped, fewer, bytes.slice(0, -1), bytes.slice(0, 40), new Uint8Array(0)]) {
      expect((await openPages(key, JOURNAL_USE, bad)).ok).toBe(false);
    }
  });
});
