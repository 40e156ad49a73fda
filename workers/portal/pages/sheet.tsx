/**
 * @module A page that is printed: the frame, and in it sheets of paper, sent as they are made, so that nobody needs ten
 * thousand cards in memory at once. What stands above says until the last sheet came that it has not (a browser shows what
 * it has), and only then that it may be printed.
 */
import { raw } from 'hono/html';
import { SHEET_SCRIPT_ASSET } from '../assets/assets.ts';
import { answerPage, Notice } from '../layout.tsx';
import type { Page } from '../roles.ts';
import type { StaffContext } from '../staff-context.ts';

/** Stands in the frame where the sheets go. */
const PLACE = '<!--sheets-->';
/** Sheets rendered in one go. */
const AT_ONCE = 5;

/** What is printed. */
export interface Sheets {
  /** Sheets of paper. */
  readonly count: number;
  /** @param index 0..count-1 @returns a sheet, ready to be rendered */
  make(index: number): { toString(): string | Promise<string> };
  /** Class of the pieces that are counted while they come, and how many there will be. */
  readonly piece: string;
  readonly pieces: number;
  /** What is said once all are there. */
  readonly made: string;
  /** What is to be done when they never come. */
  readonly broken: string;
}

/** Answers with sheets; hidden by the stylesheet until `#sheets-end`: what says that all are there, and the button. */
export async function answerSheets(c: StaffContext, page: Page, sheets: Sheets) {
  const { texts: t } = c.var;
  const frame = await answerPage(
    c,
    page,
    <>
      <div class="screen">
        <div class="until-whole">
          <Notice kind="plain">{t.sheetsComing}</Notice>
          <progress aria-label={t.sheetsSoFar} max={sheets.pieces} value="0" data-piece={sheets.piece} />
        </div>
        <div class="broken" hidden>
          <Notice kind="bad">{sheets.broken}</Notice>
        </div>
        <div class="when-whole">
          <Notice kind="good">{sheets.made}</Notice>
        </div>
        <div class="row">
          <span class="when-whole">
            <button type="button" class="needs-js" data-print>
              {t.print}
            </button>
          </span>
          <a class="button plain" href={`/staff/${page}`}>
            {t.back}
          </a>
        </div>
      </div>
      <script async src={SHEET_SCRIPT_ASSET.path} integrity={SHEET_SCRIPT_ASSET.integrity} />
      <div class="sheets" role="region" aria-label={t[`page.${page}`]} tabindex={0}>
        {raw(PLACE)}
      </div>
      <span id="sheets-end" />
    </>,
  );
  const [before = '', after = ''] = (await frame.text()).split(PLACE);
  const encoder = new TextEncoder();
  let next = 0;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(before)),
    async pull(controller) {
      if (next === sheets.count) {
        controller.enqueue(encoder.encode(after));
        controller.close();
        return;
      }
      const end = Math.min(next + AT_ONCE, sheets.count);
      let text = '';
      while (next < end) text += await sheets.make(next++).toString();
      controller.enqueue(encoder.encode(text));
    },
  });
  return c.body(body, 200, { 'content-type': 'text/html; charset=UTF-8' });
}
