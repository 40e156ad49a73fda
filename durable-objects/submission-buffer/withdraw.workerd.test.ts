/** @module Keys that their owners take back, in the buffer's real storage: what waits, what is frozen, what is published, and what opens nothing. */
import { beforeEach, describe, it } from 'vitest';
import {
  JOURNAL_KEY,
  JOURNAL_ROW_BYTES,
  JOURNAL_USE,
  JOURNAL_WITHDRAWAL_OFFSET,
  readJournal,
} from '../../domain/journal.ts';
import { openPages, openerKey } from '../../domain/sealed-pages.ts';
import type { AcceptedKey } from '../../domain/keys/uploaded.ts';
import { compareBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { withdrawalHash, type Opening } from '../../protocol/withdrawal.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { MIDNIGHT, Rig, keysOf, objects, testEnv } from '../publisher/test-rig.ts';
import { MIGRATIONS } from './schema.ts';
import { WithdrawalPace } from './withdrawal-pace.ts';

const HOUR = MIDNIGHT / 3600 + 10;
let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

/** The secret that a phone drew for a key. */
const openingOf = ({ keyData }: { readonly keyData: Uint8Array }, mark = 7): Opening => ({
  keyData,
  secret: new Uint8Array(32).map((_, i) => keyData[i % 16]! ^ mark),
});
const openings = (upload: number, n: number): Opening[] => keysOf(upload, n).map((key) => openingOf(key));
const withHashes = (upload: number, n: number): AcceptedKey[] =>
  keysOf(upload, n).map((key) => ({ ...key, withdrawalHash: withdrawalHash(openingOf(key)) }));
const withoutHash = (upload: number, n: number): AcceptedKey[] =>
  keysOf(upload, n).map((key) => ({ ...key, withdrawalHash: null }));
const hex = (keys: readonly { readonly keyData: Uint8Array }[]): string[] =>
  keys.map(({ keyData }) => toHex(keyData)).toSorted();

const TABLES = ['waiting_row', 'known_key', 'release_counter', 'withdrawn_key', 'withdrawal_batch', 'upload'];
/** A value of SQLite, bytes in hex. */
const valueText = (value: SqlStorageValue): string =>
  value instanceof ArrayBuffer ? toHex(new Uint8Array(value)) : String(value);
/** All that a withdrawal could change. */
const stored = () =>
  rig.inBuffer((sql) =>
    TABLES.map((table) =>
      JSON.stringify([...sql.exec(`SELECT * FROM ${table}`).raw()].map((row) => row.map(valueText))),
    ),
  );
const rowsIn = (table: string) =>
  rig.inBuffer((sql) => Number(sql.exec(`SELECT count(*) AS n FROM ${table}`).one()['n']));
const sealed = async (hour: number, after: number): Promise<number> => (await rig.buffer.freeze({ hour, after })).setNo;
const batchOf = async (hour: number) => {
  await rig.tuneBuffer();
  const batch = await rig.buffer.withdrawals(hour);
  if (batch === null) return null;
  const keys = Array.from({ length: batch.teks.length / 16 }, (_, n) =>
    toHex(batch.teks.subarray(n * 16, n * 16 + 16)),
  );
  return { id: batch.id, keys };
};
const withdraw = async (given: readonly Opening[]) => {
  await rig.tuneBuffer();
  return rig.buffer.withdraw(given);
};

describe('a key that waits', () => {
  it('ends at once, is counted out, and is never taken in again', async ({ expect }) => {
    await rig.accept('u1', withHashes(1, 3), ['DE', 'FR']);
    await rig.accept('u2', withHashes(2, 2));
    expect(await withdraw(openings(1, 3))).toBe('heard');
    rig.now += 3600;
    const set = await rig.buffer.freeze({ hour: HOUR, after: 0 });
    expect(set.regions.map(({ region, keys }) => [region, keys])).toEqual([
      ['DE', 2],
      ['EUR', 2],
    ]);
    const page = await rig.buffer.page(set.setNo, null, 100);
    expect(page.rows.length / 28).toBe(2);
    expect(await rig.accept('u3', withHashes(1, 3))).toEqual({ kind: 'known' });
    // It was seen by nobody, so nothing is left to take back, now or later.
    expect(await withdraw(openings(1, 3))).toBe('heard');
    expect(await batchOf(HOUR)).toBeNull();
  });

  it('ends wholly or not at all, wherever it is cut off', async ({ expect }) => {
    await rig.accept('u1', withHashes(1, 3));
    const before = await stored();
    for (const [verb, table] of [
      ['DELETE', 'waiting_row'],
      ['INSERT', 'known_key'],
      ['UPDATE', 'release_counter'],
    ]) {
      await rig.inBuffer((sql) =>
        sql.exec(`CREATE TRIGGER crash BEFORE ${verb} ON ${table} BEGIN SELECT RAISE(ABORT, 'crash'); END`),
      );
      expect(await withdraw(openings(1, 3)).catch((error: Error) => error.message), table).toContain('crash');
      await rig.inBuffer((sql) => sql.exec('DROP TRIGGER crash'));
      await rig.evict();
      expect(await stored(), table).toEqual(before);
    }
    await withdraw(openings(1, 3));
    expect([await rowsIn('waiting_row'), await rowsIn('known_key')]).toEqual([0, 3]);
  });
});

describe('once the deployment is stopped', () => {
  it('published keys are taken back in that hour and no later, so that nobody puts its end off; what waits ends as before', async ({
    expect,
  }) => {
    await rig.accept('u1', withHashes(1, 3));
    rig.now += 3600;
    const set = await sealed(HOUR, 0);
    await rig.buffer.purge(set);
    await rig.accept('u2', withHashes(2, 2));
    await rig.buffer.stopForGood(HOUR + 1);
    await withdraw(openings(1, 1));
    expect(await rowsIn('withdrawn_key')).toBe(1);
    rig.now += 3600;
    expect(await withdraw([...openings(1, 3), ...openings(2, 2)])).toBe('heard');
    expect([await rowsIn('withdrawn_key'), await rowsIn('waiting_row')]).toEqual([1, 0]);
  });
});

describe('what opens nothing changes nothing, and is answered alike', () => {
  it('while keys wait, while they are frozen, and when they are published', async ({ expect }) => {
    await rig.accept('u1', [...withHashes(1, 2), ...withoutHash(5, 1)]);
    // The first writer's hash stays: who hands the same key in again can't take it back.
    const stolen = keysOf(1, 1).map((key) => ({ ...key, withdrawalHash: withdrawalHash(openingOf(key, 9)) }));
    await rig.accept('u2', [...stolen, ...withHashes(2, 1)]);
    const wrong = [
      openingOf(keysOf(1, 1)[0]!, 9), // somebody else's secret
      openingOf(keysOf(1, 1)[0]!, 8), // a wrong one
      openingOf(keysOf(5, 1)[0]!), // of a key that came without a hash
      openingOf(keysOf(9, 1)[0]!), // of a key that never came
    ];
    const isUnmoved = async (when: string) => {
      const before = await stored();
      expect(await withdraw(wrong), when).toBe('heard');
      expect(await withdraw([]), when).toBe('heard');
      expect(await stored(), when).toEqual(before);
    };
    await isUnmoved('waiting');
    rig.now += 3600;
    const set = await sealed(HOUR, 0);
    await isUnmoved('frozen');
    await rig.buffer.purge(set);
    await isUnmoved('published');
    // The right ones of a key whose time is over.
    rig.now += 16 * 86_400;
    const before = await stored();
    expect(await withdraw(openings(1, 2))).toBe('heard');
    expect(await stored()).toEqual(before);
  });
});

describe('published keys', () => {
  const published = async (): Promise<void> => {
    await rig.accept('u1', withHashes(1, 3));
    await rig.accept('u2', withHashes(2, 2));
    rig.now += 3600;
    await rig.buffer.purge(await sealed(HOUR, 0));
  };

  it('wait for the publisher, all of an hour together, fixed under one id until it has them', async ({ expect }) => {
    await published();
    await withdraw(openings(1, 3));
    await withdraw(openings(1, 3)); // asked twice
    await withdraw(openings(2, 1));
    const early = await rig.buffer.withdrawals(HOUR + 1).catch((error: Error) => error.message);
    expect(early).toContain('has not ended');
    rig.now += 3600;
    const batch = await batchOf(HOUR + 1);
    expect(batch?.keys).toEqual(hex([...keysOf(1, 3), ...keysOf(2, 1)]));
    // What comes now is of the next batch.
    await withdraw(openings(2, 2));
    await rig.evict();
    expect(await batchOf(HOUR + 1)).toEqual(batch);
    rig.now += 3600;
    expect(await batchOf(HOUR + 2)).toEqual(batch);
    await rig.buffer.withdrawn('another id');
    expect(await batchOf(HOUR + 2)).toEqual(batch);
    await rig.buffer.withdrawn(batch!.id);
    await rig.buffer.withdrawn(batch!.id);
    const next = await batchOf(HOUR + 2);
    expect(next?.id).not.toBe(batch?.id);
    expect(next?.keys).toEqual(hex(keysOf(2, 2).slice(1)));
  });

  it('keep the key that they lie under from being erased, and it goes with them', async ({ expect }) => {
    await published();
    await withdraw(openings(1, 3));
    rig.now += 3600;
    const hourKey = async (): Promise<boolean> => {
      const bytes = (await objects(testEnv.PRIVATE)).get(`row-keys/${MIDNIGHT / 86_400}.bin`)!;
      return bytes.subarray(11 * 32, 12 * 32).some((byte) => byte !== 0);
    };
    await rig.buffer.purge(await sealed(HOUR + 1, 1));
    expect(await hourKey()).toBe(true);
    const batch = await batchOf(HOUR + 1);
    expect(batch?.keys).toEqual(hex(keysOf(1, 3)));
    await rig.buffer.withdrawn(batch!.id);
    rig.now += 3600;
    await rig.buffer.purge(await sealed(HOUR + 2, 2));
    expect(await hourKey()).toBe(false);
  });

  it('lie in the clear nowhere', async ({ expect }) => {
    await published();
    await withdraw(openings(1, 3));
    const text = await rig.inBuffer((sql) =>
      sql
        .exec<{ row: string }>('SELECT hex(tag || sealed) AS row FROM withdrawn_key')
        .toArray()
        .map(({ row }) => row)
        .join(),
    );
    for (const { keyData } of keysOf(1, 3)) expect(text.toLowerCase()).not.toContain(toHex(keyData));
  });

  it('of a set that is frozen and not published yet stay in the queue until it is', async ({ expect }) => {
    await rig.accept('u1', withHashes(1, 3));
    rig.now += 3600;
    const set = await sealed(HOUR, 0);
    await withdraw(openings(1, 2));
    expect(await rowsIn('waiting_row')).toBe(3); // the set is fixed
    rig.now += 3600;
    const batch = await batchOf(HOUR + 1);
    await rig.buffer.withdrawn(batch!.id);
    rig.now += 3600;
    await rig.buffer.purge(set);
    const next = await batchOf(HOUR + 2);
    expect(next?.keys).toEqual(hex(keysOf(1, 2)));
    await rig.buffer.withdrawn(next!.id);
    expect(await rowsIn('withdrawn_key')).toBe(0);
  });

  it('are queued, fixed and forgotten wholly or not at all', async ({ expect }) => {
    await published();
    const crashes = async (verb: string, table: string, work: () => Promise<unknown>) => {
      const before = await stored();
      await rig.inBuffer((sql) =>
        sql.exec(`CREATE TRIGGER crash BEFORE ${verb} ON ${table} BEGIN SELECT RAISE(ABORT, 'crash'); END`),
      );
      expect(await work().catch((error: Error) => error.message), table).toContain('crash');
      await rig.inBuffer((sql) => sql.exec('DROP TRIGGER crash'));
      await rig.evict();
      await rig.tuneBuffer();
      expect(await stored(), table).toEqual(before);
    };
    await crashes('INSERT', 'withdrawn_key', () => withdraw(openings(1, 3)));
    await withdraw(openings(1, 3));
    rig.now += 3600;
    await crashes('INSERT', 'withdrawal_batch', () => batchOf(HOUR + 1));
    const batch = await batchOf(HOUR + 1);
    await crashes('DELETE', 'withdrawn_key', () => rig.buffer.withdrawn(batch!.id));
    await crashes('DELETE', 'withdrawal_batch', () => rig.buffer.withdrawn(batch!.id));
    expect(await batchOf(HOUR + 1)).toEqual(batch);
    await rig.buffer.withdrawn(batch!.id);
    expect([await rowsIn('withdrawn_key'), await rowsIn('withdrawal_batch')]).toEqual([0, 0]);
  });
});

describe('withdrawal hashes', () => {
  it('lie in the record beside the rows, in their order, and in the journal', async ({ expect }) => {
    await rig.accept('u1', withHashes(1, 3));
    await rig.accept('u2', withoutHash(2, 2));
    await withdraw(openings(3, 1));
    await rig.wakeBuffer();
    const plain = await openPages(
      await openerKey(testKeyPem('RESTORE_PRIVATE_KEY')),
      JOURNAL_USE,
      (await objects(testEnv.PRIVATE)).get(JOURNAL_KEY)!,
    );
    const read = plain.ok ? readJournal(plain.value) : null;
    const { rows, state } = read?.ok === true ? read.value : { rows: new Uint8Array(0), state: null };
    const expected = new Map(withHashes(1, 3).map((key) => [toHex(key.keyData), toHex(key.withdrawalHash!)]));
    const seen: string[] = [];
    for (let row = 0; row < rows.length; row += JOURNAL_ROW_BYTES) {
      const hash = toHex(rows.subarray(row + JOURNAL_WITHDRAWAL_OFFSET, row + JOURNAL_ROW_BYTES));
      seen.push(hash);
      const own = expected.get(toHex(rows.subarray(row + 8, row + 24)));
      if (own !== undefined) expect(hash).toBe(own);
    }
    expect([seen.length, new Set(seen).size, seen.includes('00'.repeat(16))]).toEqual([5, 5, false]);
    expect(state?.takenBack).toEqual([]);

    rig.now += 3600;
    const page = await rig.buffer.page(await sealed(HOUR, 0), null, 100);
    const teks = Array.from({ length: 5 }, (_, n) => page.rows.subarray(n * 28, n * 28 + 24));
    expect(teks.toSorted(compareBytes)).toEqual(teks);
    for (const [n, row] of teks.entries()) {
      const own = expected.get(toHex(row.subarray(8)));
      if (own !== undefined) expect(toHex(page.openings.subarray(n * 16, n * 16 + 16))).toBe(own);
    }
    expect(page.openings).toHaveLength(5 * 16);
  });

  it('of keys that are taken back stand in the journal until the publisher has them', async ({ expect }) => {
    await rig.accept('u1', withHashes(1, 2));
    rig.now += 3600;
    await rig.buffer.purge(await sealed(HOUR, 0));
    await withdraw(openings(1, 2));
    await rig.evict();
    await rig.wakeBuffer();
    const bytes = (await objects(testEnv.PRIVATE)).get(JOURNAL_KEY)!;
    const plain = await openPages(await openerKey(testKeyPem('RESTORE_PRIVATE_KEY')), JOURNAL_USE, bytes);
    const read = plain.ok ? readJournal(plain.value) : null;
    expect(read?.ok === true ? read.value.state.takenBack : null).toEqual(hex(keysOf(1, 2)));
  });

  it('are random for rows and known keys from before there were any, which nothing opens', async ({ expect }) => {
    await rig.accept('u1', withHashes(1, 3));
    await rig.inBuffer((sql) => {
      // As they lay before: three blocks, and no column.
      sql.exec('UPDATE waiting_row SET sealed = substr(sealed, 1, 48)');
      sql.exec('ALTER TABLE known_key DROP COLUMN withdrawal');
      sql.exec('DROP TABLE withdrawn_key');
      sql.exec('DROP TABLE withdrawal_batch');
      sql.exec('INSERT INTO known_key (hash, expires_hour) VALUES (randomblob(16), 999999)');
      sql.exec(MIGRATIONS.find((script) => script.includes('withdrawn_key'))!);
    });
    await rig.evict();
    await withdraw(openings(1, 3));
    rig.now += 3600;
    const set = await rig.buffer.freeze({ hour: HOUR, after: 0 });
    const page = await rig.buffer.page(set.setNo, null, 100);
    expect(page.rows.length / 28).toBe(3);
    const hashes = Array.from({ length: 3 }, (_, n) => toHex(page.openings.subarray(n * 16, n * 16 + 16)));
    expect(new Set(hashes).size).toBe(3);
    for (const key of withHashes(1, 3)) expect(hashes).not.toContain(toHex(key.withdrawalHash!));
  });
});

describe('the pace', () => {
  it('lets a hundred through at once and twenty a second after, and more for no pause', ({ expect }) => {
    const pace = new WithdrawalPace();
    const through = (at: number, tries: number) =>
      Array.from({ length: tries }, () => pace.allows(at)).filter(Boolean).length;
    expect([through(0, 500), through(0, 5), through(1_000, 500), through(1_050, 500), through(3_600_000, 500)]).toEqual(
      [100, 0, 20, 1, 100],
    );
    expect(through(3_000_000, 5)).toBe(0); // a clock that went back
  });

  it('is kept by the object: a flood is told to try later, and changes nothing', async ({ expect }) => {
    await rig.accept('u1', withHashes(1, 3));
    const replies: Promise<unknown>[] = [];
    await rig.inBufferObject((buffer) => {
      for (let n = 0; n < 130; n++) replies.push(buffer.withdraw([openingOf(keysOf(9, 1)[0]!)]));
    });
    const said = await Promise.all(replies);
    expect([said.filter((one) => one === 'heard').length, new Set(said)]).toEqual([100, new Set(['heard', 'busy'])]);
    expect(await rowsIn('waiting_row')).toBe(3);
  });
});
