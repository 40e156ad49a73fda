/**
 * @module How many schema migrations each class of Durable Objects knows (domain/schema-versions.ts). An object refuses to start on a store that is ahead of its code (durable-objects/migrations.ts), so these numbers
 * say whether code may follow other code: a release file keeps them, an apply and a rollback compare.
 */
import type { SchemaVersions } from '../../../domain/schema-versions.ts';
import type { Configuration } from './configuration.ts';

/**
 * @param all of the commit
 * @param configuration of one Worker
 * @returns those of the classes that it has
 */
export function schemasOf(
  all: SchemaVersions,
  { durable_objects: objects }: Pick<Configuration, 'durable_objects'>,
): SchemaVersions {
  return Object.fromEntries((objects?.bindings ?? []).map(({ class_name: name }) => [name, all[name] ?? 0]));
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
