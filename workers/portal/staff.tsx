/**
 * @module The staff pages below `/staff` (docs/architecture.md §7). In this order a request meets: the session, for a POST the form's
 * proofs and the pace, then the page's roles. What a page does stands in `pages/`.
 */
import { Hono } from 'hono';
import { ASSETS } from './assets/assets.ts';
import { endedPage, errorPage } from './errors.tsx';
import { beganHere, ownForm, readForm } from './form.ts';
import { Document, frameOf } from './layout.tsx';
import { apiKeyPageRoutes } from './pages/api-keys.tsx';
import { batchRoutes } from './pages/batches.tsx';
import { bulkRoutes } from './pages/bulk.tsx';
import { cardRoutes } from './pages/cards.tsx';
import { flyerRoutes } from './pages/flyers.tsx';
import { holderRoutes } from './pages/holders.tsx';
import { issueRoutes } from './pages/issue.tsx';
import { issuedRoutes } from './pages/issued.tsx';
import { laboratoryRoutes } from './pages/laboratories.tsx';
import { auditRoutes, guessRoutes, statusRoutes } from './pages/oversight.tsx';
import { parameterRoutes } from './pages/parameters.tsx';
import { peerRoutes } from './pages/peers.tsx';
import { quotaRoutes } from './pages/quotas.tsx';
import { rollbackPageRoutes } from './pages/rollbacks.tsx';
import { sessionRoutes } from './pages/sessions.tsx';
import { codeRoutes } from './pages/codes.tsx';
import { teleTanRoutes } from './pages/teletan.tsx';
import { noticePath } from './notices.ts';
import { answerOnce } from './once.ts';
import { localTime } from './local-time.ts';
import { mayUse, type Page, PAGES } from './roles.ts';
import { openSession } from './session.ts';
import { audit, type Staff } from './staff-context.ts';
import { LANGUAGES, languageOf } from './texts/texts.ts';

const ROUTES: Readonly<Record<Page, () => Hono<Staff>>> = {
  teletan: teleTanRoutes,
  codes: codeRoutes,
  issue: issueRoutes,
  issued: issuedRoutes,
  bulk: bulkRoutes,
  cards: cardRoutes,
  batches: batchRoutes,
  flyers: flyerRoutes,
  laboratories: laboratoryRoutes,
  quotas: quotaRoutes,
  rollbacks: rollbackPageRoutes,
  peers: peerRoutes,
  parameters: parameterRoutes,
  guesses: guessRoutes,
  'api-keys': apiKeyPageRoutes,
  holders: holderRoutes,
  sessions: sessionRoutes,
  status: statusRoutes,
  audit: auditRoutes,
};

/** @returns the routes below `/staff`; identity, clock and room are set before */
export function staffRoutes() {
  const routes = new Hono<Staff>();

  for (const { path, type, text } of ASSETS) {
    const headers = { 'content-type': type, 'cache-control': 'private, max-age=31536000, immutable' };
    routes.get(path.slice('/staff'.length), (c) => c.body(text, 200, headers));
  }

  // A card shows no time at which its holder was there: after an end they say so themselves, cookie or not.
  routes.post('/sign-in', async (c) => {
    const { identity, room } = c.var;
    if (identity.authenticatedAt !== null) return errorPage(c, 'missing');
    if (!beganHere(c.req.raw)) return errorPage(c, 'form');
    if (!(await room.signInByCard(identity.subject))) return errorPage(c, 'many');
    return c.redirect('/staff', 303);
  });

  routes.use(async function requireSession(c, next) {
    const kind = await openSession(c);
    if (kind === 'ended') return endedPage(c);
    if (kind === 'many') return errorPage(c, 'many');
    c.set('texts', LANGUAGES[c.var.session.language].texts);
    c.set('times', localTime(c.var.config.timeZone, c.var.session.language));
    return next();
  });

  routes.use(async function requireOwnForm(c, next) {
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return next();
    if (c.req.method !== 'POST') return errorPage(c, 'missing');
    const form = await readForm(c.req.raw);
    if (form === null || !beganHere(c.req.raw)) return errorPage(c, 'form');
    const once = ownForm(form, c.var.session.csrf);
    // Of a session that has ended, in another tab perhaps: its page comes anew, and nothing was done.
    if (once === null) return c.redirect(noticePath(c.req.path, 'errorForm'), 303);
    if (!(await c.var.room.countAction(c.var.identity.subject))) return errorPage(c, 'many');
    c.set('form', form);
    c.set('once', once);
    return answerOnce(c, next);
  });

  for (const page of PAGES) {
    const guarded = new Hono<Staff>();
    guarded.use(async function requireRole(c, next) {
      if (mayUse(c.var.identity.roles, page)) return next();
      if (c.req.method === 'POST') await audit(c, 'refused', page);
      return errorPage(c, 'forbidden');
    });
    guarded.route('/', ROUTES[page]());
    routes.route(`/${page}`, guarded);
  }

  routes.get('/', (c) => {
    const { identity, texts: t } = c.var;
    const pages = PAGES.filter((page) => mayUse(identity.roles, page));
    return c.html(
      <Document frame={frameOf(c, null, t.home)}>
        <p>{pages.length === 0 ? t.homeNoRole : t.homeIntro}</p>
        <p class="soft">{identity.roles.map((role) => t[`role.${role}`]).join(' · ')}</p>
        <ul class="tiles">
          {pages.map((page) => (
            <li>
              <a href={`/staff/${page}`}>
                <strong>{t[`page.${page}`]}</strong>
                {t[`about.${page}`]}
              </a>
            </li>
          ))}
        </ul>
      </Document>,
    );
  });

  routes.post('/language', async (c) => {
    await c.var.room.setLanguage(c.var.session.idHash, languageOf(c.var.form.get('language') ?? ''));
    return c.redirect('/staff', 303);
  });

  routes.post('/sign-out', async (c) => {
    await audit(c, 'session.end');
    await c.var.room.end(c.var.session.idHash);
    return endedPage(c);
  });

  routes.all('*', (c) => errorPage(c, 'missing'));
  return routes;
}
