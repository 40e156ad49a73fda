/** @module How the portal writes times and codes. All times are UTC, so that no two pages disagree. */

/** @param seconds Unix seconds @returns `2026-11-25 04:41` */
export const timeText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');

/** @param seconds Unix seconds @returns `2026-11-25` */
export const dateText = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);

/** @returns a teleTAN in groups as people read them out: 3-3-4 */
export const teleTanText = (code: string): string => `${code.slice(0, 3)}-${code.slice(3, 6)}-${code.slice(6)}`;

/** @returns a card's code in groups of five */
export const cardText = (code: string): string => (code.match(/.{1,5}/g) ?? []).join('-');

/** @param text `YYYY-MM-DD` @returns Unix seconds of its first instant (UTC), or null when there is no such day */
export function startOfDay(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const milliseconds = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(milliseconds) || dateText(milliseconds / 1000) !== text ? null : milliseconds / 1000;
}
