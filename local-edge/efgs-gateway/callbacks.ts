/**
 * @module The gateway tells subscribers that there is a batch (docs/spec/europe.md §3.6): in order, one at a time each, tried again
 * after a while, and whoever fails too often is subscribed no more. Where it calls is looked at before it is kept and before each
 * call: https, no query, and no address of a private network.
 */
import { BlockList, isIPv4 } from 'node:net';
import type { Batch } from './store.ts';

export interface Subscription {
  readonly callbackId: string;
  readonly url: string;
}

/** The world outside. */
export interface CallbackPorts {
  /** @returns addresses of a name; empty when there is none */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Calls with the gateway's certificate. @returns whether the answer was 2xx, within ten seconds */
  readonly call: (url: string) => Promise<boolean>;
}

interface Task {
  readonly country: string;
  readonly callbackId: string;
  readonly batch: Batch;
  retries: number;
  /** Unix seconds; null: never tried. */
  lastTry: number | null;
}

const MAX_RETRIES = 5;
const RETRY_WAIT_SECONDS = 300;
/** Subscriptions a country may have; the gateway has no limit, a test machine's memory does. */
const MAX_SUBSCRIPTIONS = 32;

const PRIVATE = new BlockList();
for (const [net, prefix, family] of [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 127, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
] as const) {
  PRIVATE.addSubnet(net, prefix, family);
}

/** @param address IPv4, or IPv6 (with an IPv4 one in it, too) @returns whether nobody may be called there */
export function isPrivateAddress(address: string): boolean {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1] ?? address;
  return PRIVATE.check(mapped, isIPv4(mapped) ? 'ipv4' : 'ipv6');
}

export class Callbacks {
  readonly #ports: CallbackPorts;
  readonly #subscriptions = new Map<string, Map<string, string>>();
  #tasks: Task[] = [];

  constructor(ports: CallbackPorts) {
    this.#ports = ports;
  }

  async #isAllowed(text: string): Promise<boolean> {
    if (!URL.canParse(text)) return false;
    const { protocol, search, hostname, hash } = new URL(text);
    if (protocol !== 'https:' || search !== '' || hash !== '' || text.includes('?')) return false;
    const literal = hostname.replace(/^\[|\]$/g, '');
    const addresses = isIPv4(literal) || literal.includes(':') ? [literal] : await this.#ports.resolve(hostname);
    return addresses.length > 0 && !addresses.some(isPrivateAddress);
  }

  /** @returns whether the URL may be called; the same id again replaces its URL */
  async put(country: string, callbackId: string, url: string): Promise<boolean> {
    if (!(await this.#isAllowed(url))) return false;
    const own = this.#subscriptions.get(country) ?? new Map<string, string>();
    if (!own.has(callbackId) && own.size >= MAX_SUBSCRIPTIONS) return false;
    this.#subscriptions.set(country, own.set(callbackId, url));
    return true;
  }

  /** @returns whether there was one */
  remove(country: string, callbackId: string): boolean {
    this.#tasks = this.#tasks.filter((task) => task.country !== country || task.callbackId !== callbackId);
    return this.#subscriptions.get(country)?.delete(callbackId) ?? false;
  }

  of(country: string): Subscription[] {
    return [...(this.#subscriptions.get(country) ?? [])].map(([callbackId, url]) => ({ callbackId, url }));
  }

  /** Each subscriber is to be told of it. */
  note(batch: Batch): void {
    for (const [country, own] of this.#subscriptions) {
      for (const callbackId of own.keys()) this.#tasks.push({ country, callbackId, batch, retries: 0, lastTry: null });
    }
  }

  /** Calls whoever is to be told, and wasn't called a moment ago. @param now Unix seconds */
  async run(now: number): Promise<void> {
    const waiting = new Set<string>();
    // What is done replaces the list, so this one stays as it was.
    for (const task of this.#tasks) {
      const { country, callbackId, batch } = task;
      const subscriber = `${country}/${callbackId}`;
      const url = this.#subscriptions.get(country)?.get(callbackId);
      // In order: while one waits for its next try, those behind it do.
      if (waiting.has(subscriber) || url === undefined) continue;
      if (task.lastTry !== null && now - task.lastTry < RETRY_WAIT_SECONDS) {
        waiting.add(subscriber);
        continue;
      }
      if (!(await this.#isAllowed(url))) {
        this.remove(country, callbackId);
        continue;
      }
      if (await this.#ports.call(`${url}?batchTag=${batch.tag}&date=${batch.date}`)) {
        this.#tasks = this.#tasks.filter((one) => one !== task);
      } else if (task.retries >= MAX_RETRIES) {
        this.remove(country, callbackId);
      } else {
        task.retries += 1;
        task.lastTry = now;
        waiting.add(subscriber);
      }
    }
  }
}
