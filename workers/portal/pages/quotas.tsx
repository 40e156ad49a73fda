/**
 * @module Quotas: how many teleTANs a person may issue in an hour, and the release of more by a second person, who is never the one
 * that asked.
 */
import { Hono } from 'hono';
import { apiKeyIssuer } from '../../../domain/rpc-codes.ts';
import type { QuotaRequest } from '../../../domain/code-books.ts';
import { MAX_CODES_PER_DAY } from '../code-routes.ts';
import { errorPage } from '../errors.tsx';
import { integerField, textField } from '../form.ts';
import { answerPage, Csrf, Field, Form, Long, Table, ZoneLine } from '../layout.tsx';
import { done } from '../once.ts';
import { pageOf, pageWith } from '../paging.tsx';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

const MAX_PER_HOUR = 10_000;
const MAX_NAME = 100;

const REQUEST_ID = /^[0-9a-f]{32}$/;

/** What others asked for beyond their quota; one's own is shown without a button. */
function Requests({ c, requests }: { c: StaffContext; requests: readonly QuotaRequest[] }) {
  const { texts: t, times, identity, session } = c.var;
  if (requests.length === 0) return <p>{t.quotasNoRequests}</p>;
  const asked = pageOf(c, requests, { page: 'quotas', parameter: 'asked', caption: t.quotasRequests });
  const rows = asked.rows.map(({ id, issuer, person, codes, askedAt }) => [
    <Long>{issuer}</Long>,
    codes,
    <span class="nowrap">{times.time(askedAt)}</span>,
    person === identity.person ? (
      t.quotasYours
    ) : (
      <form method="post" action="/staff/quotas/release">
        <Csrf token={session.csrf} />
        <input type="hidden" name="request" value={id} />
        <button class="plain short" aria-label={`${t.quotasRelease} ${issuer}`}>
          {t.quotasRelease}
        </button>
      </form>
    ),
  ]);
  const heads = [t.quotasIssuer, t.quotasAskedCodes, t.quotasAskedAt, t.action];
  return (
    <>
      <Table caption={t.quotasRequests} heads={heads} rows={rows} numeric={[1]} />
      {asked.links}
    </>
  );
}

/** Verification codes a day, of people and of API keys. */
async function CodeQuotas(c: StaffContext) {
  const { texts: t } = c.var;
  const [all, keys] = await Promise.all([c.env.VERIFICATION.codeQuotas(), c.env.VERIFICATION.apiKeys()]);
  const names = new Map(keys.map(({ id, name }) => [apiKeyIssuer(id), fill(t.quotasKey, { name })]));
  const quotas = pageOf(
    c,
    all.map(({ issuer, codesPerDay }) => ({ issuer, codesPerDay })),
    { page: 'quotas', parameter: 'codes', caption: t.quotasCodes },
  );
  return (
    <>
      <h2>{t.quotasCodes}</h2>
      <p>{t.quotasCodesIntro}</p>
      {quotas.rows.length > 0 && (
        <Table
          caption={t.quotasCodes}
          heads={[t.quotasCodesIssuer, t.quotasCodesPerDay]}
          rows={quotas.rows.map(({ issuer, codesPerDay }) => [<Long>{names.get(issuer) ?? issuer}</Long>, codesPerDay])}
          numeric={[1]}
        />
      )}
      {quotas.links}
      <Form c={c} action="/staff/quotas/codes">
        <Field label={t.quotasCodesIssuer} name="codesIssuer" required maxlength={MAX_NAME} list="code-issuers" />
        <datalist id="code-issuers">
          {keys
            .filter(({ kind, revokedAt }) => kind === 'admin' && revokedAt === null)
            .map(({ id, name }) => (
              <option value={apiKeyIssuer(id)}>{name}</option>
            ))}
        </datalist>
        <Field label={t.quotasCodesPerDay} name="codesPerDay" type="number" required min={0} max={MAX_CODES_PER_DAY} />
        <button>{t.quotasCodesSet}</button>
      </Form>
    </>
  );
}

async function content(c: StaffContext) {
  const { texts: t } = c.var;
  const [all, requests] = await Promise.all([c.env.VERIFICATION.teleTanQuotas(), c.env.VERIFICATION.quotaRequests()]);
  const quotas = pageOf(
    c,
    all.map(({ issuer, teleTansPerHour }) => ({ issuer, teleTansPerHour })),
    { page: 'quotas', parameter: 'page', caption: t.quotasTitle },
  );
  return (
    <>
      <h2>{t.quotasRequests}</h2>
      <p>{t.quotasRequestsIntro}</p>
      <Requests c={c} requests={requests.map((request) => ({ ...request }))} />
      <ZoneLine c={c} />
      <h2>{t.quotasTitle}</h2>
      <p>{t.quotasIntro}</p>
      {quotas.rows.length > 0 && (
        <Table
          caption={t['page.quotas']}
          heads={[t.quotasIssuer, t.quotasPerHour]}
          rows={quotas.rows.map(({ issuer, teleTansPerHour }) => [<Long>{issuer}</Long>, teleTansPerHour])}
          numeric={[1]}
        />
      )}
      {quotas.links}
      <Form c={c} action="/staff/quotas">
        <Field label={t.quotasIssuer} name="issuer" required maxlength={MAX_NAME} />
        <Field label={t.quotasPerHour} name="perHour" type="number" required min={0} max={MAX_PER_HOUR} />
        <button>{t.quotasSet}</button>
      </Form>
      {await CodeQuotas(c)}
    </>
  );
}

/** @returns the routes of the page `quotas` */
export function quotaRoutes() {
  const routes = new Hono<Staff>();
  routes.get('/', async (c) => answerPage(c, 'quotas', await content(c)));
  routes.post('/', async (c) => {
    const issuer = textField(c.var.form, 'issuer', MAX_NAME);
    const perHour = integerField(c.var.form, 'perHour', { min: 0, max: MAX_PER_HOUR });
    if (issuer === null || perHour === null) return errorPage(c, 'input');
    await audit(c, 'quota.set', `${issuer} ${perHour}`);
    await c.env.VERIFICATION.setTeleTanQuota(issuer, perHour);
    // The page that the person is on, which may be new.
    const all = await c.env.VERIFICATION.teleTanQuotas();
    const at = all.findIndex((quota) => quota.issuer === issuer);
    return done(c, 'quotas', 'quotasDone', `&page=${pageWith(at)}`);
  });

  routes.post('/codes', async (c) => {
    const issuer = textField(c.var.form, 'codesIssuer', MAX_NAME);
    const perDay = integerField(c.var.form, 'codesPerDay', { min: 0, max: MAX_CODES_PER_DAY });
    if (issuer === null || perDay === null) return errorPage(c, 'input');
    await audit(c, 'code-quota.set', `${issuer} ${perDay}`);
    await c.env.VERIFICATION.setCodeQuota(issuer, perDay);
    const all = await c.env.VERIFICATION.codeQuotas();
    const at = all.findIndex((quota) => quota.issuer === issuer);
    return done(c, 'quotas', 'quotasDone', `&codes=${pageWith(at)}`);
  });

  routes.post('/release', async (c) => {
    const { identity, form } = c.var;
    const id = form.get('request') ?? '';
    if (!REQUEST_ID.test(id)) return errorPage(c, 'input');
    const asked = (await c.env.VERIFICATION.quotaRequests()).find((request) => request.id === id);
    if (asked === undefined) return done(c, 'quotas', 'quotasGone');
    await audit(c, 'quota.release', `${asked.issuer} codes ${asked.codes}`);
    const reply = await c.env.VERIFICATION.releaseQuota(id, identity.person);
    if (reply.kind === 'released') return done(c, 'quotas', 'quotasReleased');
    await audit(c, 'quota.refused', reply.kind);
    return done(c, 'quotas', reply.kind === 'own' ? 'quotasOwn' : 'quotasGone');
  });
  return routes;
}
