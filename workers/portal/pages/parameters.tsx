/**
 * @module The parameters that phones follow: which version is in force, what waits for a second person and what it would change,
 * the versions before; and the way to the risk explorer, which shows what numbers do and proposes others.
 */
import { Hono } from 'hono';
import { differences } from '../../../domain/parameters/difference.ts';
import type { ParameterStatus, PublishedVersion } from '../../../domain/parameters/publication.ts';
import { type Audience, isEveryone } from '../../../protocol/parameters/config-head.ts';
import { errorPage } from '../errors.tsx';
import { answerPage, Csrf, Notice, Table, ZoneLine } from '../layout.tsx';
import type { NoticeKey } from '../notices.ts';
import { done } from '../once.ts';
import { pageOf } from '../paging.tsx';
import {
  type AgreeAnswer,
  agree,
  decline,
  parameterProposals,
  type ParameterProposal,
  proposedIn,
} from '../parameter-desk.ts';
import type { Staff, StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

const PROPOSAL_ID = /^[0-9a-f]{32}$/;
const HOUR = 3600;

const NOTICE_OF: Readonly<Record<AgreeAnswer['kind'], NoticeKey>> = {
  published: 'parametersPublished',
  accepted: 'parametersAccepted',
  unchanged: 'parametersUnchanged',
  conflict: 'parametersConflict',
  invalid: 'parametersInvalid',
  own: 'parametersOwn',
  gone: 'parametersGone',
  // What two people agreed to needs no third, and nobody agrees to a dry run.
  'needs-second-person': 'parametersGone',
  'would-publish': 'parametersGone',
};

function shareText(c: StaffContext, audience: Audience | null): string {
  const { texts: t } = c.var;
  if (audience === null || isEveryone(audience)) return t.parametersEveryone;
  const share = fill(t.parametersShare, { percentage: audience.percentage });
  return audience.android === 'all' && audience.ios === 'all' ? share : `${share} ${t.parametersSomeVersions}`;
}

/** Document that is for everyone in a version, as text; null when there is none. */
async function everyonesText(c: StaffContext, version: PublishedVersion | undefined): Promise<string | null> {
  const name = version?.documents.at(-1)?.sha256;
  return name === undefined ? null : c.env.ORIGIN.parameterDocument(name);
}

/** The document that a proposal would bring, as text. */
async function proposedText(
  c: StaffContext,
  proposal: ParameterProposal,
  { history }: ParameterStatus,
): Promise<string | null> {
  const proposed = proposedIn(proposal);
  if (proposed.action === 'publish') return proposed.request.document;
  const { toVersion } = proposed.request;
  return everyonesText(c, toVersion === null ? history[1] : history.find(({ version }) => version === toVersion));
}

interface ChangesProps {
  readonly c: StaffContext;
  readonly before: string | null;
  readonly after: string | null;
  /** Parameter of the address that says which page of this proposal's table is shown. */
  readonly parameter: string;
}

function Changes({ c, before, after, parameter }: ChangesProps) {
  const { texts: t } = c.var;
  if (before === null || after === null) return <p>{t.parametersNoDifference}</p>;
  const found = differences(JSON.parse(before), JSON.parse(after));
  if (found.length === 0) return <p>{t.parametersNoDifference}</p>;
  // Whoever agrees must know how much there is beyond the page that is open.
  const caption = fill(t.parametersChanges, { count: found.length });
  const { rows, links } = pageOf(c, found, { page: 'parameters', parameter, caption });
  return (
    <>
      <p>{caption}</p>
      <Table
        caption={caption}
        heads={[t.parametersField, t.parametersNow, t.parametersThen]}
        rows={rows.map(({ path, before: was, after: is }) => [
          <span class="mono break">{path}</span>,
          <span class="mono break">{was}</span>,
          <span class="mono break">{is}</span>,
        ])}
      />
      {links}
    </>
  );
}

function ProposalButton(props: { c: StaffContext; action: string; id: string; plain: boolean; children: string }) {
  return (
    <form method="post" action={`/staff/parameters/${props.action}`}>
      <Csrf token={props.c.var.session.csrf} />
      <input type="hidden" name="proposal" value={props.id} />
      <button class={props.plain ? 'plain' : undefined}>{props.children}</button>
    </form>
  );
}

interface ProposalProps {
  readonly c: StaffContext;
  readonly proposal: ParameterProposal;
  readonly status: ParameterStatus;
  readonly parameter: string;
}

async function ProposalView({ c, proposal, status, parameter }: ProposalProps) {
  const { texts: t, times, identity } = c.var;
  const proposed = proposedIn(proposal);
  const own = proposal.by === identity.person;
  const stale = proposal.expectedVersion !== status.version;
  const [before, after] = await Promise.all([everyonesText(c, status.history[0]), proposedText(c, proposal, status)]);
  const audience = proposed.action === 'publish' ? proposed.request.audience : null;
  return (
    <section class="proposal">
      <h3>{proposed.action === 'publish' ? t.parametersPublish : t.parametersRollback}</h3>
      <p>
        {fill(t.parametersBy, { who: proposal.by, time: times.time(proposal.at) })} · {shareText(c, audience)}
      </p>
      {stale && <Notice kind="bad">{fill(t.parametersStale, { version: proposal.expectedVersion })}</Notice>}
      <Changes c={c} before={before} after={after} parameter={parameter} />
      {own && <p>{t.parametersYours}</p>}
      <div class="row">
        {!own && !stale && (
          <ProposalButton c={c} action="agree" id={proposal.id} plain={false}>
            {t.parametersAgree}
          </ProposalButton>
        )}
        <ProposalButton c={c} action="decline" id={proposal.id} plain={true}>
          {own ? t.parametersTakeBack : t.parametersDecline}
        </ProposalButton>
      </div>
    </section>
  );
}

/** @returns the routes of the page `parameters` */
export function parameterRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const { texts: t, times, session } = c.var;
    const [status, proposals] = await Promise.all([c.env.ORIGIN.parameterStatus(), parameterProposals(c)]);
    const history = status.history.map(({ version, action, hour, documents }) => ({
      version,
      action,
      hour,
      shares: documents.map(({ audience }) => shareText(c, { ...audience })),
    }));
    const versions = pageOf(c, history, { page: 'parameters', parameter: 'page', caption: t.parametersHistory });
    const views = await Promise.all(
      proposals.map((proposal, n) => ProposalView({ c, proposal, status, parameter: `changes${n + 1}` })),
    );
    return answerPage(
      c,
      'parameters',
      <>
        <p>{t.parametersIntro}</p>
        <Notice kind="plain">
          {status.version === 0 ? t.parametersNone : fill(t.parametersInForce, { version: status.version })}
        </Notice>
        <p>
          <a class="button" href={`/operator/config/explorer?lang=${session.language}`}>
            {t.parametersExplorer}
          </a>
        </p>
        <h2>{t.parametersWaiting}</h2>
        {views.length === 0 ? <p>{t.parametersNothingWaits}</p> : views}
        <h2>{t.parametersHistory}</h2>
        {history.length === 0 ? (
          <p>{t.none}</p>
        ) : (
          <Table
            caption={t.parametersHistory}
            heads={[t.parametersVersion, t.parametersWhat, t.parametersSince, t.parametersFor]}
            rows={versions.rows.map(({ version, action, hour, shares }) => [
              version,
              action === 'publish' ? t.parametersPublish : t.parametersRollback,
              <span class="nowrap">{times.time(hour * HOUR)}</span>,
              shares.join('; '),
            ])}
          />
        )}
        {versions.links}
        <ZoneLine c={c} />
      </>,
    );
  });

  routes.post('/agree', async (c) => {
    const id = c.var.form.get('proposal') ?? '';
    if (!PROPOSAL_ID.test(id)) return errorPage(c, 'input');
    return done(c, 'parameters', NOTICE_OF[(await agree(c, id)).kind]);
  });

  routes.post('/decline', async (c) => {
    const id = c.var.form.get('proposal') ?? '';
    if (!PROPOSAL_ID.test(id)) return errorPage(c, 'input');
    return done(c, 'parameters', (await decline(c, id)) ? 'parametersDeclined' : 'parametersGone');
  });

  return routes;
}
