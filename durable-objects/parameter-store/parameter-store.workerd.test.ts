import { evictAllDurableObjects, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, it } from 'vitest';
import type { PublishReply } from '../../domain/parameters/publication.ts';
import defaults from '../../parameters/default.json' with { type: 'json' };
import { fromUtf8, toBase64 } from '../../protocol/primitives/bytes.ts';
import {
  CONFIG_VALIDITY_SECONDS,
  type ConfigHead,
  configDocumentPath,
  configHeadPath,
  documentName,
  parseConfigHead,
} from '../../protocol/parameters/config-head.ts';
import { cwaConfigCountryPath, cwaConfigPaths } from '../../protocol/parameters/cwa-config.ts';
import { openDocument, signDocument } from '../../protocol/index/signed-document.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { type BucketPort, r2Bucket } from '../publisher/bucket.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import type { ParameterStore } from './parameter-store-do.ts';
import { publishedHead } from './write-ops.ts';

interface TestEnv {
  readonly PARAMETER_STORE: DurableObjectNamespace<ParameterStore>;
  readonly PUBLIC: R2Bucket;
  readonly PRIVATE: R2Bucket;
  readonly MANIFEST_SIGNING_KEY: string;
}
const bindings = env as unknown as TestEnv;
const KEYS = { 'manifest-v1': signerFromPkcs8Pem(bindings.MANIFEST_SIGNING_KEY).publicKeySpki };
const START = 1_781_481_600;
/** Documents, five ZIPs, the list of countries, the head. */
const PUTS_OF_FIRST = 8;

/** A document in which every one of CWA's messages differs, too. */
const text = (label: string, secondPersonAbovePercentage = 100): string =>
  JSON.stringify({
    ...defaults,
    appFeatures: [{ label, value: 1 }],
    publication: { secondPersonAbovePercentage },
  });

class Rig {
  now = START;
  /** What the second source of time says; null: the same. */
  second: number | null = null;
  /** Number of puts that still succeed; the next one throws. */
  putsLeft = Number.POSITIVE_INFINITY;
  /** True: the put happens, then the step dies. */
  diesAfterPut = false;
  readonly stub = bindings.PARAMETER_STORE.getByName('parameters');

  async in<T>(body: (store: ParameterStore) => Promise<T>): Promise<T> {
    return runInDurableObject(this.stub, async (store, state) => {
      Object.assign(store, {
        clock: () => this.now,
        secondClock: async () => this.second ?? this.now,
        bucket: (binding: R2Bucket) => this.#bucket(binding),
      });
      try {
        return await body(store);
      } finally {
        await state.storage.deleteAlarm();
      }
    });
  }

  publish(label: string, expected: number): Promise<PublishReply> {
    return this.in((store) =>
      store.publishParameters({ document: text(label), audience: null, dryRun: false }, expected),
    );
  }

  #bucket(binding: R2Bucket): BucketPort {
    const port = r2Bucket(binding);
    return {
      ...port,
      put: async (...args) => {
        this.putsLeft -= 1;
        if (this.putsLeft < 0 && !this.diesAfterPut) throw new Error('R2 is out of reach');
        const stored = await port.put(...args);
        if (this.putsLeft < 0) throw new Error('killed after the put');
        return stored;
      },
    };
  }
}

/** What a phone sees: the verified head, or null; every document it names must be there and be what it says. */
async function published(): Promise<ConfigHead | null> {
  const object = await bindings.PUBLIC.get(configHeadPath());
  if (object === null) return null;
  const opened = openDocument('config', await object.text(), KEYS);
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  const head = parseConfigHead(opened.value.payload);
  if (!head.ok) throw new Error(head.error);
  for (const { sha256, size } of head.value.documents) {
    const document = await bindings.PUBLIC.get(configDocumentPath(sha256));
    const bytes = new Uint8Array((await document?.arrayBuffer()) ?? new ArrayBuffer(0));
    if (bytes.length !== size || documentName(fromUtf8(bytes)) !== sha256) throw new Error(`${sha256} is not there`);
  }
  return head.value;
}

let rig: Rig;
beforeEach(async () => {
  await reset();
  rig = new Rig();
});

describe('publish', () => {
  it('writes a signed head, the document, CWA’s ZIPs and list, with max-age above 0', async ({ expect }) => {
    expect(await rig.publish('one', 0)).toEqual({ kind: 'published', version: 1 });
    expect(await published()).toMatchObject({
      version: 1,
      issuedAt: START,
      validUntil: START + CONFIG_VALIDITY_SECONDS,
      documents: [{ audience: { percentage: 100 } }],
    });
    for (const path of [...cwaConfigPaths('DE'), cwaConfigCountryPath(), configHeadPath()]) {
      const object = await bindings.PUBLIC.head(path);
      expect(object?.httpMetadata?.cacheControl).toBe('public, max-age=300');
    }
    const list = await bindings.PUBLIC.get(cwaConfigCountryPath());
    expect(await list?.json()).toEqual(['DE']);
  });

  it('is a conflict for the second of two operators, and neither document is lost or mixed', async ({ expect }) => {
    await rig.publish('zero', 0);
    const replies = await rig.in((store) =>
      Promise.all(
        ['one', 'two'].map((comment) =>
          store.publishParameters({ document: text(comment), audience: null, dryRun: false }, 1),
        ),
      ),
    );
    expect(replies.map((reply) => reply.kind).toSorted()).toEqual(['conflict', 'published']);
    expect((await published())?.version).toBe(2);
    const [newest] = await rig.in(async (store) => (await store.parameterStatus()).history);
    const kept = await rig.in((store) => store.parameterDocument(newest!.documents[0]!.sha256));
    expect(JSON.parse(kept ?? '{}')).toMatchObject({ appFeatures: [{ label: 'one' }] });
  });

  it('leaves the last good document when the next is invalid, and changes nothing in a dry run', async ({ expect }) => {
    await rig.publish('good', 0);
    const before = await published();
    const invalid = JSON.stringify({ ...defaults, regions: [] });
    const reply = await rig.in((store) =>
      store.publishParameters({ document: invalid, audience: null, dryRun: false }, 1),
    );
    expect(reply).toMatchObject({ kind: 'invalid', violations: [{ path: 'regions' }] });
    const dry = await rig.in((store) =>
      store.publishParameters({ document: text('next'), audience: null, dryRun: true }, 1),
    );
    expect(dry).toEqual({ kind: 'would-publish', version: 2 });
    expect(await published()).toEqual(before);
    expect(await rig.in((store) => store.parameterStatus())).toMatchObject({ version: 1, published: true });
  });

  it('waits for a second person where the document in force wants one, and decides nothing before', async ({
    expect,
  }) => {
    const publish = (document: string, expected: number, persons?: number) =>
      rig.in((store) => store.publishParameters({ document, audience: null, dryRun: false }, expected, persons));
    expect(await publish(text('first', 10), 0)).toMatchObject({ kind: 'published' });
    const before = await published();
    expect(await publish(text('second', 100), 1)).toEqual({
      kind: 'needs-second-person',
      version: 2,
      abovePercentage: 10,
    });
    expect(await published()).toEqual(before);
    expect(await publish(text('second', 100), 1, 2)).toEqual({ kind: 'published', version: 2 });
    expect(await publish(text('third', 10), 2)).toEqual({ kind: 'published', version: 3 });
    const back = await rig.in((store) => store.rollbackParameters({ toVersion: 1, dryRun: false }, 3));
    expect(back).toMatchObject({ kind: 'needs-second-person' });
  });

  it('rolls back to the former documents under a higher version', async ({ expect }) => {
    await rig.publish('one', 0);
    const first = await published();
    await rig.publish('two', 1);
    const reply = await rig.in((store) => store.rollbackParameters({ toVersion: null, dryRun: false }, 2));
    expect(reply).toEqual({ kind: 'published', version: 3 });
    expect(await published()).toMatchObject({ version: 3, documents: first!.documents });
  });
});

describe('a store of before the second signature', () => {
  it('writes CWA’s ZIPs of the published version anew at its first step, under the same head', async ({ expect }) => {
    await rig.publish('one', 0);
    const before = await published();
    const zipOf = async () => (await bindings.PUBLIC.get(cwaConfigPaths('DE')[0]!))!.arrayBuffer();
    const wanted = await zipOf();
    // The store as it was: the former migrations, and other bytes of its own under the name.
    const path = cwaConfigPaths('DE')[0]!;
    const put = await bindings.PUBLIC.put(path, 'signed once', {
      httpMetadata: { contentType: 'application/zip', cacheControl: 'public, max-age=300' },
    });
    await runInDurableObject(rig.stub, (_store, { storage: { sql } }) => {
      const { mark } = sql.exec<{ mark: string }>('SELECT mark FROM own_object WHERE key = ?', path).one();
      const former = [put.etag, ...mark.split(' ').slice(1)].join(' ');
      sql.exec('UPDATE own_object SET mark = ? WHERE key = ?', former, path);
      sql.exec(
        'DROP TABLE revoked_package; DROP TABLE authorities; DROP TABLE signers; UPDATE schema_version SET version = 2',
      );
    });
    await evictAllDurableObjects();
    expect(await rig.in((store) => store.advance())).toEqual({ idle: true });
    expect(await zipOf()).toEqual(wanted);
    expect(await published()).toEqual(before);
    expect(await rig.in((store) => store.counters())).toEqual({});
  });
});

describe('interrupted at any step', () => {
  const deaths = Array.from({ length: PUTS_OF_FIRST }, (_, put) => put).flatMap((put) => [
    { put, diesAfterPut: false },
    { put, diesAfterPut: true },
  ]);

  it.for(deaths)(
    'put $put, after it: $diesAfterPut: phones see old or new, then new',
    async ({ put, diesAfterPut }, { expect }) => {
      await rig.publish('old', 0);
      Object.assign(rig, { putsLeft: put, diesAfterPut });
      const reply = await rig.publish('new', 1);
      // The list of countries doesn't change, so the second publication has one put less: then it just succeeds.
      expect(reply.kind).toBe(put >= PUTS_OF_FIRST - 1 ? 'published' : 'accepted');
      const between = await published();
      expect([1, 2]).toContain(between?.version);
      await evictAllDurableObjects();
      rig.putsLeft = Number.POSITIVE_INFINITY;
      expect(await rig.in((store) => store.advance())).toEqual({ idle: true });
      const after = await published();
      expect(after).toMatchObject({ version: 2, issuedAt: START });
      expect(await rig.in((store) => store.parameterStatus())).toMatchObject({ version: 2, published: true });
    },
  );

  it('is finished by the alarm', async ({ expect }) => {
    rig.putsLeft = 2;
    expect(await rig.publish('new', 0)).toEqual({ kind: 'accepted', version: 1 });
    expect(await published()).toBeNull();
    await runInDurableObject(rig.stub, async (store, state) => {
      Object.assign(store, {
        clock: () => rig.now,
        secondClock: async () => rig.now,
        bucket: (binding: R2Bucket) => r2Bucket(binding),
      });
      await state.storage.setAlarm(Date.now() + 60_000);
    });
    expect(await runDurableObjectAlarm(rig.stub)).toBe(true);
    expect((await published())?.version).toBe(1);
  });

  it('an operator may publish over what is not written yet', async ({ expect }) => {
    rig.putsLeft = 0;
    await rig.publish('one', 0);
    rig.putsLeft = Number.POSITIVE_INFINITY;
    expect(await rig.publish('two', 1)).toEqual({ kind: 'published', version: 2 });
    expect((await published())?.version).toBe(2);
  });
});

describe('in time', () => {
  it('renews the head after half its validity, same version, later end', async ({ expect }) => {
    await rig.publish('one', 0);
    rig.now = START + CONFIG_VALIDITY_SECONDS / 2 - 1;
    await rig.in((store) => store.advance());
    expect((await published())?.issuedAt).toBe(START);
    rig.now += 1;
    await rig.in((store) => store.advance());
    expect(await published()).toMatchObject({ version: 1, issuedAt: rig.now });
  });

  it('sleeps until there is something to do: no alarm loop, whatever the clock says', async ({ expect }) => {
    await rig.publish('one', 0);
    for (const now of [START - 6 * 365 * 86_400, START + 30 * 86_400]) {
      const wait = await runInDurableObject(rig.stub, async (store, state) => {
        Object.assign(store, { clock: () => now, secondClock: async () => now });
        await store.advance();
        return (await state.storage.getAlarm())! - Date.now();
      });
      expect(wait).toBeGreaterThan(30_000);
      expect(wait).toBeLessThanOrEqual(3_600_000);
    }
  });

  it('lists no country before anything is published, and ours afterwards', async ({ expect }) => {
    const listed = async () => (await bindings.PUBLIC.get(cwaConfigCountryPath()))?.json();
    for (let n = 0; n < 2; n++) await rig.in((store) => store.advance());
    expect(await listed()).toEqual([]);
    await rig.publish('one', 0);
    expect(await listed()).toEqual(['DE']);
    expect(await rig.in((store) => store.counters())).toEqual({});
  });

  it('is idle and asks for no alarm before anything is published', async ({ expect }) => {
    const alarm = await runInDurableObject(rig.stub, async (store, state) => {
      expect(await store.advance()).toEqual({ idle: true });
      return state.storage.getAlarm();
    });
    expect(alarm).toBeNull();
  });

  it('refuses to go back behind what the bucket holds, if its own storage was set back', async ({ expect }) => {
    await rig.publish('one', 0);
    await rig.publish('two', 1);
    const newer = await published();
    await runInDurableObject(rig.stub, (_store, state) => {
      state.storage.sql.exec("DELETE FROM version WHERE version = 2; UPDATE head SET version = 1, state = 'PUBLISHED'");
    });
    expect(await rig.publish('three', 1)).toEqual({ kind: 'accepted', version: 2 });
    expect(await published()).toEqual(newer);
    expect(await rig.in((store) => store.counters())).toEqual({ alert_parameters_not_written: 1 });
    expect(await rig.publish('four', 2)).toEqual({ kind: 'published', version: 3 });
    expect((await published())?.version).toBe(3);
  });

  it('knows what a former key signed for its own, where that is configured', async ({ expect }) => {
    await rig.publish('one', 0);
    const headSigner = signerFromPkcs8Pem(testKeyPem('the next key')).raw;
    const found = (formerHeadKeys: typeof KEYS | Record<string, never>) =>
      publishedHead({ headKeyId: 'manifest-v2', headSigner, formerHeadKeys }, r2Bucket(bindings.PUBLIC));
    expect([(await found(KEYS))?.version, await found({})]).toEqual([1, null]);
  });
});

describe('what stands in the bucket', () => {
  const paths = (): string[] => [...cwaConfigPaths('DE'), cwaConfigCountryPath(), configHeadPath()];
  const contents = async (): Promise<Record<string, unknown>> => {
    const all: Record<string, unknown> = {};
    for (const { key } of (await bindings.PUBLIC.list()).objects) {
      const object = (await bindings.PUBLIC.get(key))!;
      all[key] = [await object.text(), object.httpMetadata];
    }
    return all;
  };

  it('is made again when it is lost, at the next step', async ({ expect }) => {
    await rig.publish('one', 0);
    const before = await contents();
    for (const key of Object.keys(before)) {
      await bindings.PUBLIC.delete(key);
      await rig.in((store) => store.advance());
      expect(await contents(), key).toEqual(before);
    }
    const counters = await rig.in((store) => store.counters());
    expect(counters).toEqual({ alert_object_lost: Object.keys(before).length });
    expect(await rig.in((store) => store.newAlerts())).toEqual(counters);
  });

  it.for([
    ['no UTF-8', new Uint8Array([0xff])],
    ['an unsigned head of version 999', JSON.stringify({ payload: JSON.stringify({ version: 999, documents: [] }) })],
  ] as const)('is replaced when it is %s, and a copy is kept', async ([, foreign], { expect }) => {
    await rig.publish('one', 0);
    const before = await contents();
    for (const key of Object.keys(before)) await bindings.PUBLIC.put(key, foreign);
    expect(await rig.in((store) => store.advance())).toEqual({ idle: true });
    expect(await contents()).toEqual(before);
    expect(await rig.in((store) => store.counters())).toEqual({ alert_foreign_object: Object.keys(before).length });
    expect((await bindings.PRIVATE.list({ prefix: 'foreign/' })).objects.length).toBe(1);
  });

  it('may be anything at all before the first version, and before the next', async ({ expect }) => {
    for (const key of paths()) await bindings.PUBLIC.put(key, 'x');
    expect(await rig.publish('one', 0)).toEqual({ kind: 'published', version: 1 });
    for (const key of paths()) await bindings.PUBLIC.put(key, 'x');
    expect(await rig.publish('two', 1)).toEqual({ kind: 'published', version: 2 });
    expect((await published())?.version).toBe(2);
  });

  it('killed at any put while it is mended, is mended by the next step', async ({ expect }) => {
    await rig.publish('one', 0);
    const before = await contents();
    for (const diesAfterPut of [false, true]) {
      for (let putsLeft = 0; putsLeft < PUTS_OF_FIRST; putsLeft++) {
        for (const key of Object.keys(before)) await bindings.PUBLIC.put(key, `foreign ${key}`);
        Object.assign(rig, { diesAfterPut, putsLeft });
        await rig.in((store) => store.advance()).catch(() => {});
        await evictAllDurableObjects();
        rig.putsLeft = Number.POSITIVE_INFINITY;
        await rig.in((store) => store.advance());
        expect(await contents(), `${diesAfterPut} ${putsLeft}`).toEqual(before);
      }
    }
  });

  it('has no head from the future: a clock that jumps is not believed', async ({ expect }) => {
    await rig.publish('one', 0);
    rig.second = rig.now;
    rig.now += 30 * 86_400;
    await rig.publish('two', 1);
    expect((await published())?.issuedAt).toBe(START + 2 * 3600);
    expect(await rig.in((store) => store.counters())).toEqual({ alert_clock_held: 1 });
  });
});

describe('the document of health authorities', () => {
  const spki = toBase64(signerFromPkcs8Pem(bindings.MANIFEST_SIGNING_KEY).publicKeySpki);
  const authority = (id: string) => ({
    id,
    name: id,
    issuer: id,
    audience: 'keys',
    regions: ['DE'],
    apps: [id],
    reportTypes: ['confirmed' as const],
    keys: [{ kid: 'v1', publicKey: spki, from: 0, until: null }],
  });
  const set = (expected: number, ids: readonly string[], persons?: number, dryRun = false) => {
    const document = JSON.stringify({ authorities: ids.map((id) => authority(id)) });
    return rig.in((store) => store.setAuthorities({ document, dryRun }, expected, persons));
  };
  const inForce = async (): Promise<[version: number, ids: string[]]> => {
    const { authorities } = await rig.in((store) => store.policy());
    return [authorities.version, authorities.authorities.map(({ id }) => id)];
  };
  /** The copy that a restore would find: its version, or null. */
  async function copied(): Promise<number | null> {
    const object = await bindings.PRIVATE.get('authorities.json');
    const opened = object === null ? null : openDocument('authorities', await object.text(), KEYS);
    return opened?.ok === true ? (opened.value.payload as { version: number }).version : null;
  }
  const lose = () =>
    runInDurableObject(rig.stub, (_store, state) => void state.storage.sql.exec('DELETE FROM authorities'));

  it('is in force when it is set, signed in the bucket, by the version that was seen', async ({ expect }) => {
    expect(await inForce()).toEqual([0, []]);
    expect(await set(0, ['one'], 1, true)).toEqual({ kind: 'would-publish', version: 1 });
    expect(await set(0, ['one'])).toEqual({ kind: 'published', version: 1 });
    expect([await inForce(), await copied()]).toEqual([[1, ['one']], 1]);
    expect(await set(0, ['two'])).toEqual({ kind: 'conflict', version: 1 });
    expect(await set(1, ['one'])).toEqual({ kind: 'unchanged', version: 1 });
    const both = await Promise.all([set(1, ['one', 'two']), set(1, ['one', 'three'])]);
    expect(both.map(({ kind }) => kind).toSorted()).toEqual(['conflict', 'published']);
    expect(await copied()).toBe(2);
  });

  it('gets what adds trust from two people where the parameters in force ask for them', async ({ expect }) => {
    await rig.in((store) => store.publishParameters({ document: text('asks', 10), audience: null, dryRun: false }, 0));
    expect(await set(0, ['one'])).toEqual({ kind: 'needs-second-person', version: 1, abovePercentage: 10 });
    expect(await set(0, ['one'], 2)).toEqual({ kind: 'published', version: 1 });
    expect(await set(1, [])).toEqual({ kind: 'published', version: 2 });
  });

  it.for([false, true])(
    'killed at its put, done: %s, is in force, and copied at the next step',
    async (done, { expect }) => {
      Object.assign(rig, { putsLeft: 0, diesAfterPut: done });
      expect(await set(0, ['one'])).toEqual({ kind: 'published', version: 1 });
      expect([await inForce(), await copied()]).toEqual([[1, ['one']], done ? 1 : null]);
      expect(await rig.in((store) => store.counters())).toEqual({ alert_parameters_not_written: 1 });
      rig.putsLeft = Number.POSITIVE_INFINITY;
      await evictAllDurableObjects();
      await rig.in((store) => store.advance());
      expect([await inForce(), await copied()]).toEqual([[1, ['one']], 1]);
    },
  );

  it('that is lost here is taken up from the bucket, and so is one that was set back', async ({ expect }) => {
    await set(0, ['one']);
    const first = await (await bindings.PRIVATE.get('authorities.json'))?.text();
    await lose();
    expect(await inForce()).toEqual([1, ['one']]);
    await set(1, ['two']);
    await lose();
    expect(await set(2, ['two', 'three'])).toEqual({ kind: 'published', version: 3 });
    await runInDurableObject(
      rig.stub,
      (_store, state) => void state.storage.sql.exec('UPDATE authorities SET version = 1'),
    );
    await rig.in((store) => store.advance());
    expect(await inForce()).toEqual([3, ['two', 'three']]);
    // An older one, though we signed it, is replaced.
    await bindings.PRIVATE.put('authorities.json', first ?? '');
    await rig.in((store) => store.advance());
    expect([await inForce(), await copied()]).toEqual([[3, ['two', 'three']], 3]);
  });

  it('that somebody else wrote into the bucket counts for nothing', async ({ expect }) => {
    const foreign = signDocument(
      'authorities',
      'manifest-v1',
      { version: 9, authorities: [authority('evil')] },
      {
        sign: () => new Uint8Array(64),
      },
    );
    for (const there of [foreign, '{"version":9,"authorities":[]}', new Uint8Array([0xff])]) {
      await bindings.PRIVATE.put('authorities.json', there);
      expect(await inForce()).toEqual([0, []]);
    }
    await set(0, ['one']);
    expect([await inForce(), await copied()]).toEqual([[1, ['one']], 1]);
  });
});
