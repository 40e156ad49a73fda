/**
 * @module Bundles kept between processes, in `.cache/bundles-local/`: a command that starts an edge, and a test that starts ten such commands, bundles
 * nothing again of the same sources. A bundle is taken only while every file that it was made of has the bytes that it was made of.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './workers.ts';

/** A bundle, and what it was made of. */
export interface Made {
  readonly text: string;
  /** Paths of all files, relative to the root. */
  readonly inputs: readonly string[];
}

interface Kept {
  readonly text: string;
  /** Path → SHA-256, those of {@link RULES} among them. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** Say how files are read and where imports lead: with one of them changed, the same files may make another bundle. */
const RULES = ['package-lock.json', 'tsconfig.json', 'tsconfig.base.json', 'local-edge/bundle.ts'];

/**
 * @param entry path relative to the root
 * @param make bundles it
 * @param root folder that paths are relative to, and that the cache lies in
 * @returns the bundle's text: that of an earlier process, or a new one, which is kept
 * @throws what `make` throws; a cache that can't be read or written is none
 */
export async function keptBundle(entry: string, make: () => Promise<Made>, root = ROOT): Promise<string> {
  const file = join(root, '.cache/bundles-local', `${entry.replaceAll('/', '+')}.json`);
  const known = read(file);
  if (known !== null && Object.entries(known.inputs).every(([path, hash]) => hashOf(join(root, path)) === hash)) {
    return known.text;
  }
  const { text, inputs } = await make();
  const hashes = [...RULES, ...inputs].map((path) => [path, hashOf(join(root, path))] as const);
  write(file, JSON.stringify({ text, inputs: Object.fromEntries(hashes) } satisfies Kept));
  return text;
}

function read(file: string): Kept | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Kept;
  } catch {
    return null; // none yet
  }
}

function hashOf(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('base64');
  } catch {
    return 'is not there';
  }
}

/** Whole or not at all: a crash leaves a file beside it that nothing reads. */
function write(file: string, text: string): void {
  const beside = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(beside, text);
    renameSync(beside, file);
  } catch {
    // A folder that can't be written to keeps nothing.
  }
}
