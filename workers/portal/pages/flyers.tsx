/**
 * @module Flyers for tests: a fresh test GUID (docs/spec/cwa.md §3.1) as QR code for the patient, and the same on a form that
 * goes to the laboratory with the sample. A flyer authorises nothing by itself, so nothing is stored: a page of the session that
 * made them derives them again (decision 033).
 */
import { Hono } from 'hono';
import { toHex, utf8 } from '../../../protocol/primitives/bytes.ts';
import { sha256 } from '../../../protocol/primitives/hash.ts';
import type { Imprint } from '../bindings.ts';
import { errorPage } from '../errors.tsx';
import { integerField, onceIn } from '../form.ts';
import { answerPage, Field, Form, Notice } from '../layout.tsx';
import { QrCode } from '../qr.tsx';
import { audit, type Staff } from '../staff-context.ts';
import type { Texts } from '../texts/en.ts';
import { fill } from '../texts/texts.ts';
import { answerSheets } from './sheet.tsx';

const MAX_FLYERS = 200;

/** A test's GUID: six hex digits and a version-4 UUID, upper case, from 146 bits that nobody else can know. */
function testGuid(order: string, n: number): string {
  const hex = toHex(sha256(utf8(`exposure-edge/flyer/v1\0${order}\0${n}`)));
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(22), 16) % 4);
  const uuid = [
    hex.slice(6, 14),
    hex.slice(14, 18),
    `4${hex.slice(19, 22)}`,
    variant + hex.slice(23, 26),
    hex.slice(26, 38),
  ];
  return [hex.slice(0, 6), ...uuid].join('-').toUpperCase();
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

const sheetPath = (once: string, count: number): string => `/staff/flyers/sheet?form=${once}&count=${count}`;

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
    const { form, once } = c.var;
    const count = integerField(form, 'count', { min: 1, max: MAX_FLYERS });
    if (count === null) return errorPage(c, 'input');
    await audit(c, 'flyers.make', `count ${count}`);
    return c.redirect(sheetPath(once, count), 303);
  });

  routes.get('/sheet', async (c) => {
    const { texts: t, identity, config, room, session } = c.var;
    const once = onceIn(c.req.query('form'));
    const count = Number(c.req.query('count'));
    // What no form made isn't shown, nor more of it: it would be in no audit log.
    const made = once !== null && (await room.formAnswer(session.formName(once))) === sheetPath(once, count);
    if (!made) return answerPage(c, 'flyers', <Notice kind="plain">{t.flyersGone}</Notice>);
    const order = session.orderOf(once);
    return answerSheets(c, 'flyers', {
      count,
      make: (n) => <Flyer t={t} imprint={config.imprint} guid={testGuid(order, n)} provider={identity.provider} />,
      piece: 'flyer',
      pieces: count,
      made: fill(t.flyersMade, { count }),
      broken: t.flyersBroken,
    });
  });

  return routes;
}
