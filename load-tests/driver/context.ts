/**
 * @module What the stages of `npm run load` share: the running edge, its tier (new for each scenario, so that caches are cold),
 * and what they found.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { EdgeTier } from '../../scripts/support/edge-tier/tier.ts';
import { startEdgeTier } from '../../scripts/support/edge-tier/tier.ts';
import type { K6 } from './k6.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import type { Sample } from './k6-run.ts';

/** Something that must hold, with the figures that show whether it does. */
export interface Assertion {
  readonly text: string;
  readonly holds: boolean;
}

/** A plain row of a scenario's figures. */
export interface ScenarioResult {
  readonly scenario: string;
  /** First sentence of the scenario file's head. */
  readonly question: string;
  /** Part of the rate of 30 million phones. */
  readonly factor: number;
  readonly seconds: number;
  readonly sessions: number;
  readonly sessionsPerSecond: number;
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly dropped: number;
  /** ms */
  readonly p95: number;
  readonly p99: number;
  readonly received: number;
  /** Requests for objects that reached the Workers through the tier, and what was allowed; null for uploads. */
  readonly originReads: { readonly reads: number; readonly allowed: number; readonly objects: number } | null;
  /** Share of the requests that caches answered; null for uploads. */
  readonly offload: number | null;
  /** Counters of Workers, bucket and objects that moved. */
  readonly counters: Readonly<Record<string, number>>;
  readonly assertions: readonly Assertion[];
  readonly samples: readonly Sample[];
}

/** Shared by the stages. */
export interface Context {
  readonly k6: K6;
  /** Folder of the run. */
  readonly folder: string;
  /** Correctness alone, a few seconds a scenario. */
  readonly ci: boolean;
  /** Scenarios that are run; null: all. */
  readonly only: readonly string[] | null;
  readonly edge: LocalEdge;
  /** UTC day whose hours CWA's phones read. */
  readonly day: string;
  readonly say: (line: string) => void;
}

/** @returns the file of the key by which k6 checks the heads of an edge */
export const manifestKeyOf = ({ state }: LocalEdge): string => join(state, 'manifest-public.pem');

/**
 * Starts a tier with empty caches, uses it, stops it.
 *
 * @param context of the run
 * @param name of its folder
 * @param use what is to be done with it
 * @returns what `use` returns
 */
export async function withTier<T>(context: Context, name: string, use: (tier: EdgeTier) => Promise<T>): Promise<T> {
  // A folder of its own each time: a cache of an earlier step is not cold, and may be another edge's.
  const folder = mkdtempSync(join(context.folder, `tier-${name}-`));
  const tier = await startEdgeTier(folder, context.edge.url);
  try {
    return await use(tier);
  } finally {
    await tier.stop();
  }
}
