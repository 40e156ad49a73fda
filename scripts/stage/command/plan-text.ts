/** @module What `plan` and `check` print of differences: one after the other, with each field's old and new value, and a line that sums them up. Pure. */
import type { Difference, Field } from '../resources/resource.ts';

/** How many of which kind. */
export interface PlanSummary {
  readonly create: number;
  readonly change: number;
  readonly delete: number;
  /** As the file says already. */
  readonly keep: number;
  /** In the account, not of this stage, left alone. */
  readonly foreign: number;
  /** Not of this stage, and in the place of something that is. */
  readonly inTheWay: number;
}

/** A rule of the zone is read whole by whoever lets it in; a list of a thousand isn't. */
const MAX_VALUE = 1_000;

/** @param differences of a plan @returns see {@link PlanSummary} */
export function summaryOf(differences: readonly Difference[]): PlanSummary {
  const ours = differences.filter(({ foreign }) => foreign !== true);
  const foreign = differences.filter((one) => one.foreign === true);
  const count = (action: Difference['action']): number => ours.filter((one) => one.action === action).length;
  return {
    create: count('create'),
    change: count('change'),
    delete: count('delete'),
    keep: count('keep'),
    foreign: foreign.filter(({ action }) => action === 'keep').length,
    inTheWay: foreign.filter(({ action }) => action !== 'keep').length,
  };
}

/** @param summary see {@link summaryOf} @returns whether an apply would do nothing */
export const isNothing = ({ create, change, delete: gone, inTheWay }: PlanSummary): boolean =>
  create + change + gone + inTheWay === 0;

/** @param differences of a plan @returns a line each, fields below it; what is kept is counted in the summary alone */
export function differenceLines(differences: readonly Difference[]): string[] {
  return differences
    .filter(({ action, foreign }) => action !== 'keep' || foreign === true)
    .flatMap(({ action, resource, fields, foreign }) => [
      `${wordOf(action, foreign === true).padEnd(10)} ${resource}`,
      ...fields.map((field) => `${' '.repeat(13)}${fieldLine(field)}`),
    ]);
}

function wordOf(action: Difference['action'], isForeign: boolean): string {
  if (!isForeign) return action;
  return action === 'keep' ? 'foreign' : 'in the way';
}

function fieldLine({ name, from, to }: Field): string {
  return from === null ? `${name}: ${shown(to)}` : `${name}: ${shown(from)} → ${to === null ? 'nothing' : shown(to)}`;
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > MAX_VALUE ? `${line.slice(0, MAX_VALUE)}…` : line;
}

/** @param summary see {@link summaryOf} @returns it in a line */
export function summaryLine(summary: PlanSummary): string {
  const parts = [
    `${summary.create} to create`,
    `${summary.change} to change`,
    `${summary.delete} to delete`,
    `${summary.keep} as they are`,
    ...(summary.foreign === 0 ? [] : [`${summary.foreign} of somebody else, left alone`]),
    ...(summary.inTheWay === 0 ? [] : [`${summary.inTheWay} of somebody else in the way: an apply refuses`]),
  ];
  return parts.join(', ');
}
