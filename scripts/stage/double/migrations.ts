/**
 * @module Migrations of Durable Objects' classes: what each step does to a Worker, and when the platform refuses.
 */
import { Refusal } from './refusal.ts';
import { newId, type Worker } from './state.ts';

interface Step {
  readonly new_classes?: readonly string[];
  readonly new_sqlite_classes?: readonly string[];
  readonly deleted_classes?: readonly string[];
  readonly renamed_classes?: readonly { readonly from?: string; readonly to?: string }[];
}

/** As an upload has them: one step, or several. */
export interface Migrations extends Step {
  readonly old_tag?: string;
  readonly new_tag?: string;
  readonly steps?: readonly Step[];
}

function add(worker: Worker, className: string, sqlite: boolean): void {
  if (Object.hasOwn(worker.classes, className)) {
    throw new Refusal(
      400,
      10_074,
      `Cannot apply new-class migration to class '${className}' that is already depended on by existing Durable Objects`,
    );
  }
  worker.classes[className] = { namespaceId: newId(), sqlite };
}

function take(
  worker: Worker,
  className: string,
  what: string,
): { readonly namespaceId: string; readonly sqlite: boolean } {
  const found = worker.classes[className];
  if (found === undefined)
    throw new Refusal(400, 10_021, `Cannot apply ${what} migration to non-existent class ${className}`);
  delete worker.classes[className];
  return found;
}

function applyStep(worker: Worker, step: Step): void {
  for (const className of step.new_classes ?? []) add(worker, className, false);
  for (const className of step.new_sqlite_classes ?? []) add(worker, className, true);
  for (const className of step.deleted_classes ?? []) take(worker, className, 'deleted_classes');
  for (const { from = '', to = '' } of step.renamed_classes ?? []) {
    worker.classes[to] = take(worker, from, 'renamed_classes');
  }
}

/**
 * @param worker changed in place
 * @param migrations of an upload
 * @param exports of the upload's main module
 * @throws Refusal 10079 when the tag isn't what the uploader believes, 10070 for a class that the module doesn't export
 */
export function applyMigrations(worker: Worker, migrations: Migrations, exports: readonly string[]): void {
  if ((migrations.old_tag ?? null) !== worker.migrationTag) {
    throw new Refusal(
      412,
      10_079,
      `Migration tag precondition failed; expected tag is '${migrations.old_tag ?? ''}' but it is '${worker.migrationTag ?? ''}'`,
    );
  }
  for (const step of migrations.steps ?? [migrations]) applyStep(worker, step);
  const unexported = Object.keys(worker.classes).find((className) => !exports.includes(className));
  if (unexported !== undefined) {
    throw new Refusal(
      400,
      10_070,
      `Cannot apply new-class migration to class '${unexported}' that is not exported by script.`,
    );
  }
  worker.migrationTag = migrations.new_tag ?? worker.migrationTag;
}
