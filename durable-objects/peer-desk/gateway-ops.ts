/**
 * @module One poll of the European gateway (docs/architecture.md §9.1): downloads, uploads and the subscription, step by step (domain/federation/efgs/ports.ts). Keys come of many countries: each country's are a batch of
 * their own in `origin`, under the gateway's tag, so that only that country takes them back.
 *
 * Durable order, of a downloaded batch: the import of each country's keys, then one transaction of the cursor and what is remembered. A crash between asks `origin` again, which knows what it has. Of an upload: the state
 * of each step by itself, as its module says; a crash repeats the step.
 */
import { DEFAULT_LIMITS, tripOf } from '../../domain/federation/breaker.ts';
import { CALLBACK_START, callbackStep } from '../../domain/federation/efgs/callback.ts';
import { DOWNLOAD_START, downloadStep, type DownloadStep } from '../../domain/federation/efgs/download.ts';
import { fromEfgsKey } from '../../domain/federation/efgs/keys.ts';
import { OUTBOX_START, outboxStep, type SealedFeed } from '../../domain/federation/efgs/outbox.ts';
import type { EfgsPorts, UploadPorts } from '../../domain/federation/efgs/ports.ts';
import type { Trouble } from '../../domain/federation/efgs/ask.ts';
import { type InboundKey, judgeInbound, type JudgedKeys } from '../../domain/federation/inbound.ts';
import { packBatch } from '../../domain/federation/packed-batch.ts';
import type { EfgsKey } from '../../protocol/efgs/batch.ts';
import { signingRecord } from '../../protocol/efgs/signing-bytes.ts';
import { readTag } from '../../protocol/efgs/tags.ts';
import { hourOf, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { DeskBatch, DeskPorts, ReleaseReply } from './contract.ts';
import type { DeskStore } from './desk-store.ts';
import { MOST_QUARANTINED, type Polled } from './poll-ops.ts';

/** The gateway as an operator configures it. */
export interface Gateway {
  readonly ports: UploadPorts;
  /** What goes there: the feed that every region of the cluster reads; null: nothing is uploaded. */
  readonly feed: (() => Promise<SealedFeed>) | null;
  readonly visitedCountries: readonly string[];
  /** Where it should call; null: it isn't asked to. */
  readonly callback: { readonly callbackId: string; readonly url: string } | null;
}

const STEPS_A_POLL = 60;

/** Reads and uploads what is new, as far as each direction isn't stopped. */
export async function pollGateway(store: DeskStore, ports: DeskPorts, gateway: Gateway): Promise<Polled> {
  const { stopped } = store.state;
  const down = stopped.in ? null : await download(store, ports, gateway.ports);
  const up = stopped.out || gateway.feed === null ? null : await upload(store, gateway, await gateway.feed());
  const trouble = down?.trouble ?? up?.trouble ?? (await subscribe(store, gateway));
  return {
    fault: trouble === null ? null : describe(trouble),
    more: (down?.more ?? false) || (up?.more ?? false),
    recommendedNextPollTime: null,
  };
}

/** Imports a batch that was set aside and whose audit holds by now, or that a breaker held. */
export async function releaseFromGateway(
  store: DeskStore,
  ports: DeskPorts,
  { ports: efgs }: Gateway,
  tag: string,
): Promise<ReleaseReply> {
  const held = store.batch(tag);
  const date = readTag(tag)?.date;
  if (held?.state !== 'quarantined' || date === undefined) return { kind: 'none' };
  const { batch, trouble } = await downloadStep({ lastTag: null, nextTag: tag, date }, efgs);
  if (batch === null) return { kind: 'fault', what: trouble === null ? 'it isn’t there' : describe(trouble) };
  if (nameOf(batch.keys) !== held.sha256) return { kind: 'changed' };
  if (!batch.verdict.ok) return { kind: 'fault', what: reasonOf(batch.verdict.error) };
  const done = await importAll(ports, tag, batch.keys, judgeAll(batch.keys, ports.now));
  store.transaction(() => {
    store.putBatch(done);
    store.putState({ breaker: null });
  });
  return { kind: 'released', imported: done.imported };
}

interface Run {
  readonly trouble: Trouble | null;
  readonly more: boolean;
}

async function download(store: DeskStore, ports: DeskPorts, efgs: EfgsPorts): Promise<Run> {
  for (let n = 0; n < STEPS_A_POLL; n++) {
    if (store.quarantined() >= MOST_QUARANTINED) {
      store.putState({ breaker: 'quarantine-full' });
      return { trouble: null, more: false };
    }
    const step = await downloadStep(store.get('download') ?? DOWNLOAD_START, efgs);
    const read = step.batch === null ? null : await judged(store, ports, step.batch);
    store.transaction(() => {
      store.put('download', step.state);
      if (read === null) return;
      store.putBatch(read);
      store.putState({ lastBatchID: read.batch });
      if (read.state === 'quarantined') store.count('alert_batch_quarantined');
      if (store.get('since') === null) store.put('since', Math.floor(ports.now / SECONDS_PER_DAY));
    });
    if (step.trouble !== null) return { trouble: step.trouble, more: false };
    if (!step.again && step.batch === null) return { trouble: null, more: false };
  }
  return { trouble: null, more: true };
}

async function judged(
  store: DeskStore,
  ports: DeskPorts,
  { tag, keys, verdict }: NonNullable<DownloadStep['batch']>,
): Promise<DeskBatch> {
  const all = judgeAll(keys, ports.now);
  if (!verdict.ok) return { ...remembered(ports, tag, keys, all), reason: reasonOf(verdict.error) };
  const size = [...all.values()].reduce((n, { keys: good, revoked }) => n + good.length + revoked.length, 0);
  const trip = tripOf(DEFAULT_LIMITS, store.history(), Math.floor(ports.now / SECONDS_PER_DAY), size);
  if (trip === null) return importAll(ports, tag, keys, all);
  return { ...remembered(ports, tag, keys, all), reason: `${trip.rule}: ${trip.keys}, ${trip.limit} are allowed` };
}

/** @returns keys by the country they are of; the audit has shown that it signed them */
function judgeAll(keys: readonly EfgsKey[], now: number): Map<string, JudgedKeys> {
  const inbound = keys.map((key): InboundKey => ({ ...fromEfgsKey(key), onset: null }));
  const byOrigin = Map.groupBy(inbound, ({ origin }) => origin);
  return new Map([...byOrigin].map(([origin, own]) => [origin, judgeInbound(own, origin, now)]));
}

/** @throws Error of `origin`: the batch is asked for again */
async function importAll(
  ports: DeskPorts,
  tag: string,
  keys: readonly EfgsKey[],
  all: ReadonlyMap<string, JudgedKeys>,
): Promise<DeskBatch> {
  const about = remembered(ports, tag, keys, all);
  let [imported, revoked] = [0, 0];
  for (const [peer, own] of all) {
    // Of ours the gateway has none for us; should it, they are known here.
    if (peer === ports.homeCountry || own.keys.length + own.revoked.length === 0) continue;
    const reply = await ports.importBatch(packBatch({ peer, batch: `efgs:${tag}`, sha256: about.sha256, ...own }));
    if (!('counts' in reply)) return { ...about, reason: `${peer}: ${reply.kind}` };
    imported += reply.counts.imported;
    revoked += reply.counts.revoked;
  }
  return { ...about, state: 'imported', reason: null, imported, revoked };
}

function remembered(
  { now }: DeskPorts,
  tag: string,
  keys: readonly EfgsKey[],
  all: ReadonlyMap<string, JudgedKeys>,
): DeskBatch {
  const dropped: Record<string, number> = {};
  let good = 0;
  for (const own of all.values()) {
    good += own.keys.length;
    for (const [fault, n] of Object.entries(own.dropped)) dropped[fault] = (dropped[fault] ?? 0) + n;
  }
  const about = { batch: tag, hour: hourOf(now), sha256: nameOf(keys), keys: good, dropped };
  return { ...about, state: 'quarantined', reason: '', imported: 0, revoked: 0 };
}

async function upload(store: DeskStore, { ports, visitedCountries }: Gateway, feed: SealedFeed): Promise<Run> {
  for (let n = 0; n < STEPS_A_POLL; n++) {
    const state = store.get('outbox') ?? OUTBOX_START;
    const step = await outboxStep(state, ports, feed, visitedCountries);
    store.transaction(() => {
      store.put('outbox', step.state);
      store.count('keys_uploaded', step.uploaded);
      store.count('keys_not_uploaded', step.dropped);
    });
    if (!step.again) return { trouble: step.trouble, more: false };
  }
  return { trouble: null, more: true };
}

async function subscribe(store: DeskStore, { ports, callback }: Gateway): Promise<Trouble | null> {
  if (callback === null) return null;
  const { state, trouble } = await callbackStep(store.get('callback') ?? CALLBACK_START, ports, callback);
  store.put('callback', state);
  return trouble;
}

/** A gateway signs no batch: its content has a name all the same, so that another is told. */
const nameOf = (keys: readonly EfgsKey[]): string =>
  toHex(
    sha256(
      utf8(
        keys
          .map((key) => signingRecord(key))
          .toSorted()
          .join('\n'),
      ),
    ),
  );

const reasonOf = (faults: readonly { readonly country: string | null; readonly fault: string }[]): string =>
  `audit: ${faults.map(({ country, fault }) => (country === null ? fault : `${country} ${fault}`)).join(', ')}`;

const describe = (trouble: Trouble): string =>
  trouble.kind === 'status'
    ? `status: ${trouble.status}`
    : trouble.kind === 'protocol'
      ? `gateway: ${trouble.what}`
      : 'network: no answer';
