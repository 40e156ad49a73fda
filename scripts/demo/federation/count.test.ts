/** @module The table of the federation's story: a figure that something is wrong with is not what it should be. */
import { describe, it } from 'vitest';
import { fromHex } from '../../../protocol/primitives/bytes.ts';
import { type Backend, countAll } from './count.ts';

const hex = (n: number): string => n.toString(16).padStart(32, '0');
const key = (n: number) => ({
  keyData: fromHex(hex(n)),
  rollingStartIntervalNumber: 2_700_000,
  rollingPeriod: 144,
  transmissionRiskLevel: 5,
  reportType: 1 as const,
  daysSinceOnsetOfSymptoms: 2,
});
const names = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => hex(from + n));
const fed = (keys: readonly string[]) => ({ keys, revoked: [], batches: 1 });
const file = (region: string, keys: readonly string[]) => ({
  region,
  keys: keys.toSorted().map((name) => key(Number.parseInt(name, 16))),
});

/** Each 6 people's keys, two of which refuse, and 6 decoys, three of which travel; DE and NL read each other's. */
function world(): [Backend, Backend] {
  const of = (id: string, peer: string, first: number, other: number): Backend => {
    const travels = [...names(first, first + 4), ...names(first + 6, first + 9)];
    const theirs = [...names(other, other + 4), ...names(other + 6, other + 9)];
    return {
      id,
      feeds: new Map([['a2a', fed(travels)]]),
      reads: [{ peer, feed: 'a2a' }],
      files: [file(id, [...names(first, first + 12), ...theirs])],
      consenting: new Set(names(first, first + 4)),
      refusing: new Set(names(first + 4, first + 6)),
    };
  };
  return [of('DE', 'NL', 100, 200), of('NL', 'DE', 200, 100)];
}

const MIN = 5;
const WELL = {
  sent: 14,
  imported: 14,
  doubled: 0,
  ownBack: 0,
  refusedAbroad: 0,
  missing: 0,
  originVisible: 0,
  decoysUnmasked: 0,
  mixedFiles: 2,
  decoys: 12,
};

describe('the figures of the federation’s story', () => {
  it('are these where all is well', ({ expect }) => {
    expect(countAll(world(), MIN)).toEqual(WELL);
  });

  it.for<[string, object, (de: Backend) => Partial<Backend>]>([
    [
      'a key that didn’t arrive',
      { imported: 13 },
      ({ files }) => ({
        files: [
          file(
            'DE',
            keysIn(files).filter((name) => name !== hex(200)),
          ),
        ],
      }),
    ],
    ['a key twice', { doubled: 1 }, ({ files }) => ({ files: [...files, file('DE', names(100, 101))] })],
    ['a peer’s key sent on', { ownBack: 1 }, (de) => ({ feeds: new Map([...de.feeds, ['NL', fed([hex(200)])]]) })],
    [
      'who refused, in a feed',
      { refusedAbroad: 1 },
      (de) => ({ feeds: new Map([...de.feeds, ['NL', fed([hex(104)])]]) }),
    ],
    [
      'who shared and isn’t published',
      { missing: 1 },
      ({ consenting }) => ({ consenting: new Set([...consenting, hex(999)]) }),
    ],
    [
      'a file that says another region',
      { originVisible: 1 },
      ({ files }) => ({ files: [{ ...files[0]!, region: 'NL' }] }),
    ],
    [
      'keys in an order of their own',
      { originVisible: 1 },
      ({ files }) => ({ files: [{ ...files[0]!, keys: files[0]!.keys.toReversed() }] }),
    ],
    [
      'a peer’s key in fields of its own, and so out of order',
      { originVisible: 2 },
      ({ files }) => ({
        files: [
          {
            ...files[0]!,
            keys: files[0]!.keys.map((one) => (one.keyData.at(-1) === 200 ? { ...one, reportType: 2 as const } : one)),
          },
        ],
      }),
    ],
    [
      'decoys that stay alone',
      { decoysUnmasked: 6 },
      () => ({
        feeds: new Map([['a2a', fed([...names(100, 106)])]]),
        refusing: new Set<string>(),
        consenting: new Set(names(100, 106)),
      }),
    ],
  ])('say what is wrong: %s', ([, wrong, change], { expect }) => {
    const [de, nl] = world();
    expect(countAll([{ ...de, ...change(de) }, nl], MIN)).toMatchObject(wrong);
  });
});

const keysIn = (files: Backend['files']): string[] =>
  files.flatMap(({ keys }) =>
    keys.map(({ keyData }) => [...keyData].map((byte) => byte.toString(16).padStart(2, '0')).join('')),
  );
