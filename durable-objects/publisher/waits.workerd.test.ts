/** @module What is said of published keys that are to be taken back: what they wait for, until when at the latest, and that two requests count a key once. */
import { beforeEach, describe } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import type { RollbackWait } from '../../domain/rollback.ts';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { itLong, itUsual as it } from '../../test/support/longer.ts';
import { regionAt, seal, take, TAKE_ID } from './taking-rig.ts';
import { keysOf, MIDNIGHT, Rig } from './test-rig.ts';

const POLICY = { ...DEFAULT_CHUNK_POLICY, minKeys: 40, minUploads: 4, reserveUploads: 2, maxHoldHours: 0 };
const NONE_ASIDE = { ...POLICY, reserveUploads: 0 };
const SEVEN = [1, 2, 3, 4, 5, 6, 7];
const OTHER_ID = '8c9d3c0e-6f0b-4d5e-9a51-2f64a3e1b7aa';
const teksOf = (...uploads: number[]): Uint8Array =>
  concatBytes(...uploads.flatMap((upload) => keysOf(upload, 14).map(({ keyData }) => keyData)));

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  rig.policy = POLICY;
  rig.now = MIDNIGHT + 12 * 3600;
});

async function publish(...uploads: number[]): Promise<void> {
  for (const upload of uploads) await rig.accept(`u${upload}`, keysOf(upload, 14), ['DE']);
  await seal(rig);
}

const waitOf = async (id = TAKE_ID): Promise<RollbackWait | null> =>
  (await rig.inPublisher((publisher) => publisher.takeBackWaits([id])))[0] ?? null;
/** What the store says that a request is alone with. */
const rowsOf = (id: string): Promise<number> =>
  rig.inPublisherStorage((sql) => sql.exec<{ rows: number }>('SELECT rows FROM take_back WHERE id = ?', id).one().rows);

describe('what is to be taken back', () => {
  it('waits for the next hour, then for company', async ({ expect }) => {
    rig.policy = NONE_ASIDE;
    await publish(1);
    rig.policy = POLICY;
    expect(await waitOf()).toBeNull();
    await take(rig, teksOf(1));
    // Fourteen keys never stand alone: the last of them leaves by itself a fortnight after its period.
    const until = MIDNIGHT + 14 * 86_400;
    expect(await waitOf()).toEqual({ for: 'hour', until, regions: [] });
    await seal(rig);
    expect((await regionAt('DE')).revoked).toEqual([]);
    expect(await waitOf()).toEqual({ for: 'company', until, regions: [] });
  });

  itLong('waits for a region that fails, and is done when every region has published it', async ({ expect }) => {
    for (const upload of [1, 2, 3, 4]) await publish(upload);
    await take(rig, teksOf(1));
    rig.onPut = (key) => {
      if (key.startsWith('v1/DE/')) throw new Error('out of reach');
    };
    rig.now += 3600;
    for (let step = 0; step < 60 && (await waitOf())?.for !== 'region'; step++) {
      await rig.advance().catch(() => undefined);
    }
    for (let step = 0; step < 10; step++) await rig.advance().catch(() => undefined);
    expect((await regionAt('EUR')).revoked.length).toBeGreaterThan(14);
    expect(await waitOf()).toEqual({ for: 'region', regions: ['DE'] });
    rig.onPut = () => {};
    await rig.untilIdle();
    expect((await regionAt('DE')).revoked.length).toBeGreaterThan(14);
    expect(await waitOf()).toBeNull();
  });

  itLong('goes by itself at the instant that was said, if it is as much as a chunk needs', async ({ expect }) => {
    rig.policy = NONE_ASIDE;
    // Of seven uploads 91 keys are left a day later, which are of four uploads at least.
    await publish(...SEVEN);
    rig.policy = POLICY;
    await take(rig, teksOf(...SEVEN));
    const said = await waitOf();
    expect(said).toEqual({ for: 'hour', until: rig.now + 25 * 3600, regions: [] });
    await seal(rig, 24);
    expect(await waitOf()).toEqual({ ...said, for: 'company' });
    await seal(rig);
    expect(await waitOf()).toBeNull();
    expect((await regionAt('EUR')).revoked.length).toBe(7 * 13);
  });

  it('is counted once by requests that overlap, whoever is kept first', async ({ expect }) => {
    await publish(1, 2, 3, 4);
    await Promise.all([take(rig, teksOf(1, 2, 3)), take(rig, teksOf(2, 3, 4), OTHER_ID)]);
    const rows = [await rowsOf(TAKE_ID), await rowsOf(OTHER_ID)];
    expect(rows.toSorted((a, b) => a - b)).toEqual([14, 42]);
    // Each waits for all that it named.
    expect([await waitOf(), await waitOf(OTHER_ID)]).toMatchObject([{ for: 'hour' }, { for: 'hour' }]);
  });
});
