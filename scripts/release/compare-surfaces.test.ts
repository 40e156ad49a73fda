/** @module What two releases don't agree on is said, method and field; what may be left out is no matter. */
import { describe, it } from 'vitest';
import { breaksBetween } from './compare-surfaces.ts';
import type { Shape, Surface } from './shapes.ts';

const REPLY: Shape = {
  union: [{ fields: { kind: '"stored"', 'publish?': 'number' } }, { fields: { kind: '"known"', receipt: 'string' } }],
};
const KEY = { fields: { keyData: 'Uint8Array', next: { union: ['null', { name: 'Key' }] } } };

function surface(returns: Shape, taken: Shape = 'string', types: Surface['types'] = {}): Surface {
  const parameters = [
    { name: 'id', shape: taken, optional: false },
    { name: 'more', shape: 'number', optional: true },
  ];
  return { methods: { 'origin#Intake': { accept: { parameters, returns } } }, types };
}

const told = (before: Surface, now: Surface) => breaksBetween(before, now).map(({ at, what }) => `${at} ${what}`);

describe('two releases', () => {
  it('that are the same agree, types that hold themselves too', ({ expect }) => {
    const one = surface({ list: { name: 'Key' } }, 'string', { Key: KEY });
    // Renamed: a name is no matter of the wire.
    const renamed = JSON.parse(JSON.stringify(one).replaceAll('"Key"', '"Tek"')) as Surface;
    expect([told(one, one), told(one, renamed), told(surface(REPLY), surface(REPLY))]).toEqual([[], [], []]);
  });

  it('agree where what is new may be left out, and where a method is new', ({ expect }) => {
    const before = surface({ fields: { at: 'number' } });
    const now = surface({ fields: { at: 'number', 'by?': 'string' } });
    const more = { ...now.methods['origin#Intake'], renew: now.methods['origin#Intake']!['accept']! };
    expect(told(before, { ...now, methods: { 'origin#Intake': more } })).toEqual([]);
    expect(told(now, before)).toEqual([]);
  });

  it.for<[string, Surface, Surface]>([
    ['origin#Intake.accept is gone', surface('void'), { methods: {}, types: {} }],
    ['origin#Intake.accept() was void, is number', surface('void'), surface('number')],
    ['origin#Intake.accept(id) was string, is {"list":"string"}', surface('void'), surface('void', { list: 'string' })],
    [
      'origin#Intake.accept(id).by is new, and may not be left out',
      surface('void', { fields: {} }),
      surface('void', { fields: { by: 'string' } }),
    ],
    ['origin#Intake.accept().at is gone', surface({ fields: { at: 'number' } }), surface({ fields: {} })],
    [
      'origin#Intake.accept().at may be left out now',
      surface({ fields: { at: 'number' } }),
      surface({ fields: { 'at?': 'number' } }),
    ],
    [
      'origin#Intake.accept() "late" is new',
      surface(REPLY),
      surface({ union: [...(REPLY as { union: Shape[] }).union, { fields: { kind: '"late"' } }] }),
    ],
    [
      'origin#Intake.accept(){"known"}.receipt was string, is number',
      surface(REPLY),
      surface(JSON.parse(JSON.stringify(REPLY).replace('"receipt":"string"', '"receipt":"number"')) as Shape),
    ],
    [
      'origin#Intake.accept()[].keyData was Uint8Array, is string',
      surface({ list: { name: 'Key' } }, 'string', { Key: KEY }),
      surface({ list: { name: 'Key' } }, 'string', {
        Key: { fields: { ...KEY.fields, keyData: 'string' } },
      }),
    ],
  ])('that don’t say where: %s', ([line, before, now], { expect }) => {
    expect(told(before, now)).toEqual([line]);
  });
});
