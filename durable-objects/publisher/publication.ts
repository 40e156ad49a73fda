/** @module Through which ports and on which state a step of the Publisher acts. */
import type { BufferPort } from '../submission-buffer/contract.ts';
import type { PublishedVersion } from '../../domain/parameters/publication.ts';
import type { RevokedDayPackage } from '../parameter-store/packages.ts';
import type { BucketPort } from './bucket.ts';
import type { EventLog } from './event-log.ts';
import type { FeedStore } from './feed-store.ts';
import type { PublisherConfig } from './model.ts';
import type { OwnObjects } from './own-objects.ts';
import type { PublisherStore } from './store.ts';
import type { TakingStore } from './taking-store.ts';
import type { Workspace } from '../../domain/publication/workspace.ts';

/** All that a step needs. `now` is fixed for the step (Unix seconds). */
export interface Publication {
  readonly now: number;
  /** Nothing new is taken in any more (docs/sunset.md). */
  readonly stopped: boolean;
  readonly config: PublisherConfig;
  readonly store: PublisherStore;
  readonly takings: TakingStore;
  readonly feeds: FeedStore;
  readonly log: EventLog;
  readonly buffer: BufferPort;
  readonly publicBucket: BucketPort;
  /** What is put into the public bucket goes through this. */
  readonly own: OwnObjects;
  readonly privateBucket: BucketPort;
  /** What peers read, through `federation`: a bucket of its own. */
  readonly ownFeeds: OwnObjects;
  /** @returns the versions of the parameters that phones can fetch or could, oldest first */
  readonly publishedParameters: () => Promise<readonly PublishedVersion[]>;
  /** Tells ParameterStore which packages of CWA's tree are revoked. */
  readonly revokePackages: (packages: readonly RevokedDayPackage[]) => Promise<void>;
  /** Regions whose last step failed: they are tried after the others, and those of `resting` not at all. */
  readonly failing: ReadonlySet<string>;
  readonly resting: ReadonlySet<string>;
  /** Tells that a step of a region failed (true) or succeeded. */
  readonly noteRegion: (region: string, failed: boolean) => void;
  /** Memory for one file after the other. */
  readonly workspace: Workspace;
}
