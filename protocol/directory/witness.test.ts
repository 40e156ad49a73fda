/** @module A witness by its protocol's statuses, and what witnesses are for: two parties are never shown two directories. */
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
  ORIGIN,
  type Party,
  policyDocument,
  policyFor,
  reading,
  WITNESSES,
} from '../../test/support/directory-world.ts';
import { concatBytes, fromUtf8, utf8 } from '../primitives/bytes.ts';
import { lastCosignedAt, parseCheckpoint } from './checkpoint.ts';
import { consistencyProof, type Head, leafHash } from './merkle.ts';
import { noteKeyText, type NoteSecret, noteSecret, parseSignatureLine } from './note.ts';
import { certificateText } from './statement.ts';
import { parsePolicy } from './policy.ts';
import { readDirectory } from './read.ts';
import { addCheckpointBody, answerAddCheckpoint, parseAddCheckpoint, type WitnessAnswer } from './witness.ts';

const LEAVES = Array.from({ length: 9 }, (_, i) => utf8(`entry ${i}`));
const [W1, W2] = WITNESSES as [NoteSecret, NoteSecret];

/** A witness in memory: what it must keep is kept as soon as it says so. */
class Held {
  readonly secret: NoteSecret;
  head: Head | null = null;
  constructor(secret: NoteSecret) {
    this.secret = secret;
  }
  ask(body: Uint8Array): WitnessAnswer {
    const answer = answerAddCheckpoint(body, {
      logKeys: (origin) => (origin === ORIGIN ? [LOG] : null),
      held: () => this.head,
      secret: this.secret,
      now: NOW,
    });
    if (answer.status === 200) this.head = answer.head;
    return answer;
  }
  /** Asked by a log that knows what the witness holds. */
  add(leaves: readonly Uint8Array[], old = this.head?.size ?? 0): WitnessAnswer {
    return this.ask(bodyOf(leaves, old));
  }
}

function bodyOf(leaves: readonly Uint8Array[], old: number, checkpoint = checkpointOf(leaves, { witnesses: [] })) {
  const note = parseCheckpoint(checkpoint)?.note;
  if (note === undefined) throw new Error('no checkpoint');
  const proof =
    old > leaves.length
      ? []
      : consistencyProof(
          leaves.map((leaf) => leafHash(leaf)),
          old,
        );
  return addCheckpointBody({ old, proof, note });
}

describe('a witness', () => {
  it('cosigns what continues what it cosigned, and the same again', ({ expect }) => {
    const witness = new Held(W1);
    for (const size of [3, 3, 4, 9]) {
      const leaves = LEAVES.slice(0, size);
      const answer = witness.add(leaves);
      expect(answer).toMatchObject({ status: 200, origin: ORIGIN, head: headOf(leaves) });
      const line = parseSignatureLine(answer.body.slice(0, -1));
      const note = parseCheckpoint(checkpointOf(leaves))?.note;
      if (line === null || note === undefined) throw new Error('a line is expected');
      expect(lastCosignedAt({ text: note.text, signatures: [line] }, W1)).toBe(NOW);
    }
  });

  it('refuses with the status of each fault, and keeps what it held', ({ expect }) => {
    const witness = new Held(W1);
    witness.add(LEAVES.slice(0, 5));
    const held = witness.head;
    const unknown = checkpointOf(LEAVES, { witnesses: [], origin: 'directory.example/another' });
    const forged = checkpointOf(LEAVES, { witnesses: [], log: noteSecret(ORIGIN, 'note', new Uint8Array(32)) });
    const forked = LEAVES.with(2, utf8('another'));
    for (const [body, status, answer] of [
      [utf8('hello'), 400, ''],
      [utf8(`old 5\n\nhello\n`), 400, ''],
      [bodyOf(LEAVES, 10), 400, ''],
      [bodyOf(LEAVES, 5, unknown), 404, ''],
      [bodyOf(LEAVES, 5, forged), 403, ''],
      [bodyOf(LEAVES, 0), 409, '5\n'],
      [bodyOf(LEAVES, 6), 409, '5\n'],
      // Rolled back, with what it held then.
      [bodyOf(LEAVES.slice(0, 3), 3), 409, '5\n'],
      [bodyOf(forked.slice(0, 5), 5), 409, ''],
      [bodyOf(forked, 5), 422, ''],
      [bodyOf(LEAVES.slice(0, 8), 5, checkpointOf(LEAVES, { witnesses: [] })), 422, ''],
    ] as const) {
      expect(witness.ask(body)).toEqual({ status, body: answer });
      expect(witness.head).toEqual(held);
    }
  });

  it('reads a body only as it is written', ({ expect }) => {
    const body = bodyOf(LEAVES, 5);
    expect(parseAddCheckpoint(body)?.proof).toHaveLength(5);
    const text = fromUtf8(body);
    for (const bent of [
      text.replace('old 5', 'old 05'),
      text.replace('old 5', 'old -5'),
      text.replace('old 5\n', 'old 5\nAAAA\n'),
      text.replace('old 5\n', `old 5\n${`${'A'.repeat(43)}=\n`.repeat(61)}`),
      text.replace('\n\n', '\n'),
    ]) {
      expect(parseAddCheckpoint(utf8(bent))?.old, bent.slice(0, 20)).not.toBe(5);
    }
    expect(parseAddCheckpoint(concatBytes(Uint8Array.of(0xff), body))).toBeNull();
  });
});

describe('an operator that shows two directories', () => {
  let root: Party;
  const forks: Uint8Array[][] = [];

  beforeAll(async () => {
    root = await makeRoot();
    const eu = await makeCluster(root, 'eu');
    const region = await makeRegion(eu, 'C=DE, OU=eu, CN=x');
    const leaf = async (name: string, more: object) =>
      entryLeaf(region, entryOf(region, [await makeTls(eu, `C=DE, OU=eu, CN=${name}`)], more));
    const first = await leaf('first', {});
    // The key of DE was stolen: the thief's entry for one party, DE's own for the other.
    for (const vendor of ['own', 'forged']) forks.push([first, await leaf(vendor, { sequence: 2, vendor })]);
  });

  const shown = (leaves: readonly Uint8Array[], witnesses: readonly NoteSecret[], all = WITNESSES, threshold = 2) =>
    readDirectory({
      read: reading(logOf(leaves, { witnesses })),
      policy: policyFor(root, { witnesses: all, threshold }),
      now: NOW,
      seen: null,
    });

  it('finds no witness for the second', ({ expect }) => {
    const [own = [], forged = []] = forks;
    const [w1, w2] = [new Held(W1), new Held(W2)];
    expect(w1.add(own.slice(0, 1)).status).toBe(200);
    expect(w2.add(own.slice(0, 1)).status).toBe(200);
    expect([w1.add(own).status, w2.add(own).status]).toEqual([200, 200]);
    expect([w1.add(forged).status, w2.add(forged).status]).toEqual([409, 409]);
    expect(shown(own, [W1, W2]).entries).toMatchObject([{ vendor: 'own' }]);
    expect(shown(forged, []).entries).toEqual([]);
  });

  it('gets one witness for each, and then neither party takes it', ({ expect }) => {
    const [own = [], forged = []] = forks;
    const [w1, w2] = [new Held(W1), new Held(W2)];
    expect([w1.add(own).status, w2.add(forged).status]).toEqual([200, 200]);
    for (const directory of [shown(own, [W1]), shown(forged, [W2])]) {
      expect(directory).toMatchObject({ entries: [], problems: [{ kind: 'too-few-witnesses', found: 1, wanted: 2 }] });
    }
  });

  it('needs a witness that lies: of three, two honest ones hold one directory; the two parties’ heads show it', ({
    expect,
  }) => {
    const [own = [], forged = []] = forks;
    const liar = noteSecret('witness.example/w3', 'cosignature', new Uint8Array(32).fill(23));
    const all = [...WITNESSES, liar];
    // The liar helps each honest witness's fork over the threshold; with three honest ones this can't be.
    const [a, b] = [shown(own, [W1, liar], all), shown(forged, [W2, liar], all)];
    expect([a.problems, b.problems]).toEqual([[], []]);
    const compared = readDirectory({
      read: reading(logOf(forged, { witnesses: [W2, liar] })),
      policy: policyFor(root, { witnesses: all }),
      now: NOW,
      seen: a.head,
    });
    expect(compared.problems).toEqual([{ kind: 'forked', seen: 2, size: 2 }]);
  });
});

describe('a policy', () => {
  it('is read, or says which field is wrong', async ({ expect }) => {
    const root = await makeRoot();
    const right = policyDocument(root);
    const parsed = parsePolicy(JSON.stringify(right));
    expect(parsed).toMatchObject({
      ok: true,
      value: { origin: ORIGIN, threshold: 2, witnesses: [{ name: W1.name }, { name: W2.name }] },
    });
    const twin = noteKeyText(noteSecret('witness.example/twin', 'cosignature', W1.seed));
    for (const [more, words] of [
      [{ threshold: 1 }, 'threshold'],
      [{ threshold: 3 }, 'threshold'],
      [{ witnesses: [noteKeyText(W1), twin] }, 'witnesses'],
      [{ witnesses: [noteKeyText(W1), noteKeyText(LOG)] }, 'witnesses'],
      [{ logKeys: [noteKeyText(W1)] }, 'logKeys'],
      [{ roots: ['AAAA'] }, 'roots'],
      [{ roots: [certificateText((await makeRoot('C=DE, CN=Root')).certificate)] }, 'C='],
      [{ maxAgeSeconds: 0 }, 'maxAgeSeconds'],
      [{ more: 1 }, 'policy'],
    ] as const) {
      expect(parsePolicy(JSON.stringify({ ...right, ...more }))).toMatchObject({
        ok: false,
        error: expect.stringContaining(words),
      });
    }
    expect(parsePolicy('{')).toEqual({ ok: false, error: 'policy: must be JSON' });
  });
});
