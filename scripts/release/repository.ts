/**
 * @module What the repository says of itself: commit, tags, what is not as it was committed, what is installed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from '../support/command-line/child.ts';

/** An entry of package-lock.json. */
interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Path below the root → entry; `''` is the project itself. */
export type LockedPackages = Readonly<Record<string, LockedPackage>>;

/** One commit. */
export interface Commit {
  /** 40 hex digits. */
  readonly id: string;
  /** Unix seconds at which it was made. */
  readonly at: number;
}

const json = (root: string, file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));

/** @param root of a checkout @returns package.json, as far as it is read here */
export const readPackage = (root: string) =>
  json(root, 'package.json') as LockedPackage & { readonly name: string; readonly version: string };

/** @returns what package-lock.json asks for */
export const readLock = (root: string): LockedPackages =>
  (json(root, 'package-lock.json') as { readonly packages: LockedPackages }).packages;

/** @returns output without its last line's end; null when git refuses */
async function git(root: string, ...args: string[]): Promise<string | null> {
  const { code, stdout } = await runChild('git', ['-C', root, ...args], { output: 'kept' });
  return code === 0 ? stdout.trimEnd() : null;
}

/** @returns the commit that is checked out @throws Error outside of a repository */
export async function headOf(root: string): Promise<Commit> {
  const [id, at] = ((await git(root, 'show', '-s', '--format=%H %ct', 'HEAD')) ?? '').split(' ');
  if (id === undefined || at === undefined) throw new Error(`${root} is no git repository with a commit`);
  return { id, at: Number(at) };
}

/** @returns the commit that a tag names, or null where there is no such tag */
export const taggedCommit = (root: string, tag: string): Promise<string | null> =>
  git(root, 'rev-parse', '--verify', '--quiet', `refs/tags/${tag}^{commit}`);

/** @returns a line for each file that isn't as it was committed, as git prints them */
export async function uncommitted(root: string): Promise<readonly string[]> {
  const lines = await git(root, 'status', '--porcelain');
  if (lines === null) throw new Error(`${root}: git doesn't say what is changed`);
  return lines === '' ? [] : lines.split('\n');
}

const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;

/**
 * @param wanted package.json
 * @param locked package-lock.json
 * @param installed what npm noted in node_modules
 * @returns what doesn't fit, a line each
 */
export function lockProblems(wanted: LockedPackage, locked: LockedPackages, installed: LockedPackages): string[] {
  const root = locked[''];
  const asked = KINDS.flatMap((kind) => {
    const names = new Set([...Object.keys(wanted[kind] ?? {}), ...Object.keys(root?.[kind] ?? {})]);
    return [...names]
      .filter((name) => wanted[kind]?.[name] !== root?.[kind]?.[name])
      .map((name) => `package-lock.json differs from package.json: ${name}`);
  });
  const there = Object.entries(locked).flatMap(([path, { version, integrity, optional }]) => {
    if (path === '') return [];
    const found = installed[path];
    if (found === undefined)
      return optional === true ? [] : [`package-lock.json names ${path}, which is not installed`];
    const same = found.version === version && found.integrity === integrity;
    return same ? [] : [`${path} is installed as ${found.version}, package-lock.json says ${version}`];
  });
  return [...asked, ...there];
}

/** @returns what npm noted of what it installed; nothing where it installed nothing */
export function readInstalled(root: string): LockedPackages {
  try {
    return (json(root, 'node_modules/.package-lock.json') as { readonly packages: LockedPackages }).packages;
  } catch {
    return {};
  }
}
