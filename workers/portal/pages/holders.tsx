/**
 * @module Professionals who come by card: who is on the list, with which roles and for which provider, and until when the
 * lists of revoked certificates of their authorities say anything.
 */
import { Hono } from 'hono';
import type { ListFacts } from '../../../durable-objects/staff-room/authority-ops.ts';
import { HOLDER_PAGE, type ListedHolder } from '../../../durable-objects/staff-room/card-ops.ts';
import { listHolders, unlistHolder } from '../card-desk.ts';
import { holderIn, isCardSubject } from '../card-input.ts';
import { errorPage } from '../errors.tsx';
import { answerPage, Csrf, Field, Form, Long, Table, ZoneLine } from '../layout.tsx';
import { done } from '../once.ts';
import { pageOf } from '../paging.tsx';
import { PROFESSIONAL_ROLES, type Role } from '../roles.ts';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import type { Texts } from '../texts/en.ts';

/** The authorities that are known, to choose one. */
export function AuthorityField({ t, authorities }: { t: Texts; authorities: readonly ListFacts[] }) {
  return (
    <div class="field">
      <label for="authority">{t.holdersAuthority}</label>
      <select id="authority" name="authority" required>
        {authorities.map(({ authority, name }) => (
          <option value={authority}>{name}</option>
        ))}
      </select>
    </div>
  );
}

/** Parameter of the address: page of the table of authorities, which stands below that of holders. */
const AUTHORITY_PAGE = 'authorities';

function Authorities({ c, authorities }: { c: StaffContext; authorities: readonly ListFacts[] }) {
  const { texts: t, times, now } = c.var;
  if (authorities.length === 0) return <p>{t.authoritiesNone}</p>;
  const caption = t.authoritiesTitle;
  const { rows, links } = pageOf(c, authorities, {
    page: 'holders',
    parameter: AUTHORITY_PAGE,
    caption,
    keeps: 'after',
  });
  return (
    <>
      <Table
        caption={caption}
        heads={[t.holdersAuthority, t.authoritiesMade, t.authoritiesUntil, t.authoritiesRevoked, t.codesState]}
        rows={rows.map(({ name, thisUpdate, nextUpdate, entries }) => [
          <Long>{name}</Long>,
          <span class="nowrap">{times.time(thisUpdate)}</span>,
          <span class="nowrap">{times.time(nextUpdate)}</span>,
          entries,
          now < nextUpdate ? t.authoritiesFresh : <strong>{t.authoritiesStale}</strong>,
        ])}
        numeric={[3]}
      />
      {links}
    </>
  );
}

/** A form of one button about one holder. */
function HolderButton(props: { c: StaffContext; action: string; subject: string; children: string }) {
  return (
    <form method="post" action={`/staff/holders/${props.action}`}>
      <Csrf token={props.c.var.session.csrf} />
      <input type="hidden" name="subject" value={props.subject} />
      <button class="plain short" aria-label={`${props.children} ${props.subject}`}>
        {props.children}
      </button>
    </form>
  );
}

function Holders({ c, holders }: { c: StaffContext; holders: readonly ListedHolder[] }) {
  const { texts: t } = c.var;
  const rows = holders.map(({ subject, roles, provider, person, held }) => [
    <Long>
      <span class="mono">{subject}</span>
    </Long>,
    roles.map((role) => t[`role.${role as Role}`]).join(' · '),
    <Long>{provider}</Long>,
    <Long>{person || '–'}</Long>,
    held ? <strong>{t.holdersHeld}</strong> : t.codesValid,
    <div>
      {held && (
        <HolderButton c={c} action="readmit" subject={subject}>
          {t.holdersReadmit}
        </HolderButton>
      )}
      <HolderButton c={c} action="remove" subject={subject}>
        {t.holdersRemove}
      </HolderButton>
    </div>,
  ]);
  const heads = [t.holdersSubject, t.holdersRoles, t.batchProvider, t.holdersPerson, t.codesState, t.action];
  return <Table caption={t['page.holders']} heads={heads} rows={rows} />;
}

async function content(c: StaffContext) {
  const { texts: t, room } = c.var;
  const after = c.req.query('after') ?? '';
  const [listed, authorities] = await Promise.all([
    room.holders(isCardSubject(after) ? after : ''),
    room.authorities(),
  ]);
  const holders = listed.map((holder) => ({ ...holder, roles: [...holder.roles] }));
  const last = holders.length === HOLDER_PAGE ? holders.at(-1) : undefined;
  const at = c.req.query(AUTHORITY_PAGE);
  // The other table stays where it is.
  const kept = at === undefined ? {} : { [AUTHORITY_PAGE]: at };
  const holdersAt = (from: Record<string, string>): string => {
    const query = new URLSearchParams({ ...from, ...kept }).toString();
    return query === '' ? '/staff/holders' : `/staff/holders?${query}`;
  };
  return (
    <>
      <p>{t.holdersIntro}</p>
      {holders.length === 0 ? <p>{t.holdersNone}</p> : <Holders c={c} holders={holders} />}
      {(last !== undefined || after !== '') && (
        <nav class="row" aria-label={t.pages}>
          {after !== '' && (
            <a class="button plain" href={holdersAt({})}>
              {t.holdersFirst}
            </a>
          )}
          {last !== undefined && (
            <a class="button plain" href={holdersAt({ after: last.subject })}>
              {t.pageAfter}
            </a>
          )}
        </nav>
      )}
      {authorities.length > 0 && (
        <>
          <h2>{t.holdersAdd}</h2>
          <Form c={c} action="/staff/holders">
            <AuthorityField t={t} authorities={authorities} />
            <Field label={t.holdersId} help={t.holdersIdHelp} name="holderId" required maxlength={64} />
            <Field label={t.batchProvider} name="provider" required maxlength={100} />
            <Field label={t.holdersPerson} help={t.holdersPersonHelp} name="person" maxlength={100} />
            <fieldset>
              <legend>{t.holdersRoles}</legend>
              {PROFESSIONAL_ROLES.map((role) => (
                <p>
                  <label>
                    <input type="checkbox" name={`role-${role}`} value="yes" /> {t[`role.${role}`]}
                  </label>
                </p>
              ))}
            </fieldset>
            <button>{t.holdersSave}</button>
          </Form>
        </>
      )}
      <h2>{t.authoritiesTitle}</h2>
      <p>{t.authoritiesIntro}</p>
      <Authorities c={c} authorities={authorities} />
      <ZoneLine c={c} />
    </>
  );
}

/** @returns the routes of the page `holders` */
export function holderRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => answerPage(c, 'holders', await content(c)));

  routes.post('/', async (c) => {
    const { form } = c.var;
    const text = (name: string): string => (form.get(name) ?? '').trim();
    const holder = holderIn({
      authority: text('authority'),
      holderId: text('holderId'),
      provider: text('provider'),
      person: text('person'),
      roles: PROFESSIONAL_ROLES.filter((role) => form.has(`role-${role}`)),
    });
    if (holder === null || !(await listHolders(c, [holder]))) return errorPage(c, 'input');
    return done(c, 'holders', 'holdersSaved');
  });

  routes.post('/remove', async (c) => {
    const subject = c.var.form.get('subject');
    if (!isCardSubject(subject)) return errorPage(c, 'input');
    await unlistHolder(c, subject);
    return done(c, 'holders', 'holdersRemoved');
  });

  routes.post('/readmit', async (c) => {
    const subject = c.var.form.get('subject');
    if (!isCardSubject(subject)) return errorPage(c, 'input');
    await audit(c, 'cards.readmit', subject);
    await c.var.room.readmit(subject);
    return done(c, 'holders', 'holdersReadmitted');
  });

  return routes;
}
