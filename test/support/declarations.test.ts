/** @module A checker of names must also say no. */
import { describe, it } from 'vitest';
import { declares } from './declarations.ts';

const SOURCE = `
import { imported } from './x.ts';
/** function commented() {} */
// function remarked() {}
export const table = 1;
export default createApp({ clock });
export async function upload(): Promise<void> {
  used();
  function inner() {}
}
export abstract class Ledger<T> {
  #commits = 1;
  constructor() {}
  override async reserve(tan: string): Promise<void> {
    this.called(tan);
  }
}
class Other {
  commit() {}
}
`;

describe('declares', () => {
  it.for(['table', 'upload', 'Ledger', 'Ledger.reserve', 'Ledger.#commits', 'Other.commit'])(
    '%s',
    (name, { expect }) => {
      expect(declares(SOURCE, name)).toBe(true);
    },
  );

  it.for([
    'imported',
    'commented',
    'remarked',
    'used',
    'inner',
    'createApp',
    'tabl',
    'Ledger.called',
    'Ledger.commit',
    'Missing.commit',
  ])('not %s', (name, { expect }) => {
    expect(declares(SOURCE, name)).toBe(false);
  });
});
