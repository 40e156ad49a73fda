/**
 * @module Where a checker is told to look away: rules that are off, packages it may not miss, disable comments. Each such place
 * says why, in a comment of its own.
 */

/** A configuration file with comments on lines of their own, as oxlint and knip read it. */
type Tree = { readonly [name: string]: unknown };

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @returns the value of a JSON text whose comments stand on lines of their own; throws SyntaxError for any other comment */
export function parseCommented(text: string): Tree {
  const value: unknown = JSON.parse(text.replace(/^\s*\/\/.*$/gm, ''));
  if (!isTree(value)) throw new SyntaxError('no object');
  return value;
}

const severityOf = (setting: unknown): unknown => (Array.isArray(setting) ? setting[0] : setting);
const isLax = (setting: unknown): boolean => severityOf(setting) !== 'error';

/** @returns names of the rules that don't fail a build, those of each override too */
export function laxRules(config: Tree): string[] {
  const overrides = Array.isArray(config['overrides']) ? config['overrides'].filter(isTree) : [];
  return [config, ...overrides].flatMap(({ rules }) =>
    isTree(rules) ? Object.entries(rules).flatMap(([name, setting]) => (isLax(setting) ? [name] : [])) : [],
  );
}

/** Settings that take files or names out of a check, of oxlint and of knip. */
const LOOKS_AWAY = /^(ignore|excludeFiles$)/;

/** @returns what a configuration leaves out: the entries of its lists of exceptions, and patterns that begin with "!" */
export function leftOut(config: unknown): string[] {
  if (Array.isArray(config)) return config.flatMap((entry) => (isNegated(entry) ? [entry] : leftOut(entry)));
  if (!isTree(config)) return [];
  return Object.entries(config).flatMap(([name, value]) => {
    if (!LOOKS_AWAY.test(name)) return leftOut(value);
    return Array.isArray(value) ? value.map(String) : [name];
  });
}

const isNegated = (entry: unknown): entry is string => typeof entry === 'string' && entry.startsWith('!');

/** A comment that has words in it. */
const REASON = /^\s*\/\/.*\p{L}{3,}/u;

/** One exception as the text of a configuration gives it. */
export interface Exception {
  /** Its line, without indentation and comma. */
  readonly line: string;
  /** True when a comment stands right above it. */
  readonly saysWhy: boolean;
}

/**
 * Reads the text, since a parsed configuration has no comments. What it overlooks shows as a difference to {@link laxRules} and
 * {@link leftOut}.
 *
 * @param text of the configuration, as oxfmt writes it
 * @returns its exceptions in the order of their lines; a list in one line is one
 */
export function exceptionsIn(text: string): Exception[] {
  const lines = text.split('\n');
  let inList = false;
  return lines.flatMap((line, n) => {
    const entry = inList && /^\s*"/.test(line);
    if (/^\s*\]/.test(line)) inList = false;
    if (/^\s*"(ignore\w*|excludeFiles)": \[$/.test(line)) inList = true;
    const opened = `${line} ${lines[n + 1]?.trim() ?? ''}`;
    const lax = /^\s*"[\w/-]+": (\[ ?)?("(off|allow|warn)"|[01]\b)/.test(line.endsWith('[') ? opened : line);
    const away = /"(ignore\w*|excludeFiles)": ./.test(line) && !line.endsWith('[');
    const negated = /"!/.test(line) && !entry;
    if (/^\s*\/\//.test(line) || !(entry || lax || away || negated)) return [];
    return [{ line: line.trim().replace(/,$/, ''), saysWhy: REASON.test(lines[n - 1] ?? '') }];
  });
}

// Written so that no line of this file is a directive itself.
const DIRECTIVE = /\b(?:ox|es)lint-(?:disable)|@ts-(?:expect-error|ignore|nocheck)\b/;

/** @returns the lines of a source that switch a checker off without a reason after `--` */
export function bareDirectives(source: string): string[] {
  return source.split('\n').filter((line) => DIRECTIVE.test(line) && !/ -- .*\p{L}{3,}/u.test(line));
}
