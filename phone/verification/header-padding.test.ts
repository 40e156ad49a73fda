import { describe, it } from 'vitest';
import { testRandom } from '../testing/random.ts';
import { headerPaddingFor } from './header-padding.ts';

const random = testRandom('header padding');

describe('padding for the names of routes', () => {
  it('is random: no value comes twice, or HPACK would write it as one byte', ({ expect }) => {
    const padding = headerPaddingFor(['/version/v1/tan', '/version/v1/registrationToken']);
    for (const [path, characters] of [
      ['/version/v1/tan', 26],
      ['/version/v1/registrationToken', 12],
    ] as const) {
      const drawn = Array.from({ length: 1_000 }, () => padding(path, random));
      expect(new Set(drawn).size).toBe(drawn.length);
      expect(new Set(drawn.map(({ length }) => length))).toEqual(new Set([characters]));
    }
  });

  it.for([
    { name: 'a name whose letters have no known length', paths: ['/~'], message: 'no code length for "~"' },
    {
      name: 'names that letters and digits can’t level',
      paths: ['/', `/${'T'.repeat(99)}`],
      message: "can't be levelled",
    },
  ])('is refused for $name', ({ paths, message }, { expect }) => {
    expect(() => headerPaddingFor(paths)).toThrow(message);
  });

  it('is refused for a path that is not among them', ({ expect }) => {
    expect(() => headerPaddingFor(['/a'])('/b', random)).toThrow('none of the levelled paths');
  });
});
