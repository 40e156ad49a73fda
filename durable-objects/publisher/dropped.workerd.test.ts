/** @module What ended before it was published stands in the event log, once, with the hour: on the real objects and buckets, cut off and restored. */
import { beforeEach, describe, it } from 'vitest';
import type { AcceptedKey } from '../../domain/keys/uploaded.ts';
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import { withdrawalHash, type Opening } from '../../protocol/withdrawal.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { lose, restore } from './restore/loss-rig.ts';
import { findings, seal } from './taking-rig.ts';
import { MIDNIGHT, Rig, keysOf, objects, testEnv } from './test-rig.ts';

const HOUR = MIDNIGHT / 3600 + 10;
const ISSUE = `c${'1'.repeat(32)}`;
const REQUEST = { id: '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b', issueIds: [ISSUE] };
const ROLLED_BACK = { kind: 'dropped', hour: HOUR, cause: 'rollback', rows: 7 };
const WITHDRAWN = { kind: 'dropped', hour: HOUR, cause: 'withdrawal', rows: 100 };

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  await rig.untilIdle();
});

const openingOf = ({ keyData }: { readonly keyData: Uint8Array }): Opening => ({
  keyData,
  secret: new Uint8Array(32).map((_, i) => keyData[i % 16]! ^ 7),
});
const own = (upload: number, n: number): AcceptedKey[] =>
  keysOf(upload, n).map((key) => ({ ...key, withdrawalHash: withdrawalHash(openingOf(key)) }));

/** Of seven keys that a source vouched for, and of two people's who take back three and two of theirs. */
async function drop(): Promise<void> {
  await rig.accept('forged', keysOf(1, 7), ['DE'], { issueId: ISSUE });
  await rig.accept('anna', own(2, 4));
  await rig.accept('ben', own(3, 2));
  await rig.tuneBuffer();
  await rig.buffer.dropWaiting(REQUEST);
  await rig.buffer.withdraw(keysOf(2, 3).map(openingOf));
  await rig.buffer.withdraw(keysOf(3, 2).map(openingOf));
}

/** Entries of the kind, in their order. */
async function dropped(): Promise<unknown[]> {
  const entries = [...(await objects(testEnv.PRIVATE))].filter(([name]) => name.startsWith('log/'));
  return entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, bytes]) => JSON.parse((JSON.parse(fromUtf8(bytes)) as { payload: string }).payload) as { event: unknown })
    .map(({ event }) => event)
    .filter((event) => (event as { kind: string }).kind === 'dropped');
}

describe('what ended before it was published', () => {
  it('is in the log with its hour, once: of a rollback how much, of people in hundreds', async ({ expect }) => {
    await drop();
    await rig.untilIdle();
    // Before the hour ends nothing tells that somebody took something back.
    expect(await dropped()).toEqual([]);
    await seal(rig);
    expect(await dropped()).toEqual([ROLLED_BACK, WITHDRAWN]);
    await rig.tuneBuffer();
    expect(await rig.buffer.dropWaiting(REQUEST)).toMatchObject({ dropped: 7 });
    await rig.buffer.withdraw(keysOf(2, 3).map(openingOf));
    await seal(rig, 2);
    expect(await dropped()).toEqual([ROLLED_BACK, WITHDRAWN]);
    expect(await rig.inBuffer((sql) => sql.exec('SELECT * FROM unlogged_drop').toArray())).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  it('while the buffer is out of reach for too long is logged with a later hour, under its own', async ({ expect }) => {
    await drop();
    rig.bufferDown = true;
    rig.now += 4 * 3600;
    await rig.untilIdle().catch(() => {});
    expect(await dropped()).toEqual([]);
    rig.bufferDown = false;
    await rig.untilIdle();
    expect(await dropped()).toEqual([ROLLED_BACK, WITHDRAWN]);
  });

  it('and in an hour that the publisher has asked for already counts for the next', async ({ expect }) => {
    await rig.accept('forged', keysOf(1, 7), ['DE'], { issueId: ISSUE });
    rig.now += 3600;
    await rig.tuneBuffer();
    expect(await rig.buffer.drops({ after: -1, through: HOUR })).toEqual([]);
    rig.now -= 1800;
    await rig.tuneBuffer();
    await rig.buffer.dropWaiting(REQUEST);
    rig.now += 1800;
    await rig.tuneBuffer();
    expect(await rig.buffer.drops({ after: -1, through: HOUR })).toEqual([]);
    await seal(rig, 2);
    expect(await dropped()).toEqual([{ ...ROLLED_BACK, hour: HOUR + 1 }]);
  });
});

describe('cut off', () => {
  it.for([
    ['before', 2],
    ['after', 1],
  ] as const)('%s put %i of the log it is there once', async ([when, nth], { expect }) => {
    await drop();
    rig.now += 3600;
    let puts = 0;
    const kill = (key: string) => {
      if (!key.startsWith('log/') || (puts += 1) !== nth) return;
      rig.dead = true;
      throw new Error('killed');
    };
    if (when === 'before') rig.onPut = kill;
    else rig.afterPut = kill;
    for (let step = 0; step < 10 && !rig.dead; step++) await rig.advance().catch(() => undefined);
    expect(rig.dead).toBe(true);
    [rig.onPut, rig.afterPut] = [() => {}, () => {}];
    await rig.evict();
    await rig.untilIdle();
    expect(await dropped()).toEqual([ROLLED_BACK, WITHDRAWN]);
  });

  it('between the buffer’s answer and the publisher’s row it is asked for again', async ({ expect }) => {
    await drop();
    rig.now += 3600;
    await rig.inPublisherStorage((sql) =>
      sql.exec(
        `CREATE TRIGGER crash BEFORE INSERT ON meta WHEN NEW.name = 'dropped_hour' BEGIN SELECT RAISE(ABORT, 'crash'); END`,
      ),
    );
    for (let n = 0; n < 4; n++) await rig.advance().catch(() => {});
    expect(await dropped()).toEqual([]);
    await rig.inPublisherStorage((sql) => sql.exec('DROP TRIGGER crash'));
    await rig.evict();
    await rig.untilIdle();
    expect(await dropped()).toEqual([ROLLED_BACK, WITHDRAWN]);
  });
});

describe('with the storage of all objects lost', () => {
  const RESTORE_KEY = testKeyPem('RESTORE_PRIVATE_KEY');

  it('is logged after the restore, and its keys are taken in from nobody again', async ({ expect }) => {
    await drop();
    await rig.evict();
    await rig.wakeBuffer();
    await lose(rig);
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({ kind: 'restored' });
    for (const [n, keys] of [keysOf(1, 7), own(2, 3), own(3, 2)].entries()) {
      expect(await rig.accept(`again ${n}`, keys, ['FR']), `upload ${n}`).toEqual({ kind: 'known' });
    }
    await seal(rig);
    expect(await dropped()).toEqual([ROLLED_BACK, WITHDRAWN]);
    expect(await findings()).toEqual([]);
    // A second loss: what was restored is in the next journal, too.
    await rig.evict();
    await rig.wakeBuffer();
    await lose(rig);
    await restore(rig, RESTORE_KEY);
    expect(await rig.accept('once more', keysOf(1, 7), ['FR'])).toEqual({ kind: 'known' });
  });

  it('what was logged since the journal is not logged again', async ({ expect }) => {
    await drop();
    await rig.evict();
    await rig.wakeBuffer();
    await seal(rig);
    expect(await dropped()).toEqual([ROLLED_BACK, WITHDRAWN]);
    await lose(rig);
    await restore(rig, RESTORE_KEY);
    await seal(rig, 2);
    expect(await dropped()).toEqual([ROLLED_BACK, WITHDRAWN]);
  });
});
