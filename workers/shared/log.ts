/**
 * @module The one way a Worker writes a log line. Lines are fixed texts with counts, hours, names of our variables: nothing of
 * a request, no address, header, code, key or body ever (docs/architecture.md §10). Whoever adds a call answers for that.
 */

/** @param line a line that identifies nobody */
export function logLine(line: string): void {
  // oxlint-disable-next-line no-console -- the one place; the platform has no other way to write a log line
  console.warn(line);
}
