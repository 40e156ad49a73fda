/** @module Laboratories and their certificates: the signed list that is in force, and a new one to paste. */
import { Hono } from 'hono';
import { errorPage } from '../errors.tsx';
import { answerPage, Form, Long, Notice, Table } from '../layout.tsx';
import { pageOf } from '../paging.tsx';
import { audit, type Staff, type StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

async function Content({ c, notice }: { readonly c: StaffContext; readonly notice: unknown }) {
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
      {notice}
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

  routes.get('/', async (c) => answerPage(c, 'laboratories', await Content({ c, notice: null })));

  routes.post('/', async (c) => {
    const { texts: t, form } = c.var;
    const document = form.get('document')?.trim() ?? '';
    if (document === '') return errorPage(c, 'input');
    await audit(c, 'laboratories.set');
    const reply = await c.env.LABORATORY.setLaboratories(document);
    if (!reply.ok) {
      await audit(c, 'laboratories.refused');
      // The number of the version is what was sent; an error reflects nothing of it.
      const reason = reply.reason.replace(/^version \d+/, 'version');
      const notice = <Notice kind="bad">{fill(t.labsRefused, { reason })}</Notice>;
      return answerPage(c, 'laboratories', await Content({ c, notice }), 400);
    }
    const notice = <Notice kind="good">{t.labsDone}</Notice>;
    return answerPage(c, 'laboratories', await Content({ c, notice }));
  });

  return routes;
}
