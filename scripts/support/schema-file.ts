/**
 * @module A JSON Schema that is made from a schema in the code, for whoever reads the documents with other tools, and is checked in.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { ROOT } from '../../local-edge/workers.ts';
import { flag } from './command-line/arguments.ts';
import { runChild } from './command-line/child.ts';
import { run } from './command-line/command.ts';

/** Which file, made of what, by which command. */
interface SchemaFile {
  /** `npm run parameters:schema` */
  readonly command: string;
  /** Path from the repository's root. */
  readonly file: string;
  /** The file with the schema in the code. */
  readonly source: string;
  readonly schema: z.ZodType;
}

/**
 * The command that makes the file, or with `--check` fails when what is checked in differs.
 *
 * @param options see {@link SchemaFile}
 */
export async function schemaCommand({ command, file, source, schema }: SchemaFile): Promise<void> {
  await run(
    {
      name: command,
      summary: `Makes ${file} from ${source}.`,
      options: { check: flag('writes nothing; exit code 1 when the file differs') },
    },
    async ({ check }) => {
      const path = join(ROOT, file);
      const made: unknown = z.toJSONSchema(schema);
      if (!check) {
        writeFileSync(path, `${JSON.stringify(made, null, 2)}\n`);
        const { code, stderr } = await runChild('oxfmt', [path], { output: 'kept' });
        if (code !== 0) throw new Error(`oxfmt ended with ${code}: ${stderr}`);
        return 0;
      }
      // Compared as values: the formatter lays it out otherwise than JSON.stringify does.
      if (isDeepStrictEqual(JSON.parse(readFileSync(path, 'utf8')), JSON.parse(JSON.stringify(made)))) return 0;
      process.stderr.write(`${basename(file)} differs from ${basename(source)}; run: ${command}\n`);
      return 1;
    },
  );
}
