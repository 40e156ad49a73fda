/** @module What backends of a story print though nothing is wrong: whatever else a Worker prints is an error that it did not expect. */

const USUAL: readonly RegExp[] = [
  // How often peers asked in an hour (workers/shared/hourly-counts.ts).
  /^feed_\w+ hour=\d+ count=\d+$/,
  // workerd itself: an alarm was set anew just as it began (durable-objects/kept-alarm.ts), and runs at its new time.
  /^NOSENTRY SQLite alarm handler canceled with requestScheduledAlarm\./,
];

/** @returns whether a line says nothing of an error */
export const isUsual = (line: string): boolean => USUAL.some((usual) => usual.test(line));
