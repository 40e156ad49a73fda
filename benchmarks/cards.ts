/**
 * @module `npm run bench:cards`: from the button to the PDF of a whole batch of code cards, by a provider's browser before a
 * local edge. The longest label and provider that there may be are on each card. Writes results/cards.md; ends with 1 when a
 * batch takes longer than its target.
 */
import { execFileSync } from 'node:child_process';
import { getPriority, loadavg } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { MAX_CARDS_PER_BATCH } from '../domain/card-batch.ts';
import { startLocalEdge } from '../local-edge/local-edge.ts';
import { temporaryFolder } from '../scripts/support/command-line/interrupt.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { requireChromium, requirePdftotext } from '../scripts/support/chromium.ts';
import { REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { startedCpuMs, workerdCpuMs } from './workerd-process.ts';

const TARGET_SECONDS = 60;
const CARDS_PER_SHEET = 10;
const LABEL = 'Winter campaign of the municipal practices, second delivery.';
const PROVIDER = 'Association of general practitioners of the northern districts and their out-of-hours surgeries';

interface Measured {
  readonly firstByteSeconds: number;
  readonly pageSeconds: number;
  readonly pdfSeconds: number;
  readonly htmlBytes: number;
  readonly pdfBytes: number;
  readonly sheets: number;
  readonly codes: number;
  /** Of workerd and Chromium, at least: a helper process that ended meanwhile is not in it. */
  readonly cpuSeconds: { readonly workerd: number; readonly page: number; readonly pdf: number };
}

async function measure(folder: string, say: (text: string) => void): Promise<Measured> {
  const edge = await startLocalEdge();
  // As root Chromium has no sandbox; what it opens here is our own.
  const browser = await chromium.launch({
    executablePath: requireChromium(),
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    page.setDefaultTimeout(0);
    await page.goto(`${edge.url}/staff`);
    await page.getByLabel('Provider', { exact: true }).fill(PROVIDER);
    await page.getByLabel('provider', { exact: true }).check();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.goto(`${edge.url}/staff/cards`);
    await page.getByLabel('Name of the batch').fill(LABEL);
    await page.getByLabel('Number of cards').fill(String(MAX_CARDS_PER_BATCH));

    const cpu = (since: number): number => startedCpuMs() / 1000 - since;
    const idle = cpu(0);
    const idleWorkerd = workerdCpuMs();
    const begun = performance.now();
    const answered = page.waitForResponse((response) => response.request().method() === 'POST');
    await page.getByRole('button', { name: 'Make the cards' }).click({ noWaitAfter: true });
    await answered;
    const firstByteSeconds = (performance.now() - begun) / 1000;
    say(`the answer began after ${firstByteSeconds.toFixed(1)} s`);
    await page.locator('#sheets-end').waitFor({ state: 'attached' });
    await page.waitForLoadState('load');
    const pageSeconds = (performance.now() - begun) / 1000;
    const pageCpu = cpu(idle);
    const workerd = (workerdCpuMs() - idleWorkerd) / 1000;
    say(`the page was whole after ${pageSeconds.toFixed(1)} s`);
    const path = join(folder, 'cards.pdf');
    const printed = performance.now();
    const pdf = await page.pdf({ preferCSSPageSize: true, path });
    const pdfSeconds = (performance.now() - printed) / 1000;
    const pdfCpu = cpu(idle) - pageCpu;
    say(`the PDF took ${pdfSeconds.toFixed(1)} s`);
    const text = execFileSync(requirePdftotext(), ['-raw', path, '-'], { encoding: 'utf8', maxBuffer: 1e9 });
    return {
      firstByteSeconds,
      pageSeconds,
      pdfSeconds,
      cpuSeconds: { workerd, page: pageCpu, pdf: pdfCpu },
      htmlBytes: await page.evaluate(
        () => (performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming).decodedBodySize,
      ),
      pdfBytes: pdf.length,
      sheets: text.split('\f').length - 1,
      codes: new Set(text.match(/^[A-Z2-9]{5}-\n[A-Z2-9]{5}-\n[A-Z2-9]{5}$/gm)).size,
    };
  } finally {
    await browser.close();
    await edge.dispose();
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

await run(
  {
    name: 'npm run bench:cards',
    summary: `From the button to the PDF of ${MAX_CARDS_PER_BATCH} code cards, by Chromium before a local edge. Writes
      benchmarks/results/cards.md. Ends with 1 where that takes more than ${TARGET_SECONDS} s, or a card is missing.`,
    options: REPORT_OPTIONS,
  },
  async ({ 'no-report': noReport }, { say, print }) => {
    const [load = 0] = loadavg();
    const folder = temporaryFolder('cards');
    const measured = await measure(folder.path, say).finally(() => folder.remove());
    const seconds = measured.pageSeconds + measured.pdfSeconds;
    const whole = measured.codes === MAX_CARDS_PER_BATCH && measured.sheets === MAX_CARDS_PER_BATCH / CARDS_PER_SHEET;
    const good = whole && seconds <= TARGET_SECONDS;
    const { workerd, page, pdf } = measured.cpuSeconds;
    const body = `From the button "Make the cards" to a PDF of all ${MAX_CARDS_PER_BATCH.toLocaleString('en')} cards: every Worker in one workerd, and Chromium, on this machine. Label and provider
are as long as they may be. The codes are read back from the PDF by pdftotext. Target: ${TARGET_SECONDS} s in all.

| | time | CPU of workerd and Chromium |
|---|---|---|
| the answer begins | ${measured.firstByteSeconds.toFixed(1)} s | |
| the page is whole, ${megabytes(measured.htmlBytes)} | ${measured.pageSeconds.toFixed(1)} s | ${page.toFixed(1)} s, of which workerd ${workerd.toFixed(1)} |
| the PDF from there, ${megabytes(measured.pdfBytes)} | ${measured.pdfSeconds.toFixed(1)} s | ${pdf.toFixed(1)} s |
| in all | ${seconds.toFixed(1)} s | ${(page + pdf).toFixed(1)} s |

${measured.codes.toLocaleString('en')} different codes on ${measured.sheets.toLocaleString('en')} sheets. Load of the machine before: ${load.toFixed(1)}; priority (nice): ${getPriority()}.`;
    if (!noReport) {
      writeReport('cards', { title: 'Ten thousand code cards, printed', command: 'npm run bench:cards', body });
    }
    print(
      { ...measured, seconds, pass: good },
      `${good ? 'PASS' : 'FAIL'}: ${measured.codes} cards in ${seconds.toFixed(1)} s (target ${TARGET_SECONDS})`,
    );
    return good ? 0 : 1;
  },
);
