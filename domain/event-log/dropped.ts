/** @module The entry of rows that ended before they were published (docs/event-log.md). */
import type { DroppedRows } from '../publication/taken.ts';
import type { EventOf } from './entry.ts';

/** More rows than three people can have, so that a number of hundreds is nobody's number of keys. */
const WITHDRAWN_STEP = 100;

/** @param dropped of an hour and cause @returns the entry that says it: of what people took back themselves no exact number */
export function droppedEvent({ hour, cause, rows }: DroppedRows): EventOf<'dropped'> {
  const said = cause === 'rollback' ? rows : Math.ceil(rows / WITHDRAWN_STEP) * WITHDRAWN_STEP;
  return { kind: 'dropped', hour, cause, rows: said };
}
