/** @module Counts that uploads of one transaction share, and what calls that come together after a start ask once; on the real storage and R2. */
import { beforeEach, describe, it } from 'vitest';
import { packUpload, unpackUpload } from '../../domain/packed-upload.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { withdrawalHash } from '../../protocol/withdrawal.ts';
import { GroupCommit } from '../group-commit.ts';
import { r2Bucket, type BucketPort } from '../publisher/bucket.ts';
import { MIDNIGHT, Rig, keysOf, testEnv } from '../publisher/test-rig.ts';
import { acceptUpload } from './accept-ops.ts';
import { parseBufferConfig } from './config.ts';
import { HourKeys } from './hour-keys.ts';
import { ReceivedUploads } from './received-ops.ts';
import { UploadTally } from './upload-tally.ts';
import { WithdrawalDesk } from './withdrawal-desk.ts';

const HOUR = MIDNIGHT / 3600 + 10;
const ISSUE = `s${'ab'.repeat(16)}`;
let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const random = (n: number) => crypto.getRandomValues(new Uint8Array(n));
const secretOf = (keyData: Uint8Array) => sha256(keyData);
const upload = (n: number, count: number, regions = ['DE']) =>
  packUpload({
    keys: keysOf(n, count).map((key) => ({
      ...key,
      withdrawalHash: withdrawalHash({ keyData: key.keyData, secret: secretOf(key.keyData) }),
    })),
    regions,
    consentToFederation: true,
    origin: 'DE',
    issueId: ISSUE,
  });
const regionCounts = () =>
  rig.inBuffer((sql) =>
    sql
      .exec(
        'SELECT region, keys, first_uploads AS uploads FROM release_counter WHERE release_hour = ? ORDER BY region',
        HOUR,
      )
      .toArray(),
  );
const issueCounts = () =>
  rig.inBuffer((sql) => sql.exec('SELECT release_hour AS hour, uploads, keys FROM issue_count').toArray());

describe('uploads of one transaction', () => {
  it('are counted by region and by issue id as if each had come alone', async ({ expect }) => {
    await rig.tuneBuffer();
    await Promise.all([
      rig.buffer.accept('u1', upload(1, 3)),
      rig.buffer.accept('u2', upload(2, 2, ['DE', 'FR'])),
      rig.buffer.accept('u3', upload(3, 4)),
      rig.buffer.accept('u3', upload(3, 4)),
    ]);
    expect(await regionCounts()).toEqual([
      { region: 'DE', keys: 9, uploads: 3 },
      { region: 'EUR', keys: 9, uploads: 3 },
      { region: 'FR', keys: 2, uploads: 1 },
      // By where they may go, too (domain/publication/feeds.ts).
      { region: 'to:DE', keys: 7, uploads: 2 },
      { region: 'to:DE+FR', keys: 2, uploads: 1 },
    ]);
    expect(await issueCounts()).toEqual([{ hour: HOUR, uploads: 3, keys: 9 }]);
  });

  it('of which one is taken back in that very transaction are counted without it', async ({ expect }) => {
    const openings = keysOf(2, 2).map(({ keyData }) => ({ keyData, secret: secretOf(keyData) }));
    const transactions = await rig.inBuffer(async (sql, { storage }) => {
      const config = parseBufferConfig({ ...testEnv });
      const keys = new HourKeys(() => r2Bucket(testEnv.PRIVATE), random);
      await keys.ready(rig.now);
      const received = new ReceivedUploads(sql, keys, random);
      let begun = 0;
      const edges = { begin: () => ((begun += 1), received.begin()), end: () => received.end() };
      const commits = new GroupCommit(storage, edges);
      const desk = new WithdrawalDesk(storage, keys, commits, received.tally);
      // The first goes at once; what comes meanwhile shares the next commit.
      await Promise.all([
        commits.run(() => 'first, alone'),
        commits.run(() => acceptUpload(sql, config, keys, received, rig.now, 'u2', unpackUpload(upload(2, 5))!)),
        desk.withdraw(config, async () => rig.now, openings, null),
      ]);
      return begun;
    });
    expect(transactions).toBe(2);
    expect((await regionCounts()).map(({ region, keys }) => [region, keys])).toEqual([
      ['DE', 3],
      ['EUR', 3],
      ['to:DE', 3],
    ]);
  });

  it('are counted once when one of them throws and the others run again', async ({ expect }) => {
    await rig.inBuffer(async (sql, { storage }) => {
      const tally = new UploadTally(sql);
      const commits = new GroupCommit(storage, tally);
      const add = () =>
        tally.add({ regions: ['EUR'], perHour: new Map([[HOUR, 2]]), synthetic: false, issueName: new Uint8Array(16) });
      const settled = await Promise.allSettled([
        commits.run(() => 'alone'),
        commits.run(add),
        commits.run(() => {
          add();
          throw new Error('poison');
        }),
        commits.run(add),
      ]);
      expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    });
    expect(await regionCounts()).toEqual([{ region: 'EUR', keys: 4, uploads: 2 }]);
    expect(await issueCounts()).toEqual([{ hour: HOUR, uploads: 2, keys: 4 }]);
  });
});

describe('uploads that come together after a start', () => {
  it('ask R2 as often as one of them', async ({ expect }) => {
    const callsOf = async (uploads: number): Promise<string[]> => {
      rig = await Rig.create();
      const calls: string[] = [];
      await rig.tuneBuffer();
      await rig.inBufferObject((buffer) => {
        const real = r2Bucket(testEnv.PRIVATE);
        const counted = new Proxy(real, {
          get: (target, name: keyof BucketPort) => {
            const method = target[name].bind(target) as (...given: never[]) => unknown;
            return (...given: never[]) => {
              calls.push(`${name} ${String(given[0])}`);
              return method(...given);
            };
          },
        });
        Object.assign(buffer, { bucket: () => counted });
      });
      const replies = await Promise.all(
        Array.from({ length: uploads }, (_, n) => rig.buffer.accept(`u${n}`, upload(n, 2))),
      );
      expect(replies.every(({ kind }) => kind === 'stored')).toBe(true);
      return calls.filter((call) => !call.includes('journal')).toSorted();
    };
    const alone = await callsOf(1);
    expect(alone).not.toEqual([]);
    expect(await callsOf(12)).toEqual(alone);
  });
});
