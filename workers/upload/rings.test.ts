/** @module DIGEST_KEY and UPLOAD_ID_KEY while they are changed (docs/rotation.md): an attempt that one phase's Workers began, those of another go on with, and nothing is stored twice or given up. */
import { describe, it } from 'vitest';
import { uploadDigests } from '../../domain/keys/digest.ts';
import { toBase64, toHex } from '../../protocol/primitives/bytes.ts';
import { type KeyRing, keyRing } from '../../protocol/primitives/key-ring.ts';
import { storeTanUpload, type TanUpload } from './cwa/tan-upload.ts';
import { type Crash, LEASE_SECONDS, nameOf, START, TAN, World } from './store-world.ts';
import { storeUpload } from './store.ts';

const key = (byte: number): string => toBase64(new Uint8Array(32).fill(byte));
const [OLD, NEW] = [key(2), key(3)];
const RINGS = { before: OLD, accepted: `${OLD},${NEW}`, makes: `${NEW},${OLD}`, over: NEW } as const;
type Phase = keyof typeof RINGS;
const MOVES: readonly (readonly [Phase, Phase])[] = [
  ['before', 'accepted'],
  ['accepted', 'before'],
  ['accepted', 'makes'],
  ['makes', 'accepted'],
  ['makes', 'over'],
  ['over', 'makes'],
  ['before', 'makes'],
];
const ringOf = (phase: Phase): KeyRing => keyRing(RINGS[phase], 'a key');

const keysOf = (seed: number) =>
  [0, 1].map((i) => ({
    keyData: new Uint8Array(16).fill(seed * 16 + i),
    rollingStartIntervalNumber: Math.floor(START / 86_400) * 144 - 144 * (i + 1),
    rollingPeriod: 144,
    transmissionRiskLevel: 6,
    daysSinceOnsetOfSymptoms: null,
  }));

function payload(seed: number, phase: Phase): TanUpload {
  const keys = keysOf(seed);
  const upload = { keys, visitedCountries: ['DE'], consentToFederation: false };
  return { tan: TAN, ...uploadDigests(upload, ringOf(phase)), upload, origin: 'DE' };
}

/** One attempt, through the Workers of a phase: both keys are changed at once. */
async function attempt(world: World, phase: Phase, seed: number, crash: Crash | null = null): Promise<string> {
  try {
    const ports = { ...world.ports(crash), uploadIdKeys: ringOf(phase) };
    return (await storeTanUpload(ports, payload(seed, phase))).kind;
  } catch {
    return 'try-later';
  }
}

describe.for(MOVES)('an upload that phase "%s" began, and "%s" goes on with,', ([from, to]) => {
  const lost: readonly (readonly [name: string, crash: Crash])[] = [
    ['reserve', { call: 0, when: 'after' }],
    ['accept', { call: 1, when: 'after' }],
    ['commit', { call: 2, when: 'before' }],
  ];

  it('is stored once, whatever was lost, and uses its TAN up', async ({ expect }) => {
    for (const [, crash] of lost) {
      const world = new World();
      await attempt(world, from, 1, crash);
      expect([await attempt(world, to, 1), world.tan.state]).toEqual(['stored', 'committed']);
      expect(world.durableKeys).toEqual(keysOf(1).map(({ keyData }) => toHex(keyData)));
      expect([await attempt(world, from, 1), await attempt(world, to, 2)]).toEqual(['stored', 'unauthorised']);
    }
  });

  it('gives way to another one after the lease, unless it is stored', async ({ expect }) => {
    for (const [name, crash] of lost) {
      const world = new World();
      await attempt(world, from, 1, crash);
      const isStored = name !== 'reserve';
      if (name !== 'commit') expect(await attempt(world, to, 2)).toBe('try-later');
      world.now += LEASE_SECONDS + 60;
      expect(await attempt(world, to, 2)).toBe(isStored ? 'unauthorised' : 'stored');
      expect(world.durableKeys).toEqual(keysOf(isStored ? 1 : 2).map(({ keyData }) => toHex(keyData)));
      expect(world.tan.state).toBe('committed');
    }
  });

  it('of a certificate is answered as the first time, once it was used', async ({ expect }) => {
    const world = new World();
    const jwt = 'one.';
    const publish = {
      authorityId: 'health-de',
      reportType: 'confirmed',
      token: null,
      expiresAt: START + 900,
      onsetDays: null,
    } as const;
    const store = (phase: Phase) => {
      const { digest, otherDigests, upload } = payload(1, phase);
      const said = { transmissionRiskLevel: 6, reportType: 1, daysSinceOnsetOfSymptoms: 0 } as const;
      const keys = upload.keys.map((one) => ({ ...one, ...said }));
      const authorisation = { kind: 'certificate', jwt, name: nameOf(jwt), publish } as const;
      const more = { regions: ['DE'], consentToFederation: true, origin: 'DE' };
      return storeUpload(
        { ...world.ports(), uploadIdKeys: ringOf(phase) },
        { authorisation, digest, ...(otherDigests !== undefined && { otherDigests }), keys, ...more },
      );
    };
    const first = await store(from);
    expect(first).toMatchObject({ kind: 'stored', publish: { inserted: 2 } });
    expect(await store(to)).toEqual(first);
  });
});
