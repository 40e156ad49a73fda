/** @module Pages of a table whose rows are all at hand: so many at a time, and links to the others. */
import type { Page } from './roles.ts';
import type { StaffContext } from './staff-context.ts';
import { fill } from './texts/texts.ts';

/** Rows on a page, as batches have them. */
const PAGE_ROWS = 25;
const NUMBER = /^[1-9]\d{0,5}$/;

/** Where a table is: the page of the portal, the parameter of its address, and the table's name for who can't see it. */
interface Place {
  readonly page: Page;
  readonly parameter: string;
  readonly caption: string;
  /** Another parameter that its links keep: whose rows they are. */
  readonly keeps?: string;
}

/** A page of rows. */
interface Paged<Row> {
  readonly rows: readonly Row[];
  /** Links to the pages around this one; null when there is but one. */
  readonly links: ReturnType<typeof PageLinks> | null;
}

/** @param index of a row @returns number of the page that it is on */
export const pageWith = (index: number): number => Math.floor(Math.max(0, index) / PAGE_ROWS) + 1;

/**
 * @param rows all of them
 * @param at where; two tables of a page have two parameters
 * @returns the rows asked for; the last ones when the number is beyond them, the first when it is none
 */
export function pageOf<Row>(c: StaffContext, rows: readonly Row[], at: Place): Paged<Row> {
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
  const asked = c.req.query(at.parameter) ?? '';
  const page = NUMBER.test(asked) ? Math.min(Number(asked), pages) : 1;
  return {
    rows: rows.slice((page - 1) * PAGE_ROWS, page * PAGE_ROWS),
    links: pages === 1 ? null : PageLinks({ c, at, page, pages }),
  };
}

interface LinksProps {
  readonly c: StaffContext;
  readonly at: Place;
  readonly page: number;
  readonly pages: number;
}

function PageLinks({ c, at, page, pages }: LinksProps) {
  const { texts: t } = c.var;
  // The other tables of the page stay where they are.
  const others = Object.entries(c.req.query()).filter(
    ([name, value]) => name !== at.parameter && (NUMBER.test(value) || name === at.keeps),
  );
  const to = (number: number): string =>
    `/staff/${at.page}?${new URLSearchParams([...others, [at.parameter, String(number)]]).toString()}`;
  return (
    <nav class="row" aria-label={`${t.pages}: ${at.caption}`}>
      {page > 1 && (
        <a class="button plain" href={to(page - 1)}>
          {t.pageBefore}
        </a>
      )}
      <span>{fill(t.pageOf, { page, pages })}</span>
      {page < pages && (
        <a class="button plain" href={to(page + 1)}>
          {t.pageAfter}
        </a>
      )}
    </nav>
  );
}
