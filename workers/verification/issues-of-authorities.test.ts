/** @module What is remembered of the books' ids of health authorities, and for how long. */
import { it } from 'vitest';
import { IssuesOfAuthorities } from './issues-of-authorities.ts';

const NOON = 20_800 * 86_400 + 43_200;

it.for([
  { name: 'a second later: remembered', at: NOON + 1, asked: 1 },
  { name: 'a minute later: asked again', at: NOON + 60, asked: 2 },
  { name: 'by a clock that was set back: asked again', at: NOON - 1, asked: 2 },
])('$name', async ({ at, asked }, { expect }) => {
  const issues = new IssuesOfAuthorities();
  let n = 0;
  const ask = () => Promise.resolve(`a${++n}`);
  await issues.get('us-xy', NOON, ask);
  expect([await issues.get('us-xy', at, ask), n]).toEqual([`a${asked}`, asked]);
});

it('a UTC day has an id of its own, an authority too, and an end is asked for each time', async ({ expect }) => {
  const issues = new IssuesOfAuthorities();
  const midnight = NOON + 43_200;
  const said: (string | null)[] = [
    await issues.get('us-xy', midnight - 1, () => Promise.resolve('a1')),
    await issues.get('us-xy', midnight, () => Promise.resolve('a2')),
    await issues.get('us-zz', midnight, () => Promise.resolve(null)),
    await issues.get('us-zz', midnight, () => Promise.resolve('a3')),
  ];
  expect(said).toEqual(['a1', 'a2', null, 'a3']);
});
