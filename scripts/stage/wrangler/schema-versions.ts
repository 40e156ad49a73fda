/**
 * @module How many schema migrations each class of Durable Objects knows. An object refuses to start on a store that is ahead of its code (durable-objects/migrations.ts), so these numbers
 * say whether code may follow other code: a release file keeps them, an apply and a rollback compare.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../../../local-edge/workers.ts';
import type { Configuration } from './configuration.ts';

/** Folder of the class → number of migrations: `{ 'tan-ledger': 4 }`. */
export type SchemaVersions = Readonly<Record<string, number>>;

/** Where a class's migrations are, by the name that its constructor migrates with. */
const EXPORT = /^export const (MIGRATIONS|SCHEMA)\b/m;

/**
 * The files are loaded by their place, not imported: scripts may not import objects, and of these only the number of entries is read.
 *
 * @param root folder of the classes' folders
 * @returns the numbers, by name
 */
export async function schemaVersions(root: string = join(ROOT, 'durable-objects')): Promise<SchemaVersions> {
  const classes = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const found: Record<string, number> = {};
  for (const { name } of classes.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const file of readdirSync(join(root, name)).filter(
      (each) => each.endsWith('.ts') && !each.includes('.test.'),
    )) {
      const path = join(root, name, file);
      const exported = EXPORT.exec(readFileSync(path, 'utf8'))?.[1];
      if (exported === undefined) continue;
      const module = (await import(pathToFileURL(path).href)) as Readonly<
        Record<string, readonly unknown[] | undefined>
      >;
      found[name] = module[exported]?.length ?? 0;
    }
  }
  return found;
}

/**
 * @param all of the commit
 * @param configuration of one Worker
 * @returns those of the classes that it has
 */
export function schemasOf(
  all: SchemaVersions,
  { durable_objects: objects }: Pick<Configuration, 'durable_objects'>,
): SchemaVersions {
  const folders = (objects?.bindings ?? []).map(({ class_name: name }) =>
    name.replaceAll(/\B[A-Z]/g, (letter) => `-${letter}`).toLowerCase(),
  );
  return Object.fromEntries(folders.map((folder) => [folder, all[folder] ?? 0]));
}

/**
 * @param store what stores may be at
 * @param code what the code knows
 * @returns classes whose store may be ahead of the code, as people read it
 */
export function schemasAhead(store: SchemaVersions, code: SchemaVersions): string[] {
  return Object.entries(store)
    .filter(([name, version]) => version > (code[name] ?? 0))
    .map(([name, version]) => `${name} is at schema ${version}, this code knows ${code[name] ?? 0}`);
}
