/**
 * @module What a state directory says of itself: `format.json`, written before anything else into a new one. A directory of another
 * format, or none of ours, is refused by name instead of half understood; nothing in it is touched.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/**
 * Raised when a state that an earlier version left can't be used any more, or when an earlier version couldn't use ours. Tables are no
 * reason: Durable Objects migrate theirs. 1 had no stamp, 2 no key for credentials, 3 no secrets of Google's dialect.
 */
export const STATE_FORMAT = 4;

const FILE = 'format.json';
/** A file that was being written when its writer was killed; the next writer takes its place. */
const UNFINISHED = '.new';

/** What to do with a state that can't be used. */
const START_ANEW = 'Start with another --state, or move the directory away.';

/**
 * Replaces a file, or leaves the old one: whoever is killed here leaves a `.new` beside it at most.
 *
 * @param file its name
 * @param text all of it
 */
export function writeWhole(file: string, text: string): void {
  const unfinished = `${file}${UNFINISHED}`;
  const descriptor = openSync(unfinished, 'w', 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(unfinished, file);
}

function formatOf(file: string): number {
  let found: unknown;
  try {
    found = (JSON.parse(readFileSync(file, 'utf8')) as { format?: unknown } | null)?.format;
  } catch {
    found = undefined;
  }
  if (typeof found === 'number' && Number.isSafeInteger(found)) return found;
  throw new Error(`${file} is damaged: it must say {"format": ${STATE_FORMAT}}. ${START_ANEW}`);
}

/**
 * Stamps an empty state directory, or holds the stamp of another to what this version reads.
 *
 * @param state an existing directory
 * @throws Error naming the directory, its format and what to do, when it is of an older or a newer format, damaged, or not ours
 */
export function requireStateFormat(state: string): void {
  const file = join(state, FILE);
  if (existsSync(file)) {
    const format = formatOf(file);
    if (format === STATE_FORMAT) return;
    const age = format < STATE_FORMAT ? 'an older' : 'a newer';
    throw new Error(
      `${state} was left by ${age} version: format ${format}, this one reads ${STATE_FORMAT}. ${START_ANEW}`,
    );
  }
  const others = readdirSync(state).filter((name) => !name.endsWith(UNFINISHED));
  if (others.includes('secrets.json')) {
    throw new Error(`${state} was left by an older version: format 1, this one reads ${STATE_FORMAT}. ${START_ANEW}`);
  }
  if (others.length > 0) throw new Error(`${state} is not empty, and no state of a local edge. ${START_ANEW}`);
  writeWhole(file, `${JSON.stringify({ format: STATE_FORMAT })}\n`);
}
