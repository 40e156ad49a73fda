/**
 * @module Rows of the Publisher's tables as SQL gives them (durable-objects/publisher/schema.ts; columns of JSON are text), and what the
 *   code works with instead.
 */
import type { SetRecord } from '../../domain/publication/record.ts';
import type { HourDecision, HourState, RegionDay, RegionHour, SealedFiles, SealedHour } from './model.ts';

/** A row of `sealed_hour`. */
export type HourRow = {
  hour: number;
  state: HourState;
  set_no: number | null;
  decision: HourDecision | null;
  record: string | null;
};

/** A row of `region_hour`. */
export type RegionHourRow = {
  region: string;
  hour: number;
  state: RegionHour['state'];
  chunks: string;
  cwa: string;
  files: string | null;
};

/** A row of `region_day`. */
export type RegionDayRow = {
  region: string;
  day: number;
  checked: number;
  cut: number;
  chunks: string;
  files: string | null;
  revised: number | null;
};

/** A row of `region_head`. */
export type HeadRow = {
  sequence: number;
  payload_sha256: string;
  etag: string;
  valid_until: number;
  through_hour: number;
};

/** @returns an hour and what became of it */
export function asHour(row: HourRow): SealedHour {
  return {
    hour: row.hour,
    state: row.state,
    setNo: row.set_no,
    decision: row.decision,
    record: row.record === null ? null : (JSON.parse(row.record) as SetRecord),
  };
}

/** @returns the files of one hour and region */
export function asRegionHour(row: RegionHourRow): RegionHour {
  return {
    region: row.region,
    hour: row.hour,
    state: row.state,
    chunks: JSON.parse(row.chunks) as RegionHour['chunks'],
    cwa: JSON.parse(row.cwa) as RegionHour['cwa'],
    sealed: JSON.parse(row.files ?? 'null') as SealedFiles | null,
  };
}

/** @returns the files of one day and region */
export function asRegionDay(row: RegionDayRow): RegionDay {
  return {
    region: row.region,
    day: row.day,
    checked: row.checked,
    cut: row.cut,
    revised: row.revised,
    chunks: JSON.parse(row.chunks) as RegionDay['chunks'],
    sealed: JSON.parse(row.files ?? 'null') as SealedFiles | null,
  };
}
