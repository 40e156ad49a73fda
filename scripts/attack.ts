/**
 * @module `npm run attack`: what is promised about one person and one key, tried. Each attack says a verdict and a figure a
 * line, and finds a fault that was put there on purpose. Traffic goes to 127.0.0.1 alone.
 */
import type { Attack, Verdict } from './attack/attack.ts';
import { attack as decoys } from './attack/decoys.ts';
import { attack as linkage } from './attack/linkage.ts';
import { JSON_FLAG, parsed, wholeNumber } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { writeReport } from './support/report.ts';

const ATTACKS: readonly Attack[] = [decoys, linkage];

const NAMES = ['all', ...ATTACKS.map(({ name }) => name)];
const LIST = ATTACKS.map(({ name, summary }) => `${name.padEnd(14)}${summary}`).join('\n');

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

await run(
  {
    name: 'npm run attack',
    summary: `Runs an attack, prints a line a verdict and writes its report to benchmarks/results/. Without a name it lists the attacks. It
      fails when a verdict doesn't hold.`,
    positionals: {
      name: parsed(
        'which attack; all: each of them',
        { default: null, placeholder: 'NAME', mustBe: `one of ${NAMES.join(', ')}` },
        (given) => (NAMES.includes(given) ? given : undefined),
      ),
    },
    options: {
      seed: wholeNumber('same seed, same draws', { min: 0, max: 1_000_000_000, default: 1 }),
      json: JSON_FLAG,
    },
    notes: LIST,
    examples: ['npm run attack -- linkage'],
  },
  async ({ name, seed }, { say, print }) => {
    if (name === null) {
      print(Object.fromEntries(ATTACKS.map((one) => [one.name, one.summary])), LIST);
      return 0;
    }
    const results: Record<string, readonly Verdict[]> = {};
    for (const attack of ATTACKS.filter((one) => name === 'all' || one.name === name)) {
      const progress = (text: string): void => void process.stderr.write(`${attack.name}: ${text}\n`);
      const verdicts = await attack.run({ seed, progress });
      results[attack.name] = verdicts;
      report(attack, seed, verdicts);
      for (const verdict of verdicts) say(lineOf(verdict));
    }
    const all = Object.values(results).flat();
    const failed = all.filter(({ holds }) => !holds).length;
    print(results, `${all.length} verdicts, ${failed} fail`);
    return failed === 0 ? 0 : 1;
  },
);
