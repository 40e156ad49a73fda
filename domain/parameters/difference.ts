/**
 * @module What changed between two parameter documents, field by field, in the paths that validation uses too.
 */
import { pathText } from '../../protocol/parameters/document.ts';
import { valueText } from '../../protocol/parameters/violation.ts';

export interface Difference {
  /** `v1.exposureConfiguration.minimumRiskScore` */
  readonly path: string;
  /** As JSON, cut to a line; `(absent)` if there is nothing. */
  readonly before: string;
  readonly after: string;
}

type Path = readonly PropertyKey[];

function isBranch(value: unknown): value is Record<string, unknown> | unknown[] {
  return typeof value === 'object' && value !== null;
}

function walk(before: unknown, after: unknown, path: Path, found: Difference[]): void {
  if (isBranch(before) && isBranch(after) && Array.isArray(before) === Array.isArray(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    for (const name of names) {
      const step: Path = [...path, Array.isArray(before) ? Number(name) : name];
      const of = (value: object): unknown => (value as Record<string, unknown>)[name];
      walk(of(before), of(after), step, found);
    }
    return;
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  found.push({ path: pathText(path), before: valueText(before), after: valueText(after) });
}

/**
 * @param before parsed JSON
 * @param after parsed JSON
 * @returns every value that differs; `$schema`, which is never published, left out
 */
export function differences(before: unknown, after: unknown): Difference[] {
  const found: Difference[] = [];
  walk(withoutSchema(before), withoutSchema(after), [], found);
  return found;
}

function withoutSchema(document: unknown): unknown {
  if (!isBranch(document) || Array.isArray(document)) return document;
  const { $schema: _, ...rest } = document;
  return rest;
}
