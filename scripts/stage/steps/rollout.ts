/** @module What applies, checks, rollbacks and the end of a stage work with: the stage, its account, and what this machine knows of it. */
import type { Account } from '../account.ts';
import type { StagePlaces } from '../file/places.ts';
import type { Stage } from '../file/stage.ts';
import type { Made } from '../file/vars.ts';
import type { Context } from '../resources/context.ts';
import type { Progress, Resource } from '../resources/resource.ts';
import type { WorkerName } from '../wrangler/order.ts';

/** Secrets of a stage, opened. */
export interface HeldSecrets {
  /** @returns the Worker's by name: all that it requires, and those that this stage uses beyond */
  of(worker: WorkerName): Readonly<Record<string, string>>;
  /** Marks of secrets are keyed by it (wrangler/fingerprint.ts); 32 bytes, sealed with them. */
  readonly markKey: Uint8Array;
}

/** One run. */
export interface Rollout {
  readonly stage: Stage;
  readonly account: Account;
  readonly places: StagePlaces;
  /** For resources, and for the maker's library. */
  readonly context: Context;
  /** In order; each is brought before Workers or after them. */
  readonly resources: readonly Resource[];
  readonly secrets: HeldSecrets;
  /** What the account has made and variables need; asked after the resources that come before Workers. */
  readonly made: () => Promise<Made>;
  /** Of the repository, hex; null: outside of one. */
  readonly commit: string | null;
  /** A line for a person. */
  readonly say: Progress;
}
