import { describe, it } from 'vitest';
import { checkpointOf, headOf, logOf, makeRoot, NOW, policyFor } from '../../test/support/directory-world.ts';
import { utf8 } from '../primitives/bytes.ts';
import { loadDirectory } from './load.ts';
import { readDirectory } from './read.ts';

const LEAVES = Array.from({ length: 300 }, (_, i) => utf8(`no statement, ${i}`));

function counting(objects: ReadonlyMap<string, Uint8Array>) {
  const asked: string[] = [];
  const get = async (path: string): Promise<Uint8Array | null> => {
    asked.push(path);
    return Promise.resolve(objects.get(path) ?? null);
  };
  return { asked, get };
}

describe('a directory is loaded', () => {
  it('by its checkpoint and bundles alone, or with its tiles', async ({ expect }) => {
    const { asked, get } = counting(logOf(LEAVES));
    const read = await loadDirectory(get);
    expect(asked).toEqual(['checkpoint', 'tile/entries/000', 'tile/entries/001.p/44']);
    const directory = readDirectory({ read, policy: policyFor(await makeRoot()), now: NOW, seen: null });
    expect(directory).toMatchObject({ size: 300, head: headOf(LEAVES), entries: [] });
    const all = counting(logOf(LEAVES));
    await loadDirectory(all.get, { tiles: true });
    expect(all.asked).toContain('tile/1/000.p/1');
  });

  it('with the proposal where there is one, else without', async ({ expect }) => {
    const proposal = checkpointOf(LEAVES, { witnesses: [] });
    const { asked, get } = counting(logOf(LEAVES).set('checkpoint.proposed', proposal));
    expect((await loadDirectory(get, { proposed: true }))('checkpoint.proposed')).toEqual(proposal);
    expect(asked).not.toContain('checkpoint');
    const without = counting(logOf(LEAVES));
    await loadDirectory(without.get, { proposed: true });
    expect(without.asked.slice(0, 2)).toEqual(['checkpoint.proposed', 'checkpoint']);
  });

  it('no further than any directory is long', async ({ expect }) => {
    const text = new TextDecoder().decode(checkpointOf(LEAVES)).replace('\n300\n', '\n900000000\n');
    const { asked, get } = counting(new Map([['checkpoint', utf8(text)]]));
    await loadDirectory(get);
    expect(asked).toEqual(['checkpoint']);
  });
});
