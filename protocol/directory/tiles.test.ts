import { describe, it } from 'vitest';
import { concatBytes, utf8 } from '../primitives/bytes.ts';
import { leafHash, rootOf } from './merkle.ts';
import {
  alteredTiles,
  bundlesOf,
  decodeBundle,
  encodeBundle,
  objectsOf,
  pathsOf,
  readEntries,
  tilePath,
} from './tiles.ts';

const entriesOf = (size: number) => Array.from({ length: size }, (_, i) => utf8(`entry ${i}`));

describe('a log as objects', () => {
  it('has the paths of the specification', ({ expect }) => {
    expect(tilePath(0, 1_234_067, 256)).toBe('tile/0/x001/x234/067');
    expect(tilePath(2, 0, 1)).toBe('tile/2/000.p/1');
    expect(tilePath(0, 273, 112)).toBe('tile/0/273.p/112');
    expect(bundlesOf(257)).toEqual(['tile/entries/000', 'tile/entries/001.p/1']);
    expect(bundlesOf(0)).toEqual([]);
  });

  it('of 70,000 entries has the tiles that the specification counts', ({ expect }) => {
    const tiles = pathsOf(70_000).filter((path) => !path.startsWith('tile/entries/'));
    const level = (l: number) => tiles.filter((path) => path.startsWith(`tile/${l}/`));
    expect(level(0)).toHaveLength(274);
    expect(level(0).at(-1)).toBe('tile/0/273.p/112');
    expect(level(1)).toEqual(['tile/1/000', 'tile/1/001.p/17']);
    expect(level(2)).toEqual(['tile/2/000.p/1']);
  });

  it('of 256 entries has a full tile, and its hash above', ({ expect }) => {
    const entries = entriesOf(256);
    const objects = objectsOf(entries);
    expect([...objects.keys()].toSorted()).toEqual(['tile/0/000', 'tile/1/000.p/1', 'tile/entries/000']);
    const hashes = entries.map((entry) => leafHash(entry));
    expect(objects.get('tile/0/000')).toEqual(concatBytes(...hashes));
    expect(objects.get('tile/1/000.p/1')).toEqual(rootOf(hashes));
    for (const size of [0, 1, 255, 256, 257, 600]) {
      expect([...objectsOf(entriesOf(size)).keys()].toSorted()).toEqual(pathsOf(size).toSorted());
    }
  });

  it('is read again; of a bundle that became full, the full one too', ({ expect }) => {
    const objects = new Map(objectsOf(entriesOf(300)));
    expect(readEntries(300, (path) => objects.get(path) ?? null)).toEqual({ ok: true, entries: entriesOf(300) });
    expect(readEntries(200, (path) => objects.get(path) ?? null)).toEqual({ ok: true, entries: entriesOf(200) });
    objects.delete('tile/entries/000');
    expect(readEntries(300, (path) => objects.get(path) ?? null)).toEqual({
      ok: false,
      path: 'tile/entries/000',
      missing: true,
    });
  });

  it('tells each tile that was altered or is gone', ({ expect }) => {
    const objects = new Map(objectsOf(entriesOf(300)));
    const tile = objects.get('tile/0/001.p/44') ?? new Uint8Array();
    objects.set('tile/0/001.p/44', tile.with(0, (tile[0] ?? 0) ^ 1));
    objects.delete('tile/1/000.p/1');
    expect(alteredTiles(entriesOf(300), (path) => objects.get(path) ?? null)).toEqual([
      'tile/0/001.p/44',
      'tile/1/000.p/1',
    ]);
  });
});

describe('a bundle', () => {
  it('is none when cut, too long or of another width', ({ expect }) => {
    const bundle = encodeBundle([utf8('a'), new Uint8Array(0), utf8('bc')]);
    expect(decodeBundle(bundle, 3)).toEqual([utf8('a'), new Uint8Array(0), utf8('bc')]);
    expect(decodeBundle(bundle, 2)).toBeNull();
    expect(decodeBundle(bundle.slice(0, -1), 3)).toBeNull();
    expect(decodeBundle(concatBytes(bundle, Uint8Array.of(0)), 3)).toBeNull();
    expect(() => encodeBundle([new Uint8Array(65_536)])).toThrow(RangeError);
  });
});
