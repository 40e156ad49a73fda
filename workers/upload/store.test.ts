import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { Outcome } from './cwa/outcome.ts';
import { storeTanUpload, type TanUpload } from './cwa/tan-upload.ts';
import { LEASE_SECONDS, START, TAN, World, type Crash } from './store-world.ts';

const MIDNIGHT = (START / 86_400) * 144 - 72;

function payload(seed: number, startAt = Math.floor(MIDNIGHT)): TanUpload {
  const keys = [0, 1].map((i) => ({
    keyData: new Uint8Array(16).fill(seed * 16 + i),
    rollingStartIntervalNumber: startAt - 144 * i,
    rollingPeriod: 144,
    transmissionRiskLevel: 6,
    daysSinceOnsetOfSymptoms: null,
  }));
  return {
    tan: TAN,
    digest: `digest-${seed}`,
    upload: { keys, visitedCountries: ['DE'], consentToFederation: false },
    origin: 'DE',
  };
}
const A = payload(1);
const B = payload(2);
const keysOf = (p: TanUpload) => p.upload.keys.map((key) => toHex(key.keyData)).toSorted();

/** One attempt of a phone; what the phone sees when an RPC fails is "try later". */
async function attempt(world: World, p: TanUpload, crash: Crash | null = null): Promise<Outcome['kind']> {
  try {
    return (await storeTanUpload(world.ports(crash), p)).kind;
  } catch {
    return 'try-later';
  }
}

describe('an upload without accidents', () => {
  it('reserves, accepts, commits; sent again it is known; another one is refused', async ({ expect }) => {
    const world = new World();
    expect([await attempt(world, A), world.calls]).toEqual(['stored', ['reserve', 'accept', 'commit']]);
    expect([await attempt(world, A), world.calls]).toEqual(['stored', ['reserve', 'known']]);
    expect([await attempt(world, B), world.calls]).toEqual(['unauthorised', ['reserve', 'known']]);
    expect(world.durableKeys).toEqual(keysOf(A));
  });

  it('leaves nothing of its keys and its id in the ledger', async ({ expect }) => {
    const world = new World();
    await attempt(world, A);
    const { expiresAt } = world.tan;
    expect(world.tan).toEqual({ state: 'committed', reservationId: null, issueId: 'cards-1', expiresAt });
  });

  it('repeated when its keys have had their time is refused: nothing is left to know it by', async ({ expect }) => {
    const world = new World();
    await attempt(world, A);
    world.now += 20 * 86_400;
    world.tan = { ...world.tan, expiresAt: world.now + 60 };
    expect([await attempt(world, A), world.calls]).toEqual(['unauthorised', ['reserve']]);
  });

  it('one new key among known ones, on a used TAN, is refused', async ({ expect }) => {
    const world = new World();
    await attempt(world, A);
    const mixed = { ...B, upload: { ...B.upload, keys: [...A.upload.keys, ...B.upload.keys] } };
    expect(await attempt(world, mixed)).toBe('unauthorised');
  });

  it('the same keys with other risk levels are the same upload: a second computation of the phone', async ({
    expect,
  }) => {
    const world = new World();
    expect(await attempt(world, A, { call: 1, when: 'after' })).toBe('try-later');
    const again = A.upload.keys.map((key) => ({ ...key, transmissionRiskLevel: 3 }));
    expect(await attempt(world, { ...A, upload: { ...A.upload, keys: again } })).toBe('stored');
    expect([world.stored.size, world.calls]).toEqual([1, ['reserve', 'accept', 'commit']]);
  });

  it('of known keys alone is answered as stored, stores nothing and leaves its TAN', async ({ expect }) => {
    const world = new World();
    for (const key of keysOf(A)) world.knownKeys.add(key);
    expect([await attempt(world, A), world.calls]).toEqual(['stored', ['reserve', 'accept', 'release']]);
    expect([world.tan.state, world.stored.size]).toEqual(['issued', 0]);
    expect(await attempt(world, B)).toBe('stored');
  });

  it('that leaves nothing to publish stores nothing and leaves its TAN', async ({ expect }) => {
    const world = new World();
    const old = payload(3, MIDNIGHT - 20 * 144);
    expect([await attempt(world, old), world.calls]).toEqual(['stored', ['reserve', 'resolve', 'release']]);
    expect([world.tan.state, world.stored.size]).toEqual(['issued', 0]);
    expect(await attempt(world, A)).toBe('stored');
  });

  it('whose every key begins in the future is told so, and keeps its TAN', async ({ expect }) => {
    const world = new World();
    expect(await attempt(world, payload(3, MIDNIGHT + 3 * 144))).toBe('clock-wrong');
    expect(world.tan.state).toBe('issued');
  });

  it('stored once is stored for good: keys that grew too old before the retry change nothing', async ({ expect }) => {
    const world = new World();
    const atTheEdge = payload(3, MIDNIGHT - 12 * 144);
    expect(await attempt(world, atTheEdge, { call: 1, when: 'after' })).toBe('try-later');
    world.now += 3 * 86_400;
    world.tan = { ...world.tan, expiresAt: world.now + 60 };
    expect([await attempt(world, atTheEdge), world.calls]).toEqual(['stored', ['reserve', 'resolve', 'commit']]);
    expect([world.tan.state, world.stored.size]).toEqual(['committed', 1]);
  });
});

describe('a crash at each arrow', () => {
  const crashes: (Crash | null)[] = [
    null,
    ...[0, 1, 2, 3, 4, 5].flatMap((call) => [{ call, when: 'before' } as const, { call, when: 'after' } as const]),
  ];
  const label = (crash: Crash | null) => (crash === null ? 'none' : `${crash.when} call ${crash.call}`);

  it.for([
    ['the same payload', A, A],
    ['another payload', A, B],
  ] as const)(
    'then a second attempt, crashed too, with %s; then both phones to the end',
    async ([, first, second], { expect }) => {
      for (const waited of [0, LEASE_SECONDS]) {
        for (const one of crashes) {
          for (const two of crashes) {
            const world = new World();
            const acknowledged = new Set<TanUpload>();
            const seen = async (p: TanUpload, crash: Crash | null) => {
              if ((await attempt(world, p, crash)) === 'stored') acknowledged.add(p);
            };
            await seen(first, one);
            world.now += waited;
            await seen(second, two);
            world.now += LEASE_SECONDS;
            const last = [await attempt(world, second), await attempt(world, first), await attempt(world, second)];
            const where = `${label(one)}, ${waited} s, ${label(two)}`;
            const winner = world.durableKeys.join() === keysOf(first).join() ? first : second;
            // Exactly one payload is durable, once; the TAN is used by it; its phone hears so, the other is refused.
            expect(world.durableKeys, where).toEqual(keysOf(winner));
            expect(world.tan.state, where).toBe('committed');
            expect(last.slice(1), where).toEqual(
              [first, second].map((p) => (p.digest === winner.digest ? 'stored' : 'unauthorised')),
            );
            for (const p of acknowledged) expect(p.digest, where).toBe(winner.digest);
          }
        }
      }
    },
  );

  it('before any key is durable leaves the TAN to whoever comes after the lease', async ({ expect }) => {
    for (const crash of [
      { call: 0, when: 'after' },
      { call: 1, when: 'before' },
    ] as const) {
      const world = new World();
      await attempt(world, A, crash);
      expect([await attempt(world, B), world.calls]).toEqual(['try-later', ['reserve']]);
      world.now += LEASE_SECONDS;
      expect(await attempt(world, B)).toBe('stored');
      expect(world.calls).toEqual(['reserve', 'resolve', 'release', 'reserve', 'accept', 'commit']);
      expect(await attempt(world, A)).toBe('unauthorised');
    }
  });

  it('after keys are durable refuses another payload and commits the first', async ({ expect }) => {
    const world = new World();
    await attempt(world, A, { call: 1, when: 'after' });
    world.now += LEASE_SECONDS;
    expect([await attempt(world, B), world.calls]).toEqual(['unauthorised', ['reserve', 'resolve', 'commit', 'known']]);
    expect([await attempt(world, A), world.calls]).toEqual(['stored', ['reserve', 'known']]);
  });

  it('after keys are durable answers a newcomer with known keys as stored: by the same rule', async ({ expect }) => {
    const world = new World();
    for (const key of keysOf(B)) world.knownKeys.add(key);
    await attempt(world, A, { call: 1, when: 'after' });
    world.now += LEASE_SECONDS;
    expect([await attempt(world, B), world.calls]).toEqual(['stored', ['reserve', 'resolve', 'commit', 'known']]);
    expect(world.durableKeys).toEqual(keysOf(A));
  });

  it('in the release after known keys leaves a dead id: the next attempt reserves anew', async ({ expect }) => {
    const world = new World();
    for (const key of keysOf(A)) world.knownKeys.add(key);
    expect(await attempt(world, A, { call: 2, when: 'before' })).toBe('stored');
    expect(await attempt(world, A)).toBe('stored');
    expect(world.calls).toEqual(['reserve', 'accept', 'release', 'reserve', 'accept', 'release']);
    expect([world.tan.state, world.stored.size]).toEqual(['issued', 0]);
  });

  it('is no matter of the hour: a permit of the last one is good', async ({ expect }) => {
    const world = new World();
    const ports = world.ports();
    const late = {
      ...ports.intake,
      accept: (...args: Parameters<typeof ports.intake.accept>) => {
        world.now += 3600;
        return ports.intake.accept(...args);
      },
    };
    expect((await storeTanUpload({ ...ports, intake: late }, A)).kind).toBe('stored');
    const later = {
      ...late,
      accept: (...args: Parameters<typeof ports.intake.accept>) => {
        world.now += 2 * 3600;
        return ports.intake.accept(...args);
      },
    };
    world.tan = { state: 'issued', issueId: null, expiresAt: world.now + 86_400 };
    expect((await storeTanUpload({ ...ports, intake: later }, B)).kind).toBe('try-later');
    expect([world.tan.state, world.durableKeys]).toEqual(['reserved', keysOf(A)]);
  });

  it('in the commit is not heard of: the keys are durable', async ({ expect }) => {
    const world = new World();
    expect(await attempt(world, A, { call: 2, when: 'before' })).toBe('stored');
    expect(world.tan.state).toBe('reserved');
    expect([await attempt(world, A), world.calls]).toEqual(['stored', ['reserve', 'accept', 'commit']]);
    expect(world.durableKeys).toEqual(keysOf(A));
  });
});

describe('phones that race for one TAN', () => {
  it('in any interleaving, with any crashes and waits, one payload is stored, and nobody is told otherwise', async ({
    expect,
  }) => {
    const phone = fc.record({
      who: fc.constantFrom(A, B, payload(3)),
      crash: fc.option(fc.record({ call: fc.nat(5), when: fc.constantFrom('before' as const, 'after' as const) })),
      wait: fc.constantFrom(0, 0, LEASE_SECONDS),
    });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(phone, { minLength: 2, maxLength: 6 }), async (s, phones) => {
        const world = new World();
        const acknowledged = new Set<string>();
        const running = phones.map(async ({ who, crash, wait }) => {
          await s.schedule(Promise.resolve());
          world.now += wait;
          try {
            const pause = () => s.schedule(Promise.resolve());
            const outcome = await storeTanUpload(world.ports(crash, pause), who);
            if (outcome.kind === 'stored') acknowledged.add(who.digest);
          } catch {
            // The phone hears "try later".
          }
        });
        await s.waitFor(Promise.all(running));
        const durable = new Set(world.durableKeys.map((key) => Number.parseInt(key.slice(0, 1), 16)));
        expect(world.stored.size).toBeLessThanOrEqual(1);
        expect(durable.size).toBeLessThanOrEqual(1);
        for (const digest of acknowledged) expect([...durable]).toEqual([Number(digest.slice('digest-'.length))]);
        if (world.tan.state === 'committed') expect(world.stored.size).toBe(1);
        // Whoever is left alone afterwards gets an answer that is final.
        world.now += LEASE_SECONDS;
        const outcome = await attempt(world, phones[0]?.who ?? A);
        expect(['stored', 'unauthorised']).toContain(outcome);
        expect(world.stored.size).toBe(1);
      }),
      { seed: 7, numRuns: 1_000 },
    );
  });
});
