/**
 * @module A person's changes put onto another document than the one they were made of. Pure: parsed JSON in, parsed JSON out.
 */
type Json = unknown;

const isObject = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const equal = (a: Json, b: Json): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * @param base what the changes were made of
 * @param mine base with the changes
 * @param onto where they are to go
 * @returns `onto` with each value that differs between `base` and `mine` as it is in `mine`; a list whose length differs is one value
 */
export function rebased(base: Json, mine: Json, onto: Json): Json {
  if (equal(base, mine)) return onto;
  if (isObject(base) && isObject(mine) && isObject(onto)) {
    const names = [...new Set([...Object.keys(onto), ...Object.keys(mine)])];
    const entries = names.map((name) => [name, rebased(base[name], mine[name], onto[name])] as const);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }
  if (Array.isArray(base) && Array.isArray(mine) && Array.isArray(onto)) {
    const sameLength = base.length === mine.length && base.length === onto.length;
    if (sameLength) return base.map((value: Json, n) => rebased(value, mine[n], onto[n]));
  }
  return mine;
}
