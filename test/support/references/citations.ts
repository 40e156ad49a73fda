/**
 * @module Citations of sections: `docs/spec/cwa.md §2.1 rule 7`. A § without a file, in this order:
 * - in a list behind one (`docs/spec/cwa.md §1.1, §6`) it is of that file;
 * - in a document with numbered headings, or one that says "§ without a file is of …", it is of that document or the one it names;
 * - elsewhere it is of the file that the same passage named last (`docs/spec/cwa.md §3.1 with the defects of §6`).
 * Anything else is an error: a reader would have to guess.
 */
import { hasItem, hasQuotation, sectionOf } from './documents.ts';
import type { Passage } from './passages.ts';
import type { Finding, Repository } from './repository.ts';

/** A document of ours or of others, or a section. Standards and sources of the digests (`[DOC]`) are not ours to look up. */
const TOKEN =
  /(?<document>[\w.*/-]*\w\.(?:md|pdf)\b)|(?<foreign>\bRFC \d+|\bISO\/IEC \d+|\bAPPNOTE\b|\bFIPS [\d-]+|\barXiv:[\d.]+|\bPDF\b|\[[A-Z]{1,5}\])|§§?\s?(?<section>\d+[a-z]?(?:\.\d+)*)/g;
/** The end of a range of sections. */
const RANGE = /^\s?[–-]\s?§?(\d+[a-z]?(?:\.\d+)*)/;
/** What a citation names within its section. */
const ITEM = /^(?:,? and|,|–)? ?((?:rule|step)s? \d+|#\d+|[A-Z]{1,4}-?\d{1,4}|[a-z](?=[),;:.–]|$))(?![\w'’])/;
/** Items of a numbered list behind one another, `steps 2–4`. */
const LAST = /^–(\d+)/;
/** Words of the section: a title, the name of a row, a phrase. */
const QUOTATION = /^[,:]? "([^"]+)"/;
const NAME = /^,? ([A-Z][a-z]+)(?=[),.;]|$| and [A-Z])/;
const CONTINUES = /^(?:[`)\s,;–]|and\b)*$/;
const HOME = /§ without a file is of `([^`]+)`/;

/** The document a section belongs to: a file of ours, or null for one of others. */
type Owner = { readonly file: string | null };

/**
 * @param file Markdown
 * @param text its content
 * @param repository what can be looked up
 * @returns the file that its bare § belong to, or null
 */
export function homeOf(file: string, text: string, repository: Repository): string | null {
  const [, declared] = HOME.exec(text) ?? [];
  if (declared !== undefined) return repository.resolve(file, declared);
  return repository.document(file).sections.some(({ number }) => number !== null) ? file : null;
}

/**
 * @param file where the passage stands
 * @param home see {@link homeOf}
 * @param passage see passages.ts
 * @param repository what can be looked up
 * @returns sections, and what is named in them, that can't be found
 */
export function danglingCitations(
  file: string,
  home: string | null,
  passage: Passage,
  repository: Repository,
): Finding[] {
  const { text } = passage;
  const found: Finding[] = [];
  let owner: Owner | null = null;
  let end = 0;
  for (const token of text.matchAll(TOKEN)) {
    const { document, section: number } = token.groups ?? {};
    const between = text.slice(end, token.index);
    end = token.index + token[0].length;
    if (number === undefined) {
      const resolved = document === undefined ? null : repository.resolve(file, document);
      // Of several files of one name a reader can't tell which is meant; a name that is none of ours is somebody else's.
      const isUnclear = resolved === null && document !== undefined && repository.baseNames.has(document);
      owner = isUnclear ? null : { file: resolved };
      continue;
    }
    if (home !== null && !(owner !== null && CONTINUES.test(between))) owner = { file: home };
    const dangling = (why: string): void => {
      found.push({ offset: token.index, what: token[0], why });
    };
    if (owner === null) dangling('no file is named before it');
    else if (owner.file !== null) end += checkSection(owner.file, number, text.slice(end), repository, dangling);
  }
  return found;
}

/** @returns how many characters behind the number belong to the citation */
function checkSection(
  file: string,
  number: string,
  rest: string,
  repository: Repository,
  dangling: (why: string) => void,
): number {
  const document = repository.document(file);
  const section = sectionOf(document, number);
  if (section === undefined) {
    dangling(`${file} has no §${number}`);
    return 0;
  }
  const [range = '', end = ''] = RANGE.exec(rest) ?? [];
  if (range !== '') {
    if (sectionOf(document, end) === undefined) dangling(`${file} has no §${end}`);
    return range.length;
  }
  let read = 0;
  for (let match = ITEM.exec(rest); match !== null; match = ITEM.exec(rest.slice(read))) {
    const [whole, item = ''] = match;
    if (!hasItem(section, item)) dangling(`${file} §${number} has no ${item}`);
    read += whole.length;
    const [to = '', last = ''] = LAST.exec(rest.slice(read)) ?? [];
    if (to !== '' && !hasItem(section, `rule ${last}`)) dangling(`${file} §${number} has no ${last}`);
    read += to.length;
  }
  const quotation = QUOTATION.exec(rest.slice(read))?.[1];
  if (quotation !== undefined && !hasQuotation(section, quotation))
    dangling(`${file} §${number} doesn't say "${quotation}"`);
  const name = NAME.exec(rest.slice(read))?.[1];
  if (name !== undefined && !hasItem(section, name)) dangling(`${file} §${number} has no ${name}`);
  return read;
}

/** A section by its title: `CONTRIBUTING.md, "Rules of the house"`. */
const NAMED = /([\w./-]*\w\.md)[`)]?(?: §[\d.]+\w?)?,? "([^"]+)"/g;

/** @returns titles that no heading of the named file has; after a § the words may be a quotation, which is checked with it */
export function danglingTitles(file: string, { text }: Passage, repository: Repository): Finding[] {
  return [...text.matchAll(NAMED)].flatMap(({ index, 0: what, 1: name = '', 2: title = '' }) => {
    const target = repository.resolve(file, name);
    if (target === null || what.includes('§')) return [];
    const titles = repository.document(target).sections.map((section) => section.title);
    return titles.includes(title) ? [] : [{ offset: index, what, why: `${target} has no such heading` }];
  });
}

const DECISIONS = /\b(?:decisions?|records?) (\d{3}(?:(?:,? and |, |–)\d{3})*)(?!\d)|\bdecisions\/(\d{3})\b/gi;

/** @returns decision records that don't exist */
export function danglingDecisions({ text }: Passage, repository: Repository): Finding[] {
  return [...text.matchAll(DECISIONS)].flatMap(({ index, 0: what, 1: list = '', 2: path = '' }) =>
    (list + path)
      .split(/\D+/)
      .filter((number) => !repository.decisions.has(number))
      .map((number) => ({ offset: index, what, why: `there is no decision ${number}` })),
  );
}
