/**
 * Question: do staff get their pages and teleTANs in time when a country's hotline and all who oversee it work at once?
 *
 * A hotline's agent signs in, opens the form, says why and that they asked, and reads a code; who oversees signs in and turns over lists.
 * RATE_FACTOR 1 is 1,200 agents who issue a teleTAN every five minutes, four a second, and ten people a second who look something up.
 * One `StaffRoom` keeps the sessions, forms and audit log of all of them: that is what is asked. Every code must be a new one.
 */
import { check } from 'k6';
import { Counter, Trend } from 'k6/metrics';
import { session } from './lib/session.ts';
import { arrival, RATE_FACTOR, TARGETS, options as loadOptions } from './lib/settings.ts';
import { textOf } from './lib/signed.ts';
import { Staff } from './lib/staff.ts';

export { handleSummary } from './lib/summary.ts';

const { agents, agentSecondsPerTeleTan, lookUpsPerSecond, pageMillisecondsP95 } = TARGETS.portal;
const TELETANS_PER_SECOND = (agents / agentSecondsPerTeleTan) * RATE_FACTOR;
const shown = new Counter('teletans_shown');
const pageAfter = new Trend('page_after', true);

export const options = loadOptions({
  scenarios: {
    hotline: arrival(TELETANS_PER_SECOND, 'hotline'),
    overseers: arrival(lookUpsPerSecond * RATE_FACTOR, 'overseers'),
  },
  correctness: { http_req_failed: ['rate==0'] },
  times: { page_after: [`p(95)<${pageMillisecondsP95}`] },
});

/** One of so many: as in an hour of work, names come again, and each person's pace and quota hold. */
const oneOf = (kind: string, many: number): string => `${kind}-${Math.floor(Math.random() * many)}`;

type Answer = ReturnType<Staff['open']>;

/** @returns whether a page came whole, and with what it is for on it */
function isPage(answer: Answer, holds: string): boolean {
  pageAfter.add(answer.timings.duration);
  const text = textOf(answer);
  return check(answer, {
    'page is 200': (r) => r.status === 200,
    'page is whole': () => text.includes('<main id="content"') && text.endsWith('</html>'),
    'page has what it is for': () => text.includes(holds),
  });
}

const CODE = /<p class="code"[^>]*>([A-Z2-9]{3}-[A-Z2-9]{3}-[A-Z2-9]{4})</;
const FORM = '/staff/teletan';

export const hotline = session(() => {
  const agent = new Staff(oneOf('agent', agents));
  let good = isPage(agent.signIn(['hotline']), FORM);
  const form = agent.open(FORM);
  good = isPage(form, `action="${FORM}"`) && good;
  const code = agent.submit(form, FORM, { reason: 'lost', asked: 'yes' });
  good = isPage(code, 'class="code"') && good;
  const read = CODE.exec(textOf(code))?.[1];
  if (read !== undefined) shown.add(1);
  return check(read, { 'a code is read': (one) => one !== undefined }) && good;
});

/** Pages with lists, each with what stands on it whatever was done before. */
const LISTS = [
  ['/staff/codes', 'name="person"'],
  ['/staff/batches', 'Europe/Berlin'],
  ['/staff/quotas', 'name="perHour"'],
  ['/staff/parameters', 'href="/operator/config/explorer'],
  ['/staff/guesses', 'class="figures"'],
  ['/staff/audit', 'session.begin'],
] as const;

export const overseers = session(() => {
  const overseer = new Staff(oneOf('overseer', 200));
  let good = isPage(overseer.signIn(['health-authority', 'auditor']), 'class="tiles"');
  for (const [path, holds] of LISTS) good = isPage(overseer.open(path), holds) && good;
  return good;
});
