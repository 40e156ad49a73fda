/**
 * @module Two phones near each other, without a radio: what each of them would have stored of the other (docs/spec/gaen.md §3). A
 * simulation of Bluetooth for the command line and for tests; everything before and after it is what a phone does.
 */
import type { RandomBytes } from '../random.ts';
import { advertisement, sight, type Transmitter } from './broadcast.ts';
import type { Sighting } from './sighting.ts';
import { currentKey, type TekHistory } from './tek-schedule.ts';

/** A phone listens once in five minutes (docs/spec/gaen.md §8.1: at most so much is counted between two scans). */
const SCAN_SECONDS = 300;
const TRANSMITTER: Transmitter = { txPower: -10, confidence: 3 };
/** With the transmitter's −10 dBm an attenuation of 50 dB: about arm's length. */
const RSSI_DBM = -60;

/** One phone of the two. */
export interface Side {
  readonly history: TekHistory;
  readonly sightings: readonly Sighting[];
  /** Unix seconds on its own clock at the end of the encounter. */
  readonly now: number;
}

/**
 * Lets two phones be near each other until now. Each sends by its own clock and notes what it hears by its own.
 *
 * @param one a phone
 * @param other another
 * @param minutes how long, whole, ≥ 1
 * @param random for a key of a day that has none yet
 * @returns both with what they heard, in the order given
 */
export function meet(one: Side, other: Side, minutes: number, random: RandomBytes): [Side, Side] {
  const scans = scansOf(minutes * 60);
  const [first, second] = [alive(one, scans, random), alive(other, scans, random)];
  return [
    { ...first, sightings: [...one.sightings, ...heard(first, second, scans)] },
    { ...second, sightings: [...other.sightings, ...heard(second, first, scans)] },
  ];
}

/** A scan: seconds before the end, and seconds since the scan before it. */
type Scan = readonly [before: number, since: number];

/** Each scan stands for the time since the one before: together they are the encounter. */
function scansOf(seconds: number): Scan[] {
  const scans: Scan[] = [];
  for (let at = 0; at < seconds;) {
    const since = Math.min(SCAN_SECONDS, seconds - at);
    at += since;
    scans.push([seconds - at, since]);
  }
  return scans;
}

/** The phone was on all the while: it has a key for each scan, the newest made last. */
function alive(side: Side, scans: readonly Scan[], random: RandomBytes): Side {
  let { history } = side;
  for (const [before] of scans) history = currentKey(history, side.now - before, random).history;
  return { ...side, history };
}

function heard(listener: Side, sender: Side, scans: readonly Scan[]): Sighting[] {
  return scans.flatMap(([before, since]) => {
    const sentAt = sender.now - before;
    const key = sender.history.find(
      ({ rollingStartIntervalNumber: start, rollingPeriod }) =>
        start * 600 <= sentAt && sentAt < (start + rollingPeriod) * 600,
    );
    if (key === undefined) return [];
    const timestamp = listener.now - before;
    const reception = { timestamp, rssi: RSSI_DBM, previousScan: timestamp - since };
    return [sight(advertisement(key, sentAt, TRANSMITTER), reception)];
  });
}
