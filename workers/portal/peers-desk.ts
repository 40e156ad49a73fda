/**
 * @module What operators do about peers (docs/federation.md): stop a direction, read a feed from its beginning, throw away what was set aside; and, two persons, let it in or take back what was imported. `federation` keeps peers, `origin`
 * their keys, StaffRoom who agreed.
 *
 * Durable writes: the confirmation, then the batch, then what came of it. A crash in between leaves an act that is confirmed and not done; whoever may ask goes on with it, and each step is idempotent.
 */
import { partOf, storedAs } from '../../domain/federation/gateway-batch.ts';
import { hoursOf, isLate, lagOf, type PeerHour, type PeerSums, sumHours } from '../../domain/federation/standing.ts';
import type { PeerBatchUndone } from '../../domain/rpc-federation.ts';
import {
  type DeskBatch,
  type PeerStatus,
  type ReleaseReply,
  SHOWN_HOURS,
} from '../../durable-objects/peer-desk/contract.ts';
import type { Direction } from '../../domain/federation/peer.ts';
import { isOver, type PeerActKind } from '../../durable-objects/staff-room/peer-act-ops.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { audit, type StaffContext } from './staff-context.ts';

/** unknown: no such batch is there to be let in or taken back. */
export type AskPeerActReply = { readonly kind: 'asked' | 'unknown' };

/** again: it is confirmed, and has to be asked for once more. own: whoever asked can't be the second person. */
export type ConfirmPeerActReply = { readonly kind: 'done' | 'again' | 'own' | 'gone' };

const ACTION = { release: 'peer.release', undo: 'peer.undo' } as const satisfies Readonly<Record<PeerActKind, string>>;

/** A peer as pages show it. */
export interface PeerView extends PeerStatus {
  /** Newest first, {@link SHOWN_HOURS} at most. */
  readonly hours: readonly PeerHour[];
  /** Of the running hour and the 23 before it. */
  readonly day: PeerSums;
  /** Hours since the last answer that held; null: there was none, or we don't ask. */
  readonly lagHours: number | null;
  /** An operator must look. */
  readonly late: boolean;
}

const HOURS_A_DAY = 24;

function viewOf(status: PeerStatus, hour: number): PeerView {
  const hours = hoursOf(status.read, status.given);
  const day = sumHours(hours.filter((one) => one.hour > hour - HOURS_A_DAY));
  return {
    ...status,
    hours: hours.slice(0, SHOWN_HOURS),
    day,
    lagHours: lagOf(status, hour),
    late: isLate(status, hour),
  };
}

/** @returns each configured peer */
export async function peersOf(c: StaffContext): Promise<PeerView[]> {
  const hour = hourOf(c.var.now);
  return (await c.env.FEDERATION.peers()).map((status) => viewOf(status, hour));
}

/** @returns every batch of a peer that is remembered */
export const batchesOf = async (c: StaffContext, region: string): Promise<readonly DeskBatch[]> =>
  c.env.FEDERATION.batches(region);

/** The kill switch of one direction. @returns false when there is no such peer */
export async function setStopped(
  c: StaffContext,
  region: string,
  direction: Direction,
  stopped: boolean,
): Promise<boolean> {
  await audit(c, stopped ? 'peer.stop' : 'peer.start', `${region} ${direction}`);
  return c.env.FEDERATION.stopPeer(region, direction, stopped);
}

/** A feed is read from its beginning. One person does it: what comes in by it is judged as always. @returns false when there is no such feed */
export async function readAnew(c: StaffContext, region: string): Promise<boolean> {
  await audit(c, 'peer.reread', region);
  return c.env.FEDERATION.rereadPeer(region);
}

/** What was set aside is forgotten. One person does it: nobody is warned of anything by it. @returns false when there is none */
export async function throwAway(c: StaffContext, region: string, batch: string): Promise<boolean> {
  await audit(c, 'peer.throw-away', `${region} ${batch}`);
  return c.env.FEDERATION.discardBatch(region, batch);
}

const sum = (batches: readonly DeskBatch[]): number => batches.reduce((keys, { imported }) => keys + imported, 0);

/** Asks for what takes two. */
export async function askForPeerAct(
  c: StaffContext,
  kind: PeerActKind,
  region: string,
  batch: string,
): Promise<AskPeerActReply> {
  const peer = (await peersOf(c)).find(({ config }) => config.RegionID === region);
  const wanted = kind === 'release' ? 'quarantined' : 'imported';
  const there = (await batchesOf(c, region)).filter(({ state }) => state === wanted);
  const line = there.find((one) => one.batch === batch);
  if (peer === undefined || line === undefined) return { kind: 'unknown' };
  const isPart = ({ batch: name }: DeskBatch): boolean => peer.config.Format === 'efgs' && partOf(name).tag === batch;
  const keys = kind === 'release' ? line.keys : sum(there.filter((one) => one === line || isPart(one)));
  const id = crypto.randomUUID();
  const { Format: format } = peer.config;
  await audit(c, `${ACTION[kind]}.ask`, `${region} ${batch} ${id}`);
  await c.var.room.askForPeerAct({ id, kind, peer: region, batch, format, keys, by: c.var.identity.person });
  return { kind: 'asked' };
}

/** The second person confirms, or anybody goes on with what is confirmed. */
export async function confirmPeerAct(c: StaffContext, id: string): Promise<ConfirmPeerActReply> {
  const reply = await c.var.room.confirmPeerAct(id, c.var.identity.person);
  if (reply.kind !== 'confirmed') return { kind: reply.kind };
  const { kind, peer, batch, format } = reply.act;
  if (isOver(reply.act)) return { kind: 'done' };
  await audit(c, ACTION[kind], `${peer} ${batch} ${id}`);
  const outcome: ReleaseReply['kind'] | PeerBatchUndone['state'] =
    kind === 'release'
      ? (await c.env.FEDERATION.releaseBatch(peer, batch)).kind
      : (await c.env.ORIGIN.undoPeerBatch({ id, ...storedAs(format, peer, batch) })).state;
  await c.var.room.notePeerAct(id, outcome);
  return { kind: isOver({ outcome }) ? 'done' : 'again' };
}

/** Ends one that nobody confirmed. @returns false when there is none */
export async function declinePeerAct(c: StaffContext, id: string): Promise<boolean> {
  await audit(c, 'peer.decline', id);
  return c.var.room.declinePeerAct(id);
}
