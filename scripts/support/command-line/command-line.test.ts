/**
 * @module Declaration → what is read, what is refused and what the help says. Programs as a whole: test/house/commands.long.node.test.ts.
 */
import { describe, it } from 'vitest';
import { decimal, existingFile, flag, JSON_FLAG, oneOf, parsed, text, url, wholeNumber } from './arguments.ts';
import { UsageError } from './declaration.ts';
import { helpText } from './help.ts';
import { readArguments } from './read-arguments.ts';

const COMMAND = {
  name: 'npm run tan',
  summary: 'Does nothing.',
  positionals: {
    what: oneOf('what to do', { check: 'looks', write: 'writes' }, null),
    file: existingFile('what to read', { default: null }),
  },
  options: {
    count: wholeNumber('how many', { min: 1, max: 10, default: 3 }),
    share: decimal('share of all', { min: 0.1, max: 1, default: 0.5 }),
    rate: decimal('a second', { min: 0, max: Number.POSITIVE_INFINITY, default: null, defaultText: 'as measured' }),
    url: url('where', { default: 'http://127.0.0.1:1' }),
    seed: text('drawn from', { default: 'a' }),
    even: parsed('an even one', { placeholder: 'E', mustBe: 'an even number', default: null }, (given) =>
      Number(given) % 2 === 0 ? Number(given) : undefined,
    ),
    'dry-run': flag('changes nothing'),
    json: JSON_FLAG,
  },
} as const;

const DEFAULTS = {
  what: 'check',
  file: null,
  count: 3,
  share: 0.5,
  rate: null,
  url: 'http://127.0.0.1:1',
  seed: 'a',
  even: null,
  'dry-run': false,
  json: false,
};

const read = (line: string) => readArguments(COMMAND, line === '' ? [] : line.split(' '));

describe('arguments', () => {
  it.for<readonly [string, object]>([
    ['check', {}],
    [
      'write package.json --count 10 --share 1 --rate 60e6',
      { what: 'write', file: 'package.json', count: 10, share: 1, rate: 60e6 },
    ],
    ['check --dry-run --json --seed=b --even 4', { 'dry-run': true, json: true, seed: 'b', even: 4 }],
    ['--count 1 check --count 2', { count: 2 }],
    ['check --url https://example.org', { url: 'https://example.org' }],
  ])('of "%s" are read', ([line, given], { expect }) => {
    expect(read(line)).toEqual({ values: { ...DEFAULTS, ...given }, rest: [] });
  });

  it.for<readonly [string, string]>([
    ['', 'WHAT: is missing; it must be one of check, write'],
    ['frobnicate', 'WHAT: "frobnicate" must be one of check, write'],
    ['check absent.json', 'FILE: "absent.json" must be a file that exists'],
    ['check package.json more and', '"more and": there is no such argument'],
    ['check --count 0', '--count: "0" must be a whole number, 1..10'],
    ['check --count 1.5', '--count: "1.5" must be a whole number, 1..10'],
    ['check --count 1e1', '--count: "1e1" must be a whole number, 1..10'],
    ['check --count=-1', '--count: "-1" must be a whole number, 1..10'],
    ['check --count= ', '--count: "" must be a whole number, 1..10'],
    ['check --share 2', '--share: "2" must be a number, 0.1..1'],
    ['check --share NaN', '--share: "NaN" must be a number, 0.1..1'],
    ['check --rate Infinity', '--rate: "Infinity" must be a number, >= 0'],
    ['check --rate=', '--rate: "" must be a number, >= 0'],
    ['check --url nowhere', '--url: "nowhere" must be a URL'],
    ['check --seed=', '--seed: "" must be a text that is not empty'],
    ['check --even 3', '--even: "3" must be an even number'],
    ['check --frob', '--frob: there is no such option'],
    ['check -f', '-f: there is no such option'],
    ['check --json=yes', '--json'],
    ['check --count', '--count'],
    ['check --help --frob', '--frob: there is no such option'],
  ])('of "%s" are refused: %s', ([line, message], { expect }) => {
    expect(() => read(line)).toThrow(UsageError);
    expect(() => read(line)).toThrow(message);
  });

  it('ask for help, whatever else is missing', ({ expect }) => {
    expect([read('--help'), read('-h'), read('check --help')]).toEqual(['help', 'help', 'help']);
  });

  it('go to another program from the first word on, and no earlier', ({ expect }) => {
    const passing = { name: 'x', summary: '', passesOn: { placeholder: 'COMMAND', about: 'its own' } };
    expect(readArguments(passing, ['run', '--help', '-x'])).toEqual({ values: {}, rest: ['run', '--help', '-x'] });
    expect(readArguments(passing, [])).toEqual({ values: {}, rest: [] });
    expect(readArguments(passing, ['--help'])).toBe('help');
    expect(() => readArguments(passing, ['--verbose', 'run'])).toThrow('--verbose: there is no such option');
  });
});

describe('help', () => {
  it('names every argument with its bounds and default, once', ({ expect }) => {
    const help = helpText({ ...COMMAND, examples: ['npm run tan -- check'], exitCodes: '1: nothing to do.' });
    expect(help).toContain('Usage: npm run tan -- WHAT [FILE] [options]\n\nDoes nothing.\n');
    for (const line of [
      'WHAT     what to do',
      '  check  looks',
      'FILE     what to read',
      '--count N    how many, 1..10 (default 3)',
      '--share X    share of all, 0.1..1 (default 0.5)',
      '--rate X     a second, >= 0 (default as measured)',
      '--dry-run    changes nothing',
      '-h, --help   prints this and does nothing else',
      '  npm run tan -- check',
    ]) {
      expect(help.split(line), line).toHaveLength(2);
    }
    expect(help.replaceAll('\n', ' ')).toContain('130 interrupted. 1: nothing to do.');
    for (const name of Object.keys(COMMAND.options)) expect(help).toContain(`\n  --${name}`);
  });

  it('lists few options in the usage, and gives npm its dashes where there is something to pass', ({ expect }) => {
    const usage = (name: string, options: object): string =>
      helpText({ name, summary: '', options: { ...options } }).split('\n')[0] ?? '';
    expect(usage('npm run tan', { json: JSON_FLAG })).toBe('Usage: npm run tan -- [--json]');
    expect(usage('node a.ts', { json: JSON_FLAG })).toBe('Usage: node a.ts [--json]');
    expect(usage('npm run tan', {})).toBe('Usage: npm run tan');
  });

  it('breaks long lines', ({ expect }) => {
    const long = flag('word '.repeat(100).trim());
    const help = helpText({ name: 'a', summary: 'word '.repeat(100), options: { long, ['x'.repeat(40)]: long } });
    for (const line of help.split('\n').slice(1)) expect(line.length).toBeLessThanOrEqual(110);
  });
});
