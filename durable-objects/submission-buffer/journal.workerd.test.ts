/** @module The journal on the real storage and R2: what is in it, its size, and R2 that refuses it. */
import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { JOURNAL_HOUR_OFFSET, JOURNAL_KEY, JOURNAL_ROW_BYTES, JOURNAL_USE, readJournal } from '../../domain/journal.ts';
import { openPages, openerKey } from '../../domain/sealed-pages.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { TEK_OFFSET, uint32 } from '../../domain/publication/packed-keys.ts';
import { r2Bucket, type BucketPort } from '../publisher/bucket.ts';
import { MIDNIGHT, Rig, keysOf, testEnv } from '../publisher/test-rig.ts';

const HOUR = MIDNIGHT / 3600 + 10;
let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const stored = async (): Promise<Uint8Array | null> => {
  const object = await testEnv.PRIVATE.get(JOURNAL_KEY);
  return object === null ? null : new Uint8Array(await object.arrayBuffer());
};

/** What the holder of the restore key reads. */
async function journal() {
  const opened = await openPages(await openerKey(testKeyPem('RESTORE_PRIVATE_KEY')), JOURNAL_USE, (await stored())!);
  if (!opened.ok) throw new Error(opened.error);
  const read = readJournal(opened.value);
  if (!read.ok) throw new Error(read.error);
  const { state, rows } = read.value;
  const offsets = Array.from({ length: state.rows }, (_, n) => n * JOURNAL_ROW_BYTES);
  const teks = offsets.map((at) => toHex(rows.subarray(at + TEK_OFFSET, at + TEK_OFFSET + 16)));
  return { state, teks, hours: offsets.map((at) => uint32(rows, at + JOURNAL_HOUR_OFFSET)) };
}

const teksOf = (upload: number, n: number): string[] => keysOf(upload, n).map(({ keyData }) => toHex(keyData));

/** Every wake five minutes on: the buffer's own time between journals is real. */
const wakeAnew = async (): Promise<void> => {
  await rig.evict();
  await rig.wakeBuffer();
};

const away = (bucket: Partial<BucketPort>) =>
  rig.inBufferObject((buffer) =>
    Object.assign(buffer, { bucket: (own: R2Bucket) => ({ ...r2Bucket(own), ...bucket }) }),
  );

describe('the journal', () => {
  it('has every key that waits, with its hour and what is said about it, and none that was published', async ({
    expect,
  }) => {
    await rig.accept('u1', keysOf(1, 3), ['DE', 'FR'], { issueId: 'cards-1', consentToFederation: false });
    await rig.accept('u2', keysOf(2, 2));
    await rig.wakeBuffer();
    const { state, teks, hours } = await journal();
    expect(teks.toSorted()).toEqual([...teksOf(1, 3), ...teksOf(2, 2)].toSorted());
    expect(new Set(hours)).toEqual(new Set([HOUR]));
    expect(state).toMatchObject({ hour: HOUR, firstHour: HOUR, sets: [] });
    expect(state.labels).toContainEqual({
      regions: ['DE', 'FR'],
      consentToFederation: false,
      origin: 'DE',
      synthetic: false,
      issueId: 'cards-1',
    });
    expect(state.counters.find(({ region }) => region === 'EUR')).toMatchObject({
      hour: HOUR,
      keys: 5,
      firstUploads: 2,
    });
    rig.now += 3600;
    await rig.untilIdle();
    await rig.accept('u3', keysOf(3, 1));
    await wakeAnew();
    const later = await journal();
    expect(later.teks).toEqual(teksOf(3, 1));
    expect(later.state.sets.at(-1)).toMatchObject({ setNo: 1, decision: 'publish', purged: true });
  });

  it('is a function of the keys, not of the order in which they came', async ({ expect }) => {
    for (const upload of [1, 2, 3]) await rig.accept(`u${upload}`, keysOf(upload, 5));
    const { sealed } = await rig.inBuffer((sql) => ({
      sealed: sql.exec('SELECT tag FROM waiting_row ORDER BY tag').toArray().length,
    }));
    await rig.wakeBuffer();
    const first = (await journal()).teks;
    expect(first.length).toBe(sealed);
    await rig.inBuffer((sql) => sql.exec(`DELETE FROM waiting_row; DELETE FROM upload; DELETE FROM release_counter`));
    for (const upload of [3, 1, 2]) await rig.accept(`u${upload}`, keysOf(upload, 5));
    await wakeAnew();
    expect((await journal()).teks).toEqual(first);
  });

  it('is written anew whether or not anything came, at one size', async ({ expect }) => {
    await rig.wakeBuffer();
    const empty = (await stored())!;
    await wakeAnew();
    const again = (await stored())!;
    await rig.accept('u1', keysOf(1, 14));
    await wakeAnew();
    const some = (await stored())!;
    expect(again).not.toEqual(empty);
    expect([again.length, some.length]).toEqual([empty.length, empty.length]);
  });

  it('is asked for again within a minute when R2 refuses it, uploads go on, and each failure is an alert', async ({
    expect,
  }) => {
    await rig.accept('u1', keysOf(1, 3));
    await rig.wakeBuffer();
    const before = (await stored())!;
    await rig.evict();
    await away({ put: () => Promise.reject(new Error('R2 refuses')) });
    await rig.wakeBuffer();
    await rig.wakeBuffer();
    expect(await rig.accept('u2', keysOf(2, 3))).toEqual({ kind: 'stored' });
    expect(await stored()).toEqual(before);
    expect(await rig.buffer.newAlerts()).toEqual({ alert_journal_not_written: 2 });
    expect(await rig.buffer.newAlerts()).toEqual({});
    await wakeAnew();
    expect((await journal()).teks.length).toBe(6);
  });

  it('that somebody replaced meanwhile is not overwritten unseen, and the next wake writes it', async ({ expect }) => {
    await rig.wakeBuffer();
    await rig.accept('u1', keysOf(1, 3));
    await rig.evict();
    await away({
      head: async (key) => {
        const present = await r2Bucket(testEnv.PRIVATE).head(key);
        if (key === JOURNAL_KEY) await testEnv.PRIVATE.put(JOURNAL_KEY, 'something else');
        return present;
      },
    });
    await rig.wakeBuffer();
    expect(new TextDecoder().decode((await stored())!)).toBe('something else');
    await wakeAnew();
    expect((await journal()).teks.length).toBe(3);
  });
});

describe('keys that are dropped', () => {
  const ISSUE = 'cards-1';
  const drop = async () => {
    await rig.tuneBuffer();
    return rig.buffer.dropWaiting({ id: '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b', issueIds: [ISSUE] });
  };
  const alarmIn = () =>
    rig.inBuffer(async (_sql, { storage }) => ((await storage.getAlarm()) ?? Infinity) - Date.now());

  beforeEach(async () => {
    await rig.accept('forged', keysOf(1, 3), ['DE'], { issueId: ISSUE });
    await rig.accept('honest', keysOf(2, 2));
    await rig.wakeBuffer();
  });

  it('are out of the journal before whoever asked hears that it is done, and stand in it as ended', async ({
    expect,
  }) => {
    expect((await journal()).teks.length).toBe(5);
    expect(await drop()).toMatchObject({ dropped: 3, frozen: 0, journalled: true });
    const { teks, state } = await journal();
    expect(teks.toSorted()).toEqual(teksOf(2, 2).toSorted());
    expect(state).toMatchObject({ endedKeys: 3, dropped: [{ hour: HOUR, cause: 'rollback', rows: 3 }] });
  });

  it('while R2 refuses are not done, and the journal is tried again within seconds', async ({ expect }) => {
    await away({ put: () => Promise.reject(new Error('R2 refuses')) });
    expect(await drop()).toMatchObject({ dropped: 3, frozen: 0, journalled: false });
    expect(await alarmIn()).toBeLessThan(6_000);
    expect((await journal()).teks.length).toBe(5);
    await rig.inBufferObject((buffer) => Reflect.deleteProperty(buffer, 'bucket'));
    await rig.wakeBuffer();
    expect((await journal()).teks.toSorted()).toEqual(teksOf(2, 2).toSorted());
    expect(await drop()).toMatchObject({ dropped: 3, frozen: 0, journalled: true });
  });

  it('while a journal is being written that has them: that one doesn’t count', async ({ expect }) => {
    await rig.evict();
    const puts: string[] = [];
    await rig.inBufferObject((buffer) => {
      const { sql } = (Reflect.get(buffer, 'ctx') as DurableObjectState).storage;
      const put: BucketPort['put'] = async (...args) => {
        if (puts.push(args[0]) > 1) throw new Error('R2 refuses');
        while (sql.exec('SELECT 1 FROM waiting_row').toArray().length > 2) await scheduler.wait(1);
        // Until whoever dropped them wants the journal written, and would take this one for it.
        await scheduler.wait(50);
        return r2Bucket(testEnv.PRIVATE).put(...args);
      };
      Object.assign(buffer, { bucket: (own: R2Bucket) => ({ ...r2Bucket(own), put }) });
    });
    const wake = rig.wakeBuffer();
    while (puts.length === 0) await scheduler.wait(1);
    expect(await drop()).toMatchObject({ dropped: 3, journalled: false });
    await wake;
    expect((await journal()).teks.length).toBe(5);
    await rig.inBufferObject((buffer) => Reflect.deleteProperty(buffer, 'bucket'));
    await rig.wakeBuffer();
    expect((await journal()).teks.toSorted()).toEqual(teksOf(2, 2).toSorted());
  });

  it('and killed before the journal is written: an alarm was set before they went, and it is tried until it is written', async ({
    expect,
  }) => {
    const owed = () => rig.inBuffer((sql) => sql.exec(`SELECT * FROM meta WHERE name = 'journal_owed'`).toArray());
    let alarm: number | null = null;
    await rig.inBufferObject((buffer) => {
      const { storage } = Reflect.get(buffer, 'ctx') as DurableObjectState;
      const put = async (): Promise<never> => {
        alarm = await storage.getAlarm();
        throw new Error('killed');
      };
      Object.assign(buffer, { bucket: (own: R2Bucket) => ({ ...r2Bucket(own), put }) });
    });
    await drop();
    expect(alarm! - Date.now()).toBeLessThan(6_000);
    await rig.evict();
    await away({ put: () => Promise.reject(new Error('R2 refuses')) });
    await rig.tuneBuffer();
    await runInDurableObject(rig.buffer, (buffer) => buffer.alarm());
    expect(await alarmIn()).toBeLessThan(6_000);
    expect([(await journal()).teks.length, await owed()]).toEqual([5, [{ name: 'journal_owed', value: 1 }]]);
    await rig.evict();
    await rig.wakeBuffer();
    expect((await journal()).teks.toSorted()).toEqual(teksOf(2, 2).toSorted());
    expect(await owed()).toEqual([]);
  });
});
