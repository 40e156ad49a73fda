/**
 * @module Issue a teleTAN to somebody on the telephone. Whoever issues says why and that they asked who is calling; beyond the
 * quota a second person releases. The code is on a page of this session alone, which derives it again while it is valid
 * (decision 033): no URL, store or log has it.
 */
import { Hono } from 'hono';
import type { TeleTanBook } from '../../../domain/code-books.ts';
import { MAX_CODES_ASKED } from '../../../domain/teletan.ts';
import { errorPage } from '../errors.tsx';
import { integerField, onceIn } from '../form.ts';
import { teleTanText } from '../format.ts';
import { answerPage, Field, Form, Notice } from '../layout.tsx';
import { done } from '../once.ts';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

/** Why a person needs a code from a hotline; each has a text, and the audit log has the word. */
const REASONS = ['no-code', 'unreadable', 'not-connected', 'lost', 'other'] as const;

function IssueForm({ c }: { c: StaffContext }) {
  const { texts: t } = c.var;
  return (
    <Form c={c} action="/staff/teletan">
      <fieldset>
        <legend>{t.teletanReason}</legend>
        {REASONS.map((reason) => (
          <div class="choice">
            <input type="radio" id={`reason-${reason}`} name="reason" value={reason} required />
            <label for={`reason-${reason}`}>{t[`reason.${reason}`]}</label>
          </div>
        ))}
      </fieldset>
      <fieldset>
        <legend>{t.teletanAsk}</legend>
        <div class="choice">
          <input type="checkbox" id="asked" name="asked" value="yes" required />
          <label for="asked">{t.teletanAskedWho}</label>
        </div>
      </fieldset>
      <button>{t.teletanIssue}</button>
    </Form>
  );
}

/** What there is to do once the quota is used up. */
function BeyondQuota({ c, book }: { c: StaffContext; book: TeleTanBook }) {
  const { texts: t } = c.var;
  return (
    <>
      <Notice kind="plain">{t.teletanQuotaOver}</Notice>
      {book.asked > 0 && (
        <>
          <p>{fill(t.teletanWaiting, { count: book.asked })}</p>
          <p>
            <a class="button plain" href="/staff/teletan">
              {t.teletanLookAgain}
            </a>
          </p>
        </>
      )}
      {book.asked === 0 && book.mayAsk && (
        <Form c={c} action="/staff/teletan/ask">
          <Field
            label={t.teletanHowMany}
            help={t.teletanHowManyHelp}
            name="codes"
            type="number"
            required
            min={1}
            max={MAX_CODES_ASKED}
            value="10"
          />
          <button>{t.teletanAskSecond}</button>
        </Form>
      )}
    </>
  );
}

/** How much of the quota is used. */
export const quotaLine = (c: StaffContext, { used, limit }: TeleTanBook) => (
  <p class="soft">{fill(c.var.texts.teletanQuota, { used, limit })}</p>
);

/** @returns the routes of the page `teletan` */
export function teleTanRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const { texts: t, identity } = c.var;
    const book = await c.env.VERIFICATION.teleTanBook(identity.subject);
    return answerPage(
      c,
      'teletan',
      <>
        {book.used < book.limit ? (
          <>
            <p>{t.teletanIntro}</p>
            <IssueForm c={c} />
          </>
        ) : (
          <BeyondQuota c={c} book={book} />
        )}
        {quotaLine(c, book)}
      </>,
    );
  });

  routes.post('/', async (c) => {
    const { identity, form, session, once } = c.var;
    const reason = REASONS.find((one) => one === form.get('reason'));
    if (reason === undefined || form.get('asked') !== 'yes') return done(c, 'teletan', 'teletanIncomplete');
    await audit(c, 'teletan.issue', `reason ${reason}`);
    const issued = await c.env.VERIFICATION.issueTeleTan(identity.subject, session.orderOf(once));
    if (issued !== null) return c.redirect(`/staff/teletan/code?form=${once}`, 303);
    await audit(c, 'teletan.refused', 'quota');
    return c.redirect('/staff/teletan', 303);
  });

  routes.get('/code', async (c) => {
    const { texts: t, times, identity, session, now } = c.var;
    const once = onceIn(c.req.query('form'));
    const order = once === null ? null : session.orderOf(once);
    const issued = order === null ? null : await c.env.VERIFICATION.orderedTeleTan(identity.subject, order);
    const another = (
      <p>
        <a class="button plain" href="/staff/teletan">
          {t.teletanAnother}
        </a>
      </p>
    );
    if (issued === null) {
      return answerPage(
        c,
        'teletan',
        <>
          <Notice kind="plain">{t.teletanGone}</Notice>
          {another}
        </>,
      );
    }
    const { teleTan, expiresAt } = issued;
    return answerPage(
      c,
      'teletan',
      <>
        <div class="code-box" data-code>
          <h2 id="code-head">{t.teletanCode}</h2>
          <p class="code" aria-labelledby="code-head">
            {teleTanText(teleTan)}
          </p>
          <p
            class="timer"
            role="timer"
            data-seconds-left={Math.max(0, expiresAt - now)}
            data-text={t.teletanLeft}
            data-expired={t.teletanExpired}
          >
            {fill(t.teletanUntil, { time: times.timeNear(expiresAt, now) })}
          </p>
          <button type="button" class="needs-js plain" data-copy={teleTan} data-done={t.copied}>
            {t.copy}
          </button>
        </div>
        <p>
          {fill(t.teletanUntil, { time: times.timeNear(expiresAt, now) })} {t.teletanOnce}
        </p>
        {another}
        {quotaLine(c, await c.env.VERIFICATION.teleTanBook(identity.subject))}
      </>,
    );
  });

  routes.post('/ask', async (c) => {
    const codes = integerField(c.var.form, 'codes', { min: 1, max: MAX_CODES_ASKED });
    if (codes === null) return errorPage(c, 'input');
    await audit(c, 'quota.ask', `codes ${codes}`);
    const { subject, person } = c.var.identity;
    const asked = await c.env.VERIFICATION.askBeyondQuota(subject, person, codes);
    return done(c, 'teletan', asked ? 'teletanAsked' : 'teletanAskedNot');
  });

  return routes;
}
