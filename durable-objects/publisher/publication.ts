/** @module Through which ports and on which state a step of the Publisher acts. */
import type { BufferPort } from '../submission-buffer/contract.ts';
import type { BucketPort } from './bucket.ts';
import type { PublisherConfig } from './model.ts';
import type { PublisherStore } from './store.ts';
import type { Workspace } from './workspace.ts';

/** All that a step needs. `now` is fixed for the step (Unix seconds). */
export interface Publication {
  readonly now: number;
  readonly config: PublisherConfig;
  readonly store: PublisherStore;
  readonly buffer: BufferPort;
  readonly publicBucket: BucketPort;
  readonly privateBucket: BucketPort;
  /** Memory for one file after the other. */
  readonly workspace: Workspace;
}
