/** @module API keys of apps and systems: make one, which is shown once; see which there are; revoke one. */
import { Hono } from 'hono';
import { API_KEY_KINDS, type ApiKey, apiKeyIssuer } from '../../../domain/rpc-codes.ts';
import { API_KEY_ID, apiKeyName, makeApiKey, revokeApiKey } from '../api-key-desk.ts';
import { errorPage } from '../errors.tsx';
import { answerPage, Field, Form, Long, Notice, Table, ZoneLine } from '../layout.tsx';
import { done } from '../once.ts';
import { pageOf } from '../paging.tsx';
import type { Staff, StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

const MAX_NAME = 100;

const stateText = (c: StaffContext, { revokedAt }: ApiKey): string =>
  revokedAt === null
    ? c.var.texts.keysValid
    : fill(c.var.texts.keysRevokedAt, { time: c.var.times.timeNear(revokedAt, c.var.now) });

function RevokeButton({ c, apiKey }: { c: StaffContext; apiKey: ApiKey }) {
  const { texts: t } = c.var;
  if (apiKey.revokedAt !== null) return null;
  return (
    <form method="get" action="/staff/api-keys/revoke">
      <input type="hidden" name="key" value={apiKey.id} />
      <button class="plain short" aria-label={`${t.keysRevoke} ${apiKey.name}`}>
        {t.keysRevoke}
      </button>
    </form>
  );
}

async function content(c: StaffContext) {
  const { texts: t, times } = c.var;
  const [all, quotas] = await Promise.all([c.env.VERIFICATION.apiKeys(), c.env.VERIFICATION.codeQuotas()]);
  const perDay = new Map(quotas.map(({ issuer, codesPerDay }) => [issuer, codesPerDay]));
  const keys = pageOf(
    c,
    all.map((apiKey) => ({ ...apiKey })),
    { page: 'api-keys', parameter: 'page', caption: t.keysList },
  );
  const rows = keys.rows.map((apiKey) => [
    <Long>{apiKey.name}</Long>,
    t[`keysKind.${apiKey.kind}`],
    <span class="nowrap">{times.time(apiKey.createdAt)}</span>,
    perDay.get(apiKeyIssuer(apiKey.id)) ?? '',
    stateText(c, apiKey),
    <RevokeButton c={c} apiKey={apiKey} />,
  ]);
  return (
    <>
      <p>{t.keysIntro}</p>
      <Form c={c} action="/staff/api-keys">
        <Field label={t.keysName} name="name" required maxlength={MAX_NAME} />
        <fieldset>
          <legend>{t.keysKind}</legend>
          {API_KEY_KINDS.map((kind) => (
            <div class="choice">
              <input type="radio" id={`kind-${kind}`} name="kind" value={kind} required />
              <label for={`kind-${kind}`}>{t[`keysKind.${kind}`]}</label>
            </div>
          ))}
        </fieldset>
        <button>{t.keysMake}</button>
      </Form>
      <h2>{t.keysList}</h2>
      {rows.length === 0 ? (
        <p>{t.none}</p>
      ) : (
        <Table
          caption={t.keysList}
          heads={[t.keysName, t.keysKind, t.keysMadeAt, t.keysQuota, t.issuedState, t.action]}
          rows={rows}
          numeric={[3]}
        />
      )}
      {keys.links}
      <ZoneLine c={c} />
    </>
  );
}

/** @returns the key that an address or form names, or null */
async function keyNamed(c: StaffContext, id: string | undefined): Promise<ApiKey | null> {
  if (id === undefined || !API_KEY_ID.test(id)) return null;
  const found = (await c.env.VERIFICATION.apiKeys()).find((apiKey) => apiKey.id === id);
  return found === undefined ? null : { ...found };
}

/** @returns the routes of the page `api-keys` */
export function apiKeyPageRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => answerPage(c, 'api-keys', await content(c)));

  // The answer is the page with the key, and no address of one: whoever sends the form again gets that very key (its order is the form's).
  routes.post('/', async (c) => {
    const { form, once, session, texts: t } = c.var;
    const name = apiKeyName(form.get('name') ?? '');
    const kind = API_KEY_KINDS.find((one) => one === form.get('kind'));
    if (name === null || kind === undefined) return errorPage(c, 'input');
    const { apiKey, text } = await makeApiKey(c, kind, name, session.orderOf(once));
    return answerPage(
      c,
      'api-keys',
      <>
        <Notice kind="plain">{t.keysOnce}</Notice>
        <div class="code-box">
          <h2 id="key-head">{fill(t.keysMade, { name: apiKey.name })}</h2>
          <p class="mono break" aria-labelledby="key-head" data-key>
            {text}
          </p>
          <button type="button" class="needs-js plain" data-copy={text} data-done={t.copied}>
            {t.copy}
          </button>
        </div>
        <p>
          <a href="/staff/api-keys">{t.back}</a>
        </p>
      </>,
    );
  });

  routes.get('/revoke', async (c) => {
    const { texts: t, times } = c.var;
    const apiKey = await keyNamed(c, c.req.query('key'));
    if (apiKey === null) return c.redirect('/staff/api-keys?notice=keysMissing', 303);
    return answerPage(
      c,
      'api-keys',
      <>
        <h2>{t.keysRevokeTitle}</h2>
        <p>
          {apiKey.name} · {t[`keysKind.${apiKey.kind}`]} · {times.time(apiKey.createdAt)} · {stateText(c, apiKey)}
        </p>
        {apiKey.revokedAt === null && (
          <>
            <Notice kind="plain">{t.keysRevokeEffect}</Notice>
            <Form c={c} action="/staff/api-keys/revoke">
              <input type="hidden" name="key" value={apiKey.id} />
              <div class="row">
                <button class="danger">{t.keysRevokeConfirm}</button>
                <a class="button plain" href="/staff/api-keys">
                  {t.withdrawCancel}
                </a>
              </div>
            </Form>
          </>
        )}
      </>,
    );
  });

  routes.post('/revoke', async (c) => {
    const id = c.var.form.get('key') ?? '';
    if (!API_KEY_ID.test(id)) return errorPage(c, 'input');
    return done(c, 'api-keys', (await revokeApiKey(c, id)) ? 'keysRevoked' : 'keysMissing');
  });

  return routes;
}
