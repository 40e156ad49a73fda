/**
 * @module Make a batch of code cards and print it (docs/spec/europe.md §6 H9–H15). The codes are on a page of the session that made
 * them alone, which derives them again (decision 033): no URL, store or log has them.
 */
import { Hono } from 'hono';
import { MAX_CARDS_PER_BATCH, MIN_CARDS_PER_BATCH } from '../../../domain/card-batch.ts';
import type { CardBatch } from '../../../domain/rpc.ts';
import { cardText, dateText } from '../format.ts';
import { integerField, onceIn, textField } from '../form.ts';
import { errorPage } from '../errors.tsx';
import { answerPage, Field, Form, Notice } from '../layout.tsx';
import { done } from '../once.ts';
import { QrCode } from '../qr.tsx';
import { audit, type Staff } from '../staff-context.ts';
import type { Texts } from '../texts/en.ts';
import { fill } from '../texts/texts.ts';
import { answerSheet } from './sheet.tsx';

/** A label is printed on each card. */
const MAX_LABEL = 60;

/** One card: what the app scans, what a person types, until when, and which batch. */
function Card(props: { t: Texts; batch: CardBatch; card: { readonly code: string; readonly guid: string } }) {
  const { t, batch, card } = props;
  return (
    <article class="card">
      <p class="title">{t.cardTitle}</p>
      <QrCode guid={card.guid} label="QR" />
      <div>
        <p>{t.cardScan}</p>
        {(cardText(card.code).match(/[^-]+-?/g) ?? []).map((group) => (
          <div class="typed">{group}</div>
        ))}
      </div>
      <p class="foot">
        <span>
          {batch.provider} · {batch.label}
        </span>
        <span>
          {fill(t.cardBatch, { batch: batch.batchId.slice(0, 8) })} ·{' '}
          {fill(t.cardUntil, { date: dateText(batch.expiresAt) })}
        </span>
      </p>
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
    const { texts: t, identity, session } = c.var;
    const once = onceIn(c.req.query('form'));
    const order = once === null ? null : session.orderOf(once);
    const sheet = order === null ? null : await c.env.VERIFICATION.orderedCards(identity.provider, order);
    if (sheet === null) return answerPage(c, 'cards', <Notice kind="plain">{t.cardsGone}</Notice>);
    const { batch } = sheet;
    const count = batch.size;
    const pieces = sheet.cards.map(({ code, guid }) => () => <Card t={t} batch={batch} card={{ code, guid }} />);
    return answerSheet(c, 'cards', <Notice kind="good">{fill(t.cardsMade, { count })}</Notice>, pieces);
  });

  return routes;
}
