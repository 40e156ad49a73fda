/**
 * @module Whole lists. Some pages of the library end where the answer ends, others where a page is empty; the API says beside a page how many there are in all. A list that is shorter
 * than it says would have what is missing made a second time, or taken for gone.
 */
import type { AbstractPage, PagePromise } from 'cloudflare/core/pagination';
import { TOTAL_HEADER } from './client.ts';

/** A list this long isn't read: nobody has so many, so something goes round in circles. */
const MAX_ITEMS = 10_000;

/**
 * @param what is listed, for the error
 * @param list one page of it, by the number of the page, from 1
 * @returns all of them
 * @throws Error when fewer come than the API says there are
 */
export async function everything<Item, Page extends AbstractPage<Item>>(
  what: string,
  list: (options: { readonly query?: { readonly page: number } }) => PagePromise<Page, Item>,
): Promise<Item[]> {
  const items: Item[] = [];
  let total = 0;
  for (let number = 1; ; number += 1) {
    const before = items.length;
    const { data, response } = await list(number === 1 ? {} : { query: { page: number } }).withResponse();
    total = Number(response.headers.get(TOTAL_HEADER) ?? 0);
    for await (const item of data) {
      items.push(item);
      if (items.length === total) return items;
      if (items.length > MAX_ITEMS) throw new Error(`more than ${MAX_ITEMS} ${what}`);
    }
    if (items.length >= total) return items;
    if (items.length === before) break;
  }
  throw new Error(`half an answer: ${items.length} of ${total} ${what} came`);
}
