import { describe, it } from 'vitest';
import { matchKeys } from '../phone/matching/match.ts';
import { REPORT_TYPE } from '../protocol/gaen/keys.ts';
import { Beacon } from './beacon.ts';
import { OBSTACLE_DB, type Segment } from './encounter.ts';
import { START } from './options.ts';
import { type Reception, type Scan, attenuation, receive, scansOf } from './radio.ts';
import { Random } from './random.ts';
import type { Handset } from './population.ts';

const HANDSET: Handset = { platform: 'android', txPower: -15 };
const LINK = { txPower: HANDSET.txPower, referenceDb: 50 };
const CLOSE_DB = 50;

/** Figure 13: windows of two seconds, five minutes apart, for half an hour. */
const WINDOWS: readonly Scan[] = Array.from({ length: 6 }, (_, n) => ({
  at: START + n * 300,
  seconds: 2,
  previous: n === 0 ? 0 : START + (n - 1) * 300,
}));

const segment = (from: number, to: number, meters: number, obstacleDb = 0): Segment[] => [
  { from: START + from, to: START + to, meters, obstacleDb },
];

/** What the five devices of figure 13 do, seconds since the first window. */
const DEVICES: Readonly<Record<1 | 2 | 3 | 4 | 5, readonly Segment[]>> = {
  1: segment(0, 1_800, 0.8),
  2: segment(0, 1_800, 1, OBSTACLE_DB.wall + OBSTACLE_DB.body),
  3: segment(310, 340, 0.5),
  4: segment(902, 1_200, 0.5),
  5: segment(1_199, 1_203, 0.5),
};
type Device = keyof typeof DEVICES;

const STREAMS = 300;
const heardBy = (device: Device): Reception[][] =>
  Array.from({ length: STREAMS }, (_, n) => receive(DEVICES[device], WINDOWS, LINK, new Random(13, device, n)));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const windowsOf = (all: readonly Reception[]): number => new Set(all.map(({ previousScan }) => previousScan)).size;

describe('figure 13: one device listens, five are around', () => {
  it('device 1, near throughout, is heard in every window, as close', ({ expect }) => {
    const all = heardBy(1);
    expect(mean(all.map(windowsOf))).toBeGreaterThan(5);
    const close = all.filter((heard) => mean(heard.map(({ rssi }) => LINK.txPower - rssi)) < CLOSE_DB);
    expect(close.length).toBeGreaterThan(0.9 * STREAMS);
  });

  it('device 2, near behind an obstacle, is heard but never as close', ({ expect }) => {
    for (const heard of heardBy(2)) {
      expect(heard.length).toBeGreaterThan(0);
      expect(mean(heard.map(({ rssi }) => LINK.txPower - rssi))).toBeGreaterThan(CLOSE_DB);
    }
  });

  it('devices 3 and 4, near between two windows, are not seen: not even in five minutes less a window', ({
    expect,
  }) => {
    expect(heardBy(3).flat()).toEqual([]);
    expect(heardBy(4).flat()).toEqual([]);
  });

  it('device 5, there for four seconds around a window, is logged as close', ({ expect }) => {
    const seen = heardBy(5).filter((heard) => heard.length > 0);
    expect(seen.length).toBeGreaterThan(0.9 * STREAMS);
    const close = seen.filter((heard) => mean(heard.map(({ rssi }) => LINK.txPower - rssi)) < CLOSE_DB);
    expect(close.length).toBeGreaterThan(0.98 * seen.length);
  });

  it('what the listener stores says the same after real keys, metadata and matching', ({ expect }) => {
    const devices = [1, 2, 3, 4, 5] as const;
    const beacons = devices.map((device) => new Beacon(13, device, HANDSET));
    const sightings = devices.flatMap((device, n) =>
      receive(DEVICES[device], WINDOWS, LINK, new Random(13, device, 0)).map((heard) => ({
        ...heard,
        ...beacons[n]!.at(heard.timestamp),
      })),
    );
    const keys = beacons.map((beacon) => ({
      ...beacon.keyOf(0),
      transmissionRiskLevel: 5,
      reportType: REPORT_TYPE.CONFIRMED_TEST,
      daysSinceOnsetOfSymptoms: 1,
    }));
    const matches = matchKeys(keys, sightings);
    const typical = new Map<number, number>(
      matches.map((match) => [
        keys.findIndex(({ keyData }) => keyData === match.key.keyData) + 1,
        mean(match.sightings.map((s) => s.attenuation)),
      ]),
    );
    expect([...typical.keys()]).toEqual([1, 2, 5]);
    expect(typical.get(1)).toBeLessThan(CLOSE_DB);
    expect(typical.get(2)).toBeGreaterThan(CLOSE_DB);
    expect(typical.get(5)).toBeLessThan(CLOSE_DB);
  });
});

describe('path loss (CWA solution architecture, limitations)', () => {
  it('is 50 dB at 2 m, less nearer, 6 dB more at twice the distance, plus what stands between', ({ expect }) => {
    expect(attenuation(2, 0, 50)).toBe(50);
    expect(attenuation(1.9, 0, 50)).toBeLessThan(50);
    expect(attenuation(4, 0, 50)).toBeCloseTo(56.02, 2);
    expect(attenuation(2, OBSTACLE_DB.wall, 50)).toBe(50 + OBSTACLE_DB.wall);
    expect(attenuation(0, 0, 50)).toBe(attenuation(0.2, 0, 50));
  });

  it('lets nothing be heard beyond what a phone can decode', ({ expect }) => {
    expect(receive(segment(0, 1_800, 300, 24), WINDOWS, LINK, new Random(1))).toEqual([]);
  });
});

describe('listening windows', () => {
  it('Android: 4 s, at most five minutes apart and no less than 211 s', ({ expect }) => {
    const scans = scansOf(1, 7, 'android', 3);
    const gaps = scans.slice(1).map(({ at }, n) => at - scans[n]!.at);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(300);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(211);
    expect(new Set(scans.map(({ seconds }) => seconds))).toEqual(new Set([4]));
    expect(scans.slice(1).every(({ previous }, n) => previous === scans[n]!.at)).toBe(true);
    expect(scans[0]!.previous).toBe(0);
  });

  it('iOS: 2 to 4 s, five minutes apart', ({ expect }) => {
    const scans = scansOf(1, 7, 'ios', 3);
    expect(scans).toHaveLength(288);
    expect(scans.every(({ seconds }) => seconds >= 2 && seconds < 4)).toBe(true);
  });

  it('a window of four seconds holds 16 beacons, of which the caught share is stored', ({ expect }) => {
    const window: Scan[] = [{ at: START + 100, seconds: 4, previous: 0 }];
    const counts = Array.from(
      { length: 2_000 },
      (_, n) => receive(segment(0, 300, 1), window, LINK, new Random(5, n)).length,
    );
    expect(Math.max(...counts)).toBeLessThanOrEqual(16);
    expect(mean(counts)).toBeCloseTo(16 * 0.3, 0);
  });
});
