/** @module Pages that only show: failed guesses, what the origin has published, the audit log and its search. */
import { Hono } from 'hono';
import { startOfUtcDay, utcText } from '../local-time.ts';
import { answerPage, Field, Long, Notice, Table, ZoneLine } from '../layout.tsx';
import type { Staff } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

const DAY_SECONDS = 86_400;
const MAX_SEARCH = 100;

/** @returns the routes of the page `guesses` */
export function guessRoutes() {
  const routes = new Hono<Staff>();
  routes.get('/', async (c) => {
    const { texts: t } = c.var;
    const [ofTeletans, ofCodes] = await Promise.all([c.env.VERIFICATION.guesses(), c.env.VERIFICATION.codeGuesses()]);
    const counted = [
      [t.teletanCode, ofTeletans],
      [t.guessesOfCodes, ofCodes],
    ] as const;
    return answerPage(
      c,
      'guesses',
      <>
        <p>{t.guessesIntro}</p>
        {counted.map(([head, { thisHour, lastHour, alarm }]) => (
          <>
            <h2>{head}</h2>
            <Notice kind={alarm ? 'bad' : 'good'}>{alarm ? t.guessesAlarm : t.guessesCalm}</Notice>
            <dl class="figures">
              <div>
                <dt>{t.guessesThisHour}</dt>
                <dd>{thisHour}</dd>
              </div>
              <div>
                <dt>{t.guessesLastHour}</dt>
                <dd>{lastHour}</dd>
              </div>
            </dl>
          </>
        ))}
      </>,
    );
  });
  return routes;
}

/** @returns the routes of the page `status` */
export function statusRoutes() {
  const routes = new Hono<Staff>();
  routes.get('/', async (c) => {
    const { texts: t } = c.var;
    const [{ regions, idle, counters }, authorities] = await Promise.all([
      c.env.ORIGIN.status(),
      c.var.room.authorities(),
    ]);
    const stale = authorities.filter(({ nextUpdate }) => c.var.now >= nextUpdate).map(({ name }) => name);
    const rows = Object.entries(counters).map(([name, value]) => [<span class="mono">{name}</span>, value]);
    const hour = (last: number | null): string => (last === null ? '–' : c.var.times.time(last * 3600));
    return answerPage(
      c,
      'status',
      <>
        {stale.map((name) => (
          <Notice kind="bad">{fill(t.statusStale, { name })}</Notice>
        ))}
        <Notice kind={idle ? 'good' : 'plain'}>{idle ? t.statusIdle : t.statusBusy}</Notice>
        <Table
          caption={t['page.status']}
          heads={[t.statusRegion, t.statusSequence, t.statusHour]}
          rows={regions.map(({ region, sequence, lastIndexedHour }) => [region, sequence, hour(lastIndexedHour)])}
          numeric={[1]}
        />
        <h2>{t.statusCounters}</h2>
        {rows.length === 0 ? (
          <p>{t.none}</p>
        ) : (
          <Table caption={t.statusCounters} heads={[t.statusCounter, t.statusValue]} rows={rows} numeric={[1]} />
        )}
        <ZoneLine c={c} />
      </>,
    );
  });
  return routes;
}

/** @returns the routes of the page `audit` */
export function auditRoutes() {
  const routes = new Hono<Staff>();
  routes.get('/', async (c) => {
    const { texts: t, room } = c.var;
    const query = (name: string): string => (c.req.query(name) ?? '').slice(0, MAX_SEARCH);
    const to = startOfUtcDay(query('to'));
    const before = /^\d{1,15}$/.test(query('before')) ? Number(query('before')) : null;
    const search = {
      text: query('text') === '' ? null : query('text'),
      from: startOfUtcDay(query('from')),
      to: to === null ? null : to + DAY_SECONDS,
      before,
    };
    const [found, { broken, wholeAt }] = await Promise.all([room.search(search), room.chain()]);
    const { entries, before: goesOn } = found;
    const older = new URLSearchParams({ text: query('text'), from: query('from'), to: query('to') });
    older.set('before', String(goesOn ?? 0));
    return answerPage(
      c,
      'audit',
      <>
        <p>
          {t.auditIntro} <strong>{t.utc}</strong>
        </p>
        {broken === null ? (
          <p class="soft">
            {wholeAt === null ? t.auditNotYet : fill(t.auditWhole, { time: `${utcText(wholeAt)} UTC` })}
          </p>
        ) : (
          <Notice kind="bad">{fill(t.auditBroken, { id: broken })}</Notice>
        )}
        <form method="get" action="/staff/audit" class="filters" role="search">
          <Field label={t.auditSearch} name="text" maxlength={MAX_SEARCH} value={query('text')} />
          <Field label={t.auditFrom} name="from" type="date" value={query('from')} />
          <Field label={t.auditTo} name="to" type="date" value={query('to')} />
          <button>{t.auditFind}</button>
        </form>
        {entries.length === 0 ? (
          <p>{goesOn === null ? t.auditNone : t.auditNoneYet}</p>
        ) : (
          <Table
            caption={t['page.audit']}
            heads={[t.auditWhen, t.auditWho, t.auditWhat, t.auditDetail]}
            rows={entries.map(({ at, who, what, detail }) => [
              <span class="nowrap">{utcText(at)}</span>,
              <Long>{who}</Long>,
              <span class="mono nowrap">{what}</span>,
              <Long>{detail}</Long>,
            ])}
          />
        )}
        {goesOn !== null && (
          <p>
            <a href={`/staff/audit?${older.toString()}`}>{t.auditOlder}</a>
          </p>
        )}
      </>,
    );
  });
  return routes;
}
