/**
 * @module What an apply did to the Workers, `.stage/<name>/release-<n>.json`: which version each had before and has after, migrations, marks of secrets, the commit. Written before traffic
 * moves, so that a full disk stops an apply while nothing has happened; a rollback reads it. No secret is in it, and nothing that values could be tried against.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writeWhole } from '../../../local-edge/state-format.ts';
import type { StagePlaces } from '../file/places.ts';
import { DEPLOY_ORDER } from '../wrangler/order.ts';

/** Raised when a file that an earlier version wrote can't be read any more. */
const FORMAT = 1;

const marks = z.record(z.string(), z.string());
const schemas = z.record(z.string(), z.number().int().nonnegative());

const side = z.strictObject({
  versionId: z.string(),
  /** Null: nobody of ours made it. */
  tag: z.string().nullable(),
  migrationTag: z.string().nullable(),
  /** Null: the release that made it isn't known on this machine. */
  secrets: marks.nullable(),
  /** Of the whole release, see schema-versions.ts; null: as above. */
  schemas: schemas.nullable(),
  crons: z.array(z.string()),
});

const releaseSchema = z.strictObject({
  format: z.literal(FORMAT),
  stage: z.string(),
  release: z.number().int().positive(),
  /** `begun`: it may be done in part; `replaced`: another one went on in its place. */
  state: z.enum(['begun', 'done', 'replaced', 'rolled back']),
  commit: z.string().nullable(),
  began: z.string(),
  ended: z.string().nullable(),
  workers: z.record(
    z.enum(DEPLOY_ORDER),
    z.strictObject({
      script: z.string(),
      way: z.enum(['new', 'migration', 'version', 'settings', 'none']),
      before: side.nullable(),
      /** Null: not yet. */
      after: side.nullable(),
    }),
  ),
});

/** See {@link releaseSchema}. */
export type Release = z.infer<typeof releaseSchema>;

/** A Worker's state in a release. */
export type ReleaseSide = z.infer<typeof side>;

/** What a person does about a file that can't be read; of releases of before it an apply needs nothing. */
const BRING_BACK =
  'Put a copy of it there; without one, move it away: plan, apply and check go on, and there is no rollback from that release';

const NAME = /^release-(\d+)\.json$/;

const fileOf = (places: Pick<StagePlaces, 'work'>, number: number): string =>
  join(places.work, `release-${number}.json`);

/** @returns numbers of the releases that this machine knows, ascending */
export function releaseNumbers(places: Pick<StagePlaces, 'work'>): number[] {
  if (!existsSync(places.work)) return [];
  return readdirSync(places.work)
    .map((name) => Number(NAME.exec(name)?.[1] ?? 0))
    .filter((number) => number > 0)
    .toSorted((a, b) => a - b);
}

/**
 * @param places of the stage
 * @param number of the release
 * @returns it
 * @throws Error naming the file and what is wrong with it
 */
export function readRelease(places: Pick<StagePlaces, 'work'>, number: number): Release {
  const file = fileOf(places, number);
  if (!existsSync(file)) throw new Error(`${file} isn’t there: it lies on the machine that applied it`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Error(`${file} is damaged: it is no JSON. ${BRING_BACK}`);
  }
  const read = releaseSchema.safeParse(value);
  if (read.success) return read.data;
  const { format } = value as { readonly format?: unknown };
  if (typeof format === 'number' && format > FORMAT) {
    throw new Error(`${file} was written by a newer version: format ${format}, this one reads ${FORMAT}`);
  }
  const issue = read.error.issues[0];
  throw new Error(`${file} is damaged: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}. ${BRING_BACK}`);
}

/** Replaces it, or leaves the former one. @throws Error of the file system: a full disk, for one */
export function writeRelease(places: Pick<StagePlaces, 'work'>, release: Release): void {
  mkdirSync(places.work, { recursive: true });
  writeWhole(fileOf(places, release.release), `${JSON.stringify(release, null, 2)}\n`);
}

/**
 * @param releases that this machine knows
 * @param versionId of a version
 * @returns marks and schema numbers of the release that made it; null: none of these did
 */
export function knownSide(releases: readonly Release[], versionId: string): ReleaseSide | null {
  for (const { workers } of releases.toReversed()) {
    for (const { after } of Object.values(workers)) if (after?.versionId === versionId) return after;
  }
  return null;
}

/** @returns all releases that this machine knows, ascending @throws as {@link readRelease} */
export const readReleases = (places: Pick<StagePlaces, 'work'>): Release[] =>
  releaseNumbers(places).map((number) => readRelease(places, number));
