import { describe, it } from 'vitest';
import { shellBlocks } from './blocks.ts';

const fenced = (commands: string, above = '', language = 'sh'): string =>
  `${above}\n\`\`\`${language}\n${commands}\n\`\`\`\n`;

describe('the shell blocks of a README', () => {
  it('are found in order, with their lines; blocks of other languages are none', ({ expect }) => {
    const text = `# Title\n${fenced('a\nb')}text\n${fenced('{}', '', 'json')}${fenced('no language', '', '')}${fenced('c')}`;
    expect(shellBlocks(text)).toEqual([
      { line: 4, commands: 'a\nb', how: { kind: 'run' } },
      { line: 18, commands: 'c', how: { kind: 'run' } },
    ]);
  });

  it('stay, or are left out for a reason, where a comment says so', ({ expect }) => {
    const stays = fenced('serve', '<!-- ci: stays, until it says "is ready on" -->');
    const left = fenced('deploy', '<!-- ci: not run, because it needs an account -->');
    expect(shellBlocks(stays + left).map(({ how }) => how)).toEqual([
      { kind: 'stays', until: 'is ready on' },
      { kind: 'not-run', because: 'it needs an account' },
    ]);
  });

  it.for(['<!-- ci: not run, because -->', '<!-- ci: not run -->', '<!-- ci: stays -->', '<!-- ci: skip -->'])(
    'are refused under %s',
    (above, { expect }) => {
      expect(() => shellBlocks(fenced('a', above))).toThrow('not understood');
    },
  );

  it('are refused when one has no end', ({ expect }) => {
    expect(() => shellBlocks('```sh\na')).toThrow("doesn't end");
  });
});
