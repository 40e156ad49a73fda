import { describe, it } from 'vitest';
import { AUTHORITIES, authoritiesArguments } from './arguments.ts';
import { readArguments } from '../support/command-line/read-arguments.ts';

function read(...args: string[]) {
  const call = readArguments(AUTHORITIES, args);
  if (call === 'help') throw new Error('help was not asked for');
  return authoritiesArguments(call.values);
}
const FILE = 'package.json';

describe('npm run authorities', () => {
  it('takes a file, a JWKS or both', ({ expect }) => {
    expect(read('validate', FILE)).toMatchObject({ command: 'validate', file: FILE, jwks: null });
    expect(read('import', FILE, '--replace', '--expect', '3', '--dry-run')).toMatchObject({
      replace: true,
      expect: 3,
      dryRun: true,
    });
    expect(read('import', '--jwks', 'https://a.example/jwks', '--id', 'de')).toMatchObject({ file: null, id: 'de' });
    expect(read('validate', FILE, '--jwks', 'https://a.example/jwks')).toMatchObject({ id: null });
    expect(read('agree', '--proposal', 'a'.repeat(32), '--as', 'berta')).toMatchObject({
      proposal: 'a'.repeat(32),
      as: 'berta',
    });
  });

  it.for<[args: string[], message: string]>([
    [['validate'], 'FILE: is missing; validate needs one'],
    [['import'], 'FILE: is missing; import needs one, or --jwks and --id'],
    [['import', '--jwks', 'https://a.example/jwks'], '--id: is missing; --jwks without FILE needs it'],
    [['list', FILE], `FILE: "${FILE}" must not stand after list`],
    [['list', '--jwks', 'https://a.example/jwks'], 'list: --jwks must stand after validate or import'],
    [['import', FILE, '--id', 'de'], 'import: --id must stand after --jwks'],
    [['validate', FILE, '--dry-run'], 'validate: --dry-run must stand after import'],
    [
      ['import', '--jwks', 'https://a.example/jwks', '--id', 'de', '--replace'],
      'import: --replace must stand after import FILE',
    ],
    [['agree'], '--proposal: is missing; agree needs one'],
    [['list', '--proposal', 'a'.repeat(32)], 'list: --proposal must stand after agree'],
  ])('%o is refused', ([args, message], { expect }) => {
    expect(() => read(...args)).toThrow(message);
  });
});
