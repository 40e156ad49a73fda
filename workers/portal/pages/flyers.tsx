/**
 * @module Flyers for tests: a fresh test GUID (docs/spec/cwa.md §3.1) as QR code for the patient, and the same on a form that
 * goes to the laboratory with the sample. A flyer authorises nothing by itself, so nothing is stored.
 */
import { Hono } from 'hono';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import type { Imprint } from '../bindings.ts';
import { errorPage } from '../errors.tsx';
import { integerField } from '../form.ts';
import { answerPage, Field, Form } from '../layout.tsx';
import { QrCode } from '../qr.tsx';
import { audit, type Staff } from '../staff-context.ts';
import type { Texts } from '../texts/en.ts';
import { fill } from '../texts/texts.ts';
import { answerSheets } from './sheet.tsx';

const MAX_FLYERS = 200;
const PREFIX_BYTES = 3;

/** A test's GUID: six random hex digits and a random version-4 UUID, upper case. */
function testGuid(): string {
  const prefix = toHex(crypto.getRandomValues(new Uint8Array(PREFIX_BYTES)));
  return `${prefix}-${crypto.randomUUID()}`.toUpperCase();
}

interface FlyerProps {
  readonly t: Texts;
  readonly imprint: Imprint;
  readonly guid: string;
  readonly provider: string;
}

function Flyer({ t, imprint, guid, provider }: FlyerProps) {
  return (
    <article class="flyer">
      <section>
        <p class="from">{imprint.authority}</p>
        <p class="kind">{t.flyerPatient}</p>
        <h2>{t.flyerTitle}</h2>
        <div class="parts">
          <QrCode guid={guid} label="QR" />
          <div>
            <ol>
              <li>{fill(t.flyerStep1, { app: imprint.app })}</li>
              <li>{t.flyerStep2}</li>
              <li>{t.flyerStep3}</li>
            </ol>
            <p>{t.flyerKeep}</p>
            <p class="questions">
              {fill(t.flyerQuestions, { authority: imprint.authority, telephone: imprint.telephone })}
            </p>
          </div>
        </div>
        <p class="guid">{guid}</p>
      </section>
      <div class="cut">{t.flyerCut}</div>
      <section>
        <p class="from">{imprint.authority}</p>
        <p class="kind">{t.flyerLab}</p>
        <h2>{t.flyerLabTitle}</h2>
        <div class="parts">
          <QrCode guid={guid} label="QR" />
          <div>
            <p class="line">{t.flyerName}</p>
            <p class="line">{t.flyerBirth}</p>
            <p class="line">{t.flyerSample}</p>
            <p>
              {t.flyerSender}: {provider}
            </p>
          </div>
        </div>
        <p class="guid">
          {t.flyerLabId}: {guid}
        </p>
      </section>
    </article>
  );
}

/** @returns the routes of the page `flyers` */
export function flyerRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', (c) => {
    const { texts: t } = c.var;
    return answerPage(
      c,
      'flyers',
      <>
        <p>{t.flyersIntro}</p>
        <Form c={c} action="/staff/flyers">
          <Field label={t.flyersCount} name="count" type="number" required min={1} max={MAX_FLYERS} value="1" />
          <button>{t.flyersMake}</button>
        </Form>
      </>,
    );
  });

  routes.post('/', async (c) => {
    const { texts: t, identity, config } = c.var;
    const count = integerField(c.var.form, 'count', { min: 1, max: MAX_FLYERS });
    if (count === null) return errorPage(c, 'input');
    await audit(c, 'flyers.make', `count ${count}`);
    return answerSheets(c, 'flyers', {
      count,
      make: () => <Flyer t={t} imprint={config.imprint} guid={testGuid()} provider={identity.provider} />,
      piece: 'flyer',
      pieces: count,
      made: fill(t.flyersMade, { count }),
      broken: t.flyersBroken,
    });
  });

  return routes;
}
