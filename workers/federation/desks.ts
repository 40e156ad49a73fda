/**
 * @module The desks of `federation`: one object a peer that `PEERS` names (durable-objects/peer-desk/), reached by its region. Beside it what operators do with them, for `portal`.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { ClockStatus } from '../../domain/clock-status.ts';
import { parsePeers, type Direction } from '../../domain/federation/peer.ts';
import { isLate, lagOf } from '../../domain/federation/standing.ts';
import type { FederationBackOfficeRpc } from '../../domain/rpc-federation.ts';
import { REGION_ID } from '../../protocol/directory/entry.ts';
import type { ObjectRemains } from '../../domain/sunset.ts';
import type { DeskBatch, PeerStatus, ReleaseReply } from '../../durable-objects/peer-desk/contract.ts';
import type { PeerDesk } from '../../durable-objects/peer-desk/peer-desk-do.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { clocksOf, reportHeldClocks } from '../shared/clocks.ts';
import { purgeAll, remainsOf, stopAll } from '../shared/ending.ts';
import { ConfigError, country } from '../shared/env.ts';
import { logLine } from '../shared/log.ts';

/** What of the environment the desks need; they read the rest by themselves. */
export interface DesksEnv {
  readonly PEER_DESK: DurableObjectNamespace<PeerDesk>;
  readonly HOME_COUNTRY: string;
  readonly PEERS: string;
  /** JSON, where a peer's Format is efgs (durable-objects/peer-desk/config.ts). */
  readonly EFGS_SETTINGS?: string | undefined;
  /** As in `[env.origin.vars]`. */
  readonly PEER_FEEDS: string;
}

type Desk = DurableObjectStub<PeerDesk>;

/** @returns a desk by its region @throws ConfigError when `PEERS` is wrong */
function desksOf({ PEER_DESK, PEERS, HOME_COUNTRY }: DesksEnv): Record<string, Desk> {
  const peers = parsePeers(PEERS, country({ HOME_COUNTRY }, 'HOME_COUNTRY'));
  if (!peers.ok) throw new ConfigError('PEERS', peers.error);
  return Object.fromEntries(peers.value.map(({ RegionID }) => [RegionID, PEER_DESK.getByName(RegionID)]));
}

/** @returns the desk of no peer: who reads us is stopped there */
export const switchesOf = ({ PEER_DESK }: Pick<DesksEnv, 'PEER_DESK'>): Desk => PEER_DESK.getByName('switches');

const named = (env: DesksEnv): Record<string, Desk> => ({
  ...Object.fromEntries(Object.entries(desksOf(env)).map(([region, desk]) => [`peer-${region}`, desk])),
  'peer-switches': switchesOf(env),
});

/** Asking for an object makes it: where nobody is read and nothing is given there is no desk, nor one of no peer. At its end a deployment asks all the same, since settings may have been others. */
const clocks = async (env: DesksEnv, at: number | null): Promise<ClockStatus[]> =>
  env.PEERS === '' && env.PEER_FEEDS === '' ? [] : clocksOf(named(env), at);

/** The cron's handler: the desks' watchdog, and when peers are told of what our feeds have new. None waits for another's trouble. */
export async function scheduled({ scheduledTime }: { readonly scheduledTime: number }, env: DesksEnv): Promise<void> {
  reportHeldClocks(await clocks(env, Math.floor(scheduledTime / 1000)));
  const desks = Object.entries(desksOf(env));
  // Said before anybody is asked: a peer whose answer drips would keep the others' alerts waiting, and the platform ends a cron that lasts.
  const alerts = await Promise.allSettled(
    desks.map(async ([region, desk]) => [region, await desk.newAlerts()] as const),
  );
  for (const one of alerts) {
    if (one.status === 'rejected') continue;
    const [region, counts] = one.value;
    for (const [name, count] of Object.entries(counts)) logLine(`${name}_${region}: ${count} more`);
  }
  await reportLate(desks, hourOf(Math.floor(scheduledTime / 1000)));
  await Promise.allSettled(desks.flatMap(([region, desk]) => [desk.advance(region), desk.tell(region)]));
}

/** One log line at each cron for each peer that has been silent for more than two hours (docs/federation.md). */
async function reportLate(desks: readonly (readonly [string, Desk])[], hour: number): Promise<void> {
  const told = await Promise.allSettled(desks.map(async ([region, desk]) => desk.status(region)));
  for (const one of told) {
    if (one.status === 'rejected' || !isLate(one.value, hour)) continue;
    const lag = lagOf(one.value, hour);
    const since = lag === null ? 'never an answer that held' : `${lag} hours without an answer that held`;
    logLine(`alert_peer_late_${one.value.config.RegionID}: ${since}`);
  }
}

/** Operator commands; bound by `portal` alone. */
export class BackOffice
  extends WorkerEntrypoint<DesksEnv>
  implements FederationBackOfficeRpc<PeerStatus, ReleaseReply, DeskBatch>
{
  async advance(): Promise<{ readonly idle: boolean }> {
    const desks = Object.entries(desksOf(this.env));
    await Promise.allSettled(desks.map(([region, desk]) => desk.tell(region)));
    const asked = await Promise.allSettled(desks.map(async ([region, desk]) => (await desk.advance(region)).idle));
    // What one couldn't do is its own fault, which the page shows: it isn't asked for again and again.
    return { idle: asked.every((one) => one.status === 'rejected' || one.value) };
  }

  async peers(): Promise<PeerStatus[]> {
    const desks = Object.entries(desksOf(this.env));
    if (desks.length === 0) return [];
    const given = (await switchesOf(this.env).given()).map((one) => ({ ...one }));
    return Promise.all(
      desks.map(async ([region, desk]) => ({
        ...structuredClone(await desk.status(region)),
        given: given.filter((one) => one.region === region).map(({ hour, keys }) => ({ hour, keys })),
      })),
    );
  }

  async batches(region: string): Promise<DeskBatch[]> {
    return (await desksOf(this.env)[region]?.batches())?.map((one) => ({ ...one })) ?? [];
  }

  async stopPeer(region: string, direction: Direction, stopped: boolean): Promise<boolean> {
    const desk = desksOf(this.env)[region];
    const isReader = direction === 'out' && REGION_ID.test(region);
    // What stops a reader comes before what the page shows of it, and after where it starts: cut off in between, the page never says stopped of one that reads.
    if (isReader && stopped) await switchesOf(this.env).stopReader(region, stopped);
    await desk?.stop(direction, stopped);
    if (isReader && !stopped) await switchesOf(this.env).stopReader(region, stopped);
    return isReader || desk !== undefined;
  }

  async rereadPeer(region: string): Promise<boolean> {
    return (await desksOf(this.env)[region]?.reread(region)) ?? false;
  }

  async releaseBatch(region: string, batch: string): Promise<ReleaseReply> {
    const desk = desksOf(this.env)[region];
    return desk === undefined ? { kind: 'none' } : { ...(await desk.release(region, batch)) };
  }

  async discardBatch(region: string, batch: string): Promise<boolean> {
    return (await desksOf(this.env)[region]?.discard(batch)) ?? false;
  }

  clocks(): Promise<ClockStatus[]> {
    return clocks(this.env, null);
  }

  confirmClocks(at: number): Promise<ClockStatus[]> {
    return clocks(this.env, at);
  }

  stopForGood(hour: number): Promise<void> {
    return stopAll(named(this.env), hour);
  }

  purgeForGood(hour: number): Promise<void> {
    return purgeAll(named(this.env), hour);
  }

  remains(): Promise<ObjectRemains[]> {
    return remainsOf(named(this.env));
  }
}
