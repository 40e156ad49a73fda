/**
 * @module In which order Workers go up: a Worker can only be bound to an entrypoint that exists, so whoever is called comes before who calls. A rollback, and the end, go the
 * other way.
 */

/** Environments of wrangler.toml. */
export const DEPLOY_ORDER = [
  'laboratory',
  'origin',
  'verification',
  'federation',
  'upload',
  'portal',
  'index',
  'config',
] as const;

/** One of them. */
export type WorkerName = (typeof DEPLOY_ORDER)[number];

/** wrangler.toml's own prefix, in place of which a stage has `workers.prefix`. */
const PREFIX = 'exposure-edge';

/**
 * @param name of a Worker or bucket as wrangler.toml has it, e.g. `exposure-edge-public`
 * @param prefix of the stage
 * @returns its name in the account
 */
export function nameInAccount(name: string, prefix: string): string {
  return name.startsWith(`${PREFIX}-`) ? `${prefix}${name.slice(PREFIX.length)}` : name;
}

/** @param worker an environment of wrangler.toml @param prefix of the stage @returns the script's name, e.g. `exposure-edge-upload` */
export const scriptName = (worker: WorkerName, prefix: string): string => `${prefix}-${worker}`;
