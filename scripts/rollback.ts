/**
 * @module `npm run rollback`: takes back what a source vouched for (docs/rollback.md). The undo key exists in this process's memory and in the one request.
 */
import { readFileSync } from 'node:fs';
import type { Rollback, RollbackPlan } from '../domain/rollback.ts';
import { ROLLBACK, rollbackArguments } from './rollback/arguments.ts';
import { planLines, rollbackLines } from './rollback/report.ts';
import { run } from './support/command-line/command.ts';
import { asPerson, command } from './support/operator.ts';
import { combineShares } from './support/undo-key.ts';

await run(ROLLBACK, async (given, { print }) => {
  const { command: what, url, target, shares, id } = rollbackArguments(given);
  const as = asPerson(given.as, ['operator']);
  const send = (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> =>
    command(url, method, `/operator/rollback${path}`, body, [], as);
  if (shares === null) {
    const { rollbacks } = (await send('GET', '')) as {
      readonly rollbacks: readonly Rollback[];
    };
    const lines = rollbacks.flatMap((one) => rollbackLines(one));
    print({ rollbacks }, (lines.length === 0 ? ['nobody asks for a rollback'] : lines).join('\n'));
    return 0;
  }
  // A former key too: each hour is opened with that which it was sealed to.
  const undoKey = shares
    .map(([first, second]) => combineShares([readFileSync(first, 'utf8'), readFileSync(second, 'utf8')]))
    .join('');
  if (what === 'confirm') {
    const done = (await send('POST', '/confirm', { id, undoKey })) as Rollback;
    print(done, rollbackLines(done).join('\n'));
    // What waits for its hour needs nobody any more.
    return done.outcome?.state === 'done' || done.outcome?.state === 'waiting' ? 0 : 1;
  }
  const answer = await send('POST', `/${what}`, { target, undoKey });
  if (what === 'plan') {
    print(answer, planLines(answer as RollbackPlan).join('\n'));
    return 0;
  }
  const asked = answer as RollbackPlan & { readonly id: string };
  const next = `asked: somebody else confirms within an hour, in the portal under “Rollbacks”, or by npm run rollback -- confirm --id ${asked.id}`;
  print(asked, [...planLines(asked), next].join('\n'));
  return 0;
});
