/**
 * @module Verification as it was before decision 024, rebuilt: any 64 digits pass for a date of birth, results are compared and
 * both ids forgotten; a TAN that the ledger doesn't know is replaced by the next number, and a commit that it has forgotten
 * counts as none. An attack that doesn't find this wrong has gone blind.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Door } from './door.ts';

const LIFETIME_SECONDS = 86_400;
const GRACE_SECONDS = 7_200;
const TANS = 2;
const LAST_NUMBER = 9;
const WITHIN_SECONDS = 48 * 3600;

interface FormerSession {
  readonly key: string;
  readonly birthDateKey: string | null;
  isDeleted: boolean;
  number: number;
  committed: number;
  firstAt: number | null;
}

export class FormerVerification implements Door {
  readonly #sessions = new Map<string, FormerSession>();
  readonly #results = new Map<string, number>();
  readonly #ledger = new Map<string, { committed: boolean; expiresAt: number }>();
  readonly #hopMs: number;
  #now = 0;

  /** @param hopMs how long the ledger's call that records a TAN takes */
  constructor(hopMs = 0) {
    this.#hopMs = hopMs;
  }

  async register(key: string, birthDateKey: string | null = null): Promise<string | null> {
    if (![key, birthDateKey ?? key].every((id) => /^[x0-9a-f][0-9a-f]{63}$/.test(id))) return null;
    const found = this.#sessions.get(key);
    if (found?.isDeleted === true) return null;
    const fresh = { key, birthDateKey, isDeleted: false, number: 0, committed: 0, firstAt: null };
    this.#sessions.set(key, found ?? fresh);
    return key;
  }

  async result(token: string): Promise<number | null> {
    const session = this.#live(token);
    if (session === null) return null;
    const result = this.#results.get(session.key) ?? 0;
    const other = session.birthDateKey === null ? result : (this.#results.get(session.birthDateKey) ?? 0);
    return result === other ? result : null;
  }

  async tan(token: string): Promise<string | null> {
    const session = this.#live(token);
    if (session === null || (await this.result(token)) !== 2) return null;
    const row = this.#ledger.get(`${token} ${session.number}`);
    const committed = session.committed + (row?.committed === true ? 1 : 0);
    if (session.firstAt !== null && this.#now >= session.firstAt + WITHIN_SECONDS) return null;
    if (row === undefined || row.committed) {
      if (committed >= TANS || session.number >= LAST_NUMBER) return null;
      if (session.firstAt !== null) session.number++;
      session.committed = committed;
    }
    session.firstAt ??= this.#now;
    const tan = `${token} ${session.number}`;
    await sleep(this.#hopMs);
    if (!this.#ledger.has(tan)) this.#ledger.set(tan, { committed: false, expiresAt: this.#now + LIFETIME_SECONDS });
    return tan;
  }

  async forget(token: string): Promise<void> {
    const session = this.#live(token);
    if (session === null) return;
    for (const id of [session.key, session.birthDateKey]) if (id !== null) this.#results.delete(id);
    session.isDeleted = true;
  }

  async upload(tan: string): Promise<boolean> {
    const row = this.#ledger.get(tan);
    if (row === undefined || row.committed) return false;
    row.committed = true;
    return true;
  }

  async post(ids: readonly string[], result: 1 | 2): Promise<void> {
    for (const id of ids) this.#results.set(id, result);
  }

  async wait(seconds: number): Promise<void> {
    this.#now += seconds;
    for (const [tan, row] of this.#ledger) if (this.#now >= row.expiresAt + GRACE_SECONDS) this.#ledger.delete(tan);
  }

  #live(token: string): FormerSession | null {
    const session = this.#sessions.get(token);
    return session === undefined || session.isDeleted ? null : session;
  }
}
