/**
 * @module What the rows of a rollback wait for that are to be taken back, and until when at the latest (docs/rollback.md): by the same rules as taking-ops.ts takes them. Reads alone.
 */
import { certainUploads, goesLate } from '../../domain/publication/company.ts';
import { dayOfSealing } from '../../domain/publication/head.ts';
import type { TakenRows } from '../../domain/publication/taken.ts';
import type { RollbackWait } from '../../domain/rollback.ts';
import { hourEnd, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { Publication } from './publication.ts';
import { sumOf, takableRows } from './takable-rows.ts';
import { countRows, rowsOfRequest } from './take-back.ts';
import { lastLeaving } from './due-requests.ts';
import { MAX_WAIT_HOURS } from './taking-ops.ts';

/**
 * @param id of a request
 * @returns what its rows wait for; null when every region has published that they are taken back, their time is over, or there is no such request (any more)
 * @throws Error for a record that lacks an object
 */
export async function waitOf(p: Publication, id: string): Promise<RollbackWait | null> {
  const parts = await rowsOfRequest(p, id);
  const asked = p.takings.request(id);
  if (asked === null) return null;
  if (!asked.done) {
    const until = await latestEnd(p, id, asked.askedHour, parts ?? []);
    // While parts were read an hour may have taken it up.
    const request = p.takings.request(id);
    if (request !== null && !request.done) {
      const isPassedOver = request.hour === null && takenHour(p) >= request.askedHour;
      const regions = p.config.regions.filter((region) => p.failing.has(region));
      return { for: isPassedOver ? 'company' : 'hour', until, regions };
    }
  }
  const hour = p.takings.request(id)?.hour ?? 0;
  const regions = p.config.regions.filter((region) => (p.store.head(region)?.throughHour ?? -1) < hour);
  return regions.length === 0 ? null : { for: 'region', regions };
}

/** @returns the same of several, one after the other: each may read many parts */
export async function waitsOf(p: Publication, ids: readonly string[]): Promise<(RollbackWait | null)[]> {
  const waits: (RollbackWait | null)[] = [];
  for (const id of ids) waits.push(await waitOf(p, id));
  return waits;
}

const takenHour = (p: Publication): number => p.store.meta('taken_hour') ?? -1;

/** @returns when rows are taken back at the latest while hours are published, or leave by themselves: Unix seconds */
async function latestEnd(p: Publication, id: string, askedHour: number, parts: readonly TakenRows[]): Promise<number> {
  const { reserveUploads } = p.config.policy;
  // Of a request that lost its rows the end of their time is all that is known.
  const leaves = parts.length === 0 ? lastLeaving(p, { askedHour }) : Math.max(...parts.map(({ day }) => day));
  const late = Math.max(reserveUploads === 0 ? askedHour : askedHour + MAX_WAIT_HOURS, takenHour(p) + 1);
  const left = parts.filter(({ day }) => day > dayOfSealing(late));
  const end = leaves * SECONDS_PER_DAY;
  return (await isOwnCompany(p, id, left)) ? Math.min(end, hourEnd(late)) : end;
}

/** @returns whether rows that are late go without anybody else's; read once after each hour that was taken, since a page asks each time that it is shown */
async function isOwnCompany(p: Publication, id: string, left: readonly TakenRows[]): Promise<boolean> {
  const { minKeys, minUploads } = p.config.policy;
  const rows = countRows(left);
  if (rows < minKeys || certainUploads(rows) < minUploads) return false;
  const after = takenHour(p);
  const known = p.takings.ownCompany.get(id);
  if (known?.after === after) return known.goes;
  const goes = goesLate(p.config.policy, sumOf(await takableRows(p, Number.MAX_SAFE_INTEGER, left)));
  p.takings.ownCompany.set(id, { after, goes });
  return goes;
}
