/**
 * @module docs/erasure.md says of everything that is stored how it ends: it names every table and every folder of a bucket that durable-objects/STORAGE.md
 * has, and STORAGE.md every table that the code makes.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { ROOT } from '../../local-edge/workers.ts';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const storage = read('durable-objects/STORAGE.md');
const erasure = read('docs/erasure.md');

/** Tables of STORAGE.md: where a header names one, its rows are columns; else the first cell of each row names some. */
function storedTables(): string[] {
  const names: string[] = [];
  let ofRows = false;
  const [objects = ''] = storage.split('\n## Buckets');
  for (const line of objects.split('\n')) {
    const cell = /^\| ([^|]+) \|/.exec(line)?.[1] ?? '';
    if (/^Table\b/.test(cell)) ofRows = cell === 'Table';
    const named = [...cell.matchAll(/`([a-z_]+)`/g)].map((match) => match[1]!);
    if (ofRows || cell.startsWith('Table `')) names.push(...named);
  }
  return names;
}

/** First folders of the objects of both buckets; an object without a folder by its name. */
function storedFolders(): string[] {
  const buckets = storage.split('\n## Buckets')[1]!.split('\n## ')[0]!;
  const cells = [...buckets.matchAll(/^\| ((?:private|public) [^|]+) \|/gm)].map((match) => match[1]!);
  const names = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!));
  return names.map((name) => (name.includes('/') ? name.slice(0, name.indexOf('/') + 1) : name));
}

/** Tables that any object makes; those that a migration drops are gone, and a name with a placeholder is a copy's. */
function madeTables(): string[] {
  const code = globSync('durable-objects/**/*.ts', { cwd: ROOT, exclude: ['**/*.test.ts'] })
    .map(read)
    .join('\n');
  const made = [...code.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+)\b(?!\$)/g)].map((match) => match[1]!);
  const dropped = new Set([...code.matchAll(/DROP TABLE (?:IF EXISTS )?([a-z_]+)/g)].map((match) => match[1]!));
  return made.filter((name) => !dropped.has(name) || storage.includes(`\`${name}\``));
}

const each = (names: readonly string[]): string[] => [...new Set(names)].toSorted();

describe('docs/erasure.md', () => {
  it.for(each(storedTables()))('says how `%s` ends', (table, { expect }) => {
    expect(erasure).toContain(`\`${table}\``);
  });

  it.for(each(storedFolders()))('says how %s of the buckets ends', (folder, { expect }) => {
    expect(erasure).toContain(`\`${folder}\``);
  });

  it('is asked for all of them', ({ expect }) => {
    expect(each(storedTables()).length).toBeGreaterThan(45);
    expect(each(storedFolders())).toEqual(
      expect.arrayContaining(['sets/', 'journal/', 'row-keys/', 'foreign/', 'log/', 'v1/', 'version/']),
    );
  });
});

describe('durable-objects/STORAGE.md', () => {
  it.for(each(madeTables()))('names the table %s, which the code makes', (table, { expect }) => {
    expect(storage).toContain(`\`${table}\``);
  });
});
