/** @module Quotas: how many teleTANs a person may issue in an hour. */
import { Hono } from 'hono';
import { errorPage } from '../errors.tsx';
import { integerField, textField } from '../form.ts';
import { answerPage, Field, Form, Long, Notice, Table } from '../layout.tsx';
import { pageOf } from '../paging.tsx';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';

const MAX_PER_HOUR = 10_000;
const MAX_NAME = 100;

async function content(c: StaffContext, done: string | null) {
  const { texts: t } = c.var;
  const all = (await c.env.VERIFICATION.teleTanQuotas()).map(({ issuer, teleTansPerHour }) => ({
    issuer,
    teleTansPerHour,
  }));
  const quotas = pageOf(c, all, {
    page: 'quotas',
    parameter: 'page',
    caption: t['page.quotas'],
    changed: all.findIndex(({ issuer }) => issuer === done),
  });
  return (
    <>
      {done !== null && <Notice kind="good">{t.quotasDone}</Notice>}
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
    </>
  );
}

/** @returns the routes of the page `quotas` */
export function quotaRoutes() {
  const routes = new Hono<Staff>();
  routes.get('/', async (c) => answerPage(c, 'quotas', await content(c, null)));
  routes.post('/', async (c) => {
    const issuer = textField(c.var.form, 'issuer', MAX_NAME);
    const perHour = integerField(c.var.form, 'perHour', { min: 0, max: MAX_PER_HOUR });
    if (issuer === null || perHour === null) return errorPage(c, 'input');
    await audit(c, 'quota.set', `${issuer} ${perHour}`);
    await c.env.VERIFICATION.setTeleTanQuota(issuer, perHour);
    return answerPage(c, 'quotas', await content(c, issuer));
  });
  return routes;
}
