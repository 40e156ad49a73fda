/**
 * @module `npm run attack -- NAME`: attacks what is promised about one person and about one key, and says what came out, a line a
 * verdict. Exit code 0: every verdict holds; 1: one does not; 2: called wrongly.
 */
import type { Attack, Verdict } from './attack/attack.ts';
import { attack as decoys } from './attack/decoys.ts';
import { attack as linkage } from './attack/linkage.ts';
import { UsageError, readOptions, run, wholeNumber } from './support/cli.ts';
import { writeReport } from './support/report.ts';

const ATTACKS: readonly Attack[] = [decoys, linkage];

const USAGE = `
npm run attack                    lists the attacks
npm run attack -- NAME [options]  one of them, or all
  --seed N    same seed, same draws (default 1)
  --json      verdicts as JSON, instead of a line each
  --report    writes benchmarks/results/attack-NAME.md
`;

function line({ what, figure, bound, holds }: Verdict): string {
  return `${holds ? 'holds' : 'FAILS'}  ${what}: ${figure} (${bound})`;
}

async function main(): Promise<number> {
  const [name, ...rest] = process.argv.slice(2);
  const named = name !== undefined && !name.startsWith('-');
  const options = readOptions(
    USAGE,
    { seed: { type: 'string' }, json: { type: 'boolean' }, report: { type: 'boolean' } },
    named ? rest : process.argv.slice(2),
  );
  if (!named) {
    for (const attack of ATTACKS) process.stdout.write(`${attack.name.padEnd(14)}${attack.summary}\n`);
    return 0;
  }
  const seed = wholeNumber('seed', options.seed ?? '1', { min: 0, max: 1_000_000 });
  const chosen = name === 'all' ? ATTACKS : ATTACKS.filter((attack) => attack.name === name);
  if (chosen.length === 0) throw new UsageError(`no attack "${name}"`);
  const all: (Verdict & { readonly attack: string })[] = [];
  for (const attack of chosen) {
    const verdicts = await attack.run({ seed, progress: (text) => void process.stderr.write(`${text}\n`) });
    all.push(...verdicts.map((verdict) => ({ attack: attack.name, ...verdict })));
    if (options.json !== true) process.stdout.write(verdicts.map((verdict) => `${line(verdict)}\n`).join(''));
    if (options.report === true) {
      const rows = verdicts.map((v) => `| ${v.what} | ${v.figure} | ${v.bound} | ${v.holds ? 'holds' : 'FAILS'} |`);
      writeReport(`attack-${attack.name}`, {
        title: `Attack: ${attack.summary}`,
        command: `npm run attack -- ${attack.name} --report --seed ${seed}`,
        body: ['| What | Figure | Bound | |', '|---|---|---|---|', ...rows].join('\n'),
      });
    }
  }
  if (options.json === true) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  return all.every(({ holds }) => holds) ? 0 : 1;
}

await run(main);
