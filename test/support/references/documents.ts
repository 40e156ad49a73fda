/**
 * @module A Markdown document as a reader of citations needs it: which sections it has, what stands in one, and which anchors
 * a link may have. Headings are `## 4.1 Title`; a number may end in a letter (`4a`).
 */

/** One heading and everything down to the next one of its level or above. */
export interface Section {
  /** `4.1`, or null for a heading without a number. */
  readonly number: string | null;
  readonly title: string;
  readonly text: string;
}

export interface Document {
  readonly sections: readonly Section[];
  /** What may stand behind `#` in a link, as GitHub makes it of headings. */
  readonly anchors: ReadonlySet<string>;
}

const HEADING = /^(#{1,6}) +(.+?) *#*$/;
const NUMBER = /^(\d+[a-z]?(?:\.\d+)*)\.? +(.*)$/;

/**
 * @param markdown a document's text
 * @returns its sections and anchors; headings inside fenced code are none
 */
export function readDocument(markdown: string): Document {
  const lines = markdown.split('\n');
  const headings = outsideFences(lines).flatMap((at) => {
    const [, marks = '', text = ''] = HEADING.exec(lines[at] ?? '') ?? [];
    return marks === '' ? [] : [{ at, level: marks.length, text }];
  });
  const sections = headings.map(({ at, level, text }, n): Section => {
    const next = headings.slice(n + 1).find((other) => other.level <= level);
    const [, number = null, title = text] = NUMBER.exec(text) ?? [];
    return { number, title, text: lines.slice(at, next?.at).join('\n') };
  });
  return { sections, anchors: anchorsOf(headings.map(({ text }) => text)) };
}

function outsideFences(lines: readonly string[]): number[] {
  let fence: string | null = null;
  const outside: number[] = [];
  for (const [at, line] of lines.entries()) {
    const [, mark = ''] = /^ *(```+|~~~+)/.exec(line) ?? [];
    if (fence === null && mark === '') outside.push(at);
    else if (fence === null) fence = mark;
    else if (mark.startsWith(fence)) fence = null;
  }
  return outside;
}

function anchorsOf(headings: readonly string[]): Set<string> {
  const anchors = new Set<string>();
  for (const heading of headings) {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** @returns the section with this number, or undefined */
export function sectionOf(document: Document, number: string): Section | undefined {
  return document.sections.find((section) => section.number === number);
}

/**
 * Whether a section has what a citation names in it: `rule 7`, `step 3`, `k`, `#723`, `H14`.
 *
 * @param item as it is cited
 * @returns true when it stands there as a numbered or lettered point, a row of that name, or as a word
 */
export function hasItem(section: Section, item: string): boolean {
  const [, rule = null] = /^(?:rule|step)s? (\d+)$/.exec(item) ?? [];
  if (rule !== null)
    return new RegExp(`^ *(?:\\| *)?\\**(?:rule )?${rule}(?:\\.|\\)| *\\||\\*)`, 'mi').test(section.text);
  if (/^[a-z]$/.test(item)) {
    return new RegExp(`^ *(?:\\| *|[-*] +)?\\**\\(?${item}(?:\\.|\\)|:| *\\||\\*)|\\(${item}\\)`, 'm').test(
      section.text,
    );
  }
  return new RegExp(`(?<![\\w#])${item}(?!\\w)`).test(section.text);
}

/** @returns whether a quotation stands in a section, however its lines are broken and its words are marked */
export function hasQuotation(section: Section, quotation: string): boolean {
  const plain = (text: string): string => text.replaceAll(/[*`_]/g, '').replaceAll(/\s+/g, ' ').toLowerCase();
  return plain(section.text).includes(plain(quotation));
}
