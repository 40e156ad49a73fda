/** @module The section of CHANGELOG.md that a version has. */
import { err, ok, type Result } from '../../protocol/primitives/result.ts';

/** A heading: `## 0.1.0 (2026-11-26)`; `(not released)` until it is. */
const HEADING = /^## (\d+\.\d+\.\d+) \(([^)]*)\)$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** What a version brings. */
export interface Section {
  /** YYYY-MM-DD. */
  readonly day: string;
  /** Markdown, with its heading and a line's end. */
  readonly text: string;
}

/**
 * @param changelog text of CHANGELOG.md
 * @param version e.g. `0.1.0`
 * @returns its section, or what is wrong with it
 */
export function sectionOf(changelog: string, version: string): Result<Section, string> {
  const lines = changelog.split('\n');
  const begin = lines.findIndex((line) => HEADING.exec(line)?.[1] === version);
  if (begin < 0) return err(`CHANGELOG.md has no section "## ${version} (YYYY-MM-DD)"`);
  const day = HEADING.exec(lines[begin] ?? '')?.[2] ?? '';
  if (!DAY.test(day)) return err(`CHANGELOG.md says ${version} (${day}): its heading wants the day, (YYYY-MM-DD)`);
  const end = lines.findIndex((line, at) => at > begin && line.startsWith('## '));
  const text = lines
    .slice(begin, end < 0 ? undefined : end)
    .join('\n')
    .trimEnd();
  if (!text.includes('\n')) return err(`CHANGELOG.md says nothing of ${version}`);
  return ok({ day, text: `${text}\n` });
}
