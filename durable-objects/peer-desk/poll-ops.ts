/**
 * @module One poll of a peer that is read batch by batch (docs/architecture.md §9): directory → what follows → verified → every key judged → breaker → quarantine or import → cursor.
 *
 * Durable order, a batch: `origin` imports it, under the peer's name and the batch's; then one transaction here of the cursor and what is remembered of the batch. A crash before the import leaves nothing; one between the
 * import and the cursor asks `origin` again, which knows it. A batch that is set aside is that transaction alone. Nothing else of a poll is written but when the next one is due and how many have failed: a crash before
 * that polls again at once.
 */
import { DEFAULT_LIMITS, tripOf } from '../../domain/federation/breaker.ts';
import { judgePacked, type PackedKeys, sizeOf } from '../../domain/federation/packed-batch.ts';
import { nextPoll } from '../../domain/federation/pace.ts';
import type { PeerState } from '../../domain/federation/peer.ts';
import { READERS } from '../../domain/federation/readers/formats.ts';
import type { PeerKey, ReadBatch, ReadFormat, ReadPorts } from '../../domain/federation/readers/reader.ts';
import { SORT_BYTES } from '../../domain/publication/packed-keys.ts';
import { verificationKeyMark } from '../../protocol/directory/entry.ts';
import { hourOf, hourStart, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { fromBase64 } from '../../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import type { DeskBatch, DeskPorts, ReleaseReply } from './contract.ts';
import type { DeskStore } from './desk-store.ts';

/** Batches of one poll; the rest is left to the next, a second later. A peer that was away for a day has 24. */
const BATCHES_A_POLL = 12;
/** With so many set aside, nothing more is read until a person has looked. */
export const MOST_QUARANTINED = 10;
const FULL = 'quarantine-full';

/** What came of a poll. */
export interface Polled {
  /** Whether anybody was asked: who is stopped, or waits for a person, has given no answer that held. */
  readonly asked: boolean;
  /** Why it ended early; null when it read all that there was. */
  readonly fault: string | null;
  /** There is more: the next poll needn't wait. */
  readonly more: boolean;
  readonly recommendedNextPollTime: number | null;
}

/** Reads what is new. The caller writes down when the next poll is due ({@link settle}). */
export async function pollFeed(store: DeskStore, ports: DeskPorts): Promise<Polled> {
  const ended = (fault: string | null, more = false): Polled => ({
    asked: true,
    fault,
    more,
    recommendedNextPollTime: null,
  });
  if (isFull(store)) return { ...ended(null), asked: false };
  const reading = await readPorts(store, ports);
  if (!reading.ok) return ended(reading.error);
  const reader = READERS[ports.config.Format as ReadFormat];
  for (let n = 0; n < BATCHES_A_POLL; n++) {
    // Asked before each batch: who stops a peer, or has seen enough, isn't to wait for eleven more.
    if (isFull(store) || store.state.stopped.in) return ended(null);
    if (n > 0 && ports.isLong()) break;
    const last = store.state.lastBatchID;
    const found = await reader.following(last, reading.value);
    if (!found.ok) return ended(`${found.error.kind}: ${found.error.what}`);
    const { batch, recommendedNextPollTime, hasGap = false } = found.value;
    if (batch === null) return { ...ended(null), recommendedNextPollTime };
    if (store.state.stopped.in) return ended(null);
    await take(store, ports, batch, { last, hasGap });
  }
  return ended(null, true);
}

/** @returns whether so much is set aside that a person must look first; once they have, or once it was forgotten with its keys, reading goes on by itself */
function isFull(store: DeskStore): boolean {
  const full = store.quarantined() >= MOST_QUARANTINED;
  const said = store.state.breaker === FULL;
  if (full !== said) store.putState({ breaker: full ? FULL : null });
  return full;
}

/** Writes down what a poll came to. @returns Unix seconds of the next one */
export function settle(store: DeskStore, ports: DeskPorts, polled: Polled): number {
  const failures = polled.fault === null ? 0 : store.state.failures + 1;
  const { recommendedNextPollTime } = polled;
  const due = polled.more ? ports.now + 1 : nextPoll(ports.now, { failures, recommendedNextPollTime }, ports.random);
  store.transaction(() => {
    store.putState({ failures, recommendedNextPollTime });
    store.put('next_poll', due);
    store.put('fault', polled.fault);
    if (polled.fault !== null) store.count('polls_failed');
    else if (polled.asked) store.put('last_success', hourOf(ports.now));
    store.forget(hourOf(ports.now));
    // What nobody looked at has gone with its keys: nothing is left that anybody could close it by.
    if (store.state.breaker !== null && store.quarantined() === 0) store.putState({ breaker: null });
  });
  return due;
}

/** @returns what is remembered of a poll that something of ours ended */
export const faultOf = (error: unknown): string => `here: ${error instanceof Error ? error.message : 'failed'}`;

/** Forgets where the feed was, so that the next poll, which is due at once, reads from its beginning: one transaction. */
export function beginAgain(store: DeskStore, region: string): void {
  store.transaction(() => {
    store.putState({ lastBatchID: null, failures: 0 });
    store.put('region', region);
    store.put('next_poll', 0);
  });
}

/** Imports a batch that was set aside, as it is served now: by a person's word, whatever the breakers say. */
export async function release(store: DeskStore, ports: DeskPorts, id: string): Promise<ReleaseReply> {
  const held = store.batch(id);
  if (held?.state !== 'quarantined') return { kind: 'none' };
  const reading = await readPorts(store, ports);
  if (!reading.ok) return { kind: 'fault', what: reading.error };
  const read = await READERS[ports.config.Format as ReadFormat].batch(id, reading.value);
  if (!read.ok) return { kind: 'fault', what: `${read.error.kind}: ${read.error.what}` };
  if (read.value.sha256 !== held.sha256) return { kind: 'changed' };
  // Nor would `origin` take it.
  if (read.value.tooMany !== undefined)
    return { kind: 'fault', what: `${read.value.tooMany} keys are more than are read` };
  // Somebody else may have thrown it away while the peer was asked.
  if (store.batch(id)?.state !== 'quarantined') return { kind: 'none' };
  const judged = judgedOf(ports, read.value);
  const done = await importJudged(store, ports, read.value, judged);
  if (done.state !== 'imported') return { kind: 'fault', what: done.reason ?? '' };
  store.transaction(() => {
    // Why it was set aside stays: what two persons let in doesn't count among what the peer may bring today.
    store.putBatch({ ...done, reason: held.reason });
    store.putState({ breaker: null });
  });
  return { kind: 'released', imported: done.imported };
}

/** @returns what a reader needs, or why the peer can't be read now */
async function readPorts(store: DeskStore, ports: DeskPorts): Promise<Result<ReadPorts, string>> {
  const { config, homeCountry, now, fetch } = ports;
  const keys = await keysOf(ports);
  if (!keys.ok) return keys;
  const [last] = store.batches(1);
  const lastRead = last === undefined ? null : hourStart(last.hour);
  return ok({ config, homeCountry, lastRead, keys: keys.value, fetch, now: () => now, subtle: crypto.subtle });
}

/** Asked at each poll: a key that was revoked verifies nothing from then on, whoever configured it. */
async function keysOf({ config, look }: DeskPorts): Promise<Result<readonly PeerKey[], string>> {
  const found = await look();
  const own = config.VerificationKeys;
  // Where nobody knows what was revoked, an operator's own keys are none either.
  if (found.kind === 'refused') return err('directory: it can’t be relied on');
  if (found.kind === 'silenced') return err('directory: the peer was removed, or is withheld');
  if (found.kind === 'unlisted' && own === null) return err('directory: the peer isn’t in it');
  const entry = found.kind === 'entry' ? found.entry : null;
  const revoked = new Set(entry?.revoked);
  const keys = (own ?? entry?.verificationKeys ?? [])
    .filter((key) => !revoked.has(verificationKeyMark(key)))
    .map(({ keyId, keyVersion, spki }) => ({ keyId, keyVersion, spki: fromBase64(spki) }));
  return ok(keys);
}

const judgedOf = ({ config, now }: DeskPorts, { keys, count }: ReadBatch): PackedKeys =>
  judgePacked(keys, count, { origin: config.RegionID, now });

/** @param at.last the cursor as it was asked by: one that was set back meanwhile stays so */
async function take(
  store: DeskStore,
  ports: DeskPorts,
  batch: ReadBatch,
  { last, hasGap }: { readonly last: string | null; readonly hasGap: boolean },
): Promise<void> {
  const move = (change: Partial<PeerState> = {}): void =>
    store.putState({ ...(store.state.lastBatchID === last ? { lastBatchID: batch.id } : {}), ...change });
  const had = store.batch(batch.id);
  if (had !== null) {
    // Read before, and the feed is read from its beginning (PeerDesk.reread): what is written of it stays, be it imported, thrown away or taken back.
    store.transaction(() => {
      move();
      if (had.sha256 !== batch.sha256) store.count('alert_batch_changed');
    });
    return;
  }
  const judged = judgedOf(ports, batch);
  const size = batch.tooMany ?? sizeOf(judged);
  const trip = tripOf(DEFAULT_LIMITS, store.history(), Math.floor(ports.now / SECONDS_PER_DAY), size);
  const read =
    trip === null
      ? await importJudged(store, ports, batch, judged)
      : setAside(ports, batch, judged, `${trip.rule}: ${trip.keys}, ${trip.limit} are allowed`);
  store.transaction(() => {
    store.putBatch(read);
    move(trip === null ? {} : { breaker: trip.rule });
    if (read.state === 'quarantined') store.count('alert_batch_quarantined');
    if (hasGap) store.count('alert_feed_gap');
    if (store.get('since') === null) store.put('since', Math.floor(ports.now / SECONDS_PER_DAY));
  });
}

/** @returns what is to be remembered. @throws Error of `origin`, or that it takes no more in this hour: the batch is asked for again */
async function importJudged(
  store: DeskStore,
  ports: DeskPorts,
  batch: ReadBatch,
  judged: PackedKeys,
): Promise<DeskBatch> {
  const { keys, revoked } = judged;
  const reply = await ports.importBatch({
    peer: ports.config.RegionID,
    batch: batch.id,
    sha256: batch.sha256,
    keys,
    revoked,
  });
  if (reply.kind === 'full') throw new Error('origin has had enough of this peer for this hour');
  if (reply.kind === 'refused') store.count('alert_import_refused');
  if (!('counts' in reply)) return setAside(ports, batch, judged, reply.kind);
  const { imported, revoked: ended, strange } = reply.counts;
  store.count('keys_imported', imported);
  store.count('revocations_strange', strange);
  return { ...setAside(ports, batch, judged, ''), state: 'imported', reason: null, imported, revoked: ended };
}

function setAside(ports: DeskPorts, batch: ReadBatch, judged: PackedKeys, reason: string): DeskBatch {
  return {
    batch: batch.id,
    hour: hourOf(ports.now),
    sha256: batch.sha256,
    state: 'quarantined',
    reason,
    keys: batch.tooMany ?? judged.keys.length / SORT_BYTES,
    imported: 0,
    revoked: 0,
    dropped: judged.dropped,
  };
}
