import { describe, it } from 'vitest';
import { differences } from './difference.ts';

describe('differences', () => {
  it('name the fields that differ, in both directions, $schema apart', ({ expect }) => {
    const before = { $schema: 'a', a: 1, list: [1, 2], gone: true, same: { x: [] } };
    const after = { $schema: 'b', a: 2, list: [1, 3, 4], came: { y: 1 }, same: { x: [] } };
    expect(differences(before, after).map((d) => `${d.path}: ${d.before} → ${d.after}`)).toEqual([
      'a: 1 → 2',
      'list[1]: 2 → 3',
      'list[2]: (absent) → 4',
      'gone: true → (absent)',
      'came: (absent) → {"y":1}',
    ]);
    expect(differences(after, after)).toEqual([]);
    expect(differences([1], { 0: 1 })).toHaveLength(1);
  });
});
