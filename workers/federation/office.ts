/**
 * @module RPC entrypoint of `federation` for the portal (docs/architecture.md §2, §9): what is known of each configured peer, the kill switch, and what becomes of batches that were set aside. That two persons
 * let one in, the portal has decided. Built by a factory, so that the local edge can hand in its clock.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import {
  hoursOf,
  type LetInReply,
  type PeersOfficeRpc,
  type PeerStanding,
  type PeerSummary,
  sumHours,
} from '../../domain/federation/office.ts';
import type { Direction } from '../../domain/federation/peer.ts';
import type { ObjectRemains } from '../../domain/sunset.ts';
import type { DeskStatus } from '../../durable-objects/peer-desk/contract.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { purgeAll, remainsOf, stopAll } from '../shared/ending.ts';
import type { FederationEnv } from './bindings.ts';
import { deskClocks, deskOf, desksOf } from './desks.ts';

const HOURS_A_DAY = 24;
/** Hours that a page shows. */
const HOURS_TOLD = 48;

const LET_IN = {
  released: 'imported',
  none: 'gone',
  changed: 'changed',
  fault: 'failed',
} as const;

/** @param hour that is running @returns what the portal is told */
function standingOf(status: DeskStatus, hour: number): PeerStanding {
  const { config, state, fault, lastSuccessHour } = status;
  const batches = status.batches.map(({ sha256: _, ...line }) => line);
  const hours = hoursOf(batches, status.given);
  return {
    config,
    state,
    fault,
    lastSuccessHour,
    day: sumHours(hours.filter((one) => one.hour > hour - HOURS_A_DAY)),
    waiting: batches.filter((one) => one.state === 'quarantined').length,
    hours: hours.slice(0, HOURS_TOLD),
    batches,
  };
}

/** @returns the class the portal binds */
export function createPeersOffice(clock: Clock) {
  return class PeersOffice extends WorkerEntrypoint<FederationEnv> implements PeersOfficeRpc {
    async peers(): Promise<PeerSummary[]> {
      const hour = hourOf(await clock());
      // One object a peer: one that can't be reached is an error for all, so that nobody takes it for well.
      const statuses = desksOf(this.env).map(async ({ region, desk }) => desk.status(region));
      return (await Promise.all(statuses)).map((status) => {
        const { hours: _hours, batches: _batches, ...summary } = standingOf(status, hour);
        return summary;
      });
    }

    async peer(region: string): Promise<PeerStanding | null> {
      const desk = deskOf(this.env, region);
      return desk === null ? null : standingOf(await desk.status(region), hourOf(await clock()));
    }

    async setStopped(region: string, direction: Direction, stopped: boolean): Promise<'done' | 'gone'> {
      const desk = deskOf(this.env, region);
      await desk?.stop(direction, stopped);
      return desk === null ? 'gone' : 'done';
    }

    async letIn(region: string, batch: string): Promise<LetInReply> {
      const desk = deskOf(this.env, region);
      return { kind: desk === null ? 'gone' : LET_IN[(await desk.release(region, batch)).kind] };
    }

    async throwAway(region: string, batch: string): Promise<'done' | 'gone'> {
      return (await deskOf(this.env, region)?.discard(batch)) === true ? 'done' : 'gone';
    }

    clocks(): Promise<ClockStatus[]> {
      return deskClocks(this.env, null);
    }

    confirmClocks(at: number): Promise<ClockStatus[]> {
      return deskClocks(this.env, at);
    }

    stopForGood(hour: number): Promise<void> {
      return stopAll(byName(this.env), hour);
    }

    purgeForGood(hour: number): Promise<void> {
      return purgeAll(byName(this.env), hour);
    }

    remains(): Promise<ObjectRemains[]> {
      return remainsOf(byName(this.env));
    }
  };
}

const byName = (env: FederationEnv) =>
  Object.fromEntries(desksOf(env).map(({ region, desk }) => [`peer-${region}`, desk]));
