/** @module The rules by which a peer's keys, batches and silence are judged. */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { enIntervalNumber } from '../../protocol/gaen/intervals.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { DEFAULT_LIMITS, tripOf, type DayCount } from './breaker.ts';
import { rank } from './duplicates.ts';
import { judgeInbound, type InboundFault, type InboundKey } from './inbound.ts';
import { MOST_JITTER_SECONDS, nextPoll, waitAfter } from './pace.ts';
import { parsePeers } from './peer.ts';

/** 2026-06-15T12:00:00Z */
const NOW = 20_619 * 86_400 + 43_200;
const TODAY = 20_619 * 144;

const key = (n: number, change: Partial<InboundKey> = {}): InboundKey => ({
  keyData: sha256(utf8(`key ${n}`)).slice(0, 16),
  rollingStartIntervalNumber: TODAY - 144,
  rollingPeriod: 144,
  transmissionRiskLevel: 6,
  onset: null,
  reportType: 1,
  origin: 'NL',
  ...change,
});

describe('a key of a peer', () => {
  it('is written anew from its level alone', ({ expect }) => {
    const sent = [key(1, { reportType: 3 }), key(2, { transmissionRiskLevel: 8 })];
    expect(judgeInbound(sent, 'NL', NOW)).toEqual({
      keys: [
        { ...keep(sent[0]!), transmissionRiskLevel: 6, reportType: 2, daysSinceOnsetOfSymptoms: 2 },
        { ...keep(sent[1]!), transmissionRiskLevel: 8, reportType: 1, daysSinceOnsetOfSymptoms: 2 },
      ],
      revoked: [],
      dropped: {},
    });
  });

  it.for<[InboundFault, Partial<InboundKey>]>([
    ['key-length', { keyData: new Uint8Array(15) }],
    ['key-length', { keyData: new Uint8Array(17) }],
    ['origin', { origin: 'IT' }],
    ['report-type', { reportType: 0 }],
    ['report-type', { reportType: 6 }],
    ['period', { rollingPeriod: 0 }],
    ['period', { rollingPeriod: 145 }],
    ['future', { rollingStartIntervalNumber: enIntervalNumber(NOW) + 2 }],
    ['future', { rollingStartIntervalNumber: -1 }],
    ['too-old', { rollingStartIntervalNumber: TODAY - 15 * 144 }],
    ['level', { transmissionRiskLevel: 2 }],
    ['level', { transmissionRiskLevel: null, onset: -7 }],
    ['twice', { keyData: key(1).keyData }],
  ])('is dropped by itself: %s', ([fault, change], { expect }) => {
    const judged = judgeInbound([key(1), key(2, change), key(3)], 'NL', NOW);
    expect(judged.dropped).toEqual({ [fault]: 1 });
    expect(judged.keys.map(({ keyData }) => keyData)).toEqual([key(1).keyData, key(3).keyData]);
  });

  it('may still run, and has a level by its onset, or by its age where nothing was told', ({ expect }) => {
    const levels = (change: Partial<InboundKey>) =>
      judgeInbound([key(1, change)], 'NL', NOW).keys.map(({ transmissionRiskLevel }) => transmissionRiskLevel);
    expect(levels({ rollingStartIntervalNumber: enIntervalNumber(NOW) + 1 })).toEqual([6]);
    expect(levels({ transmissionRiskLevel: null, onset: 0 })).toEqual([8]);
    expect(levels({ transmissionRiskLevel: 0 })).toEqual([6]);
    expect(levels({ transmissionRiskLevel: null, rollingStartIntervalNumber: TODAY - 3 * 144 })).toEqual([7]);
  });

  it('of any age that a format without levels has is taken, as its authority published it', ({ expect }) => {
    const ages = Array.from({ length: 14 }, (_, age) => age);
    const levels = (reportType: number) =>
      judgeInbound(
        ages.map((age) =>
          key(age, { transmissionRiskLevel: null, reportType, rollingStartIntervalNumber: TODAY - age * 144 }),
        ),
        'NL',
        NOW,
      ).keys.map(({ transmissionRiskLevel }) => transmissionRiskLevel);
    expect(levels(1)).toEqual([5, 6, 7, 7, 7, 6, 4, 3, 3, 3, 3, 3, 3, 3]);
    // A clinical diagnosis and a self-report aren't published as a test.
    expect(levels(2)).toEqual([5, 6, 6, 6, 6, 6, 4, 3, 3, 3, 3, 3, 3, 3]);
    expect(levels(3)).toEqual([4, 4, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3]);
    const onset = (reportType: number) =>
      judgeInbound([key(1, { transmissionRiskLevel: null, onset: 0, reportType })], 'NL', NOW).keys;
    expect([1, 2, 3].map((type) => onset(type)[0]?.transmissionRiskLevel)).toEqual([8, 6, 4]);
  });

  it('that is taken back needs nothing but its data, and its origin', ({ expect }) => {
    const taken = { reportType: 5, rollingStartIntervalNumber: 0, rollingPeriod: 0 };
    const judged = judgeInbound([key(1), key(1, taken), key(1, taken), key(2, { ...taken, origin: 'IT' })], 'NL', NOW);
    expect(judged).toMatchObject({ revoked: [key(1).keyData], dropped: { twice: 1, origin: 1 } });
    expect(judged.keys).toHaveLength(1);
  });

  it('whatever it is: what comes out could be published, no more than came, each once', ({ expect }) => {
    const any = fc.record({
      keyData: fc.uint8Array({ minLength: 15, maxLength: 17 }),
      rollingStartIntervalNumber: fc.integer({ min: TODAY - 20 * 144, max: TODAY + 300 }),
      rollingPeriod: fc.integer({ min: -1, max: 200 }),
      transmissionRiskLevel: fc.option(fc.integer({ min: -1, max: 9 })),
      onset: fc.option(fc.integer({ min: -20, max: 4_100 })),
      reportType: fc.integer({ min: 0, max: 7 }),
      origin: fc.constantFrom('NL', 'NL', 'DE'),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 30 }), (sent) => {
        const { keys, revoked, dropped } = judgeInbound(sent, 'NL', NOW);
        const lost = Object.values(dropped).reduce((n, count) => n + count, 0);
        expect(keys.length + revoked.length + lost).toBe(sent.length);
        expect(new Set(keys.map(({ keyData }) => keyData.join())).size).toBe(keys.length);
        for (const one of keys) {
          expect(one.transmissionRiskLevel).toBeGreaterThanOrEqual(3);
          expect([1, 2]).toContain(one.daysSinceOnsetOfSymptoms);
        }
      }),
      { seed: 16 },
    );
  });
});

const keep = ({ keyData, rollingStartIntervalNumber, rollingPeriod }: InboundKey) => ({
  keyData,
  rollingStartIntervalNumber,
  rollingPeriod,
});

describe('of two with the same key data', () => {
  it('the first stays, but a local one takes the place of a peer’s that waits', ({ expect }) => {
    expect([rank('none', 'remote'), rank('none', 'local')]).toEqual(['store', 'store']);
    for (const present of ['local', 'remote-published', 'remote-waiting'] as const) {
      expect(rank(present, 'remote')).toBe('leave');
      expect(rank(present, 'local')).toBe(present === 'remote-waiting' ? 'take-over' : 'leave');
    }
  });
});

describe('a breaker', () => {
  const day = 20_619;
  const usual = { since: day - 30, history: days(7, 8_000) };
  function days(count: number, keys: number): DayCount[] {
    return Array.from({ length: count }, (_, n) => ({ day: day - 1 - n, keys }));
  }

  it('trips by the batch, by the day, and beside what is usual', ({ expect }) => {
    expect(tripOf(DEFAULT_LIMITS, usual, day, 200_001)?.rule).toBe('keys-per-batch');
    const large = { since: day - 30, history: [...days(7, 900_000), { day, keys: 900_000 }] };
    expect(tripOf(DEFAULT_LIMITS, large, day, 100_001)?.rule).toBe('keys-per-day');
    expect(tripOf(DEFAULT_LIMITS, large, day, 100_000)).toBeNull();
    expect(tripOf(DEFAULT_LIMITS, usual, day, 80_001)).toEqual({ rule: 'ratio', limit: 80_000, keys: 80_001 });
    expect(tripOf(DEFAULT_LIMITS, usual, day, 80_000)).toBeNull();
  });

  it('leaves a peer its share of the day on which two persons let in more, and counts that from the next one on', ({
    expect,
  }) => {
    const letIn = { day, keys: 950_000, letIn: 900_000 };
    expect(tripOf(DEFAULT_LIMITS, { ...usual, history: [...usual.history, letIn] }, day, 30_000)).toBeNull();
    expect(tripOf(DEFAULT_LIMITS, { ...usual, history: [...usual.history, letIn] }, day, 30_001)?.rule).toBe('ratio');
    const next = { since: day - 30, history: [...days(6, 0), { ...letIn, day: day - 7 }] };
    expect(tripOf(DEFAULT_LIMITS, next, day, 200_000)).toBeNull();
  });

  it('lets the first day pass, and a small country’s bad one', ({ expect }) => {
    expect(tripOf(DEFAULT_LIMITS, { since: null, history: [] }, day, 150_000)).toBeNull();
    expect(tripOf(DEFAULT_LIMITS, { since: day - 30, history: [] }, day, 5_000)).toBeNull();
    expect(tripOf(DEFAULT_LIMITS, { since: day - 30, history: [] }, day, 5_001)?.rule).toBe('ratio');
  });

  it('that lets a batch pass lets each smaller one pass, and none grows a hundredfold in a day', ({ expect }) => {
    const history = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(history, fc.nat(1_000_000), fc.nat(1_000_000), (counts, a, b) => {
        const known = { since: day - 30, history: counts.map((keys, n) => ({ day: day - 1 - n, keys })) };
        const [less, more] = a < b ? [a, b] : [b, a];
        if (tripOf(DEFAULT_LIMITS, known, day, more) === null) {
          expect(tripOf(DEFAULT_LIMITS, known, day, less)).toBeNull();
        }
        const mean = counts.reduce((n, keys) => n + keys, 0) / 7;
        if (mean * 100 > DEFAULT_LIMITS.quietKeysPerDay) {
          expect(tripOf(DEFAULT_LIMITS, known, day, Math.ceil(mean * 100))).not.toBeNull();
        }
      }),
      { seed: 16 },
    );
  });
});

describe('the next poll', () => {
  it('is when the peer recommends or later, by a minute at most, never at once and never in a year', ({ expect }) => {
    fc.assert(
      fc.property(fc.option(fc.integer({ min: 0, max: 2 ** 40 })), fc.nat(30), fc.nat(), (recommended, failures, n) => {
        const random = (bytes: number): Uint8Array => sha256(utf8(String(n))).subarray(0, bytes);
        const at = nextPoll(NOW, { failures, recommendedNextPollTime: recommended }, random);
        expect(at).toBeGreaterThanOrEqual(NOW + 60);
        expect(at).toBeLessThanOrEqual(NOW + 12 * 3600 + MOST_JITTER_SECONDS);
        if (failures === 0 && recommended !== null && recommended < NOW + 12 * 3600) {
          expect(at).toBeGreaterThanOrEqual(recommended);
        }
        if (failures > 0) expect(at - NOW - waitAfter(failures)).toBeLessThanOrEqual(MOST_JITTER_SECONDS);
      }),
      { seed: 16 },
    );
    expect([1, 2, 3, 7, 50].map(waitAfter)).toEqual([60, 120, 240, 3600, 3600]);
  });
});

describe('peers as an operator writes them', () => {
  const peer = {
    RegionID: 'NL',
    RemoteRegionURL: 'https://feeds.example/nl',
    ReplicationType: 'a2a',
    Format: 'exposure-edge',
    VerificationKeys: null,
    TLSConsumerCertificate: 'PEER_CERTIFICATE',
  };

  it('have the fields of the paper', ({ expect }) => {
    expect(parsePeers(JSON.stringify([peer]), 'DE')).toEqual({ ok: true, value: [peer] });
    expect(parsePeers('', 'DE')).toEqual({ ok: true, value: [] });
    const told = { ...peer, HintURL: 'https://hooks.nl.example/gaen/' };
    expect(parsePeers(JSON.stringify([told]), 'DE')).toEqual({ ok: true, value: [told] });
  });

  it.for<[string, object]>([
    ['RegionID', { RegionID: 'nl' }],
    ['RegionID', { RegionID: 'DE' }],
    ['RemoteRegionURL', { RemoteRegionURL: 'http://feeds.example' }],
    ['RemoteRegionURL', { RemoteRegionURL: 'https://feeds.example/' }],
    ['RemoteRegionURL', { RemoteRegionURL: 'https://feeds.example?a' }],
    ['RemoteRegionURL', { RemoteRegionURL: 'https://me@feeds.example' }],
    ['ReplicationType', { ReplicationType: 'some' }],
    ['Format', { Format: 'xml' }],
    ['VerificationKeys', { VerificationKeys: [] }],
    ['TLSConsumerCertificate', { TLSConsumerCertificate: 'x' }],
    ['HintURL', { HintURL: 'http://hooks.example/' }],
    ['HintURL', { HintURL: 'https://hooks.example/?region=DE' }],
    ['HintURL', { HintURL: 'https://me@hooks.example/' }],
    ['HintURL', { HintURL: 'https://hooks.example/', Format: 'efgs' }],
    ['Unrecognized', { more: 1 }],
  ])('are refused by name: %s', ([name, change], { expect }) => {
    const found = parsePeers(JSON.stringify([{ ...peer, ...change }]), 'DE');
    expect(found.ok ? '' : found.error).toContain(name);
  });

  it('are named once each, in JSON', ({ expect }) => {
    expect(parsePeers(JSON.stringify([peer, peer]), 'DE').ok).toBe(false);
    expect(parsePeers('NL', 'DE')).toEqual({ ok: false, error: 'must be JSON' });
  });
});
