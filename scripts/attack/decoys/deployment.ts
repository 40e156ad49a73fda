/**
 * @module A deployment as an observer with hindsight sees it: people of one kind upload at a rate too small for the minima, hours
 * are held and padded by the domain's own rules, and each row of a padded chunk says whether it was a decoy.
 */
import { DEFAULT_CHUNK_POLICY, decideChunk, holdsMinima, uploadsOfSet } from '../../../domain/chunk-policy.ts';
import type { SetToFill } from '../../../domain/decoy-plan.ts';
import type { Shape } from '../../../domain/decoy-profile.ts';
import { releaseHour, retentionEnd } from '../../../domain/embargo.ts';
import { publishableKeys } from '../../../domain/keys/validate.ts';
import { shapeOf } from '../../../domain/received.ts';
import { hourEnd, hourStart } from '../../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../../protocol/gaen/keys.ts';
import type { Population } from './populations.ts';
import type { Seeded } from '../../support/seeded.ts';

/** Uploads by hour of the day, UTC, of a country in central Europe (assumption: people read results from morning to evening). */
const BY_HOUR = [2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 9, 8, 8, 8, 8, 8, 7, 7, 6, 5, 5, 4, 3];

interface ChunkRow {
  readonly start: number;
  readonly period: number;
  readonly level: number;
  readonly decoy: boolean;
}

/** A chunk that was padded. */
export interface PaddedChunk {
  readonly hour: number;
  readonly rows: readonly ChunkRow[];
}

interface Row {
  readonly key: TemporaryExposureKey;
  readonly release: number;
  readonly decoy: boolean;
  readonly upload: number;
}

/** How decoys are drawn: the way that stands, or one that is tried. */
export interface Filler {
  /** @param shape of a real upload @param hour in which it came */
  readonly observe: (shape: Shape, hour: number) => void;
  /** Starts a padded set. @returns draws the next decoy: its keys, and the first hour they may be released in */
  readonly start: (
    set: SetToFill,
  ) => () => { readonly keys: readonly TemporaryExposureKey[]; readonly earliest: number };
  readonly publishedForm: (key: TemporaryExposureKey) => TemporaryExposureKey;
}

const { retentionDays } = DEFAULT_CHUNK_POLICY;

function hours(set: readonly Row[]): { hour: number; first: number; any: number; real: number; realFirst: number }[] {
  const earliest = new Map<number, number>();
  const byHour = new Map<number, Map<number, boolean>>();
  for (const { release, upload, decoy } of set) {
    earliest.set(upload, Math.min(earliest.get(upload) ?? release, release));
    const uploads = byHour.get(release) ?? new Map<number, boolean>();
    byHour.set(release, uploads.set(upload, decoy));
  }
  return [...byHour].map(([hour, uploads]) => {
    const entries = [...uploads];
    const first = entries.filter(([upload]) => earliest.get(upload) === hour);
    return {
      hour,
      first: first.length,
      any: entries.length,
      real: entries.filter(([, decoy]) => !decoy).length,
      realFirst: first.filter(([, decoy]) => !decoy).length,
    };
  });
}

/**
 * @param population whose uploads come
 * @param options.perDay people a day, few enough that hours are padded
 * @param options.chunks padded chunks to collect
 * @param options.warmUp people before the first chunk is collected
 */
export function deploy(
  population: Population,
  filler: Filler,
  random: Seeded,
  { perDay, chunks, warmUp }: { readonly perDay: number; readonly chunks: number; readonly warmUp: number },
): PaddedChunk[] {
  const total = BY_HOUR.reduce((sum, weight) => sum + weight, 0);
  const due = new Map<number, { keys: Parameters<typeof publishableKeys>[0] }[]>();
  const earlier = new Set<number>();
  const padded: PaddedChunk[] = [];
  let rows: Row[] = [];
  let people = 0;
  let uploads = 0;
  for (let hour = 494_880; padded.length < chunks; hour++) {
    for (let n = random.poisson((perDay * BY_HOUR[hour % 24]!) / total); n > 0; n--) {
      people += 1;
      for (const { delayHours, keys } of population.person(random.bytes, hour)) {
        due.set(hour + delayHours, [...(due.get(hour + delayHours) ?? []), { keys }]);
      }
    }
    for (const { keys } of due.get(hour) ?? []) {
      const fresh = publishableKeys(keys, hourStart(hour)).keys.flatMap((key) => {
        const release = Math.max(releaseHour(key), hour);
        const published = filler.publishedForm(key);
        return retentionEnd(published, retentionDays) <= hourEnd(release) ? [] : [{ key: published, release }];
      });
      if (fresh.length === 0) continue;
      uploads += 1;
      rows.push(...fresh.map((row) => ({ ...row, decoy: false, upload: uploads })));
      filler.observe(
        shapeOf(
          fresh.map(({ key }) => key),
          hour,
        ),
        hour,
      );
    }
    due.delete(hour);
    rows = rows.filter(({ key, release }) => release > hour || retentionEnd(key, retentionDays) > hourEnd(hour));
    let set = rows.filter(({ release }) => release <= hour);
    const counts = () => [{ region: 'DE', keys: set.length, uploads: uploadsOfSet(hours(set)) }];
    const oldest = set.length === 0 ? null : Math.min(...set.map(({ release }) => release));
    const decision = decideChunk(DEFAULT_CHUNK_POLICY, hour, oldest, counts());
    if (decision === 'hold' || decision === 'empty') continue;
    if (decision === 'pad') {
      const came = hours(set.filter(({ upload }) => !earlier.has(upload)));
      const draw = filler.start({
        first: oldest!,
        hour,
        uploads: new Map(came.map(({ hour: at, realFirst }) => [at, realFirst])),
        decoyRests: set.filter(({ decoy }) => decoy).length,
        missing: DEFAULT_CHUNK_POLICY.minKeys - set.length,
      });
      while (!counts().every((count) => holdsMinima(DEFAULT_CHUNK_POLICY, count))) {
        const { keys, earliest } = draw();
        uploads += 1;
        const upload = uploads;
        const drawn = keys.map((key) => ({ key, release: Math.max(releaseHour(key), earliest), decoy: true, upload }));
        rows.push(...drawn);
        set.push(...drawn.filter(({ release }) => release <= hour));
      }
      if (people >= warmUp && set.some(({ decoy }) => !decoy)) padded.push({ hour, rows: set.map(toRow) });
    }
    for (const { upload } of set) earlier.add(upload);
    rows = rows.filter(({ release }) => release > hour);
    set = [];
  }
  return padded;
}

function toRow({ key, decoy }: Row): ChunkRow {
  return {
    start: key.rollingStartIntervalNumber,
    period: key.rollingPeriod,
    level: key.transmissionRiskLevel,
    decoy,
  };
}
