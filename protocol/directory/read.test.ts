/** @module The directory's client against servers and authors that lie: what it takes, what it withholds, what spoils the whole. */
import { beforeAll, describe, it } from 'vitest';
import {
  checkpointOf,
  entryLeaf,
  entryOf,
  headOf,
  LOG,
  logOf,
  makeCluster,
  makeRegion,
  makeRoot,
  makeTls,
  NOW,
  type Party,
  policyFor,
  reading,
  type Signing,
  WITNESSES,
} from '../../test/support/directory-world.ts';
import type { Certificate } from '../certificates/certificate.ts';
import { utf8 } from '../primitives/bytes.ts';
import type { Head } from './merkle.ts';
import { noteSecret } from './note.ts';
import type { DirectoryPolicy } from './policy.ts';
import { describeProblem } from './problem.ts';
import { readDirectory } from './read.ts';

let root: Party;
let eu: Party;
let german: Party;
let dutch: Party;
let tls: Certificate;
let leaves: Uint8Array[];

beforeAll(async () => {
  root = await makeRoot();
  eu = await makeCluster(root, 'eu');
  german = await makeRegion(eu, 'C=DE, OU=eu, CN=Directory of DE');
  dutch = await makeRegion(eu, 'C=NL, OU=eu, CN=Directory of NL');
  tls = await makeTls(eu, 'C=DE, OU=eu, CN=Consumer of DE');
  const ofNl = await makeTls(eu, 'C=NL, OU=eu, CN=Consumer of NL');
  leaves = [
    entryLeaf(german, entryOf(german, [tls])),
    entryLeaf(dutch, entryOf(dutch, [ofNl], { regionId: 'NL', phase: 2 })),
    entryLeaf(german, entryOf(german, [tls], { sequence: 2, vendor: 'another' })),
  ];
});

const readFrom = (
  objects: ReadonlyMap<string, Uint8Array>,
  { seen = null, policy = {} }: { seen?: Head | null; policy?: Partial<DirectoryPolicy> } = {},
) => readDirectory({ read: reading(objects), policy: policyFor(root, policy), now: NOW, seen });

const kinds = (directory: ReturnType<typeof readDirectory>) => directory.problems.map(({ kind }) => kind);

describe('a directory', () => {
  it('says what each region said last, in the order of their ids', ({ expect }) => {
    const directory = readFrom(logOf(leaves));
    expect(directory.problems).toEqual([]);
    expect(directory.size).toBe(3);
    expect(directory.head).toEqual(headOf(leaves));
    expect(directory.entries).toMatchObject([
      { regionId: 'DE', vendor: 'another', sequence: 2, index: 2, cluster: 'eu', phase: 1, clientRoots: eu.chain },
      { regionId: 'NL', phase: 2, index: 1, feedUrl: 'https://feed.nl.example/', revoked: [] },
    ]);
    const [entry] = directory.entries;
    expect(entry?.tlsFingerprints).toEqual([tls.x509.fingerprint256.replaceAll(':', '').toLowerCase()]);
    expect(Object.keys(entry ?? {})).not.toContain('tlsCertificates');
  });

  it('continues what was seen before', ({ expect }) => {
    const seen = headOf(leaves.slice(0, 2));
    expect(kinds(readFrom(logOf(leaves), { seen }))).toEqual([]);
    expect(kinds(readFrom(logOf(leaves), { seen: headOf(leaves) }))).toEqual([]);
    expect(kinds(readFrom(logOf(leaves), { seen: headOf([]) }))).toEqual([]);
  });

  it('may be empty', ({ expect }) => {
    expect(readFrom(logOf([]))).toMatchObject({ entries: [], size: 0, problems: [] });
  });
});

describe('all is refused:', () => {
  it.for<[name: string, kind: string, signing: Signing]>([
    ['another log', 'another-log', { origin: 'directory.example/another' }],
    [
      'a log’s key that nobody named',
      'log-signature',
      { log: noteSecret(LOG.name, 'note', new Uint8Array(32).fill(99)) },
    ],
    ['one witness of two', 'too-few-witnesses', { witnesses: WITNESSES.slice(1) }],
    ['one witness twice', 'too-few-witnesses', { witnesses: [...WITNESSES.slice(1), ...WITNESSES.slice(1)] }],
    [
      'witnesses that nobody named',
      'too-few-witnesses',
      { witnesses: WITNESSES.map(({ name }, i) => noteSecret(name, 'cosignature', new Uint8Array(32).fill(40 + i))) },
    ],
    ['cosignatures of the day before yesterday', 'stale', { cosignedAt: NOW - 86_401 }],
    ['cosignatures of tomorrow', 'too-few-witnesses', { cosignedAt: NOW + 86_400 }],
  ])('%s', ([, kind, signing], { expect }) => {
    const directory = readFrom(logOf(leaves, signing));
    expect(kinds(directory)).toEqual([kind]);
    expect(directory).toMatchObject({ entries: [], size: 0, head: null });
  });

  it('no checkpoint, or one that is none', ({ expect }) => {
    expect(kinds(readFrom(new Map()))).toEqual(['no-checkpoint']);
    expect(kinds(readFrom(logOf(leaves).set('checkpoint', utf8('hello\n'))))).toEqual(['no-checkpoint']);
  });

  it('a bundle that is gone, cut, or says one byte otherwise', ({ expect }) => {
    const path = 'tile/entries/000.p/3';
    const gone = logOf(leaves);
    gone.delete(path);
    expect(readFrom(gone).problems).toEqual([{ kind: 'object-missing', path }]);
    const bundle = logOf(leaves).get(path) ?? new Uint8Array();
    expect(readFrom(logOf(leaves).set(path, bundle.slice(0, -1))).problems).toEqual([{ kind: 'object-altered', path }]);
    const bent = bundle.with(100, (bundle[100] ?? 0) ^ 1);
    expect(readFrom(logOf(leaves).set(path, bent)).problems).toEqual([{ kind: 'root-differs', size: 3 }]);
  });

  it('rolled back: signed and witnessed once, and older than what was seen', ({ expect }) => {
    const directory = readFrom(logOf(leaves.slice(0, 2)), { seen: headOf(leaves) });
    expect(directory.problems).toEqual([{ kind: 'rolled-back', from: 3, to: 2 }]);
    expect(directory.entries).toEqual([]);
  });

  it('forked: as long or longer, and another', ({ expect }) => {
    const other = [leaves[1], leaves[0], leaves[2]].filter((leaf) => leaf !== undefined);
    for (const size of [2, 3]) {
      const directory = readFrom(logOf(other), { seen: headOf(leaves.slice(0, size)) });
      expect(directory.problems).toEqual([{ kind: 'forked', seen: size, size: 3 }]);
    }
  });

  it('a root that the policy doesn’t name: no entry counts', async ({ expect }) => {
    const another = await makeRoot('CN=Another root');
    const directory = readFrom(logOf(leaves), { policy: { roots: [another.certificate] } });
    expect(directory.entries).toEqual([]);
    expect(directory.problems).toHaveLength(3);
    expect(directory.problems[0]).toMatchObject({ kind: 'statement', error: { kind: 'path', error: 'no-path' } });
  });

  it('more than any directory has', ({ expect }) => {
    const text = new TextDecoder().decode(checkpointOf(leaves)).replace('\n3\n', '\n900000000\n');
    const directory = readFrom(logOf(leaves).set('checkpoint', utf8(text)));
    expect(kinds(directory)).toEqual(['log-signature']);
  });
});

describe('while keys are replaced', () => {
  it('the log signs with the old, the new or both; roots likewise', async ({ expect }) => {
    const next = noteSecret(LOG.name, 'note', new Uint8Array(32).fill(12));
    const logKeys = [LOG, next];
    for (const log of logKeys) expect(kinds(readFrom(logOf(leaves, { log }), { policy: { logKeys } }))).toEqual([]);
    const another = await makeRoot('CN=Next root');
    const below = await makeCluster(another, 'eu');
    const again = await makeRegion(below, 'C=DE, OU=eu, CN=Directory of DE');
    const consumer = await makeTls(below, 'C=DE, OU=eu, CN=Consumer of DE');
    const more = [...leaves, entryLeaf(again, entryOf(again, [consumer], { sequence: 3 }))];
    const roots = [root.certificate, another.certificate];
    const directory = readFrom(logOf(more), { policy: { roots } });
    expect(directory.problems).toEqual([]);
    expect(directory.entries[0]).toMatchObject({ regionId: 'DE', sequence: 3, clientRoots: below.chain });
  });
});

describe('problems', () => {
  it('are told in one line each', ({ expect }) => {
    const lines = [
      readFrom(logOf(leaves, { witnesses: [] })),
      readFrom(logOf(leaves, { cosignedAt: NOW - 90_000 })),
      readFrom(logOf(leaves.slice(1)), { seen: headOf(leaves) }),
    ].flatMap(({ problems }) => problems.map((problem) => describeProblem(problem)));
    expect(lines).toEqual([
      'checkpoint: 0 of 2 witnesses cosigned it; without witness.example/w21, witness.example/w22',
      'checkpoint: enough witnesses saw it last 90000 s ago; at most 86400 s',
      'checkpoint: has 2 entries, 3 were seen before: the directory was rolled back',
    ]);
  });
});
