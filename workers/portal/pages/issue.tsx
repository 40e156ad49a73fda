/**
 * @module Issue one verification code (docs/verification-codes.md): read out, scanned or opened as a link, or sent by SMS. A code is on a page of the session that issued it alone, which derives it again
 * (decision 033); its address names day and kind of a test, and neither code nor telephone number.
 */
import { Hono } from 'hono';
import type { IssuedCodesBook } from '../../../domain/rpc-codes.ts';
import type { DeliveredCode, MessageSettings } from '../../../domain/rpc-sms.ts';
import { phoneNumberIn } from '../../../protocol/sms/phone-number.ts';
import { enxLink } from '../../../protocol/sms/template.ts';
import { STAFF_TEST_TYPES } from '../bulk-table.ts';
import { staffRequest, TOLD, uuidOfOrder } from '../code-desk.ts';
import { onceIn } from '../form.ts';
import { codeText } from '../format.ts';
import { answerPage, Field, Form, Notice } from '../layout.tsx';
import { done } from '../once.ts';
import { Qr } from '../qr.tsx';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

/** How a code gets to a person. */
const WAYS = ['code', 'link', 'sms'] as const;
type Way = (typeof WAYS)[number];

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const MAX_PHONE = 40;
const MAX_LABEL = 100;
/** How long ago a day may be. */
const DAYS_BACK = 28;

const utcDate = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);

/** One of a form's choices. */
function Choice(props: { name: string; value: string; text: string; checked?: boolean }) {
  const { name, value, text, checked = false } = props;
  return (
    <div class="choice">
      <input type="radio" id={`${name}-${value}`} name={name} value={value} required checked={checked} />
      <label for={`${name}-${value}`}>{text}</label>
    </div>
  );
}

function IssueForm({ c, settings }: { c: StaffContext; settings: MessageSettings }) {
  const { texts: t, now } = c.var;
  const days = { type: 'date', min: utcDate(now - DAYS_BACK * 86_400), max: utcDate(now) };
  return (
    <Form c={c} action="/staff/issue">
      <fieldset>
        <legend>{t.issueType}</legend>
        {STAFF_TEST_TYPES.map((type) => (
          <Choice name="type" value={type} text={t[`issueType.${type}`]} />
        ))}
      </fieldset>
      <Field label={t.issueTestDate} help={t.issueDateHelp} name="test" value={utcDate(now)} {...days} />
      <Field label={t.issueSymptomDate} name="symptom" {...days} />
      <fieldset>
        <legend>{t.issueBy}</legend>
        {WAYS.filter((way) => way !== 'sms' || settings.sends).map((way) => (
          <Choice name="way" value={way} text={t[`issueBy.${way}`]} />
        ))}
      </fieldset>
      {settings.sends && (
        <Field label={t.issuePhone} help={t.issuePhoneHelp} name="phone" type="tel" maxlength={MAX_PHONE} />
      )}
      {settings.sends && settings.templates.length > 1 && (
        <div class="field">
          <label for="template">{t.issueTemplate}</label>
          <select id="template" name="template">
            {settings.templates.map((label) => (
              <option value={label}>{label}</option>
            ))}
          </select>
        </div>
      )}
      <div class="choice">
        <input type="checkbox" id="asked" name="asked" value="yes" required />
        <label for="asked">{t.teletanAskedWho}</label>
      </div>
      <button>{t.issueButton}</button>
    </Form>
  );
}

/** How much of the day's quota is used. */
export const codeQuotaLine = (c: StaffContext, { used, limit }: Pick<IssuedCodesBook, 'used' | 'limit'>) => (
  <p class="soft">{fill(c.var.texts.issueQuota, { used, limit })}</p>
);

/** What a form, or the address of the page after it, says of a code. */
interface Wanted {
  readonly testType: (typeof STAFF_TEST_TYPES)[number];
  readonly way: Way;
  readonly testDate: string | null;
  readonly symptomDate: string | null;
}

function wantedIn(get: (name: string) => string | undefined): Wanted | null {
  const testType = STAFF_TEST_TYPES.find((type) => type === get('type'));
  const way = WAYS.find((one) => one === get('way'));
  const [testDate = '', symptomDate = ''] = [get('test'), get('symptom')];
  const areDates = [testDate, symptomDate].every((date) => date === '' || DATE.test(date));
  if (testType === undefined || way === undefined || !areDates || testDate + symptomDate === '') return null;
  return { testType, way, testDate: testDate || null, symptomDate: symptomDate || null };
}

/** The request is the same for a form and for the page after it, so that the same order gives the same code. */
const requestFor = (c: StaffContext, once: string, { testType, way, testDate, symptomDate }: Wanted) =>
  staffRequest({
    testType,
    testDate,
    symptomDate,
    phone: null,
    uuid: uuidOfOrder(c.var.session.orderOf(once)),
    long: way !== 'code',
  });

function CodeBox(props: { c: StaffContext; issued: DeliveredCode; way: Way; settings: MessageSettings }) {
  const { c, issued, way, settings } = props;
  const { texts: t, times, now } = c.var;
  const { code, longCode } = issued;
  const isLink = way === 'link' && longCode !== null;
  const link = enxLink({ ...settings, code, longCode });
  const endsAt = isLink ? (issued.longExpiresAt ?? issued.expiresAt) : issued.expiresAt;
  return (
    <div class="code-box" data-code>
      <h2 id="code-head">{isLink ? t.issueLink : t.issueCode}</h2>
      {isLink ? (
        <>
          <div class="qr">
            <Qr text={link} label={t.issueQr} />
          </div>
          <p class="mono break">{link}</p>
        </>
      ) : (
        <p class="code" aria-labelledby="code-head">
          {codeText(code)}
        </p>
      )}
      {isLink ? (
        <p>{fill(t.teletanUntil, { time: times.timeNear(endsAt, now) })}</p>
      ) : (
        <p
          class="timer"
          role="timer"
          data-seconds-left={Math.max(0, endsAt - now)}
          data-text={t.teletanLeft}
          data-expired={t.teletanExpired}
        >
          {fill(t.teletanUntil, { time: times.timeNear(endsAt, now) })}
        </p>
      )}
      <button type="button" class="needs-js plain" data-copy={isLink ? link : code} data-done={t.copied}>
        {t.copy}
      </button>
    </div>
  );
}

/** @returns the routes of the page `issue` */
export function issueRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const { texts: t, identity } = c.var;
    const [book, settings] = await Promise.all([
      c.env.VERIFICATION.codeBook(identity.subject),
      c.env.VERIFICATION.messageSettings(),
    ]);
    return answerPage(
      c,
      'issue',
      <>
        <p>{t.issueIntro}</p>
        {book.used < book.limit ? (
          <IssueForm c={c} settings={{ ...settings, templates: [...settings.templates] }} />
        ) : (
          <Notice kind="plain">{t.issueQuotaOver}</Notice>
        )}
        {codeQuotaLine(c, book)}
      </>,
    );
  });

  routes.post('/', async (c) => {
    const { identity, form, once } = c.var;
    const wanted = wantedIn((name) => form.get(name));
    if (wanted === null || form.get('asked') !== 'yes') return done(c, 'issue', 'issueIncomplete');
    const phone = wanted.way === 'sms' ? phoneNumberIn(form.get('phone') ?? '') : null;
    if (wanted.way === 'sms' && phone === null) return done(c, 'issue', 'issueNumber');
    const smsTemplateLabel = wanted.way === 'sms' ? (form.get('template') ?? '').slice(0, MAX_LABEL) || null : null;
    await audit(c, 'code.issue', `type ${wanted.testType} by ${wanted.way}`);
    const request = { ...requestFor(c, once, wanted), phone, smsTemplateLabel };
    const [reply] = await c.env.VERIFICATION.deliverCodes(identity.subject, [request]);
    if (reply === undefined || 'error' in reply) {
      const error = reply?.error ?? 'internal_server_error';
      await audit(c, 'code.refused', error);
      return done(c, 'issue', TOLD[error].notice);
    }
    if (wanted.way === 'sms') return done(c, 'issue', 'issueSent');
    const { testType: type, way, testDate: test, symptomDate: symptom } = wanted;
    const about = new URLSearchParams({ form: once, type, way, test: test ?? '', symptom: symptom ?? '' });
    return c.redirect(`/staff/issue/code?${about.toString()}`, 303);
  });

  routes.get('/code', async (c) => {
    const { texts: t, identity, now } = c.var;
    const once = onceIn(c.req.query('form'));
    const wanted = wantedIn((name) => c.req.query(name));
    const request = once === null || wanted === null ? null : requestFor(c, once, wanted);
    const uuid = request?.uuid ?? null;
    // A page issues nothing: what its form has issued is there already, and is asked for again.
    const status = await (uuid === null ? null : c.env.VERIFICATION.codeStatus(identity.subject, uuid));
    const isLive = status !== null && !status.claimed && (status.longExpiresAt ?? status.expiresAt) > now;
    const [reply] =
      isLive && request !== null ? await c.env.VERIFICATION.deliverCodes(identity.subject, [request]) : [];
    const [book, settings] = await Promise.all([
      c.env.VERIFICATION.codeBook(identity.subject),
      c.env.VERIFICATION.messageSettings(),
    ]);
    return answerPage(
      c,
      'issue',
      <>
        {reply === undefined || 'error' in reply || wanted === null ? (
          <Notice kind="plain">{t.issueGone}</Notice>
        ) : (
          <CodeBox
            c={c}
            issued={{ ...reply }}
            way={wanted.way}
            settings={{ ...settings, templates: [...settings.templates] }}
          />
        )}
        <p>
          <a class="button plain" href="/staff/issue">
            {t.issueAnother}
          </a>
        </p>
        {codeQuotaLine(c, book)}
      </>,
    );
  });

  return routes;
}
