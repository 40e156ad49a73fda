/**
 * @module The people of the demo: phones that have lived two weeks, and who met whom. Plain data and injected randomness,
 * so the same seed gives the same story.
 */
import { advertisement, sight, type Transmitter } from '../../phone/radio/broadcast.ts';
import { type RandomBytes, randomBelow } from '../../phone/random.ts';
import type { Sighting } from '../../phone/radio/sighting.ts';
import { currentKey, type OwnKey, type TekHistory } from '../../phone/radio/tek-schedule.ts';
import { enIntervalNumber, RETENTION_DAYS, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';

/** One phone. */
export interface Person {
  readonly number: number;
  /** One key a day, today's last. */
  readonly history: TekHistory;
  /** What it heard. */
  readonly sightings: Sighting[];
}

const TRANSMITTER: Transmitter = { txPower: -10, confidence: 3 };
/** An encounter: so many scans, so far apart. */
const SCANS = 5;
const SCAN_SECONDS = 240;
/** From its first scan to its last. */
export const MEETING_SECONDS = (SCANS - 1) * SCAN_SECONDS;

/**
 * @param count how many
 * @param now Unix seconds
 * @param random source of bytes
 * @returns phones that were on at noon of each of the last 14 days and are on today
 */
export function population(count: number, now: number, random: RandomBytes): Person[] {
  const midnight = now - (now % SECONDS_PER_DAY);
  return Array.from({ length: count }, (_, number) => {
    let history: TekHistory = [];
    for (let day = RETENTION_DAYS; day >= 0; day -= 1) {
      history = currentKey(history, midnight - day * SECONDS_PER_DAY + SECONDS_PER_DAY / 2, random).history;
    }
    return { number, history, sightings: [] };
  });
}

/** @param random source of bytes @param now Unix seconds @returns a moment of the last 13 full days, between 8 and 20 o'clock */
export function someMoment(random: RandomBytes, now: number): number {
  const midnight = now - (now % SECONDS_PER_DAY);
  const day = 1 + randomBelow(random, RETENTION_DAYS - 1);
  return midnight - day * SECONDS_PER_DAY + 8 * 3600 + randomBelow(random, 12 * 3600);
}

/** The key a phone broadcast with at a time. */
function keyAt(person: Person, at: number): OwnKey {
  const interval = enIntervalNumber(at);
  const key = person.history.find(
    ({ rollingStartIntervalNumber: start, rollingPeriod }) => start <= interval && interval < start + rollingPeriod,
  );
  if (key === undefined) throw new Error(`phone ${person.number} had no key at ${at}`);
  return key;
}

/**
 * Lets one phone hear another for twenty minutes.
 *
 * @param listener its sightings grow
 * @param sender broadcasts
 * @param at Unix seconds of the first scan, on the sender's clock
 * @param delay seconds later that the listener hears it: 0 for a meeting, hours when an attacker replays a broadcast
 * @returns the sender's key of that time: if it is published, this meeting must be found
 */
export function meet(listener: Person, sender: Person, at: number, delay = 0): OwnKey {
  for (let scan = 0; scan < SCANS; scan += 1) {
    const time = at + scan * SCAN_SECONDS;
    const heard = time + delay;
    listener.sightings.push(
      sight(advertisement(keyAt(sender, time), time, TRANSMITTER), {
        timestamp: heard,
        rssi: -55 - scan,
        previousScan: heard - SCAN_SECONDS,
      }),
    );
  }
  return keyAt(sender, at);
}

/** @param random source of bytes @param items reordered in place, each order equally likely @returns the same array */
export function shuffle<T>(random: RandomBytes, items: T[]): T[] {
  for (let at = items.length - 1; at > 0; at -= 1) {
    const other = randomBelow(random, at + 1);
    [items[at], items[other]] = [items[other] as T, items[at] as T];
  }
  return items;
}
