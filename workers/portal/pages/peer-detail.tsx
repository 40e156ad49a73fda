/** @module One peer (docs/federation.md): its state and switches, what was set aside, its hours, what it sent that was dropped, what was imported. */
import { sumHours } from '../../../domain/federation/standing.ts';
import type { DeskBatch } from '../../../durable-objects/peer-desk/contract.ts';
import type { Direction } from '../../../domain/federation/peer.ts';
import { hourStart } from '../../../protocol/gaen/intervals.ts';
import { Form, Long, Table, ZoneLine } from '../layout.tsx';
import { pageOf } from '../paging.tsx';
import type { PeerView } from '../peers-desk.ts';
import type { StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

/** Which way keys go. */
export const DIRECTIONS = ['in', 'out'] as const satisfies readonly Direction[];

/** @returns the sum of counts by rule */
export const counted = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, keys) => sum + keys, 0);

/** What of a peer an operator must see first. */
export function stateText({ var: { texts: t } }: StaffContext, peer: PeerView): string {
  const { breaker, stopped, failures } = peer.state;
  if (stopped.in && stopped.out) return t.peerStoppedBoth;
  if (breaker !== null) return fill(t.peerBroken, { why: breaker });
  if (stopped.in) return t.peerStoppedIn;
  if (peer.late) return t.peerLate;
  if (stopped.out) return t.peerStoppedOut;
  return failures > 0 ? fill(t.peerFailing, { failures }) : t.peerWell;
}

/** @returns hours, as far as an hour tells */
export function lagText({ var: { texts: t } }: StaffContext, peer: PeerView): string {
  return peer.lagHours === null ? '–' : fill(t.peerLag, { hours: peer.lagHours });
}

/** @returns the hour in which its last answer came that held */
export const lastText = ({ var: { texts: t, times } }: StaffContext, { lastSuccessHour }: PeerView): string =>
  lastSuccessHour === null ? t.peerNever : times.time(hourStart(lastSuccessHour));

interface BatchFormProps {
  readonly c: StaffContext;
  readonly peer: string;
  readonly batch: string;
  readonly action: 'release' | 'undo' | 'throw-away';
  readonly look: 'danger' | 'plain';
  readonly children: string;
}

function BatchForm({ c, peer, batch, action, look, children }: BatchFormProps) {
  return (
    <Form c={c} action={`/staff/peers/${action}`}>
      <input type="hidden" name="peer" value={peer} />
      <input type="hidden" name="batch" value={batch} />
      <button class={`${look} short`} aria-label={`${children}: ${peer} ${batch}`}>
        {children}
      </button>
    </Form>
  );
}

function Switches({ c, peer }: { c: StaffContext; peer: PeerView }) {
  const { texts: t } = c.var;
  const { stopped } = peer.state;
  return (
    <div class="row">
      {DIRECTIONS.map((direction) => (
        <Form c={c} action="/staff/peers/switch">
          <input type="hidden" name="peer" value={peer.config.RegionID} />
          <input type="hidden" name="direction" value={direction} />
          <button
            class={stopped[direction] ? 'plain' : 'danger'}
            name="stopped"
            value={stopped[direction] ? 'no' : 'yes'}
          >
            {t[`peer.${stopped[direction] ? 'start' : 'stop'}.${direction}`]}
          </button>
        </Form>
      ))}
      {peer.config.Format !== 'efgs' && (
        <Form c={c} action="/staff/peers/reread">
          <input type="hidden" name="peer" value={peer.config.RegionID} />
          <button class="plain">{t.peerReread}</button>
        </Form>
      )}
    </div>
  );
}

function Held({ c, peer, held }: { c: StaffContext; peer: string; held: readonly DeskBatch[] }) {
  const { texts: t, times } = c.var;
  const shown = pageOf(c, held, { page: 'peers', parameter: 'held', caption: t.peerHeld, keeps: 'peer' });
  const rows = shown.rows.map(({ batch, hour, keys, reason }) => [
    <Long>{batch}</Long>,
    <span class="nowrap">{times.time(hourStart(hour))}</span>,
    keys,
    <Long>{reason ?? ''}</Long>,
    <div class="row">
      <BatchForm c={c} peer={peer} batch={batch} action="release" look="danger">
        {t.peerRelease}
      </BatchForm>
      <BatchForm c={c} peer={peer} batch={batch} action="throw-away" look="plain">
        {t.peerThrowAway}
      </BatchForm>
    </div>,
  ]);
  return (
    <>
      <h2>{t.peerHeld}</h2>
      <p>{t.peerHeldIntro}</p>
      {rows.length === 0 ? (
        <p>{t.none}</p>
      ) : (
        <Table
          caption={t.peerHeld}
          heads={[t.peerBatch, t.peerHour, t.peerKeys, t.peerWhy, t.action]}
          rows={rows}
          numeric={[2]}
        />
      )}
      {shown.links}
    </>
  );
}

function Imported({ c, peer, batches }: { c: StaffContext; peer: string; batches: readonly DeskBatch[] }) {
  const { texts: t, times } = c.var;
  const shown = pageOf(c, batches, { page: 'peers', parameter: 'batch', caption: t.peerImported, keeps: 'peer' });
  const rows = shown.rows.map(({ batch, hour, imported, revoked }) => [
    <Long>{batch}</Long>,
    <span class="nowrap">{times.time(hourStart(hour))}</span>,
    imported,
    revoked,
    <BatchForm c={c} peer={peer} batch={batch} action="undo" look="danger">
      {t.peerUndo}
    </BatchForm>,
  ]);
  return (
    <>
      <h2>{t.peerImported}</h2>
      <p>{t.peerImportedIntro}</p>
      {rows.length === 0 ? (
        <p>{t.none}</p>
      ) : (
        <Table
          caption={t.peerImported}
          heads={[t.peerBatch, t.peerHour, t.peerIn, t.peerRevoked, t.action]}
          rows={rows}
          numeric={[2, 3]}
        />
      )}
      {shown.links}
    </>
  );
}

function Hours({ c, peer }: { c: StaffContext; peer: PeerView }) {
  const { texts: t, times } = c.var;
  const shown = pageOf(c, peer.hours, { page: 'peers', parameter: 'hours', caption: t.peerHours, keeps: 'peer' });
  const rows = shown.rows.map(({ hour, in: came, revoked, out, dropped }) => [
    <span class="nowrap">{times.time(hourStart(hour))}</span>,
    came,
    revoked,
    out,
    counted(dropped),
  ]);
  const dropped = Object.entries(sumHours(peer.hours).dropped).map(([rule, keys]) => [
    <span class="mono">{rule}</span>,
    keys,
  ]);
  return (
    <>
      <h2>{t.peerHours}</h2>
      {rows.length === 0 ? (
        <p>{t.none}</p>
      ) : (
        <Table
          caption={t.peerHours}
          heads={[t.peerHour, t.peerIn, t.peerRevoked, t.peerOut, t.peerDropped]}
          rows={rows}
          numeric={[1, 2, 3, 4]}
        />
      )}
      {shown.links}
      <h2>{t.peerDroppedWhy}</h2>
      {dropped.length === 0 ? (
        <p>{t.none}</p>
      ) : (
        <Table caption={t.peerDroppedWhy} heads={[t.peerRule, t.peerKeys]} rows={dropped} numeric={[1]} />
      )}
    </>
  );
}

interface PeerDetailProps {
  readonly c: StaffContext;
  readonly peer: PeerView;
  /** All that are remembered. */
  readonly batches: readonly DeskBatch[];
}

/** Everything of one peer. */
export function PeerDetail({ c, peer, batches }: PeerDetailProps) {
  const { texts: t } = c.var;
  const { config, state } = peer;
  const facts: [string, string][] = [
    [t.peerState, stateText(c, peer)],
    [t.peerLastSuccess, lastText(c, peer)],
    [t.peerLagHead, lagText(c, peer)],
    [t.peerLastBatch, state.lastBatchID ?? t.none],
    [t.peerUrl, config.RemoteRegionURL],
    [t.peerFormat, config.Format],
    [t.peerReplication, t[`peer.${config.ReplicationType}`]],
    [t.peerFailures, String(state.failures)],
    [t.peerFault, peer.fault ?? t.none],
  ];
  return (
    <>
      <p>
        <a href="/staff/peers">{t.back}</a>
      </p>
      <Table
        caption={fill(t.peerOne, { peer: config.RegionID })}
        heads={[t.peerFact, t.peerValue]}
        rows={facts.map(([name, value]) => [name, <Long>{value}</Long>])}
      />
      <Switches c={c} peer={peer} />
      <Held c={c} peer={config.RegionID} held={batches.filter((one) => one.state === 'quarantined')} />
      <Hours c={c} peer={peer} />
      <Imported c={c} peer={config.RegionID} batches={batches.filter((one) => one.state === 'imported')} />
      <ZoneLine c={c} />
    </>
  );
}
