/**
 * @module `npm run attack`: what is promised about one person and one key, tried. Each attack says a verdict and a figure a
 * line, and finds a fault that was put there on purpose. Traffic goes to 127.0.0.1 alone.
 */
import type { Attack, Verdict } from './attack/attack.ts';
import { attack as join } from './attack/join.ts';
import { attack as takenOver } from './attack/taken-over.ts';
import { run, UsageError, wholeNumber } from './support/cli.ts';
import { writeReport } from './support/report.ts';
import { parseArgs } from 'node:util';

const ATTACKS: readonly Attack[] = [join, takenOver];

const USAGE = `
npm run attack -- [NAME | all] [--seed N] [--json]

Without a name it lists the attacks. With one it runs that attack, prints a line a verdict and writes
benchmarks/results/attack-NAME.md. Exit code: 0 every verdict holds, 1 one does not, 2 called wrongly.

  --seed N  same seed, same draws (default 1)
  --json    the verdicts as JSON alone

${ATTACKS.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join('\n')}
`;

function lineOf({ what, figure, bound, holds }: Verdict): string {
  return `${holds ? 'holds' : 'FAILS'}  ${what}: ${figure} (${bound})`;
}

function report(attack: Attack, seed: number, verdicts: readonly Verdict[]): void {
  const rows = verdicts.map((v) => `| ${v.what} | ${v.figure} | ${v.bound} | ${v.holds ? 'holds' : '**fails**'} |`);
  writeReport(`attack-${attack.name}`, {
    title: `Attack: ${attack.summary}`,
    command: `npm run attack -- ${attack.name} --seed ${seed}`,
    body: ['| what | figure | bound | |', '|---|---|---|---|', ...rows].join('\n'),
  });
}

/** @returns the attacks that were named @throws UsageError for another name */
function chosen(names: readonly string[]): readonly Attack[] {
  if (names.join() === 'all') return ATTACKS;
  return names.map((name) => {
    const attack = ATTACKS.find((one) => one.name === name);
    if (attack === undefined)
      throw new UsageError(`no attack "${name}"; there are ${ATTACKS.map((one) => one.name).join(', ')}`);
    return attack;
  });
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

await run(async () => {
  const { values, positionals } = readArguments();
  if (values.help || positionals.length === 0) {
    process.stdout.write(`${USAGE.trim()}\n`);
    return 0;
  }
  const seed = wholeNumber('seed', values.seed, { min: 0, max: 1_000_000_000 });
  const results: Record<string, readonly Verdict[]> = {};
  for (const attack of chosen(positionals)) {
    const progress = (text: string): void => void process.stderr.write(`${attack.name}: ${text}\n`);
    const verdicts = await attack.run({ seed, progress });
    results[attack.name] = verdicts;
    if (!values.json) process.stdout.write(`${verdicts.map(lineOf).join('\n')}\n`);
    report(attack, seed, verdicts);
  }
  if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  return Object.values(results)
    .flat()
    .every(({ holds }) => holds)
    ? 0
    : 1;
});
