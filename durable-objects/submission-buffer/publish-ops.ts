/**
 * @module How an upload of Google's dialect enters the buffer (docs/spec/google.md §2.4, §2.5, docs/decisions/064): new keys as those of the other dialect do (accept-ops.ts); of keys that are
 * known the certificate says something else, or the same, if a revision token names them. All of it or nothing: one key that may not refuses all.
 *
 * A token names what its certificates stored, and nothing else. So who certifies published keys of others gets none that names them, and a resend is told by its upload id alone, never by keys
 * that are known.
 *
 * Durable order: everything, the answer among it, is one transaction, on disk before the reply (group-commit.ts). A crash before it leaves nothing; after it the same upload id is answered
 * the same. A refusal writes a tombstone and nothing else: the certificate is given back, and comes with another id.
 */
import type { AcceptedKey } from '../../domain/keys/uploaded.ts';
import { transition } from '../../domain/keys/report-transitions.ts';
import type { AcceptedUpload } from '../../domain/rpc.ts';
import type { PublishPart, PublishRefusal } from '../../domain/rpc-publish.ts';
import type { CountedUpload } from '../../domain/publish-stats.ts';
import { INTERVALS_PER_DAY, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { RevisableKey } from '../../protocol/publish/revision-token.ts';
import {
  canBePublished,
  earliestHour,
  noteUpload,
  siftKeys,
  storeKeys,
  storeUpload,
  uploadState,
} from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import type { Acceptance } from './contract.ts';
import { endRows } from './end-rows.ts';
import { isEnded } from './ended-issues.ts';
import type { Ciphers } from './hour-keys.ts';
import { answerHour, putAnswer, readAnswer } from './publish-answers.ts';
import type { ReceivedUploads } from './received-ops.ts';
import { takeOver, type WaitingKey } from './remote-rows.ts';
import { queueRevisions } from './revision-queue.ts';
import { countPublication } from './stats-ops.ts';
import { reviseRow, whereabouts, type OpenedRow, type Whereabouts } from './revise-rows.ts';
import type { FreshKey } from './waiting-rows.ts';
import { queueKeys } from './withdrawal-queue.ts';

/** What acts on the storage within one transaction. */
export interface BufferStore {
  readonly sql: SqlStorage;
  readonly config: BufferConfig;
  /** Ready for now, and for the hour of the answer ({@link answerHour}). */
  readonly ciphers: Ciphers;
  readonly received: ReceivedUploads;
}

/** What is to be done, once nothing speaks against it. */
interface Plan {
  readonly fresh: readonly FreshKey[];
  /** Peers' keys, which become ours. */
  readonly taken: readonly WaitingKey[];
  readonly revise: readonly { readonly key: AcceptedKey; readonly place: Whereabouts['place'] }[];
  /** What the token said before. */
  readonly named: readonly RevisableKey[];
}

/**
 * Runs inside a transaction.
 *
 * @param now Unix seconds
 * @param uploadId derived by `upload`
 * @param upload 1..30 valid keys
 * @param part what its certificate says, and the token it came with
 * @returns stored, with the answer, or null where that isn't remembered any more; tombstone; or why not. After the latter two the id is dead
 */
export function acceptPublication(
  store: BufferStore,
  now: number,
  uploadId: string,
  upload: AcceptedUpload,
  part: PublishPart,
): Acceptance {
  const { sql, config, ciphers, received } = store;
  const state = uploadState(sql, uploadId);
  if (state === 'stored') return { kind: state, publish: readAnswer(sql, ciphers, now, uploadId) };
  if (state === 'tombstone') return { kind: state };
  noteUpload(sql, received.tally, now);
  const plan = planOf(store, now, upload.keys, part);
  if (typeof plan === 'string') {
    storeUpload(sql, now, uploadId, 'tombstone');
    return { kind: 'publish-refused', code: plan };
  }
  const isNegative = part.reportType === 'negative';
  // Of a source that was rolled back nothing is stored any more, and nobody learns of it by the answer.
  const isDone = !isEnded(sql, config, upload.issueId);
  const stored = isNegative ? [] : [...plan.fresh, ...plan.taken.map(({ key }) => key)];
  if (isDone) {
    if (!isNegative) storeFresh(store, now, upload, plan);
    reviseKeys(store, now, plan.revise, isNegative);
    countPublication(
      sql,
      ciphers,
      now,
      part.authorityId,
      countedOf(now, upload, part, stored.length, plan.revise.length),
    );
  }
  const token = tokenOf(store, now, upload, part, plan, isDone ? stored : []);
  const answer = { inserted: stored.length, revised: plan.revise.length, token };
  storeUpload(sql, now, uploadId, 'stored');
  // As with rows: an hour whose set is fixed, by a clock that was ahead, may have no key any more.
  putAnswer(sql, ciphers, uploadId, Math.max(answerHour(now, part), earliestHour(sql, now)), answer);
  return { kind: 'stored', publish: answer };
}

function countedOf(
  now: number,
  { keys }: AcceptedUpload,
  { onsetDays }: PublishPart,
  inserted: number,
  revised: number,
): CountedUpload {
  const oldest = Math.min(...keys.map((key) => key.rollingStartIntervalNumber));
  const oldestTekDays = Math.floor(now / SECONDS_PER_DAY) - Math.floor(oldest / INTERVALS_PER_DAY);
  return { inserted, revised, oldestTekDays, onsetDays };
}

/** Reads alone. */
function planOf(
  { sql, config, ciphers }: BufferStore,
  now: number,
  keys: readonly AcceptedKey[],
  { authorityId, reportType, token }: PublishPart,
): Plan | PublishRefusal {
  const opened = token === null ? null : config.revisionTokens.open(authorityId, now, token);
  const named = new Map((opened ?? []).map((key) => [toHex(key.keyData), key]));
  const sifted = siftKeys(sql, config, ciphers, now, keys);
  const fresh = new Set(sifted.fresh.map(({ key }) => toHex(key.keyData)));
  // Of two of the same key the first, as of new ones.
  const known = new Map(keys.toReversed().map((key) => [toHex(key.keyData), key]));
  for (const [name, key] of known) if (fresh.has(name) || !canBePublished(config, now, key)) known.delete(name);
  const where =
    known.size === 0 ? new Map<string, Whereabouts>() : whereabouts(sql, config, ciphers, [...known.values()]);
  const taken: WaitingKey[] = [];
  const own: { readonly key: AcceptedKey; readonly at: Whereabouts; readonly entry: RevisableKey }[] = [];
  for (const [name, key] of known) {
    const at = where.get(name)!;
    const peers = at.origin === null || at.origin === config.homeCountry ? undefined : waitingOf(sifted.waiting, name);
    if (peers !== undefined) {
      taken.push(peers);
      continue;
    }
    const entry = named.get(name);
    if (opened === null) return 'missing_revision_token';
    if (entry === undefined || !isAsItCame(key, entry)) return 'invalid_revision_token';
    own.push({ key, at, entry });
  }
  // Whose they are comes first: who may not say anything of a key hears nothing of what was said.
  const revise: Plan['revise'][number][] = [];
  for (const { key, at, entry } of own) {
    const said = { first: entry.reportType, revisedTo: entry.revisedTo, published: at.revised };
    const next = transition(said, reportType);
    if (next === 'revise') revise.push({ key, place: at.place });
    else if (next !== 'same') return next;
  }
  return { fresh: sifted.fresh, taken, revise, named: [...named.values()] };
}

const isAsItCame = (key: AcceptedKey, entry: RevisableKey): boolean =>
  entry.rollingStartIntervalNumber === key.rollingStartIntervalNumber && entry.rollingPeriod === key.rollingPeriod;

const waitingOf = (waiting: readonly WaitingKey[], name: string): WaitingKey | undefined =>
  waiting.find(({ key }) => toHex(key.key.keyData) === name);

function storeFresh(
  { sql, config, ciphers, received }: BufferStore,
  now: number,
  upload: AcceptedUpload,
  plan: Plan,
): void {
  const taken = plan.taken.length === 0 ? [] : takeOver(sql, config, ciphers, received.tally, plan.taken);
  const keys = [...plan.fresh, ...taken];
  if (keys.length === 0) return;
  storeKeys(sql, config, ciphers, received.tally, keys, { earliest: earliestHour(sql, now), upload, synthetic: false });
  received.add(
    keys.map(({ key }) => key),
    now,
  );
}

function reviseKeys(
  { sql, config, ciphers, received }: BufferStore,
  now: number,
  revisions: Plan['revise'],
  isNegative: boolean,
): void {
  if (revisions.length === 0) return;
  const closed = revisions.filter(({ place }) => place === 'closed').map(({ key }) => key);
  if (isNegative) {
    queueKeys(
      sql,
      ciphers,
      now,
      closed.map(({ keyData }) => keyData),
    );
  } else {
    queueRevisions(
      sql,
      ciphers,
      now,
      closed.map((key) => ({ keyData: key.keyData, fields: key })),
    );
  }
  const open = revisions.flatMap(({ key, place }) => (typeof place === 'string' ? [] : [{ key, place }]));
  if (isNegative)
    endAll(
      sql,
      config,
      received,
      now,
      open.map(({ place }) => place),
    );
  else for (const { key, place } of open) reviseRow(sql, ciphers, place, key);
}

function endAll(
  sql: SqlStorage,
  config: BufferConfig,
  received: ReceivedUploads,
  now: number,
  places: readonly OpenedRow[],
): void {
  if (places.length === 0) return;
  // Counts are changed: what the transaction has added so far must be there.
  received.tally.end();
  for (const [hour, own] of Map.groupBy(places, (place) => place.hour)) {
    endRows(sql, config, now, { hour, rows: own.map(({ row }) => row), labels: own[0]!.labels, cause: 'withdrawal' });
  }
}

/** What the old token names stays named, and what this upload has stored is added: nothing else, whatever else it brought. */
function tokenOf(
  { config }: BufferStore,
  now: number,
  { keys }: AcceptedUpload,
  { authorityId, reportType }: PublishPart,
  plan: Plan,
  stored: readonly FreshKey[],
): Uint8Array {
  const revised = new Set(plan.revise.map(({ key }) => toHex(key.keyData)));
  const names = new Map(
    plan.named.map((key) => {
      const name = toHex(key.keyData);
      return [name, revised.has(name) ? { ...key, revisedTo: reportType } : key];
    }),
  );
  const own = new Set(stored.map(({ key }) => toHex(key.keyData)));
  for (const { keyData, rollingStartIntervalNumber, rollingPeriod } of keys) {
    const name = toHex(keyData);
    // Two of the same key: the first is the one that was stored.
    if (!own.delete(name)) continue;
    names.set(name, { keyData, rollingStartIntervalNumber, rollingPeriod, reportType, revisedTo: null });
  }
  return config.revisionTokens.seal(authorityId, now, [...names.values()]);
}
