/** @module What a restore refuses, having changed nothing, and what it goes on from where it was cut off. */
import { beforeEach, describe, it } from 'vitest';
import { JOURNAL_KEY } from '../../../domain/journal.ts';
import { utf8 } from '../../../protocol/primitives/bytes.ts';
import { r2Bucket } from '../bucket.ts';
import { testKeyPem } from '../../../test/support/secrets.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, objects, testEnv } from '../test-rig.ts';
import { journalSecret, lose, restore, restoreOnce } from './loss-rig.ts';

const RESTORE_KEY = testKeyPem('RESTORE_PRIVATE_KEY');
let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const META = { contentType: 'application/octet-stream', cacheControl: 'no-store', expires: null };

/** An hour sealed, keys that wait, a journal, and nothing else left. */
async function lost(): Promise<void> {
  rig.now = MIDNIGHT + 10 * 3600;
  await rig.accept('u1', keysOf(1, 6));
  await rig.untilIdle();
  rig.now += 3600;
  await rig.untilIdle();
  await rig.accept('u2', keysOf(2, 4));
  await rig.evict();
  await rig.wakeBuffer();
  await lose(rig);
}

/** The private bucket under these names becomes something else, until `undo`. */
async function damaged(name: string, bytes: Uint8Array | null): Promise<() => Promise<void>> {
  const bucket = r2Bucket(testEnv.PRIVATE);
  const before = (await bucket.get(name))!;
  await bucket.delete([name]);
  if (bytes !== null) await bucket.put(name, bytes, META, null);
  return async () => {
    await bucket.delete([name]);
    await bucket.put(name, before, META, null);
  };
}

const named = async (pattern: RegExp): Promise<string> =>
  [...(await objects(testEnv.PRIVATE)).keys()].find((name) => pattern.test(name))!;

const stored = (): Promise<number> =>
  rig.inBuffer((sql) => sql.exec<{ n: number }>('SELECT count(*) AS n FROM waiting_row').one().n);

describe('a restore refuses', () => {
  it('a secret of another key, and asks for one where none is given', async ({ expect }) => {
    await lost();
    expect(await restoreOnce(rig)).toMatchObject({ kind: 'needs-secret', journalHeader: expect.any(String) });
    const before = await objects(testEnv.PRIVATE);
    expect(await restore(rig, testKeyPem('another'))).toMatchObject({
      kind: 'refused',
      findings: [{ object: JOURNAL_KEY, what: expect.stringContaining('sealed to another key') }],
    });
    expect(await objects(testEnv.PRIVATE)).toEqual(before);
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({ kind: 'restored' });
  });

  it.for([
    ['a log entry that was altered', /^log\/0000000003/, utf8('{}'), 'document'],
    ['a log entry that is missing', /^log\/0000000003/, null, 'missing'],
    ['a description of a record that is missing', /set\.json$/, null, 'is recorded and not there'],
    ['a part of a record that is missing', /^sets\/.*-0\.bin$/, null, 'is recorded and not there'],
    ['a part of a record that was altered', /^sets\/.*-0\.bin$/, new Uint8Array(28), 'is not what was recorded'],
    ['a journal that is missing', /^journal\//, null, '--without-journal'],
    ['a journal that was damaged', /^journal\//, utf8('x'), 'not sealed pages'],
  ] as const)('%s, and goes on once it is there again', async ([, pattern, bytes, what], { expect }) => {
    await lost();
    const secret = await journalSecret(RESTORE_KEY);
    const name = await named(pattern);
    const undo = await damaged(name, bytes);
    const reply = await restoreOnce(rig, { journalSecret: secret });
    expect(reply).toMatchObject({ kind: 'refused', findings: [{ object: name, what: expect.stringContaining(what) }] });
    await undo();
    expect(await restoreOnce(rig, { journalSecret: secret })).toMatchObject({ kind: 'restored' });
    expect(await stored()).toBe(4);
  });

  it('objects that are not empty, one or both', async ({ expect }) => {
    await lost();
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({ kind: 'restored' });
    await rig.untilIdle();
    expect(await restoreOnce(rig)).toEqual({ kind: 'nothing-lost', parameters: null });
    await rig.wakeBuffer();
    await lose(rig, ['buffer']);
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({ kind: 'refused', findings: [{ object: 'publisher' }] });
    await lose(rig, ['publisher']);
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({ kind: 'restored' });
    await rig.untilIdle();
    rig.now += 3600;
    await rig.untilIdle();
    await lose(rig, ['publisher']);
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({ kind: 'refused', findings: [{ object: 'buffer' }] });
  });

  it('a log whose end was cut off, since phones have seen a newer head', async ({ expect }) => {
    await lost();
    const log = [...(await objects(testEnv.PRIVATE)).keys()].filter((name) => name.startsWith('log/'));
    const kept = await r2Bucket(testEnv.PRIVATE).get(log.at(-1)!);
    await testEnv.PRIVATE.delete(log.slice(-2));
    expect(kept).not.toBeNull();
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({
      kind: 'refused',
      findings: [
        { object: expect.stringMatching(/^v1\/\w+\/manifest\.json$/), what: expect.stringContaining('newer') },
      ],
    });
  });
});

describe('without the journal', () => {
  it('all but the keys that waited comes back', async ({ expect }) => {
    await lost();
    await testEnv.PRIVATE.delete(JOURNAL_KEY);
    expect(await restoreOnce(rig, { withoutJournal: true })).toMatchObject({ kind: 'restored' });
    expect(await stored()).toBe(0);
    expect(await rig.accept('u1 again', keysOf(1, 6))).toEqual({ kind: 'known' });
    expect(await rig.accept('u2', keysOf(2, 4))).toEqual({ kind: 'stored' });
  });
});

describe('a set that was recorded, and not logged', () => {
  it.for([
    ['whole', /\/set\.json$/, [{ keys: 4, first_uploads: 0 }]],
    ['but for what it says of its rows', new RegExp(`/${DAY_0 + 14}-0.bin$`), []],
  ] as const)(
    '%s waits again, keys after the journal too, and is published once',
    async ([, last, travellers], { expect }) => {
      rig.now = MIDNIGHT + 10 * 3600;
      await rig.untilIdle();
      await rig.accept('u1', keysOf(1, 6));
      await rig.evict();
      await rig.wakeBuffer();
      // All leave at one midnight: in one part.
      const late = [1, 2, 3, 4].map((upload) => keysOf(20 + upload, 1)[0]!);
      await rig.accept('u2', late, ['DE', 'FR']);
      rig.now += 3600;
      rig.afterPut = (key) => {
        if (!last.test(key)) return;
        rig.dead = true;
        throw new Error('killed');
      };
      await rig.untilIdle().catch(() => undefined);
      rig.afterPut = () => {};
      await lose(rig);
      expect(await restore(rig, RESTORE_KEY)).toMatchObject({
        kind: 'restored',
        facts: { journal: { keys: 6 }, unloggedKeys: 10 },
      });
      expect(await stored()).toBe(10);
      const counted = await rig.inBuffer((sql) =>
        sql.exec(`SELECT keys, first_uploads FROM release_counter WHERE region = 'FR'`).toArray(),
      );
      expect(counted).toEqual(travellers);
      await rig.untilIdle();
      const { counters } = await rig.inPublisher((publisher) => publisher.status());
      expect(counters).toMatchObject({ keys_published_DE: 10, hours_published: 1 });
    },
  );
});

/** Each row that a restore writes, in the objects that it writes: the statement that fails the first time. */
const WRITES = [
  ['buffer', 'INSERT ON known_key'],
  ['buffer', 'INSERT ON waiting_row'],
  ['buffer', 'INSERT ON release_counter'],
  ['buffer', `INSERT ON meta WHEN new.name = 'restored_waiting'`],
  ['buffer', `INSERT ON meta WHEN new.name = 'begun'`],
  ['publisher', `INSERT ON meta WHEN new.name = 'restore_hour'`],
  ['publisher', 'INSERT ON sealed_hour'],
  ['publisher', 'INSERT ON public_object'],
  ['publisher', 'INSERT ON log_entry'],
  ['publisher', `INSERT ON meta WHEN new.name = 'first_hour'`],
] as const;

describe('a restore that was cut off', () => {
  it.for(WRITES)('before a write of %s (%s) goes on, and nothing is doubled', async ([object, event], { expect }) => {
    await lost();
    const inObject = (work: (sql: SqlStorage) => unknown): Promise<unknown> =>
      object === 'buffer' ? rig.inBuffer((sql) => void work(sql)) : rig.inPublisherStorage((sql) => void work(sql));
    const [verb, when] = event.split(' WHEN ');
    const crash = `CREATE TRIGGER crash BEFORE ${verb} ${when === undefined ? '' : `WHEN ${when}`}
      BEGIN SELECT RAISE(ABORT, 'crash'); END`;
    await inObject((sql) => sql.exec(crash));
    await expect(restore(rig, RESTORE_KEY)).rejects.toThrow('crash');
    await rig.evict();
    await inObject((sql) => sql.exec('DROP TRIGGER crash'));
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({ kind: 'restored' });
    expect(await stored()).toBe(4);
    await rig.untilIdle();
    rig.now += 3600;
    await rig.untilIdle();
    expect(await stored()).toBe(0);
    const { counters } = await rig.inPublisher((publisher) => publisher.status());
    expect(counters).toMatchObject({ restored: 1, keys_published_DE: 4 });
  });
});
