import { describe, it } from 'vitest';
import { toHex, utf8 } from '../../../protocol/primitives/bytes.ts';
import { FORGED, LEASE_SECONDS, nameOf, START, World, type Crash } from '../store-world.ts';
import { storeUpload, type AuthorisedUpload, type Stored } from '../store.ts';

const MIDNIGHT = (Math.floor(START / 86_400) - 1) * 144;

/** Two keys under a certificate. */
function payload(seed: number, jwt: string, token: string | null = null): AuthorisedUpload {
  const keys = [0, 1].map((n) => ({
    keyData: new Uint8Array(16).fill(seed * 16 + n),
    rollingStartIntervalNumber: MIDNIGHT - 144 * n,
    rollingPeriod: 144,
    transmissionRiskLevel: 8,
    reportType: 1 as const,
    daysSinceOnsetOfSymptoms: 2,
    withdrawalHash: null,
  }));
  const publish = {
    authorityId: 'health-de',
    reportType: 'confirmed' as const,
    token: token === null ? null : utf8(token),
    expiresAt: START + 900,
    onsetDays: null,
  };
  return {
    authorisation: { kind: 'certificate', jwt, name: nameOf(jwt), publish },
    digest: `digest-${seed}`,
    keys,
    regions: ['DE'],
    consentToFederation: true,
    origin: 'DE',
  };
}
const ONE = payload(1, 'one.');
const keysOf = ({ keys }: AuthorisedUpload) => keys.map(({ keyData }) => toHex(keyData)).toSorted();
const TOKEN = utf8(keysOf(ONE).join());
const PUBLISHED: Stored = { kind: 'stored', publish: { inserted: 2, revised: 0, token: TOKEN } };

async function attempt(world: World, upload: AuthorisedUpload, crash: Crash | null = null): Promise<Stored> {
  try {
    return await storeUpload(world.ports(crash), upload);
  } catch {
    return { kind: 'try-later' };
  }
}
const said = (stored: Stored): string => (stored.kind === 'publish-refused' ? stored.code : stored.kind);

describe('an upload under a certificate', () => {
  it('is stored; the same again is a replay, and is answered as the first time, token included', async ({ expect }) => {
    const world = new World();
    expect([await attempt(world, ONE), world.calls]).toEqual([PUBLISHED, ['reserve', 'accept', 'commit']]);
    expect([await attempt(world, ONE), world.calls]).toEqual([PUBLISHED, ['reserve', 'replayed']]);
    expect(world.durableKeys).toEqual(keysOf(ONE));
  });

  it('whose answer isn’t remembered any more is stored all the same', async ({ expect }) => {
    const world = new World();
    await attempt(world, ONE);
    world.published.clear();
    expect(await attempt(world, ONE)).toEqual({ kind: 'stored', publish: null });
  });

  it('of known keys without a token is refused, and leaves its certificate for the same with one', async ({
    expect,
  }) => {
    const world = new World();
    await attempt(world, ONE);
    const calls = ['reserve', 'accept', 'release'];
    expect([said(await attempt(world, payload(1, 'two.'))), world.calls]).toEqual(['missing_revision_token', calls]);
    expect(said(await attempt(world, payload(1, 'two.', 'of another')))).toBe('invalid_revision_token');
    const withToken = payload(1, 'two.', keysOf(ONE).join());
    expect(await attempt(world, withToken)).toEqual({
      kind: 'stored',
      publish: { inserted: 0, revised: 2, token: TOKEN },
    });
    expect(world.durableKeys).toEqual(keysOf(ONE));
  });

  it('of which nothing is left leaves its certificate unused', async ({ expect }) => {
    const world = new World();
    const nothing = { ...ONE, keys: [] };
    expect([await attempt(world, nothing), world.calls]).toEqual([
      { kind: 'nothing-left' },
      ['reserve', 'resolve', 'release'],
    ]);
    expect(await attempt(world, ONE)).toEqual(PUBLISHED);
    // A phone that comes later, when its keys are too old, hears what it heard before.
    expect(await attempt(world, nothing)).toEqual(PUBLISHED);
  });

  it('is stored before its keys grew too old, and not yet committed: answered as stored', async ({ expect }) => {
    const world = new World();
    await attempt(world, ONE, { call: 1, when: 'after' });
    expect([await attempt(world, { ...ONE, keys: [] }), world.calls]).toEqual([
      PUBLISHED,
      ['reserve', 'resolve', 'commit', 'replayed'],
    ]);
  });

  it('that verification doesn’t take is unauthorised', async ({ expect }) => {
    expect(await attempt(new World(), payload(1, FORGED))).toEqual({ kind: 'unauthorised' });
  });
});

describe('a crash at each arrow', () => {
  /** At each of so many calls, and none: as many as an attempt of that kind makes. */
  const crashes = (calls: number): (Crash | null)[] => [
    null,
    ...Array.from({ length: calls }, (_, call) => call).flatMap((call) => [
      { call, when: 'before' } as const,
      { call, when: 'after' } as const,
    ]),
  ];
  /** The first attempt, the second, and then whoever is left, to the end: what was said last, and the world. */
  async function* everyWay(first: AuthorisedUpload, second: AuthorisedUpload, callsOfSecond = 3) {
    for (const waited of [0, LEASE_SECONDS]) {
      for (const one of crashes(3)) {
        for (const two of crashes(callsOfSecond)) {
          const world = new World();
          const early = [await attempt(world, first, one)];
          world.now += waited;
          early.push(await attempt(world, second, two));
          world.now += LEASE_SECONDS;
          const last = [await attempt(world, second), await attempt(world, first), await attempt(world, second)];
          const where = JSON.stringify([one, waited, two]);
          yield { world, where, early, last: [last[1]!, last[2]!] };
        }
      }
    }
  }

  it('with the same payload: stored once, and every answer is the first one', async ({ expect }) => {
    for await (const { world, where, early, last } of everyWay(ONE, ONE)) {
      expect([world.durableKeys, world.stored.size], where).toEqual([keysOf(ONE), 1]);
      for (const stored of [...early, ...last])
        if (stored.kind !== 'try-later') expect(stored, where).toEqual(PUBLISHED);
      expect([world.certificates.get(nameOf('one.'))?.state, last[0]?.kind], where).toEqual(['committed', 'stored']);
    }
  });

  it('with another payload under another certificate: each stored once', async ({ expect }) => {
    const two = payload(2, 'two.');
    for await (const { world, where, last } of everyWay(ONE, two)) {
      expect([world.durableKeys, last.map(said)], where).toEqual([
        [...keysOf(ONE), ...keysOf(two)],
        ['stored', 'stored'],
      ]);
    }
  });

  it('with the same keys under another certificate: one of them stores, the other hears that it shows no token', async ({
    expect,
  }) => {
    for await (const { world, where, early, last } of everyWay(ONE, payload(1, 'two.'))) {
      expect(world.durableKeys, where).toEqual(keysOf(ONE));
      expect(last.map(said).toSorted(), where).toEqual(['missing_revision_token', 'stored']);
      // Who was told stored is who is stored.
      for (const [n, stored] of early.entries())
        if (stored.kind === 'stored') expect(last[n], where).toEqual(PUBLISHED);
    }
  });

  it('with another set of keys under the same certificate, as a taken-over upload would send: one set is stored', async ({
    expect,
  }) => {
    const other = payload(2, 'one.');
    for await (const { world, where, last } of everyWay(ONE, other, 6)) {
      expect([keysOf(ONE), keysOf(other)], where).toContainEqual(world.durableKeys);
      expect(world.stored.size, where).toBe(1);
      expect(last[0], where).toEqual(last[1]);
    }
  });
});
