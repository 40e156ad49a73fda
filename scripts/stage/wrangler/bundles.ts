/**
 * @module What goes up of a Worker: the bundle that wrangler makes of its entry, made once and kept while its sources are the same. A plan compares it with what is deployed, and what
 * is deployed is the very bytes that were compared.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { keptBundle } from '../../../local-edge/bundle-cache.ts';
import { ROOT } from '../../../local-edge/workers.ts';
import { runChild } from '../../support/command-line/child.ts';
import { temporaryFolder } from '../../support/command-line/interrupt.ts';
import type { WorkerName } from './order.ts';

/** Its modules by name, base64; `main.js` is the entry. */
type Modules = Readonly<Record<string, string>>;

/** A Worker's bundle. */
export interface Bundle {
  readonly modules: Modules;
  /** SHA-256 over names and bytes, hex: the same for the same code. */
  readonly hash: string;
}

/** What wrangler writes beside modules. */
const NO_MODULE = /\.map$|^README\.md$/;

/** esbuild's account of a bundle, as far as it is read here. */
interface Metafile {
  readonly inputs: Readonly<
    Record<string, { readonly imports: readonly { readonly external?: boolean; readonly original?: string }[] }>
  >;
}

/**
 * @param worker an environment of wrangler.toml
 * @param onMake called before it is made, which takes a second or two
 * @returns its bundle, of an earlier run if nothing has changed since
 * @throws Error with wrangler's words when it can't be made, or wrangler warns
 */
export async function bundleOf(worker: WorkerName, onMake: () => void): Promise<Bundle> {
  const text = await keptBundle(`stage:${worker}`, async () => {
    onMake();
    return bundled(worker);
  });
  const modules = JSON.parse(text) as Modules;
  return { modules, hash: hashOf(modules) };
}

async function bundled(worker: WorkerName): Promise<{ readonly text: string; readonly inputs: string[] }> {
  const folder = temporaryFolder('bundle');
  try {
    const [outdir, metafile] = [join(folder.path, 'out'), join(folder.path, 'meta.json')];
    const { code, stdout, stderr } = await runChild(
      'wrangler',
      ['deploy', '--dry-run', '--outdir', outdir, '--metafile', metafile, '--env', worker],
      {
        cwd: ROOT,
        environment: { WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: folder.path, CI: '1' },
        output: 'kept',
      },
    );
    // Unknown fields only warn, and a typo in a field that keeps logs off must not pass.
    if (code !== 0 || /warning/i.test(stderr + stdout))
      throw new Error(`${worker} can't be bundled:\n${stdout}${stderr}`);
    const names = readdirSync(outdir).filter((name) => !NO_MODULE.test(name));
    const modules = Object.fromEntries(
      names.toSorted().map((name) => [name, readFileSync(join(outdir, name)).toString('base64')]),
    );
    return { text: JSON.stringify(modules), inputs: inputsOf(JSON.parse(readFileSync(metafile, 'utf8')) as Metafile) };
  } finally {
    folder.remove();
  }
}

/** All files that the bundle was made of; texts are modules of their own, which esbuild doesn't count. */
function inputsOf({ inputs }: Metafile): string[] {
  const texts = Object.entries(inputs).flatMap(([file, { imports }]) =>
    imports.flatMap(({ external, original }) =>
      external === true && original?.startsWith('.') === true ? [join(dirname(file), original)] : [],
    ),
  );
  return [...new Set(['wrangler.toml', ...Object.keys(inputs), ...texts])].map((path) =>
    path.startsWith('/') ? relative(ROOT, path) : path,
  );
}

function hashOf(modules: Modules): string {
  const hash = createHash('sha256');
  for (const [name, content] of Object.entries(modules)) hash.update(`${name}\0${content}\n`);
  return hash.digest('hex');
}

/**
 * Puts it where the generated configuration looks for it. A crash leaves part of it: the next run writes all of it anew before anything goes up.
 *
 * @param folder of the Worker, `.stage/<name>/workers/<worker>`
 */
export function writeBundle(folder: string, { modules }: Bundle): void {
  const into = join(folder, 'bundle');
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  for (const [name, content] of Object.entries(modules))
    writeFileSync(join(into, name), Buffer.from(content, 'base64'));
}
