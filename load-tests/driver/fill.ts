/**
 * @module Fills an edge with the history of a country, and publishes its parameters: what phones of a scenario find there.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dateOfHour } from '../../protocol/gaen/intervals.ts';
import { configHeadPath, EVERYONE } from '../../protocol/parameters/config-head.ts';
import { ParameterPortal } from '../../scripts/support/portal.ts';
import { setClock } from '../../scripts/support/operator.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { seedDays, seedHours, uploadCases } from './seed.ts';

const HOUR = 3_600;
/** Hours before the last midnight that are sealed one by one: the day that bytes are measured on, and the one before. */
const HOURLY_HISTORY = 48;

/** How much history there is to be. */
export interface History {
  /** Unix seconds, real. */
  readonly now: number;
  /** Hours before the last midnight. */
  readonly hoursBefore: number;
  readonly casesPerDay: number;
  readonly say: (line: string) => void;
  /** Called with the day before the last midnight (YYYY-MM-DD) when all of it but its last hour is sealed. */
  readonly beforeMidnight?: (day: string) => Promise<void>;
}

/** Enough keys that every hour is published (140 and 10 uploads), in little time. */
export const SHORT_HISTORY = { hoursBefore: 4, casesPerDay: 12 * 24 };

/** The default parameters, and the wait until a phone can read them. */
async function publishParameters(url: string): Promise<void> {
  const document = readFileSync(join(import.meta.dirname, '../../parameters/default.json'), 'utf8');
  const reply = await new ParameterPortal(url).publish({ document, audience: EVERYONE, dryRun: false }, 0);
  for (let tries = 0; tries < 50; tries += 1) {
    if ((await fetch(`${url}/${configHeadPath()}`)).ok) return;
    await sleep(200);
  }
  throw new Error(`load: parameters are not served; publishing was answered ${JSON.stringify(reply)}`);
}

function endsOf({ now }: Pick<History, 'now'>): { readonly lastSealed: number; readonly midnight: number } {
  const lastSealed = Math.floor(now / HOUR) - 2;
  return { lastSealed, midnight: Math.floor(lastSealed / 24) * 24 };
}

/**
 * Seals history up to the hour before the last one of the day before the last midnight.
 *
 * @param edge on which nothing was sealed yet
 * @param history see {@link History}
 * @returns that day, YYYY-MM-DD
 */
export async function fillToMidnight(edge: LocalEdge, history: History): Promise<string> {
  const { hoursBefore, casesPerDay, say } = history;
  const { lastSealed, midnight } = endsOf(history);
  const from = midnight - hoursBefore;
  say(`load: sealing ${lastSealed - from + 1} hours of ${casesPerDay} cases a day …`);
  // Only the last days are read hour by hour.
  const hourly = Math.max(from, midnight - HOURLY_HISTORY);
  await seedDays(edge, { from, to: hourly, casesPerDay, progress: say });
  await seedHours(edge, { from: hourly, to: midnight - 2, casesPerDay, progress: say });
  return dateOfHour(midnight - 1);
}

/**
 * Seals history up to the hour before the last complete one, which waits with its uploads, to be sealed under load. Ends on real
 * time.
 *
 * @param edge on which nothing was sealed yet
 * @param history see {@link History}
 * @returns the day whose hours CWA's phones read, YYYY-MM-DD
 */
export async function fill(edge: LocalEdge, history: History): Promise<string> {
  const { casesPerDay, say, beforeMidnight } = history;
  const { lastSealed, midnight } = endsOf(history);
  // The hour before midnight is sealed after the bytes of the whole day were measured.
  await beforeMidnight?.(await fillToMidnight(edge, history));
  await seedHours(edge, { from: midnight - 1, to: lastSealed, casesPerDay, progress: say });
  await setClock(edge.url, (lastSealed + 1) * HOUR + HOUR / 2);
  await uploadCases(edge, lastSealed + 1, Math.max(12, Math.round(casesPerDay / 24)));
  await setClock(edge.url, null);
  await publishParameters(edge.url);
  return dateOfHour(lastSealed + 1);
}
