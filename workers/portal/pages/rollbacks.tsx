/**
 * @module Rollbacks (docs/rollback.md): what somebody asked for with its dry run, and what came of those that were confirmed. A second person confirms; the undo key never comes through a browser.
 */
import { Hono } from 'hono';
import { countText, shareText } from '../../../domain/rollback-counts.ts';
import { CONFIRM_WITHIN_SECONDS, type Rollback } from '../../../domain/rollback.ts';
import { SECONDS_PER_DAY } from '../../../protocol/gaen/intervals.ts';
import { errorPage } from '../errors.tsx';
import { answerPage, Form, Notice, Table, ZoneLine } from '../layout.tsx';
import type { NoticeKey } from '../notices.ts';
import { done } from '../once.ts';
import { mayUse } from '../roles.ts';
import { type ConfirmAnswer, confirm, decline, standings } from '../rollback-desk.ts';
import type { Staff, StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';
import { PeerActs } from './peer-acts.tsx';

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Other sources that are named; more are counted. */
const NAMED = 20;

const NOTICE_OF: Readonly<Record<ConfirmAnswer['kind'], NoticeKey>> = {
  noted: 'rollbacksConfirmed',
  own: 'rollbacksOwn',
  gone: 'rollbacksGone',
  // Only a key that was handed in can be a bad one, and this page hands none in.
  'bad-key': 'rollbacksGone',
};

const dayText = (day: number): string => new Date(day * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10);

/** What tells one rollback from another of the same source. */
const nameOf = ({ id, target }: Rollback): string => `${target.name}, ${id.slice(0, 8)}`;

function DryRun({ c, rollback }: { c: StaffContext; rollback: Rollback }) {
  const { plan, confirmedAt } = rollback;
  const { texts: t } = c.var;
  // Of one that an earlier version counted, and that is confirmed, what it counted is not kept (schema.ts).
  if (plan.days.length === 0) return confirmedAt === null ? <p>{t.rollbackNothingLeft}</p> : null;
  const heads = [
    t.rollbackDay,
    t.rollbackRegion,
    t.rollbackUnpublished,
    t.rollbackPublished,
    t.rollbackMixed,
    t.rollbackGone,
    t.rollbackShare,
  ];
  const rows = plan.days.map((line) => [
    <span class="nowrap">{dayText(line.day)}</span>,
    line.region,
    ...[line.unpublished, line.published, line.mixed, line.gone].map((count) => countText(count)),
    shareText(line),
  ]);
  const others = plan.others.slice(0, NAMED).map(({ source, day }) => `${source} (${dayText(day)})`);
  const more = plan.others.length - others.length;
  return (
    <>
      <Table caption={`${t.rollbackDryRun}: ${nameOf(rollback)}`} heads={heads} rows={rows} numeric={[2, 3, 4, 5, 6]} />
      {others.length > 0 && (
        <>
          <p>{t.rollbackOthers}</p>
          <ul class="break">
            {others.map((other) => (
              <li>{other}</li>
            ))}
            {more > 0 && <li>{fill(t.rollbackOthersMore, { count: more })}</li>}
          </ul>
        </>
      )}
      {confirmedAt === null && <p>{t.rollbackCannot}</p>}
    </>
  );
}

interface ButtonProps {
  readonly c: StaffContext;
  readonly action: string;
  readonly rollback: Rollback;
  readonly look: 'danger' | 'plain';
  readonly children: string;
}

function Button({ c, action, rollback, look, children }: ButtonProps) {
  return (
    <Form c={c} action={`/staff/rollbacks/${action}`}>
      <input type="hidden" name="rollback" value={rollback.id} />
      <button class={look} aria-label={`${children}: ${nameOf(rollback)}`}>
        {children}
      </button>
    </Form>
  );
}

function Outcome({ c, rollback }: { c: StaffContext; rollback: Rollback }) {
  const { id, outcome } = rollback;
  const { texts: t, times } = c.var;
  if (outcome === null) {
    return (
      <>
        <Notice kind="bad">{t.rollbackUnfinished}</Notice>
        <Button c={c} action="confirm" rollback={rollback} look="danger">
          {t.rollbackGoOn}
        </Button>
      </>
    );
  }
  const { state, dropped, taken, waits } = outcome;
  if (state === 'done') return <Notice kind="good">{fill(t.rollbackDone, { dropped, taken })}</Notice>;
  if (state === 'waiting' && waits !== null) {
    const until = waits.for === 'region' ? '' : times.time(waits.until);
    const regions = waits.regions.join(', ');
    return (
      <Notice kind="plain">
        {fill(t[`rollbackWaits.${waits.for}`], { dropped, taken, until })}
        {regions !== '' && ` ${fill(t.rollbackRegionsLater, { regions })}`}
      </Notice>
    );
  }
  const text = state === 'key' ? t.rollbackWaitsForKey : t.rollbackSealing;
  return (
    <Notice kind="plain">
      {fill(text, { dropped })}
      <br />
      <span class="mono break">npm run rollback -- confirm --id {id}</span>
    </Notice>
  );
}

function RollbackView({ c, rollback }: { c: StaffContext; rollback: Rollback }) {
  const { texts: t, times, identity } = c.var;
  const { target, askedBy, askedAt, confirmedBy, confirmedAt } = rollback;
  const own = askedBy === identity.person;
  const period = fill(t.rollbackPeriod, { from: dayText(target.fromDay), to: dayText(target.toDay) });
  return (
    <section class="proposal">
      <h3 class="break">
        {t[`rollback.${target.kind}`]}: {target.name}
      </h3>
      <p>
        {period} · {fill(t.rollbackAskedBy, { who: askedBy, time: times.time(askedAt) })}
        {confirmedAt === null &&
          ` · ${fill(t.rollbackUntil, { time: times.timeNear(askedAt + CONFIRM_WITHIN_SECONDS, askedAt) })}`}
        {confirmedAt !== null &&
          ` · ${fill(t.rollbackConfirmedBy, { who: confirmedBy ?? '', time: times.time(confirmedAt) })}`}
      </p>
      <DryRun c={c} rollback={rollback} />
      {confirmedAt !== null && <Outcome c={c} rollback={rollback} />}
      {confirmedAt === null && own && <p>{t.rollbackYours}</p>}
      {confirmedAt === null && (
        <div class="row">
          {!own && (
            <Button c={c} action="confirm" rollback={rollback} look="danger">
              {t.rollbackConfirm}
            </Button>
          )}
          <Button c={c} action="decline" rollback={rollback} look="plain">
            {own ? t.rollbackWithdraw : t.rollbackDecline}
          </Button>
        </div>
      )}
    </section>
  );
}

function Rollbacks(props: { c: StaffContext; title: string; rollbacks: readonly Rollback[] }) {
  const { c, title, rollbacks } = props;
  if (rollbacks.length === 0) return null;
  return (
    <>
      <h2>{title}</h2>
      {rollbacks.map((rollback) => (
        <RollbackView c={c} rollback={rollback} />
      ))}
    </>
  );
}

/** @returns the routes of the page `rollbacks` */
export function rollbackPageRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const { texts: t } = c.var;
    const rollbacks = await standings(c);
    // Batches of peers are an operator's to take back.
    const acts = mayUse(c.var.identity.roles, 'peers') ? await c.var.room.peerActs() : [];
    const undone = acts.filter(({ kind }) => kind === 'undo').map((act) => ({ ...act }));
    return answerPage(
      c,
      'rollbacks',
      <>
        <p>{t.rollbacksIntro}</p>
        {rollbacks.length + undone.length === 0 && <p>{t.rollbacksNone}</p>}
        <Rollbacks
          c={c}
          title={t.rollbacksOpen}
          rollbacks={rollbacks.filter(({ confirmedAt }) => confirmedAt === null)}
        />
        <Rollbacks
          c={c}
          title={t.rollbacksConfirmedOnes}
          rollbacks={rollbacks.filter(({ confirmedAt }) => confirmedAt !== null)}
        />
        <PeerActs c={c} acts={undone} />
        <ZoneLine c={c} />
      </>,
    );
  });

  routes.post('/confirm', async (c) => {
    const id = c.var.form.get('rollback') ?? '';
    if (!ID.test(id)) return errorPage(c, 'input');
    return done(c, 'rollbacks', NOTICE_OF[(await confirm(c, id, null)).kind]);
  });

  routes.post('/decline', async (c) => {
    const id = c.var.form.get('rollback') ?? '';
    if (!ID.test(id)) return errorPage(c, 'input');
    return done(c, 'rollbacks', (await decline(c, id)) ? 'rollbacksDeclined' : 'rollbacksGone');
  });

  return routes;
}
