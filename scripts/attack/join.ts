/**
 * @module `npm run attack -- join`: can anybody who gets at what is stored say which keys belong to which test? Tried with
 * the secrets of each Worker in turn and with all of them (docs/privacy.md says what each may find).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tanHash } from '../../domain/tan-hash.ts';
import { startLocalEdge } from '../../local-edge/local-edge.ts';
import { readEnvironments } from '../../local-edge/workers.ts';
import { SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { fromBase64 } from '../../protocol/primitives/bytes.ts';
import { temporaryFolder } from '../support/command-line/interrupt.ts';
import type { Attack, Verdict } from './attack.ts';
import { gather, type Evidence } from './join/evidence.ts';
import { type Census, liveThroughAnHour, START, type Test } from './join/town.ts';
import { keysByTransaction, tracesOf } from './join/log-order.ts';
import { candidates, formerDigests, type Loot, reachedUploads } from './join/ways.ts';
import { withPuppet } from './puppet.ts';

/** Fewest published keys that a test's may be (docs/privacy.md). */
const FEWEST = 50;
const FULL: Census = { single: 60, full: 20 };

type Secrets = Readonly<Record<string, string>>;

/** @returns the secrets of a state directory that a Worker is given */
function secretsOf(state: string, worker: string): Secrets {
  const all = JSON.parse(readFileSync(join(state, 'secrets.json'), 'utf8')) as Record<string, string>;
  const names = readEnvironments().find(({ environment }) => environment === worker)?.secrets ?? [];
  return Object.fromEntries(names.map((name) => [name, all[name] ?? '']));
}

/** Fewest candidates of any test among these, over what the attacker found. */
function fewest(evidence: Evidence, loot: Loot, tests: readonly Test[], hashKey: Uint8Array): number {
  const found = candidates(evidence, loot);
  return Math.min(...tests.map(({ tan }) => found.get(tanHash(hashKey, tan))?.length ?? evidence.published.length));
}

/** @returns how many uploads a transaction of SQLite's log shows whole and alone */
function uploadsGroupedByLog(
  evidence: Evidence,
  tests: readonly Test[],
  rowKeys: readonly Uint8Array[] = evidence.rowKeys,
): number {
  const traces = tracesOf(evidence.published, rowKeys);
  const groups = evidence.log.flatMap((log) => keysByTransaction(log, traces));
  const shown = new Set(groups.map((keys) => keys.toSorted().join()));
  return tests.filter(({ keys }) => shown.has(keys.toSorted().join())).length;
}

/** The ledger as it was before decision 023: a committed row kept its digest, a reserved one the id that `origin` kept too. */
function formerLedger(
  evidence: Evidence,
  tests: readonly Test[],
  hashKey: Uint8Array,
  digestKey: Uint8Array,
): Evidence {
  const [uploadId = ''] = evidence.uploadIds;
  const ledger = evidence.ledger.map((row) => {
    const test = tests.find(({ tan, kind }) => kind === 'single' && tanHash(hashKey, tan) === row.hash);
    if (test === undefined) return row;
    const [digest = ''] = formerDigests(test.keys[0] ?? '', digestKey);
    return { ...row, bytes: Buffer.concat([row.bytes, Buffer.from(digest), Buffer.from(asUuid(uploadId))]) };
  });
  return { ...evidence, ledger, uploadIds: new Set([...evidence.uploadIds, asUuid(uploadId)]) };
}

const asUuid = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/**
 * @param census how many upload
 * @param seed same seed, same keys
 * @returns the verdicts
 */
export async function attackJoin(census: Census, seed: number, progress: (text: string) => void): Promise<Verdict[]> {
  const { path: state, remove } = temporaryFolder('join-state');
  try {
    const lines: string[] = [];
    const vars = { upload: { ANSWER_DEADLINE_MS: '0' }, verification: { ANSWER_DEADLINE_MS: '0' } };
    const edge = await startLocalEdge({
      state,
      vars,
      adapt: withPuppet('upload'),
      onLog: (line) => void lines.push(line),
    });
    progress(`${census.single + census.full} people upload`);
    const { tests, formerRowKeys } = await liveThroughAnHour(edge, secretsOf(state, 'upload'), census, seed);
    const evidence = await gather(edge, START + SECONDS_PER_HOUR, lines);
    progress(`${evidence.published.length} keys are published; the stores are searched`);
    return judge(evidence, tests, state, formerRowKeys);
  } finally {
    remove();
  }
}

function judge(
  evidence: Evidence,
  tests: readonly Test[],
  state: string,
  formerRowKeys: readonly Uint8Array[],
): Verdict[] {
  const workers = readEnvironments().map(({ environment }) => environment);
  const every: Secrets = Object.assign({}, ...workers.map((worker) => secretsOf(state, worker)));
  const hashKey = fromBase64(every['TAN_HASH_KEY'] ?? '');
  const digestKey = fromBase64(every['DIGEST_KEY'] ?? '');
  const tans = tests.map(({ tan }) => tan);
  const lost = tests.filter(({ kind }) => kind === 'commit-lost');
  const committed = tests.filter(({ kind }) => kind !== 'commit-lost');
  const single = tests.filter(({ kind }) => kind === 'single');
  const count = (what: string, figure: number, bound: string, good: boolean): Verdict => ({
    what,
    figure: String(figure),
    bound,
    holds: good,
  });
  const verdicts = workers.map((worker) => {
    const figure = fewest(
      evidence,
      { secrets: secretsOf(state, worker), tans, log: true, undoKey: false },
      tests,
      hashKey,
    );
    return count(
      `by digest or id, secrets of ${worker}, stores, logs and SQLite's log: fewest candidate keys of a test`,
      figure,
      `≥ ${FEWEST}`,
      figure >= FEWEST,
    );
  });
  const all = (log: boolean): Loot => ({ secrets: every, tans, log, undoKey: false });
  const none: Loot = { secrets: {}, tans: [], log: true, undoKey: false };
  const withAll = fewest(evidence, all(false), committed, hashKey);
  const withLog = fewest(evidence, all(true), single, hashKey);
  const withLost = fewest(evidence, all(false), lost, hashKey);
  const withUndoKey = fewest(evidence, { ...none, undoKey: true }, tests, hashKey);
  verdicts.push(
    count('every secret and TAN, stores alone, commits that arrived', withAll, `≥ ${FEWEST}`, withAll >= FEWEST),
    count(
      'every secret and TAN, stores alone, single key, lost commit',
      withLost,
      '1, as docs/privacy.md states',
      withLost === 1,
    ),
    count("every secret and TAN, SQLite's log, single key", withLog, '1, as docs/privacy.md states', withLog === 1),
    count(
      'both shares of the undo key, all stores: fewest candidate keys of a test, cards of which one was used among them',
      withUndoKey,
      `≥ ${FEWEST}`,
      withUndoKey >= FEWEST,
    ),
  );
  const grouped = uploadsGroupedByLog(evidence, tests);
  verdicts.push(
    count(
      "all stores, SQLite's log, the hour forgotten: uploads whose keys one transaction groups",
      grouped,
      '0',
      grouped === 0,
    ),
  );
  const groupedBefore = uploadsGroupedByLog(evidence, tests, formerRowKeys);
  verdicts.push(
    count(
      'fault put there: keys of rows that outlive their hour; uploads whose keys one transaction groups',
      groupedBefore,
      'found: nearly all',
      groupedBefore > tests.length / 2,
    ),
  );
  const reached = reachedUploads(evidence, { ...none, secrets: { ...every, UPLOAD_ID_KEY: undefined as never } });
  verdicts.push(count("uploads of origin reached from the ledger without upload's key", reached, '0', reached === 0));
  const former = formerLedger(evidence, tests, hashKey, digestKey);
  const fault = fewest(
    former,
    { secrets: secretsOf(state, 'upload'), tans: [], log: false, undoKey: false },
    single,
    hashKey,
  );
  const faultyIds = reachedUploads(former, none);
  verdicts.push(
    count(
      'fault put there: a committed row keeps its digest; fewest candidates, secrets of upload',
      fault,
      'found: 1',
      fault === 1,
    ),
    count(
      'fault put there: one upload id on both sides; uploads reached without a secret',
      faultyIds,
      'found: ≥ 1',
      faultyIds >= 1,
    ),
  );
  return verdicts;
}

export const attack: Attack = {
  name: 'join',
  summary: 'which keys belong to which test, from stores, logs and secrets',
  run: ({ seed, progress }) => attackJoin(FULL, seed, progress),
};
