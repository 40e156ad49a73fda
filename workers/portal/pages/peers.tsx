/**
 * @module Peers (docs/federation.md): each at a glance; one with its hours, what it sent that was dropped, what was set aside and what was imported. A second person lets in or takes back; one
 * stops a direction or throws away.
 */
import { Hono } from 'hono';
import { REGION_ID } from '../../../protocol/directory/entry.ts';
import { errorPage } from '../errors.tsx';
import { answerPage, Notice, Table, ZoneLine } from '../layout.tsx';
import type { NoticeKey } from '../notices.ts';
import { done } from '../once.ts';
import { pageOf } from '../paging.tsx';
import {
  askForPeerAct,
  batchesOf,
  confirmPeerAct,
  type ConfirmPeerActReply,
  declinePeerAct,
  setStopped,
  peersOf,
  type PeerView,
  readAnew,
  throwAway,
} from '../peers-desk.ts';
import type { Staff, StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';
import { PeerActs } from './peer-acts.tsx';
import { counted, DIRECTIONS, lagText, lastText, PeerDetail, stateText } from './peer-detail.tsx';

const BATCH = /^[\x21-\x7e]{1,100}$/;
const ACT = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const NOTICE_OF: Readonly<Record<ConfirmPeerActReply['kind'], NoticeKey>> = {
  done: 'peersConfirmed',
  again: 'peersAgain',
  own: 'rollbacksOwn',
  gone: 'peersGone',
};

function Overview({ c, peers }: { c: StaffContext; peers: readonly PeerView[] }) {
  const { texts: t } = c.var;
  const late = peers.filter((peer) => peer.late).map(({ config }) => config.RegionID);
  const broken = peers.filter(({ state }) => state.breaker !== null).map(({ config }) => config.RegionID);
  const shown = pageOf(c, peers, { page: 'peers', parameter: 'page', caption: t['page.peers'] });
  const rows = shown.rows.map((peer) => [
    <a href={`/staff/peers?peer=${peer.config.RegionID}`}>{peer.config.RegionID}</a>,
    stateText(c, peer),
    <span class="nowrap">{lastText(c, peer)}</span>,
    <span class="nowrap">{lagText(c, peer)}</span>,
    peer.day.in,
    peer.day.out,
    counted(peer.day.dropped),
    peer.waiting,
  ]);
  const heads = [
    t.peerRegion,
    t.peerState,
    t.peerLastSuccess,
    t.peerLagHead,
    t.peerIn,
    t.peerOut,
    t.peerDropped,
    t.peerWaiting,
  ];
  return (
    <>
      {late.length > 0 && <Notice kind="bad">{fill(t.peersLate, { peers: late.join(', ') })}</Notice>}
      {broken.length > 0 && <Notice kind="bad">{fill(t.peersBroken, { peers: broken.join(', ') })}</Notice>}
      {peers.length === 0 ? (
        <p>{t.peersNone}</p>
      ) : (
        <>
          <Table caption={t['page.peers']} heads={heads} rows={rows} numeric={[4, 5, 6, 7]} />
          <p class="soft">{t.peersDay}</p>
        </>
      )}
      {shown.links}
    </>
  );
}

/** @returns a form's peer and batch, or null where one of them can't be any */
function batchIn(form: ReadonlyMap<string, string>): { readonly peer: string; readonly batch: string } | null {
  const [peer, batch] = [form.get('peer') ?? '', form.get('batch') ?? ''];
  return REGION_ID.test(peer) && BATCH.test(batch) ? { peer, batch } : null;
}

/** @returns the routes of the page `peers` */
export function peerRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const { texts: t } = c.var;
    const acts = (await c.var.room.peerActs()).map((act) => ({ ...act }));
    const region = c.req.query('peer');
    const peers = await peersOf(c);
    const peer = peers.find(({ config }) => config.RegionID === region);
    if (peer !== undefined) {
      return answerPage(
        c,
        'peers',
        <>
          <h2>{fill(t.peerOne, { peer: peer.config.RegionID })}</h2>
          <PeerDetail c={c} peer={peer} batches={await batchesOf(c, peer.config.RegionID)} />
          <PeerActs c={c} acts={acts.filter((act) => act.peer === region)} />
        </>,
      );
    }
    return answerPage(
      c,
      'peers',
      <>
        <p>{t.peersIntro}</p>
        <Overview c={c} peers={peers} />
        <PeerActs c={c} acts={acts} />
        <ZoneLine c={c} />
      </>,
    );
  });

  for (const kind of ['release', 'undo'] as const) {
    routes.post(`/${kind}`, async (c) => {
      const about = batchIn(c.var.form);
      if (about === null) return errorPage(c, 'input');
      const { kind: answer } = await askForPeerAct(c, kind, about.peer, about.batch);
      return done(c, 'peers', answer === 'asked' ? 'peersAsked' : 'peersUnknown', `&peer=${about.peer}`);
    });
  }

  routes.post('/throw-away', async (c) => {
    const about = batchIn(c.var.form);
    if (about === null) return errorPage(c, 'input');
    const thrown = await throwAway(c, about.peer, about.batch);
    return done(c, 'peers', thrown ? 'peersThrownAway' : 'peersUnknown', `&peer=${about.peer}`);
  });

  routes.post('/switch', async (c) => {
    const { form } = c.var;
    const [peer, stopped] = [form.get('peer') ?? '', form.get('stopped') ?? ''];
    const direction = DIRECTIONS.find((one) => one === form.get('direction'));
    if (!REGION_ID.test(peer) || direction === undefined || !['yes', 'no'].includes(stopped))
      return errorPage(c, 'input');
    const known = await setStopped(c, peer, direction, stopped === 'yes');
    if (!known) return done(c, 'peers', 'peersUnknown');
    return done(c, 'peers', stopped === 'yes' ? 'peersStopped' : 'peersStarted', `&peer=${peer}`);
  });

  routes.post('/reread', async (c) => {
    const peer = c.var.form.get('peer') ?? '';
    if (!REGION_ID.test(peer)) return errorPage(c, 'input');
    const known = await readAnew(c, peer);
    return done(c, 'peers', known ? 'peersReread' : 'peersUnknown', `&peer=${peer}`);
  });

  routes.post('/confirm', async (c) => {
    const id = c.var.form.get('act') ?? '';
    if (!ACT.test(id)) return errorPage(c, 'input');
    return done(c, 'peers', NOTICE_OF[(await confirmPeerAct(c, id)).kind]);
  });

  routes.post('/decline', async (c) => {
    const id = c.var.form.get('act') ?? '';
    if (!ACT.test(id)) return errorPage(c, 'input');
    return done(c, 'peers', (await declinePeerAct(c, id)) ? 'peersDeclined' : 'peersGone');
  });

  return routes;
}
