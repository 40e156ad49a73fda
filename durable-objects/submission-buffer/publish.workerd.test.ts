/** @module Uploads of Google's dialect in the buffer's real storage: what is stored, what may be said of it later and by whom, and what a lost answer leaves. */
import { beforeEach, describe, it } from 'vitest';
import type { CertifiedReport } from '../../protocol/publish/report-type.ts';
import { REVISION_TOKEN_BYTES, RevisionTokens } from '../../protocol/publish/revision-token.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { keyRing } from '../../protocol/primitives/key-ring.ts';
import { testSecret } from '../../test/support/secrets.ts';
import { MIDNIGHT, objects, Rig, testEnv } from '../publisher/test-rig.ts';
import {
  AUTHORITY,
  batchOf,
  certified,
  hexOf,
  levelsOf,
  namesOf,
  publish,
  storedIn,
  tokenOf,
} from './publish-world.ts';

const HOUR = MIDNIGHT / 3600 + 10;
let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

describe('a first upload', () => {
  it("stores its keys, a peer's that waits too, and its token names them and nothing else", async ({ expect }) => {
    await rig.accept('u0', certified(9, 5, 'confirmed'));
    await rig.importBatch('FR', 'batch-1', certified(1, 1, 'confirmed'));
    const reply = await publish(rig, 'u1', certified(1, 3, 'likely'), 'likely');
    expect(reply).toMatchObject({ kind: 'stored', publish: { inserted: 3, revised: 0 } });
    const names = hexOf(certified(1, 3, 'likely')).map((name) => [name, 'likely']);
    expect(namesOf(rig, tokenOf(reply))).toEqual(Object.fromEntries(names));
    expect(namesOf(rig, tokenOf(reply), 'health-fr')).toBeNull();
  });

  it('that is negative, or of a source that was rolled back, stores nothing; its token is as long, and names nothing', async ({
    expect,
  }) => {
    await rig.accept('u0', certified(9, 1, 'confirmed'));
    const id = `s${'0'.repeat(32)}`;
    await rig.tuneBuffer();
    await rig.buffer.dropWaiting({ id: crypto.randomUUID(), issueIds: [id] });
    const before = await storedIn(rig);
    const negative = await publish(rig, 'u1', certified(1, 3, 'negative'), 'negative');
    expect(negative).toMatchObject({ kind: 'stored', publish: { inserted: 0, revised: 0 } });
    // Nobody learns of the rollback by the answer.
    const over = await publish(rig, 'u2', certified(2, 3, 'likely'), 'likely', null, { issueId: id });
    expect(over).toMatchObject({ kind: 'stored', publish: { inserted: 3, revised: 0 } });
    for (const reply of [negative, over]) {
      expect(tokenOf(reply)).toHaveLength(REVISION_TOKEN_BYTES);
      expect(namesOf(rig, tokenOf(reply))).toEqual({});
    }
    expect(await storedIn(rig)).toEqual(before);
  });

  it('is answered as the first time, with the same payload and another, until its certificate ends; then the answer is gone', async ({
    expect,
  }) => {
    await rig.accept('u0', certified(9, 5, 'confirmed'));
    const keys = certified(1, 2, 'likely');
    const [reply, old] = [
      await publish(rig, 'u1', keys, 'likely'),
      await publish(rig, 'u2', certified(2, 2, 'likely'), 'likely'),
    ];
    await rig.evict();
    const before = await storedIn(rig, ['publish_answer', 'upload']);
    expect(await publish(rig, 'u1', keys, 'likely')).toEqual(reply);
    expect(await publish(rig, 'u1', keys, 'confirmed', tokenOf(old))).toEqual(reply);
    expect(await publish(rig, 'u1', certified(7, 4, 'confirmed'), 'confirmed')).toEqual(reply);
    expect(await rig.buffer.replayed('u1')).toEqual(reply.kind === 'stored' ? reply.publish : null);
    expect(await rig.buffer.replayed('u9')).toBeNull();
    expect(await storedIn(rig, ['publish_answer', 'upload'])).toEqual(before);
    // What lies there has one length, and nothing of the answer in it.
    const rows = await rig.inBuffer((sql) =>
      sql.exec<{ sealed: ArrayBuffer }>('SELECT sealed FROM publish_answer').toArray(),
    );
    expect(new Set(rows.map(({ sealed }) => sealed.byteLength)).size).toBe(1);
    const lies = rows.map(({ sealed }) => toHex(new Uint8Array(sealed))).join();
    expect(lies).not.toContain(toHex(tokenOf(reply)).slice(24, 56));
    rig.now += 3600;
    await rig.tuneBuffer();
    expect(await rig.buffer.replayed('u1')).toBeNull();
    // Its id is remembered for longer than its answer: the keys are not stored twice.
    expect(await publish(rig, 'u1', keys, 'likely')).toEqual({ kind: 'stored', publish: null });
    await rig.buffer.purge((await rig.buffer.freeze({ hour: HOUR, after: 0 })).setNo);
    // The key of that hour is erased: what any log still holds of the answer opens no more.
    const day = new Uint8Array(
      await (await testEnv.PRIVATE.get(`row-keys/${Math.floor(HOUR / 24)}.bin`))!.arrayBuffer(),
    );
    expect(day.slice((HOUR % 24) * 32, (HOUR % 24) * 32 + 32)).toEqual(new Uint8Array(32));
    await rig.wakeBuffer();
    expect(await rig.inBuffer((sql) => sql.exec('SELECT 1 FROM publish_answer').toArray())).toEqual([]);
  });
});

it('an answer is remembered until its certificate is good for nothing more, clocks apart, though the next hour has begun', async ({
  expect,
}) => {
  const end = (HOUR + 1) * 3600;
  const reply = await publish(rig, 'u1', certified(1, 2, 'likely'), 'likely', null, { expiresAt: end - 1 });
  rig.now = end + 3;
  await rig.tuneBuffer();
  expect(await rig.buffer.replayed('u1')).toMatchObject({ token: tokenOf(reply) });
});

it('an upload is stored, its answer too, though a clock that is ahead had its hour published and the key erased', async ({
  expect,
}) => {
  rig.now = (HOUR + 1) * 3600;
  await rig.accept('u0', certified(9, 5, 'confirmed'));
  await rig.buffer.purge((await rig.buffer.freeze({ hour: HOUR, after: 0 })).setNo);
  rig.now -= 60;
  const reply = await publish(rig, 'u1', certified(1, 2, 'likely'), 'likely', null, { expiresAt: rig.now + 10 });
  expect(reply).toMatchObject({ kind: 'stored', publish: { inserted: 2 } });
  expect(await rig.buffer.replayed('u1')).toMatchObject({ token: tokenOf(reply) });
});

/** What has become of the keys of an upload when they come again; each returns the number of the newest set. */
const STATES: readonly (readonly [name: string, reach: () => Promise<number>])[] = [
  ['waits', async () => 0],
  [
    'is frozen',
    async () => {
      rig.now += 3600;
      return (await rig.buffer.freeze({ hour: HOUR, after: 0 })).setNo;
    },
  ],
  [
    'is published',
    async () => {
      rig.now += 3600;
      const { setNo } = await rig.buffer.freeze({ hour: HOUR, after: 0 });
      await rig.buffer.purge(setNo);
      return setNo;
    },
  ],
];

const CASES: readonly (readonly [first: CertifiedReport, next: CertifiedReport, outcome: string])[] = [
  ['likely', 'confirmed', 'revised'],
  ['likely', 'negative', 'revised'],
  ['user-report', 'likely', 'revised'],
  ['confirmed', 'confirmed', 'same'],
  ['confirmed', 'negative', 'revised'],
  ['confirmed', 'likely', 'invalid_report_type_transition'],
  ['likely', 'user-report', 'invalid_report_type_transition'],
];

describe.for(STATES)('a key that %s', ([, reach]) => {
  it('is revised as its token and its type allow, once in its life, by the newest token or an old one', async ({
    expect,
  }) => {
    const tokens: Uint8Array[] = [];
    for (const [n, [first]] of CASES.entries()) {
      tokens.push(tokenOf(await publish(rig, `u${n}`, certified(n, 2, first), first)));
    }
    const last = await reach();
    for (const [n, [first, next, outcome]] of CASES.entries()) {
      const name = `${first} → ${next}`;
      const [one, two] = certified(n, 2, next);
      // As it came, or not at all.
      for (const change of [
        { rollingStartIntervalNumber: one!.rollingStartIntervalNumber - 1 },
        { rollingPeriod: 143 },
      ]) {
        const other = await publish(rig, crypto.randomUUID(), [{ ...one!, ...change }, two!], next, tokens[n]);
        expect(other, name).toEqual({ kind: 'publish-refused', code: 'invalid_revision_token' });
      }
      const reply = await publish(rig, `v${n}`, [one!, two!], next, tokens[n]);
      if (outcome !== 'revised' && outcome !== 'same') {
        expect(reply, name).toEqual({ kind: 'publish-refused', code: outcome });
        continue;
      }
      const revised = outcome === 'revised' ? 2 : 0;
      expect(reply, name).toMatchObject({ kind: 'stored', publish: { inserted: 0, revised } });
      const says = Object.values(namesOf(rig, tokenOf(reply))!);
      expect(says, name).toEqual(Array(2).fill(revised === 0 ? first : `${first} ${next}`));
      if (n === 2) tokens.push(tokenOf(reply));
    }
    const check = async (when: string) => {
      for (const token of [tokens[2]!, tokens.at(-1)!]) {
        for (const [type, outcome] of [
          ['user-report', { kind: 'stored', publish: { inserted: 0, revised: 0 } }],
          ['likely', { kind: 'stored', publish: { inserted: 0, revised: 0 } }],
          ['confirmed', { kind: 'publish-refused', code: 'key_already_revised' }],
          ['negative', { kind: 'publish-refused', code: 'key_already_revised' }],
        ] as const) {
          const reply = await publish(rig, crypto.randomUUID(), certified(2, 2, type), type, token);
          expect(reply, `${when}, ${type}`).toMatchObject(outcome);
        }
      }
    };
    await check('at once');
    // The publisher takes up what was said, the rows are forgotten, and it is told once more of those that waited so long.
    const hour = Math.floor(rig.now / 3600);
    rig.now += 3600;
    const finish = async () => {
      const batch = await batchOf(rig, hour);
      if (batch !== null) await rig.buffer.withdrawn(batch.id);
    };
    await finish();
    const { setNo } = await rig.buffer.freeze({ hour, after: last });
    for (let set = 1; set <= setNo; set++) await rig.buffer.purge(set);
    rig.now += 3600;
    const again = await batchOf(rig, hour + 1);
    if (again !== null) await rig.buffer.withdrawn(again.id);
    await check('later');
  });

  it('is known to nobody by a certificate alone: no token, a random one, that of another, or of another authority', async ({
    expect,
  }) => {
    const victims = certified(1, 2, 'likely');
    await publish(rig, 'u1', victims, 'likely');
    const own = tokenOf(await publish(rig, 'u2', certified(2, 2, 'likely'), 'likely'));
    const foreign = tokenOf(await publish(rig, 'u3', certified(3, 2, 'likely'), 'likely', null, { authorityId: 'fr' }));
    await reach();
    const before = await storedIn(rig, ['publish_answer']);
    const random = crypto.getRandomValues(new Uint8Array(REVISION_TOKEN_BYTES));
    const ofAnother = new RevisionTokens(keyRing(testSecret('another'), 'REVISION_TOKEN_KEY')).seal(
      AUTHORITY,
      rig.now,
      [
        { ...victims[0]!, reportType: 'likely', revisedTo: null },
        { ...victims[1]!, reportType: 'likely', revisedTo: null },
      ],
    );
    const tries: [token: Uint8Array | null, code: string][] = [
      [null, 'missing_revision_token'],
      [random, 'missing_revision_token'],
      [random.subarray(0, 99), 'missing_revision_token'],
      [ofAnother, 'missing_revision_token'],
      [foreign, 'missing_revision_token'],
      [own, 'invalid_revision_token'],
    ];
    for (const [n, [token, code]] of tries.entries()) {
      for (const type of ['likely', 'confirmed', 'negative'] as const) {
        // Beside a new key too, which then isn't stored either.
        const keys = [...certified(1, 2, type), ...certified(8, 1, type)];
        expect(await publish(rig, `a${n} ${type}`, keys, type, token)).toEqual({ kind: 'publish-refused', code });
        // It is dead, and leads to no answer.
        expect(await publish(rig, `a${n} ${type}`, keys, type, token)).toEqual({ kind: 'tombstone' });
        expect(await rig.buffer.replayed(`a${n} ${type}`)).toBeNull();
      }
    }
    expect(await storedIn(rig, ['publish_answer'])).toEqual(before);
  });
});

describe('what is said anew', () => {
  it('of a key that waits stands in its row, and it is published once', async ({ expect }) => {
    await rig.accept('u0', certified(9, 2, 'confirmed'));
    const token = tokenOf(await publish(rig, 'u1', certified(1, 3, 'likely'), 'likely'));
    const before = await rig.inBuffer((sql) => sql.exec('SELECT * FROM release_counter').toArray());
    await publish(rig, 'u2', certified(1, 2, 'confirmed'), 'confirmed', token);
    expect(await rig.inBuffer((sql) => sql.exec('SELECT * FROM release_counter').toArray())).toEqual(before);
    rig.now += 3600;
    expect(await batchOf(rig, HOUR)).toBeNull();
    const { setNo } = await rig.buffer.freeze({ hour: HOUR, after: 0 });
    const levels = await levelsOf(rig, setNo);
    const own = (from: number, to?: number) =>
      hexOf(certified(1, 3, 'likely').slice(from, to)).map((name) => levels[name]);
    expect([own(0, 2), own(2)]).toEqual([[8, 8], [6]]);
    expect(Object.keys(levels)).toHaveLength(5);
  });

  it('of one that is frozen or published goes to the publisher, with the hour', async ({ expect }) => {
    const token = tokenOf(await publish(rig, 'u1', certified(1, 3, 'likely'), 'likely'));
    const other = tokenOf(await publish(rig, 'u2', certified(2, 2, 'likely'), 'likely'));
    rig.now += 3600;
    const { setNo } = await rig.buffer.freeze({ hour: HOUR, after: 0 });
    await publish(rig, 'u3', certified(1, 1, 'confirmed'), 'confirmed', token);
    await rig.buffer.purge(setNo);
    // Beside a key that is new.
    const keys = [...certified(1, 3, 'confirmed'), ...certified(4, 1, 'confirmed')];
    const reply = await publish(rig, 'u4', keys, 'confirmed', token);
    expect(reply).toMatchObject({ kind: 'stored', publish: { inserted: 1, revised: 2 } });
    await publish(rig, 'u5', certified(2, 2, 'negative'), 'negative', other);
    rig.now += 3600;
    expect(await batchOf(rig, HOUR + 1)).toMatchObject({
      taken: hexOf(certified(2, 2, 'negative')),
      revised: Object.fromEntries(hexOf(certified(1, 3, 'confirmed')).map((name) => [name, 8])),
    });
  });

  it('negative ends a key that waits: it is published never, and taken in from nobody again', async ({ expect }) => {
    await rig.accept('u0', certified(9, 2, 'confirmed'));
    const token = tokenOf(await publish(rig, 'u1', certified(1, 3, 'likely'), 'likely'));
    const reply = await publish(rig, 'u2', certified(1, 2, 'negative'), 'negative', token);
    expect(reply).toMatchObject({ kind: 'stored', publish: { inserted: 0, revised: 2 } });
    expect(await rig.accept('u3', certified(1, 2, 'confirmed'))).toEqual({ kind: 'known' });
    // Ended is ended, whichever token says otherwise.
    expect(await publish(rig, 'u4', certified(1, 2, 'confirmed'), 'confirmed', token)).toEqual({
      kind: 'publish-refused',
      code: 'key_already_revised',
    });
    rig.now += 3600;
    const set = await rig.buffer.freeze({ hour: HOUR, after: 0 });
    expect(Object.keys(await levelsOf(rig, set.setNo)).toSorted()).toEqual(
      [...hexOf(certified(9, 2, 'likely')), ...hexOf(certified(1, 3, 'likely').slice(2))].toSorted(),
    );
    expect(await batchOf(rig, HOUR)).toBeNull();
  });

  it('is all or nothing: one of 30 keys that may not refuses the rest', async ({ expect }) => {
    const token = tokenOf(await publish(rig, 'u1', certified(1, 13, 'likely'), 'likely'));
    await publish(rig, 'u2', certified(2, 1, 'likely'), 'likely');
    const before = await storedIn(rig);
    const keys = [...certified(3, 10, 'confirmed'), ...certified(1, 13, 'confirmed'), ...certified(2, 1, 'confirmed')];
    expect(await publish(rig, 'u3', keys, 'confirmed', token)).toMatchObject({ code: 'invalid_revision_token' });
    expect(await storedIn(rig)).toEqual(before);
    // The certificate was given back: without that key it is as good as before.
    const reply = await publish(rig, 'u4', keys.slice(0, -1), 'confirmed', token);
    expect(reply).toMatchObject({ kind: 'stored', publish: { inserted: 10, revised: 13 } });
  });
});

it('nothing that is published tells the dialect: the same keys by either give the same bytes', async ({ expect }) => {
  const keys = [...certified(1, 3, 'confirmed'), ...certified(2, 3, 'likely'), ...certified(3, 2, 'user-report')];
  const found: Map<string, string>[] = [];
  for (const isGoogle of [false, true]) {
    rig = await Rig.create();
    for (const [id, type, from, to] of [
      ['u1', 'confirmed', 0, 3],
      ['u2', 'likely', 3, 6],
      ['u3', 'user-report', 6, 8],
    ] as const) {
      const own = keys.slice(from, to);
      await (isGoogle ? publish(rig, id, own, type) : rig.accept(id, own));
    }
    rig.now += 3600;
    await rig.untilIdle();
    const all = [...(await objects(testEnv.PUBLIC))].map(([name, bytes]) => [name, toHex(bytes)] as const);
    found.push(new Map(all));
  }
  const [byOne, byOther] = found;
  expect([...byOne!.keys()].filter((name) => name.endsWith('.zip')).length).toBeGreaterThan(0);
  expect(byOther).toEqual(byOne);
});
