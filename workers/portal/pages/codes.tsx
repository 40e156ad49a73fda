/**
 * @module Which teleTANs somebody issued in the last day, and their revocation: one's own, and for a health authority a colleague's
 * who has gone home. By their first characters alone; whether one was used is told nobody, here or by a revocation.
 */
import { Hono } from 'hono';
import type { TeleTanEntry } from '../../../domain/code-books.ts';
import { errorPage } from '../errors.tsx';
import { textField } from '../form.ts';
import { answerPage, Field, Form, Notice, Table, ZoneLine } from '../layout.tsx';
import { done } from '../once.ts';
import { pageOf } from '../paging.tsx';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';
import { quotaLine } from './teletan.tsx';

const MAX_NAME = 100;
const CODE_ID = /^[0-9a-f]{32}$/;

const mayChoosePerson = (c: StaffContext): boolean => c.var.identity.roles.includes('health-authority');

/** Whose codes are asked for: one's own, unless a health authority names somebody. */
function personIn(c: StaffContext, named: string | undefined): string {
  const name = (named ?? '').trim();
  return mayChoosePerson(c) && name !== '' && name.length <= MAX_NAME ? name : c.var.identity.subject;
}

function stateText(c: StaffContext, { expiresAt, revokedAt }: TeleTanEntry): string {
  const { texts: t, times, now } = c.var;
  if (revokedAt !== null) return fill(t.codesRevokedAt, { time: times.timeNear(revokedAt, now) });
  return expiresAt > now ? t.codesValid : t.codesExpired;
}

function RevokeButton({ c, entry, person }: { c: StaffContext; entry: TeleTanEntry; person: string }) {
  const { texts: t } = c.var;
  if (entry.id === null || entry.revokedAt !== null) return null;
  return (
    <form method="get" action="/staff/codes/revoke">
      <input type="hidden" name="code" value={entry.id} />
      {person !== c.var.identity.subject && <input type="hidden" name="person" value={person} />}
      <button class="plain short" aria-label={`${t.codesRevoke} ${entry.hint}`}>
        {t.codesRevoke}
      </button>
    </form>
  );
}

/** @returns the entry that a page or form names, of that person's, or null */
async function entryNamed(c: StaffContext, person: string, id: string | undefined): Promise<TeleTanEntry | null> {
  if (id === undefined || !CODE_ID.test(id)) return null;
  const { entries } = await c.env.VERIFICATION.teleTanBook(person);
  const found = entries.find((entry) => entry.id === id);
  return found === undefined ? null : { ...found };
}

/** @returns the routes of the page `codes` */
export function codeRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const { texts: t, times, identity } = c.var;
    const person = personIn(c, c.req.query('person'));
    const book = await c.env.VERIFICATION.teleTanBook(person);
    const all = book.entries.map((entry) => ({ ...entry }));
    const entries = pageOf(c, all, { page: 'codes', parameter: 'page', caption: t['page.codes'], keeps: 'person' });
    const rows = entries.rows.map((entry) => [
      <span class="mono">{entry.hint}…</span>,
      times.time(entry.issuedAt),
      times.time(entry.expiresAt),
      stateText(c, entry),
      <RevokeButton c={c} entry={entry} person={person} />,
    ]);
    return answerPage(
      c,
      'codes',
      <>
        <p>{t.codesIntro}</p>
        {mayChoosePerson(c) && (
          <form method="get" action="/staff/codes" class="filters" role="search">
            <Field label={t.codesOf} name="person" maxlength={MAX_NAME} value={person} />
            <button>{t.auditFind}</button>
          </form>
        )}
        {rows.length === 0 ? (
          <p>{person === identity.subject ? t.codesNone : t.codesNoneOf}</p>
        ) : (
          <Table
            caption={t['page.codes']}
            heads={[t.codesHint, t.codesIssued, t.codesExpires, t.codesState, t.action]}
            rows={rows}
          />
        )}
        {entries.links}
        {person === identity.subject && quotaLine(c, book)}
        <ZoneLine c={c} />
      </>,
    );
  });

  routes.get('/revoke', async (c) => {
    const { texts: t, times } = c.var;
    const person = personIn(c, c.req.query('person'));
    const entry = await entryNamed(c, person, c.req.query('code'));
    if (entry === null) return c.redirect('/staff/codes?notice=codesMissing', 303);
    const back = person === c.var.identity.subject ? '' : `?person=${encodeURIComponent(person)}`;
    return answerPage(
      c,
      'codes',
      <>
        <h2>{t.codesRevokeTitle}</h2>
        <p>
          <span class="mono">{entry.hint}…</span> · {person} · {times.time(entry.issuedAt)} · {stateText(c, entry)}
        </p>
        {entry.revokedAt === null && (
          <>
            <Notice kind="plain">{t.codesRevokeEffect}</Notice>
            <Form c={c} action="/staff/codes/revoke">
              <input type="hidden" name="code" value={entry.id ?? ''} />
              <input type="hidden" name="person" value={person} />
              <div class="row">
                <button class="danger">{t.codesRevokeConfirm}</button>
                <a class="button plain" href={`/staff/codes${back}`}>
                  {t.withdrawCancel}
                </a>
              </div>
            </Form>
          </>
        )}
        {entry.revokedAt !== null && (
          <p>
            <a href={`/staff/codes${back}`}>{t.back}</a>
          </p>
        )}
      </>,
    );
  });

  routes.post('/revoke', async (c) => {
    const { form } = c.var;
    const id = form.get('code') ?? '';
    const named = textField(form, 'person', MAX_NAME);
    if (named === null || !CODE_ID.test(id)) return errorPage(c, 'input');
    const person = personIn(c, named);
    await audit(c, 'teletan.revoke', `code ${id.slice(0, 8)} of ${person}`);
    const revoked = await c.env.VERIFICATION.revokeTeleTan(id, person);
    return done(c, 'codes', revoked ? 'codesRevoked' : 'codesMissing');
  });

  return routes;
}
