/**
 * @module What ended before it was published, in the event log: asked of the buffer with each hour before it is frozen, so that the log has one writer and an entry's place in it is an hour's
 * (submission-buffer/drop-log.ts).
 *
 * Durable order: the buffer fixes the counts of the hours that are asked for, then the entries with the last of these hours, in one transaction; the buffer forgets them when it is asked for
 * the next. A crash in between asks again and hears the same.
 */
import { droppedEvent } from '../../domain/event-log/dropped.ts';
import type { Publication } from './publication.ts';
import { reach } from './record-writer.ts';

/** The last hour of which it is logged. */
export const DROPPED_HOUR = 'dropped_hour';

/**
 * @param hour that has ended and isn't frozen
 * @returns whether a step was taken; false when the hour has nothing to tell, or was asked about
 * @throws BufferOutOfReach
 */
export async function droppedStep(p: Publication, hour: number): Promise<boolean> {
  const after = p.store.meta(DROPPED_HOUR) ?? -1;
  if (after >= hour) return false;
  const dropped = await reach(p.buffer.drops({ after, through: hour }));
  p.store.transaction(() => {
    for (const one of dropped) p.log.append(droppedEvent(one));
    p.store.setMeta(DROPPED_HOUR, hour);
  });
  return dropped.length > 0;
}
