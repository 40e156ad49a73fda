/** @module Results over weeks, copies of their rows, and an alarm that can't be lost. What a request may hold: workers/laboratory. */
import { env } from 'cloudflare:workers';
import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { birthDateName, type PostedResult } from '../../domain/test-result.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { migrate } from '../migrations.ts';
import { SCHEMA } from './result-store-ops.ts';
import type { ResultStore } from './result-store.ts';

const bindings = env as unknown as { readonly RESULT_STORE: DurableObjectNamespace<ResultStore> };
const DAY = 86_400;
const HOUR = 3_600;
const START = 1_790_000_000;
const POSTER = { labId: 'harbour', needsBirthDate: false };
const id = (n: number): string => n.toString(16).padStart(64, '0');
const row = (n: number, result: number, sampleCollected: number | null = null): PostedResult => ({
  id: id(n),
  result,
  sampleCollected,
});

/** The object with a clock that the test moves, which a second source confirms. */
class Shard {
  now = START;
  readonly stub = bindings.RESULT_STORE.getByName('r0');

  async start(): Promise<this> {
    await runInDurableObject(this.stub, (object) => {
      Object.assign(object, { clock: () => this.now, secondClock: async () => this.now });
    });
    return this;
  }

  /** Its alarm at this time. */
  async clean(): Promise<void> {
    await runInDurableObject(this.stub, (object) => object.alarm());
  }

  /** @returns milliseconds from now, or null */
  alarmIn(): Promise<number | null> {
    return runInDurableObject(this.stub, async (_object, { storage }) => {
      const at = await storage.getAlarm();
      return at === null ? null : at - Date.now();
    });
  }

  count(table: 'result' | 'test_over'): Promise<number> {
    return runInDurableObject(
      this.stub,
      (_object, { storage }) => storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
    );
  }
}

let shard: Shard;
beforeEach(async () => {
  await reset();
  shard = await new Shard().start();
});

describe('a row that comes again', () => {
  it('with the time of its sample follows one that had none, also when that came first, and is then the one that counts', async ({
    expect,
  }) => {
    const { stub } = shard;
    await stub.put(POSTER, [row(1, 5), row(2, 1)]);
    expect(await stub.result(id(1))).toMatchObject({ sampleCollected: START });
    shard.now += 900;
    await stub.put(POSTER, [row(1, 7, START - 300), row(2, 2, START - HOUR)]);
    expect(await stub.result(id(1))).toMatchObject({ result: 7, sampleCollected: START - 300, postedAt: START });
    expect(await stub.result(id(2))).toMatchObject({ result: 2, sampleCollected: START - HOUR });
    await stub.put(POSTER, [row(1, 6, START - 301), row(2, 1, START - HOUR - 1)]);
    expect(await stub.result(id(1))).toMatchObject({ result: 7 });
    expect(await stub.result(id(2))).toMatchObject({ result: 2 });
  });

  it('after a day changes nothing; once the test is forgotten it is taken and is nothing, for a year', async ({
    expect,
  }) => {
    const { stub } = shard;
    await stub.put(POSTER, [row(1, 2)]);
    const first = await stub.result(id(1));
    expect(first).toMatchObject({ result: 2, postedAt: START, sampleCollected: START });
    for (const days of [1, 22, 59]) {
      shard.now = START + days * DAY;
      await stub.put(POSTER, [row(1, 2)]);
      expect(await stub.result(id(1))).toEqual(first);
    }
    shard.now = START + 60 * DAY;
    await stub.put(POSTER, [row(1, 2)]);
    await shard.clean();
    for (const days of [60, 61, 120, 424]) {
      shard.now = START + days * DAY;
      await shard.clean();
      expect(await stub.put(POSTER, [row(1, 2)])).toEqual([]);
      expect(await stub.result(id(1))).toBeNull();
    }
    expect([await shard.count('result'), await shard.count('test_over')]).toEqual([0, 1]);
    shard.now = START + 426 * DAY;
    await shard.clean();
    expect(await shard.count('test_over')).toBe(0);
    expect(await shard.alarmIn()).toBeNull();
  });

  it('is positive since the day on which it became so, not since it was first posted', async ({ expect }) => {
    const { stub } = shard;
    const day = Math.floor(START / DAY);
    await stub.put(POSTER, [row(1, 1), row(2, 2), row(3, 5)]);
    const days = () => Promise.all([1, 2, 3].map(async (n) => (await stub.result(id(n)))?.positiveDay));
    expect(await days()).toEqual([null, day, null]);
    shard.now += 9 * DAY;
    // Whoever has the certificate by now makes one positive, and repeats one that was.
    await stub.put(POSTER, [row(1, 2), row(2, 2, START), row(3, 7)]);
    expect(await days()).toEqual([day + 9, day, day + 9]);
    shard.now += DAY;
    await stub.put(POSTER, [row(1, 1)]);
    expect(await days()).toEqual([null, day, day + 9]);
    shard.now += DAY;
    await stub.put(POSTER, [row(1, 2)]);
    expect(await days()).toEqual([day + 11, day, day + 9]);
    // A row of before days were kept is positive since it was posted.
    await runInDurableObject(stub, (_object, { storage }) => storage.sql.exec('UPDATE result SET positive_day = NULL'));
    expect(await days()).toEqual([day, day, day]);
  });

  it('of two at once, in either order, the newer sample stands', async ({ expect }) => {
    const rows = [row(1, 1, START - 2 * DAY), row(1, 2, START - DAY)];
    for (const [n, order] of [rows, rows.toReversed()].entries()) {
      await Promise.all(order.map((one) => shard.stub.put(POSTER, [{ ...one, id: id(n) }])));
      expect(await shard.stub.result(id(n))).toMatchObject({ result: 2, sampleCollected: START - DAY });
    }
  });

  it('of a test that its person deleted is nothing, with a date of birth too', async ({ expect }) => {
    const withBirthDate = `x${id(1).slice(1)}`;
    const both = [row(1, 2), { ...row(1, 2), id: withBirthDate }, row(2, 2)];
    await shard.stub.put(POSTER, both);
    for (const one of [withBirthDate, id(1)]) await shard.stub.forget(one);
    await shard.stub.forget(id(3));
    await shard.stub.put(POSTER, [...both, row(3, 1)]);
    const found = await Promise.all([withBirthDate, id(1), id(2), id(3)].map((one) => shard.stub.result(one)));
    expect(found.map((one) => one?.result ?? null)).toEqual([null, null, 2, 1]);
  });

  it('a crash in a pass of the clean-up leaves the row, or the mark', async ({ expect }) => {
    await shard.stub.put(POSTER, [row(1, 2)]);
    shard.now = START + 60 * DAY;
    await runInDurableObject(shard.stub, async (object, { storage: { sql } }) => {
      sql.exec("CREATE TRIGGER dies BEFORE DELETE ON result BEGIN SELECT RAISE(ABORT, 'died'); END");
      await object.alarm().catch(() => undefined);
    });
    expect([await shard.count('result'), await shard.count('test_over')]).toEqual([1, 0]);
    expect(await shard.alarmIn()).toBeGreaterThan(0);
    await runInDurableObject(shard.stub, (_object, { storage: { sql } }) => void sql.exec('DROP TRIGGER dies'));
    await shard.clean();
    expect([await shard.count('result'), await shard.count('test_over')]).toEqual([0, 1]);
  });

  it('that was forgotten more than a year ago is known by the time of its sample', async ({ expect }) => {
    const sampled = START - HOUR;
    await shard.stub.put(POSTER, [row(1, 2, sampled)]);
    shard.now = START + 60 * DAY;
    await shard.clean();
    shard.now = START + (60 + 366) * DAY;
    await shard.clean();
    expect(await shard.count('test_over')).toBe(0);
    expect(await shard.stub.put(POSTER, [row(1, 2, sampled)])).toEqual([]);
    expect(await shard.count('result')).toBe(0);
  });

  it.for<[days: number, seconds: number, isKept: boolean]>([
    [60, -1, true],
    [60, 0, false],
    [3_000, 0, false],
  ])('a new row of a sample %i days and %i seconds old is kept: %s', async ([days, seconds, isKept], { expect }) => {
    await shard.stub.put(POSTER, [row(1, 2, START - days * DAY - seconds), row(2, 2)]);
    expect([(await shard.stub.result(row(1, 2).id)) !== null, await shard.count('result')]).toEqual([
      isKept,
      isKept ? 2 : 1,
    ]);
  });

  it('a mark takes at most 45 bytes, pages, index and all', async ({ expect }) => {
    const [marks, bytes] = await runInDurableObject(shard.stub, (_object, { storage: { sql } }) => {
      const before = sql.databaseSize;
      for (let n = 0; n < 20_000; n++) {
        sql.exec('INSERT INTO test_over VALUES (randomblob(8), ?)', (20_000 + Math.floor(n / 1_000)) * DAY);
      }
      return [sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM test_over').one().n, sql.databaseSize - before];
    });
    expect(marks).toBe(20_000);
    expect(bytes / marks).toBeGreaterThan(20);
    expect(bytes / marks).toBeLessThanOrEqual(45);
  });
});

describe('five thousand rows of one shard', () => {
  const MANY = Array.from({ length: 5_000 }, (_, n) => row(n, 2));

  it('let others in while they are stored, and while they are looked at', async ({ expect }) => {
    const [whilePut, whileAsked] = await runInDurableObject(shard.stub, async (object) => {
      let turns = 0;
      const timer = setInterval(() => turns++, 0);
      await object.put(POSTER, MANY);
      const before = turns;
      const ids = MANY.map((one) => one.id);
      await object.foreign('somebody else', ids);
      clearInterval(timer);
      return [before, turns - before];
    });
    expect(Math.min(whilePut ?? 0, whileAsked ?? 0)).toBeGreaterThanOrEqual(15);
    expect(await shard.count('result')).toBe(5_000);
  });

  it('are completed by the same request after a crash between two slices', async ({ expect }) => {
    await runInDurableObject(shard.stub, async (object, { storage: { sql } }) => {
      sql.exec(
        `CREATE TRIGGER dies BEFORE INSERT ON result WHEN NEW.hashed_guid = '${id(3_000)}'
           BEGIN SELECT RAISE(ABORT, 'died'); END`,
      );
      await object.put(POSTER, MANY).catch(() => undefined);
      sql.exec('DROP TRIGGER dies');
    });
    expect(await shard.count('result')).toBe(3_000);
    expect(await shard.stub.put(POSTER, MANY)).toEqual([]);
    expect(await shard.count('result')).toBe(5_000);
  });

  it('end before the first of another laboratory that came in between, and name it', async ({ expect }) => {
    await shard.stub.put({ ...POSTER, labId: 'other' }, [row(600, 1)]);
    expect(
      await shard.stub.foreign(
        POSTER.labId,
        MANY.map((one) => one.id),
      ),
    ).toEqual([600]);
    expect(await shard.stub.put(POSTER, MANY)).toEqual([600]);
    expect(await shard.count('result')).toBe(501);
  });
});

/** One whose time has passed: in the event that sets it, it hasn't run yet. @returns its time, then what it is after `event` */
function passed(event: (object: ResultStore) => Promise<unknown>): Promise<[number | null, number | null]> {
  return runInDurableObject(shard.stub, async (object, { storage }) => {
    await storage.setAlarm(Date.now() - DAY * 1000);
    const before = await storage.getAlarm();
    await event(object);
    const after = await storage.getAlarm();
    return [before, after].map((at) => (at === null ? null : at - Date.now())) as [number | null, number | null];
  });
}

describe('the alarm', () => {
  it('is there after a row, and a later row doesn’t put it off', async ({ expect }) => {
    expect(await shard.alarmIn()).toBeNull();
    await shard.stub.put(POSTER, [row(1, 1)]);
    const before = await shard.alarmIn();
    await shard.stub.put(POSTER, [row(2, 1)]);
    expect(before).toBeGreaterThan(3_500_000);
    expect(await shard.alarmIn()).toBeLessThanOrEqual(before ?? 0);
  });

  it.for([
    ['row', (object: ResultStore) => object.put(POSTER, [row(2, 1)])],
    ['cron', (object: ResultStore) => object.clockStatus('results-r0', START)],
  ] as const)('that has passed is set anew by the next %s', async ([, event], { expect }) => {
    await shard.stub.put(POSTER, [row(1, 1)]);
    const [before, after] = await passed(event);
    expect(before).toBeLessThanOrEqual(0);
    expect(after).toBeGreaterThan(0);
    expect(after).toBeLessThanOrEqual(1_000);
  });

  it('that was lost while nobody posts comes back with the cron, and what is due is forgotten', async ({ expect }) => {
    await shard.stub.put(POSTER, [row(1, 2)]);
    await runInDurableObject(shard.stub, (_object, { storage }) => storage.deleteAlarm());
    await evictDurableObject(shard.stub);
    await shard.start();
    shard.now = START + 61 * DAY;
    // Asking for the clock alone arms nothing, and without the cron nothing ever would.
    await shard.stub.clockStatus('results-r0', null);
    expect(await shard.alarmIn()).toBeNull();
    await shard.stub.clockStatus('results-r0', shard.now);
    expect(await shard.alarmIn()).toBeGreaterThan(0);
    expect(await runDurableObjectAlarm(shard.stub)).toBe(true);
    expect(await shard.count('result')).toBe(0);
  });

  it('an object that holds nothing is left alone by the cron', async ({ expect }) => {
    await shard.stub.clockStatus('results-r0', START + HOUR);
    expect(await shard.alarmIn()).toBeNull();
  });
});

describe('a row with a date of birth', () => {
  const posted = (n: number): string => `x${id(n).slice(1)}`;

  it('is kept by its name, and found, corrected, refused and forgotten by the hash as well', async ({ expect }) => {
    const { stub } = shard;
    const one = { ...row(1, 1), id: posted(1) };
    await stub.put(POSTER, [one]);
    expect(await stub.result(birthDateName(posted(1)))).toMatchObject({ result: 1 });
    await stub.put(POSTER, [{ ...one, result: 2 }]);
    expect(await stub.result(posted(1))).toMatchObject({ result: 2 });
    expect(await stub.foreign('hill', [posted(2), posted(1)])).toEqual([1]);
    // Begins alike, and is another one.
    expect(await stub.result(`${posted(1).slice(0, 63)}f`)).toBeNull();
    await stub.forget(birthDateName(posted(1)));
    await stub.put(POSTER, [one]);
    expect(await stub.result(posted(1))).toBeNull();
    expect(await shard.count('result')).toBe(0);
  });

  it('of the fourth version gets its name at the first wake, and what was over stays over', async ({ expect }) => {
    const rows = 4_500;
    await runInDurableObject(shard.stub, (_object, { storage: { sql } }) => {
      sql.exec('DROP TABLE result; DROP TABLE laboratory_list; DROP TABLE blocked_certificate; DROP TABLE test_over');
      for (const step of SCHEMA.slice(0, 4)) sql.exec(step as string);
      sql.exec('UPDATE schema_version SET version = 4');
      for (let n = 0; n < rows; n++) {
        for (const one of [id(n), posted(n)]) {
          sql.exec("INSERT INTO result VALUES (?, ?, ?, 'harbour', ?, 1)", one, 1 + (n % 3), START, START);
        }
      }
      sql.exec('INSERT INTO test_over VALUES (?, ?)', sha256(utf8(posted(rows))).slice(0, 8), START + 365 * DAY);
    });
    const longOnes = (): Promise<number> =>
      runInDurableObject(
        shard.stub,
        (_object, { storage: { sql } }) =>
          sql
            .exec<{ n: number }>(
              "SELECT COUNT(*) AS n FROM result WHERE hashed_guid LIKE 'x%' AND length(hashed_guid) <> 28",
            )
            .one().n,
      );
    await runInDurableObject(shard.stub, (_object, { storage }) => {
      const crash = (): void => {
        throw new Error('crashed');
      };
      expect(() => migrate(storage, [...SCHEMA, crash])).toThrow('crashed');
    });
    expect(await longOnes()).toBe(rows);
    await evictDurableObject(shard.stub);
    await shard.start();
    expect(await shard.count('result')).toBe(2 * rows);
    for (const n of [0, 1, 1_999, 2_000, 4_000, rows - 1]) {
      for (const one of [id(n), posted(n), birthDateName(posted(n))]) {
        expect(await shard.stub.result(one), one).toMatchObject({ result: 1 + (n % 3), needsBirthDate: true });
      }
    }
    expect(await longOnes()).toBe(0);
    await shard.stub.put(POSTER, [{ ...row(rows, 2), id: posted(rows) }]);
    expect(await shard.stub.result(posted(rows))).toBeNull();
  });
});
