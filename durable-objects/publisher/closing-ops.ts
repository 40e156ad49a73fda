/**
 * @module What an hour is to set aside once the deployment is stopped (docs/sunset.md): nothing is taken in any more, so no hour to come sets anything aside, and what waits to be taken back, whoever
 * asked for it, would wait until its keys have had their time, and the end with it. Reads alone: what comes of it is fixed with the buffer's set, and asked for again it is the same set.
 */
import { chooseCompany } from '../../domain/publication/company.ts';
import { dayOfSealing } from '../../domain/publication/head.ts';
import { ROW_BYTES, rowProvenance } from '../../domain/publication/packed-keys.ts';
import { partKey } from '../../domain/publication/record.ts';
import { mergeTaken, type TakenRows } from '../../domain/publication/taken.ts';
import type { RowKind } from '../submission-buffer/contract.ts';
import type { Publication } from './publication.ts';
import { listsOf, sumOf, takableRows } from './takable-rows.ts';
import { rowsOfRequest } from './take-back.ts';
import { stockOf } from './reserve-stock.ts';

/**
 * @param hour that is about to be frozen; what it sets aside goes with the next
 * @returns kinds of rows that lack company for the next hour, each once; null while the deployment isn't stopped
 * @throws Error for a record that lacks an object
 */
export async function closingOf(p: Publication, hour: number): Promise<readonly RowKind[] | null> {
  if (!p.stopped) return null;
  const next = hour + 1;
  const requested = await Promise.all(p.takings.openTo(null).map(({ id }) => rowsOfRequest(p, id)));
  const live = mergeTaken(requested.flatMap((rows) => rows ?? [])).filter(({ day }) => day > dayOfSealing(next));
  const rows = await takableRows(p, next, live);
  if (rows.length === 0) return [];
  const company = chooseCompany({
    policy: p.config.policy,
    asked: sumOf(rows),
    stock: stockOf(p, next),
    touched: new Set(rows.map((part) => part.hour)),
    isLate: false,
  });
  const waits = (list: string): boolean => company === null || company.waiting.includes(list);
  const kinds = new Map<string, RowKind>();
  for (const part of rows) {
    for (const kind of await kindsOf(p, part)) {
      const lists = listsOf(p, { ...kind, synthetic: false, origin: p.config.regions[0]! });
      if (lists.some(waits)) kinds.set(lists.join(' '), kind);
    }
  }
  return [...kinds.values()];
}

/** @returns what is published and told apart as rows of a part are; a peer's rows are in every region, and in no feed */
async function kindsOf(p: Publication, { hour, day, n, rows }: TakenRows): Promise<RowKind[]> {
  const { regions, unionRegion } = p.config;
  const name = partKey(hour, { day, n });
  const bytes = await p.privateBucket.get(name);
  if (bytes === null) throw new Error(`the private record lacks ${name}`);
  const provenances = p.store.hour(hour).record?.provenances ?? {};
  const numbers = new Set(Array.from(rows, (row) => rowProvenance(bytes, row * ROW_BYTES)));
  return [...numbers].flatMap((number) => {
    const about = provenances[number];
    if (about === undefined) return [];
    return about.origin === regions[0]
      ? [{ regions: about.regions, consentToFederation: about.consentToFederation }]
      : [{ regions: regions.filter((region) => region !== unionRegion), consentToFederation: false }];
  });
}
