/**
 * @module Rollbacks (docs/rollback.md): what somebody asked for with its dry run, and what came of those that were confirmed. A second person confirms; the undo key never comes through a browser.
 */
import { Hono } from 'hono';
import type { Rollback, RollbackDay } from '../../../domain/rollback.ts';
import { SECONDS_PER_DAY } from '../../../protocol/gaen/intervals.ts';
import { errorPage } from '../errors.tsx';
import { answerPage, Form, Notice, Table, ZoneLine } from '../layout.tsx';
import type { NoticeKey } from '../notices.ts';
import { done } from '../once.ts';
import { type ConfirmAnswer, confirm, decline } from '../rollback-desk.ts';
import type { Staff, StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Other sources that are named; more are counted. */
const NAMED = 20;

const NOTICE_OF: Readonly<Record<ConfirmAnswer['kind'], NoticeKey>> = {
  done: 'rollbacksConfirmed',
  own: 'rollbacksOwn',
  gone: 'rollbacksGone',
  // Only a key that was handed in can be a bad one, and this page hands none in.
  'bad-key': 'rollbacksGone',
};

const dayText = (day: number): string => new Date(day * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10);

function share({ unpublished, published, ofDay }: RollbackDay): string {
  return ofDay === 0 ? '–' : `${((100 * (unpublished + published)) / ofDay).toFixed(1)} %`;
}

function DryRun({ c, rollback: { plan } }: { c: StaffContext; rollback: Rollback }) {
  const { texts: t } = c.var;
  if (plan.days.length === 0) return <p>{t.rollbackNothingLeft}</p>;
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
    line.unpublished,
    line.published,
    line.mixed,
    line.gone,
    share(line),
  ]);
  const others = plan.others.slice(0, NAMED).map(({ source, day }) => `${source} (${dayText(day)})`);
  const more = plan.others.length - others.length;
  return (
    <>
      <Table caption={t.rollbackDryRun} heads={heads} rows={rows} numeric={[2, 3, 4, 5, 6]} />
      {others.length > 0 && (
        <p class="break">
          {t.rollbackOthers} {others.join(', ')}
          {more > 0 && ` ${fill(t.rollbackOthersMore, { count: more })}`}
        </p>
      )}
      <p>{t.rollbackCannot}</p>
    </>
  );
}

function Button(props: { c: StaffContext; action: string; id: string; look: 'danger' | 'plain'; children: string }) {
  return (
    <Form c={props.c} action={`/staff/rollbacks/${props.action}`}>
      <input type="hidden" name="rollback" value={props.id} />
      <button class={props.look}>{props.children}</button>
    </Form>
  );
}

function Outcome({ c, rollback: { id, outcome } }: { c: StaffContext; rollback: Rollback }) {
  const { texts: t } = c.var;
  if (outcome === null) {
    return (
      <>
        <Notice kind="bad">{t.rollbackUnfinished}</Notice>
        <Button c={c} action="confirm" id={id} look="danger">
          {t.rollbackGoOn}
        </Button>
      </>
    );
  }
  const { state, dropped, taken, failing = [] } = outcome;
  if (state === 'done') {
    return (
      <>
        <Notice kind="good">{fill(t.rollbackDone, { dropped, taken })}</Notice>
        {failing.length > 0 && <Notice kind="plain">{fill(t.rollbackFailing, { regions: failing.join(', ') })}</Notice>}
      </>
    );
  }
  const text = state === 'key' ? t.rollbackWaitsForKey : t.rollbackSealing;
  return <Notice kind="plain">{fill(text, { dropped, id })}</Notice>;
}

function RollbackView({ c, rollback }: { c: StaffContext; rollback: Rollback }) {
  const { texts: t, times, identity } = c.var;
  const { id, target, askedBy, askedAt, confirmedBy, confirmedAt } = rollback;
  const own = askedBy === identity.subject;
  const period = fill(t.rollbackPeriod, { from: dayText(target.fromDay), to: dayText(target.toDay) });
  return (
    <section class="proposal">
      <h2 class="break">
        {t[`rollback.${target.kind}`]}: {target.name}
      </h2>
      <p>
        {period} · {fill(t.rollbackAskedBy, { who: askedBy, time: times.time(askedAt) })}
        {confirmedAt !== null &&
          ` · ${fill(t.rollbackConfirmedBy, { who: confirmedBy ?? '', time: times.time(confirmedAt) })}`}
      </p>
      <DryRun c={c} rollback={rollback} />
      {confirmedAt !== null && <Outcome c={c} rollback={rollback} />}
      {confirmedAt === null && own && <p>{t.rollbackYours}</p>}
      {confirmedAt === null && (
        <div class="row">
          {!own && (
            <Button c={c} action="confirm" id={id} look="danger">
              {t.rollbackConfirm}
            </Button>
          )}
          <Button c={c} action="decline" id={id} look="plain">
            {own ? t.rollbackWithdraw : t.rollbackDecline}
          </Button>
        </div>
      )}
    </section>
  );
}

/** @returns the routes of the page `rollbacks` */
export function rollbackPageRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const { texts: t, room } = c.var;
    const rollbacks = (await room.rollbacks()).map((one) => ({ ...one }));
    return answerPage(
      c,
      'rollbacks',
      <>
        <p>{t.rollbacksIntro}</p>
        {rollbacks.length === 0 && <p>{t.rollbacksNone}</p>}
        {rollbacks.map((rollback) => (
          <RollbackView c={c} rollback={rollback} />
        ))}
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
