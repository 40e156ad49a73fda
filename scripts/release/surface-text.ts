/** @module A surface as it is kept: JSON, a method and a type a line, so that a difference of two can be read. */
import type { Surface } from './shapes.ts';

const object = (entries: readonly (readonly [string, string])[], indent: string): string =>
  `{\n${entries.map(([name, text]) => `${indent}  ${JSON.stringify(name)}: ${text}`).join(',\n')}\n${indent}}`;

/** @returns the text, always the same of the same surface */
export function surfaceText({ methods, types }: Surface): string {
  const line = ([name, value]: readonly [string, unknown]) => [name, JSON.stringify(value)] as const;
  const targets = Object.entries(methods).map(
    ([target, own]) => [target, object(Object.entries(own).map(line), '    ')] as const,
  );
  return `${object(
    [
      ['methods', object(targets, '  ')],
      ['types', object(Object.entries(types).map(line), '  ')],
    ],
    '',
  )}\n`;
}
