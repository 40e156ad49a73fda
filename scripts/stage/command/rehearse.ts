/** @module `stage rehearse`: every command of a stage, played on a double of the account on this machine, with what goes wrong in practice; each act says what had to come of it. */
import type { Io } from '../../support/command-line/command.ts';
import { type Act, ACTS } from '../rehearse/acts.ts';
import { type Outcome, type Rehearsed, rehearsedStage } from '../rehearse/rehearsed.ts';

const MS_PER_SECOND = 1_000;
/** Fields of a plan's resources are indented so far; a story is told without them, but where one changes. */
const FIELD = /^ {13}(?!.* → )/;

/** What came of one act. */
interface Played {
  readonly title: string;
  readonly typed: string | null;
  readonly code: number;
  /** What was missing; empty: it is right. */
  readonly wrong: readonly string[];
  readonly seconds: number;
}

/** @param io of the command @returns the exit code: 0 when every act came out as it must */
export async function rehearse({ say, progress, print }: Pick<Io, 'say' | 'progress' | 'print'>): Promise<number> {
  const stage = rehearsedStage();
  const played: Played[] = [];
  try {
    for (const act of ACTS) {
      progress('rehearsal', played.length, ACTS.length);
      say(`\n— ${act.title}`);
      if (act.typed !== null) say(`$ ${act.typed}`);
      const one = await play(act, stage, say);
      played.push(one);
      for (const what of one.wrong) say(`  WRONG: ${what}`);
      // The next act builds on this one.
      if (one.wrong.length > 0) break;
    }
  } finally {
    stage.end();
  }
  const right = played.filter(({ wrong }) => wrong.length === 0).length;
  const all = right === ACTS.length;
  const seconds = played.reduce((sum, one) => sum + one.seconds, 0);
  const text = all
    ? `\nall ${right} acts came out as they must, in ${seconds.toFixed(0)} s. No real account was touched, and none has shown any of it (docs/deploy.md)`
    : `\n${right} of ${ACTS.length} acts came out as they must`;
  print({ acts: played, right, of: ACTS.length }, text);
  return all ? 0 : 1;
}

async function play(act: Act, stage: Rehearsed, say: (line: string) => void): Promise<Played> {
  const began = performance.now();
  const outcome = await act.run(stage);
  for (const line of outcome.lines) if (!FIELD.test(line)) say(`  ${line}`);
  return {
    title: act.title,
    typed: act.typed,
    code: outcome.code,
    wrong: wrongIn(act, outcome),
    seconds: (performance.now() - began) / MS_PER_SECOND,
  };
}

function wrongIn({ code, says }: Act, outcome: Outcome): string[] {
  return [
    ...(outcome.code === code ? [] : [`the exit code is ${outcome.code}, and must be ${code}`]),
    ...says.flatMap((words) =>
      outcome.lines.some((line) => words.test(line)) ? [] : [`it must say ${String(words)}`],
    ),
  ];
}
