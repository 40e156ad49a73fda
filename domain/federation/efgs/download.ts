/**
 * @module Downloads from the gateway, a batch a step (docs/spec/europe.md §3.5). The cursor names the last batch taken; its
 * successor is asked for by asking for it again, since the gateway fills that in later. Of a batch each country is believed
 * whose audit holds (protocol/efgs/audit.ts); what isn't is handed on with its fault, for quarantine, and the next batch is asked for: one
 * country's mistake doesn't hold up the others.
 *
 * Durable: the caller writes `state` in one transaction with the import, or with the quarantine. A crash before leaves the old
 * state, and the same batch comes again; that an import is repeated is known by peer and tag (exactly once).
 */
import { type AuditFault, auditBatch, type AuditOutcome, readAudit } from '../../../protocol/efgs/audit.ts';
import { decodeBatch, type EfgsKey } from '../../../protocol/efgs/batch.ts';
import { isLaterTag, readTag } from '../../../protocol/efgs/tags.ts';
import { dateOf, SECONDS_PER_DAY, startOfDate, type UtcDate } from '../../../protocol/gaen/intervals.ts';
import { fromUtf8 } from '../../../protocol/primitives/bytes.ts';
import { ask, type Trouble, troubleOf } from './ask.ts';
import { findBatch, type Found, type FoundBatch } from './batches.ts';
import type { EfgsPorts } from './ports.ts';

/** Where we are: small, and plain JSON. */
export interface DownloadState {
  /** The last batch that was taken or set aside. */
  readonly lastTag: string | null;
  /** The one after it, where that is known. */
  readonly nextTag: string | null;
  /** Where to begin when there is no tag, `YYYY-MM-DD`; null: with the oldest day the gateway has. */
  readonly date: UtcDate | null;
}

/** Before the first step. */
export const DOWNLOAD_START: DownloadState = { lastTag: null, nextTag: null, date: null };

/** Why a batch, or a country's part of it, isn't believed; for the operator who releases it, or doesn't. */
type BatchFault =
  | AuditFault
  /** The gateway has no audit of it, or the keys or the audit can't be read. */
  | { readonly country: null; readonly fault: 'no-audit' | 'malformed-audit' | 'malformed-batch' };

/** A batch that came. */
interface ReceivedBatch {
  readonly tag: string;
  /** Every key of it, in the order they came; of countries other than ours. */
  readonly keys: readonly EfgsKey[];
  /** The uploads that hold, of countries without a fault. */
  readonly parts: AuditOutcome['parts'];
  /** All that doesn't hold; of no country: the whole batch. */
  readonly faults: readonly BatchFault[];
}

export interface DownloadStep {
  readonly state: DownloadState;
  /** To import or to set aside, in one transaction with {@link state}. */
  readonly batch: ReceivedBatch | null;
  /** There is more: the next step needn't wait for the next poll. */
  readonly again: boolean;
  readonly trouble: Trouble | null;
}

/** @param state as it was written last; {@link DOWNLOAD_START} at first */
export async function downloadStep(state: DownloadState, ports: EfgsPorts): Promise<DownloadStep> {
  const { nextTag, lastTag } = state;
  if (nextTag !== null) return take(state, await byTag(ports, nextTag), ports, nextTag);
  if (lastTag === null) return take(state, await findBatch(ports, beginning(state, ports), null), ports, null);
  const last = await byTag(ports, lastTag);
  if (last.kind !== 'found') return take(state, last, ports, lastTag);
  const { next } = last.batch;
  if (next !== null) return take(state, await byTag(ports, next), ports, next);
  return take(state, await laterDay(ports, lastTag), ports, null);
}

const dateOfTag = (tag: string): UtcDate => readTag(tag)?.date ?? '1970-01-01';

const byTag = (ports: EfgsPorts, tag: string): Promise<Found> => findBatch(ports, dateOfTag(tag), tag);

const oldestDate = ({ now, settings }: EfgsPorts): UtcDate => dateOf(now() - settings.maxAgeDays * SECONDS_PER_DAY);

const dayAfter = (date: UtcDate): UtcDate => dateOf(startOfDate(date) + SECONDS_PER_DAY);

function beginning({ date }: DownloadState, ports: EfgsPorts): UtcDate {
  const oldest = oldestDate(ports);
  return date === null || date < oldest ? oldest : date;
}

/**
 * Older gateways link batches within their day only, and answer for one day alone; so whoever stands at the end of a past day looks
 * into each that follows.
 */
async function laterDay(ports: EfgsPorts, lastTag: string): Promise<Found> {
  const today = dateOf(ports.now());
  const oldest = oldestDate(ports);
  let date = dayAfter(dateOfTag(lastTag));
  if (date < oldest) date = oldest;
  for (; date <= today; date = dayAfter(date)) {
    const found = await findBatch(ports, date, null);
    if (found.kind !== 'none' && found.kind !== 'gone') return found;
  }
  return { kind: 'none' };
}

/** What follows from the answer. @param tag that was asked for; null: the first of a day */
async function take(state: DownloadState, found: Found, ports: EfgsPorts, tag: string | null): Promise<DownloadStep> {
  const stay: DownloadStep = { state, batch: null, again: false, trouble: null };
  switch (found.kind) {
    case 'trouble':
      return { ...stay, trouble: found.trouble };
    case 'gone':
      // The gateway keeps less than we thought, or we were away for long.
      return { ...stay, state: { lastTag: null, nextTag: null, date: tag === null ? afterGone(state, ports) : null } };
    case 'none':
      // Nothing yet; or a tag that it had and has no more: that day is begun anew, what of it was imported is known.
      return tag === null ? stay : { ...stay, state: { lastTag: null, nextTag: null, date: dateOfTag(tag) } };
    case 'found':
      return receive(state, found.batch, ports);
  }
}

/** The day itself is too old for this gateway: the next one, then, up to today. */
function afterGone(state: DownloadState, ports: EfgsPorts): UtcDate {
  const [next, today] = [dayAfter(beginning(state, ports)), dateOf(ports.now())];
  return next < today ? next : today;
}

async function receive(state: DownloadState, { tag, next, body }: FoundBatch, ports: EfgsPorts): Promise<DownloadStep> {
  const stay: DownloadStep = { state, batch: null, again: false, trouble: null };
  if (state.lastTag !== null && !isLaterTag(state.lastTag, tag)) {
    return { ...stay, trouble: { kind: 'protocol', what: 'batchTag' } };
  }
  const decoded = decodeBatch(body);
  const keys = decoded.ok ? decoded.value : [];
  const outcome = decoded.ok ? await judge(tag, keys, ports) : whole('malformed-batch');
  if ('kind' in outcome) return { ...stay, trouble: outcome };
  return {
    state: { lastTag: tag, nextTag: next, date: dateOfTag(tag) },
    batch: { tag, keys, ...outcome },
    again: next !== null,
    trouble: null,
  };
}

type Outcome = Pick<ReceivedBatch, 'parts' | 'faults'>;

/** Nothing of the batch is believed. */
const whole = (fault: 'no-audit' | 'malformed-audit' | 'malformed-batch'): Outcome => ({
  parts: [],
  faults: [{ country: null, fault }],
});

/** @returns the outcome, or the trouble that keeps us from one: then the batch is asked for again */
async function judge(tag: string, keys: readonly EfgsKey[], ports: EfgsPorts): Promise<Outcome | Trouble> {
  const answer = await ask(ports, {
    method: 'GET',
    path: `/audit/download/${dateOfTag(tag)}/${tag}`,
    headers: { accept: 'application/json' },
  });
  if (answer?.status === 404 || answer?.status === 410) {
    if (keys.length > 0) return whole('no-audit');
    // A batch whose keys were deleted is still there, empty and without an audit. Nobody has signed anything of it, so it takes the cursor into no day that is still to come.
    return dateOfTag(tag) <= dateOf(ports.now()) ? { parts: [], faults: [] } : { kind: 'protocol', what: 'audit' };
  }
  if (answer?.status !== 200) return troubleOf(answer);
  const audit = readAudit(textOf(answer.body));
  if (audit === null) return whole('malformed-audit');
  const { country, anchor, revoked } = ports.settings;
  return auditBatch(keys, audit, { homeCountry: country, anchor, revoked, now: ports.now() });
}

/** Bytes that are no UTF-8 are no audit either. */
function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    return '';
  }
}
