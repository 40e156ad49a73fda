import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { LOG_ARGUMENTS, type LogSource, withBuckets } from './bucket-arguments.ts';
import { temporaryFolder } from './command-line/interrupt.ts';
import { readArguments } from './command-line/read-arguments.ts';

const folder = temporaryFolder('bucket-arguments');
const at = (name: string): string => join(folder.path, name);
const MUST_BE = 'the folder that a local edge was started with (npm start -- --state)';

/** @returns how a call is refused, before a bucket is opened */
async function refused(...args: string[]): Promise<string> {
  try {
    const read = readArguments({ name: 'npm run log', summary: '', options: LOG_ARGUMENTS, examples: [] }, args);
    if (read !== 'help') await withBuckets(read.values as LogSource, () => Promise.resolve());
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return '';
}

describe('where the buckets are', () => {
  beforeAll(() => {
    for (const name of ['photographs', 'state/resources', 'copy']) mkdirSync(at(name), { recursive: true });
    writeFileSync(at('file'), '');
  });
  afterAll(() => folder.remove());

  it.for(['absent', 'photographs', 'file'])('--state %s is refused by name and rule', async (name, { expect }) => {
    expect(await refused('--state', at(name))).toBe(`UsageError: --state: "${at(name)}" must be ${MUST_BE}`);
  });

  it('a state without the log’s key, a copy that is no folder, a key that is missing: each is named', async ({
    expect,
  }) => {
    expect(await refused('--state', at('state'))).toBe(
      `UsageError: --log-key: is needed, ${at('state/log-public.pem')} is not there`,
    );
    expect(await refused('--private', at('file'))).toBe(
      `UsageError: --private: "${at('file')}" must be a folder that exists`,
    );
    expect(await refused('--private', at('copy'))).toBe('UsageError: --log-key: a file is needed with --private');
    expect(await refused()).toBe('UsageError: give either --state or --private');
  });
});
