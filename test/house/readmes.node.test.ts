/**
 * @module Who opens a folder finds what lives there: each top-level folder and each Worker has a README that names its entry files
 * and sub-folders, says what it may import as the import table does, and where to begin; docs/README.md lists every document.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'vitest';
import { ROOT } from '../../local-edge/workers.ts';
import { MAY_IMPORT } from '../support/import-table.ts';

const FILES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((file) => existsSync(join(ROOT, file)));

/** Names directly below a folder: `['cli.ts', 'lib/']`. */
const childrenOf = (folder: string): string[] => [
  ...new Set(
    FILES.filter((file) => file.startsWith(`${folder}/`)).map((file) => {
      const [first = '', ...more] = file.slice(folder.length + 1).split('/');
      return more.length > 0 ? `${first}/` : first;
    }),
  ),
];

const TOP_LEVEL = [
  ...new Set(FILES.filter((file) => file.includes('/')).map((file) => file.split('/')[0] ?? '')),
].filter((folder) => !folder.startsWith('.'));
const WORKERS = childrenOf('workers').flatMap((name) => (name.endsWith('/') ? [`workers/${name.slice(0, -1)}`] : []));
const FOLDERS = [...TOP_LEVEL, ...WORKERS];

/** Folders that hold no code, or may import whatever they like. */
const OUTSIDE_THE_TABLE: Readonly<Record<string, string>> = {
  deploy: 'nothing',
  docs: 'nothing',
  parameters: 'nothing',
  stages: 'nothing',
  test: 'anything',
};

const read = (file: string): string => (existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : '');
const inBackticks = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
const paragraph = (text: string, lead: string): string => text.split(`**${lead}:**`)[1]?.split(/\n\n|\*\*/)[0] ?? '';

/** Files of a folder that people or the platform start: what npm runs, and a Worker's main.ts. */
function entriesOf(folder: string): string[] {
  const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
  const run = Object.values(scripts).flatMap((script) => script.match(/[\w/-]+\.tsx?/g) ?? []);
  const main = WORKERS.includes(folder) && folder !== 'workers/shared' ? [`${folder}/main.ts`] : [];
  return [...new Set([...run, ...main])].flatMap((file) =>
    file.startsWith(`${folder}/`) ? [file.slice(folder.length + 1)] : [],
  );
}

/** A file as a README names it; `/v1/…` is a path of the wire. */
const FILE_NAME = /^[\w.-][\w./-]*\.(?:ts|tsx|json|yaml|toml|md|svg|css|html|sh|conf)$/;
const BASENAMES = new Set(FILES.map((file) => basename(file)));

/** With a folder in front it lies there, counted from the README or the root; a bare name is the name of a file of ours. */
const exists = (folder: string, name: string): boolean =>
  existsSync(join(ROOT, folder, name)) || existsSync(join(ROOT, name)) || (!name.includes('/') && BASENAMES.has(name));

describe.each(FOLDERS)('%s/README.md', (folder) => {
  const text = read(`${folder}/README.md`);

  it('names its entry files', ({ expect }) => {
    expect(text).not.toBe('');
    expect(entriesOf(folder).filter((entry) => !text.includes(`\`${entry}\``))).toEqual([]);
  });

  it('names its folders', ({ expect }) => {
    const folders = childrenOf(folder).filter((name) => name.endsWith('/') && name !== 'generated/');
    expect(folders.filter((name) => !new RegExp(String.raw`[\`[/]${name}`).test(text))).toEqual([]);
  });

  it('says what it may import as the table does', ({ expect }) => {
    const said = paragraph(text, 'May import');
    expect(said).toContain('docs/architecture.md §3');
    const outside = OUTSIDE_THE_TABLE[folder];
    if (outside !== undefined) {
      expect(said.trim().startsWith(outside)).toBe(true);
      return;
    }
    const layer = folder.startsWith('workers/') && folder !== 'workers/shared' ? 'workers' : folder;
    const allowed = MAY_IMPORT[layer] ?? [];
    // The sentence up to the section's name; what follows are remarks.
    const list = inBackticks(said.split('(docs/architecture.md')[0]?.split(';')[0] ?? '');
    expect(list.toSorted()).toEqual([...allowed].toSorted());
  });

  it('says where to begin, and names files that exist', ({ expect }) => {
    expect(inBackticks(paragraph(text, 'Begin with')).length).toBeGreaterThan(0);
    const missing = inBackticks(text).filter((name) => FILE_NAME.test(name) && !exists(folder, name));
    expect(missing).toEqual([]);
  });
});

describe('README.md', () => {
  const text = read('README.md');

  it('names every top-level folder', ({ expect }) => {
    expect(TOP_LEVEL.length).toBeGreaterThan(10);
    expect(TOP_LEVEL.filter((folder) => !text.includes(`\`${folder}/`))).toEqual([]);
  });

  it('shows what it is, two commands and the picture within 40 lines', ({ expect }) => {
    const screen = text.split('\n').slice(0, 40).join('\n');
    for (const part of ['npm run demo', 'npm test', '](docs/demo.svg)']) expect(screen).toContain(part);
  });
});

describe('docs/README.md', () => {
  const linksOf = (file: string): string[] =>
    [...read(file).matchAll(/\]\(([^)#\s]+)/g)].map(([, target = '']) => target);

  it('lists every document and folder of docs/', ({ expect }) => {
    const links = linksOf('docs/README.md');
    const missing = childrenOf('docs').filter((name) =>
      name.endsWith('/') ? !links.some((link) => link.startsWith(name)) : name !== 'README.md' && !links.includes(name),
    );
    expect(missing).toEqual([]);
  });

  it('lists documents of its folders, or their own README does', ({ expect }) => {
    const documents = FILES.filter((file) => /^docs\/.+\/[^/]+\.(?:md|yaml)$/.test(file));
    expect(documents.length).toBeGreaterThan(10);
    const listed = new Set(
      ['docs', 'docs/decisions', 'docs/spec'].flatMap((folder) =>
        linksOf(`${folder}/README.md`).map((link) => join(folder, link)),
      ),
    );
    expect(documents.filter((file) => !listed.has(file))).toEqual([]);
  });
});
