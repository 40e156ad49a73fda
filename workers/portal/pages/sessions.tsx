/** @module Staff sessions that are running, to end them, and professionals' certificates, to block them. */
import { Hono } from 'hono';
import { errorPage } from '../errors.tsx';
import { textField } from '../form.ts';
import { timeText } from '../format.ts';
import { answerPage, Csrf, Field, Form, Notice, Table } from '../layout.tsx';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

const FINGERPRINT = /^[0-9a-f]{64}$/;
const MAX_NAME = 100;

async function content(c: StaffContext, notice: string | null) {
  const { texts: t, room, session } = c.var;
  const [sessions, certificates] = await Promise.all([room.sessions(), room.revokedCertificates()]);
  const rows = sessions.map(({ subject, begunAt, lastSeen }) => [
    subject,
    <span class="nowrap">{timeText(begunAt)}</span>,
    <span class="nowrap">{timeText(lastSeen)}</span>,
    <form method="post" action="/staff/sessions/revoke">
      <Csrf token={session.csrf} />
      <input type="hidden" name="subject" value={subject} />
      <button class="plain">{fill(t.sessionsRevoke, { who: subject })}</button>
    </form>,
  ]);
  return (
    <>
      {notice !== null && <Notice kind="good">{notice}</Notice>}
      <p>{t.sessionsIntro}</p>
      <Table
        caption={t['page.sessions']}
        heads={[t.sessionsWho, t.sessionsBegan, t.sessionsSeen, t.action]}
        rows={rows}
      />
      <h2>{t.certificateTitle}</h2>
      <Form c={c} action="/staff/sessions/certificate">
        <Field label={t.certificateFingerprint} name="fingerprint" required maxlength={95} class="mono" />
        <button>{t.certificateRevoke}</button>
      </Form>
      <h2>{t.certificateList}</h2>
      {certificates.length === 0 ? (
        <p>{t.none}</p>
      ) : (
        <ul>
          {certificates.map(({ fingerprint, at }) => (
            <li>
              <span class="mono break">{fingerprint}</span> · {timeText(at)}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** @returns the routes of the page `sessions` */
export function sessionRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => answerPage(c, 'sessions', await content(c, null)));

  routes.post('/revoke', async (c) => {
    const subject = textField(c.var.form, 'subject', MAX_NAME);
    if (subject === null) return errorPage(c, 'input');
    await audit(c, 'session.revoke', subject);
    await c.var.room.revoke(subject);
    return answerPage(c, 'sessions', await content(c, c.var.texts.sessionsRevoked));
  });

  routes.post('/certificate', async (c) => {
    const fingerprint = (c.var.form.get('fingerprint') ?? '').replaceAll(/[\s:]/g, '').toLowerCase();
    if (!FINGERPRINT.test(fingerprint)) return errorPage(c, 'input');
    await audit(c, 'certificate.revoke', fingerprint);
    await c.var.room.revokeCertificate(fingerprint);
    return answerPage(c, 'sessions', await content(c, c.var.texts.certificateRevoked));
  });

  return routes;
}
