/**
 * @module `npm run readme`: types every shell block of README.md as a reader would, in a copy of the repository, so that none of them
 * stops being true unnoticed; and holds the picture beside the one that the demo draws there. `.ci/run` calls it.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../local-edge/workers.ts';
import { shellBlocks } from './readme/blocks.ts';
import { childEnd, runChild } from './support/command-line/child.ts';
import { run } from './support/command-line/command.ts';
import { endAtInterrupt, temporaryFolder } from './support/command-line/interrupt.ts';

/** Stops at the first command that fails, in a pipe too. */
const BASH = ['-eu', '-o', 'pipefail', '-c'];

/** The picture that README.md shows, and where its first block draws it. */
const PICTURE = 'docs/demo.svg';
const DRAWN = 'out/demo/demo.svg';

/** What git knows or would add, with the packages that are installed here. */
async function copyRepository(folder: string): Promise<void> {
  const listed = await runChild('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    output: 'kept',
  });
  if (listed.code !== 0) throw new Error(`readme: git ls-files ended with ${listed.code}: ${listed.stderr}`);
  for (const file of listed.stdout.split('\0').filter((name) => name !== '' && existsSync(join(ROOT, name)))) {
    cpSync(join(ROOT, file), join(folder, file), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
}

/** As a shell of its own has it: npm tells scripts where it was called. */
const ENVIRONMENT = { ...process.env, INIT_CWD: undefined };

/** Starts a block that stays, and waits until it is ready. @returns ends it, as Ctrl-C does, with all that it started */
async function startBlock(commands: string, until: string, cwd: string): Promise<() => Promise<void>> {
  const child = spawn('bash', [...BASH, commands], {
    cwd,
    env: ENVIRONMENT,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const signal = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT');
  };
  const forget = endAtInterrupt(signal);
  const ended = childEnd(child);
  let output = '';
  const ready = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      process.stdout.write(part);
      output += part;
      if (output.includes(until)) resolve();
    });
  });
  const early = async (): Promise<void> => {
    const code = await ended;
    if (!output.includes(until)) throw new Error(`it ended with ${code} and never said "${until}"`);
  };
  await Promise.race([ready, early()]);
  return async () => {
    signal();
    await ended;
    forget();
  };
}

/** @param copy a copy of the repository in which the demo has run */
function samePicture(copy: string): boolean {
  const drawn = join(copy, DRAWN);
  return existsSync(drawn) && readFileSync(drawn).equals(readFileSync(join(copy, PICTURE)));
}

await run(
  {
    name: 'npm run readme',
    summary: `Runs every shell block of README.md in order, in a temporary copy of the repository, and ends with 1 at the first that fails, or when the demo drew another picture than README.md shows. A comment
      above a block says what else is done with it: <!-- ci: stays, until it says "TEXT" --> runs it until the end, and
      <!-- ci: not run, because REASON --> leaves it out.`,
    options: {},
    notes: `
Takes about two minutes, and the ports that README.md names.`,
    examples: ['npm run readme'],
  },
  async (_, { say }) => {
    const blocks = shellBlocks(readFileSync(join(ROOT, 'README.md'), 'utf8'));
    const folder = temporaryFolder('readme');
    const ends: (() => Promise<void>)[] = [];
    let failed = 0;
    let isSame = false;
    try {
      await copyRepository(folder.path);
      for (const { line, commands, how } of blocks) {
        if (how.kind === 'not-run') {
          say(`\nREADME.md:${line}: not run, because ${how.because}`);
          continue;
        }
        say(`\nREADME.md:${line}:\n${commands}\n`);
        if (how.kind === 'stays') ends.push(await startBlock(commands, how.until, folder.path));
        else {
          const child = spawn('bash', [...BASH, commands], {
            cwd: folder.path,
            env: ENVIRONMENT,
            stdio: ['ignore', 'inherit', 'inherit'],
          });
          const code = await childEnd(child);
          // A later block plays a real export, and empties the folder first.
          isSame ||= samePicture(folder.path);
          if (code === 0) continue;
          say(`README.md:${line} ended with ${code}`);
          failed += 1;
          break;
        }
      }
      if (failed === 0 && !isSame) {
        say(`${PICTURE} is not what the demo draws: look at what npm run demo draws, then: cp ${DRAWN} ${PICTURE}`);
        failed += 1;
      }
    } finally {
      for (const end of ends.toReversed()) await end();
      folder.remove();
    }
    say(failed === 0 ? `\n${blocks.length} blocks of README.md do what they say, and its picture is the demo's` : '');
    return failed === 0 ? 0 : 1;
  },
);
