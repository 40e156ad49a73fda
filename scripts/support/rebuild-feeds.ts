/**
 * @module The bucket of feeds made again from the private one (docs/event-log.md), as `npm run rebuild` does it.
 */
import {
  batchOfZip,
  documentsOf,
  isDocument,
  isWhole,
  planFeeds,
  rebuildFed,
  type FeedPlan,
} from '../../domain/publication/rebuild-feeds.ts';
import type { EventOf } from '../../domain/event-log/entry.ts';
import type { LogReport } from '../../domain/event-log/verify.ts';
import type { RebuiltObject } from '../../domain/publication/rebuild.ts';
import { newWorkspace } from '../../domain/publication/workspace.ts';
import { feedKey, JWKS_KEY } from '../../protocol/feed/names.ts';
import type { Difference } from './compare-public.ts';
import type { OnProgress } from './command-line/progress.ts';
import type { ObjectReader, ObjectStore } from './object-store.ts';
import { eventsOf, readRecords } from './rebuild.ts';

/** What was made, or that it can't be. */
export type RebuiltFeed = RebuiltObject | Difference;

/**
 * @param reader of the private bucket
 * @param report of its log
 * @param store the bucket of feeds, whose whole batches stand in for records that have left; null: there is none
 * @param progress hears of each entry
 * @returns every batch that peers may ask for, in both formats, each before the next, whose memory may be the same; and which can't be made again
 * @throws Error naming the record that is missing or altered
 */
export async function* rebuildFeeds(
  reader: ObjectReader,
  report: LogReport,
  store: ObjectStore | null,
  progress: OnProgress,
): AsyncGenerator<RebuiltFeed> {
  const plan = planFeeds(eventsOf(report));
  if (plan === null || plan.fed.length === 0) return;
  const published = eventsOf(report).findLast((event) => event.kind === 'published')!;
  const ports = {
    ...(await readRecords(reader, report)),
    read: (name: string, { offset, length }: { offset: number; length: number }) =>
      reader.getRange(name, offset, length),
    readWhole: (name: string) => reader.get(name),
    workspace: newWorkspace(),
    unionRegion: published.unionRegion,
    retentionDays: published.retentionDays,
  };
  for (const [done, event] of plan.fed.entries()) {
    if (isWhole(ports, event, plan.today)) yield* rebuildFed(ports, plan.home, event);
    else yield* fromOwnZips(store, event);
    progress(event.feed, done + 1, plan.fed.length);
  }
  if (store !== null) yield* wrongDocuments(store, plan);
}

async function* fromOwnZips(store: ObjectStore | null, event: EventOf<'fed'>): AsyncGenerator<RebuiltFeed> {
  for (const n of event.files.keys()) {
    const name = feedKey(event.feed, 'keys', event.batch + n);
    const zip = (await store?.get(name)) ?? null;
    const made = zip === null ? null : batchOfZip(event, n, zip);
    if (made === null) yield { name, kind: 'lost' };
    else yield* made;
  }
}

async function* wrongDocuments(store: ObjectStore, plan: FeedPlan): AsyncGenerator<Difference> {
  for (const { name, feed } of documentsOf(plan)) {
    const body = await store.get(name);
    if (body === null || !isDocument(plan, feed, body)) yield { name, kind: 'document' };
  }
}

/** Documents of feeds that never had a batch are there too. */
const DOCUMENT = /^[A-Za-z0-9]+\/(gaen-)?latest\.json$/;

/** @param named what was made, or is to be there @returns what else lies in the bucket of feeds */
export async function unknownFeedObjects(
  store: ObjectStore,
  report: LogReport,
  named: ReadonlySet<string>,
): Promise<Difference[]> {
  const plan = planFeeds(eventsOf(report));
  // What has had its time goes at the next step; what is lost is named already.
  const known = new Set([...named, JWKS_KEY, ...(plan?.all ?? []).flatMap(namesOf)]);
  const names = await store.list('');
  return names.filter((name) => !DOCUMENT.test(name) && !known.has(name)).map((name) => ({ name, kind: 'unknown' }));
}

const namesOf = ({ feed, batch, files }: EventOf<'fed'>): string[] =>
  files.flatMap((_, n) => [feedKey(feed, 'keys', batch + n), feedKey(feed, 'gaen', batch + n)]);
