/** @module A person takes back what they shared: what the phone keeps for it, what it sends, and where it may die. */
import { describe, it } from 'vitest';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { decodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import { decodeWithdrawal, withdrawalHash, type Withdrawal } from '../../protocol/withdrawal.ts';
import type { Fetch } from '../http.ts';
import { memoryStore, type Store } from '../store.ts';
import { testRandom } from '../testing/random.ts';
import { DEFAULT_RETRY } from '../timing/retry.ts';
import type { SharedKey, UploadContent } from '../upload/upload-request.ts';
import { type KeptSecret, withSecrets } from '../upload/withdrawal.ts';
import { type TimetablePorts, wake } from './cover-traffic.ts';
import { shareKeys, stateOf, type TestState } from './test-course.ts';
import { EMPTY, type Timetable } from './timetable.ts';
import { goOnWithdrawing, withdrawKeys, type WithdrawPorts } from './withdraw-course.ts';

const NOON = Date.UTC(2026, 5, 15, 12) / 1000;
const DAY = 86_400;
const MIDNIGHT = (NOON - 12 * 3600) / 600;
const random = testRandom('withdraw course');
const TAN = '8ad7be4f-8c43-4d4f-9f5c-3b2a1c0d9e8f';

const ownKeys = (count: number): SharedKey[] =>
  Array.from({ length: count }, (_, age) => ({
    keyData: random(16),
    rollingStartIntervalNumber: MIDNIGHT - 144 * (1 + (age % 14)),
    rollingPeriod: 144,
    transmissionRiskLevel: 6,
    daysSinceOnsetOfSymptoms: null,
  }));
const contentOf = (keys: readonly SharedKey[]): UploadContent => ({
  keys,
  visitedCountries: [],
  consentToFederation: false,
  submissionType: 0,
});

/** A phone with a positive test, and a server that keeps what it is told. */
class World {
  now = NOON;
  /** Status of uploads and withdrawals; null: no answer. */
  upload: number | null = 200;
  withdrawal: number | null = 200;
  /** Withdrawals that are answered before that. */
  heardBefore = 0;
  readonly paths: string[] = [];
  readonly hashes = new Map<string, string | null>();
  readonly withdrawals: Withdrawal[] = [];
  readonly sizes: number[] = [];
  readonly store = memoryStore<TestState>({
    stage: 'registered',
    codeKey: 'code',
    token: 'token',
    result: 'positive',
    sharing: null,
  });
  secrets: Store<readonly KeptSecret[]> = memoryStore<readonly KeptSecret[]>();

  get ports(): WithdrawPorts {
    const settings = {
      coverTraffic: { followUpDays: 0 },
      polling: { windows: [{ fromMinute: 0, toMinute: 1440 }], retry: DEFAULT_RETRY },
    } as unknown as WithdrawPorts['settings'];
    const urls = { baseUrl: 'http://edge.test', verificationUrl: 'http://edge.test' };
    const { fetch, store, secrets } = this;
    return { fetch, ...urls, random, settings, store, secrets, clock: () => this.now };
  }

  readonly fetch: Fetch = async (url, init) => {
    const { pathname } = new URL(url);
    const body = new Uint8Array(await new Response(init?.body ?? null).arrayBuffer());
    this.paths.push(pathname.split('/').at(-1) ?? '');
    if (pathname === '/v1/withdrawal') return this.#withdrawn(body);
    if (pathname.endsWith('/tan')) return Response.json({ tan: TAN }, { status: 201 });
    if (!pathname.endsWith('/diagnosis-keys')) return new Response(null, { status: 200 });
    this.sizes.push(body.length);
    const payload = decodeSubmissionPayload(body);
    for (const { keyData, withdrawalHash: hash = null } of payload.ok ? payload.value.keys : []) {
      this.hashes.set(toHex(keyData!), hash === null ? null : toHex(hash));
    }
    if (this.upload === null) throw new TypeError('fetch failed');
    return new Response(null, { status: this.upload });
  };

  #withdrawn(body: Uint8Array): Response {
    this.sizes.push(body.length);
    const asked = decodeWithdrawal(body);
    if (!asked.ok) throw new Error('malformed');
    this.withdrawals.push(asked.value);
    if (this.heardBefore-- > 0) return new Response(null, { status: 200 });
    if (this.withdrawal === null) throw new TypeError('fetch failed');
    return new Response(null, { status: this.withdrawal });
  }

  /** Of which keys the server could open the hash it was sent. */
  opened(): string[] {
    const all = this.withdrawals.flatMap(({ openings }) => openings);
    return all.filter((one) => this.hashes.get(toHex(one.keyData)) === toHex(withdrawalHash(one))).map(nameOf);
  }
}
const nameOf = ({ keyData }: { readonly keyData: Uint8Array }): string => toHex(keyData);
const kept = async ({ secrets }: World): Promise<number> => {
  const loaded = await secrets.load();
  return loaded.ok ? (loaded.value ?? []).length : -1;
};

describe('what is shared', () => {
  it('goes with a hash that the phone can open, and nobody who only saw it', async ({ expect }) => {
    const world = new World();
    const keys = ownKeys(3);
    expect((await shareKeys(contentOf(keys), world.ports)).ok).toBe(true);
    expect([...world.hashes.keys()]).toEqual(keys.map(nameOf));
    expect(new Set(world.hashes.values()).size).toBe(3);
    expect([...world.hashes.values()]).not.toContain(null);
    expect(await withdrawKeys(world.ports)).toEqual({ ok: true, value: 3 });
    expect(world.opened()).toEqual(keys.map(nameOf));
    expect(world.paths.slice(-3)).toEqual(['testresult', 'tan', 'withdrawal']);
    expect(new Set(world.sizes)).toEqual(new Set([2048]));
  });

  it('goes with the same hash whenever it goes, since the server keeps the first', async ({ expect }) => {
    const world = new World();
    const content = contentOf(ownKeys(2));
    const first = await withSecrets(content, world.ports);
    const again = await withSecrets(contentOf([...content.keys, ...ownKeys(1)]), world.ports);
    expect(again.keys.slice(0, 2)).toEqual(first.keys);
    expect(await kept(world)).toBe(3);
  });

  it('has its secrets on disk before anything is sent, also where no answer comes', async ({ expect }) => {
    const world = new World();
    world.upload = null;
    expect((await shareKeys(contentOf(ownKeys(2)), world.ports)).ok).toBe(false);
    expect(await kept(world)).toBe(2);
    // Whether it arrived, nobody knows; it is taken back, and not sent again.
    expect(await withdrawKeys(world.ports)).toEqual({ ok: true, value: 2 });
    expect(await stateOf(world.ports)).toMatchObject({ stage: 'registered', sharing: null });
  });

  it('goes without where secrets can’t be read, which are left as they are', async ({ expect }) => {
    const world = new World();
    const error = { kind: 'corrupt', path: 'secrets.json' } as const;
    let saved = 0;
    world.secrets = { load: async () => ({ ok: false, error }), save: async () => void (saved += 1) };
    await shareKeys(contentOf(ownKeys(1)), world.ports);
    expect([[...world.hashes.values()], saved]).toEqual([[null], 0]);
    expect(await withdrawKeys(world.ports)).toEqual({ ok: false, error: { kind: 'state-unreadable' } });
  });
});

const shared = async (count: number): Promise<World> => {
  const world = new World();
  await shareKeys(contentOf(ownKeys(Math.min(30, count))), world.ports);
  if (count > 30) await withSecrets(contentOf(ownKeys(count - 30)), world.ports);
  return world;
};

describe('a withdrawal', () => {
  it('ends what was still to be shared, and keeps nothing that was heard', async ({ expect }) => {
    const world = await shared(3);
    expect(await stateOf(world.ports)).toMatchObject({ stage: 'shared', keyAt: expect.any(Number) });
    await withdrawKeys(world.ports);
    expect(await stateOf(world.ports)).toMatchObject({ stage: 'shared', keyAt: null, sharing: null });
    expect(await kept(world)).toBe(0);
  });

  it.for([
    { status: null, kind: 'try-again' },
    { status: 500, kind: 'try-again' },
    { status: 400, kind: 'report-a-fault' },
  ])('that is answered by $status loses nothing, and can be asked for again', async ({ status, kind }, { expect }) => {
    const world = await shared(3);
    world.withdrawal = status;
    expect(await withdrawKeys(world.ports)).toMatchObject({ ok: false, error: { kind } });
    expect(await kept(world)).toBe(3);
    world.withdrawal = 200;
    expect(await withdrawKeys(world.ports)).toEqual({ ok: true, value: 3 });
  });

  it('of more than thirty keys goes in several requests; what was heard isn’t said again', async ({ expect }) => {
    const world = await shared(65);
    world.heardBefore = 1;
    world.withdrawal = null;
    expect((await withdrawKeys(world.ports)).ok).toBe(false);
    expect(await kept(world)).toBe(35);
    world.withdrawal = 200;
    expect(await withdrawKeys(world.ports)).toEqual({ ok: true, value: 35 });
    expect(world.withdrawals.map(({ openings }) => openings.length)).toEqual([30, 30, 30, 5]);
  });

  it('of nothing is a dummy, as long as any', async ({ expect }) => {
    const world = new World();
    expect(await withdrawKeys(world.ports)).toEqual({ ok: true, value: 0 });
    const late = await shared(2);
    late.now += 17 * DAY;
    expect(await withdrawKeys(late.ports)).toEqual({ ok: true, value: 0 });
    for (const { withdrawals, sizes } of [world, late]) {
      expect([withdrawals, sizes.at(-1)]).toEqual([[{ openings: [], cover: true }], 2048]);
    }
  });
});

describe('a withdrawal without an answer', () => {
  /** @returns seconds until the phone tells it by itself */
  const wait = async (world: World): Promise<number> => ((await goOnWithdrawing(world.ports)).next ?? NaN) - world.now;

  it('is told again by the phone itself, later each time, and once it is heard no more', async ({ expect }) => {
    const world = await shared(3);
    world.withdrawal = null;
    await withdrawKeys(world.ports);
    const waits: number[] = [];
    for (let failure = 1; failure <= 8; failure++) {
      waits.push(await wait(world));
      // Not a second before its time.
      world.now += waits.at(-1)! - 1;
      expect((await goOnWithdrawing(world.ports)).told).toBe(0);
      expect(world.withdrawals.length).toBe(failure);
      world.now += 1;
      await goOnWithdrawing(world.ports);
    }
    // Until the longest is reached.
    expect(waits.slice(0, 6)).toEqual(waits.slice(0, 6).toSorted((a, b) => a - b));
    expect(waits[0]).toBeGreaterThanOrEqual(30);
    expect(waits.at(-1)).toBeLessThan(DEFAULT_RETRY.maximumSeconds);
    world.withdrawal = 200;
    world.now += await wait(world);
    expect(await goOnWithdrawing(world.ports)).toEqual({ told: 3, next: null });
    expect(world.opened().length).toBe(3 * 10);
    expect(await goOnWithdrawing(world.ports)).toEqual({ told: 0, next: null });
    expect([world.withdrawals.length, await kept(world)]).toEqual([10, 0]);
  });

  it('is kept before it is sent: a phone that died on the way tells it', async ({ expect }) => {
    const world = await shared(2);
    const ports = { ...world.ports, fetch: () => Promise.reject(new Error('killed')) };
    // The request after which nothing is written any more.
    const real = world.secrets;
    let saves = 0;
    const dying: Store<readonly KeptSecret[]> = {
      load: () => real.load(),
      save: async (value) => void (saves++ < 1 && (await real.save(value))),
    };
    await withdrawKeys({ ...ports, secrets: dying });
    expect(await goOnWithdrawing(world.ports)).toEqual({ told: 2, next: null });
    expect(world.opened().length).toBe(2);
  });

  it('that is refused is not told again by itself, but when its person asks', async ({ expect }) => {
    const world = await shared(2);
    world.withdrawal = 400;
    await withdrawKeys(world.ports);
    expect([await goOnWithdrawing(world.ports), await kept(world)]).toEqual([{ told: 0, next: null }, 2]);
    world.withdrawal = 200;
    expect(await withdrawKeys(world.ports)).toEqual({ ok: true, value: 2 });
  });

  it('leaves alone what was shared after it, also the same key', async ({ expect }) => {
    const world = await shared(0);
    const [old, again, fresh] = ownKeys(3) as [SharedKey, SharedKey, SharedKey];
    await withSecrets(contentOf([old, again]), world.ports);
    world.withdrawal = null;
    await withdrawKeys(world.ports);
    await withSecrets(contentOf([again, fresh]), world.ports);
    world.withdrawal = 200;
    world.now += await wait(world);
    expect(await goOnWithdrawing(world.ports)).toEqual({ told: 1, next: null });
    expect(world.withdrawals.at(-1)!.openings.map(nameOf)).toEqual([nameOf(old)]);
    expect(await kept(world)).toBe(2);
  });

  it('ends with the keys', async ({ expect }) => {
    const world = await shared(2);
    world.withdrawal = null;
    await withdrawKeys(world.ports);
    world.now += 17 * DAY;
    expect(await goOnWithdrawing(world.ports)).toEqual({ told: 0, next: null });
  });

  it('of nothing is a dummy each time, told again like any, and never an opening', async ({ expect }) => {
    const world = new World();
    world.withdrawal = null;
    await withdrawKeys(world.ports);
    world.now += await wait(world);
    await goOnWithdrawing(world.ports);
    // Asked for once more, and refused: what was made up is not kept.
    world.withdrawal = 400;
    await withdrawKeys(world.ports);
    expect(await kept(world)).toBe(0);
    world.withdrawal = null;
    await withdrawKeys(world.ports);
    world.withdrawal = 200;
    world.now += await wait(world);
    expect(await goOnWithdrawing(world.ports)).toEqual({ told: 0, next: null });
    expect(world.withdrawals).toEqual(Array.from({ length: 5 }, () => ({ openings: [], cover: true })));
    expect([new Set(world.sizes), await kept(world)]).toEqual([new Set([2048]), 0]);
  });

  it('is one of the things that a phone is woken for', async ({ expect }) => {
    const world = await shared(2);
    world.withdrawal = null;
    await withdrawKeys(world.ports);
    const timetable = memoryStore<Timetable>({ ...EMPTY, day: Math.floor(world.now / DAY) * DAY });
    const ports = { ...world.ports, timetable } as unknown as TimetablePorts;
    const wakeUp = () => wake(() => Promise.reject(new Error('there is no key')), ports);
    const at = await wakeUp();
    expect([at - world.now, world.withdrawals.length]).toEqual([await wait(world), 1]);
    world.withdrawal = 200;
    world.now = at;
    expect(await wakeUp()).toBe(NOON + DAY / 2);
    expect(world.opened().length).toBe(4);
    expect(await kept(world)).toBe(0);
  });
});
