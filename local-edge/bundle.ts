/**
 * @module Bundles a Worker's entry file the way wrangler does (one ES module, workerd's export conditions), in memory.
 */
import { keptBundle, type Made } from './bundle-cache.ts';
import { ROOT } from './workers.ts';

/** One text for all edges of a process: two dozen sites of an enterprise would bundle and keep the same two dozen times. */
const made = new Map<string, Promise<string>>();

/**
 * @param entry path relative to the repository's root
 * @returns the module's text, source map inlined so that a stack names our files; without their text, which would double what
 *   miniflare copies. Made once a process, and not again while its sources are the same (bundle-cache.ts)
 * @throws when a file doesn't parse or an import isn't found
 */
export function bundle(entry: string): Promise<string> {
  const known = made.get(entry);
  if (known !== undefined) return known;
  const making = keptBundle(entry, () => bundleNow(entry));
  made.set(entry, making);
  return making;
}

/** @param texts what another process has bundled, by its entry: made of the same files a moment ago */
export function provideBundles(texts: Readonly<Record<string, string>>): void {
  for (const [entry, text] of Object.entries(texts)) made.set(entry, Promise.resolve(text));
}

async function bundleNow(entry: string): Promise<Made> {
  // Not before it is needed: its service is a process of its own.
  const { build } = await import('esbuild');
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    loader: { '.html': 'text', '.txt': 'text' },
    sourcemap: 'inline',
    sourcesContent: false,
    metafile: true,
    logLevel: 'silent',
  });
  const output = result.outputFiles[0];
  if (output === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  return { text: output.text, inputs: Object.keys(result.metafile.inputs) };
}
