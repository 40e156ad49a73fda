/**
 * @module A rollback by issue ids as `origin` carries it out, on the real objects and buckets: the dry run counts and changes nothing, what waits is dropped, what is published ends as REVOKED; interrupted
 * anywhere it goes on, asked twice it acts once.
 */
import { beforeEach, describe, it } from 'vitest';
import { r2Bucket } from '../../durable-objects/publisher/bucket.ts';
import { keysOf, MIDNIGHT, objects, Rig, testEnv } from '../../durable-objects/publisher/test-rig.ts';
import { regionAt } from '../../durable-objects/publisher/taking-rig.ts';
import { countStep } from '../../domain/rollback-counts.ts';
import { planDays, type CountedDay } from '../../domain/rollback.ts';
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import type { OriginObjects } from './bindings.ts';
import { planRollback, rollBack } from './rollback.ts';

const UNDO_KEY = testKeyPem('UNDO_PRIVATE_KEY');
const ID = '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b';
const DAY = MIDNIGHT / 86_400;
const id = (letter: string, n: number): string => letter + n.toString(16).padStart(32, '0');
const [FORGED, SMALL, HONEST] = [id('l', 1), id('l', 2), id('c', 1)];
let rig: Rig;

beforeEach(async () => {
  rig = await Rig.create();
  rig.policy = { ...rig.policy, minKeys: 28, minUploads: 2 };
});

/** The publisher's stub answers on its own clock; what a rollback asks of it goes through the rig. */
function origin(): OriginObjects {
  const publisher = {
    advance: () => rig.advance(),
    publishedIssues: (...args: Parameters<OriginObjects['publisher']['publishedIssues']>) =>
      rig.inPublisher((object) => object.publishedIssues(...args)),
    takeBackWaits: (...args: Parameters<OriginObjects['publisher']['takeBackWaits']>) =>
      rig.inPublisher((object) => object.takeBackWaits(...args)),
    takeBackIssues: (...args: Parameters<OriginObjects['publisher']['takeBackIssues']>) =>
      rig.inPublisher((object) => object.takeBackIssues(...args)),
  };
  return { buffer: rig.buffer, publisher } as unknown as OriginObjects;
}

/** What a dry run counts, before it is made coarse. */
async function counted(issueIds: readonly string[]): Promise<readonly CountedDay[]> {
  const { buffer, publisher } = origin();
  const found = await publisher.publishedIssues(issueIds, UNDO_KEY);
  if (found.kind === 'bad-key') throw new Error(found.reason);
  return planDays(found.regions, await buffer.issueStanding(issueIds), found.days);
}

async function sealHour(): Promise<void> {
  await rig.untilIdle();
  rig.now += 3600;
  await rig.untilIdle();
}

/** Three forged uploads, three honest and one of a small laboratory are published; then one more forged and one honest wait. */
async function story(): Promise<void> {
  for (const n of [1, 2, 3]) await rig.accept(`forged ${n}`, keysOf(n, 14), ['DE'], { issueId: FORGED });
  for (const n of [11, 12, 13]) await rig.accept(`honest ${n}`, keysOf(n, 14), ['DE'], { issueId: HONEST });
  await rig.accept('small', keysOf(20, 14), ['DE'], { issueId: SMALL });
  await sealHour();
  await rig.accept('forged 4', keysOf(4, 5), ['DE'], { issueId: FORGED });
  await rig.accept('honest 4', keysOf(14, 5), ['DE'], { issueId: HONEST });
}

const published = async (): Promise<string[]> =>
  [...(await objects(testEnv.PUBLIC))]
    .filter(([name]) => name.endsWith('manifest.json'))
    .map(([, bytes]) => fromUtf8(bytes));

describe('a dry run', () => {
  it('says per day and region what is unpublished, published and gone, and changes nothing', async ({ expect }) => {
    await story();
    const before = [await objects(testEnv.PUBLIC), await objects(testEnv.PRIVATE)].map((all) => [...all.keys()]);
    const reply = await planRollback(origin(), [FORGED], UNDO_KEY);
    const line = { day: DAY, unpublished: 5, published: 42, mixed: 0, gone: 0, ofDay: 7 * 14 };
    expect(await counted([FORGED])).toEqual([
      { ...line, region: 'DE' },
      { ...line, region: 'EUR' },
    ]);
    expect(reply).toMatchObject({ kind: 'plan', days: [{ region: 'DE' }, { region: 'EUR' }], others: [] });
    expect([await objects(testEnv.PUBLIC), await objects(testEnv.PRIVATE)].map((all) => [...all.keys()])).toEqual(
      before,
    );
  });

  it('tells of no source how many keys it has: one with one upload looks like any below the minima', async ({
    expect,
  }) => {
    const step = countStep(rig.policy);
    await story();
    const linesOf = async (issueIds: readonly string[]) => {
      const reply = await planRollback(origin(), issueIds, UNDO_KEY);
      return reply.kind === 'plan' ? reply.days : [];
    };
    const few = { fewerThan: 2 * step };
    for (const line of await linesOf([FORGED])) {
      expect(line.unpublished).toEqual(few);
      // 42, by an edge between one step and two.
      expect([few, { fewerThan: 3 * step }]).toContainEqual(line.published);
      // How many wait in all, of the day, nobody hears either.
      expect(line.ofDay).toBe(7 * 14);
    }
    const waiting = await linesOf([HONEST]);
    expect(waiting).toMatchObject([{ unpublished: few }, { unpublished: few }]);
    expect(await linesOf([HONEST])).toEqual(waiting);
  });

  it('reads some parts of the records at once, and never more than six', async ({ expect }) => {
    await story();
    rig.mostReads = 0;
    await planRollback(origin(), [FORGED], UNDO_KEY);
    // Fourteen parts: one for each day on which keys leave.
    expect(rig.mostReads).toBe(6);
  });

  it('says whom else it hits where a source is too small to stand alone', async ({ expect }) => {
    rig.policy = { ...rig.policy, minKeys: 43, minUploads: 4 };
    await story();
    const reply = await planRollback(origin(), [SMALL], UNDO_KEY);
    expect(reply.kind === 'plan' && reply.others).toEqual([HONEST, FORGED]);
    expect((await counted([SMALL]))[0]).toMatchObject({ published: 98, mixed: 98, gone: 0 });
  });

  it.for([
    ['of another deployment', testKeyPem('SOME_OTHER_KEY'), /^issues\/\d+\/.*: damaged, or sealed to another key/],
    ['that is none', 'a key', /must be a P-256 private key/],
  ] as const)('with a key %s opens nothing', async ([, key, reason], { expect }) => {
    await story();
    const [planned, done] = [
      await planRollback(origin(), [FORGED], key),
      await rollBack(origin(), { id: ID, issueIds: [FORGED], undoKey: key }),
    ];
    for (const reply of [planned, done]) expect(reply.kind === 'bad-key' && reply.reason).toMatch(reason);
    // While the undo key is changed both are given: hours of before are sealed to the former one.
    const both = await planRollback(origin(), [FORGED], `${testKeyPem('SOME_OTHER_KEY')}${UNDO_KEY}`);
    expect(both.kind).toBe('plan');
  });
});

describe('a rollback', () => {
  it('drops what waits, takes back what is published, and nobody else’s; asked twice it acts once', async ({
    expect,
  }) => {
    await story();
    const request = { id: ID, issueIds: [FORGED], undoKey: UNDO_KEY };
    const waiting = { kind: 'rolled-back', state: 'waiting', dropped: 5, taken: 42 };
    expect(await rollBack(origin(), request)).toMatchObject(waiting);
    expect(await rollBack(origin(), request)).toMatchObject(waiting);
    // What comes late is answered as if it were known, and stored nowhere.
    expect(await rig.accept('late', keysOf(5, 3), ['DE'], { issueId: FORGED })).toEqual({ kind: 'known' });
    await sealHour();
    await sealHour();
    expect((await counted([FORGED])).map(({ published: out, gone }) => [out, gone])).toEqual([
      [0, 47],
      [0, 47],
    ]);
    expect(await rollBack(origin(), request)).toMatchObject({ state: 'done', dropped: 5, taken: 42, waits: null });
    expect((await published()).every((head) => head.includes('revocations'))).toBe(true);
    expect((await counted([HONEST, SMALL]))[0]).toMatchObject({ published: 4 * 14, unpublished: 5, gone: 0 });
  });

  it('without the undo key drops what waits and leaves the rest to whoever has it', async ({ expect }) => {
    await story();
    const request = { id: ID, issueIds: [FORGED] };
    expect(await rollBack(origin(), { ...request, undoKey: null })).toEqual({
      kind: 'rolled-back',
      state: 'key',
      dropped: 5,
      taken: 0,
      waits: null,
    });
    expect(await rollBack(origin(), { ...request, undoKey: UNDO_KEY })).toMatchObject({
      state: 'waiting',
      dropped: 5,
      taken: 42,
    });
  });

  it('is not done while the journal still has what was dropped, and takes back what is published meanwhile', async ({
    expect,
  }) => {
    await story();
    const refuses = () => Promise.reject(new Error('R2 refuses'));
    await rig.inBufferObject((buffer) =>
      Object.assign(buffer, { bucket: (own: R2Bucket) => ({ ...r2Bucket(own), put: refuses }) }),
    );
    const request = { id: ID, issueIds: [FORGED] };
    const first = await rollBack(origin(), { ...request, undoKey: null });
    const second = await rollBack(origin(), { ...request, undoKey: UNDO_KEY });
    await rig.inBufferObject((buffer) => Reflect.deleteProperty(buffer, 'bucket'));
    const third = await rollBack(origin(), { ...request, undoKey: UNDO_KEY });
    const outcome = { kind: 'rolled-back', dropped: 5 };
    expect([first, second, third]).toMatchObject([
      { ...outcome, state: 'sealing', taken: 0 },
      { ...outcome, state: 'sealing', taken: 42 },
      { ...outcome, state: 'waiting' },
    ]);
  });

  it('while its hour is being sealed waits until the record is written, wherever the publisher is killed', async ({
    expect,
  }) => {
    await story();
    rig.policy = { ...rig.policy, minKeys: 0, minUploads: 0 };
    rig.now += 3600;
    let puts = 0;
    rig.onPut = (key) => {
      if (!key.startsWith('sets/') || (puts += 1) !== 3) return;
      rig.dead = true;
      throw new Error('killed');
    };
    for (let step = 0; step < 10 && !rig.dead; step++) await rig.advance().catch(() => undefined);
    expect(rig.dead).toBe(true);
    await rig.evict();
    // The set is frozen and half written: of the five forged keys that waited none may be dropped any more, and all must be taken back.
    const outcome = await rollBack(origin(), { id: ID, issueIds: [FORGED], undoKey: UNDO_KEY });
    expect(outcome).toMatchObject({ kind: 'rolled-back', state: 'waiting', dropped: 0, taken: 47 });
  });
});

describe('a rollback while something fails', () => {
  const request = { id: ID, issueIds: [FORGED], undoKey: UNDO_KEY };
  /** Keys of a source that are published in each region, and gone, and how many rows were ever taken back. */
  const standing = async () => {
    const lines = (await counted([FORGED])).map(({ region, published: out, gone }) => [region, out, gone]);
    const { counters } = await rig.inPublisher((publisher) => publisher.status());
    return { lines, taken: counters['keys_taken_back'] };
  };
  const revoked = async () => (await Promise.all(['DE', 'EUR'].map(regionAt))).map((one) => one.revoked.length);

  it('of one region goes on with the others and says which waits; mended, that one is done too, once', async ({
    expect,
  }) => {
    await story();
    rig.policy = { ...rig.policy, minKeys: 0, minUploads: 0 };
    rig.onPut = (key) => {
      if (key.startsWith('v1/DE/')) throw new Error('DE is down');
    };
    rig.now += 3600;
    // The hour is published in EUR alone, and its set lies in the buffer until DE has it.
    await rig.untilIdle().catch(() => undefined);
    const outcome = { kind: 'rolled-back', state: 'waiting', dropped: 0, taken: 47 };
    const waits = { for: 'hour', until: expect.any(Number), regions: ['DE'] };
    expect(await rollBack(origin(), request)).toEqual({ ...outcome, waits });
    expect(await rollBack(origin(), request)).toEqual({ ...outcome, waits });
    rig.now += 3600;
    await rig.untilIdle().catch(() => undefined);
    expect(await revoked()).toEqual([0, 47]);
    expect(await rollBack(origin(), request)).toEqual({ ...outcome, waits: { for: 'region', regions: ['DE'] } });
    rig.onPut = () => {};
    await sealHour();
    await sealHour();
    expect(await revoked()).toEqual([47, 47]);
    const done = { lines: ['DE', 'EUR'].map((region) => [region, 0, 47]), taken: 47 };
    expect(await standing()).toEqual(done);
    expect(await rollBack(origin(), request)).toEqual({ ...outcome, state: 'done', waits: null });
    await sealHour();
    expect([await standing(), await revoked()]).toEqual([done, [47, 47]]);
  });

  it.for(['sets/', 'the answer'] as const)(
    'of all of them asks to be given again, as long as a set isn’t recorded: %s fails',
    async (fails, { expect }) => {
      await story();
      rig.policy = { ...rig.policy, minKeys: 0, minUploads: 0 };
      rig.now += 3600;
      rig.onPut = (key) => {
        if (key.startsWith(fails)) throw new Error('the private bucket is down');
      };
      if (fails === 'the answer') {
        // The buffer has frozen the set, and Publisher never heard of it: an answer that was lost, then no way to the buffer.
        await rig.tuneBuffer();
        await rig.buffer.freeze({ hour: rig.now / 3600 - 1, after: 1 });
        rig.bufferDown = true;
      } else await rig.untilIdle().catch(() => undefined);
      for (let n = 0; n < 2; n++) {
        expect(await rollBack(origin(), request)).toMatchObject({ state: 'sealing', dropped: 0, taken: 0 });
      }
      rig.bufferDown = false;
      rig.onPut = () => {};
      expect(await rollBack(origin(), request)).toMatchObject({
        state: 'waiting',
        taken: 47,
        waits: { for: 'hour', regions: [] },
      });
      await sealHour();
      await sealHour();
      expect(await revoked()).toEqual([47, 47]);
    },
  );
});

it('what was held over a midnight is not gone twice, and a day without the target has no line', ({ expect }) => {
  const [day, region] = [DAY, 'DE'];
  const standing = {
    waiting: [],
    counted: [
      { day, keys: 14 },
      { day: day + 1, keys: 1 },
    ],
  };
  const line = { region, mixed: 0, all: 200 };
  const held = [
    { ...line, day: day + 1, meant: 15 },
    { ...line, day: day + 2, meant: 0 },
  ];
  expect(planDays([region], standing, held)).toEqual([
    { day: day + 1, region, unpublished: 0, published: 15, mixed: 0, gone: 0, ofDay: 200 },
  ]);
});
