import { describe, it } from 'vitest';
import { byteSource, patientKeys } from '../support/patients.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { Ledger, Patient } from './clients.ts';
import type { SeenHead } from '../support/published.ts';
import { type Excused, isClean, judge, type RegionFound, type Verdict } from './verdict.ts';

const NOW = 1_781_532_000;
const ENDED = new Set(['batch 1']);
const NOTHING: Excused = {
  afterJournal: new Set(),
  cameBack: new Set(),
  withoutBatch: new Set(),
  isCut: () => false,
};

function patient(name: string, fate: Partial<Patient> = {}): Patient {
  const keys = patientKeys(byteSource(name), NOW);
  const names = keys.map(({ keyData }) => toHex(keyData));
  return { keys, names, openings: [], batchId: null, upload: 'acknowledged', withdrawal: 'none', ...fate };
}

const honest = patient('honest');
const forged = patient('forged', { batchId: 'batch 1' });
const withdrawn = patient('withdrawn', { withdrawal: 'heard' });
const early = patient('early', { withdrawal: 'heard' });
const unsure = patient('unsure', { withdrawal: 'asked' });
const lost = patient('lost', { upload: 'abandoned' });
const ledger: Ledger = {
  patients: [honest, forged, withdrawn, early, unsure, lost],
  heard: [],
  met: new Set(),
  attempts: 6,
};

const head = (hash: string, previous: string): SeenHead => ({ hash, head: { previous } as SeenHead['head'] });
const counted = (...people: readonly Patient[]) => new Map(people.flatMap(({ names }) => names.map((one) => [one, 1])));

/** All as it must be: `early` was taken back before it was published. */
const found = (): { -readonly [K in keyof RegionFound]: RegionFound[K] } => ({
  region: 'DE',
  listed: counted(honest, unsure),
  tree: counted(honest, unsure),
  revoked: counted(forged, withdrawn),
  everListed: new Set([honest, unsure, forged, withdrawn].flatMap(({ names }) => names)),
  heads: new Map([
    [1, head('one', 'none')],
    [2, head('two', 'one')],
  ]),
});
const verdictOf = (change: Partial<RegionFound>, excused = NOTHING, now = NOW): Verdict =>
  judge({ ...found(), ...change }, ledger, ENDED, excused, now);

const without = (counts: ReadonlyMap<string, number>, name: string) =>
  new Map([...counts].filter(([one]) => one !== name));
const [first = ''] = honest.names;
const [taken = ''] = forged.names;
const { listed, tree, revoked } = found();

describe('the verdict', () => {
  it('is clean when each key is where it must be', ({ expect }) => {
    expect(verdictOf({})).toMatchObject({ published: 28, revoked: 28, sequence: 2 });
    expect(isClean(verdictOf({}))).toBe(true);
  });

  it('leaves open what nobody heard an answer to', ({ expect }) => {
    const there = { listed: counted(honest, lost), tree: counted(honest, lost) };
    expect(isClean(verdictOf({ ...there, revoked: counted(forged, withdrawn, unsure) }))).toBe(true);
  });

  it.for<[string, Partial<RegionFound>, keyof Verdict]>([
    ['a key that the manifest lacks', { listed: without(listed, first) }, 'missing'],
    ['a key that Corona-Warn-App’s tree lacks', { tree: without(tree, first) }, 'differing'],
    ['a key that is published twice', { listed: new Map([...listed, [first, 2]]) }, 'doubled'],
    ['a key that is taken back and there', { listed: new Map([...listed, [taken, 1]]) }, 'left'],
    ['one in Corona-Warn-App’s tree alone', { tree: new Map([...tree, [withdrawn.names[3]!, 1]]) }, 'left'],
    ['a published one that no list revokes', { revoked: without(revoked, taken) }, 'notRevoked'],
    ['one that two lists revoke', { revoked: new Map([...revoked, [taken, 2]]) }, 'notRevoked'],
    [
      'one that is revoked though nobody took it back',
      { revoked: new Map([...revoked, [first, 1]]) },
      'wronglyRevoked',
    ],
    ['one that never was published', { revoked: new Map([...revoked, [early.names[0]!, 1]]) }, 'wronglyRevoked'],
    ['half of an upload', { listed: new Map([...listed, [lost.names[0]!, 1]]) }, 'halfStored'],
    ['a key that nobody sent', { tree: new Map([...tree, ['00'.repeat(16), 1]]) }, 'strangers'],
    [
      'a head that names another before it',
      {
        heads: new Map([
          [1, head('one', 'none')],
          [2, head('two', 'other')],
        ]),
      },
      'brokenLinks',
    ],
  ])('finds %s', ([, change, what], { expect }) => {
    const verdict = verdictOf(change);
    expect(verdict[what]).toBe(1);
    expect(isClean(verdict)).toBe(false);
  });

  it('excuses what a loss takes, brings back, or leaves without its batch, and no more', ({ expect }) => {
    const excused: Excused = {
      ...NOTHING,
      afterJournal: new Set([first]),
      cameBack: new Set([withdrawn.names[0]!]),
      withoutBatch: new Set([taken]),
    };
    const back = [taken, withdrawn.names[0]!] as const;
    const there = new Map([...without(listed, first), [back[0], 1], [back[1], 1]]);
    const revokedLess = new Map([...revoked].filter(([name]) => !back.some((one) => one === name)));
    const change = { listed: there, tree: there, revoked: revokedLess };
    expect(isClean(verdictOf(change, excused))).toBe(true);
    expect(verdictOf(change)).toMatchObject({ missing: 1, left: 2, notRevoked: 2 });
  });

  it('looks for no key whose fortnight is over', ({ expect }) => {
    const oldest = honest.names.at(-1)!;
    const change = { listed: without(listed, oldest), tree: without(tree, oldest) };
    expect(verdictOf(change).missing).toBe(1);
    expect(verdictOf(change, NOTHING, NOW + 86_400).missing).toBe(0);
  });
});
