/**
 * @module `npm run undo-key`: makes the undo key as two shares for two keepers, splits one that is there, and puts shares together (docs/rollback.md).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { existingFile, JSON_FLAG, oneOf, text } from './support/command-line/arguments.ts';
import { run, UsageError } from './support/command-line/command.ts';
import { combineShares, drawUndoKey, publicHalf, ShareError, splitKey } from './support/undo-key.ts';

/** Each keeper's file is theirs alone. */
function writeNew(file: string, content: string, mode = 0o600): void {
  if (existsSync(file)) throw new Error(`${file} is there already: nothing was written over it`);
  writeFileSync(file, content, { mode, flag: 'wx' });
}

await run(
  {
    name: 'npm run undo-key',
    summary: 'Makes the undo key as two shares for two keepers; splits a key; puts shares together (docs/rollback.md).',
    positionals: {
      command: oneOf(
        'what to do',
        {
          make: 'draws a key, writes both shares and the public half; the private half is written nowhere',
          split: 'writes the shares of the key in FILE and its public half',
          combine: 'prints the key of two shares',
        },
        null,
      ),
      file: existingFile('split: a P-256 private key in PEM (PKCS#8)', { default: null }),
    },
    options: {
      first: text('the first share', { default: 'undo-share-1.txt', placeholder: 'FILE' }),
      second: text('the second share', { default: 'undo-share-2.txt', placeholder: 'FILE' }),
      public: text('make, split: where the public half goes, UNDO_PUBLIC_KEY', {
        default: 'undo-public.pem',
        placeholder: 'FILE',
      }),
      json: JSON_FLAG,
    },
    notes: `
Give each keeper one share, on a machine that is in no network, and delete both here. Neither says anything without the other.`,
    examples: ['npm run undo-key -- make', 'npm run -s undo-key -- combine --first a.txt --second b.txt'],
    exitCodes: '1 here: a share or key is none, shares do not fit, or a file is there already.',
  },
  async ({ command, file, first, second, public: publicFile }, { print }) => {
    if ((command === 'split') !== (file !== null)) {
      throw new UsageError(
        file === null ? 'FILE: is missing; split needs one' : `FILE: must not stand after ${command}`,
      );
    }
    if (command === 'combine') {
      const pem = combineShares([readFileSync(first, 'utf8'), readFileSync(second, 'utf8')]);
      print({ undoKey: pem }, pem.trimEnd());
      return 0;
    }
    const pem = file === null ? drawUndoKey() : readFileSync(file, 'utf8');
    const shares = splitKey(pem);
    for (const name of [first, second, publicFile]) {
      if (existsSync(name)) throw new ShareError(`${name} is there already: nothing was written over it`);
    }
    writeNew(first, shares[0]);
    writeNew(second, shares[1]);
    writeNew(publicFile, publicHalf(pem), 0o644);
    print({ shares: [first, second], public: publicFile }, `written: ${first}, ${second}, ${publicFile}`);
    return 0;
  },
);
