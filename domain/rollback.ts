/**
 * @module A rollback as people ask for it and see it (docs/rollback.md): whose keys of which days, and what taking them back would do. Pure.
 */
import { dateOf, RETENTION_DAYS, SECONDS_PER_DAY } from '../protocol/gaen/intervals.ts';
import type { IssueKind, IssueSource } from './issue.ts';

/**
 * Whose. batch: of code cards; provider: all batches of one; laboratory: by its id in the signed list; hotline: teleTANs of a member of staff; staff: everything that a member of
 * staff vouched for, teleTANs and TANs that were issued by a command; region: credentials of another region's tests, by its id in the directory, on the days on which they were used here;
 * authority: certificates of a health authority, by its id in the document of authorities, on the days on which they were used.
 */
export const ROLLBACK_KINDS = ['batch', 'provider', 'laboratory', 'hotline', 'staff', 'region', 'authority'] as const;
export type RollbackKind = (typeof ROLLBACK_KINDS)[number];

/** What is to be rolled back. */
export interface RollbackTarget {
  readonly kind: RollbackKind;
  /** Batch id, provider, laboratory's id, subject, region's or authority's id; 1..100 characters. */
  readonly name: string;
  /** UTC days since the Unix epoch on which was vouched, both included. */
  readonly fromDay: number;
  readonly toDay: number;
}

/**
 * So far back a period may begin. A source vouched once, and a TAN may be had of that for as long as its session lives, 60 days or twice that: a card that was used a month ago, a result that is
 * asked for late. The books end a source's days for as long (durable-objects/code-desk/issue-ops.ts).
 */
export const MAX_ROLLBACK_DAYS = 150;

/** @returns the rule that a target breaks, or null. @param today UTC day */
export function badTarget(target: RollbackTarget, today: number): string | null {
  const { kind, name, fromDay, toDay } = target;
  if (!ROLLBACK_KINDS.includes(kind)) return `kind must be one of ${ROLLBACK_KINDS.join(', ')}`;
  if (typeof name !== 'string' || name.length < 1 || name.length > 100) return 'name must have 1..100 characters';
  if (!Number.isInteger(fromDay) || !Number.isInteger(toDay)) return 'fromDay and toDay must be whole days';
  if (toDay > today) return 'toDay must not be after today';
  if (fromDay > toDay) return 'fromDay must not be after toDay';
  if (fromDay <= today - MAX_ROLLBACK_DAYS) return `fromDay must be within the last ${MAX_ROLLBACK_DAYS} days`;
  return null;
}

/**
 * Seconds after a rollback was confirmed at which none of its keys is published any more, taken back or not: its sources have ended and what waited is deleted, so what is published last was frozen
 * within the day; a key's period ends a day later at most, and it leaves {@link RETENTION_DAYS} after that.
 */
export const ROLLED_BACK_KEYS_LEAVE_SECONDS = (RETENTION_DAYS + 2) * SECONDS_PER_DAY;

/** Keys that wait in a region for a day and are meant. */
export interface WaitingKeys {
  /** UTC day of the release hour. */
  readonly day: number;
  readonly region: string;
  readonly meant: number;
}

/** Keys that came with the ids, ever, by the day of their release hour. */
export interface CountedKeys {
  readonly day: number;
  readonly keys: number;
}

/** What SubmissionBuffer knows of some ids. */
export interface IssueStanding {
  readonly waiting: readonly WaitingKeys[];
  readonly counted: readonly CountedKeys[];
}

/** Keys that are published in a region, by the day of their hour; not those that were taken back. */
export interface PublishedKeys {
  readonly day: number;
  readonly region: string;
  /** Rows of groups with one of the ids, decoys left out. */
  readonly meant: number;
  /** Those of them whose group has other sources' ids too. */
  readonly mixed: number;
  readonly all: number;
}

/** How many keys: none, or some, and fewer than so many (rollback-counts.ts). */
export type CoarseCount = 0 | { readonly fewerThan: number };

/** Keys of a day and region. */
interface DayLine<Count> {
  /** UTC day of publication, or of the release of what waits. */
  readonly day: number;
  readonly region: string;
  readonly unpublished: Count;
  readonly published: Count;
  /** Of the published, those that are told apart from others' no further: not all of them are the target's. */
  readonly mixed: Count;
  /** Came with the target's ids and are gone: their time is over, or they were dropped or taken back before. */
  readonly gone: Count;
  /** All keys that the day has published in the region, which everybody can count: how many wait is told to nobody. */
  readonly ofDay: number;
}

/** As it was counted; leaves `origin` as {@link RollbackDay} alone. */
export type CountedDay = DayLine<number>;
/** One line of a dry run. */
export type RollbackDay = DayLine<CoarseCount>;

/** @returns a target as the audit log has it: no free text, UTC days */
export const targetText = ({ kind, name, fromDay, toDay }: RollbackTarget): string =>
  `${kind} ${name} ${dateOf(fromDay * SECONDS_PER_DAY)}..${dateOf(toDay * SECONDS_PER_DAY)}`;

/** What a rollback would do; nothing has changed. */
export interface RollbackPlan {
  readonly days: readonly RollbackDay[];
  /** Whose keys would go with the target's, since they are mixed; without the days that the books have forgotten. */
  readonly others: readonly IssueSource[];
}

/**
 * @param regions that are published
 * @param standing of the buffer
 * @param published of the records
 * @returns the lines, by day and region; days without any key of the target left out
 */
export function planDays(
  regions: readonly string[],
  { waiting, counted }: IssueStanding,
  published: readonly PublishedKeys[],
): CountedDay[] {
  const days = [...new Set([...waiting, ...counted, ...published].map(({ day }) => day))].toSorted((a, b) => a - b);
  return regions
    .flatMap((region) => {
      const found = days.map((day) => {
        const here = (line: { readonly day: number; readonly region: string }) =>
          line.day === day && line.region === region;
        const wait = waiting.find(here) ?? { meant: 0 };
        const out = published.find(here) ?? { meant: 0, mixed: 0, all: 0 };
        const came = counted.find((line) => line.day === day)?.keys ?? 0;
        const line = { day, region, unpublished: wait.meant, published: out.meant, mixed: out.mixed };
        return { ...line, ofDay: out.all, came, own: wait.meant + out.meant - out.mixed };
      });
      const gone = goneByDay(found);
      return found.map(({ came: _came, own: _own, ...line }, n) => ({ ...line, gone: gone[n] ?? 0 }));
    })
    .filter(({ unpublished, published: out, gone }) => unpublished + out + gone > 0)
    .toSorted((a, b) => a.day - b.day || regions.indexOf(a.region) - regions.indexOf(b.region));
}

/** What was held over a midnight is found on a later day than it is counted on, so what a day has too many of is taken off the days before. */
function goneByDay(days: readonly { readonly came: number; readonly own: number; readonly mixed: number }[]): number[] {
  const gone: number[] = [];
  for (const { came, own, mixed } of days) {
    // Of a mixed group nobody knows how many are the target's: as many as came.
    let left = came - own - Math.min(mixed, Math.max(0, came - own));
    for (let before = gone.length - 1; left < 0 && before >= 0; before--) {
      const moved = Math.min(gone[before]!, -left);
      gone[before]! -= moved;
      left += moved;
    }
    gone.push(Math.max(0, left));
  }
  return gone;
}

/**
 * What published keys wait for that are to be taken back. hour: the next one that is published. company: one was published without them, or without some of them, since no list of what is taken
 * back is smaller than a chunk may be in any region. region: they are taken back, and a region has not published it.
 */
export type RollbackWait = {
  /** Regions that come later than the others and keep none of them waiting: those that fail now, or that have not published it. They follow by themselves when they are mended. */
  readonly regions: readonly string[];
} & (
  | {
      readonly for: 'hour' | 'company';
      /** Unix seconds, a full hour: at the latest they are taken back with what is published then, where no region fails, or their own time is over. */
      readonly until: number;
    }
  | { readonly for: 'region' }
);

/**
 * What came of a rollback so far. key: published keys wait for the undo key. sealing: an hour, or the journal without the rows that were dropped, is being written; ask again in a minute. waiting: published keys are to be taken back, and can still be read.
 * done: nothing of it can be read any more.
 */
export interface RollbackOutcome {
  readonly state: (typeof ROLLBACK_STATES)[number];
  /** Rows that were deleted before they were published. */
  readonly dropped: number;
  /** Published rows that are taken back or wait for it, the same in each region; without those that were asked for before by somebody else. */
  readonly taken: number;
  /** Null in every state but waiting. */
  readonly waits: RollbackWait | null;
}

/** In the order in which they come. */
export const ROLLBACK_STATES = ['key', 'sealing', 'waiting', 'done'] as const;

/** A second person confirms so soon: what a dry run said an hour ago is no longer what would happen. */
export const CONFIRM_WITHIN_SECONDS = 3600;

/** What somebody asked for, and how far it has come. */
export interface Rollback {
  /** A random UUID: what `origin` and its log know the request by. */
  readonly id: string;
  readonly target: RollbackTarget;
  readonly plan: RollbackPlan;
  readonly askedBy: string;
  /** Unix seconds. */
  readonly askedAt: number;
  readonly confirmedBy: string | null;
  readonly confirmedAt: number | null;
  /** What came of it so far; null before anything did. */
  readonly outcome: RollbackOutcome | null;
}

/** @returns whether a kind is one, of any type */
export const isRollbackKind = (kind: unknown): kind is RollbackKind =>
  typeof kind === 'string' && (ROLLBACK_KINDS as readonly string[]).includes(kind);

/** Kinds of issue ids that a target's are among; for a batch or provider the sources are batches. */
export const ISSUE_KINDS_OF: Readonly<Record<RollbackKind, readonly IssueKind[]>> = {
  batch: ['card'],
  provider: ['card'],
  laboratory: ['laboratory'],
  hotline: ['hotline'],
  staff: ['hotline', 'staff'],
  region: ['region'],
  authority: ['authority'],
};
