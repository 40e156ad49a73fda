/**
 * @module The rows of a restored Publisher, all in one transaction: before it the object is empty, after it alive.
 */
import { dayPath } from '../../../protocol/index/cwa-tree.ts';
import { dateOf, SECONDS_PER_DAY } from '../../../protocol/gaen/intervals.ts';
import { DROPPED_HOUR } from '../dropped-ops.ts';
import type { Publication } from '../publication.ts';
import type { Backlog } from './backlog.ts';
import { writeFeeds } from './feeds.ts';
import type { FoundObject } from './inventory.ts';
import type { RestoredState } from './restored-state.ts';
import type { OpenRequest } from './source.ts';

/** What the log alone doesn't say. */
export interface RestoredRest {
  readonly objects: readonly FoundObject[];
  /** By region. */
  readonly backlogs: ReadonlyMap<string, readonly Backlog[]>;
  /** To take keys back, which no hour has done. */
  readonly requests: readonly OpenRequest[];
  /** Number of the buffer's newest set. */
  readonly lastSet: number;
  /** Hour in which it is restored, and that of the journal, if there was one. */
  readonly hour: number;
  readonly journalHour: number | null;
}

/** @param p of an empty object */
export function writeState(
  { store, takings, feeds, log }: Publication,
  state: RestoredState,
  rest: RestoredRest,
): void {
  store.transaction(() => {
    for (const hour of state.hours) store.putHour(hour);
    for (const hour of state.regionHours) store.putRegionHour(hour);
    for (const day of state.regionDays) store.putRegionDay(day);
    for (const day of state.googleDays) store.google.put(day);
    for (const head of state.heads) store.putHead(head);
    for (const plan of state.pending) store.putPendingIndex(plan);
    for (const [region, backlog] of rest.backlogs) store.setBacklog(region, backlog);
    for (const { key, region, mark } of rest.objects) {
      store.noteObject(key, region);
      if (mark !== '') store.settle(key, mark);
    }
    for (const { region, day, etag, replacedDay, revoked } of state.formerCuts) {
      store.noteFormerEtag(dayPath(region, dateOf(day * SECONDS_PER_DAY)), etag, replacedDay, revoked);
      // ParameterStore may have lost its list too.
      if (revoked) store.setMeta('packages_changed', 1);
    }
    for (const taking of state.takings) takings.putTaking(taking);
    for (const revocation of state.revocations) takings.putRevocation(revocation);
    for (const request of rest.requests) takings.putRequest({ ...request, hour: null, done: false, rows: 0 });
    writeFeeds(feeds, state.feeds);
    if (state.droppedHour !== null) store.setMeta(DROPPED_HOUR, state.droppedHour);
    if (state.takenHour !== null) store.setMeta('taken_hour', state.takenHour);
    log.adopt(state.log, state.checkpoints, state);
    log.append({ kind: 'restored', hour: rest.hour, journal: rest.journalHour });
    store.setMeta('last_set', rest.lastSet);
    if (state.loggedDay !== null) {
      store.setMeta('logged_day', state.loggedDay);
      // What went at that midnight may still lie there: it is deleted again.
      store.setMeta('forgotten_day', state.loggedDay - 1);
    }
    // A head that said that the service has ended is followed by none that doesn't (docs/sunset.md).
    if (state.pending.some(({ end }) => end !== undefined)) store.setMeta('ended', rest.hour);
    store.count('restored');
    store.setMeta('first_hour', state.firstHour);
  });
}
