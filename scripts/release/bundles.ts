/**
 * @module The bundles of a release: what wrangler makes of each Worker's entry file, the bytes that `npm run stage -- apply` uploads. wrangler writes paths below the repository's root, no time and no name of a machine into them; its note of
 * the hour and its source maps are left out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerEnvironment } from '../../local-edge/workers.ts';
import { runChild } from '../support/command-line/child.ts';
import { temporaryFolder } from '../support/command-line/interrupt.ts';

/** What wrangler writes beside modules. */
const NO_MODULE = /\.map$|^README\.md$/;
const PACKAGE = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/;

/** One Worker's. */
export interface Bundle {
  /** Module by name; `main.js` is the entry. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  /** Paths of packages whose code is in it, `node_modules/zod`. */
  readonly packages: ReadonlySet<string>;
}

/**
 * @param root of a checkout with its node_modules
 * @param worker one of its wrangler.toml
 * @returns its bundle
 * @throws Error with wrangler's words when it fails or warns
 */
export async function bundleWorker(root: string, { environment }: WorkerEnvironment): Promise<Bundle> {
  const folder = temporaryFolder('release-bundle');
  try {
    const [outdir, metafile] = [join(folder.path, 'out'), join(folder.path, 'meta.json')];
    const { code, stdout, stderr } = await runChild(
      'wrangler',
      ['deploy', '--dry-run', '--outdir', outdir, '--metafile', metafile, '--env', environment],
      {
        cwd: root,
        environment: { WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: folder.path, CI: '1' },
        output: 'kept',
      },
    );
    // Unknown fields only warn, and a typo in a field that keeps logs off must not pass.
    if (code !== 0 || /warning/i.test(stderr + stdout))
      throw new Error(`${environment} can't be bundled:\n${stdout}${stderr}`);
    const names = readdirSync(outdir).filter((name) => !NO_MODULE.test(name));
    const { inputs } = JSON.parse(readFileSync(metafile, 'utf8')) as {
      readonly inputs: Readonly<Record<string, unknown>>;
    };
    return {
      modules: new Map(names.toSorted().map((name) => [name, readFileSync(join(outdir, name))])),
      packages: new Set(Object.keys(inputs).flatMap((path) => PACKAGE.exec(path)?.[0] ?? [])),
    };
  } finally {
    folder.remove();
  }
}
