/** @module Keys of waiting rows, and what becomes of rows without them, on the real R2 and storage. */
import { beforeEach, describe, it } from 'vitest';
import { DAY_0, MIDNIGHT, Rig, keysOf, objects, testEnv } from '../publisher/test-rig.ts';
import { r2Bucket } from '../publisher/bucket.ts';
import { ROW_BYTES } from '../../domain/publication/packed-keys.ts';
import { HourKeys } from './hour-keys.ts';

const HOUR = MIDNIGHT / 3600 + 10;
const ISSUE = `l${'1'.padStart(32, '0')}`;
let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const random = (n: number) => crypto.getRandomValues(new Uint8Array(n));
const hourKeys = () => new HourKeys(() => r2Bucket(testEnv.PRIVATE), random);
const keyObjects = async () => [...(await objects(testEnv.PRIVATE)).keys()];
const counters = () => rig.inBuffer((sql) => sql.exec('SELECT name, value FROM counter').toArray());
const waiting = () => rig.inBuffer((sql) => sql.exec('SELECT count(*) AS n FROM waiting_row').one()['n']);
/** Same rows, same hour: whether two ciphers are the same one. */
const tagOf = (keys: HourKeys, hour: number) => keys.cipher(hour)?.tags(new Uint8Array(16)).slice().join();

/** Lets the buffer's R2 fail from now on. */
const cutR2 = () =>
  rig.inBufferObject((buffer) => {
    const away = () => Promise.reject(new Error('R2 is away'));
    Object.assign(buffer, {
      bucket: () => ({ head: away, get: away, getInto: away, put: away, delete: away, list: away }),
    });
  });

describe('keys of hours', () => {
  it('are made ahead, once, and are the same for whoever comes later', async ({ expect }) => {
    const [first, second] = [hourKeys(), hourKeys()];
    await Promise.all([first.ready(rig.now), second.ready(rig.now)]);
    expect(tagOf(first, HOUR)).toBe(tagOf(second, HOUR));
    const later = hourKeys();
    await later.ready(rig.now);
    expect(tagOf(later, HOUR + 40)).toBe(tagOf(first, HOUR + 40));
    expect(tagOf(later, HOUR)).not.toBe(tagOf(later, HOUR + 1));
  });

  it('are erased up to an hour, in R2 too, and never come back', async ({ expect }) => {
    const keys = hourKeys();
    await keys.ready(rig.now);
    const kept = tagOf(keys, HOUR + 30);
    await keys.erase(HOUR + 30); // 16 o'clock of the next day
    await keys.erase(HOUR + 30);
    const later = hourKeys();
    await later.ready(rig.now + 86_400);
    for (const one of [keys, later]) {
      expect([tagOf(one, HOUR), tagOf(one, HOUR + 29), tagOf(one, HOUR + 30)]).toEqual([undefined, undefined, kept]);
    }
    expect(await keyObjects()).not.toContain(`row-keys/${DAY_0}.bin`);
    const bytes = (await objects(testEnv.PRIVATE)).get(`row-keys/${DAY_0 + 1}.bin`)!;
    expect(bytes.subarray(0, 16 * 32).every((byte) => byte === 0)).toBe(true);
  });

  it('are replaced when something else lies under their name', async ({ expect }) => {
    await testEnv.PRIVATE.put(`row-keys/${DAY_0}.bin`, 'not keys');
    const keys = hourKeys();
    await keys.ready(rig.now);
    const later = hourKeys();
    await later.ready(rig.now);
    expect(tagOf(keys, HOUR)).toBeDefined();
    expect(tagOf(later, HOUR)).toBe(tagOf(keys, HOUR));
  });
});

describe('with R2 away', () => {
  it('uploads are stored for days, and hours are frozen', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    await cutR2();
    for (let day = 0; day < 5; day++) {
      expect(await rig.accept(`day ${day}`, keysOf(10 + day, 3, DAY_0 + day - 1))).toEqual({ kind: 'stored' });
      rig.now += 86_400;
    }
    await rig.accept('now', keysOf(99, 1));
    expect(await rig.buffer.freeze({ hour: HOUR, after: 0 })).toMatchObject({ decision: 'publish', keys: 6 });
  });

  it('after a restart nothing is stored or dropped until it is back', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    await rig.evict();
    await cutR2();
    const refused = await rig.accept('u2', keysOf(2, 3)).catch((error: Error) => error.message);
    expect(refused).toBe('R2 is away');
    rig.now += 3600;
    const frozen = await rig.buffer.freeze({ hour: HOUR, after: 0 }).catch((error: Error) => error.message);
    expect([frozen, await waiting()]).toEqual(['R2 is away', 3]);
    await rig.evict();
    expect(await rig.accept('u2', keysOf(2, 3))).toEqual({ kind: 'stored' });
    expect(await rig.buffer.freeze({ hour: HOUR, after: 0 })).toMatchObject({ keys: 3 });
  });

  it('a key that could not be erased is erased by the next attempt', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    rig.now += 3600;
    await rig.accept('u2', keysOf(2, 3));
    const { setNo } = await rig.buffer.freeze({ hour: HOUR, after: 0 });
    await cutR2();
    const purged = await rig.buffer.purge(setNo).catch((error: Error) => error.message);
    expect([purged, await waiting()]).toEqual(['R2 is away', 3]);
    await rig.evict();
    await rig.accept('wake', keysOf(2, 1));
    await rig.buffer.purge(setNo);
    const bytes = (await objects(testEnv.PRIVATE)).get(`row-keys/${DAY_0}.bin`)!;
    const erased = Array.from({ length: 24 }, (_, n) =>
      bytes.subarray(n * 32, n * 32 + 32).every((byte) => byte === 0),
    );
    expect(erased.map((gone, n) => (gone ? n : -1)).filter((n) => n >= 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

describe('a row without its key', () => {
  it('is dropped and counted before the hour is decided, and the others are published', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 3), ['DE'], { issueId: ISSUE });
    rig.now += 86_400;
    await rig.accept('u2', keysOf(2, 3), ['DE'], { issueId: ISSUE });
    await rig.evict();
    await testEnv.PRIVATE.delete(`row-keys/${DAY_0}.bin`);
    rig.now += 3600;
    await rig.accept('u3', keysOf(3, 1));
    const set = await rig.buffer.freeze({ hour: HOUR + 24, after: 0 });
    expect(set).toMatchObject({ decision: 'publish', keys: 3 });
    expect(await counters()).toEqual([{ name: 'rows_without_key', value: 3 }]);
    // Nor are they company for others of their source (issue-counts.ts).
    const ended = await rig.inBuffer((sql) =>
      sql.exec('SELECT ended FROM issue_count ORDER BY release_hour').toArray(),
    );
    expect(ended).toEqual([{ ended: 3 }, { ended: 0 }]);
    // Nobody will ever see them, so they may come again.
    expect(await rig.accept('u4', keysOf(1, 3))).toEqual({ kind: 'stored' });
  });

  it.for([0, 48, 64, 80])(
    'damaged to %i zeros never stops a page, and is counted when its set is forgotten',
    async (bytes, { expect }) => {
      await rig.accept('u1', keysOf(1, 5));
      await rig.inBuffer((sql) =>
        sql.exec('UPDATE waiting_row SET sealed = zeroblob(?) WHERE tag = (SELECT min(tag) FROM waiting_row)', bytes),
      );
      rig.now += 3600;
      await rig.accept('u2', keysOf(2, 1));
      const { setNo } = await rig.buffer.freeze({ hour: HOUR, after: 0 });
      const page = await rig.buffer.page(setNo, null, 100);
      expect([page.rows.length / ROW_BYTES, page.last]).toEqual([4, true]);
      await rig.buffer.purge(setNo);
      expect(await counters()).toEqual([{ name: 'rows_without_key', value: 1 }]);
    },
  );
});

describe('forgetting a set', () => {
  it('that is cut off anywhere is taken up, with every key known throughout', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 14));
    rig.now += 3600;
    await rig.accept('u2', keysOf(2, 1));
    const { setNo } = await rig.buffer.freeze({ hour: HOUR, after: 0 });
    for (const table of ['known_key', 'waiting_row', 'row_label', 'release_set']) {
      // The statement that writes this table fails: a crash before its transaction is on disk.
      const verb = table === 'known_key' ? 'INSERT' : table === 'release_set' ? 'UPDATE' : 'DELETE';
      await rig.inBuffer((sql) =>
        sql.exec(`CREATE TRIGGER crash BEFORE ${verb} ON ${table} BEGIN SELECT RAISE(ABORT, 'crash'); END`),
      );
      const outcome = await rig.buffer.purge(setNo).catch((error: Error) => error.message);
      expect(outcome, table).toContain('crash');
      await rig.inBuffer((sql) => sql.exec('DROP TRIGGER crash'));
      await rig.evict();
      expect(await rig.accept(`again ${table}`, keysOf(1, 14)), table).toEqual({ kind: 'known' });
    }
    await rig.buffer.purge(setNo);
    expect(await waiting()).toBe(1);
    expect(await rig.accept('last', keysOf(1, 14))).toEqual({ kind: 'known' });
  });
});

describe('the walk over known keys', () => {
  it('deletes what is over, slice by slice, and goes on after a restart where it was', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 1));
    const over = (DAY_0 + 1) * 24;
    await rig.inBuffer((sql) => {
      sql.exec(
        `INSERT INTO known_key (hash, expires_hour) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
         SELECT randomblob(16), CASE i % 3 WHEN 0 THEN ?1 ELSE ?1 + 24 END FROM n`,
        over,
      );
    });
    const left = () =>
      rig.inBuffer((sql) => sql.exec('SELECT count(*) AS n FROM known_key WHERE expires_hour <= ?', over).one()['n']);
    await rig.wakeBuffer(); // the round of day 0: nothing is over yet
    expect(await left()).toBe(3000);
    rig.now = (DAY_0 + 1) * 86_400;
    await rig.inBufferObject((buffer) => Object.assign(buffer, { longestWakeMs: -1 }));
    await rig.wakeBuffer();
    const after = Number(await left());
    expect(after).toBeGreaterThan(500);
    expect(after).toBeLessThan(3000);
    await rig.evict();
    await rig.wakeBuffer();
    expect(await left()).toBe(0);
    expect(await rig.inBuffer((sql) => sql.exec('SELECT count(*) AS n FROM known_key').one()['n'])).toBe(6000);
  });
});
