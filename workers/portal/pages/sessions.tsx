/** @module Staff sessions that are running, to end them, and certificates of professionals and laboratories, to block them. */
import { Hono } from 'hono';
import { certificatesInPem } from '../bindings.ts';
import { blockByMarks, markOfSerial, marksToBlock } from '../card-desk.ts';
import { errorPage } from '../errors.tsx';
import { textField } from '../form.ts';
import { answerPage, Csrf, Field, Form, Long, Table, ZoneLine } from '../layout.tsx';
import { done } from '../once.ts';
import { pageOf } from '../paging.tsx';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import { AuthorityField } from './holders.tsx';

const MAX_NAME = 100;

async function content(c: StaffContext) {
  const { texts: t, times, room, session } = c.var;
  const [sessions, blocked, authorities] = await Promise.all([room.sessions(), room.blocked(), room.authorities()]);
  const running = pageOf(
    c,
    sessions.map(({ subject, begunAt, lastSeen }) => ({ subject, begunAt, lastSeen })),
    { page: 'sessions', parameter: 'page', caption: t['page.sessions'] },
  );
  const marks = pageOf(
    c,
    blocked.map(({ mark, at }) => ({ mark, at })),
    { page: 'sessions', parameter: 'blocked', caption: t.certificateList },
  );
  const rows = running.rows.map(({ subject, begunAt, lastSeen }) => [
    <Long>{subject}</Long>,
    <span class="nowrap">{times.time(begunAt)}</span>,
    <span class="nowrap">{times.time(lastSeen)}</span>,
    <form method="post" action="/staff/sessions/revoke">
      <Csrf token={session.csrf} />
      <input type="hidden" name="subject" value={subject} />
      <button class="plain short" aria-label={`${t.sessionsEnd} ${subject}`}>
        {t.sessionsEnd}
      </button>
    </form>,
  ]);
  return (
    <>
      <p>{t.sessionsIntro}</p>
      <Table
        caption={t['page.sessions']}
        heads={[t.sessionsWho, t.sessionsBegan, t.sessionsSeen, t.action]}
        rows={rows}
      />
      {running.links}
      <Form c={c} action="/staff/sessions/revoke">
        <Field label={t.sessionsWho} help={t.sessionsWhoHelp} name="subject" required maxlength={MAX_NAME} />
        <button>{t.sessionsEnd}</button>
      </Form>
      <h2>{t.certificateTitle}</h2>
      <p>{t.certificateIntro}</p>
      <Form c={c} action="/staff/sessions/certificate">
        <div class="field">
          <label for="pem">{t.certificatePem}</label>
          <textarea id="pem" name="pem" rows={6} required spellcheck={false} />
        </div>
        <button>{t.certificateRevoke}</button>
      </Form>
      {authorities.length > 0 && (
        <Form c={c} action="/staff/sessions/certificate">
          <AuthorityField t={t} authorities={authorities} />
          <Field label={t.certificateSerial} name="serial" required maxlength={64} class="mono" />
          <button>{t.certificateRevokeSerial}</button>
        </Form>
      )}
      <h2>{t.certificateList}</h2>
      {marks.rows.length === 0 ? (
        <p>{t.none}</p>
      ) : (
        <ul>
          {marks.rows.map(({ mark, at }) => (
            <li>
              <span class="mono break">{mark}</span> · {times.time(at)}
            </li>
          ))}
        </ul>
      )}
      {marks.links}
      <ZoneLine c={c} />
    </>
  );
}

/** One certificate in PEM, or the serial number of one of an authority that is known. */
async function marksIn(c: StaffContext): Promise<string[] | null> {
  const { form } = c.var;
  const serial = form.get('serial');
  if (serial !== undefined) {
    const mark = await markOfSerial(c, form.get('authority') ?? '', serial);
    return mark === null ? null : [mark];
  }
  const [certificate, ...others] = certificatesInPem(form.get('pem') ?? '') ?? [];
  return certificate === undefined || others.length > 0 ? null : marksToBlock(certificate);
}

/** @returns the routes of the page `sessions` */
export function sessionRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => answerPage(c, 'sessions', await content(c)));

  routes.post('/revoke', async (c) => {
    const subject = textField(c.var.form, 'subject', MAX_NAME);
    if (subject === null) return errorPage(c, 'input');
    await audit(c, 'session.revoke', subject);
    await c.var.room.revoke(subject);
    return done(c, 'sessions', 'sessionsRevoked');
  });

  routes.post('/certificate', async (c) => {
    const marks = await marksIn(c);
    if (marks === null) return errorPage(c, 'input');
    await blockByMarks(c, marks);
    return done(c, 'sessions', 'certificateRevoked');
  });

  return routes;
}
