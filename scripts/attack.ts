/**
 * @module `npm run attack`: what is promised about one person and one key, tried. Each attack says a verdict and a figure a
 * line, and finds a fault that was put there on purpose. Traffic goes to 127.0.0.1 alone.
 */
import type { Attack, Verdict } from './attack/attack.ts';
import { attack as cover } from './attack/cover.ts';
import { attack as decoys } from './attack/decoys.ts';
import { attack as join } from './attack/join.ts';
import { attack as races } from './attack/races.ts';
import { attack as secondToken } from './attack/second-token.ts';
import { attack as linkage } from './attack/linkage.ts';
import { attack as takenOver } from './attack/taken-over.ts';
import { JSON_FLAG, oneOf, wholeNumber } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { writeReport } from './support/report.ts';

const ATTACKS: readonly Attack[] = [cover, decoys, linkage, join, races, secondToken, takenOver];

function lineOf({ what, figure, bound, holds }: Verdict): string {
  return `${holds ? 'holds' : 'FAILS'}  ${what}: ${figure} (${bound})`;
}

function report({ name, summary }: Attack, seed: number, verdicts: readonly Verdict[]): void {
  const rows = verdicts.map((v) => `| ${v.what} | ${v.figure} | ${v.bound} | ${v.holds ? 'holds' : '**fails**'} |`);
  writeReport(`attack-${name}`, {
    title: `Attack: ${summary}`,
    command: `npm run attack -- ${name} --seed ${seed}`,
    body: ['| what | figure | bound | |', '|---|---|---|---|', ...rows].join('\n'),
  });
}

await run(
  {
    name: 'npm run attack',
    summary: `Tries what is promised: a line a verdict, and a report in benchmarks/results. Exit code 1: a verdict does not hold.
      Without a name it lists the attacks.`,
    positionals: {
      name: oneOf(
        'which one',
        { list: '', all: 'every one', ...Object.fromEntries(ATTACKS.map(({ name, summary }) => [name, summary])) },
        'list',
      ),
    },
    options: {
      seed: wholeNumber('same seed, same draws', { min: 0, max: 1_000_000_000, default: 1 }),
      json: JSON_FLAG,
    },
    examples: ['npm run attack -- races', 'npm run attack -- all --json'],
  },
  async ({ name, seed }, { say, print }) => {
    if (name === 'list') {
      const attacks = ATTACKS.map((attack) => ({ name: attack.name, summary: attack.summary }));
      print(attacks, attacks.map((attack) => `${attack.name.padEnd(14)} ${attack.summary}`).join('\n'));
      return 0;
    }
    const results: Record<string, readonly Verdict[]> = {};
    for (const attack of ATTACKS.filter((one) => name === 'all' || one.name === name)) {
      const progress = (text: string): void => void process.stderr.write(`${attack.name}: ${text}\n`);
      const verdicts = await attack.run({ seed, progress });
      results[attack.name] = verdicts;
      for (const verdict of verdicts) say(lineOf(verdict));
      report(attack, seed, verdicts);
    }
    const all = Object.values(results).flat();
    const kept = all.filter(({ holds }) => holds).length;
    print(results, `${kept} of ${all.length} verdicts hold`);
    return kept === all.length ? 0 : 1;
  },
);
