/**
 * @module A release is the same bytes whoever makes it: two checkouts in folders of different depth, under another umask, time zone, language and home, make the same files. And what stands against one is said before anything is made.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { ROOT } from '../../local-edge/workers.ts';
import { readFiles, refusals, writeFiles } from '../../scripts/release/make.ts';
import { readLock } from '../../scripts/release/repository.ts';
import { differences, SUMS, type Files } from '../../scripts/release/sums.ts';
import { runChild } from '../../scripts/support/command-line/child.ts';

const VERSION = '9.9.9';
const DAY = '2026-12-24';
/** The same commit in both checkouts. */
const AUTHOR = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((who) => [
    [`GIT_${who}_NAME`, 'Somebody'],
    [`GIT_${who}_EMAIL`, 'somebody@example.org'],
    [`GIT_${who}_DATE`, '2026-12-24T10:00:00Z'],
  ]),
);

const root = mkdtempSync(join(tmpdir(), 'exposure-edge-release-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function call(cwd: string, program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runChild(program, args, { cwd, environment: AUTHOR, output: 'kept' });
  if (code !== 0) throw new Error(`${program} ${args[0]}: ${stdout}${stderr}`);
  return stdout;
}

/** Puts node_modules there: of packages whose code may be in a bundle a copy, since a link is followed to where it leads. */
function install(checkout: string): void {
  const into = join(checkout, 'node_modules');
  const copied = Object.entries(readLock(ROOT)).flatMap(([path, entry]) => {
    const { dev, optional } = entry as { readonly dev?: boolean; readonly optional?: boolean };
    return dev === true || optional === true || path === '' ? [] : [path];
  });
  for (const path of copied) cpSync(join(ROOT, path), join(checkout, path), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    const isScope = name.startsWith('@');
    mkdirSync(join(into, isScope ? name : ''), { recursive: true });
    const inside = isScope ? readdirSync(join(ROOT, 'node_modules', name)).map((one) => `${name}/${one}`) : [name];
    for (const one of inside.filter((each) => !copied.includes(`node_modules/${each}`))) {
      symlinkSync(join(ROOT, 'node_modules', one), join(into, one));
    }
  }
}

/** A checkout of its own of what is here, at a version that nobody has made. */
async function checkOut(folder: string): Promise<string> {
  const checkout = join(root, folder);
  const files = (await call(ROOT, 'git', 'ls-files', '-co', '--exclude-standard', '-z')).split('\0').filter(Boolean);
  for (const file of files) {
    mkdirSync(dirname(join(checkout, file)), { recursive: true });
    cpSync(join(ROOT, file), join(checkout, file));
  }
  const change = (file: string, edit: (text: string) => string): void =>
    writeFileSync(join(checkout, file), edit(readFileSync(join(checkout, file), 'utf8')));
  for (const file of ['package.json', 'package-lock.json']) {
    change(file, (text) => text.replace(/"version": "[^"]+"/, `"version": "${VERSION}"`));
  }
  change('CHANGELOG.md', (text) => text.replace(/^## /m, `## ${VERSION} (${DAY})\n\n- Is made twice.\n\n## `));
  install(checkout);
  await call(checkout, 'git', 'init', '-q');
  await call(checkout, 'git', 'add', '-A');
  await call(checkout, 'git', '-c', 'commit.gpgsign=false', 'commit', '-qm', 'Release');
  return checkout;
}

/** Makes a release as a person does, in surroundings. @param settings of the shell, before the command */
async function make(checkout: string, settings: string): Promise<Files> {
  const path = `PATH="${join(ROOT, 'node_modules/.bin')}:$PATH"`;
  await call(checkout, 'sh', '-c', `${settings}; ${path} node scripts/release.ts make --json`);
  return readFiles(join(checkout, 'out/release', VERSION));
}

describe('two checkouts', () => {
  let [here, there]: [Files, Files] = [new Map(), new Map()];
  let elsewhere = '';
  beforeAll(async () => {
    const plain = await checkOut('a');
    elsewhere = await checkOut('another machine/mit Umlaut ü/deep/er');
    mkdirSync(join(root, 'home'));
    here = await make(plain, 'umask 022; export TZ=UTC LC_ALL=C');
    there = await make(
      elsewhere,
      `umask 077; export TZ=Pacific/Kiritimati LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8 HOME="${join(root, 'home')}"`,
    );
  });

  it('make the same bytes, which say nothing of either', ({ expect }) => {
    expect(differences(here, there)).toEqual([]);
    expect([...here.keys()].filter((name) => name.startsWith('workers/')).length).toBeGreaterThanOrEqual(8);
    for (const [name, content] of here) {
      expect([name, Buffer.from(content).includes(root), Buffer.from(content).includes(ROOT)]).toEqual([
        name,
        false,
        false,
      ]);
    }
  });

  it('have checksums that hold, and papers of this version', async ({ expect }) => {
    const folder = join(elsewhere, 'out/release', VERSION);
    expect(await call(folder, 'sha256sum', '--check', '--strict', '--quiet', SUMS)).toBe('');
    const text = (name: string): string => readFileSync(join(folder, name), 'utf8');
    expect(text('CHANGELOG.md')).toBe(`## ${VERSION} (${DAY})\n\n- Is made twice.\n`);
    const release = JSON.parse(text('release.json')) as {
      workers: Record<string, { secrets: string[]; migrations: string[] }>;
    };
    expect(release).toMatchObject({ version: VERSION, day: DAY, commit: expect.stringMatching(/^[0-9a-f]{40}$/) });
    expect(release.workers['verification']).toMatchObject({ migrations: ['v1', 'v2', 'v3'] });
    expect(release.workers['upload']?.secrets).toContain('UPLOAD_ID_KEY');
  });

  it('have a bill of materials that names what is in the bundles', ({ expect }) => {
    const { components } = JSON.parse(new TextDecoder().decode(here.get('sbom.cdx.json'))) as {
      components: { name: string; scope: string }[];
    };
    const bundled = components.filter(({ scope }) => scope === 'required').map(({ name }) => name);
    expect(bundled).toEqual(expect.arrayContaining(['hono', 'zod', 'protobufjs', 'jose']));
    expect(bundled).not.toContain('wrangler');
  });

  it('verify one another', async ({ expect }) => {
    const folder = join(root, 'downloaded');
    const bad = new Map(here);
    bad.set('release.json', new TextEncoder().encode(JSON.stringify({ commit: '0'.repeat(40) })));
    writeFiles(folder, bad);
    const verify = call(elsewhere, 'node', 'scripts/release.ts', 'verify', folder);
    await expect(verify).rejects.toThrow(`is of commit ${'0'.repeat(40)}: git checkout`);
  });

  it('refuse what would be another release each time, and what was released', async ({ expect }) => {
    expect(await refusals(elsewhere)).toEqual([]);
    await call(elsewhere, 'git', 'tag', `v${VERSION}`);
    // Made again at its tag, a release is the same one.
    expect(await refusals(elsewhere)).toEqual([]);
    writeFileSync(join(elsewhere, 'wrangler.toml'), '\n', { flag: 'a' });
    expect(await refusals(elsewhere)).toEqual(['1 files are not as they were committed, e.g. M wrangler.toml']);
    // Nor does such a checkout judge another's: both could have the same change.
    const given = join(elsewhere, 'out/release', VERSION);
    await expect(call(elsewhere, 'node', 'scripts/release.ts', 'verify', given)).rejects.toThrow(
      'can’t judge: 1 files',
    );
    await call(elsewhere, 'git', 'commit', '-qam', 'More');
    expect(await refusals(elsewhere)).toEqual([
      expect.stringMatching(/^version 9\.9\.9 is released already: tag v9\.9\.9/),
    ]);
    await call(elsewhere, 'git', 'tag', '-d', `v${VERSION}`);
    mkdirSync(join(elsewhere, 'test/fixtures/releases', VERSION));
    expect(await refusals(elsewhere)).toEqual([expect.stringContaining(`fixtures/releases/${VERSION} is kept of it`)]);
  });
});
