/**
 * @module Verification codes for a table of people: checked first, then issued, by a script in slices with a bar that grows, or without one in a single form. A line always gets the same code, whatever is
 * sent again (its uuid follows from the checked table and the line's place). What failed is told by line and reason; codes and numbers are on this page alone.
 */
import { Hono } from 'hono';
import type { DeliverReply } from '../../../domain/rpc-sms.ts';
import { BULK_SCRIPT_ASSET } from '../assets/assets.ts';
import {
  BULK_FAULTS,
  type BulkFault,
  type BulkRow,
  CANONICAL_HEAD,
  canonicalRow,
  MAX_BULK_ROWS,
  readBulkTable,
} from '../bulk-table.ts';
import { staffRequest, TOLD, uuidOfOrder } from '../code-desk.ts';
import { errorPage } from '../errors.tsx';
import { integerField, newOnce, onceIn } from '../form.ts';
import { answerPage, Csrf, Form, Notice, Table } from '../layout.tsx';
import { withPolicyFor } from '../security-headers.ts';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';
import { codeQuotaLine } from './issue.tsx';

/** Lines that the script sends at once: 30 forms a minute are taken of a person. */
const ROWS_AT_ONCE = 100;

/** What came of a line. */
interface BulkResult {
  readonly line: number;
  readonly fault: BulkFault | null;
  readonly uuid: string | null;
  /** null: it went by SMS, or there is none. */
  readonly code: string | null;
  /** Unix seconds, or null. */
  readonly expiresAt: number | null;
}

function resultOf({ line, phone }: BulkRow, reply: DeliverReply | undefined): BulkResult {
  const none = { line, uuid: null, code: null, expiresAt: null };
  if (reply === undefined) return { ...none, fault: 'refused' };
  if ('error' in reply) return { ...none, fault: TOLD[reply.error].fault };
  const { uuid, code, expiresAt, longExpiresAt } = reply;
  return { line, fault: null, uuid, code: phone === null ? code : null, expiresAt: longExpiresAt ?? expiresAt };
}

/** Issues the lines of a checked table. @param batch names the table in this session @param from index of the first of them in it */
async function issueRows(
  c: StaffContext,
  rows: readonly BulkRow[],
  batch: string,
  from: number,
): Promise<BulkResult[]> {
  const order = c.var.session.orderOf(batch);
  const requests = rows.map(({ testType, testDate, symptomDate, phone }, at) =>
    staffRequest({ testType, testDate, symptomDate, phone, uuid: uuidOfOrder(order, from + at) }),
  );
  await audit(c, 'codes.issue', `bulk ${batch.slice(0, 8)} lines ${from + 1} to ${from + rows.length}`);
  const replies = await c.env.VERIFICATION.deliverCodes(c.var.identity.subject, requests);
  const results = rows.map((row, at) => resultOf(row, replies[at]));
  const failed = results.filter(({ fault }) => fault !== null).length;
  if (failed > 0) await audit(c, 'codes.refused', `bulk ${batch.slice(0, 8)} failed ${failed}`);
  return results;
}

const faultText = (c: StaffContext, fault: BulkFault): string => c.var.texts[`bulkFault.${fault}`];

function Faults({
  c,
  caption,
  faults,
}: {
  c: StaffContext;
  caption: string;
  faults: readonly { line: number; fault: BulkFault }[];
}) {
  const { texts: t } = c.var;
  const rows = faults.map(({ line, fault }) => [line, faultText(c, fault)]);
  return (
    <>
      <h2>{caption}</h2>
      <Table caption={caption} heads={[t.bulkLine, t.bulkWhy]} rows={rows} numeric={[0]} />
    </>
  );
}

function TableForm({ c }: { c: StaffContext }) {
  const { texts: t } = c.var;
  const limit = { rows: MAX_BULK_ROWS };
  return (
    <Form c={c} action="/staff/bulk">
      <div class="field needs-js" data-file-into="table">
        <label for="file">{t.bulkFile}</label>
        <input id="file" type="file" accept=".csv,text/csv,text/plain" />
      </div>
      <div class="field">
        <label for="table">{t.bulkTable}</label>
        <textarea
          id="table"
          name="table"
          rows={8}
          required
          spellcheck={false}
          aria-describedby="table-help"
          placeholder={'testType,testDate,symptomDate,phone'}
        />
        <small id="table-help">{fill(t.bulkTableHelp, limit)}</small>
      </div>
      <button>{t.bulkCheck}</button>
    </Form>
  );
}

/** The form that issues; the script takes its place, and finds in it all that it needs. */
function IssueForm({ c, rows }: { c: StaffContext; rows: readonly BulkRow[] }) {
  const { texts: t } = c.var;
  const faults = Object.fromEntries(BULK_FAULTS.map((fault) => [fault, faultText(c, fault)]));
  return (
    <form method="post" action="/staff/bulk/issue" data-bulk={ROWS_AT_ONCE} data-faults={JSON.stringify(faults)}>
      <Csrf token={c.var.session.csrf} />
      <input type="hidden" name="batch" value={newOnce()} />
      <input type="hidden" name="from" value="0" />
      <textarea name="rows" hidden aria-hidden="true" tabindex={-1}>
        {rows.map((row) => canonicalRow(row)).join('\n')}
      </textarea>
      <p>{t.bulkStay}</p>
      <button data-retry={t.bulkRetry}>{fill(t.bulkIssue, { count: rows.length })}</button>
      <div class="bulk-run" hidden>
        <progress aria-label={t.bulkProgress} max={rows.length} value="0" />
        <p role="status" data-result={t.bulkResult} />
        <div class="bulk-failed" hidden>
          <h2>{t.bulkFailed}</h2>
          <Table caption={t.bulkFailed} heads={[t.bulkLine, t.bulkWhy]} rows={[]} numeric={[0]} />
        </div>
        <p class="bulk-report" hidden>
          <a class="button plain" download="codes.csv" href="/staff/bulk">
            {t.bulkDownload}
          </a>{' '}
          {t.bulkDownloadHelp}
        </p>
      </div>
    </form>
  );
}

/** The script sends slices of the table. */
function withScript(answer: Response | Promise<Response>) {
  return withPolicyFor(answer, "connect-src 'self'");
}

const Script = () => <script src={BULK_SCRIPT_ASSET.path} integrity={BULK_SCRIPT_ASSET.integrity} defer />;

/** @returns the routes of the page `bulk` */
export function bulkRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const { texts: t, identity } = c.var;
    const book = await c.env.VERIFICATION.codeBook(identity.subject);
    return withScript(
      answerPage(
        c,
        'bulk',
        <>
          <p>{t.bulkIntro}</p>
          <TableForm c={c} />
          {codeQuotaLine(c, book)}
          <Script />
        </>,
      ),
    );
  });

  // Nothing is done yet, so the page is the answer, and may be asked for as often as one likes.
  routes.post('/', (c) => {
    const { texts: t, form, now } = c.var;
    const table = readBulkTable(form.get('table') ?? '', now);
    return withScript(
      answerPage(
        c,
        'bulk',
        table === null ? (
          <>
            <Notice kind="bad">{fill(t.bulkInvalid, { rows: MAX_BULK_ROWS })}</Notice>
            <TableForm c={c} />
            <Script />
          </>
        ) : (
          <>
            <Notice kind={table.faults.length === 0 ? 'good' : 'plain'}>
              {fill(t.bulkChecked, { fine: table.rows.length, rows: table.rows.length + table.faults.length })}
            </Notice>
            {table.rows.length > 0 && <IssueForm c={c} rows={table.rows} />}
            {table.faults.length > 0 && <Faults c={c} caption={t.bulkFaults} faults={table.faults} />}
            <p>
              <a href="/staff/bulk">{t.back}</a>
            </p>
            <Script />
          </>
        ),
        table === null ? 400 : 200,
      ),
    );
  });

  routes.post('/issue', async (c) => {
    const { texts: t, form, now, times } = c.var;
    const batch = onceIn(form.get('batch'));
    const from = integerField(form, 'from', { min: 0, max: MAX_BULK_ROWS - 1 });
    // Checked once more: what comes now is a form of anybody who is signed in here.
    const table = readBulkTable(`${CANONICAL_HEAD}\n${form.get('rows') ?? ''}`, now);
    if (batch === null || from === null || table === null || table.faults.length > 0) return errorPage(c, 'input');
    const results = await issueRows(c, table.rows, batch, from);
    if (c.req.header('accept') === 'application/json') return c.json({ results });
    const failed = results.flatMap(({ line, fault }) => (fault === null ? [] : [{ line, fault }]));
    const issued = results.filter(({ fault }) => fault === null);
    const rows = issued.map(({ line, code, expiresAt }) => [
      line,
      code === null ? t.bulkBySms : <span class="mono">{code}</span>,
      expiresAt === null ? '' : <span class="nowrap">{times.time(expiresAt)}</span>,
    ]);
    return answerPage(
      c,
      'bulk',
      <>
        <Notice kind={failed.length === 0 ? 'good' : 'bad'}>
          {fill(t.bulkResult, { issued: issued.length, failed: failed.length })}
        </Notice>
        {failed.length > 0 && <Faults c={c} caption={t.bulkFailed} faults={failed} />}
        <h2>{t.bulkCodes}</h2>
        <Table caption={t.bulkCodes} heads={[t.bulkLine, t.bulkCode, t.issuedEnds]} rows={rows} numeric={[0]} />
        <p>
          <a href="/staff/bulk">{t.back}</a>
        </p>
      </>,
    );
  });

  return routes;
}
