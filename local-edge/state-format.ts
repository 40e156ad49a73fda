/**
 * @module What a state directory says of itself: `format.json`, written before anything else into a new one. A directory of another
 * format, with tables of a newer version, or none of ours, is refused by name instead of half understood; nothing in it is touched.
 *
 * Durable writes: `format.json`, with the versions of tables that objects are about to have. A crash right after it leaves tables that are
 * older than it says: the same version goes on, an older one refuses what it could still have read.
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
import { SCHEMA_VERSIONS, type SchemaVersions } from '../domain/schema-versions.ts';

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

interface Stamp {
  readonly format: number;
  /** Of the newest version that was started on it; a state of before 0.2 says nothing. */
  readonly schemas: SchemaVersions;
}

const isVersion = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value);

function stampIn(file: string): Stamp {
  let found: { readonly format?: unknown; readonly schemas?: unknown } | null;
  try {
    found = JSON.parse(readFileSync(file, 'utf8')) as { format?: unknown; schemas?: unknown } | null;
  } catch {
    found = null;
  }
  const { format, schemas = {} } = found ?? {};
  const isTable = typeof schemas === 'object' && schemas !== null && Object.values(schemas).every(isVersion);
  if (isVersion(format) && isTable) return { format, schemas: schemas as SchemaVersions };
  throw new Error(`${file} is damaged: it must say {"format": ${STATE_FORMAT}}. ${START_ANEW}`);
}

/** What the tables of a state are at once when this version has started on it. */
const stampText = (): string => `${JSON.stringify({ format: STATE_FORMAT, schemas: SCHEMA_VERSIONS })}\n`;

/** @throws Error naming the object, where its tables are newer than this version knows */
function requireKnownTables(state: string, schemas: SchemaVersions): void {
  const known: SchemaVersions = SCHEMA_VERSIONS;
  const newer = Object.entries(schemas).filter(([name, version]) => version > (known[name] ?? 0));
  if (newer.length === 0) return;
  const what = newer.map(([name, version]) => `${name} ${version}, this one reads ${known[name] ?? 'none'}`).join('; ');
  throw new Error(
    `${state} was used by a newer version, and its tables are too new: ${what}. Start that version, or a newer one. ${START_ANEW}`,
  );
}

/**
 * Stamps an empty state directory, or holds the stamp of another to what this version reads.
 *
 * @param state an existing directory
 * @throws Error naming the directory, its format and what to do, when it is of an older or a newer format, was used by a newer version,
 *   is damaged, or not ours
 */
export function requireStateFormat(state: string): void {
  const file = join(state, FILE);
  if (existsSync(file)) {
    const { format, schemas } = stampIn(file);
    if (format === STATE_FORMAT) {
      requireKnownTables(state, schemas);
      if (readFileSync(file, 'utf8') !== stampText()) writeWhole(file, stampText());
      return;
    }
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
  writeWhole(file, stampText());
}
