/** @module Uploads of Google's dialect in the buffer's real storage: what is stored, what may be said of it later and by whom, and what a lost answer or a crash leaves. */
import { beforeEach, describe, it } from 'vitest';
import type { CertifiedReport } from '../../protocol/publish/report-type.ts';
import { REVISION_TOKEN_BYTES, RevisionTokens } from '../../protocol/publish/revision-token.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { MIDNIGHT, Rig } from '../publisher/test-rig.ts';
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

/** What has become of the keys of an upload when they come again. */
const STATES: readonly (readonly [name: string, reach: () => Promise<unknown>])[] = [
  ['waits', async () => {}],
  [
    'is frozen',
    async () => {
      rig.now += 3600;
      await rig.buffer.freeze({ hour: HOUR, after: 0 });
    },
  ],
  [
    'is published',
    async () => {
      rig.now += 3600;
      await rig.buffer.purge((await rig.buffer.freeze({ hour: HOUR, after: 0 })).setNo);
    },
  ],
];

describe('a first upload', () => {
  it('stores its keys, and its token names them and nothing else', async ({ expect }) => {
    await rig.accept('u0', certified(9, 5, 'confirmed'));
    const reply = await publish(rig, 'u1', certified(1, 3, 'likely'), 'likely');
    expect(reply).toMatchObject({ kind: 'stored', publish: { inserted: 3, revised: 0 } });
    expect(namesOf(rig, tokenOf(reply))).toEqual(
      Object.fromEntries(hexOf(certified(1, 3, 'likely')).map((name) => [name, 'likely'])),
    );
    expect(namesOf(rig, tokenOf(reply), 'health-fr')).toBeNull();
  });

  it('that is negative stores nothing, and has a token of the same length, which names nothing', async ({ expect }) => {
    const before = await storedIn(rig);
    const reply = await publish(rig, 'u1', certified(1, 3, 'negative'), 'negative');
    expect(reply).toMatchObject({ kind: 'stored', publish: { inserted: 0, revised: 0 } });
    expect(tokenOf(reply)).toHaveLength(REVISION_TOKEN_BYTES);
    expect(namesOf(rig, tokenOf(reply))).toEqual({});
    expect(await storedIn(rig)).toEqual(before);
  });

  it('of a source that was rolled back is answered as any, stores nothing, and its token names nothing', async ({
    expect,
  }) => {
    await rig.accept('u0', certified(9, 1, 'confirmed'));
    const id = `s${'0'.repeat(32)}`;
    await rig.tuneBuffer();
    await rig.buffer.dropWaiting({ id: crypto.randomUUID(), issueIds: [id] });
    const before = await storedIn(rig);
    const reply = await publish(rig, 'u1', certified(1, 3, 'likely'), 'likely', null, { issueId: id });
    expect(reply).toMatchObject({ kind: 'stored', publish: { inserted: 3, revised: 0 } });
    expect(namesOf(rig, tokenOf(reply))).toEqual({});
    expect(await storedIn(rig)).toEqual(before);
  });

  it("takes a peer's key over that waits, and names it", async ({ expect }) => {
    await rig.importBatch('FR', 'batch-1', certified(1, 1, 'confirmed'));
    const reply = await publish(rig, 'u1', certified(1, 1, 'likely'), 'likely');
    expect(reply).toMatchObject({ kind: 'stored', publish: { inserted: 1 } });
    expect(namesOf(rig, tokenOf(reply))).toEqual({ [hexOf(certified(1, 1, 'likely'))[0]!]: 'likely' });
  });
});

describe.for(STATES)('a key that %s', ([, reach]) => {
  it.for<[first: CertifiedReport, next: CertifiedReport, outcome: string]>([
    ['likely', 'confirmed', 'revised'],
    ['likely', 'negative', 'revised'],
    ['user-report', 'confirmed', 'revised'],
    ['user-report', 'likely', 'revised'],
    ['user-report', 'negative', 'revised'],
    ['likely', 'likely', 'same'],
    ['confirmed', 'confirmed', 'same'],
    ['user-report', 'user-report', 'same'],
    ['confirmed', 'likely', 'invalid_report_type_transition'],
    ['confirmed', 'negative', 'invalid_report_type_transition'],
    ['confirmed', 'user-report', 'invalid_report_type_transition'],
    ['likely', 'user-report', 'invalid_report_type_transition'],
  ])('%s → %s: %s', async ([first, next, outcome], { expect }) => {
    const token = tokenOf(await publish(rig, 'u1', certified(1, 2, first), first));
    await reach();
    const reply = await publish(rig, 'u2', certified(1, 2, next), next, token);
    if (outcome !== 'revised' && outcome !== 'same') {
      expect(reply).toEqual({ kind: 'publish-refused', code: outcome });
      return;
    }
    const revised = outcome === 'revised' ? 2 : 0;
    expect(reply).toMatchObject({ kind: 'stored', publish: { inserted: 0, revised } });
    const names = Object.values(namesOf(rig, tokenOf(reply))!);
    expect(names).toEqual(Array(2).fill(revised === 0 ? first : `${first} ${next}`));
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
    const ofAnother = new RevisionTokens(new Uint8Array(32).fill(9)).seal(AUTHORITY, rig.now, [
      { ...victims[0]!, reportType: 'likely', revisedTo: null },
      { ...victims[1]!, reportType: 'likely', revisedTo: null },
    ]);
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

  it('is revised once in its life, by the newest token or an old one', async ({ expect }) => {
    const old = tokenOf(await publish(rig, 'u1', certified(1, 2, 'user-report'), 'user-report'));
    await reach();
    const newest = tokenOf(await publish(rig, 'u2', certified(1, 2, 'likely'), 'likely', old));
    const check = async (when: string) => {
      for (const [name, token] of Object.entries({ old, newest })) {
        for (const [type, outcome] of [
          ['user-report', { kind: 'stored', publish: { inserted: 0, revised: 0 } }],
          ['likely', { kind: 'stored', publish: { inserted: 0, revised: 0 } }],
          ['confirmed', { kind: 'publish-refused', code: 'key_already_revised' }],
          ['negative', { kind: 'publish-refused', code: 'key_already_revised' }],
        ] as const) {
          const reply = await publish(rig, `${when} ${name} ${type}`, certified(1, 2, type), type, token);
          expect(reply, `${when}, ${name} token, ${type}`).toMatchObject(outcome);
        }
      }
    };
    await check('at once');
    // The publisher takes up what was said, then the rows are forgotten.
    const frozenHour = Math.floor(rig.now / 3600);
    rig.now += 3600;
    const batch = await batchOf(rig, frozenHour);
    if (batch !== null) await rig.buffer.withdrawn(batch.id);
    const { setNo } = await rig.buffer.freeze({ hour: frozenHour, after: frozenHour - HOUR });
    for (let set = 1; set <= setNo; set++) await rig.buffer.purge(set);
    const rest = await batchOf(rig, frozenHour);
    if (rest !== null) await rig.buffer.withdrawn(rest.id);
    await check('later');
  });

  it('must come as it came: another start or period is refused', async ({ expect }) => {
    const token = tokenOf(await publish(rig, 'u1', certified(1, 2, 'likely'), 'likely'));
    await reach();
    const [one, two] = certified(1, 2, 'confirmed');
    for (const [n, other] of [
      { ...one!, rollingStartIntervalNumber: one!.rollingStartIntervalNumber - 1 },
      { ...one!, rollingPeriod: 143 },
    ].entries()) {
      const reply = await publish(rig, `u${n + 2}`, [other, two!], 'confirmed', token);
      expect(reply).toEqual({ kind: 'publish-refused', code: 'invalid_revision_token' });
    }
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
    expect(
      hexOf(certified(1, 3, 'likely'))
        .map((name) => levels[name])
        .toSorted(),
    ).toEqual([6, 8, 8]);
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

it('nothing in a set tells the dialect: the same keys by either give the same bytes', async ({ expect }) => {
  const keys = [...certified(1, 3, 'confirmed'), ...certified(2, 3, 'likely'), ...certified(3, 2, 'user-report')];
  const sets: string[] = [];
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
    const set = await rig.buffer.freeze({ hour: HOUR, after: 0 });
    const { rows, provenances } = await rig.buffer.page(set.setNo, null, 100);
    sets.push(JSON.stringify([set, toHex(rows), provenances]));
  }
  expect(sets[1]).toBe(sets[0]);
});
