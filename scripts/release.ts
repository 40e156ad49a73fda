/**
 * @module `npm run release`: makes a release of what is checked out, or says whether somebody's release is what this checkout makes (docs/releasing.md).
 */
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { ROOT } from '../local-edge/workers.ts';
import { commitOf, deviations, makeFiles, readFiles, refusals, writeFiles } from './release/make.ts';
import { headOf, readPackage } from './release/repository.ts';
import { differences, SUMS } from './release/sums.ts';
import { flag, JSON_FLAG, oneOf, text } from './support/command-line/arguments.ts';
import { run, UsageError } from './support/command-line/command.ts';

await run(
  {
    name: 'npm run release',
    summary: `
Makes a release of the commit that is checked out: the Workers' bundles, what they can be called with, the bill of materials (CycloneDX), the section of the
changelog, release.json and checksums. It refuses files that aren't as they were committed, a version that is released already, a changelog without a dated
section, and packages that aren't what package-lock.json says. verify: makes it in memory, and says whether FOLDER holds the same bytes.`,
    positionals: {
      action: oneOf('what to do', { make: 'makes one', verify: 'is FOLDER what this checkout makes?' }, 'make'),
      folder: text('verify: a release that somebody made', { placeholder: 'FOLDER', default: null }),
    },
    options: {
      out: text('where it is written, in a folder of its version', { placeholder: 'FOLDER', default: 'out/release' }),
      'dry-run': flag('make: says what stands against it and what it would be, and writes nothing'),
      json: JSON_FLAG,
    },
    examples: ['npm run release -- --dry-run', 'npm run release', 'npm run release -- verify ~/downloads/0.1.0 --json'],
  },
  async ({ action, folder, out, 'dry-run': dryRun }, { print, say, progress }) => {
    const bundling = (done: number, of: number): void => progress('bundles', done, of);
    if (action === 'verify') {
      if (folder === null) throw new UsageError('FOLDER: verify needs the folder of a release');
      const given = readFiles(resolve(folder));
      const [commit, head] = [commitOf(given), await headOf(ROOT)];
      if (commit !== head.id) throw new Error(`${folder} is of commit ${commit}: git checkout ${commit}, and npm ci`);
      // What this checkout makes says something of the commit only where it is the commit.
      const [deviation] = await deviations(ROOT);
      if (deviation !== undefined) throw new Error(`this checkout can’t judge: ${deviation}`);
      const found = differences(await makeFiles(ROOT, bundling), given);
      const lines = found.map(({ file, what }) => `${file} ${what}`);
      const verdict = found.length === 0 ? 'THE SAME' : 'NOT THE SAME';
      print(
        { commit, same: found.length === 0, differences: found },
        [...lines, `${verdict}: ${given.size} files of ${commit}`].join('\n'),
      );
      return found.length === 0 ? 0 : 1;
    }
    if (folder !== null) throw new UsageError('FOLDER: belongs to verify');
    const { version } = readPackage(ROOT);
    const into = join(resolve(out), version);
    const against = await refusals(ROOT);
    if (!dryRun && existsSync(into)) against.push(`${into} is there already`);
    for (const line of against) say(`against it: ${line}`);
    if (against.length > 0 && !dryRun) {
      print({ version, refused: against }, `refused: ${version} is not made`);
      return 1;
    }
    const files = await makeFiles(ROOT, bundling);
    if (!dryRun) writeFiles(into, files);
    const sums = new TextDecoder().decode(files.get(SUMS));
    const { id: commit } = await headOf(ROOT);
    const shown = relative(process.cwd(), into) || '.';
    const last = dryRun
      ? `${version} of ${commit}, nothing written`
      : `${version} of ${commit} is in ${shown}; check it: (cd ${shown} && sha256sum --check --strict ${SUMS})`;
    print(
      { version, commit, folder: dryRun ? null : into, refused: against, sums: sumsByName(sums) },
      `${sums}${last}`,
    );
    return against.length > 0 ? 1 : 0;
  },
);

function sumsByName(sums: string): Record<string, string> {
  return Object.fromEntries(
    sums
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ').toReversed()),
  );
}
