/** @module Quotas: how many teleTANs a person may issue in an hour. */
import { Hono } from 'hono';
import { errorPage } from '../errors.tsx';
import { integerField, textField } from '../form.ts';
import { answerPage, Field, Form, Notice, Table } from '../layout.tsx';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';

const MAX_PER_HOUR = 10_000;
const MAX_NAME = 100;

async function content(c: StaffContext, done: boolean) {
  const { texts: t } = c.var;
  const quotas = await c.env.VERIFICATION.teleTanQuotas();
  return (
    <>
      {done && <Notice kind="good">{t.quotasDone}</Notice>}
      <p>{t.quotasIntro}</p>
      {quotas.length > 0 && (
        <Table
          caption={t['page.quotas']}
          heads={[t.quotasIssuer, t.quotasPerHour]}
          rows={quotas.map(({ issuer, teleTansPerHour }) => [issuer, teleTansPerHour])}
          numeric={[1]}
        />
      )}
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
  routes.get('/', async (c) => answerPage(c, 'quotas', await content(c, false)));
  routes.post('/', async (c) => {
    const issuer = textField(c.var.form, 'issuer', MAX_NAME);
    const perHour = integerField(c.var.form, 'perHour', { min: 0, max: MAX_PER_HOUR });
    if (issuer === null || perHour === null) return errorPage(c, 'input');
    await audit(c, 'quota.set', `${issuer} ${perHour}`);
    await c.env.VERIFICATION.setTeleTanQuota(issuer, perHour);
    return answerPage(c, 'quotas', await content(c, true));
  });
  return routes;
}
