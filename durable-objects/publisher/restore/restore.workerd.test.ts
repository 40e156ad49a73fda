import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe } from 'vitest';
import { verifyLog } from '../../../domain/event-log/verify.ts';
import defaults from '../../../parameters/default.json' with { type: 'json' };
import { fromUtf8, toHex } from '../../../protocol/primitives/bytes.ts';
import { sha256 } from '../../../protocol/primitives/hash.ts';
import { signerFromPkcs8Pem } from '../../../protocol/signing.ts';
import { EVERYONE } from '../../../protocol/parameters/config-head.ts';
import { testKeyPem } from '../../../test/support/secrets.ts';
import { MIDNIGHT, Rig, keysOf, objects, testEnv } from '../test-rig.ts';
import { lose, parameterStore, restore, restoreOnce } from './loss-rig.ts';
import { itLong, itUsual as it } from '../../../test/support/longer.ts';

const { LOG_SIGNING_KEY } = testEnv as unknown as { readonly LOG_SIGNING_KEY: string };
const LOG_KEYS = [signerFromPkcs8Pem(LOG_SIGNING_KEY).publicKeySpki];
const HOUR = MIDNIGHT / 3600;

const RESTORE_KEY = testKeyPem('RESTORE_PRIVATE_KEY');
let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

/** Hours before and after a midnight, with keys, without, and one that came late; `end` is an hour of the next day. */
async function live(): Promise<void> {
  rig.now = MIDNIGHT + 21 * 3600;
  await rig.accept('u1', keysOf(1, 14), ['DE', 'FR'], { issueId: 'c8c9d3c0e6f0b4d5e9a512f64a3e1b7aa' });
  await rig.accept('u2', keysOf(2, 5));
  await rig.untilIdle();
  rig.now += 2 * 3600;
  await rig.accept('u3', keysOf(3, 3));
  await rig.untilIdle();
  rig.now += 3 * 3600;
  await rig.untilIdle();
}

/** Keys that wait, and a journal that has them. */
async function wait(): Promise<void> {
  await rig.accept('u4', keysOf(4, 7), ['DE', 'FR'], { consentToFederation: false });
  await rig.accept('u5', keysOf(5, 2));
  await rig.evict();
  await rig.wakeBuffer();
}

/** Everything public, by name: hash and headers. */
async function published(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of (await objects(testEnv.PUBLIC)).keys()) {
    const object = await testEnv.PUBLIC.get(name);
    const bytes = new Uint8Array(await object!.arrayBuffer());
    const { cacheControl, cacheExpiry } = object!.httpMetadata!;
    found.set(name, `${toHex(sha256(bytes))} ${cacheControl} ${cacheExpiry?.getTime()}`);
  }
  return found;
}

/** Names in order, in columns of JSON too. */
function canonical(row: unknown): string {
  return JSON.stringify(row, (_name, value: unknown) => {
    const parsed: unknown = typeof value === 'string' && /^[[{]/.test(value) ? JSON.parse(value) : value;
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return parsed;
    return Object.fromEntries(Object.entries(parsed).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** Every table of Publisher, as text. */
const tables = (): Promise<Record<string, string[]>> =>
  rig.inPublisherStorage((sql) => {
    const named = (table: string, query = `SELECT * FROM ${table}`) => [
      table,
      sql
        .exec(query)
        .toArray()
        .map((row) => canonical(row))
        .toSorted(),
    ];
    return Object.fromEntries([
      named('sealed_hour', 'SELECT hour, state, decision, record FROM sealed_hour'),
      ...['region_hour', 'region_day', 'cwa_backlog', 'public_object', 'former_etag', 'log_checkpoint'].map((table) =>
        named(table),
      ),
      named('region_head', 'SELECT region, sequence, payload_sha256, valid_until, through_hour FROM region_head'),
      named('published_index'),
      named(
        'meta',
        `SELECT * FROM meta WHERE name IN ('first_hour', 'last_set', 'logged_day', 'forgotten_day', 'log_kept_from')`,
      ),
    ]) as Record<string, string[]>;
  });

/** A promise of RPC that is awaited where it is made: else its rejection is nobody's. */
const heard = async (call: () => Promise<unknown>): Promise<unknown> => await call();

const countIn = (table: string): Promise<number> =>
  rig.inBuffer((sql) => sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n);

describe('an object whose storage is lost', () => {
  it('takes no upload and no step, and leaves log, journal and public bucket as they are', async ({ expect }) => {
    await live();
    await wait();
    const before = [await published(), await objects(testEnv.PRIVATE)];
    await lose(rig);
    await expect(rig.accept('u6', keysOf(6, 2))).rejects.toThrow('the storage of the buffer is lost');
    await expect(heard(() => rig.buffer.resolve('u4'))).rejects.toThrow('is lost');
    await rig.wakeBuffer();
    rig.now += 3600;
    await expect(rig.advance()).rejects.toThrow('the storage of publisher is lost');
    expect([await published(), await objects(testEnv.PRIVATE)]).toEqual(before);
    expect(await rig.buffer.newAlerts()).toEqual({ alert_storage_lost: 1 });
    expect(await rig.publisher.newAlerts()).toEqual({ alert_storage_lost: 1 });
  });

  it('is told from a new one, which begins, with a journal before Publisher’s first step too', async ({ expect }) => {
    expect(await rig.accept('u1', keysOf(1, 3))).toEqual({ kind: 'stored' });
    await rig.wakeBuffer();
    await rig.untilIdle();
    expect(await restoreOnce(rig)).toEqual({ kind: 'nothing-lost', parameters: null });
  });
});

describe('a restore', () => {
  it('gives Publisher every row that it had', async ({ expect }) => {
    rig.policy = { ...rig.policy, maxKeysPerFile: 8, cwaMaxKeys: 12 };
    await live();
    await wait();
    const before = await tables();
    await lose(rig);
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({
      kind: 'restored',
      facts: { knownKeys: 21, journal: { keys: 9 }, unloggedKeys: 0 },
    });
    await rig.untilIdle();
    // The log doesn't say what compact forms are: those that are listed were put anew, those that are on their way out are let go.
    const blank = (row: string): string =>
      /"delete_at":\d.*\.compact"/.test(row) ? row.replace(/"mark":"[^"]*"/, '"mark":""') : row;
    expect(await tables()).toEqual({ ...before, public_object: before['public_object']!.map((row) => blank(row)) });
  });

  itLong('takes days that a release from before compact chunks cut', async ({ expect }) => {
    await live();
    const withSig = `SELECT count(*) AS n FROM region_day WHERE chunks LIKE '%"sig"%'`;
    await rig.inPublisherStorage((sql) => {
      const rows = sql.exec<{ day: number; region: string; chunks: string }>('SELECT * FROM region_day').toArray();
      for (const { day, region, chunks } of rows) {
        const plain = chunks.replaceAll(/,"sig":"[^"]*"/g, '');
        sql.exec('UPDATE region_day SET chunks = ? WHERE day = ? AND region = ?', plain, day, region);
      }
      expect(sql.exec(withSig).one()['n']).toBe(0);
    });
    rig.now += 3600;
    await rig.untilIdle();
    await wait();
    const before = await published();
    await lose(rig);
    // A head that its log doesn't give would be refused.
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({ kind: 'restored' });
    await rig.untilIdle();
    expect(await published()).toEqual(before);
  });

  itLong('is followed by the very bytes that would have come without the loss', async ({ expect }) => {
    const on = async (): Promise<Map<string, string>> => {
      for (const hours of [1, 1, 24]) {
        rig.now += hours * 3600;
        await rig.untilIdle();
      }
      return published();
    };
    await live();
    await wait();
    const undisturbed = await on();
    rig = await Rig.create();
    await live();
    await wait();
    await lose(rig);
    await restore(rig, RESTORE_KEY);
    expect(await on()).toEqual(undisturbed);
    const log = [...(await objects(testEnv.PRIVATE))].filter(([name]) => name.startsWith('log/'));
    const report = verifyLog(
      log.map(([name, bytes]) => ({ name, text: fromUtf8(bytes) })),
      LOG_KEYS,
    );
    expect(report.findings).toEqual([]);
    expect(report.entries.filter(({ entry }) => entry.event.kind === 'restored').length).toBe(1);
    const { counters } = await rig.inPublisher((publisher) => publisher.status());
    expect(Object.keys(counters).filter((name) => name.startsWith('alert'))).toEqual([]);
  });

  it('knows every key that was published or waits, under other row keys, and what came after the journal is stored anew', async ({
    expect,
  }) => {
    await live();
    await wait();
    await rig.accept('u6', keysOf(6, 4));
    const rowKeys = [...(await objects(testEnv.PRIVATE))].filter(([name]) => name.startsWith('row-keys/'));
    await lose(rig);
    await restore(rig, RESTORE_KEY);
    for (const [name, bytes] of rowKeys) {
      const now = await testEnv.PRIVATE.get(name);
      if (now !== null) expect(new Uint8Array(await now.arrayBuffer())).not.toEqual(bytes);
    }
    for (const [n, keys] of [14, 5, 3, 7, 2].entries()) {
      expect(await rig.accept(`retry ${n}`, keysOf(n + 1, keys)), `upload ${n + 1}`).toEqual({ kind: 'known' });
    }
    expect(await countIn('waiting_row')).toBe(9);
    expect(await rig.accept('u6', keysOf(6, 4))).toEqual({ kind: 'stored' });
  });

  it('keeps what is said about waiting keys, their hours and how many uploads they were', async ({ expect }) => {
    rig.policy = { ...rig.policy, minKeys: 100, minUploads: 10 };
    await live();
    await wait();
    const counters = await rig.inBuffer((sql) => sql.exec('SELECT * FROM release_counter').toArray());
    const ISSUE = `c${'1'.repeat(32)}`;
    await rig.buffer.dropWaiting({ id: '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b', issueIds: [ISSUE] });
    await rig.evict();
    await rig.wakeBuffer();
    await lose(rig);
    await restore(rig, RESTORE_KEY);
    expect(await rig.inBuffer((sql) => sql.exec('SELECT * FROM release_counter').toArray())).toEqual(counters);
    // What was rolled back takes nothing in after a restore either.
    expect(await rig.accept('ended', keysOf(77, 2), ['DE'], { issueId: ISSUE })).toEqual({ kind: 'known' });
    expect(await rig.buffer.firstHour()).toBe(HOUR + 21);
  });

  it('of a deployment with parameters brings back the version that phones have', async ({ expect }) => {
    const request = { document: JSON.stringify(defaults), audience: EVERYONE, dryRun: false };
    await runInDurableObject(parameterStore(), async (store, { storage }) => {
      expect(await store.publishParameters(request, 0)).toMatchObject({ kind: 'published', version: 1 });
      await storage.deleteAlarm();
    });
    await live();
    await wait();
    const before = await published();
    const policy = await parameterStore().policy();
    await lose(rig);
    await expect(heard(() => parameterStore().policy())).rejects.toThrow('the storage of parameters is lost');
    await expect(heard(() => parameterStore().advance())).rejects.toThrow('is lost');
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({ kind: 'restored', parameters: 1 });
    expect(await parameterStore().policy()).toEqual(policy);
    await runInDurableObject(parameterStore(), async (store, { storage }) => {
      expect(await store.advance()).toEqual({ idle: true });
      expect((await store.counters())['alert_foreign_object']).toBeUndefined();
      await storage.deleteAlarm();
    });
    expect(await published()).toEqual(before);
    await lose(rig, ['parameters']);
    expect(await restoreOnce(rig, { confirm: false })).toEqual({ kind: 'nothing-lost', parameters: 1 });
    expect(await parameterStore().parameterStatus()).toMatchObject({ version: 0 });
    expect(await restoreOnce(rig)).toEqual({ kind: 'nothing-lost', parameters: 1 });
    expect(await parameterStore().parameterStatus()).toMatchObject({ version: 1 });
  });
});
