/**
 * @module Writes THIRD_PARTY_NOTICES.md: the licence text of every package whose code ends up in a deployed Worker or
 * in the phone's command line. What only builds and tests is not distributed and not listed.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { flag } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';

/** One runtime package with what its licence asks us to hand on. */
export interface Notice {
  readonly name: string;
  readonly version: string;
  /** SPDX expression from its package.json. */
  readonly license: string;
  /** Licence and notice files, verbatim. */
  readonly texts: readonly string[];
}

interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
}

const TARGET = 'THIRD_PARTY_NOTICES.md';
const LICENCE_FILE = /^(licen[cs]e|notice|copying)/i;

/**
 * Collects the runtime packages: those in the lock file that are neither development nor optional dependencies.
 *
 * @param root the repository, with node_modules installed
 * @returns notices sorted by package name
 * @throws Error naming the package that ships no licence text
 */
export function collectNotices(root: string): Notice[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && !entry.dev && !entry.optional && !entry.devOptional)
    .map(([path, entry]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      const texts = readdirSync(join(root, path))
        .filter((file) => LICENCE_FILE.test(file))
        .toSorted()
        .map((file) => readFileSync(join(root, path, file), 'utf8').trim());
      if (texts.length === 0) throw new Error(`${name}: no LICENSE, NOTICE or COPYING file in ${path}`);
      return { name, version: entry.version, license: entry.license ?? 'see the text', texts };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Lays the notices out as Markdown.
 *
 * @param notices from {@link collectNotices}
 * @returns the whole file, ending with a line feed
 */
export function renderNotices(notices: readonly Notice[]): string {
  const table = notices.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`);
  const sections = notices.map(
    ({ name, version, texts }) =>
      `## ${name} ${version}\n\n${texts.map((text) => `\`\`\`text\n${text}\n\`\`\``).join('\n\n')}`,
  );
  return `${[
    '# Third-party notices',
    '',
    'exposure-edge is under the Apache License 2.0 (LICENSE). The deployed Workers and the phone contain code of these packages.',
    'Made by `node scripts/third-party-notices.ts`; do not edit.',
    '',
    '| package | version | licence |',
    '|---|---|---|',
    ...table,
    '',
    sections.join('\n\n'),
  ].join('\n')}\n`;
}

if (import.meta.main) {
  await run(
    {
      name: 'node scripts/third-party-notices.ts',
      summary: `Writes ${TARGET}. Ends with 1 when a package has no licence text.`,
      options: { check: flag('writes nothing; exit code 1 when the file is out of date') },
    },
    ({ check }) => {
      const root = join(import.meta.dirname, '..');
      const text = renderNotices(collectNotices(root));
      const file = join(root, TARGET);
      if (!check) {
        writeFileSync(file, text);
        return 0;
      }
      if (readFileSync(file, 'utf8') === text) return 0;
      process.stderr.write(`${TARGET} is out of date: run node scripts/third-party-notices.ts\n`);
      return 1;
    },
  );
}
