/**
 * @module Which verification codes somebody issued in the last day, whether they were used, and how to end one: one's own, and for a health authority a colleague's or an API key's.
 */
import { Hono } from 'hono';
import { apiKeyIssuer, type CodeStatus } from '../../../domain/rpc-codes.ts';
import { errorPage } from '../errors.tsx';
import { textField } from '../form.ts';
import { answerPage, Csrf, Field, Table, ZoneLine } from '../layout.tsx';
import { done } from '../once.ts';
import { pageOf } from '../paging.tsx';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import { codeQuotaLine } from './issue.tsx';

const MAX_NAME = 100;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const mayChoosePerson = (c: StaffContext): boolean => c.var.identity.roles.includes('health-authority');

/** Whose codes are asked for: one's own, unless a health authority names somebody. */
function issuerIn(c: StaffContext, named: string | undefined): string {
  const name = (named ?? '').trim();
  return mayChoosePerson(c) && name !== '' && name.length <= MAX_NAME ? name : c.var.identity.subject;
}

function stateText(c: StaffContext, { claimed, expiresAt, longExpiresAt }: CodeStatus): string {
  const { texts: t, now } = c.var;
  if (claimed) return t.issuedUsed;
  return Math.max(expiresAt, longExpiresAt ?? 0) > now ? t.issuedValid : t.issuedOver;
}

/** A button, while there is something to end. */
function EndButton({ c, status, issuer }: { c: StaffContext; status: CodeStatus; issuer: string }) {
  const { texts: t, session, times } = c.var;
  if (stateText(c, status) !== t.issuedValid) return null;
  return (
    <form method="post" action="/staff/issued/end">
      <Csrf token={session.csrf} />
      <input type="hidden" name="code" value={status.uuid} />
      <input type="hidden" name="person" value={issuer} />
      <button class="plain short" aria-label={`${t.issuedEnd} ${times.time(status.createdAt)}`}>
        {t.issuedEnd}
      </button>
    </form>
  );
}

/** @returns the routes of the page `issued` */
export function issuedRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const { texts: t, times, identity } = c.var;
    const issuer = issuerIn(c, c.req.query('person'));
    const book = await c.env.VERIFICATION.codeBook(issuer);
    const keys = mayChoosePerson(c) ? await c.env.VERIFICATION.apiKeys() : [];
    const all = book.codes.map((status) => ({ ...status }));
    const codes = pageOf(c, all, { page: 'issued', parameter: 'page', caption: t['page.issued'], keeps: 'person' });
    const rows = codes.rows.map((status) => [
      <span class="nowrap">{times.time(status.createdAt)}</span>,
      t[`issuedType.${status.testType}`],
      <span class="nowrap">{times.time(Math.max(status.expiresAt, status.longExpiresAt ?? 0))}</span>,
      stateText(c, status),
      <EndButton c={c} status={status} issuer={issuer} />,
    ]);
    return answerPage(
      c,
      'issued',
      <>
        <p>{t.issuedIntro}</p>
        {mayChoosePerson(c) && (
          <form method="get" action="/staff/issued" class="filters" role="search">
            <Field label={t.issuedOf} name="person" maxlength={MAX_NAME} value={issuer} list="issuers" />
            <datalist id="issuers">
              {keys
                .filter(({ kind }) => kind === 'admin')
                .map(({ id, name }) => (
                  <option value={apiKeyIssuer(id)}>{name}</option>
                ))}
            </datalist>
            <button>{t.auditFind}</button>
          </form>
        )}
        {rows.length === 0 ? (
          <p>{t.issuedNone}</p>
        ) : (
          <Table
            caption={t['page.issued']}
            heads={[t.issuedAt, t.issuedType, t.issuedEnds, t.issuedState, t.action]}
            rows={rows}
          />
        )}
        {codes.links}
        {issuer === identity.subject && codeQuotaLine(c, book)}
        <ZoneLine c={c} />
      </>,
    );
  });

  routes.post('/end', async (c) => {
    const { form, identity } = c.var;
    const uuid = form.get('code') ?? '';
    const named = textField(form, 'person', MAX_NAME);
    if (named === null || !UUID.test(uuid)) return errorPage(c, 'input');
    const issuer = issuerIn(c, named);
    await audit(c, 'code.end', `code ${uuid.slice(0, 8)} of ${issuer}`);
    const ended = await c.env.VERIFICATION.expireCode(issuer, uuid);
    const notice = ended === 'claimed' ? 'issuedClaimed' : ended === null ? 'issuedMissing' : 'issuedDone';
    return done(c, 'issued', notice, issuer === identity.subject ? '' : `&person=${encodeURIComponent(issuer)}`);
  });

  return routes;
}
