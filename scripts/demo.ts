/**
 * @module `npm run demo`: one story on the local edge with the local clock, from upload to match, with a table at its end.
 */
import { existsSync } from 'node:fs';
import { testRandom } from '../phone/testing/random.ts';
import { readOptions, run, UsageError } from './support/cli.ts';
import { playReplay } from './demo/replay.ts';
import { finish, startProgress } from './demo/report.ts';
import { riskTable } from './demo/risk.ts';
import { clearOut } from './demo/stage.ts';
import { playStory } from './demo/story.ts';

const USAGE = `
npm run demo -- [--replay FILE.zip] [--seed TEXT] [--json]

Plays one story on a local edge: 200 infected phones of 1,000 upload beside dummies, an hour is sealed, phones download, verify and
match. Leaves out/demo/chunks/*.zip, out/demo/public.pem and out/demo/summary.json. Ends with 1 if anything is wrong.

  --replay FILE.zip  plays a real export file instead: sets the clock to its week, uploads its keys as patients, and shows that
                     exactly the same keys come out
  --seed TEXT        another story with other keys; the same text gives the same keys (default: demo)
  --json             prints summary.json instead of the table, progress on stderr
`;

await run(async () => {
  const options = readOptions(USAGE, {
    replay: { type: 'string' },
    seed: { type: 'string', default: 'demo' },
    json: { type: 'boolean', default: false },
  });
  const { replay } = options;
  if (replay !== undefined && !existsSync(replay)) throw new UsageError(`--replay: there is no file "${replay}"`);
  const progress = startProgress(options.json);
  progress('the Workers start on this machine');
  clearOut();
  const problems: string[] = [];
  // Loaded late: --help and a wrong call answer at once.
  const { startLocalEdge } = await import('../local-edge/local-edge.ts');
  // A Worker that prints something has met an error it did not expect.
  const edge = await startLocalEdge({ onLog: (line) => void problems.push(`a Worker said: ${line}`) });
  try {
    const random = testRandom(options.seed);
    const ending = await (replay === undefined
      ? playStory(edge, random, progress)
      : playReplay(replay, edge, random, progress));
    problems.push(...ending.problems);
    progress('done');
    const risks = ending.risks ?? [];
    if (!options.json && risks.length > 0) process.stdout.write(`\n${riskTable(risks)}\n`);
    const code = finish(ending.rows, problems, options.json);
    const chunk = ending.rows.find(({ name }) => name === 'chunk')?.value;
    if (!options.json) process.stdout.write(`\nLook inside:  npm run -s phone -- keys ${String(chunk)}\n`);
    return code;
  } finally {
    await edge.dispose();
  }
});
