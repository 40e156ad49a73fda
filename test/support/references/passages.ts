/**
 * @module Cuts a file into passages: what a reader takes in at once, so that a § is known to belong to the file
 * that is named just before it. A passage is a whole comment, one line of code, a paragraph, a point of a list, or a row of a table with its head.
 */

export interface Passage {
  /** Lines joined by a space, without comment marks. */
  readonly text: string;
  /** Comment or prose; false for a line of code or data. */
  readonly isProse: boolean;
  /** Line (from 1) in which the character at an offset of `text` stands. */
  readonly lineAt: (offset: number) => number;
}

interface Line {
  readonly text: string;
  readonly line: number;
}

type Style = { readonly comment: RegExp; readonly opens: RegExp | null };

const SLASHES: Style = { comment: /^\s*(?:\/\*\*?|\*\/|\*(?=\s|$)|\/\/)\s?/, opens: /^\s*\/\*/ };
const HASHES: Style = { comment: /^\s*#+!?\s?/, opens: null };
const NO_COMMENTS: Style = { comment: /^(?!)/, opens: null };

const STYLES: Readonly<Record<string, Style>> = {
  ts: SLASHES,
  tsx: SLASHES,
  mjs: SLASHES,
  js: SLASHES,
  css: SLASHES,
  proto: SLASHES,
  toml: HASHES,
  yaml: HASHES,
  conf: HASHES,
  sh: HASHES,
};

/**
 * @param file its name decides how it is read
 * @param text its content
 * @returns its passages in order
 */
export function passagesOf(file: string, text: string): Passage[] {
  const lines = text.split('\n').map((content, at): Line => ({ text: content, line: at + 1 }));
  const extension = file.split('.').at(-1) ?? '';
  return extension === 'md' ? markdownPassages(lines) : codePassages(lines, STYLES[extension] ?? NO_COMMENTS);
}

function codePassages(lines: readonly Line[], { comment, opens }: Style): Passage[] {
  const passages: Passage[] = [];
  let open: Line[] = [];
  const close = (): void => {
    if (open.length > 0) passages.push(passage(open, true));
    open = [];
  };
  for (const { text, line } of lines) {
    if (!comment.test(text)) {
      close();
      // A comment behind code is prose for itself.
      const at = opens === null ? -1 : text.search(/\s\/\/ /);
      if (at >= 0) passages.push(passage([{ text: text.slice(at + 4), line }], true));
      passages.push(passage([{ text: at < 0 ? text : text.slice(0, at), line }], false));
      continue;
    }
    if (opens?.test(text) === true) close();
    open.push({ text: text.replace(comment, '').replace(/\s*\*\/\s*$/, ''), line });
  }
  close();
  return passages;
}

function markdownPassages(lines: readonly Line[]): Passage[] {
  const passages: Passage[] = [];
  let open: Line[] = [];
  let head: Line | null = null;
  const close = (): void => {
    if (open.length > 0) passages.push(passage(open, true));
    open = [];
  };
  for (const line of lines) {
    const isRow = /^\s*\|/.test(line.text);
    if (!isRow) head = null;
    if (isRow) {
      close();
      passages.push(passage(head === null ? [line] : [head, line], true, head === null ? 0 : 1));
      head ??= line;
    } else if (line.text.trim() === '') close();
    else {
      if (/^\s*(?:[-*]|\d+\.|#+) /.test(line.text)) close();
      open.push({ text: line.text.trim(), line: line.line });
      if (/^#+ /.test(line.text)) close();
    }
  }
  close();
  return passages;
}

/** @param context lines at the beginning that only lend their words: what is found in them is reported for its own passage */
function passage(lines: readonly Line[], isProse: boolean, context = 0): Passage {
  let offset = 0;
  const starts = lines.map(({ text, line }, n) => {
    const start = { offset, line: n < context ? 0 : line };
    offset += text.length + 1;
    return start;
  });
  return {
    text: lines.map(({ text }) => text).join(' '),
    isProse,
    lineAt: (at) => starts.findLast((start) => start.offset <= at)?.line ?? 0,
  };
}
