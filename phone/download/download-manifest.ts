/**
 * @module Download through the signed manifest (docs/architecture.md §6): head, then the pages and chunks that the phone doesn't
 * have. State is saved after each file, so that an interrupted run goes on where it broke off.
 */
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import { dateOf, dateOfHour, SECONDS_PER_DAY, startOfDate, type UtcDate } from '../../protocol/gaen/intervals.ts';
import {
  type ChunkEntry,
  chunkPath,
  type DayPage,
  headPath,
  type ManifestHead,
  pagePath,
  type PageEntry,
  parseDayPage,
} from '../../protocol/index/manifest.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { type DownloadError, type DownloadPorts, endsRun, hasName, type SyncOutcome, Transfer } from './download.ts';
import { type DayOffer, missingUnits, type Unit } from './download-plan.ts';
import { type Had, isDayHad, isHad, prunedHad, withDay, withFile, withHours, withoutHoursBefore } from './had.ts';
import { acceptHead, type SeenHead, timeError } from './manifest-head.ts';
import type { Store } from '../store.ts';

/** What a phone remembers between runs. */
export interface ManifestState {
  readonly region: string;
  readonly seen: SeenHead | null;
  /** ETag of that head, if everything in it was fetched: then a 304 is all there is to know. */
  readonly etag: string | null;
  /** Pages of that head, by name: a page is fetched once, however often a run breaks off. */
  readonly pages: Readonly<Record<string, DayPage>>;
  readonly had: Had;
}

export interface ManifestPorts extends DownloadPorts {
  /** `DE`, `EUR` */
  readonly region: string;
  /** Pinned manifest keys by id, SubjectPublicKeyInfo. */
  readonly manifestKeys: Readonly<Record<string, Uint8Array>>;
  readonly store: Store<ManifestState>;
}

/** A head of 1.5 KB compressed (docs/architecture.md §6) is about 6 KB; a page of 400 chunks 60 KB. */
const MAX_HEAD_BYTES = 256 * 1024;
const MAX_PAGE_BYTES = 1024 * 1024;
/** With more hours of a day missing than this, its own chunk may be the smaller download. */
const MOST_MISSING_HOURS = 6;

/**
 * @param value what was read from disk
 * @returns whether it is a {@link ManifestState}
 */
export function isManifestState(value: unknown): value is ManifestState {
  if (typeof value !== 'object' || value === null) return false;
  const { region, seen, etag, pages, had } = value as Record<string, unknown>;
  return (
    typeof region === 'string' &&
    isSeen(seen) &&
    (etag === null || typeof etag === 'string') &&
    typeof pages === 'object' &&
    pages !== null &&
    Object.values(pages).every((page) => parseDayPage(page).ok) &&
    isHad(had)
  );
}

function isSeen(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== 'object') return false;
  const { sequence, sha256, validUntil, ended } = value as Record<string, unknown>;
  if (ended !== undefined && ended !== true) return false;
  return typeof sequence === 'number' && typeof sha256 === 'string' && typeof validUntil === 'number';
}

/**
 * @param state what the phone remembers
 * @returns whether the service has ended and all that it listed is had: then nothing is asked any more, whoever offers what
 */
export function hasSeenTheEnd({ seen, etag }: ManifestState): boolean {
  return seen?.ended === true && etag !== null;
}

/**
 * Fetches everything listed that the phone doesn't have, oldest day first.
 *
 * @param ports see {@link ManifestPorts}
 * @returns what was done and what failed; with errors, run again later (retry.ts)
 * @throws whatever `onFile` or saving throws
 */
export async function syncManifest(ports: ManifestPorts): Promise<SyncOutcome> {
  const transfer = new Transfer(ports);
  const loaded = await ports.store.load();
  if (!loaded.ok) {
    transfer.errors.push(loaded.error);
    return transfer.outcome();
  }
  const fresh: ManifestState = { region: ports.region, seen: null, etag: null, pages: {}, had: {} };
  // A phone that changes its region begins anew: hours of one region say nothing about another's.
  const state = loaded.value?.region === ports.region ? loaded.value : fresh;
  await new ManifestRun(ports, transfer, state).run();
  return transfer.outcome();
}

class ManifestRun {
  readonly #ports: ManifestPorts;
  readonly #transfer: Transfer;
  #state: ManifestState;

  constructor(ports: ManifestPorts, transfer: Transfer, state: ManifestState) {
    this.#ports = ports;
    this.#transfer = transfer;
    this.#state = state;
  }

  async run(): Promise<void> {
    if (hasSeenTheEnd(this.#state)) return;
    const answer = await this.#head();
    if (!answer.ok) {
      this.#transfer.errors.push(answer.error);
      return;
    }
    if (answer.value === null) return;
    const { head, etag } = answer.value;
    // A day that is nearly had is finished in hours, before a page is fetched only to learn that it could be had whole.
    const direct = new Set<UtcDate>();
    for (const offer of offersOf(head, [])) {
      if (missingUnits(this.#state.had, offer).length > MOST_MISSING_HOURS) continue;
      direct.add(offer.date);
      if (!(await this.#day(offer))) return;
    }
    const pages = await this.#pages(head.pages);
    if (this.#transfer.errors.some(endsRun)) return;
    for (const offer of offersOf(head, pages)) {
      if (!direct.has(offer.date) && !(await this.#day(offer))) return;
    }
    if (this.#transfer.errors.length > 0) return;
    await this.#save({ etag, had: prunedHad(this.#state.had, oldestDate(head)) });
  }

  /** @returns null when nothing is new; the head is kept before anything it lists is fetched */
  async #head(): Promise<Result<{ head: ManifestHead; etag: string | null } | null, DownloadError>> {
    const { region, manifestKeys, clock } = this.#ports;
    const { seen, etag } = this.#state;
    const answer = await this.#transfer.get(headPath(region), MAX_HEAD_BYTES, etag);
    if (!answer.ok) return answer;
    if (answer.value.bytes === null) {
      const error = seen === null ? null : timeError(seen, clock());
      return error === null ? ok(null) : err(error);
    }
    const accepted = acceptHead(answer.value.bytes, region, manifestKeys, seen, clock());
    if (!accepted.ok) return accepted;
    const { head } = accepted.value;
    const names = new Set(head.pages.map((page) => page.sha256));
    const pages = Object.fromEntries(Object.entries(this.#state.pages).filter(([name]) => names.has(name)));
    // Noted at once: a run that breaks off must not forget which hours it need not ask for.
    const had = withHoursKnown(this.#state.had, head.hours);
    await this.#save({ seen: accepted.value.seen, etag: null, pages, had });
    return ok({ head, etag: answer.value.headers.get('etag') });
  }

  /** The pages with a day that the phone doesn't have; one that fails is an error, and the others go on. */
  async #pages(entries: readonly PageEntry[]): Promise<DayPage[]> {
    const pages: DayPage[] = [];
    for (const entry of entries) {
      if (datesOf(entry).every((date) => isDayHad(this.#state.had, date))) continue;
      const page = this.#state.pages[entry.sha256] ?? (await this.#page(entry.sha256));
      if (page !== null) pages.push(page);
    }
    return pages;
  }

  async #page(name: string): Promise<DayPage | null> {
    const path = pagePath(this.#ports.region, name);
    const answer = await this.#transfer.get(path, MAX_PAGE_BYTES);
    const page = answer.ok ? openPage(path, name, answer.value.bytes ?? new Uint8Array()) : answer;
    if (!page.ok) {
      this.#transfer.errors.push(page.error);
      return null;
    }
    await this.#save({ pages: { ...this.#state.pages, [name]: page.value } });
    return page.value;
  }

  /** @returns false when the run must end */
  async #day(offer: DayOffer): Promise<boolean> {
    this.#state = { ...this.#state, had: withHoursKnown(this.#state.had, offer.hourChunks) };
    for (const unit of missingUnits(this.#state.had, offer)) {
      const failures = this.#transfer.errors.length;
      for (const chunk of unit.missing) {
        const error = await this.#chunk(offer.date, chunk);
        if (error !== null) this.#transfer.errors.push(error);
        if (error !== null && endsRun(error)) return false;
      }
      if (this.#transfer.errors.length === failures) await this.#complete(offer.date, unit);
    }
    return true;
  }

  async #chunk(date: UtcDate, chunk: ChunkEntry): Promise<DownloadError | null> {
    const path = chunkPath(this.#ports.region, chunk.sha256);
    const answer = await this.#transfer.get(path, chunk.size);
    if (!answer.ok) return answer.error;
    const zip = answer.value.bytes ?? new Uint8Array();
    if (!hasName(zip, chunk.sha256)) return { kind: 'digest', path };
    const error = await this.#transfer.accept(path, zip);
    if (error !== null) return error;
    await this.#save({ had: withFile(this.#state.had, date, chunk.sha256) });
    return null;
  }

  async #complete(date: UtcDate, unit: Unit): Promise<void> {
    const { had } = this.#state;
    await this.#save({ had: unit.hour === null ? withDay(had, date) : withHours(had, [unit.hour], unit.files) });
  }

  async #save(change: Partial<ManifestState>): Promise<void> {
    this.#state = { ...this.#state, ...change };
    await this.#ports.store.save(this.#state);
  }
}

/**
 * @param had what the phone has
 * @param listed chunks of all hours so far of one day
 * @returns the same with hours that need no download: those before the first one listed, and those without keys
 */
function withHoursKnown(had: Had, listed: readonly ChunkEntry[]): Had {
  const hours = listed.flatMap(({ hour }) => (hour === undefined ? [] : [hour]));
  if (hours.length === 0) return had;
  const empty = listed.flatMap((chunk) => (chunk.empty === true && chunk.hour !== undefined ? [chunk.hour] : []));
  return withHours(withoutHoursBefore(had, hours), empty);
}

function openPage(path: string, name: string, bytes: Uint8Array): Result<DayPage, DownloadError> {
  if (!hasName(bytes, name)) return err({ kind: 'digest', path });
  try {
    return parseDayPage(JSON.parse(fromUtf8(bytes)));
  } catch {
    return err({ kind: 'bad-manifest', path, rule: 'must be JSON' });
  }
}

/** Days oldest first; a day that is in a page and in the head has both offers. */
function offersOf(head: ManifestHead, pages: readonly DayPage[]): DayOffer[] {
  const offers = new Map<UtcDate, DayOffer>();
  for (const { date, chunks } of pages.flatMap((page) => page.days)) {
    offers.set(date, {
      date,
      dayChunks: chunks.filter(({ hour }) => hour === undefined),
      hourChunks: chunks.filter(({ hour }) => hour !== undefined),
    });
  }
  for (const [date, hourChunks] of Map.groupBy(head.hours, ({ hour }) => dateOfHour(hour ?? 0))) {
    offers.set(date, { date, dayChunks: offers.get(date)?.dayChunks ?? [], hourChunks });
  }
  return [...offers.values()].toSorted((a, b) => (a.date < b.date ? -1 : 1));
}

function datesOf({ from, to }: PageEntry): UtcDate[] {
  const dates: UtcDate[] = [];
  for (let at = startOfDate(from); at <= startOfDate(to); at += SECONDS_PER_DAY) dates.push(dateOf(at));
  return dates;
}

/** The first day that is still listed; what lies before will never be listed again. */
function oldestDate(head: ManifestHead): UtcDate {
  const dates = [...head.pages.map(({ from }) => from), ...head.hours.map(({ hour }) => dateOfHour(hour ?? 0))];
  return dates.reduce((oldest, date) => (date < oldest ? date : oldest), dateOf(head.issuedAt));
}
