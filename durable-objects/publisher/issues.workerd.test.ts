/**
 * @module Issue ids beside a record, in workerd: sealed to the undo key; the first object stays when a step is repeated; decoys have ids of the hour's; a source that is
 * too small is told apart from nobody.
 */
import { beforeEach, describe, it } from 'vitest';
import { issueKind } from '../../domain/issue.ts';
import { ISSUES_USE, type PartIssues, readIssues } from '../../domain/publication/issue-groups.ts';
import { ROW_BYTES, rowProvenance, unpackKey } from '../../domain/publication/packed-keys.ts';
import { issuesKey, partKey, type SetRecord, setKey } from '../../domain/publication/record.ts';
import { openerKey, openPages } from '../../domain/sealed-pages.ts';
import { concatBytes, fromUtf8, toHex } from '../../protocol/primitives/bytes.ts';
import { withdrawalHash, type Opening } from '../../protocol/withdrawal.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { keysOf, MIDNIGHT, objects, Rig, testEnv } from './test-rig.ts';

const HOUR = MIDNIGHT / 3600 + 10;
const id = (letter: string, n: number): string => letter + n.toString(16).padStart(32, '0');
const [LARGE, SMALL, OTHER, CARD] = [id('l', 1), id('l', 2), id('l', 3), id('c', 1)];
let rig: Rig;

beforeEach(async () => {
  rig = await Rig.create();
  rig.policy = { ...rig.policy, minKeys: 14, minUploads: 3 };
});

interface Row {
  readonly key: string;
  readonly synthetic: boolean;
  /** Ids of its group, or null. */
  readonly group: readonly string[] | null;
}

/** Every row of an hour's record with its group, opened with the undo key. */
async function rowsOf(hour: number): Promise<Row[]> {
  const all = await objects(testEnv.PRIVATE);
  const record = JSON.parse(fromUtf8(all.get(setKey(hour))!)) as SetRecord;
  const key = await openerKey(testKeyPem('UNDO_PRIVATE_KEY'));
  const rows: Row[] = [];
  for (const part of record.parts) {
    const bytes = all.get(partKey(hour, part))!;
    const sealed = all.get(issuesKey(hour, part));
    let read: PartIssues | null = null;
    if (sealed !== undefined) {
      const opened = await openPages(key, ISSUES_USE, sealed);
      const plain = opened.ok ? readIssues(opened.value, { hour, ...part }, part.rows) : opened;
      if (!plain.ok) throw new Error(plain.error);
      read = plain.value;
    }
    for (let row = 0; row < part.rows; row++) {
      const group = read?.groupOf(row) ?? null;
      rows.push({
        key: toHex(unpackKey(bytes, row * ROW_BYTES).keyData),
        synthetic: record.provenances[rowProvenance(bytes, row * ROW_BYTES)]!.synthetic,
        group: group === null ? null : (read?.groups[group] ?? null),
      });
    }
  }
  return rows;
}

const groupsOf = (rows: readonly Row[], keys: readonly { readonly keyData: Uint8Array }[]) =>
  new Set(
    rows.filter(({ key }) => keys.some(({ keyData }) => toHex(keyData) === key)).map(({ group }) => group?.join(' ')),
  );

/** An hour of four uploads of a large laboratory, one each of two small ones, three of cards, one without an id. */
async function uploadAnHour(): Promise<void> {
  const sources = [LARGE, LARGE, LARGE, LARGE, SMALL, OTHER, OTHER, CARD, CARD, CARD, null];
  for (const [n, issueId] of sources.entries()) await rig.accept(`u${n}`, keysOf(n, 14), ['DE'], { issueId });
}

async function sealHour(): Promise<void> {
  await rig.untilIdle();
  rig.now += 3600;
  await rig.untilIdle();
}

it('of a large source are a group; small ones of a kind are one; a row without an id has none', async ({ expect }) => {
  await uploadAnHour();
  await sealHour();
  const rows = await rowsOf(HOUR);
  expect(rows).toHaveLength(11 * 14);
  expect([0, 4, 5, 7, 10].map((n) => [...groupsOf(rows, keysOf(n, 14))])).toEqual([
    [LARGE],
    [`${SMALL} ${OTHER}`],
    [`${SMALL} ${OTHER}`],
    [CARD],
    [undefined],
  ]);
  // An hour later the other laboratory is large by now, and the small one's third upload makes it one.
  rig.policy = { ...rig.policy, minKeys: 0, minUploads: 3 };
  await rig.accept('later 1', keysOf(20, 14), ['DE'], { issueId: SMALL });
  await rig.accept('later 2', keysOf(21, 14), ['DE'], { issueId: SMALL });
  await rig.accept('later 3', keysOf(22, 14), ['DE'], { issueId: OTHER });
  await sealHour();
  const later = await rowsOf(HOUR + 1);
  expect([20, 21, 22].map((n) => [...groupsOf(later, keysOf(n, 14))])).toEqual([[SMALL], [SMALL], [OTHER]]);
});

describe('who is gone before the hour is sealed is no company', () => {
  const openingOf = ({ keyData }: { readonly keyData: Uint8Array }): Opening => ({
    keyData,
    secret: new Uint8Array(32).map((_, i) => keyData[i % 16]! ^ 7),
  });
  const own = (n: number) => keysOf(n, 14).map((key) => ({ ...key, withdrawalHash: withdrawalHash(openingOf(key)) }));
  /** A large laboratory's three uploads, as many cards, and some without an id, so that the hour is published in any case. */
  const upload = async (): Promise<void> => {
    rig.policy = { ...rig.policy, minKeys: 42, minUploads: 3 };
    for (const n of [0, 1, 2]) await rig.accept(`u${n}`, own(n), ['DE'], { issueId: LARGE });
    for (const n of [7, 8, 9]) await rig.accept(`u${n}`, own(n), ['DE'], { issueId: CARD });
    for (const n of [30, 31, 32]) await rig.accept(`u${n}`, own(n));
  };
  /** Ids of the group that the last upload of the laboratory is in, and of how many rows in the set. */
  const groupOfLast = async () => {
    const rows = await rowsOf(HOUR);
    const [group] = groupsOf(rows, keysOf(2, 14));
    return { group, rows: rows.filter((row) => row.group?.join(' ') === group).length };
  };

  it.for(['two uploads withdrawn', 'two uploads dropped', 'one key dropped'] as const)(
    'in it: %s',
    async (how, { expect }) => {
      await upload();
      await rig.tuneBuffer();
      const gone = [...own(0), ...own(1)];
      if (how === 'two uploads withdrawn') {
        await rig.buffer.withdraw(own(0).map(openingOf));
        await rig.buffer.withdraw(own(1).map(openingOf));
      } else {
        const teks = concatBytes(
          ...(how === 'two uploads dropped' ? gone : gone.slice(0, 1)).map(({ keyData }) => keyData),
        );
        await rig.buffer.dropWaiting({ id: crypto.randomUUID(), teks });
      }
      await sealHour();
      // One upload of the laboratory is left, or 41 keys of at most three: too little to be told apart.
      const left = how === 'one key dropped' ? 41 : 14;
      expect(await groupOfLast()).toEqual({ group: `${CARD} ${LARGE}`, rows: left + 42 });
    },
  );

  it('in a later hour', async ({ expect }) => {
    await upload();
    await rig.tuneBuffer();
    const teks = concatBytes(...[...own(0), ...own(1), ...own(2)].map(({ keyData }) => keyData));
    await rig.buffer.dropWaiting({ id: crypto.randomUUID(), teks });
    await sealHour();
    await rig.accept('later', keysOf(20, 14), ['DE'], { issueId: LARGE });
    for (const n of [21, 22, 23]) await rig.accept(`u${n}`, keysOf(n, 14), ['DE'], { issueId: CARD });
    await sealHour();
    expect([...groupsOf(await rowsOf(HOUR + 1), keysOf(20, 14))]).toEqual([`${CARD} ${LARGE}`]);
    // The dry run still says how many came and are gone.
    const { counted } = await rig.buffer.issueStanding([LARGE]);
    expect(counted.reduce((sum, { keys }) => sum + keys, 0)).toBe(56);
  });
});

it('lie in no object in the clear, nor in the log or the buffer, and the first sealed object stays over a crash', async ({
  expect,
}) => {
  await uploadAnHour();
  await rig.untilIdle();
  rig.now += 3600;
  // Each issues object of the hour is followed by a crash, once.
  const met = new Set<string>();
  rig.afterPut = (key) => {
    if (!key.startsWith('issues/') || met.has(key)) return;
    met.add(key);
    rig.dead = true;
    throw new Error('crash');
  };
  const seen = new Map<string, string>();
  for (let tries = 0; tries < 40; tries++) {
    await rig.advance().catch(() => rig.evict());
    for (const [name, bytes] of await objects(testEnv.PRIVATE)) {
      if (!name.startsWith('issues/')) continue;
      seen.set(name, seen.get(name) ?? toHex(bytes));
      expect(toHex(bytes)).toBe(seen.get(name));
    }
  }
  rig.afterPut = () => {};
  await rig.untilIdle();
  expect(met.size).toBe(14);
  expect(groupsOf(await rowsOf(HOUR), keysOf(0, 14))).toEqual(new Set([LARGE]));
  for (const [name, bytes] of await objects(testEnv.PRIVATE)) {
    const text = Buffer.from(bytes).toString('latin1');
    for (const issueId of [LARGE, SMALL, CARD]) expect(text.includes(issueId), name).toBe(false);
  }
  const counted = await rig.inBuffer((sql) => sql.exec('SELECT name, uploads, keys FROM issue_count').toArray());
  expect(
    counted.map(({ uploads, keys }) => [Number(uploads), Number(keys)]).toSorted(([a = 0], [b = 0]) => a - b),
  ).toEqual([
    [1, 14],
    [2, 28],
    [3, 42],
    [4, 56],
  ]);
});

it('of decoys are drawn from the hour’s: no group tells which rows are padding', async ({ expect }) => {
  rig.policy = { ...rig.policy, minKeys: 140, minUploads: 10 };
  await rig.accept('u1', keysOf(1, 14), ['DE'], { issueId: LARGE });
  await rig.accept('u2', keysOf(2, 14), ['DE'], { issueId: CARD });
  for (let hour = 0; hour < 8; hour++) await sealHour();
  const record = [...(await objects(testEnv.PRIVATE)).keys()].find((name) => name.endsWith('/set.json'))!;
  const rows = await rowsOf(Number(record.split('/')[1]));
  expect(rows.filter(({ synthetic }) => synthetic).length).toBeGreaterThan(100);
  // Too little for a group of its own: all of the hour are one, and so are its decoys.
  expect(new Set(rows.map(({ group }) => group?.join(' ')))).toEqual(new Set([`${CARD} ${LARGE}`]));
  expect(rows.flatMap(({ group }) => group ?? []).every((one) => issueKind(one) !== null)).toBe(true);
});
