/**
 * @module Make a batch of code cards and print it (docs/spec/europe.md §6 H9–H15). The codes are on a page of the session that made
 * them alone, which derives them again (decision 033): no URL, store or log has them.
 */
import { Hono } from 'hono';
import { MAX_CARDS_PER_BATCH, MIN_CARDS_PER_BATCH } from '../../../domain/card-batch.ts';
import type { CardBatch } from '../../../domain/rpc.ts';
import { cardText } from '../format.ts';
import type { Imprint } from '../bindings.ts';
import { integerField, onceIn, textField } from '../form.ts';
import { errorPage } from '../errors.tsx';
import { answerPage, Field, Form, Notice } from '../layout.tsx';
import { done } from '../once.ts';
import { QrCode } from '../qr.tsx';
import { audit, type Staff } from '../staff-context.ts';
import type { Texts } from '../texts/en.ts';
import { fill } from '../texts/texts.ts';
import { answerSheets } from './sheet.tsx';

/** A label is printed on each card. */
const MAX_LABEL = 60;

/** Cards on a sheet of A4, in two columns: 170 × 270 mm. */
const CARDS_PER_SHEET = 10;
/** Provider and label of so many characters fill two lines of a card, an authority's name of so many one; more are set smaller. */
const ROOMY = { foot: 80, authority: 40 };
/** A word that a line of a card can't be broken before without waste. */
const LONG_WORD = /\S{25}/u;

/** What stands for a batch in print and in the table of batches. */
const shortId = ({ batchId }: CardBatch): string => batchId.slice(0, 8);

interface Batch {
  readonly t: Texts;
  readonly imprint: Imprint;
  /** Last day on which the cards are good, all of it. */
  readonly until: string;
  readonly batch: CardBatch;
}

/** One card: whose it is, what the app scans, what a person types, whom they may ask, until when, and which batch. */
function Card({ t, imprint, until, batch, code, guid }: Batch & { readonly code: string; readonly guid: string }) {
  const { provider, label } = batch;
  const isLong = provider.length + label.length > ROOMY.foot;
  const setting = isLong ? (LONG_WORD.test(`${provider} ${label}`) ? 'dense' : 'tight') : '';
  return (
    <article class="card">
      <p class={imprint.authority.length > ROOMY.authority ? 'from tight' : 'from'}>{imprint.authority}</p>
      <p class="title">{t.cardTitle}</p>
      <div class="both">
        <QrCode guid={guid} label="QR" />
        <div class="type">
          <p>{fill(t.cardScan, { app: imprint.app })}</p>
          {(cardText(code).match(/[^-]+-?/g) ?? []).map((group) => (
            <div class="typed">{group}</div>
          ))}
        </div>
      </div>
      <div class={`foot ${setting}`}>
        <p>
          <b>{fill(t.cardUntil, { date: until })}</b> · {fill(t.cardQuestions, { telephone: imprint.telephone })}
        </p>
        <p>
          {fill(t.cardBatch, { batch: shortId(batch) })} · {provider} · {label}
        </p>
      </div>
    </article>
  );
}

/** @returns the routes of the page `cards` */
export function cardRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', (c) => {
    const { texts: t } = c.var;
    return answerPage(
      c,
      'cards',
      <>
        <p>{t.cardsIntro}</p>
        <Form c={c} action="/staff/cards">
          <Field label={t.cardsLabel} help={t.cardsLabelHelp} name="label" required maxlength={MAX_LABEL} />
          <Field
            label={t.cardsCount}
            name="count"
            type="number"
            required
            min={MIN_CARDS_PER_BATCH}
            max={MAX_CARDS_PER_BATCH}
            value="20"
          />
          <button>{t.cardsMake}</button>
        </Form>
      </>,
    );
  });

  routes.post('/', async (c) => {
    const { form, identity, session, once } = c.var;
    const label = textField(form, 'label', MAX_LABEL);
    const count = integerField(form, 'count', { min: MIN_CARDS_PER_BATCH, max: MAX_CARDS_PER_BATCH });
    if (label === null || count === null) return errorPage(c, 'input');
    await audit(c, 'cards.make', `count ${count}`);
    const sheet = await c.env.VERIFICATION.makeCards(identity.provider, label, count, session.orderOf(once));
    if (sheet === null) {
      await audit(c, 'cards.refused', 'limit of the day');
      return done(c, 'cards', 'cardsLimit');
    }
    await audit(c, 'cards.made', `batch ${sheet.batch.batchId} count ${count}`);
    return c.redirect(`/staff/cards/sheet?form=${once}`, 303);
  });

  routes.get('/sheet', async (c) => {
    const { texts: t, times, config, identity, session } = c.var;
    const once = onceIn(c.req.query('form'));
    const order = once === null ? null : session.orderOf(once);
    const sheet = order === null ? null : await c.env.VERIFICATION.orderedCards(identity.provider, order);
    if (sheet === null) return answerPage(c, 'cards', <Notice kind="plain">{t.cardsGone}</Notice>);
    // Plain copies: what an RPC gives is typed as something to be disposed of.
    const batch = { ...sheet.batch };
    const cards = sheet.cards.map(({ code, guid }) => ({ code, guid }));
    const count = batch.size;
    const common: Batch = { t, imprint: config.imprint, until: times.lastWholeDay(batch.expiresAt), batch };
    const sheets = Math.ceil(count / CARDS_PER_SHEET);
    return answerSheets(c, 'cards', {
      count: sheets,
      make: (index) => (
        <div class="paper">
          {cards.slice(index * CARDS_PER_SHEET, (index + 1) * CARDS_PER_SHEET).map((card) => (
            <Card {...common} {...card} />
          ))}
          <p class="number">{fill(t.cardSheet, { batch: shortId(batch), sheet: index + 1, sheets })}</p>
        </div>
      ),
      piece: 'card',
      pieces: count,
      made: fill(t.cardsMade, { count }),
      broken: t.cardsBroken,
    });
  });

  return routes;
}
