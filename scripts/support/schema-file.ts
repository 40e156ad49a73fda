/**
 * @module A JSON Schema that is made from a schema in the code, for whoever reads the documents with other tools, and is checked in.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { ROOT } from '../../local-edge/workers.ts';
import { flag } from './command-line/arguments.ts';
import { runChild } from './command-line/child.ts';

/** Options of the commands that make one. */
export const SCHEMA_OPTIONS = { check: flag('writes nothing; exit code 1 when the file differs') } as const;

/**
 * Makes the file, or says whether it is what the code gives.
 *
 * @param file path from the repository's root
 * @param schema in the code
 * @param check writes nothing
 * @returns false when `check` finds another schema in the file
 * @throws Error when it can't be formatted
 */
export async function makeSchema(file: string, schema: z.ZodType, check: boolean): Promise<boolean> {
  const path = join(ROOT, file);
  const made: unknown = z.toJSONSchema(schema, { io: 'input' });
  if (!check) {
    writeFileSync(path, `${JSON.stringify(made, null, 2)}\n`);
    const { code, stderr } = await runChild('oxfmt', [path], { output: 'kept' });
    if (code !== 0) throw new Error(`oxfmt ended with ${code}: ${stderr}`);
    return true;
  }
  // Compared as values: the formatter lays it out otherwise than JSON.stringify does.
  return isDeepStrictEqual(JSON.parse(readFileSync(path, 'utf8')), JSON.parse(JSON.stringify(made)));
}
