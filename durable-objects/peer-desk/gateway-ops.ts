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
import { gatewayBatch, partName, partOf } from '../../domain/federation/gateway-batch.ts';
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
    asked: true,
    fault: trouble === null ? null : describe(trouble),
    more: (down?.more ?? false) || (up?.more ?? false),
    recommendedNextPollTime: null,
  };
}

/**
 * Imports what was set aside, once it holds, or where a breaker held it: a whole batch, by its tag, or one country's part of it.
 *
 * @param name of the row: the tag, or a country's part of it
 */
export async function releaseFromGateway(
  store: DeskStore,
  ports: DeskPorts,
  { ports: efgs }: Gateway,
  name: string,
): Promise<ReleaseReply> {
  const held = store.batch(name);
  const { tag, country } = partOf(name);
  const date = readTag(tag)?.date;
  if (held?.state !== 'quarantined' || date === undefined) return { kind: 'none' };
  const { batch, trouble } = await downloadStep({ lastTag: null, nextTag: tag, date }, efgs);
  if (batch === null) return { kind: 'fault', what: trouble === null ? 'it isn’t there' : describe(trouble) };
  const isHeld = (of: { readonly country: string | null }): boolean =>
    country === null || of.country === country || of.country === null;
  const keys = batch.keys.filter(({ origin }) => country === null || origin === country);
  if (nameOf(keys) !== held.sha256) return { kind: 'changed' };
  const faults = batch.faults.filter(isHeld);
  if (faults.some((one) => country !== null || one.country === null)) return { kind: 'fault', what: reasonOf(faults) };
  const released = { keys, parts: batch.parts.filter(isHeld), faults };
  const done = await importAll(ports, tag, released, new Map());
  // A country's row is its own: what is imported takes its place.
  const rows = country === null ? done.rows : done.rows.map((row) => ({ ...row, batch: name }));
  const imported = rows.reduce((sum, row) => sum + row.imported, 0);
  if (rows.every(({ state }) => state === 'quarantined')) {
    return { kind: 'fault', what: rows.map(({ reason }) => reason).join('; ') };
  }
  store.transaction(() => {
    for (const row of rows) store.putBatch(row);
    store.countBrought(done.brought, dayOf(ports), true);
    store.putState({ breaker: null });
  });
  return { kind: 'released', imported };
}

interface Run {
  readonly trouble: Trouble | null;
  readonly more: boolean;
}

async function download(store: DeskStore, ports: DeskPorts, efgs: EfgsPorts): Promise<Run> {
  for (let n = 0; n < STEPS_A_POLL; n++) {
    // Whole batches alone: a country whose audits never hold must not stop the others.
    if (store.quarantinedWhole() >= MOST_QUARANTINED) {
      store.putState({ breaker: 'quarantine-full' });
      return { trouble: null, more: false };
    }
    const step = await downloadStep(store.get('download') ?? DOWNLOAD_START, efgs);
    const { rows, brought } = step.batch === null ? NOTHING : await judged(store, ports, step.batch);
    store.transaction(() => {
      store.put('download', step.state);
      if (step.batch === null) return;
      // One that was read before counts once: after a pause a day is begun anew.
      if (store.batch(step.batch.tag) === null) store.countBrought(brought, dayOf(ports), false);
      for (const row of rows) store.putBatch(row);
      store.putState({ lastBatchID: step.batch.tag });
      const aside = rows.filter(({ state }) => state === 'quarantined').length;
      if (aside > 0) store.count('alert_batch_quarantined', aside);
    });
    if (step.trouble !== null) return { trouble: step.trouble, more: false };
    if (!step.again && step.batch === null) return { trouble: null, more: false };
  }
  return { trouble: null, more: true };
}

type Received = NonNullable<DownloadStep['batch']>;

/** What came of a batch. */
interface Outcome {
  /** To be remembered: of the batch, and of each country that is set aside by itself. */
  readonly rows: readonly DeskBatch[];
  /** Country → keys that were new here, and revocations. */
  readonly brought: ReadonlyMap<string, number>;
}

const NOTHING: Outcome = { rows: [], brought: new Map() };

/** @throws Error of `origin`: the batch is asked for again */
async function judged(store: DeskStore, ports: DeskPorts, { tag, ...batch }: Received): Promise<Outcome> {
  const { keys, parts, faults } = batch;
  if (faults.some(({ country }) => country === null)) {
    return { rows: [remembered(ports, tag, keys, reasonOf(faults))], brought: new Map() };
  }
  const beyond = new Map<string, string>();
  const good = parts.flatMap((part) => part.keys);
  for (const [country, own] of judgeAll(good, ports.now)) {
    const size = own.keys.length + own.revoked.length;
    const trip = tripOf(DEFAULT_LIMITS, store.broughtBy(country), dayOf(ports), size);
    if (trip !== null) beyond.set(country, `${trip.rule}: ${trip.keys}, ${trip.limit} are allowed`);
  }
  return importAll(ports, tag, batch, beyond);
}

const dayOf = ({ now }: DeskPorts): number => Math.floor(now / SECONDS_PER_DAY);

/** @returns keys by the country they are of; the audit has shown that it signed them */
function judgeAll(keys: readonly EfgsKey[], now: number): Map<string, JudgedKeys> {
  const inbound = keys.map((key): InboundKey => ({ ...fromEfgsKey(key), onset: null }));
  const byOrigin = Map.groupBy(inbound, ({ origin }) => origin);
  return new Map([...byOrigin].map(([origin, own]) => [origin, judgeInbound(own, origin, now)]));
}

/**
 * Each country by itself: one whose audit doesn't hold, which is beyond its limits, or which `origin` doesn't take, is set aside alone.
 *
 * @param beyond country → why it is set aside
 * @throws Error of `origin`: the batch is asked for again
 */
async function importAll(
  ports: DeskPorts,
  tag: string,
  { keys, parts, faults }: Omit<Received, 'tag'>,
  beyond: ReadonlyMap<string, string>,
): Promise<Outcome> {
  const of = (country: string): EfgsKey[] => keys.filter(({ origin }) => origin === country);
  const aside = (country: string, reason: string): DeskBatch => ({
    ...remembered(ports, tag, of(country), reason),
    batch: partName(tag, country),
  });
  const rows = [...new Set(faults.map(({ country }) => country))]
    .filter((country) => country !== null)
    .map((country) => aside(country, reasonOf(faults.filter((fault) => fault.country === country))));
  const taken: EfgsKey[] = [];
  const brought = new Map<string, number>();
  let [imported, revoked] = [0, 0];
  for (const peer of new Set(parts.map(({ country }) => country))) {
    const own = of(peer);
    const judgedKeys = judgeAll(own, ports.now).get(peer);
    // Of ours the gateway has none for us; should it, they are known here.
    if (judgedKeys === undefined || peer === ports.homeCountry) continue;
    const why = beyond.get(peer);
    if (why !== undefined) {
      rows.push(aside(peer, why));
      continue;
    }
    if (judgedKeys.keys.length + judgedKeys.revoked.length === 0) {
      taken.push(...own);
      continue;
    }
    const reply = await ports.importBatch(
      packBatch({ peer, batch: gatewayBatch(tag), sha256: nameOf(own), ...judgedKeys }),
    );
    if ('counts' in reply) {
      taken.push(...own);
      imported += reply.counts.imported;
      revoked += reply.counts.revoked;
      brought.set(peer, reply.counts.imported + reply.counts.revoked + reply.counts.strange);
    } else {
      rows.push(aside(peer, `origin: ${reply.kind}`));
    }
  }
  if (taken.length === 0 && rows.length > 0) return { rows, brought };
  const done = remembered(ports, tag, taken, '');
  return { rows: [{ ...done, state: 'imported', reason: null, imported, revoked }, ...rows], brought };
}

/** A row of keys that are set aside. */
function remembered({ now }: DeskPorts, batch: string, keys: readonly EfgsKey[], reason: string): DeskBatch {
  const dropped: Record<string, number> = {};
  let good = 0;
  for (const own of judgeAll(keys, now).values()) {
    good += own.keys.length;
    for (const [fault, n] of Object.entries(own.dropped)) dropped[fault] = (dropped[fault] ?? 0) + n;
  }
  const about = { batch, hour: hourOf(now), sha256: nameOf(keys), keys: good, dropped };
  return { ...about, state: 'quarantined', reason, imported: 0, revoked: 0 };
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
