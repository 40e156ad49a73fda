/** Every command of a stage on the double and its edge, as `npm run stage -- rehearse` plays them: real wrangler, the maker's library, the Workers as uploaded. */
import { it } from 'vitest';
import { rehearse } from '../command/rehearse.ts';
import { ACTS } from './acts.ts';

it('each act of a rehearsal comes out as it must, and says no secret', { timeout: 600_000 }, async ({ expect }) => {
  const said: string[] = [];
  let printed: unknown = null;
  const code = await rehearse({
    say: (line) => void said.push(line),
    progress: () => undefined,
    print: (value) => (printed = value),
  });
  expect(said.filter((line) => line.includes('  WRONG: '))).toEqual([]);
  expect(printed).toMatchObject({ right: ACTS.length, of: ACTS.length });
  expect(code).toBe(0);
  const text = said.join('\n');
  expect(text).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY|AGE-SECRET-KEY|[A-Za-z0-9+/]{43}=/);
});
