/** @module What `npm run rollback` prints for a person: the dry run as a table, what it can't undo, what came of a rollback. */
import { countText, shareText } from '../../domain/rollback-counts.ts';
import type { Rollback, RollbackPlan, RollbackTarget, RollbackWait } from '../../domain/rollback.ts';

const DAY_MS = 86_400_000;
const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);
const timeOf = (at: number): string => `${new Date(at * 1000).toISOString().slice(0, 16)}Z`;

/** What no rollback can do (docs/rollback.md). */
const CANNOT = `what can't be undone: Android and iOS change a confirmed key no more once a telephone has matched it, so a telephone with an unmodified
app that has warned its owner keeps that warning; everybody who has not downloaded the keys yet is spared`;

/** @returns a dry run as lines */
export function planLines({ days, others }: RollbackPlan): string[] {
  if (days.length === 0) return ['no key of this source is left'];
  const heads = ['day', 'region', 'unpublished', 'published', 'of them mixed', 'gone', 'share of the day'];
  const rows = days.map((line) => [
    dateOf(line.day),
    line.region,
    ...[line.unpublished, line.published, line.mixed, line.gone].map((count) => countText(count)),
    shareText(line),
  ]);
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]!.length)));
  const table = [heads, ...rows].map((row) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  '),
  );
  const named = others.map(({ kind, source, day }) => `  ${kind} ${source}, ${dateOf(day)}`);
  return [
    ...table,
    ...(named.length === 0 ? [] : ['it also hits keys of sources that are too small to be told apart:', ...named]),
    CANNOT,
  ];
}

const targetText = ({ kind, name, fromDay, toDay }: RollbackTarget): string =>
  `${kind} ${name}, ${dateOf(fromDay)} to ${dateOf(toDay)}`;

/** @returns what published keys wait for, and until when */
function waitText(waits: RollbackWait): string {
  switch (waits.for) {
    case 'hour':
      return `they are taken back with the next hour if enough others go with them, at the latest ${timeOf(waits.until)}`;
    case 'company':
      return `those that are left wait for enough others to go with them, at the latest until ${timeOf(waits.until)}`;
    case 'region':
      return 'not every region has published yet that they are taken back';
  }
}

/** @returns how far a rollback has come, in a line or two */
export function rollbackLines({ id, target, askedBy, askedAt, confirmedBy, confirmedAt, outcome }: Rollback): string[] {
  const head = `${id}: ${targetText(target)}; asked for by ${askedBy}, ${timeOf(askedAt)}`;
  if (confirmedAt === null) return [head, '  waits for a second person'];
  const by = `  confirmed by ${confirmedBy ?? ''}, ${timeOf(confirmedAt)}`;
  if (outcome === null) return [head, `${by}; interrupted: confirm again`];
  const { state, dropped, taken, waits } = outcome;
  const said = {
    done: `${dropped} keys that waited are deleted, ${taken} published keys are taken back`,
    key: `${dropped} keys that waited are deleted; published keys wait for the undo key: confirm with both shares`,
    sealing: `${dropped} keys that waited are deleted; an hour or the journal is being written: confirm again in a minute`,
    waiting: `${dropped} keys that waited are deleted; of ${taken} published keys some or all can still be read: ${waits === null ? '' : waitText(waits)}`,
  }[state];
  const later = waits?.regions ?? [];
  const behind = `  later than the others, by themselves when they are mended: ${later.join(', ')}`;
  return [head, by, `  ${said}`, ...(later.length === 0 ? [] : [behind])];
}
