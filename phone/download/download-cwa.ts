/**
 * @module Download through Corona-Warn-App's tree (docs/spec/cwa.md §1.4, docs/spec/gaen.md §10): complete days from the date index, hours
 * of the day that has no package yet. The lists are unsigned, so withholding can't be noticed here as through the
 * manifest; what is fetched is verified all the same, and checked to be of the hour or day that was asked for.
 */
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import { dateIndexPath, dayPath, hourIndexPath, hourPath } from '../../protocol/index/cwa-tree.ts';
import { MAX_ZIP_BYTES } from '../../protocol/export/export-reader.ts';
import {
  dateOf,
  hourEnd,
  type HourNumber,
  hourOf,
  hourStart,
  isUtcDate,
  SECONDS_PER_DAY,
  SECONDS_PER_HOUR,
  startOfDate,
  type UtcDate,
} from '../../protocol/gaen/intervals.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { type DownloadError, type DownloadPorts, endsRun, type SyncOutcome, Transfer } from './download.ts';
import { type Had, isDayHad, isHad, isHourHad, prunedHad, withDay, withHours } from './had.ts';
import {
  type Etags,
  etagsOf,
  isEtags,
  NONE_REVOKED,
  type RevokedPackages,
  withoutRevoked,
} from './revoked-packages.ts';
import type { Store } from '../store.ts';

/** What a phone remembers between runs. */
export interface CwaState {
  readonly country: string;
  readonly had: Had;
  /** Whether a listed day may still be missing, so that the date index is asked although yesterday is had. */
  readonly pending: boolean;
  /** ETags of the packages it has, by path; left out by phones that kept none: theirs can't be revoked. */
  readonly etags?: Etags;
}

export interface CwaPorts extends DownloadPorts {
  /** CWA's apps read `EUR` alone (docs/spec/cwa.md §1.4). */
  readonly country: string;
  readonly store: Store<CwaState>;
  /** `keyDownload` of the configuration; left out: nothing is revoked. */
  readonly revoked?: RevokedPackages;
}

const MAX_LIST_BYTES = 64 * 1024;
/** Exactly one entity tag (RFC 9110 §8.8.3); two of them arrive joined by a comma. */
const ONE_ETAG = /^(W\/)?"[^"]*"$/;
/** With more of a complete day missing than this, its package is the smaller download. */
const MOST_MISSING_HOURS = 12;

/**
 * @param value what was read from disk
 * @returns whether it is a {@link CwaState}
 */
export function isCwaState(value: unknown): value is CwaState {
  if (typeof value !== 'object' || value === null) return false;
  const { country, had, pending, etags } = value as Record<string, unknown>;
  return (
    typeof country === 'string' && isHad(had) && typeof pending === 'boolean' && (etags === undefined || isEtags(etags))
  );
}

/**
 * Fetches every listed day and hour that the phone doesn't have, oldest first. The date index is asked only if
 * yesterday is missing, the hour index only if the last hour is.
 *
 * @param ports see {@link CwaPorts}
 * @returns what was done and what failed; with errors, run again later (retry.ts)
 * @throws whatever `onFile` or saving throws
 */
export async function syncCwaTree(ports: CwaPorts): Promise<SyncOutcome> {
  const transfer = new Transfer(ports);
  const loaded = await ports.store.load();
  if (!loaded.ok) {
    transfer.errors.push(loaded.error);
    return transfer.outcome();
  }
  const fresh: CwaState = { country: ports.country, had: {}, pending: true };
  const state = loaded.value?.country === ports.country ? loaded.value : fresh;
  const error = await new CwaRun(ports, transfer, state).run();
  if (error !== null) transfer.errors.push(error);
  return transfer.outcome();
}

class CwaRun {
  readonly #ports: CwaPorts;
  readonly #transfer: Transfer;
  #had: Had;
  #pending: boolean;
  #etags: Etags;

  constructor(ports: CwaPorts, transfer: Transfer, state: CwaState) {
    this.#ports = ports;
    this.#transfer = transfer;
    const kept = withoutRevoked(state.had, state.etags ?? {}, ports.country, ports.revoked ?? NONE_REVOKED);
    this.#had = kept.had;
    this.#etags = kept.etags;
    this.#pending = state.pending || kept.had !== state.had;
  }

  /** @returns the error that ended the run early, or null */
  async run(): Promise<DownloadError | null> {
    const now = this.#ports.clock();
    const today = dateOf(now);
    const yesterday = dateOf(now - SECONDS_PER_DAY);
    let listed: readonly UtcDate[] = [];
    if (this.#pending || !isDayHad(this.#had, yesterday) || hasHoursAfter(this.#had, now)) {
      this.#pending = true;
      const dates = await this.#dates();
      if (!dates.ok) return dates.error;
      listed = dates.value;
      for (const date of listed) {
        const error = await this.#day(date, date === yesterday);
        if (error !== null) return error;
      }
      this.#pending = this.#transfer.errors.length > 0;
      const [oldest] = listed;
      if (oldest !== undefined && !this.#pending) await this.#save(prunedHad(this.#had, oldest));
    }
    // Between midnight and its package yesterday is in hours only; a day the phone has asks for nothing.
    const inHours = [yesterday, today].filter((date) => !listed.includes(date) && !isDayHad(this.#had, date));
    for (const date of inHours) {
      if (date === today && this.#hasAllHoursBefore(now)) continue;
      const error = await this.#hoursOf(date);
      if (error !== null) return error;
    }
    return null;
  }

  async #dates(): Promise<Result<readonly UtcDate[], DownloadError>> {
    const path = dateIndexPath(this.#ports.country);
    const list = await this.#list(path);
    if (!list.ok) return list;
    const dates = list.value.filter((date) => typeof date === 'string').filter(isUtcDate);
    if (dates.length < list.value.length) return err({ kind: 'bad-list', path, rule: 'must be days as YYYY-MM-DD' });
    return ok(dates.toSorted());
  }

  /** A complete day: its last hours, if the phone has nearly all of it and they are still there, else its package. */
  async #day(date: UtcDate, isYesterday: boolean): Promise<DownloadError | null> {
    if (isDayHad(this.#had, date)) return null;
    const hours = this.#had[date]?.hours.length ?? 0;
    if (isYesterday && hours > 0 && (await this.#finishInHours(date))) return null;
    const path = dayPath(this.#ports.country, date);
    const error = await this.#file(path, startOfDate(date), SECONDS_PER_DAY);
    if (error !== null) return this.#failed(error);
    await this.#save(withDay(this.#had, date));
    return null;
  }

  /** @returns whether the day is complete now */
  async #finishInHours(date: UtcDate): Promise<boolean> {
    const list = await this.#hours(date);
    if (!list.ok || list.value.length === 0) return false;
    const missing = list.value.filter((hour) => !isHourHad(this.#had, hour));
    const endsTheDay = hourEnd(list.value.at(-1) ?? 0) === startOfDate(date) + SECONDS_PER_DAY;
    if (missing.length > MOST_MISSING_HOURS || !endsTheDay) return false;
    for (const hour of missing) {
      if ((await this.#hour(hour)) !== null) return false;
    }
    // Also where the list begins late, as on a deployment's first day: hours before it never were.
    await this.#save(withDay(this.#had, date));
    return true;
  }

  async #hoursOf(date: UtcDate): Promise<DownloadError | null> {
    const list = await this.#hours(date);
    if (!list.ok) {
      // No hour sealed yet, or all of them replaced by the day: nothing to fetch here.
      const isAbsent = list.error.kind === 'status' && list.error.status === 404;
      return isAbsent ? null : this.#failed(list.error);
    }
    for (const hour of list.value) {
      const error = isHourHad(this.#had, hour) ? null : await this.#hour(hour);
      if (error !== null && this.#failed(error) !== null) return error;
    }
    return null;
  }

  async #hours(date: UtcDate): Promise<Result<readonly HourNumber[], DownloadError>> {
    const path = hourIndexPath(this.#ports.country, date);
    const list = await this.#list(path);
    if (!list.ok) return list;
    const hours = list.value.filter(isHourOfDay);
    if (hours.length < list.value.length) {
      return err({ kind: 'bad-list', path, rule: 'must be integers 0..23' });
    }
    const midnight = hourOf(startOfDate(date));
    return ok(hours.toSorted((a, b) => a - b).map((hour) => midnight + hour));
  }

  async #hour(hour: HourNumber): Promise<DownloadError | null> {
    const date = dateOf(hourStart(hour));
    const hourOfDay = hour - hourOf(startOfDate(date));
    const error = await this.#file(hourPath(this.#ports.country, date, hourOfDay), hourStart(hour), SECONDS_PER_HOUR);
    if (error === null) await this.#save(withHours(this.#had, [hour]));
    return error;
  }

  /** One package. Start and end are compared: an hour's first file has the start of its day. */
  async #file(path: string, start: number, seconds: number): Promise<DownloadError | null> {
    const body = await this.#body(path, MAX_ZIP_BYTES);
    if (!body.ok) return body.error;
    const error = await this.#transfer.accept(path, body.value.bytes, (_path, { header }) => {
      const { region, startTimestamp, endTimestamp } = header;
      const end = start + seconds;
      const { country } = this.#ports;
      if (region !== country) return { kind: 'wrong-region', wanted: country, found: region };
      if (startTimestamp === start && endTimestamp === end) return null;
      return {
        kind: 'wrong-window',
        path,
        wanted: { start, end },
        found: { start: startTimestamp, end: endTimestamp },
      };
    });
    if (error === null) this.#etags = { ...this.#etags, [path]: body.value.etag };
    return error;
  }

  async #list(path: string): Promise<Result<readonly unknown[], DownloadError>> {
    const body = await this.#body(path, MAX_LIST_BYTES);
    if (!body.ok) return body;
    try {
      const list: unknown = JSON.parse(fromUtf8(body.value.bytes));
      if (Array.isArray(list)) return ok(list);
    } catch {
      // Falls through to the same answer: neither is a list.
    }
    return err({ kind: 'bad-list', path, rule: 'must be a JSON list' });
  }

  async #body(
    path: string,
    maxBytes: number,
  ): Promise<Result<{ readonly bytes: Uint8Array; readonly etag: string }, DownloadError>> {
    const answer = await this.#transfer.get(path, maxBytes);
    if (!answer.ok) return answer;
    const etag = answer.value.headers.get('etag');
    if (etag === null || !ONE_ETAG.test(etag)) return err({ kind: 'etag', path, found: etag });
    return ok({ bytes: answer.value.bytes ?? new Uint8Array(), etag });
  }

  /** @returns the error if the run must end; else it is noted and the run goes on */
  #failed(error: DownloadError): DownloadError | null {
    if (endsRun(error)) return error;
    this.#transfer.errors.push(error);
    return null;
  }

  /** CWA asks for the hours of a day only if the hour before this one is missing (docs/spec/cwa.md §1.4). */
  #hasAllHoursBefore(now: number): boolean {
    const last = hourOf(now) - 1;
    const midnight = hourOf(startOfDate(dateOf(now)));
    for (let hour = midnight; hour <= last; hour++) if (!isHourHad(this.#had, hour)) return false;
    return true;
  }

  async #save(had: Had): Promise<void> {
    this.#had = had;
    this.#etags = etagsOf(had, this.#etags, this.#ports.country);
    const { country } = this.#ports;
    await this.#ports.store.save({ country, had, pending: this.#pending, etags: this.#etags });
  }
}

/** Whether the phone has what its clock says is still to come: then it is slow, and what it hasn't asks for nothing. An answer tells. */
function hasHoursAfter(had: Had, now: number): boolean {
  const next = hourOf(now) + 1;
  const dayOfNext = dateOf(hourStart(next));
  return Object.keys(had).some((date) => date > dayOfNext) || (had[dayOfNext] !== undefined && isHourHad(had, next));
}

function isHourOfDay(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 23;
}
