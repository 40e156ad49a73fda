/** @module Which Worker a path of the phones' host is for. */

/** Who gets what nobody else is named for: it knows its paths by their shape and refuses the others. */
const OTHERS = 'index';

/** `*\/v1/publish` is one path, `*\/v1/config/*` all below it, `*\/version/v1/app_config_*` all that begin so: Miniflare's patterns as local-edge/workers.ts has them. */
function matches(pattern: string, path: string): boolean {
  const wanted = pattern.replace(/^\*/, '');
  return wanted.endsWith('*') ? path.startsWith(wanted.slice(0, -1)) : path === wanted;
}

/**
 * @param routes Worker → patterns
 * @param path of a URL
 * @returns the Worker's environment
 */
export function workerFor(routes: Readonly<Record<string, readonly string[]>>, path: string): string {
  const found = Object.entries(routes).find(([, patterns]) => patterns.some((pattern) => matches(pattern, path)));
  return found?.[0] ?? OTHERS;
}
