/**
 * @module One poll of a peer that is read batch by batch (docs/architecture.md §9): directory → what follows → verified → every key judged → breaker → quarantine or import → cursor.
 *
 * Durable order, a batch: `origin` imports it, under the peer's name and the batch's; then one transaction here of the cursor and what is remembered of the batch. A crash before the import leaves nothing; one between the
 * import and the cursor asks `origin` again, which knows it. A batch that is set aside is that transaction alone. Nothing else of a poll is written but when the next one is due and how many have failed: a crash before
 * that polls again at once.
 */
import { DEFAULT_LIMITS, tripOf } from '../../domain/federation/breaker.ts';
import { judgeInbound, type JudgedKeys } from '../../domain/federation/inbound.ts';
import { packBatch } from '../../domain/federation/packed-batch.ts';
import { nextPoll } from '../../domain/federation/pace.ts';
import { READERS } from '../../domain/federation/readers/formats.ts';
import type { PeerKey, ReadBatch, ReadFormat, ReadPorts } from '../../domain/federation/readers/reader.ts';
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

/** What came of a poll. */
export interface Polled {
  /** Why it ended early; null when it read all that there was. */
  readonly fault: string | null;
  /** There is more: the next poll needn't wait. */
  readonly more: boolean;
  readonly recommendedNextPollTime: number | null;
}

/** Reads what is new. The caller writes down when the next poll is due ({@link settle}). */
export async function pollFeed(store: DeskStore, ports: DeskPorts): Promise<Polled> {
  const reading = await readPorts(store, ports);
  if (!reading.ok) return { fault: reading.error, more: false, recommendedNextPollTime: null };
  const reader = READERS[ports.config.Format as ReadFormat];
  for (let n = 0; n < BATCHES_A_POLL; n++) {
    if (store.quarantined() >= MOST_QUARANTINED) {
      store.putState({ breaker: 'quarantine-full' });
      return { fault: null, more: false, recommendedNextPollTime: null };
    }
    const found = await reader.following(store.state.lastBatchID, reading.value);
    if (!found.ok) {
      const { kind, what } = found.error;
      return { fault: `${kind}: ${what}`, more: false, recommendedNextPollTime: null };
    }
    const { batch, recommendedNextPollTime, hasGap = false } = found.value;
    if (batch === null) return { fault: null, more: false, recommendedNextPollTime };
    await take(store, ports, batch, hasGap);
  }
  return { fault: null, more: true, recommendedNextPollTime: null };
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
    if (polled.fault === null) store.put('last_success', hourOf(ports.now));
    else store.count('polls_failed');
    store.forget(hourOf(ports.now));
  });
  return due;
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
  const judged = judgeInbound(read.value.keys, ports.config.RegionID, ports.now);
  const done = await importJudged(store, ports, read.value, judged);
  if (done.state !== 'imported') return { kind: 'fault', what: done.reason ?? '' };
  store.transaction(() => {
    store.putBatch(done);
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

async function take(store: DeskStore, ports: DeskPorts, batch: ReadBatch, hasGap: boolean): Promise<void> {
  const { RegionID } = ports.config;
  const judged = judgeInbound(batch.keys, RegionID, ports.now);
  const size = judged.keys.length + judged.revoked.length;
  const trip = tripOf(DEFAULT_LIMITS, store.history(), Math.floor(ports.now / SECONDS_PER_DAY), size);
  const read =
    trip === null
      ? await importJudged(store, ports, batch, judged)
      : setAside(ports, batch, judged, `${trip.rule}: ${trip.keys}, ${trip.limit} are allowed`);
  store.transaction(() => {
    store.putBatch(read);
    store.putState({ lastBatchID: batch.id, ...(trip === null ? {} : { breaker: trip.rule }) });
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
  judged: JudgedKeys,
): Promise<DeskBatch> {
  const { keys, revoked } = judged;
  const peer = ports.config.RegionID;
  const reply = await ports.importBatch(packBatch({ peer, batch: batch.id, sha256: batch.sha256, keys, revoked }));
  if (reply.kind === 'full') throw new Error('origin has had enough of this peer for this hour');
  if (reply.kind === 'refused') store.count('alert_import_refused');
  if (!('counts' in reply)) return setAside(ports, batch, judged, reply.kind);
  const { imported, revoked: ended, strange } = reply.counts;
  store.count('keys_imported', imported);
  store.count('revocations_strange', strange);
  return { ...setAside(ports, batch, judged, ''), state: 'imported', reason: null, imported, revoked: ended };
}

function setAside(ports: DeskPorts, batch: ReadBatch, judged: JudgedKeys, reason: string): DeskBatch {
  return {
    batch: batch.id,
    hour: hourOf(ports.now),
    sha256: batch.sha256,
    state: 'quarantined',
    reason,
    keys: judged.keys.length,
    imported: 0,
    revoked: 0,
    dropped: judged.dropped,
  };
}
