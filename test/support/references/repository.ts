/** @module What references may lead to: the files under version control, their headings, decision records and npm's commands. */
import { posix } from 'node:path';
import { readDocument, type Document } from './documents.ts';

/** A reference that leads nowhere, within one passage. */
export interface Finding {
  /** Where in the passage's text. */
  readonly offset: number;
  /** As it is written. */
  readonly what: string;
  readonly why: string;
}

export class Repository {
  /** Paths relative to the root. */
  readonly files: ReadonlySet<string>;
  /** Names of files without their folder. */
  readonly baseNames: ReadonlySet<string>;
  readonly folders: ReadonlySet<string>;
  /** `docs`, `workers` … */
  readonly topFolders: ReadonlySet<string>;
  /** Numbers of decision records, three digits. */
  readonly decisions: ReadonlySet<string>;
  /** Names of `npm run`. */
  readonly commands: ReadonlySet<string>;
  readonly #read: (file: string) => string;
  readonly #documents = new Map<string, Document>();

  /**
   * @param files paths relative to the root; `package.json` is among them
   * @param read gives a file's text
   */
  constructor(files: readonly string[], read: (file: string) => string) {
    this.#read = read;
    this.files = new Set(files);
    this.baseNames = new Set(files.map((file) => posix.basename(file)));
    this.folders = new Set(files.flatMap(foldersAbove));
    this.topFolders = new Set([...this.folders].filter((folder) => !folder.includes('/')));
    this.decisions = new Set(files.flatMap((file) => /^docs\/decisions\/(\d{3})-/.exec(file)?.[1] ?? []));
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    this.commands = new Set(Object.keys(scripts));
  }

  /** @param file a Markdown file of ours @returns its sections and anchors */
  document(file: string): Document {
    let document = this.#documents.get(file);
    if (document === undefined) {
      document = readDocument(this.#read(file));
      this.#documents.set(file, document);
    }
    return document;
  }

  /**
   * Finds what a path means: from the root, from the folder it is named in, or, for a name without folder, anywhere if there is
   * but one of it.
   *
   * @param from file that names it
   * @param name as it is written
   * @returns a file's path, or null when there is none
   */
  resolve(from: string, name: string): string | null {
    const candidates = [name, posix.join(posix.dirname(from), name)];
    const found = candidates.find((path) => this.files.has(path));
    if (found !== undefined || name.includes('/')) return found ?? null;
    const named = [...this.files].filter((file) => posix.basename(file) === name);
    return named.length === 1 ? (named[0] ?? null) : null;
  }

  /** @returns whether some file's path ends with this one, from a folder on */
  endsWith(path: string): boolean {
    const end = `/${path.replace(/^(?:\.\.?\/)+/, '')}`;
    return [...this.files].some((file) => `/${file}`.endsWith(end));
  }

  /** @returns whether a file or folder has this path from the root or from the folder of `from`; `*` and `<x>` stand for any name, `{a,b}` for either */
  has(from: string, path: string): boolean {
    const plain = path.replace(/\/$/, '');
    const candidates = [posix.normalize(plain), posix.join(posix.dirname(from), plain)];
    if (!/[*<{]/.test(plain)) return candidates.some((name) => this.files.has(name) || this.folders.has(name));
    const all = [...this.files, ...this.folders];
    return candidates.some((name) => alternatives(name).every((one) => all.some((file) => pattern(one).test(file))));
  }
}

function foldersAbove(file: string): string[] {
  const parts = file.split('/').slice(0, -1);
  return parts.map((_, n) => parts.slice(0, n + 1).join('/'));
}

/** @returns the paths that `a/{b,c}` stands for */
function alternatives(path: string): string[] {
  const [braces, inside] = /\{([^{}]+)\}/.exec(path) ?? [];
  if (braces === undefined || inside === undefined) return [path];
  return inside.split(',').flatMap((one) => alternatives(path.replace(braces, one.trim())));
}

function pattern(path: string): RegExp {
  const escaped = path.replaceAll(/[.+?^$()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll(/\*\*?|<[^<>]+>/g, (any) => (any === '**' ? '.+' : '[^/]+'))}$`);
}
