/**
 * @module Download through the signed manifest (docs/architecture.md §6): head, then the pages and chunks that the phone doesn't
 * have. State is saved after each file, so that an interrupted run goes on where it broke off.
 */
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import type { UtcDate } from '../../protocol/gaen/intervals.ts';
import { chunkPath } from '../../protocol/index/chunk-paths.ts';
import {
  type ChunkEntry,
  type DayPage,
  headPath,
  type ManifestHead,
  pagePath,
  type PageEntry,
  parseDayPage,
} from '../../protocol/index/manifest.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import {
  type DownloadError,
  type DownloadPorts,
  endsRun,
  type FileCheck,
  hasName,
  type SyncOutcome,
  Transfer,
} from './download.ts';
import { datesOf, type DayOffer, fileWithout, missingUnits, offersOf, oldestDate, type Unit } from './download-plan.ts';
import {
  type Had,
  isDayHad,
  isHad,
  prunedHad,
  withDay,
  withFile,
  withHours,
  withHoursKnown,
  withKeysOf,
} from './had.ts';
import { takeCompact } from './compact.ts';
import { acceptHead, type SeenHead, timeError } from './manifest-head.ts';
import { fetchRevocations, isKeptRevocations, type KeptRevocations } from './revocations.ts';
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
  /** Left out: the last head named none, or the phone had nothing that could be revoked. */
  readonly revocations?: KeptRevocations;
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
  const { region, seen, etag, pages, had, revocations } = value as Record<string, unknown>;
  return (
    typeof region === 'string' &&
    isSeen(seen) &&
    (etag === null || typeof etag === 'string') &&
    typeof pages === 'object' &&
    pages !== null &&
    Object.values(pages).every((page) => parseDayPage(page).ok) &&
    isHad(had) &&
    (revocations === undefined || isKeptRevocations(revocations))
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
  #offersCompact = false;

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
    this.#offersCompact = head.compact === true;
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
    // Last, so that what is revoked is known; also after an error in a file: who was warned wrongly waits for no repair of another.
    if (!(await this.#revocations(head.revocations))) return;
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
        if (!(await this.#chunk(offer, chunk))) return false;
      }
      if (this.#transfer.errors.length === failures) await this.#complete(offer.date, unit);
    }
    return true;
  }

  /** @returns false when the run must end */
  async #chunk(offer: DayOffer, chunk: ChunkEntry): Promise<boolean> {
    const error = await this.#file(
      chunk,
      () => null,
      async () => {
        const had = withKeysOf(this.#state.had, offer.date, fileWithout(offer, chunk));
        if (had !== this.#state.had) await this.#save({ had });
      },
    );
    if (error !== null) return this.#failed(error);
    await this.#save({ had: withFile(this.#state.had, offer.date, chunk.sha256) });
    return true;
  }

  /** Fetches a file, verifies it and hands it on. @param before called once it is there */
  async #file(chunk: ChunkEntry, check: FileCheck, before = async () => {}): Promise<DownloadError | null> {
    if (this.#offersCompact) {
      const outcome = await takeCompact(this.#transfer, this.#ports.region, chunk, check, before);
      if (outcome !== 'take-zip') return outcome === 'taken' ? null : outcome;
    }
    const { sha256, size } = chunk;
    const path = chunkPath(this.#ports.region, sha256);
    const answer = await this.#transfer.get(path, size);
    if (!answer.ok) return answer.error;
    const zip = answer.value.bytes ?? new Uint8Array();
    if (!hasName(zip, sha256)) return { kind: 'digest', path };
    await before();
    return this.#transfer.accept(path, zip, check);
  }

  /** @param name of the head's page of revocations @returns false when the run must end */
  #revocations(name: string | undefined): Promise<boolean> {
    return fetchRevocations(name, {
      region: this.#ports.region,
      state: () => this.#state,
      save: (change) => this.#save(change),
      get: (path) => this.#transfer.get(path, MAX_PAGE_BYTES),
      file: (chunk, check) => this.#file(chunk, check),
      failed: (error) => this.#failed(error),
    });
  }

  /** Notes it. @returns whether it makes sense to go on */
  #failed(error: DownloadError): boolean {
    this.#transfer.errors.push(error);
    return !endsRun(error);
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

function openPage(path: string, name: string, bytes: Uint8Array): Result<DayPage, DownloadError> {
  if (!hasName(bytes, name)) return err({ kind: 'digest', path });
  try {
    return parseDayPage(JSON.parse(fromUtf8(bytes)));
  } catch {
    return err({ kind: 'bad-manifest', path, rule: 'must be JSON' });
  }
}
