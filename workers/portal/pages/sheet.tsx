/**
 * @module A page that is printed: the frame, and in it so many pieces that they are sent as they are made. Ten thousand
 * cards are 20 MB of HTML, which nobody needs in memory at once.
 */
import { raw } from 'hono/html';
import type { Child } from 'hono/jsx';
import { answerPage } from '../layout.tsx';
import type { Page } from '../roles.ts';
import type { StaffContext } from '../staff-context.ts';

/** Stands in the frame where the pieces go. */
const PLACE = '<!--sheet-->';
/** Pieces rendered in one go. */
const AT_ONCE = 50;

/** One piece, ready to be rendered. */
type Piece = () => { toString(): string | Promise<string> };

/** @param above what stands above the sheet on screen @param pieces what is printed */
export async function answerSheet(c: StaffContext, page: Page, above: Child, pieces: readonly Piece[]) {
  const { texts: t } = c.var;
  const frame = await answerPage(
    c,
    page,
    <>
      <div class="screen">
        {above}
        <div class="row">
          <button type="button" class="needs-js" data-print>
            {t.print}
          </button>
          <a class="button plain" href={`/staff/${page}`}>
            {t.back}
          </a>
        </div>
      </div>
      <div class="sheet">{raw(PLACE)}</div>
    </>,
  );
  const [before = '', after = ''] = (await frame.text()).split(PLACE);
  const encoder = new TextEncoder();
  let next = 0;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(before)),
    async pull(controller) {
      const now = pieces.slice(next, next + AT_ONCE);
      next += now.length;
      if (now.length === 0) {
        controller.enqueue(encoder.encode(after));
        controller.close();
        return;
      }
      const rendered = await Promise.all(now.map(async (piece) => piece().toString()));
      controller.enqueue(encoder.encode(rendered.join('')));
    },
  });
  return c.body(body, 200, { 'content-type': 'text/html; charset=UTF-8' });
}
