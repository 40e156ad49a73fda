/**
 * @module What must be true after the storm, of each key that was sent and of what is published.
 */
import { RETENTION_DAYS } from '../../protocol/gaen/intervals.ts';
import { retentionEnd } from '../../domain/embargo.ts';
import { acknowledged, type Ledger } from './clients.ts';
import type { Counts, SeenHead } from '../support/published.ts';

/** What a region has in the end, and had. */
export interface RegionFound {
  readonly region: string;
  /** By the manifest: days, and hours of the running day. */
  readonly listed: Counts;
  /** By Corona-Warn-App's tree. */
  readonly tree: Counts;
  readonly revoked: Counts;
  /** Keys that any file ever held. */
  readonly everListed: ReadonlySet<string>;
  /** Heads by sequence, as they were seen during the run; the last one too. */
  readonly heads: ReadonlyMap<number, SeenHead>;
}

/** What losses of `origin`'s storage left open, as docs/restore.md says. */
export interface Excused {
  /** Acknowledged after the last journal before a loss: may be missing. */
  readonly afterJournal: ReadonlySet<string>;
  /** Their owners took them back after it: may come back. */
  readonly cameBack: ReadonlySet<string>;
  /** Waited again without the batch of their card: a rollback after that doesn't know them. */
  readonly withoutBatch: ReadonlySet<string>;
  /** @returns whether a loss left some keys of an upload and not others: a journal is read in pieces while uploads come */
  isCut(names: readonly string[]): boolean;
}

/** What is wrong in a region; all zero but the first three when nothing is. */
export interface Verdict {
  readonly region: string;
  readonly published: number;
  readonly revoked: number;
  readonly sequence: number;
  /** Acknowledged, not taken back, within their fortnight, and in the manifest's files or CWA's not to be found. */
  readonly missing: number;
  /** More than once in one of these. */
  readonly doubled: number;
  /** Taken back, and in a day or hour still. */
  readonly left: number;
  /** Taken back after they had been published, and not in exactly one list of revocations. */
  readonly notRevoked: number;
  /** In a list of revocations though nobody took them back, or they never were published. */
  readonly wronglyRevoked: number;
  /** Uploads that were never acknowledged and are published in part. */
  readonly halfStored: number;
  /** Published keys nobody sent. */
  readonly strangers: number;
  /** Keys in one of the manifest's files and CWA's, and not in the other. */
  readonly differing: number;
  /** Heads seen whose sequence has a predecessor that was seen too, and whose hash it does not name. */
  readonly brokenLinks: number;
}

/** What was to become of the keys: hex of them. */
interface Fates {
  readonly sent: ReadonlySet<string>;
  readonly alive: ReadonlySet<string>;
  /** To be in every tree. */
  readonly due: ReadonlySet<string>;
  /** To be in none. */
  readonly gone: ReadonlySet<string>;
  /** May have been taken back: what nobody heard an answer to is done or isn't. */
  readonly maybeGone: ReadonlySet<string>;
}

function fatesOf(ledger: Ledger, endedBatches: ReadonlySet<string>, excused: Excused, now: number): Fates {
  const [sent, alive, gone, maybeGone] = Array.from({ length: 4 }, () => new Set<string>()) as [
    Set<string>,
    Set<string>,
    Set<string>,
    Set<string>,
  ];
  for (const { keys, names, batchId, withdrawal } of ledger.patients) {
    for (const [n, name] of names.entries()) {
      sent.add(name);
      if (retentionEnd(keys[n]!, RETENTION_DAYS) > now) alive.add(name);
      const isRolledBack = batchId !== null && endedBatches.has(batchId);
      const isSurelyGone =
        (isRolledBack && !excused.withoutBatch.has(name)) || (withdrawal === 'heard' && !excused.cameBack.has(name));
      if (isSurelyGone) gone.add(name);
      if (isRolledBack || withdrawal !== 'none') maybeGone.add(name);
    }
  }
  const due = [...acknowledged(ledger)].filter(
    (name) => alive.has(name) && !maybeGone.has(name) && !excused.afterJournal.has(name),
  );
  return { sent, alive, due: new Set(due), gone, maybeGone };
}

/**
 * @param found of a region
 * @param ledger what was sent
 * @param endedBatches whose rollback is done
 * @param excused what losses left open
 * @param now Unix seconds: what has had its fortnight by then isn't looked for
 * @returns what is wrong
 */
export function judge(
  found: RegionFound,
  ledger: Ledger,
  endedBatches: ReadonlySet<string>,
  excused: Excused,
  now: number,
): Verdict {
  const { region, listed, tree, revoked, everListed, heads } = found;
  const { sent, alive, due, gone, maybeGone } = fatesOf(ledger, endedBatches, excused, now);
  const trees = [listed, tree];
  const count = (names: Iterable<string>, isWrong: (name: string) => boolean): number =>
    [...names].filter((name) => isWrong(name)).length;
  const everywhere = new Set([...listed.keys(), ...tree.keys()]);
  const halfStored = ledger.patients.filter(({ upload, names, withdrawal, batchId }) => {
    if (upload === 'acknowledged' || withdrawal !== 'none' || (batchId !== null && endedBatches.has(batchId)))
      return false;
    const living = names.filter((name) => alive.has(name));
    const there = living.filter((name) => listed.has(name));
    return there.length > 0 && there.length < living.length && !excused.isCut(names);
  });
  let brokenLinks = 0;
  for (const [sequence, { head }] of heads) {
    const before = heads.get(sequence - 1);
    if (before !== undefined && head.previous !== before.hash) brokenLinks++;
  }
  return {
    region,
    published: listed.size,
    revoked: revoked.size,
    sequence: Math.max(...heads.keys()),
    missing: count(due, (name) => trees.some((one) => !one.has(name))),
    doubled: count(everywhere, (name) => trees.some((one) => (one.get(name) ?? 0) > 1)),
    left: count(gone, (name) => everywhere.has(name)),
    notRevoked: count(gone, (name) => alive.has(name) && everListed.has(name) && revoked.get(name) !== 1),
    wronglyRevoked: count(
      revoked.keys(),
      (name) => !maybeGone.has(name) || !everListed.has(name) || (revoked.get(name) ?? 0) > 1 || everywhere.has(name),
    ),
    halfStored: halfStored.length,
    strangers: count(everywhere, (name) => !sent.has(name)),
    differing: count(everywhere, (name) => listed.has(name) !== tree.has(name)),
    brokenLinks,
  };
}

/** @returns true when nothing is wrong */
export function isClean({
  region: _region,
  published: _published,
  revoked: _revoked,
  sequence: _sequence,
  ...wrong
}: Verdict): boolean {
  return Object.values(wrong).every((number) => number === 0);
}
