/** @module TANs from issue to use, over the real ledger. */
import { listDurableObjectIds, reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, it } from 'vitest';
import { authenticateTan, composeTan } from '../../domain/tan.ts';
import { parseVerificationConfig, type VerificationEnv } from './bindings.ts';
import { Ledger } from './ledger.ts';

const ENV = env as unknown as VerificationEnv;
const CONFIG = parseVerificationConfig(ENV);
const ledger = new Ledger(ENV, CONFIG);
const DIGEST = 'd'.repeat(64);

/** Every row of every object, as text. */
async function everythingStored(): Promise<string[]> {
  const ids = await listDurableObjectIds(ENV.TAN_LEDGER);
  return Promise.all(
    ids.map((id) =>
      runInDurableObject(ENV.TAN_LEDGER.get(id), (_object, state) =>
        JSON.stringify(state.storage.sql.exec('SELECT * FROM tan').toArray()),
      ),
    ),
  );
}

afterEach(() => reset());

describe('issued TANs', () => {
  it('are distinct, authenticate themselves, and are all recorded', async ({ expect }) => {
    const tans = await ledger.issue(200, null);
    expect(new Set(tans).size).toBe(200);
    expect(tans.every((tan) => authenticateTan(tan, CONFIG.tanMacKey) === tan)).toBe(true);
    const rows = (await everythingStored()).flatMap((text) => JSON.parse(text) as unknown[]);
    expect(rows).toHaveLength(200);
  });

  it('are stored as keyed hashes alone: no TAN and no part of one is in any object', async ({ expect }) => {
    const tans = await ledger.issue(50, 'cards-3');
    for (const tan of tans.slice(0, 10)) await ledger.reserve(tan, DIGEST);
    const stored = (await everythingStored()).join();
    expect(stored).toContain('cards-3');
    for (const part of tans.flatMap((tan) => [tan, tan.replaceAll('-', ''), tan.slice(24)])) {
      expect(stored).not.toContain(part);
    }
  });

  it('live a reservation through to its commit', async ({ expect }) => {
    const [tan = ''] = await ledger.issue(1, 'cards-3');
    const reply = await ledger.reserve(tan, DIGEST);
    if (reply.kind !== 'reserved') throw new Error(`expected reserved, got ${reply.kind}`);
    expect(reply.codeBatchId).toBe('cards-3');
    await ledger.release(tan, reply.uploadId);
    const again = await ledger.reserve(tan, 'e'.repeat(64));
    if (again.kind !== 'reserved') throw new Error(`expected reserved, got ${again.kind}`);
    await ledger.commit(tan, again.uploadId);
    expect(await ledger.reserve(tan, 'e'.repeat(64))).toEqual({ kind: 'committed' });
    expect(await ledger.reserve(tan, DIGEST)).toEqual({ kind: 'used' });
  });

  it('an authentic TAN that nobody issued is unknown, and asking stores nothing', async ({ expect }) => {
    const tan = composeTan(new Uint8Array(10), CONFIG.tanMacKey);
    expect(await ledger.reserve(tan, DIGEST)).toEqual({ kind: 'unknown' });
    await ledger.commit(tan, 'u');
    await ledger.release(tan, 'u');
    expect((await everythingStored()).every((rows) => rows === '[]')).toBe(true);
  });

  it.for([0, -1, 1.5, 1001, Number.NaN])('a count of %s is refused', async (count, { expect }) => {
    await expect(ledger.issue(count, null)).rejects.toThrow(/count: an integer 1\.\.1000 is expected/);
  });

  it('are forgotten two hours after their expiry', async ({ expect }) => {
    const short = new Ledger(ENV, { ...CONFIG, tanLifetimeSeconds: -7_201 });
    await short.issue(40, null);
    const [kept = ''] = await ledger.issue(1, null);
    expect(await ledger.forgetExpired()).toBe(40);
    expect(await ledger.forgetExpired()).toBe(0);
    expect((await ledger.reserve(kept, DIGEST)).kind).toBe('reserved');
  });
});
