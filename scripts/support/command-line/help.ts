/**
 * @module What `--help` prints, made from a command's declaration. Pure.
 */
import type { Argument } from './arguments.ts';
import type { Declaration } from './declaration.ts';

const COLUMNS = 110;
/** More options than these are not listed in the usage line. */
const OPTIONS_IN_USAGE = 5;
/** Of the column that names the options. */
const MOST_INDENT = 34;

type Row = readonly [name: string, about: string];

/**
 * @param declaration of the command
 * @returns usage, every argument with its bounds and default, examples, exit codes; ends with a line feed
 */
export function helpText(declaration: Declaration): string {
  const { summary, options = {}, positionals = {}, passesOn, notes, examples = [], exitCodes = '' } = declaration;
  const words: Row[] = Object.entries(positionals).flatMap(([name, argument]) => positionalRows(name, argument));
  if (passesOn !== undefined) words.push([passesOn.placeholder, passesOn.about]);
  const named: Row[] = Object.entries(options).map(([name, argument]) => [
    optionText(name, argument),
    aboutText(argument),
  ]);
  named.push(['-h, --help', 'prints this and does nothing else']);
  const codes = `Exit codes: 0 done; 1 failed, or what it checked is wrong; 2 called wrongly; 130 interrupted. ${exitCodes}`;
  const parts = [
    `Usage: ${usageLine(declaration)}`,
    wrap(summary, 0),
    ...(words.length > 0 ? [table(words)] : []),
    table(named),
    ...(notes === undefined ? [] : [notes.trim()]),
    ...(examples.length > 0 ? [`Examples:\n${examples.map((example) => `  ${example}`).join('\n')}`] : []),
    wrap(codes, 0),
  ];
  return `${parts.join('\n\n')}\n`;
}

function usageLine({ name, options = {}, positionals = {}, passesOn }: Declaration): string {
  const words = Object.entries(positionals).map(([word, { fallback }]) =>
    fallback === null ? word.toUpperCase() : `[${word.toUpperCase()}]`,
  );
  const named = Object.entries(options).map(([option, argument]) => `[${optionText(option, argument)}]`);
  const shown = [
    ...words,
    ...(named.length > OPTIONS_IN_USAGE ? ['[options]'] : named),
    ...(passesOn === undefined ? [] : [`[${passesOn.placeholder}]`]),
  ];
  if (shown.length === 0) return name;
  // npm takes options for its own unless they stand behind two dashes.
  return `${name} ${name.startsWith('npm ') ? '-- ' : ''}${shown.join(' ')}`;
}

const optionText = (name: string, { placeholder }: Argument<unknown>): string =>
  placeholder === null ? `--${name}` : `--${name} ${placeholder}`;

function aboutText({ about, range, fallback }: Argument<unknown>): string {
  const standard = fallback === null || fallback.text === '' ? '' : ` (default ${fallback.text})`;
  return `${about}${range === '' ? '' : `, ${range}`}${standard}`;
}

function positionalRows(name: string, argument: Argument<unknown>): Row[] {
  return [
    [name.toUpperCase(), aboutText(argument)],
    ...argument.choices.map(([choice, about]) => [`  ${choice}`, about] as const),
  ];
}

function table(rows: readonly Row[]): string {
  const widest = Math.max(...rows.map(([name]) => name.length).filter((length) => length <= MOST_INDENT), 0);
  const indent = 2 + widest + 2;
  return rows
    .map(([name, about]) => {
      const head = `  ${name.padEnd(widest)}  `;
      const body = wrap(about, indent);
      // A name too long for the column has a line of its own.
      return name.length > widest ? `  ${name}\n${' '.repeat(indent)}${body}` : `${head}${body}`;
    })
    .join('\n');
}

/** Breaks lines at spaces; all but the first are indented. */
function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    if (line !== '' && indent + line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}
