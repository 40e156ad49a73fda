/**
 * @module The import table of docs/architecture.md §3 as data, and a checker for it. The linter enforces the same table by patterns on
 * the import's text; this one resolves each import, so neither can go blind unnoticed.
 */
import { dirname, join, normalize } from 'node:path';

/** One broken rule. */
export interface Violation {
  readonly file: string;
  /** The import's or the construct's text. */
  readonly what: string;
  readonly rule: string;
}

/** Layer → layers of ours it may import, besides itself. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  domain: ['protocol'],
  'durable-objects': ['domain', 'protocol'],
  'workers/shared': ['domain', 'protocol'],
  workers: ['durable-objects', 'domain', 'protocol', 'workers/shared'],
  phone: ['protocol'],
  'local-edge': ['protocol', 'domain'],
  'local-edge/entries': ['protocol', 'domain', 'durable-objects', 'workers', 'workers/shared'],
  'scripts/support': ['protocol', 'domain', 'phone', 'local-edge'],
  scripts: ['protocol', 'domain', 'phone', 'parameters', 'local-edge', 'scripts/support'],
  ...Object.fromEntries(
    ['risk-explorer', 'simulator', 'load-tests', 'benchmarks'].map((program) => [
      program,
      ['protocol', 'domain', 'phone', 'parameters', 'local-edge', 'scripts/support'],
    ]),
  ),
};

const PURE = ['protocol', 'domain'];
const PLATFORM = /^(hono|miniflare|wrangler|cloudflare:)|^node:(?!crypto$)/;
/** What pure code must be given instead of reaching for it. */
const IMPURE =
  /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bgetRandomValues\b|\bcrypto\.randomUUID\b|\brandom\w+[^}]*\}\s*from\s*'node:crypto'|(?<![.\w])fetch\(|\bconsole\.|\bprocess\.|\bperformance\.now\b/g;
const IMPORTS = /(?:\bfrom|\bimport)\s*\(?\s*(['"])([^'"\n]+)\1/g;

/**
 * Reads the table of docs/architecture.md §3: folders, then what they may import; what follows a semicolon says what is not.
 *
 * @param section the section's Markdown
 * @returns as {@link MAY_IMPORT}, lists sorted
 */
export function readImportTable(section: string): Record<string, string[]> {
  const [, rows = ''] = /^\| Folder \| May import[^\n]*\n\|[-| ]+\n((?:\|[^\n]*\n)+)/m.exec(section) ?? [];
  const folders = (cell: string): string[] => [...cell.matchAll(/`([^`]+?)\/?`/g)].map(([, folder = '']) => folder);
  return Object.fromEntries(
    rows
      .trim()
      .split('\n')
      .flatMap((row) => {
        const [, from = '', to = ''] = row.split('|');
        const allowed = folders(to.split(';')[0] ?? '').toSorted();
        return folders(from).map((folder) => [folder, allowed]);
      }),
  );
}

/** The layer a file of ours lies in; a Worker is a layer of its own: `workers/upload`. */
function layerOf(path: string): string | null {
  const [first = '', second = ''] = path.split('/');
  if (first === 'workers') return `workers/${second}`;
  if (first === 'local-edge' && second === 'entries') return 'local-edge/entries';
  if (first === 'scripts' && second === 'support') return 'scripts/support';
  if (first === 'test') return `test/${second}`;
  return path.includes('/') ? first : null;
}

const isWorker = (layer: string): boolean => layer.startsWith('workers/') && layer !== 'workers/shared';

function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  const allowed = MAY_IMPORT[isWorker(from) ? 'workers' : from];
  if (allowed === undefined) return true; // configuration files and test helpers
  return allowed.includes(to) || (isWorker(to) && allowed.includes('workers'));
}

const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|[^:'"])\/\/.*$/gm, '$1');

/**
 * Checks one file against the table. Tests may import anything.
 *
 * @param file path relative to the root, e.g. `protocol/gaen/rpi.ts`
 * @param text its content
 * @returns what breaks a rule; empty when nothing does
 */
export function checkImports(file: string, text: string): Violation[] {
  const layer = layerOf(file);
  if (layer === null || layer.startsWith('test/') || file.endsWith('.test.ts')) return [];
  const found: Violation[] = [];
  const code = withoutComments(text);
  const pure = PURE.includes(layer);
  for (const [, , specifier = ''] of code.matchAll(IMPORTS)) {
    if (specifier.startsWith('.')) {
      const target = layerOf(normalize(join(dirname(file), specifier)));
      if (target !== null && !mayImport(layer, target)) {
        found.push({ file, what: specifier, rule: `${layer} must not import ${target}` });
      }
    } else if (pure && PLATFORM.test(specifier)) {
      found.push({ file, what: specifier, rule: `${layer} is pure: no platform` });
    } else if (specifier.startsWith('miniflare') && layer !== 'local-edge') {
      found.push({ file, what: specifier, rule: 'miniflare only in local-edge and test/support' });
    }
  }
  if (pure) {
    for (const [what] of code.matchAll(IMPURE)) found.push({ file, what, rule: `${layer} is pure: it is an argument` });
  }
  if (['workers/index', 'workers/config'].includes(layer) && /\bR2Bucket\b/.test(code)) {
    found.push({ file, what: 'R2Bucket', rule: `${layer} reads through workers/shared/read-only-bucket.ts` });
  }
  return found;
}

/**
 * Circles of imports, types included: files of which each can be reached from the other.
 *
 * @param files path relative to the root → content
 * @returns one list of paths a circle, sorted; empty when there is none
 */
export function importCircles(files: ReadonlyMap<string, string>): string[][] {
  const targets = new Map(
    [...files].map(([file, text]) => [
      file,
      [...withoutComments(text).matchAll(IMPORTS)]
        .filter(([, , specifier = '']) => specifier.startsWith('.'))
        .map(([, , specifier = '']) => normalize(join(dirname(file), specifier))),
    ]),
  );
  const reached = new Map([...files.keys()].map((file) => [file, reachableFrom(file, targets)]));
  const circles = [...files.keys()]
    .filter((file) => reached.get(file)?.has(file))
    .map((file) =>
      [...(reached.get(file) ?? [])]
        .filter((other) => reached.get(other)?.has(file))
        .toSorted((a, b) => (a < b ? -1 : 1)),
    );
  return [...new Map(circles.map((circle) => [circle.join(), circle])).values()];
}

function reachableFrom(start: string, targets: ReadonlyMap<string, readonly string[]>): Set<string> {
  const seen = new Set<string>();
  const open = [...(targets.get(start) ?? [])];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    open.push(...(targets.get(file) ?? []));
  }
  return seen;
}
