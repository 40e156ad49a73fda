/**
 * @module Make a batch of code cards and print it (docs/spec/europe.md §6 H9–H15). The codes are in the answer to the form alone.
 */
import { Hono } from 'hono';
import { MAX_CARDS_PER_BATCH, MIN_CARDS_PER_BATCH } from '../../../domain/card-batch.ts';
import type { CardBatch } from '../../../domain/rpc.ts';
import { cardText, dateText } from '../format.ts';
import { integerField, textField } from '../form.ts';
import { errorPage } from '../errors.tsx';
import { answerPage, Field, Form, Notice } from '../layout.tsx';
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
    const { texts: t, form, identity } = c.var;
    const label = textField(form, 'label', MAX_LABEL);
    const count = integerField(form, 'count', { min: MIN_CARDS_PER_BATCH, max: MAX_CARDS_PER_BATCH });
    if (label === null || count === null) return errorPage(c, 'input');
    await audit(c, 'cards.make', `count ${count}`);
    const sheet = await c.env.VERIFICATION.makeCards(identity.provider, label, count);
    if (sheet === null) {
      await audit(c, 'cards.refused', 'limit of the day');
      return answerPage(c, 'cards', <Notice kind="bad">{t.cardsLimit}</Notice>, 429);
    }
    const { batch } = sheet;
    await audit(c, 'cards.made', `batch ${batch.batchId} count ${count}`);
    const pieces = sheet.cards.map(({ code, guid }) => () => <Card t={t} batch={batch} card={{ code, guid }} />);
    return answerSheet(c, 'cards', <Notice kind="good">{fill(t.cardsMade, { count })}</Notice>, pieces);
  });

  return routes;
}
