import { beforeAll, describe, it } from 'vitest';
import {
  type Countries,
  gatewayInProcess,
  type InProcess,
  makeCountries,
  NOON,
} from '../../../test/support/efgs-in-process.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../../protocol/gaen/keys.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { OUTBOX_START, type OutboxState, outboxStep, type OutboxStep, type SealedFeed } from './outbox.ts';
import type { UploadPorts } from './ports.ts';

let countries: Countries;
beforeAll(async () => {
  countries = await makeCountries(['DE']);
});

const today = Math.floor(NOON / 86_400) * 144;
const tek = (number: number, change: Partial<TemporaryExposureKey> = {}): TemporaryExposureKey => ({
  keyData: new Uint8Array(16).fill(number & 0xff).fill(number >> 8, 8),
  rollingStartIntervalNumber: today - 144,
  rollingPeriod: 144,
  transmissionRiskLevel: 5,
  reportType: REPORT_TYPE.CONFIRMED_TEST,
  daysSinceOnsetOfSymptoms: 1,
  ...change,
});
const teks = (from: number, count: number): TemporaryExposureKey[] =>
  Array.from({ length: count }, (_, i) => tek(from + i));

/** A feed whose batches are these, from number 1 on. */
function feedOf(batches: readonly (readonly TemporaryExposureKey[] | null)[], oldest = 1): SealedFeed {
  return { oldest, latest: batches.length, read: async (batch) => batches[batch - 1] ?? null };
}

/** Steps until there is nothing to do at once. */
async function poll(
  start: OutboxState,
  ports: UploadPorts,
  feed: SealedFeed,
  lost: (step: number) => boolean = () => false,
): Promise<OutboxStep & { readonly steps: number }> {
  let state = start;
  let [uploaded, dropped] = [0, 0];
  for (let step = 0; step < 50; step++) {
    const done = await outboxStep(state, ports, feed, ['DE', 'FR']);
    if (!lost(step)) {
      state = JSON.parse(JSON.stringify(done.state)) as OutboxState;
      uploaded += done.uploaded;
      dropped += done.dropped;
    }
    if (!done.again) return { ...done, state, uploaded, dropped, steps: step + 1 };
  }
  throw new Error('steps without an end');
}

/** What the gateway has: the last two bytes' worth of each key, and what it says of it. */
function stored({ store, clock }: InProcess): string[] {
  store.runBatcher(clock.now);
  const found: string[] = [];
  for (let tag = store.firstFrom('2020-11-26')?.tag ?? null; tag !== null; tag = store.batch(tag)?.next ?? null) {
    const keys = store.uploadsOf(tag).flatMap((upload) => upload.keys);
    found.push(...keys.map((key) => `${toHex(key.keyData)} ${key.reportType}`));
  }
  return found.toSorted();
}
const as = (keys: readonly TemporaryExposureKey[], reportType: number = REPORT_TYPE.CONFIRMED_TEST): string[] =>
  keys.map(({ keyData }) => `${toHex(keyData)} ${reportType}`);

describe('the outbox', () => {
  it('sends the feed’s batches, in turn and each once, and knows where it was', async ({ expect }) => {
    const gateway = gatewayInProcess(countries);
    const ports = gateway.ports.get('DE')!;
    const batches = [teks(0, 3), [], teks(3, 2)];
    const first = await poll(OUTBOX_START, ports, feedOf(batches.slice(0, 2)));
    expect(first).toMatchObject({ uploaded: 3, state: { next: 3, waiting: [] }, trouble: null });
    expect(await poll(first.state, ports, feedOf(batches))).toMatchObject({
      uploaded: 2,
      state: { next: 4, waiting: [] },
    });
    expect(stored(gateway)).toEqual(as(teks(0, 5)).toSorted());
  });

  it('sends many small batches as one upload, and a large one as several', async ({ expect }) => {
    const gateway = gatewayInProcess(countries);
    const done = await poll(
      OUTBOX_START,
      gateway.ports.get('DE')!,
      feedOf([teks(0, 10), teks(10, 20), teks(30, 4100)]),
    );
    gateway.store.runBatcher(NOON);
    const sizes = ['20201126-1', '20201126-2'].flatMap((tag) =>
      gateway.store.uploadsOf(tag).map(({ keys }) => keys.length),
    );
    expect([done.uploaded, sizes]).toEqual([4130, [4000, 130]]);
  });

  it('says of a key that is taken back that it is revoked, beside what it said before', async ({ expect }) => {
    const gateway = gatewayInProcess(countries);
    const key = tek(7);
    const revoked = tek(7, { reportType: REPORT_TYPE.REVOKED });
    await poll(OUTBOX_START, gateway.ports.get('DE')!, feedOf([[key], [revoked]]));
    expect(stored(gateway)).toEqual([...as([key]), ...as([key], REPORT_TYPE.REVOKED)]);
  });

  it('waits for a batch that can’t be read, and loses nothing', async ({ expect }) => {
    const gateway = gatewayInProcess(countries);
    const ports = gateway.ports.get('DE')!;
    const waiting = await poll(OUTBOX_START, ports, feedOf([teks(0, 2), null]));
    expect(waiting).toMatchObject({ trouble: { kind: 'protocol', what: 'feed' }, state: OUTBOX_START });
    await poll(waiting.state, ports, feedOf([teks(0, 2), teks(2, 2)]));
    expect(stored(gateway)).toEqual(as(teks(0, 4)).toSorted());
  });

  it('goes on where the feed begins now, after being away for long, and counts what it missed', async ({ expect }) => {
    const gateway = gatewayInProcess(countries);
    const ports = gateway.ports.get('DE')!;
    const batches = [teks(0, 2), teks(2, 2), teks(4, 2)];
    const busy: UploadPorts = { ...ports, fetch: async () => new Response('', { status: 503 }) };
    const before = await poll(OUTBOX_START, busy, feedOf(batches.slice(0, 2)));
    expect(before.state.waiting).toHaveLength(2);
    const after = await poll(before.state, ports, feedOf([null, null, batches[2]!], 3));
    expect([after.uploaded, after.dropped, stored(gateway)]).toEqual([2, 4, as(batches[2]!).toSorted()]);
  });

  it('drops what is too old for the gateway, and counts it', async ({ expect }) => {
    const gateway = gatewayInProcess(countries);
    const old = tek(9, { rollingStartIntervalNumber: today - 16 * 144 });
    const done = await poll(OUTBOX_START, gateway.ports.get('DE')!, feedOf([[tek(1), old, tek(2)]]));
    expect([done.uploaded, done.dropped, stored(gateway)]).toEqual([2, 1, as([tek(1), tek(2)]).toSorted()]);
  });

  it('after a crash at any step sends the same again: each key is there once', async ({ expect }) => {
    let steps = Infinity;
    for (let at = -1; at < steps; at++) {
      const gateway = gatewayInProcess(countries);
      const ports = gateway.ports.get('DE')!;
      const feed = feedOf([teks(0, 3), teks(3, 3)]);
      let { state, steps: taken, uploaded } = await poll(OUTBOX_START, ports, feed, (step) => step === at);
      for (let i = 0; i < 3; i++) {
        gateway.store.runBatcher(NOON);
        const more = await poll(state, ports, feed);
        state = more.state;
        uploaded += more.uploaded;
      }
      if (at === -1) steps = taken;
      expect([at, uploaded, state.waiting, stored(gateway)]).toEqual([at, 6, [], as(teks(0, 6)).toSorted()]);
    }
    expect(steps).toBeGreaterThan(2);
  });
});
