/**
 * @module Makes a release: a function of the commit, of package-lock.json and of nothing else, so that two machines make the same bytes.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { readEnvironments } from '../../local-edge/workers.ts';
import { inParallel } from '../support/in-parallel.ts';
import { bundleWorker } from './bundles.ts';
import { sectionOf } from './changelog.ts';
import { manifestOf } from './manifest.ts';
import { readSurface } from './read-surface.ts';
import {
  type Commit,
  headOf,
  lockProblems,
  readInstalled,
  readLock,
  readPackage,
  taggedCommit,
  uncommitted,
} from './repository.ts';
import { bomOf, npmBom } from './sbom.ts';
import { type Files, SUMS, sumsOf } from './sums.ts';
import { surfaceText } from './surface-text.ts';

/** wrangler is a process each, of one core. */
const BUNDLES_AT_ONCE = 2;
/** Where the tests of the next release keep this one. */
const KEPT = 'test/fixtures/releases';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const json = (value: unknown): Uint8Array => utf8(`${JSON.stringify(value, null, 2)}\n`);

/** What keeps a checkout from being its commit, with its packages. @param root of the checkout @returns a line each; none: nothing */
export async function deviations(root: string): Promise<string[]> {
  const changed = await uncommitted(root);
  return [
    ...(changed.length > 0
      ? [`${changed.length} files are not as they were committed, e.g. ${changed[0]?.trim()}`]
      : []),
    ...lockProblems(readPackage(root), readLock(root), readInstalled(root)),
  ];
}

/** What stands against a release of what is checked out. @param root of the checkout @returns a line each; none: nothing */
export async function refusals(root: string): Promise<string[]> {
  const { version } = readPackage(root);
  const section = sectionOf(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version);
  const [head, tagged] = [await headOf(root), await taggedCommit(root, `v${version}`)];
  const isElsewhere = tagged !== null && tagged !== head.id;
  const isKept = tagged === null && existsSync(join(root, KEPT, version));
  return [
    ...(await deviations(root)),
    ...(isElsewhere
      ? [`version ${version} is released already: tag v${version} is at ${tagged}; raise it in package.json`]
      : []),
    ...(isKept
      ? [`version ${version} is released already: ${KEPT}/${version} is kept of it; raise it in package.json`]
      : []),
    ...(section.ok ? [] : [section.error]),
  ];
}

/**
 * @param root of a checkout with its node_modules
 * @param progress told of each Worker
 * @returns all files, SHA256SUMS among them
 * @throws Error when a Worker can't be bundled, or npm has no `sbom`
 */
export async function makeFiles(root: string, progress: (done: number, of: number) => void): Promise<Files> {
  const { name, version } = readPackage(root);
  const [commit, locked, workers] = [await headOf(root), readLock(root), readEnvironments()];
  let done = 0;
  const bundles = await inParallel(
    workers.map((worker) => async () => {
      const bundle = await bundleWorker(root, worker);
      progress((done += 1), workers.length);
      return [worker.environment, bundle] as const;
    }),
    BUNDLES_AT_ONCE,
  );
  const section = sectionOf(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version);
  const surface = surfaceText(readSurface(root));
  const facts = { version, commit, locked, surface, day: section.ok ? section.value.day : 'not released' };
  const modules = Object.fromEntries(bundles.map(([worker, bundle]) => [worker, [...bundle.modules.keys()]]));
  const packages = new Set(bundles.flatMap(([, bundle]) => [...bundle.packages]));
  const files = new Map<string, Uint8Array>(
    bundles.flatMap(([worker, bundle]) =>
      [...bundle.modules].map(([module, bytes]) => [`workers/${worker}/${module}`, bytes] as const),
    ),
  );
  files.set('CHANGELOG.md', utf8(section.ok ? section.value.text : `## ${version} (not released)\n`));
  files.set('release.json', json(manifestOf(root, { ...facts, modules })));
  files.set('sbom.cdx.json', json(bomOf(await npmBom(root), { name, version, commit }, packages, locked)));
  files.set('surface.json', utf8(surface));
  files.set('wrangler.toml', readFileSync(join(root, 'wrangler.toml')));
  files.set(SUMS, utf8(sumsOf(files)));
  return files;
}

/**
 * Writes a release whole or not at all: a crash leaves a folder `….unfinished` beside it, which the next run replaces.
 *
 * @param folder that isn't there yet
 * @param files of {@link makeFiles}
 */
export function writeFiles(folder: string, files: Files): void {
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  for (const [name, content] of files) {
    mkdirSync(dirname(join(unfinished, name)), { recursive: true });
    writeFileSync(join(unfinished, name), content);
  }
  renameSync(unfinished, folder);
}

/** @param folder of a release @returns its files @throws Error where there is none, or something that is no file, as a link out of it */
export function readFiles(folder: string): Files {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  const strange = found.find((entry) => !entry.isFile());
  if (strange !== undefined) throw new Error(`${join(strange.parentPath, strange.name)}: a release has files alone`);
  return new Map(
    found.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), readFileSync(path)];
    }),
  );
}

/** @param files of a release @returns the commit that it says it is of @throws Error when it says none */
export function commitOf(files: Files): Commit['id'] {
  const manifest = files.get('release.json');
  const { commit } = (manifest === undefined ? {} : JSON.parse(new TextDecoder().decode(manifest))) as {
    commit?: unknown;
  };
  if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit))
    throw new Error('release.json is missing, or names no commit: this is no release');
  return commit;
}
