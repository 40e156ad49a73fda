/**
 * @module The attacks on verification in their small form; whole: `npm run attack -- races`, `-- second-token`.
 */
import { it } from 'vitest';
import { races } from '../../scripts/attack/races.ts';
import { attack as secondToken } from '../../scripts/attack/second-token.ts';

const quiet = (): void => undefined;

it('races for TANs, tokens, cards and dates of birth are won once, with the calls slow that decide them', async ({
  expect,
}) => {
  const deciding = [
    'TanLedger.issue',
    'TanLedger.status',
    'TestSession.takeTan',
    'TestSession.claim',
    'Results.resultOf',
  ];
  const verdicts = await races(1, quiet, (delays) =>
    delays.filter(({ hop, when, every }) => deciding.includes(hop) && when === 'before' && every === 1),
  );
  expect(verdicts.filter(({ holds }) => !holds)).toEqual([]);
  expect(verdicts[0]?.what).toContain(`over ${deciding.length + 1} rounds`);
});

it('no date of birth reads, destroys or opens another’s test, and no third TAN comes when the ledger has forgotten', async ({
  expect,
}) => {
  const verdicts = await secondToken.run({ seed: 1, progress: quiet });
  expect(verdicts.filter(({ holds }) => !holds)).toEqual([]);
});
