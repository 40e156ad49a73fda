/**
 * @module Every reference of a file: Markdown links, paths, names of files, sections, decision records, npm's commands, and words
 * that mean papers outside the repository. What leads nowhere is returned, so that a document that moves takes its readers along.
 */
import { posix } from 'node:path';
import { danglingCitations, danglingDecisions, danglingTitles, homeOf } from './citations.ts';
import { passagesOf, type Passage } from './passages.ts';
import type { Finding, Repository } from './repository.ts';

/** One reference that leads nowhere. */
export interface Dangling {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** As it is written. */
  readonly what: string;
  readonly why: string;
}

/**
 * @param file path relative to the root
 * @param text its content
 * @param repository what can be looked up
 * @returns what leads nowhere, in order; empty when nothing does
 */
export function danglingReferences(file: string, text: string, repository: Repository): Dangling[] {
  const home = file.endsWith('.md') ? homeOf(file, text, repository) : null;
  return passagesOf(file, text).flatMap((passage) =>
    [
      ...(file.endsWith('.md') ? danglingLinks(file, passage, repository) : []),
      ...danglingPaths(file, passage, repository),
      ...(passage.isProse ? danglingNames(file, passage, repository) : []),
      ...danglingCitations(file, home, passage, repository),
      ...danglingTitles(file, passage, repository),
      ...danglingDecisions(passage, repository),
      ...danglingCommands(passage, repository),
      ...papersElsewhere(file, passage),
    ].flatMap(({ offset, what, why }) => {
      const line = passage.lineAt(offset);
      return line === 0 ? [] : [{ file, line, what, why }];
    }),
  );
}

/** `[text](target#anchor)`; what has a scheme is not ours. */
const LINK = /\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)/g;

function danglingLinks(file: string, { text }: Passage, repository: Repository): Finding[] {
  return [...text.matchAll(LINK)].flatMap(({ index, 0: what, 1: path = '', 2: anchor }): Finding[] => {
    const target = path === '' ? file : posix.join(posix.dirname(file), path).replace(/\/$/, '');
    if (!repository.files.has(target) && !repository.folders.has(target)) {
      return [{ offset: index, what, why: `there is no ${target}` }];
    }
    if (anchor === undefined || !target.endsWith('.md') || repository.document(target).anchors.has(anchor)) return [];
    return [{ offset: index, what, why: `${target} has no heading #${anchor}` }];
  });
}

/** A part of a path; `*`, `<worker>` and `{a,b}` are patterns. */
const PART = String.raw`(?:[\w.*-]|<[\w-]+>|\{[\w.*, -]+\})`;
/** With an extension anywhere; without one in backticks alone, since prose has slashes too. */
const PATH = new RegExp(
  String.raw`(?<![\w./@:%$}>~…-])(\.?[\w-]+\/(?:${PART}+\/)*${PART}*\.[a-z][a-z0-9]{0,5})(?![\w/-])|` +
    String.raw`${'`'}(\.?[\w-]+\/(?:${PART}+\/)*${PART}*)${'`'}`,
  'g',
);
/** Digests cite files of other repositories, behind their source: `[SUB]`, "Source:". */
const SOURCE = /\bSources?:|\[[A-Z]{1,5}\]|`[\w-]+\/[\w-]+`/;
const isForeign = (file: string, before: string): boolean => file.startsWith('docs/spec/') && SOURCE.test(before);

/** What `npm run stage` makes of a stage is its operator's, and in no repository of ours. */
const OF_A_STAGE = /^\.?stages?\/(?:<name>|NAME)[./]/;

function danglingPaths(file: string, { text, isProse }: Passage, repository: Repository): Finding[] {
  // A test's data are paths that exist nowhere.
  if (!isProse && /\.test\.tsx?$/.test(file)) return [];
  return [...text.matchAll(PATH)].flatMap(({ index, 0: what, 1: named, 2: quoted }) => {
    const path = named ?? quoted ?? '';
    if (repository.has(file, path) || isForeign(file, text.slice(0, index)) || OF_A_STAGE.test(path)) return [];
    // Below another folder it may be an address, a media type, an object's key; source code of ours it is by its end.
    const isOurs = repository.topFolders.has(path.split('/')[0] ?? '');
    if (!isOurs && !(isProse && /\.(?:ts|tsx|md)$/.test(path) && !repository.endsWith(path))) return [];
    return [{ offset: index, what, why: 'there is no such file or folder' }];
  });
}

/** A file by its name alone. A name of another repository stands behind that: `cwa-documentation: solution_architecture.md`. */
const NAME = /(?<![\w./*<>{}@:-]|[\w-]: )([\w-]{2,}(?:\.[\w-]+)*\.(?:ts|tsx|md|mjs|toml|proto))(?![\w/-]|\.\w)/g;

function danglingNames(file: string, { text }: Passage, repository: Repository): Finding[] {
  return [...text.matchAll(NAME)].flatMap(({ index, 1: what = '' }) =>
    repository.baseNames.has(what) || isForeign(file, text.slice(0, index))
      ? []
      : [{ offset: index, what, why: 'no file has this name' }],
  );
}

const COMMAND = /\bnpm (?:run|test|start)(?: -s)? ([a-z][\w:-]*)/g;

function danglingCommands({ text }: Passage, repository: Repository): Finding[] {
  return [...text.matchAll(COMMAND)].flatMap(({ index, 0: what, 1: command = '' }) =>
    what.startsWith('npm run') && !repository.commands.has(command)
      ? [{ offset: index, what, why: 'package.json has no such command' }]
      : [],
  );
}

/** Papers that were at hand when something was written, and are not here. */
const ELSEWHERE: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/(?<![\w-])(?:design|style|layout)\.md\b/g, 'cite docs/architecture.md, CONTRIBUTING.md or a decision record'],
  [
    /\bseeds? 0\d\d\b|(?<![\w/-])seeds\/|\bthe seed(?= says\b|'s (?:day|figures?|estimate|rule|hour|\d))/gi,
    'name the public document',
  ],
  [/\.\.\/shared\/(?:spec|seeds|vectors|cases|samples|hooks|[a-z]+\.md)\b/g, 'it is not in this repository'],
  [/(?<![\w/])spec\/(?:gaen|cwa|google|europe|platform)\.md/g, 'the digests are in docs/spec/'],
  [/\bhouse rule \d+\b/g, 'cite CONTRIBUTING.md, "Rules of the house"'],
  [
    /(?<!\/[\w.-]+`? |[\w-])issue \d+(?=[,:;.)]|$)/g,
    'the tracker is not in this repository: say what it asks, or cite a decision record',
  ],
];
/** Numbered requirements; the digests define theirs, and others name the section: `docs/spec/europe.md §2.3, SP3`. */
const CODE = /(?<!§[\d.]+,? (?:[\w-]+(?:, | and |–))*)\b(?:SP|AC|REQ|FR|NFR)-?\d+\b/g;

function papersElsewhere(file: string, { text }: Passage): Finding[] {
  const codes: typeof ELSEWHERE = file.startsWith('docs/spec/') ? [] : [[CODE, 'a code without a document']];
  return [...ELSEWHERE, ...codes].flatMap(([pattern, why]) =>
    [...text.matchAll(pattern)].map(({ index, 0: what }) => ({ offset: index, what, why })),
  );
}
