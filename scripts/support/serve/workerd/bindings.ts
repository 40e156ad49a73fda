/**
 * @module The Workers of wrangler.toml as workerd needs them. A kind of binding that isn't known here is refused: a Worker that lacks one without a word
 * would be another Worker.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import * as z from 'zod';
import { WRANGLER_TOML } from '../../../../local-edge/workers.ts';

const binding = z.string().regex(/^[A-Z][A-Z0-9_]*$/);
const ENVIRONMENT = z.strictObject({
  name: z.string(),
  main: z.string(),
  vars: z.record(binding, z.string()).default({}),
  secrets: z.strictObject({ required: z.array(binding) }).default({ required: [] }),
  services: z.array(z.strictObject({ binding, service: z.string(), entrypoint: z.string() })).default([]),
  r2_buckets: z
    .array(
      z.strictObject({ binding, bucket_name: z.string().regex(/^exposure-edge-(public|private|feeds|directory)$/) }),
    )
    .default([]),
  durable_objects: z
    .strictObject({ bindings: z.array(z.strictObject({ name: binding, class_name: z.string() })) })
    .default({ bindings: [] }),
  migrations: z.array(z.strictObject({ tag: z.string(), new_sqlite_classes: z.array(z.string()) })).default([]),
  triggers: z.strictObject({ crons: z.array(z.string()) }).default({ crons: [] }),
  // Of the platform: a limit of CPU, its cache, which nginx stands for.
  limits: z.unknown().optional(),
  cache: z.unknown().optional(),
});
const FILE = z.strictObject({
  name: z.string(),
  compatibility_date: z.iso.date(),
  // Where a Worker is reached, and what is logged, on the platform alone.
  send_metrics: z.unknown().optional(),
  workers_dev: z.unknown().optional(),
  preview_urls: z.unknown().optional(),
  logpush: z.unknown().optional(),
  observability: z.unknown().optional(),
  env: z.record(z.string(), ENVIRONMENT),
});

/** One Worker. */
export type WorkerBindings = z.infer<typeof ENVIRONMENT>;

/** All of them. */
export interface Deployment {
  readonly compatibilityDate: string;
  /** By environment. */
  readonly workers: Readonly<Record<string, WorkerBindings>>;
}

/**
 * @param toml the text of wrangler.toml; read from the repository when left out
 * @returns what workerd is told of it
 * @throws Error naming what isn't known here
 */
export function readDeployment(toml = readFileSync(WRANGLER_TOML, 'utf8')): Deployment {
  const read = FILE.safeParse(parse(toml));
  if (!read.success)
    throw new Error(`wrangler.toml has what npm run serve doesn't know: ${z.prettifyError(read.error)}`);
  return { compatibilityDate: read.data.compatibility_date, workers: read.data.env };
}
