/** @module An upload of Google's dialect that is cut off at each of its writes, and comes again with the same payload and with another. */
import { beforeEach, describe, it } from 'vitest';
import type { CertifiedReport } from '../../protocol/publish/report-type.ts';
import { MIDNIGHT, Rig } from '../publisher/test-rig.ts';
import { batchOf, certified, namesOf, publish, storedIn, tokenOf } from './publish-world.ts';

const HOUR = MIDNIGHT / 3600 + 10;
const ALL = ['upload', 'publish_answer', 'unlogged_drop', 'issue_count'];
let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

/** Two keys that are published, then two that wait; the token names all four. */
async function shared(): Promise<Uint8Array> {
  const first = tokenOf(await publish(rig, 'u1', certified(1, 2, 'likely'), 'likely'));
  rig.now += 3600;
  await rig.buffer.purge((await rig.buffer.freeze({ hour: HOUR, after: 0 })).setNo);
  return tokenOf(await publish(rig, 'u2', certified(2, 2, 'likely'), 'likely', first));
}

/** The four, and one that is new. */
const keysOfAll = (type: CertifiedReport) =>
  [1, 2, 3].flatMap((upload) => certified(upload, upload === 3 ? 1 : 2, type));

async function crashing<T>(verb: string, table: string, body: () => Promise<T>): Promise<T | string> {
  await rig.inBuffer((sql) =>
    sql.exec(`CREATE TRIGGER crash BEFORE ${verb} ON ${table} BEGIN SELECT RAISE(ABORT, 'crash'); END`),
  );
  const outcome = await body().catch((error: Error) => error.message);
  await rig.inBuffer((sql) => sql.exec('DROP TRIGGER crash'));
  await rig.evict();
  return outcome;
}

describe.for<[type: CertifiedReport, writes: readonly (readonly [verb: string, table: string])[]]>([
  [
    'confirmed',
    [
      ['INSERT', 'row_label'],
      ['INSERT', 'waiting_row'],
      ['INSERT', 'withdrawn_key'],
      ['UPDATE', 'waiting_row'],
      ['INSERT', 'upload'],
      ['INSERT', 'publish_answer'],
      ['INSERT', 'release_counter'],
      ['INSERT', 'received'],
    ],
  ],
  [
    'negative',
    [
      ['INSERT', 'withdrawn_key'],
      ['DELETE', 'waiting_row'],
      ['UPDATE', 'release_counter'],
      ['INSERT', 'known_key'],
      ['INSERT', 'ended_key'],
      ['INSERT', 'unlogged_drop'],
      ['INSERT', 'upload'],
      ['INSERT', 'publish_answer'],
    ],
  ],
])('%s, cut off at a write', ([type, writes]) => {
  it('leaves nothing, and is then as new: with the same payload it is stored, with another that one is', async ({
    expect,
  }) => {
    for (const isSame of [true, false]) {
      rig = await Rig.create();
      const token = await shared();
      const before = await storedIn(rig, ALL);
      for (const [verb, table] of writes) {
        const said = await crashing(verb, table, () => publish(rig, 'u3', keysOfAll(type), type, token));
        expect(said, `${verb} ${table}`).toContain('crash');
        expect(await storedIn(rig, ALL), `${verb} ${table}`).toEqual(before);
      }
      const other: CertifiedReport = type === 'confirmed' ? 'negative' : 'confirmed';
      const came = isSame ? type : other;
      const reply = await publish(rig, 'u3', keysOfAll(came), came, token);
      expect(reply).toMatchObject({ publish: { inserted: came === 'negative' ? 0 : 1, revised: 4 } });
      // From here on it is done, and the answer that was lost comes again, whatever comes with its id.
      const after = await storedIn(rig, ALL);
      await rig.evict();
      for (const next of [came, came === 'confirmed' ? 'likely' : 'confirmed'] as const) {
        expect(await publish(rig, 'u3', keysOfAll(next), next, token)).toEqual(reply);
        expect(await publish(rig, 'u3', certified(7, 3, next), next)).toEqual(reply);
      }
      expect(await rig.buffer.resolve('u3')).toEqual({ kind: 'stored' });
      expect(await storedIn(rig, ALL)).toEqual(after);
    }
  });
});

it('a refusal that is cut off leaves nothing; refused, the id is dead and the certificate good for another', async ({
  expect,
}) => {
  const token = await shared();
  const before = await storedIn(rig, ALL);
  const refused = () => publish(rig, 'u3', keysOfAll('confirmed'), 'confirmed');
  expect(await crashing('INSERT', 'upload', refused)).toContain('crash');
  expect(await storedIn(rig, ALL)).toEqual(before);
  expect(await refused()).toEqual({ kind: 'publish-refused', code: 'missing_revision_token' });
  expect(await publish(rig, 'u3', keysOfAll('confirmed'), 'confirmed', token)).toEqual({ kind: 'tombstone' });
  expect(await publish(rig, 'u4', keysOfAll('confirmed'), 'confirmed', token)).toMatchObject({
    publish: { inserted: 1, revised: 4 },
  });
});

it('what the publisher has is marked, or is still in the queue, wherever that is cut off', async ({ expect }) => {
  const token = await shared();
  const newest = tokenOf(await publish(rig, 'u3', certified(1, 2, 'confirmed'), 'confirmed', token));
  rig.now += 3600;
  const { id } = (await batchOf(rig, HOUR + 1))!;
  const before = await storedIn(rig, ['withdrawal_batch']);
  for (const [verb, table] of [
    ['UPDATE', 'known_key'],
    ['DELETE', 'withdrawn_key'],
    ['DELETE', 'withdrawal_batch'],
  ] as const) {
    const said = await crashing(verb, table, async () => {
      await rig.tuneBuffer();
      return rig.buffer.withdrawn(id);
    });
    expect(said, table).toContain('crash');
    expect(await storedIn(rig, ['withdrawal_batch']), table).toEqual(before);
    const reply = await publish(rig, `n ${table}`, certified(1, 2, 'negative'), 'negative', token);
    expect(reply, table).toEqual({ kind: 'publish-refused', code: 'key_already_revised' });
  }
  await rig.tuneBuffer();
  await rig.buffer.withdrawn(id);
  const reply = await publish(rig, 'u4', certified(1, 2, 'negative'), 'negative', token);
  expect(reply).toEqual({ kind: 'publish-refused', code: 'key_already_revised' });
  expect(Object.values(namesOf(rig, newest)!)).toContain('likely confirmed');
});
