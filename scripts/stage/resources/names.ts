/**
 * @module How things of a stage are named, and told from what else lies in the account. What takes a description or a reference carries `exposure-edge:<stage>:<name>`; buckets and hosts
 * have names of their own and are ours by the prefix and the Worker.
 */
import type { StageOfResources } from './stage-part.ts';

/** Workers that a host or a route leads to. */
export type RoutedWorker = 'upload' | 'index' | 'config' | 'verification' | 'laboratory' | 'federation' | 'portal';

/** Buckets of a stage (docs/architecture.md §2). Only `public` may be reached from outside. */
export const BUCKETS = ['public', 'private', 'feeds', 'directory'] as const;

type Named = Pick<StageOfResources, 'workers'>;

/** @returns the script's name on the platform */
export const workerName = ({ workers }: Named, worker: RoutedWorker): string => `${workers.prefix}-${worker}`;

/** @returns the bucket's name */
export const bucketName = ({ workers }: Named, bucket: (typeof BUCKETS)[number]): string =>
  `${workers.prefix}-${bucket}`;

/** @returns what everything of this stage that takes a text is known by */
export const tagsOf = (stage: Pick<StageOfResources, 'name'>): string => `exposure-edge:${stage.name}:`;

/** @returns the tag of one thing, e.g. `exposure-edge:production:portal` */
export const tagOf = (stage: Pick<StageOfResources, 'name'>, name: string): string => `${tagsOf(stage)}${name}`;

/** R2's name of the stage's jurisdiction. */
export const JURISDICTIONS = { eu: 'eu', fedramp: 'fedramp', none: 'default' } as const;
