import { describe, it } from 'vitest';
import { UsageError } from '../support/command-line/command.ts';
import { readArguments } from '../support/command-line/read-arguments.ts';
import { CONFIG, configArguments } from './arguments.ts';

const FILE = 'parameters/default.json';

function read(line: string) {
  const call = readArguments(CONFIG, line === '' ? [] : line.replaceAll('FILE', FILE).split(' '));
  return call === 'help' ? call : configArguments(call.values);
}

describe('arguments of npm run config', () => {
  it('know commands, files and defaults', ({ expect }) => {
    expect(read('validate FILE')).toMatchObject({
      command: 'validate',
      file: FILE,
      dryRun: false,
      audience: null,
    });
    expect(read('rollback --to 3 --expect 5')).toMatchObject({ command: 'rollback', file: null, to: 3, expect: 5 });
    expect(read('publish FILE --dry-run --json')).toMatchObject({ command: 'publish', dryRun: true });
    expect(read('--help')).toBe('help');
  });

  it('make audiences', ({ expect }) => {
    expect(read('publish FILE --percentage 12.5')).toMatchObject({
      audience: { percentage: 12.5, android: 'all', ios: 'all' },
    });
    expect(read('publish FILE --android 10..20 --ios none')).toMatchObject({
      audience: { percentage: 100, android: { min: 10, max: 20 }, ios: 'none' },
    });
    expect(read('publish FILE --ios 1.2.0..1.10.0')).toMatchObject({
      audience: { ios: { min: '1.2.0', max: '1.10.0' } },
    });
  });

  it.for([
    '',
    'frobnicate',
    'publish',
    'publish absent.json',
    'publish FILE b.json',
    'status FILE',
    'publish FILE --frob',
    'publish FILE --url nowhere',
    'publish FILE --expect -1',
    'rollback --to 0',
    'publish FILE --percentage 101',
    'publish FILE --percentage many',
    'publish FILE --android 20..10',
    'publish FILE --ios 1.2..1.3',
    'rollback --percentage 10',
  ])('refuse "%s"', (line, { expect }) => {
    expect(() => read(line)).toThrow(UsageError);
  });
});
