/** @module Requests to take published keys back: kept once, found again, by real bucket and object. */
import { beforeEach, describe, it } from 'vitest';
import type { LogEntry } from '../../domain/event-log/entry.ts';
import { parseRequest, type TakeBackRequest } from '../../domain/publication/taken.ts';
import { concatBytes, fromUtf8, toBase64Url } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { findRows } from './find-rows.ts';
import type { Publication } from './publication.ts';
import { r2Bucket } from './bucket.ts';
import { PublisherStore } from './store.ts';
import { runInDurableObject } from 'cloudflare:test';
import { DAY_0, MIDNIGHT, Rig, keysOf, objects, testEnv } from './test-rig.ts';

const HOUR = MIDNIGHT / 3600 + 10;
const ID = '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  await rig.untilIdle();
});

const request = (rows: readonly number[] = [1, 0, 1]): TakeBackRequest => ({
  id: ID,
  cause: 'rollback',
  parts: [{ hour: HOUR, day: DAY_0 + 14, n: 0, rows: Uint32Array.from(rows) }],
});
const take = (asked: TakeBackRequest) => rig.inPublisher((publisher) => publisher.takeBack(asked));
/** What the log says of requests, in the bucket: who is told that one is kept can rely on it after a loss. */
const logged = async (): Promise<unknown[]> =>
  [...(await objects(testEnv.PRIVATE))]
    .filter(([name]) => name.startsWith('log/'))
    .map(([, bytes]) => JSON.parse((JSON.parse(fromUtf8(bytes)) as { payload: string }).payload) as LogEntry)
    .map(({ event }) => event)
    .filter(({ kind }) => kind === 'rollback');
const privateNames = async () => [...(await objects(testEnv.PRIVATE)).keys()];

/** Runs `findRows` on what the real objects have stored. */
const find = (teks: Uint8Array, leaving: ReadonlySet<number> | null = null) =>
  runInDurableObject(rig.publisher, (_publisher, { storage }) =>
    findRows(
      { now: rig.now, store: new PublisherStore(storage), privateBucket: r2Bucket(testEnv.PRIVATE) } as Publication,
      teks,
      leaving,
    ),
  );

describe('a request to take keys back', () => {
  it('is kept as an object and a row, once, by its id', async ({ expect }) => {
    expect(await take(request())).toEqual({ kind: 'waiting' });
    expect(await take(request([5]))).toEqual({ kind: 'waiting' });
    const bytes = (await objects(testEnv.PRIVATE)).get(`taken/requests/${ID}.bin`)!;
    expect(parseRequest(bytes)).toEqual([{ hour: HOUR, day: DAY_0 + 14, n: 0, rows: Uint32Array.of(0, 1) }]);
    expect(await rig.inPublisherStorage((sql) => sql.exec('SELECT * FROM take_back').toArray())).toEqual([
      { id: ID, asked_hour: HOUR, hour: null, done: 0, rows: 2, revised_to: null },
    ]);
  });

  it('that was cut off behind its object is written anew', async ({ expect }) => {
    rig.afterPut = (key) => {
      if (key.startsWith('taken/')) rig.dead = true;
    };
    await expect(take(request([9]))).rejects.toThrow('killed');
    rig.afterPut = () => {};
    await rig.evict();
    expect(await take(request())).toEqual({ kind: 'waiting' });
    const bytes = (await objects(testEnv.PRIVATE)).get(`taken/requests/${ID}.bin`)!;
    expect(parseRequest(bytes)).toEqual([{ hour: HOUR, day: DAY_0 + 14, n: 0, rows: Uint32Array.of(0, 1) }]);
    expect(await logged()).toEqual([{ kind: 'rollback', hour: HOUR, rows: 2, sha256: toBase64Url(sha256(bytes)) }]);
  });

  it('whose object was lost is kept anew by the same command, with an entry of its own', async ({ expect }) => {
    await take(request([9]));
    await testEnv.PRIVATE.delete(`taken/requests/${ID}.bin`);
    rig.now += 3600;
    expect(await take(request([0, 1]))).toEqual({ kind: 'waiting' });
    const bytes = (await objects(testEnv.PRIVATE)).get(`taken/requests/${ID}.bin`)!;
    expect(parseRequest(bytes)).toEqual([{ hour: HOUR, day: DAY_0 + 14, n: 0, rows: Uint32Array.of(0, 1) }]);
    const [, entry] = await logged();
    expect(entry).toEqual({ kind: 'rollback', hour: HOUR + 1, rows: 2, sha256: toBase64Url(sha256(bytes)) });
    expect(await rig.inPublisherStorage((sql) => sql.exec('SELECT * FROM take_back').toArray())).toEqual([
      { id: ID, asked_hour: HOUR + 1, hour: null, done: 0, rows: 2, revised_to: null },
    ]);
  });

  it('that comes twice at once is written once, and logged with the salt that it has', async ({ expect }) => {
    await rig.inPublisher((publisher) => Promise.all([publisher.takeBack(request()), publisher.takeBack(request())]));
    const bytes = (await objects(testEnv.PRIVATE)).get(`taken/requests/${ID}.bin`)!;
    expect(await logged()).toEqual([{ kind: 'rollback', hour: HOUR, rows: 2, sha256: toBase64Url(sha256(bytes)) }]);
  });

  it.for([
    { name: 'an id that is no UUID', change: { id: '../x' } },
    { name: 'no row', change: { parts: [] } },
  ])('with $name is refused', async ({ change }, { expect }) => {
    await expect(take({ ...request(), ...change })).rejects.toThrow('takeBack');
    expect((await privateNames()).filter((name) => name.startsWith('taken/'))).toEqual([]);
  });
});

describe('published keys', () => {
  it('are found in the records, by part; unknown, waiting and departed ones are not', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 14));
    await rig.accept('u2', keysOf(2, 3));
    await rig.untilIdle();
    rig.now += 3600;
    await rig.untilIdle();
    await rig.accept('waits', keysOf(3, 1));
    const [first, second] = [keysOf(1, 14), keysOf(2, 3)];
    const teks = concatBytes(first[0]!.keyData, first[13]!.keyData, second[0]!.keyData, keysOf(3, 1)[0]!.keyData);
    const found = await find(teks);
    expect(found.map(({ hour, day, n, rows }) => [hour, day, n, rows.length])).toEqual([
      [HOUR, DAY_0 + 1, 0, 1],
      [HOUR, DAY_0 + 14, 0, 2],
    ]);
    for (const { hour, day, n, rows } of found) {
      const bytes = (await objects(testEnv.PRIVATE)).get(`sets/${hour}/${day}-${n}.bin`)!;
      for (const row of rows) {
        const tek = bytes.slice(row * 28 + 8, row * 28 + 24);
        expect([first[0]!, first[13]!, second[0]!].map(({ keyData }) => keyData)).toContainEqual(tek);
      }
    }
    expect((await find(teks, new Set([DAY_0 + 14]))).map(({ day }) => day)).toEqual([DAY_0 + 14]);
    rig.now += 86_400;
    expect((await find(teks)).map(({ day }) => day)).toEqual([DAY_0 + 14]);
  });
});
