/**
 * @module Batches of cards: how many were used (never which, never whether keys came, docs/spec/europe.md §9.2 g), and their
 * withdrawal from now on or back to a date (H10): first a dry run that changes nothing, then the deed.
 */
import { Hono } from 'hono';
import type { BatchCursor, CardBatch } from '../../../domain/rpc.ts';
import { errorPage } from '../errors.tsx';
import { utcText } from '../local-time.ts';
import { answerPage, Field, Form, Long, Notice, Table, ZoneLine } from '../layout.tsx';
import { done } from '../once.ts';
import { dropUnpublished } from '../rollback-desk.ts';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

/** Whose batches this person sees: a health authority all, a provider their own. */
const scopeOf = (c: StaffContext): string | null =>
  c.var.identity.roles.includes('health-authority') ? null : c.var.identity.provider;

const BATCH_ID = /^[A-Za-z0-9_-]{1,64}$/;
const CURSOR = /^(\d{1,12})\.([A-Za-z0-9_-]{1,64})$/;

/** A field of the address that a form of this page made, or of the form that is sent. */
const field = (c: StaffContext, name: string): string =>
  (c.req.method === 'POST' ? c.var.form.get(name) : c.req.query(name)) ?? '';

/** The batch that is named, as far as this person may see it. */
async function batchIn(c: StaffContext): Promise<CardBatch | null> {
  const batchId = field(c, 'batch');
  const found = BATCH_ID.test(batchId) ? await c.env.VERIFICATION.cardBatch(batchId, scopeOf(c)) : null;
  return found === null ? null : { ...found };
}

/** Where the page begins that a link leads to: `older` or `newer` than a batch. Anything else is the newest page. */
function cursorIn(c: StaffContext): BatchCursor | null {
  for (const direction of ['older', 'newer'] as const) {
    const [, createdAt, batchId] = CURSOR.exec(c.req.query(direction) ?? '') ?? [];
    if (createdAt !== undefined && batchId !== undefined) return { direction, createdAt: Number(createdAt), batchId };
  }
  return null;
}

function PageLinks(props: { c: StaffContext; batches: readonly CardBatch[]; older: boolean; newer: boolean }) {
  const { batches, older, newer } = props;
  const { texts: t } = props.c.var;
  const [first, last] = [batches[0], batches.at(-1)];
  const at = (batch: CardBatch): string => `${batch.createdAt}.${batch.batchId}`;
  if (!(newer && first) && !(older && last)) return null;
  return (
    <nav class="row" aria-label={t.pages}>
      {newer && first && (
        <a class="button plain" href={`/staff/batches?newer=${at(first)}`}>
          {t.batchesNewer}
        </a>
      )}
      {older && last && (
        <a class="button plain" href={`/staff/batches?older=${at(last)}`}>
          {t.batchesOlder}
        </a>
      )}
    </nav>
  );
}

/** @returns the instant a withdrawal is to count from; null when the form has no date, or one outside the batch's life */
function withdrawnFrom(c: StaffContext, batch: CardBatch): { readonly from: number; readonly back: boolean } | null {
  const { now, times } = c.var;
  if (field(c, 'when') === 'now') return { from: now, back: false };
  const from = field(c, 'when') === 'back' ? times.startOfDay(field(c, 'date')) : null;
  const earliest = times.startOfDay(times.date(batch.createdAt)) ?? batch.createdAt;
  return from === null || from < earliest || from > now ? null : { from, back: true };
}

function BatchTable({ c, batches }: { c: StaffContext; batches: readonly CardBatch[] }) {
  const { texts: t, times } = c.var;
  const all = scopeOf(c) === null;
  const rows = batches.map((batch) => [
    <Long>
      {batch.label} <span class="mono soft nowrap">{batch.batchId.slice(0, 8)}</span>
    </Long>,
    ...(all ? [<Long>{batch.provider}</Long>] : []),
    <span class="nowrap">{times.date(batch.createdAt)}</span>,
    <span class="nowrap">{times.lastWholeDay(batch.expiresAt)}</span>,
    batch.size,
    batch.used,
    <span>
      {batch.withdrawnFrom === null ? t.batchValid : fill(t.batchWithdrawn, { time: times.time(batch.withdrawnFrom) })}
    </span>,
    <form method="get" action="/staff/batches/withdraw">
      <input type="hidden" name="batch" value={batch.batchId} />
      <button class="plain short" aria-label={`${t.batchWithdraw} ${batch.label}`}>
        {t.batchWithdraw}
      </button>
    </form>,
  ]);
  const heads = [
    t.batchLabel,
    ...(all ? [t.batchProvider] : []),
    t.batchMade,
    t.batchExpires,
    t.batchSize,
    t.batchUsed,
    t.batchState,
    t.action,
  ];
  const first = heads.indexOf(t.batchSize);
  return <Table caption={t['page.batches']} heads={heads} rows={rows} numeric={[first, first + 1]} />;
}

const withdrawnPath = ({ batchId }: CardBatch): string => `/staff/batches/withdrawn?batch=${batchId}`;

/** @returns the routes of the page `batches` */
export function batchRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const { texts: t } = c.var;
    const { batches: page, older, newer } = await c.env.VERIFICATION.cardBatches(scopeOf(c), cursorIn(c));
    const batches = page.map((batch) => ({ ...batch }));
    return answerPage(
      c,
      'batches',
      <>
        <p>{t.batchesIntro}</p>
        {batches.length === 0 ? <p>{t.batchesNone}</p> : <BatchTable c={c} batches={batches} />}
        <PageLinks c={c} batches={batches} older={older} newer={newer} />
        <ZoneLine c={c} />
      </>,
    );
  });

  // The steps before the deed change nothing, so they are addresses that Back leads to.
  routes.get('/withdraw', async (c) => {
    const { texts: t, times, now } = c.var;
    const batch = await batchIn(c);
    if (batch === null) return done(c, 'batches', 'withdrawMissing');
    return answerPage(
      c,
      'batches',
      <>
        <p>
          <span class="break">
            {batch.label} · {batch.provider}
          </span>{' '}
          · <span class="mono break">{batch.batchId}</span>
        </p>
        <form method="get" action="/staff/batches/withdraw/preview">
          <input type="hidden" name="batch" value={batch.batchId} />
          <fieldset>
            <legend>{t.withdrawTitle}</legend>
            <div class="choice">
              <input type="radio" id="when-now" name="when" value="now" checked aria-describedby="now-help" />
              <label for="when-now">{t.withdrawNow}</label>
              <small id="now-help">{t.withdrawNowHelp}</small>
            </div>
            <div class="choice">
              <input type="radio" id="when-back" name="when" value="back" aria-describedby="back-help" />
              <label for="when-back">{t.withdrawBack}</label>
              <small id="back-help">{fill(t.withdrawBackHelp, { zone: times.zone })}</small>
              <Field
                label={t.withdrawDate}
                name="date"
                type="date"
                min={times.date(batch.createdAt)}
                max={times.date(now)}
                value={times.date(batch.createdAt)}
              />
            </div>
          </fieldset>
          <button>{t.withdrawPreview}</button>
        </form>
      </>,
    );
  });

  routes.get('/withdraw/preview', async (c) => {
    const { texts: t, times } = c.var;
    const batch = await batchIn(c);
    if (batch === null) return done(c, 'batches', 'withdrawMissing');
    const when = withdrawnFrom(c, batch);
    if (when === null) return errorPage(c, 'input');
    if (batch.withdrawnFrom !== null && batch.withdrawnFrom <= when.from) return c.redirect(withdrawnPath(batch), 303);
    const values = {
      unused: batch.size - batch.used,
      used: batch.used,
      label: batch.label,
      time: times.time(when.from),
    };
    await audit(c, 'batch.preview', `batch ${batch.batchId}`);
    return answerPage(
      c,
      'batches',
      <>
        <h2>{t.withdrawTitle}</h2>
        <p>{t.withdrawDryRun}</p>
        <Notice kind="plain">{fill(when.back ? t.withdrawEffectBack : t.withdrawEffectNow, values)}</Notice>
        <p>{t.withdrawForGood}</p>
        <Form c={c} action="/staff/batches/withdraw/confirm">
          <input type="hidden" name="batch" value={batch.batchId} />
          <input type="hidden" name="when" value={when.back ? 'back' : 'now'} />
          <input type="hidden" name="date" value={times.date(when.from)} />
          <div class="row">
            <button class="danger">{t.withdrawConfirm}</button>
            <a class="button plain" href="/staff/batches">
              {t.withdrawCancel}
            </a>
          </div>
        </Form>
      </>,
    );
  });

  routes.post('/withdraw/confirm', async (c) => {
    const batch = await batchIn(c);
    if (batch === null) return done(c, 'batches', 'withdrawMissing');
    const when = withdrawnFrom(c, batch);
    if (when === null) return errorPage(c, 'input');
    await audit(c, 'batch.withdraw', `batch ${batch.batchId} from ${utcText(when.from)} UTC`);
    const holds = await c.env.VERIFICATION.withdrawBatch(batch.batchId, scopeOf(c), when.from);
    if (holds === null) return done(c, 'batches', 'withdrawMissing');
    // After verification, which knows whose batch it is. A crash in between is mended by withdrawing again.
    if (when.back) await dropUnpublished(c, batch.batchId, holds);
    return c.redirect(withdrawnPath(batch), 303);
  });

  routes.get('/withdrawn', async (c) => {
    const { texts: t, times } = c.var;
    const batch = await batchIn(c);
    if (batch === null || batch.withdrawnFrom === null) return done(c, 'batches', 'withdrawMissing');
    return answerPage(
      c,
      'batches',
      <>
        <p>
          {batch.label} · {batch.provider} · <span class="mono break">{batch.batchId}</span>
        </p>
        <Notice kind="good">{fill(t.withdrawDone, { time: times.time(batch.withdrawnFrom) })}</Notice>
        {c.var.identity.roles.includes('health-authority') && (
          <p>
            <a href="/staff/rollbacks">{t['page.rollbacks']}</a>
          </p>
        )}
        <p>
          <a href="/staff/batches">{t.back}</a>
        </p>
      </>,
    );
  });

  return routes;
}
