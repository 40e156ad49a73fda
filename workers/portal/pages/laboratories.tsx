/** @module Laboratories and their certificates: the signed list that is in force, and a new one to paste. */
import { Hono } from 'hono';
import type { ListRefusal, ListRule } from '../../../domain/list-refusal.ts';
import { errorPage } from '../errors.tsx';
import { answerPage, Form, Long, Notice, Table } from '../layout.tsx';
import { done } from '../once.ts';
import { pageOf } from '../paging.tsx';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import type { TextKey } from '../texts/en.ts';
import { fill } from '../texts/texts.ts';

/** Why a list was refused, as an address names it. */
const REFUSALS = {
  document: 'labsWhyDocument',
  type: 'labsWhyType',
  key: 'labsWhyKey',
  signature: 'labsWhySignature',
  newer: 'labsWhyNewer',
  object: 'labsWhyObject',
  version: 'labsWhyVersion',
  array: 'labsWhyArray',
  id: 'labsWhyId',
  twice: 'labsWhyTwice',
  name: 'labsWhyName',
  certificates: 'labsWhyCertificates',
  fingerprint: 'labsWhyFingerprint',
  shared: 'labsWhyShared',
  birthDate: 'labsWhyBirthDate',
} as const satisfies Readonly<Record<Exclude<ListRefusal['kind'], 'content'> | ListRule, TextKey>>;

/** @returns the address that says why: names and a number, nothing of what was sent */
function refusedPath(refusal: ListRefusal): string {
  if (refusal.kind !== 'content') return `/staff/laboratories?refused=${refusal.kind}`;
  return `/staff/laboratories?refused=${refusal.rule}${refusal.at === null ? '' : `&at=${refusal.at + 1}`}`;
}

function RefusedNotice({ c }: { readonly c: StaffContext }) {
  const { texts: t } = c.var;
  const [refused = '', at = ''] = [c.req.query('refused'), c.req.query('at')];
  if (!Object.hasOwn(REFUSALS, refused)) return null;
  const which = /^[1-9]\d{0,5}$/.test(at) ? `${fill(t.labsWhyAt, { at })} ` : '';
  return (
    <Notice kind="bad">
      {t.labsRefused} {which}
      {t[REFUSALS[refused as keyof typeof REFUSALS]]}
    </Notice>
  );
}

async function Content({ c }: { readonly c: StaffContext }) {
  const { texts: t } = c.var;
  const { version, laboratories } = await c.env.LABORATORY.laboratories();
  const listed = laboratories.map(({ id, name, certificateFingerprints }) => ({
    id,
    name,
    certificateFingerprints: [...certificateFingerprints],
  }));
  const shown = pageOf(c, listed, { page: 'laboratories', parameter: 'page', caption: t['page.laboratories'] });
  const rows = shown.rows.map(({ id, name, certificateFingerprints }) => [
    <Long>
      <span class="mono">{id}</span>
    </Long>,
    <Long>{name}</Long>,
    <Long>
      {certificateFingerprints.map((fingerprint) => (
        <div class="mono">{fingerprint}</div>
      ))}
    </Long>,
  ]);
  return (
    <>
      <RefusedNotice c={c} />
      <p>{t.labsIntro}</p>
      <p>{version === 0 ? t.labsNone : fill(t.labsVersion, { version })}</p>
      {rows.length > 0 && (
        <Table caption={t['page.laboratories']} heads={[t.labsId, t.labsName, t.labsCertificates]} rows={rows} />
      )}
      {shown.links}
      <Form c={c} action="/staff/laboratories">
        <div class="field">
          <label for="document">{t.labsPaste}</label>
          <textarea id="document" name="document" rows={8} required spellcheck={false} aria-describedby="paste-help" />
          <small id="paste-help">{t.labsPasteHelp}</small>
        </div>
        <button>{t.labsSend}</button>
      </Form>
    </>
  );
}

/** @returns the routes of the page `laboratories` */
export function laboratoryRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => answerPage(c, 'laboratories', await Content({ c })));

  routes.post('/', async (c) => {
    const { form } = c.var;
    const document = form.get('document')?.trim() ?? '';
    if (document === '') return errorPage(c, 'input');
    await audit(c, 'laboratories.set');
    const reply = await c.env.LABORATORY.setLaboratories(document);
    if (!reply.ok) {
      await audit(c, 'laboratories.refused');
      return c.redirect(refusedPath(reply.refusal), 303);
    }
    return done(c, 'laboratories', 'labsDone');
  });

  return routes;
}
