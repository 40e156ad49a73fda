/**
 * @module The PeerDesk object: one a peer, so that a peer that hangs holds up nobody else (docs/architecture.md §9). A shell: storage, clock, alarm, ports; what a poll does is in poll-ops.ts and gateway-ops.ts.
 *
 * Durable writes are theirs and those of hint-ops.ts, and here the kill switch, and what a person decides of a batch that was set aside: one row each.
 */
import type { Clock } from '../../domain/clock.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import type { Direction, PeerConfig } from '../../domain/federation/peer.ts';
import type { ExchangeRpc } from '../../domain/rpc-federation.ts';
import type { Head } from '../../protocol/directory/merkle.ts';
import { type OpenStatement, rememberingOpen } from '../../protocol/directory/statement.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { closesAtEnd, EndableObject } from '../endable-object.ts';
import { KeptAlarm } from '../kept-alarm.ts';
import { migrate } from '../migrations.ts';
import { newAlerts } from '../submission-buffer/counters.ts';
import { boundFetch } from './bound-fetch.ts';
import { parseDeskConfig, parseGateway } from './config.ts';
import { type DeskBatch, type DeskPorts, type DeskStatus, MOST_SHOWN, type ReleaseReply } from './contract.ts';
import { DeskStore } from './desk-store.ts';
import { directoryLook } from './directory-reader.ts';
import { type Gateway, pollGateway, releaseFromGateway } from './gateway-ops.ts';
import { countGiven, type GivenKeys, givenKeys } from './given-ops.ts';
import { keepHead, keptHead } from './head-ops.ts';
import { takeHint, tellPeer } from './hint-ops.ts';
import { ownFeed } from './own-feed.ts';
import { beginAgain, faultOf, pollFeed, type Polled, release, settle } from './poll-ops.ts';
import { MIGRATIONS } from './schema.ts';

const LONGEST_SLEEP_SECONDS = 3600;

/** Bindings of `federation` that a desk uses; and by name that of the certificate. */
interface DeskEnv {
  readonly EXCHANGE: ExchangeRpc;
  readonly DIRECTORY: Pick<R2Bucket, 'get'>;
  readonly FEEDS: Pick<R2Bucket, 'get'>;
  /** As `origin` has it: our address as peers have it. */
  readonly FEED_URL?: string;
}

export class PeerDesk extends EndableObject {
  /** Unix seconds; the local edge overrides it. */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  /** Deployed, none but the cron and an operator confirm the clock; the local edge overrides it. */
  protected secondClock: SecondClock | null = null;
  /** For a question and all of its answer: 16 MB at 1 MB a second, and some. */
  protected answerMs = 30_000;
  /** For all questions of a poll: an alarm has fifteen minutes, and what ends it then leaves no fault and no wait. A dozen batches whose every byte drips would take them. */
  protected pollMs = 240_000;
  protected random = (n: number): Uint8Array => crypto.getRandomValues(new Uint8Array(n));
  readonly #store: DeskStore;
  readonly #guard: ClockGuard;
  readonly #alarm: KeptAlarm;
  /** Bindings and variables; a test's rig sets some. */
  protected readonly variables: Readonly<Record<string, unknown>>;
  #running: Promise<void> | null = null;
  /** Certificates and signatures of leaves that were judged before aren't again: of 300 regions seconds of CPU a poll (benchmarks/results/directory.md). The policy is the deployment's, and ends with the object. */
  #open: OpenStatement | null = null;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as Cloudflare.Env);
    this.variables = { ...(env as Readonly<Record<string, unknown>>) };
    migrate(ctx.storage, MIGRATIONS);
    this.#store = new DeskStore(ctx.storage);
    this.#guard = new ClockGuard(ctx.storage);
    this.#alarm = new KeptAlarm(ctx.storage);
  }

  /** Polls when that is due; cron, alarm and the driver of a demo come here. @param region the peer's, which an alarm can't tell @returns whether nothing was due */
  async advance(region: string): Promise<{ readonly idle: boolean }> {
    if (this.#store.get('region') !== region) this.#store.put('region', region);
    const before = this.#store.get('next_poll') ?? 0;
    if (before > (await this.#now())) {
      await this.#arm();
      return { idle: true };
    }
    this.#running ??= this.#poll().finally(() => (this.#running = null));
    await this.#running;
    return { idle: false };
  }

  override async alarm(): Promise<void> {
    const region = this.#store.get('region');
    // What fails is written down as a fault. What can't be is left to the cron, which comes to each peer of PEERS: one that isn't there any more would ring here once a second, for good.
    if (region !== null) await this.advance(region).catch(() => {});
  }

  async status(region: string): Promise<DeskStatus> {
    return {
      config: this.#config(region),
      state: this.#store.state,
      nextPoll: this.#store.get('next_poll'),
      fault: this.#store.get('fault'),
      lastSuccessHour: this.#store.get('last_success'),
      batches: this.#store.batches(MOST_SHOWN),
      read: this.#store.readHours(hourOf(await this.#now())),
      waiting: this.#store.quarantined(),
      counters: { ...this.#store.counters(), ...this.#guard.counters() },
    };
  }

  /** @returns every batch that is remembered, {@link MOST_LISTED} at most: those that wait for a person first, then newest first */
  async batches(): Promise<DeskBatch[]> {
    return this.#store.allBatches();
  }

  /** The kill switch, effective with the next batch, or the next request. Who is asked again is asked now. */
  async stop(direction: Direction, stopped: boolean): Promise<void> {
    this.#store.transaction(() => {
      this.#store.putState({ stopped: { ...this.#store.state.stopped, [direction]: stopped } });
      if (direction === 'in' && !stopped) this.#store.put('next_poll', 0);
    });
    if (direction === 'in' && !stopped && this.#store.get('region') !== null) await this.#arm();
  }

  /** Of the desk of no peer, which has the switches of whoever reads us, be they peers that we read or not: this region may read nothing of ours. */
  async stopReader(region: string, stopped: boolean): Promise<void> {
    this.#store.put(`reader:${region}`, stopped);
  }

  /** See {@link stopReader}. */
  async isReaderStopped(region: string): Promise<boolean> {
    return this.#store.get(`reader:${region}`) ?? false;
  }

  /** Of the desk of no peer: the newest head of the directory by which whoever calls was told, of all isolates. @param log its name */
  async directoryHead(log: string): Promise<Head | null> {
    return keptHead(this.#store, log);
  }

  /** Of the desk of no peer: see {@link keepHead}. */
  async keepDirectoryHead(log: string, from: Head | null, to: Head): Promise<Head> {
    return keepHead(this.#store, log, from, to);
  }

  /** Of the desk of no peer: this region was answered with a batch of so many keys. */
  async countGiven(region: string, keys: number): Promise<void> {
    countGiven(this.ctx.storage.sql, { region, hour: hourOf(await this.#now()), keys });
  }

  /** See {@link countGiven}; of the last two days. */
  async given(): Promise<GivenKeys[]> {
    return givenKeys(this.ctx.storage.sql, hourOf(await this.#now()));
  }

  /** By a person's word, and a second one's, whom the portal asks for. */
  async release(region: string, batch: string): Promise<ReleaseReply> {
    const ports = await this.#ports(region);
    try {
      const gateway = this.#gateway(ports);
      return gateway === null
        ? await release(this.#store, ports, batch)
        : await releaseFromGateway(this.#store, ports, gateway, batch);
    } catch (error) {
      // Of `origin`, which may have had enough for this hour: gone on with later.
      return { kind: 'fault', what: faultOf(error) };
    }
  }

  /** A batch that was set aside is never imported. @returns whether there was one */
  async discard(batch: string): Promise<boolean> {
    const held = this.#store.batch(batch);
    if (held?.state !== 'quarantined') return false;
    this.#store.transaction(() => {
      this.#store.putBatch({ ...held, state: 'discarded' });
      this.#store.putState({ breaker: null });
    });
    return true;
  }

  /**
   * Reads a feed from its beginning, at once: behind a number that somebody else gave in the peer's name, or another format's, nothing would follow. What was read before is passed over.
   *
   * @returns false for a gateway, which has days in place of a feed
   */
  async reread(region: string): Promise<boolean> {
    if (this.#config(region).Format === 'efgs') return false;
    beginAgain(this.#store, region);
    await this.#arm();
    return true;
  }

  /** The peer says that there is a batch of this name: the next poll comes within a minute, and judges as always. */
  async hint(region: string, batch: string): Promise<void> {
    const [format, now] = [this.#config(region).Format, await this.#now()];
    if (takeHint(this.#store, { region, format, batch, now, random: this.random })) await this.#arm();
  }

  /** Tells the peer that our feed has a batch that it wasn't told of, where it wants to hear so; nobody waits for its answer but the cron. */
  async tell(region: string): Promise<void> {
    const { FEEDS, FEED_URL = '' } = this.variables as unknown as DeskEnv;
    await tellPeer(this.#store, { ...(await this.#ports(region)), feeds: FEEDS, baseURL: FEED_URL });
  }

  /** @returns how far each alert's counter went up since the last call, for the log */
  async newAlerts(): Promise<Record<string, number>> {
    const all = newAlerts(this.ctx.storage.sql);
    return Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith('alert_')));
  }

  /** @param object this object's name @param at Unix seconds that another clock says, or null to tell only */
  async clockStatus(object: string, at: number | null): Promise<ClockStatus> {
    const now = await this.clock();
    if (at !== null) this.#guard.confirm(now, at);
    return this.#guard.status(object, now);
  }

  /** The peer's address; a test's subclass, and the local edge, answer in its place. */
  protected peerFetch(config: PeerConfig): (asked: Request) => Promise<Response> {
    return boundFetch(this.variables, config.TLSConsumerCertificate, this.answerMs);
  }

  protected exchange(): ExchangeRpc {
    return (this.variables as unknown as DeskEnv).EXCHANGE;
  }

  async #poll(): Promise<void> {
    const region = this.#store.get('region')!;
    const ports = await this.#ports(region);
    settle(this.#store, ports, await this.#polled(ports));
    await this.#arm();
  }

  async #polled(ports: DeskPorts): Promise<Polled> {
    const nothing: Polled = { asked: false, fault: null, more: false, recommendedNextPollTime: null };
    try {
      const gateway = this.#gateway(ports);
      if (gateway !== null) return await pollGateway(this.#store, ports, gateway);
      return this.#store.state.stopped.in ? nothing : await pollFeed(this.#store, ports);
    } catch (error) {
      // Of `origin`, of a bucket, of a setting: asked again later, and nobody else waits for it.
      return { ...nothing, fault: faultOf(error) };
    }
  }

  async #ports(region: string): Promise<DeskPorts> {
    const { homeCountry, policy } = parseDeskConfig(this.variables);
    const { DIRECTORY } = this.variables as unknown as DeskEnv;
    const [config, now] = [this.#config(region), await this.#now()];
    const [fetch, began] = [this.peerFetch(config), Date.now()];
    const lasts = (): number => Date.now() - began;
    return {
      config,
      homeCountry,
      now,
      random: this.random,
      fetch: async (asked) => {
        if (lasts() > this.pollMs) throw new Error('the poll lasts too long');
        return fetch(asked);
      },
      isLong: () => lasts() > this.pollMs / 2,
      look: async () => {
        if (policy === null) return { kind: 'unlisted' };
        this.#open ??= rememberingOpen(policy.roots);
        return directoryLook(this.#store, DIRECTORY, { policy, open: this.#open }, region, now);
      },
      importBatch: (batch) => this.exchange().importBatch(batch),
    };
  }

  #gateway({ config, homeCountry, now, fetch }: DeskPorts): Gateway | null {
    if (config.Format !== 'efgs') return null;
    const { settings, signer, visitedCountries, callbackUrl } = parseGateway(this.variables, config, homeCountry);
    const { FEEDS } = this.variables as unknown as DeskEnv;
    return {
      ports: { settings, signer, fetch, now: () => now },
      feed: () => ownFeed(FEEDS),
      visitedCountries,
      callback: callbackUrl === null ? null : { callbackId: homeCountry, url: callbackUrl },
    };
  }

  #config(region: string): PeerConfig {
    const config = parseDeskConfig(this.variables).peers.find(({ RegionID }) => RegionID === region);
    if (config === undefined) throw new Error(`PEERS names no ${region}`);
    return config;
  }

  /** The believed time. */
  async #now(): Promise<number> {
    return this.#guard.believe(await this.clock(), this.secondClock);
  }

  async #arm(): Promise<void> {
    const due = this.#store.get('next_poll') ?? 0;
    await this.#alarm.set(Math.min(Math.max(1, due - (await this.#now())), LONGEST_SLEEP_SECONDS) * 1000);
  }
}

closesAtEnd(PeerDesk, {
  stopped: { advance: async () => ({ idle: true }), hint: async () => {}, tell: async () => {} },
  purged: {
    newAlerts: async () => ({}),
    isReaderStopped: async () => true,
    directoryHead: async () => null,
    keepDirectoryHead: async (_log, _from, to) => to,
  },
});
