/**
 * @module From the leaves of the log to the regions of now: statements in their order, each judged by what stands before it. Pure: the same
 * leaves, roots and moment give the same entries.
 */
import type { Certificate } from '../certificates/certificate.ts';
import { toHex } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import {
  certificateMark,
  type DirectoryEntry,
  type EntryStatement,
  tlsMark,
  type VerificationKey,
  verificationKeyMark,
} from './entry.ts';
import type { DirectoryProblem } from './problem.ts';
import {
  authorText,
  type Author,
  certificateText,
  chainError,
  type OpenStatement,
  openStatement,
  type RevocationStatement,
  revokedMarks,
  type Statement,
} from './statement.ts';

/** A clock of a signer may be this far ahead of ours, and of its own last statement's. */
const MAX_AHEAD_SECONDS = 3_600;

/** Statements of one author. */
interface Sequence {
  /** Up to which none is missing. */
  last: number;
  /** When that one was issued, Unix seconds. */
  issuedAt: number;
  /** Those behind a gap, with who signed them. */
  readonly ahead: { readonly sequence: number; readonly statement: Statement }[];
}

/** What was taken back, and of whom: null is of all. */
interface Revocation {
  readonly regionId: string | null;
  readonly cluster: string | null;
  readonly marks: readonly string[];
}

interface Region {
  readonly cluster: string;
  readonly index: number;
  readonly statement: Statement;
  readonly body: EntryStatement;
  readonly tls: readonly Certificate[];
}

/** What the directory says, and what is wrong with it. */
export interface Folded {
  readonly entries: readonly DirectoryEntry[];
  readonly problems: readonly DirectoryProblem[];
  /** Regions that a statement was by or about, and that have no entry: withheld, removed, or revoked before they were listed. Whoever relies on them by another way must not, either. */
  readonly silenced: ReadonlySet<string>;
  /** Number of an author's next statement, by {@link authorText}; 1 for whom it doesn't name. */
  readonly next: ReadonlyMap<string, number>;
}

/**
 * @param leaves all of the log
 * @param roots that are trusted
 * @param now Unix seconds
 * @param open for these roots; one that remembers saves most of the work
 * @returns regions that may be relied on, in the order of their ids
 */
export function foldLeaves(
  leaves: readonly Uint8Array[],
  roots: readonly Certificate[],
  now: number,
  open: OpenStatement = (leaf) => openStatement(leaf, roots),
): Folded {
  const state = new State(roots, now, open);
  for (const [index, leaf] of leaves.entries()) state.take(leaf, index);
  return state.result();
}

class State {
  readonly #roots: readonly Certificate[];
  readonly #now: number;
  readonly #open: OpenStatement;
  readonly #problems: DirectoryProblem[] = [];
  readonly #regions = new Map<string, Region>();
  readonly #sequences = new Map<string, Sequence>();
  readonly #revocations: Revocation[] = [];
  readonly #named = new Set<string>();
  /** Region, and cluster or null → Unix seconds: nothing issued until then counts any more. */
  readonly #removedAt: { readonly regionId: string; readonly cluster: string | null; readonly at: number }[] = [];

  constructor(roots: readonly Certificate[], now: number, open: OpenStatement) {
    this.#roots = roots;
    this.#now = now;
    this.#open = open;
  }

  take(leaf: Uint8Array, index: number): void {
    const opened = this.#open(leaf);
    if (!opened.ok) return void this.#problems.push({ kind: 'statement', index, error: opened.error });
    const { value: statement } = opened;
    const refusal = this.#refusalOf(statement, index);
    if (refusal !== null) return void this.#problems.push(refusal);
    const { said, author } = statement;
    for (const id of [said.body.regionId, author.kind === 'region' ? author.regionId : null]) {
      if (id !== null) this.#named.add(id);
    }
    const inOrder = this.#count(statement);
    // What is taken back stays so, whatever is missing before it.
    if (said.kind === 'revocation') this.#revoke(said.body, inOrder);
    else if (inOrder) {
      const { cluster, regionId } = said.body;
      this.#regions.set(regionId, { cluster, index, statement, body: said.body, tls: said.tls });
    }
  }

  #refusalOf({ author, chain, said }: Statement, index: number): DirectoryProblem | null {
    const { issuedAt, sequence } = said.body;
    if (issuedAt > this.#now + MAX_AHEAD_SECONDS) return { kind: 'from-the-future', index, issuedAt };
    const name = authorText(author);
    if (this.#isRevoked(author, chain)) return { kind: 'revoked-signer', index, author: name };
    if (author.kind === 'region') {
      const { regionId, cluster } = author;
      const from = this.#regions.get(regionId)?.cluster ?? cluster;
      if (from !== cluster) return { kind: 'moved-cluster', index, regionId, from, to: cluster };
      if (issuedAt <= this.#removalOf(regionId, cluster)) return { kind: 'before-removal', index, regionId };
    }
    const { last = 0, issuedAt: lastAt = 0 } = this.#sequences.get(name) ?? {};
    if (sequence <= last) return { kind: 'sequence-repeated', index, author: name, sequence };
    // Paths are judged as of this moment: whoever finds the key of a certificate that is over could otherwise choose one at which it wasn't.
    return issuedAt < lastAt - MAX_AHEAD_SECONDS ? { kind: 'backdated', index, author: name, issuedAt } : null;
  }

  #count(statement: Statement): boolean {
    const author = authorText(statement.author);
    const { sequence, issuedAt } = statement.said.body;
    const held = this.#sequences.get(author) ?? { last: 0, issuedAt: 0, ahead: [] };
    const inOrder = sequence === held.last + 1;
    if (inOrder) {
      held.last = sequence;
      held.issuedAt = issuedAt;
    } else held.ahead.push({ sequence, statement });
    this.#sequences.set(author, held);
    return inOrder;
  }

  /** A thief of a key can leave a gap that nobody can fill: once the certificate is taken back, it is none any more. @returns the highest number behind one */
  #beyondGap({ last, ahead }: Sequence): number | null {
    const counting = ahead.filter(
      ({ sequence, statement: { author, chain } }) => sequence > last && !this.#isRevoked(author, chain),
    );
    return counting.length === 0 ? null : Math.max(...counting.map(({ sequence }) => sequence));
  }

  #revoke(body: RevocationStatement, inOrder: boolean): void {
    const { regionId, cluster, removed, issuedAt } = body;
    this.#revocations.push({ regionId, cluster, marks: revokedMarks(body) });
    if (!removed || regionId === null || !inOrder) return;
    this.#removedAt.push({ regionId, cluster, at: issuedAt });
    const held = this.#regions.get(regionId);
    if (held !== undefined && cluster !== null && held.cluster !== cluster) return;
    this.#regions.delete(regionId);
    this.#sequences.delete(authorText({ kind: 'region', regionId, cluster: '' }));
  }

  #removalOf(regionId: string, cluster: string): number {
    const removals = this.#removedAt.filter(
      (one) => one.regionId === regionId && (one.cluster === null || one.cluster === cluster),
    );
    return Math.max(-1, ...removals.map(({ at }) => at));
  }

  #marksOn(regionId: string | null, cluster: string): ReadonlySet<string> {
    const fitting = this.#revocations.filter(
      (one) =>
        (one.regionId === null || one.regionId === regionId) && (one.cluster === null || one.cluster === cluster),
    );
    return new Set(fitting.flatMap(({ marks }) => marks));
  }

  /** A root is taken back by the policy alone. */
  #isRevoked(author: Author, chain: readonly Certificate[]): boolean {
    if (author.kind === 'root') return false;
    const marks = this.#marksOn(author.kind === 'region' ? author.regionId : null, author.cluster);
    return chain.some(({ publicKey }) => marks.has(certificateMark(publicKey)));
  }

  result(): Folded {
    const gaps = new Set<string>();
    for (const [author, held] of this.#sequences) {
      const found = this.#beyondGap(held);
      if (found === null) continue;
      gaps.add(author);
      this.#problems.push({ kind: 'sequence-gap', author, after: held.last, found });
    }
    const entries = [...this.#regions.values()]
      .map((region) => this.#entryOf(region, gaps))
      .filter((entry) => entry !== null)
      .toSorted((a, b) => (a.regionId < b.regionId ? -1 : 1));
    const next = new Map([...this.#sequences].map(([author, { last }]) => [author, last + 1]));
    const silenced = new Set(this.#named);
    for (const { regionId } of entries) silenced.delete(regionId);
    return { entries, problems: this.#problems, silenced, next };
  }

  #entryOf({ statement, body, tls, index }: Region, gaps: ReadonlySet<string>): DirectoryEntry | null {
    const { author, chain } = statement;
    const { regionId, cluster, validUntil } = body;
    // One of the missing may take back what stands here.
    const above = [authorText(author), authorText({ kind: 'cluster', cluster }), authorText({ kind: 'root' })];
    if (above.some((name) => gaps.has(name))) return null;
    if (validUntil <= this.#now) {
      this.#problems.push({ kind: 'entry-expired', regionId, validUntil });
      return null;
    }
    const error = this.#isRevoked(author, chain) ? 'revoked' : chainError(chain, this.#roots, this.#now);
    if (error !== null) {
      this.#problems.push({ kind: 'signer-refused', regionId, error });
      return null;
    }
    const marks = this.#marksOn(regionId, cluster);
    const { tlsCertificates: _shown, chain: _chain, issuedAt: _at, verificationKeys, testing, ...told } = body;
    const isHeld = (key: VerificationKey): boolean => !marks.has(verificationKeyMark(key));
    return {
      ...told,
      tlsFingerprints: this.#fingerprintsOf(regionId, tls, marks),
      verificationKeys: verificationKeys.filter(isHeld),
      testingKeys: (testing?.keys ?? []).filter(isHeld),
      clientRoots: chain.slice(1).map((one) => certificateText(one)),
      revoked: [...marks].toSorted(),
      index,
    };
  }

  #fingerprintsOf(regionId: string, tls: readonly Certificate[], marks: ReadonlySet<string>): string[] {
    return tls.flatMap((certificate) => {
      const fingerprint = toHex(sha256(new Uint8Array(certificate.x509.raw)));
      if (marks.has(tlsMark(fingerprint)) || marks.has(certificateMark(certificate.publicKey))) return [];
      if (certificate.notAfter > this.#now) return [fingerprint];
      this.#problems.push({ kind: 'tls-expired', regionId, fingerprint });
      return [];
    });
  }
}
