/**
 * @module Issue a teleTAN, and see which ones one has issued. The code is in the answer to the form alone: no URL, store or
 * log has it.
 */
import { Hono } from 'hono';
import type { TeleTanBook } from '../../../domain/rpc.ts';
import { teleTanText } from '../format.ts';
import { pageOf } from '../paging.tsx';
import { answerPage, Form, Notice, Table, ZoneLine } from '../layout.tsx';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

function IssueForm({ c, again }: { c: StaffContext; again: boolean }) {
  const { texts: t } = c.var;
  return (
    <Form c={c} action="/staff/teletan">
      <button class={again ? 'plain' : undefined}>{again ? t.teletanAnother : t.teletanIssue}</button>
    </Form>
  );
}

const quotaLine = (c: StaffContext, { used, limit }: TeleTanBook) => (
  <p class="soft">{fill(c.var.texts.teletanQuota, { used, limit })}</p>
);

/** @returns the routes of the page `teletan` */
export function teleTanRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const book = await c.env.VERIFICATION.teleTanBook(c.var.identity.subject);
    return answerPage(
      c,
      'teletan',
      <>
        <p>{c.var.texts.teletanIntro}</p>
        <IssueForm c={c} again={false} />
        {quotaLine(c, book)}
      </>,
    );
  });

  routes.post('/', async (c) => {
    const { texts: t, times, identity, now } = c.var;
    await audit(c, 'teletan.issue');
    const issued = await c.env.VERIFICATION.issueTeleTan(identity.subject);
    if (issued === null) {
      await audit(c, 'teletan.refused', 'quota');
      return answerPage(c, 'teletan', <Notice kind="bad">{t.teletanQuotaOver}</Notice>, 429);
    }
    const { teleTan, expiresAt } = issued;
    const book = await c.env.VERIFICATION.teleTanBook(identity.subject);
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
        <IssueForm c={c} again={true} />
        {quotaLine(c, book)}
      </>,
    );
  });

  return routes;
}

/** @returns the routes of the page `codes` */
export function codeRoutes() {
  const routes = new Hono<Staff>();
  routes.get('/', async (c) => {
    const { texts: t, times, identity, now } = c.var;
    const book = await c.env.VERIFICATION.teleTanBook(identity.subject);
    const entries = pageOf(c, book.entries, { page: 'codes', parameter: 'page', caption: t['page.codes'] });
    const rows = entries.rows.map(({ hint, issuedAt, expiresAt }) => [
      <span class="mono">{hint}…</span>,
      times.time(issuedAt),
      times.time(expiresAt),
      expiresAt > now ? t.codesValid : t.codesExpired,
    ]);
    return answerPage(
      c,
      'codes',
      <>
        <p>{t.codesIntro}</p>
        {rows.length === 0 ? (
          <p>{t.codesNone}</p>
        ) : (
          <Table
            caption={t['page.codes']}
            heads={[t.codesHint, t.codesIssued, t.codesExpires, t.codesState]}
            rows={rows}
          />
        )}
        {entries.links}
        {quotaLine(c, book)}
        <ZoneLine c={c} />
      </>,
    );
  });
  return routes;
}
