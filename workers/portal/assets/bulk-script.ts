/**
 * @module The script of the page `bulk`, as it is served: puts a file into the text field; issues a checked table slice by slice, with a bar, and makes the report. A slice whose answer was lost is sent
 * again, and its lines get the same codes. Without it the form is sent whole.
 */
export const BULK_SCRIPT = `'use strict';
for (const field of document.querySelectorAll('[data-file-into]')) {
  field.querySelector('input').addEventListener('change', async (event) => {
    const [file] = event.target.files;
    if (file !== undefined) document.getElementById(field.dataset.fileInto).value = await file.text();
  });
}
const form = document.querySelector('form[data-bulk]');
if (form !== null) {
  const lines = form.elements.rows.value.split('\\n');
  const atOnce = Number(form.dataset.bulk);
  const faults = JSON.parse(form.dataset.faults);
  const run = form.querySelector('.bulk-run');
  const button = form.querySelector('button');
  const results = new Map();
  const newOnce = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  let busy = false;
  let url = null;

  const send = async (from) => {
    const slice = lines.slice(from, from + atOnce);
    const body = new URLSearchParams({
      csrf: form.elements.csrf.value, once: newOnce(), batch: form.elements.batch.value, from, rows: slice.join('\\n'),
    });
    // Too many forms in this minute (429), or the connection was lost: a little later, the same slice.
    for (let tries = 0; tries < 12; tries += 1) {
      try {
        const answer = await fetch(form.action, { method: 'POST', body, headers: { accept: 'application/json' }, redirect: 'manual' });
        if (answer.ok) return (await answer.json()).results;
        if (answer.status < 500 && answer.status !== 429) break;
      } catch {}
      await wait(Math.min(1 + tries, 10));
      body.set('once', newOnce());
    }
    return slice.map((line) => ({ line: Number(line.split(',')[0]), fault: 'broken', uuid: null, code: null, expiresAt: null }));
  };

  const show = () => {
    const all = [...results.values()].flat();
    const failed = all.filter(({ fault }) => fault !== null);
    run.querySelector('progress').value = all.length;
    const status = run.querySelector('[role=status]');
    status.textContent = status.dataset.result.replace('{issued}', all.length - failed.length).replace('{failed}', failed.length);
    const body = run.querySelector('tbody');
    const heads = [...run.querySelectorAll('th')].map((head) => head.textContent);
    body.replaceChildren(...failed.map(({ line, fault }) => {
      const row = document.createElement('tr');
      row.setAttribute('role', 'row');
      for (const [column, text] of [String(line), faults[fault]].entries()) {
        const cell = row.insertCell();
        cell.setAttribute('role', 'cell');
        cell.dataset.head = heads[column];
        if (column === 0) cell.className = 'number';
        cell.textContent = text;
      }
      return row;
    }));
    run.querySelector('.bulk-failed').hidden = failed.length === 0;
    return { all, failed };
  };

  const report = (all) => {
    const rows = all.map(({ line, uuid, code, expiresAt, fault }) =>
      [line, uuid ?? '', code ?? '', expiresAt === null ? '' : new Date(1000 * expiresAt).toISOString(), fault ?? 'issued'].join(','));
    if (url !== null) URL.revokeObjectURL(url);
    url = URL.createObjectURL(new Blob(['line,uuid,code,expiresAt,result\\n' + rows.join('\\n') + '\\n'], { type: 'text/csv' }));
    run.querySelector('a[download]').href = url;
    run.querySelector('.bulk-report').hidden = false;
  };

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    button.disabled = true;
    run.hidden = false;
    // That nothing was issued yet is no longer so.
    document.querySelector('main > .notice')?.remove();
    for (let from = 0; from < lines.length; from += atOnce) {
      const before = results.get(from);
      if (before === undefined || before.some(({ fault }) => fault !== null)) results.set(from, await send(from));
      show();
    }
    const { all, failed } = show();
    report(all);
    busy = false;
    button.disabled = false;
    if (failed.length === 0) button.hidden = true;
    else button.textContent = button.dataset.retry;
  });
  window.addEventListener('beforeunload', (event) => busy && event.preventDefault());
}
`;
