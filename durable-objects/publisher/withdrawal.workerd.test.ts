/** @module Published keys that their owners take back, from the buffer's queue to the record that is without them, on the real objects and buckets. */
import { beforeEach, describe, it } from 'vitest';
import { encodeTaken, parseTaken } from '../../domain/publication/taken.ts';
import type { AcceptedKey } from '../../domain/keys/uploaded.ts';
import { fromUtf8, toBase64Url, toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { withdrawalHash, type Opening } from '../../protocol/withdrawal.ts';
import { MIDNIGHT, Rig, keysOf, objects, testEnv } from './test-rig.ts';

const HOUR = MIDNIGHT / 3600 + 10;
let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const openingOf = ({ keyData }: { readonly keyData: Uint8Array }): Opening => ({
  keyData,
  secret: new Uint8Array(32).map((_, i) => keyData[i % 16]! ^ 7),
});
const own = (upload: number, n: number): AcceptedKey[] =>
  keysOf(upload, n).map((key) => ({ ...key, withdrawalHash: withdrawalHash(openingOf(key)) }));
const withdraw = async (upload: number, n: number) => {
  await rig.tuneBuffer();
  await rig.buffer.withdraw(keysOf(upload, n).map(openingOf));
};
const hour = async () => {
  rig.now += 3600;
  await rig.untilIdle();
};

/** Key data of the rows that were taken back, by the hour that did it. */
async function taken(): Promise<Record<string, string[]>> {
  const all = await objects(testEnv.PRIVATE);
  const found: Record<string, string[]> = {};
  for (const [name, bytes] of all) {
    const of = /^taken\/(\d+)\//.exec(name)?.[1];
    if (of === undefined) continue;
    for (const part of parseTaken(bytes)) {
      const rows = all.get(`sets/${part.hour}/${part.day}-${part.n}.bin`)!;
      const teks = Array.from(part.rows, (row) => toHex(rows.subarray(row * 28 + 8, row * 28 + 24)));
      found[of] = [...(found[of] ?? []), ...teks].toSorted();
    }
  }
  return found;
}
const eventOf = (bytes: Uint8Array): Record<string, unknown> =>
  (JSON.parse((JSON.parse(fromUtf8(bytes)) as { payload: string }).payload) as { event: Record<string, unknown> })
    .event;
const teksOf = (...keys: readonly AcceptedKey[]): string[] => keys.map(({ keyData }) => toHex(keyData)).toSorted();
const requests = () =>
  rig.inPublisherStorage((sql) => sql.exec('SELECT asked_hour, hour, done FROM take_back').toArray());
const queued = () => rig.inBuffer((sql) => Number(sql.exec('SELECT count(*) AS n FROM withdrawn_key').one()['n']));

/** Three people's keys, published. */
async function published(): Promise<void> {
  for (const upload of [1, 2, 3]) await rig.accept(`u${upload}`, own(upload, 4));
  await rig.untilIdle();
  await hour();
}

describe('what several people withdraw in an hour', () => {
  it('is one request, and ends with that hour; asked again it is nothing new', async ({ expect }) => {
    await published();
    await withdraw(1, 4);
    await withdraw(2, 2);
    await hour();
    const expected = { [HOUR + 1]: teksOf(...own(1, 4), ...own(2, 2)) };
    expect(await taken()).toEqual(expected);
    expect(await requests()).toEqual([{ asked_hour: HOUR + 2, hour: HOUR + 1, done: 1 }]);
    await withdraw(1, 4);
    await hour();
    expect([await taken(), await queued()]).toEqual([expected, 0]);
  });

  it('leaves the hour’s record with the hashes beside its rows', async ({ expect }) => {
    await published();
    const all = await objects(testEnv.PRIVATE);
    const hashes = new Map([1, 2, 3].flatMap((upload) => own(upload, 4).map((key) => [toHex(key.keyData), key])));
    let rows = 0;
    for (const [name, bytes] of all) {
      if (!name.startsWith('sets/') || !name.endsWith('.bin')) continue;
      const openings = all.get(name.replace('sets/', 'openings/'))!;
      for (let row = 0; row * 28 < bytes.length; row++, rows++) {
        const key = hashes.get(toHex(bytes.subarray(row * 28 + 8, row * 28 + 24)));
        expect(openings.slice(row * 16, row * 16 + 16)).toEqual(key?.withdrawalHash);
      }
      expect(openings).toHaveLength((bytes.length / 28) * 16);
    }
    expect(rows).toBe(12);
  });
});

describe('the event log', () => {
  it('says of a withdrawal neither which rows it was to who tries them all, nor how many', async ({ expect }) => {
    await published();
    let kept: Uint8Array | null = null;
    await withdraw(1, 1);
    rig.now += 3600;
    for (let n = 0; n < 10 && kept === null; n++) {
      await rig.advance();
      const all = await objects(testEnv.PRIVATE);
      kept = [...all].find(([name]) => name.startsWith('taken/requests/'))?.[1] ?? null;
    }
    await rig.untilIdle();
    const all = await objects(testEnv.PRIVATE);
    const entries = [...all].filter(([name]) => name.startsWith('log/')).map(([, bytes]) => eventOf(bytes));
    const said = entries.filter(({ kind }) => kind === 'withdrawal');
    expect(said).toEqual([{ kind: 'withdrawal', hour: HOUR + 2, sha256: toBase64Url(sha256(kept!)) }]);
    const guesses = new Set<string>();
    for (const [name, bytes] of all) {
      const [hourOf, day, n] = (/^sets\/(\d+)\/(\d+)-(\d+)\.bin$/.exec(name) ?? []).slice(1).map(Number);
      if (hourOf === undefined) continue;
      for (let row = 0; row * 28 < bytes.length; row++) {
        const part = { hour: hourOf, day: day!, n: n!, rows: Uint32Array.of(row) };
        guesses.add(toBase64Url(sha256(encodeTaken([part]))));
      }
    }
    expect(guesses.size).toBe(12);
    expect(guesses).not.toContain(said[0]!['sha256']);
  });
});

describe('a withdrawal that is cut off', () => {
  it.for(['before', 'after'] as const)('%s the request is put is taken up, once', async (when, { expect }) => {
    await published();
    await withdraw(1, 4);
    rig.now += 3600;
    const cuts: string[] = [];
    const kill = (key: string) => {
      if (!key.startsWith('taken/requests/') || cuts.length > 0) return;
      cuts.push(key);
      if (when === 'before') throw new Error('killed');
      rig.dead = true;
    };
    if (when === 'before') rig.onPut = kill;
    else rig.afterPut = kill;
    // The bucket refuses one put, or the publisher dies with it.
    for (let n = 0; n < 5 && cuts.length === 0; n++) await rig.advance().catch(() => {});
    await rig.evict();
    await rig.untilIdle();
    await hour();
    expect(cuts).toHaveLength(1);
    const found = Object.values(await taken());
    expect(found).toEqual([teksOf(...own(1, 4))]);
    expect([await queued(), (await requests()).length]).toEqual([0, 1]);
  });

  it('between the request and the buffer’s forgetting is taken up under the same id', async ({ expect }) => {
    await published();
    await withdraw(1, 4);
    rig.now += 3600;
    await rig.inBuffer((sql) =>
      sql.exec(`CREATE TRIGGER crash BEFORE DELETE ON withdrawal_batch BEGIN SELECT RAISE(ABORT, 'crash'); END`),
    );
    for (let n = 0; n < 4; n++) await rig.advance().catch(() => {});
    expect([await queued(), (await requests()).length]).toEqual([4, 1]);
    await rig.inBuffer((sql) => sql.exec('DROP TRIGGER crash'));
    await rig.evict();
    await rig.untilIdle();
    expect(await taken()).toEqual({ [HOUR + 1]: teksOf(...own(1, 4)) });
    expect([await queued(), (await requests()).length]).toEqual([0, 1]);
  });
});

describe('a withdrawal that can’t be taken', () => {
  it('waits while the buffer is out of reach, and stops no hour for longer than that does', async ({ expect }) => {
    await published();
    await withdraw(1, 4);
    rig.bufferDown = true;
    rig.now += 4 * 3600;
    for (let n = 0; n < 30; n++) await rig.advance().catch(() => {});
    rig.bufferDown = false;
    expect(await queued()).toBe(4);
    await rig.evict();
    await rig.untilIdle();
    await hour();
    expect(Object.values(await taken())).toEqual([teksOf(...own(1, 4))]);
    expect(await queued()).toBe(0);
  });

  it('because a record is lost is counted, stops no hour, and is taken when the record is back', async ({ expect }) => {
    await published();
    await withdraw(1, 4);
    const lost = [...(await objects(testEnv.PRIVATE))].find(
      ([name]) => name.startsWith('sets/') && name.endsWith('.bin'),
    )!;
    await testEnv.PRIVATE.delete(lost[0]);
    rig.now += 3600;
    for (let n = 0; n < 6; n++) await rig.advance().catch(() => {});
    const { counters } = await rig.inPublisher((publisher) => publisher.status());
    expect(counters['alert_withdrawals_not_taken']).toBe(1);
    expect(await queued()).toBe(4);
    await testEnv.PRIVATE.put(lost[0], lost[1]);
    await rig.untilIdle();
    await hour();
    expect(Object.values(await taken())).toEqual([teksOf(...own(1, 4))]);
  });
});

describe('a key that is withdrawn while its set is being published', () => {
  it('ends as soon as it is recorded', async ({ expect }) => {
    await rig.accept('u1', own(1, 4));
    await rig.accept('u2', own(2, 4));
    await rig.untilIdle();
    rig.now += 3600;
    // Until the buffer has fixed the set, and no further.
    const sets = () => rig.inBuffer((sql) => Number(sql.exec('SELECT count(*) AS n FROM release_set').one()['n']));
    const before = await sets();
    for (let n = 0; n < 10 && (await sets()) === before; n++) await rig.advance();
    await withdraw(1, 4);
    expect(await queued()).toBe(4);
    await rig.untilIdle();
    expect(await taken()).toEqual({});
    await hour();
    expect(Object.values(await taken())).toEqual([teksOf(...own(1, 4))]);
    await hour();
    expect([Object.values(await taken()), await queued()]).toEqual([[teksOf(...own(1, 4))], 0]);
  });
});
