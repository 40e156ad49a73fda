/**
 * @module How publishing ends: what waits is published first, heads say *ended*, a last one names nothing, both buckets are emptied, and the proof
 * finds whatever is left. Each step killed once.
 */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, it as itBoth } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { packUpload } from '../../domain/packed-upload.ts';
import { CERTIFICATE_TYPE, type ObjectRemains } from '../../domain/sunset.ts';
import { CERTIFICATE_KEY, LAST_VALID_UNTIL, lastListPath, lastListPaths } from '../../protocol/index/ended.ts';
import { headPath, type ManifestHead, parseManifestHead } from '../../protocol/index/manifest.ts';
import { openDocument } from '../../protocol/index/signed-document.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { withdrawalHash } from '../../protocol/withdrawal.ts';
import defaults from '../../parameters/default.json' with { type: 'json' };
import { describeLong, itLong, itUsual as it, usualOrLong } from '../../test/support/longer.ts';
import { BackOffice } from '../../workers/origin/entrypoints.ts';
import type { ParameterStore } from '../parameter-store/parameter-store-do.ts';
import { findings, regionAt } from './taking-rig.ts';
import { keysOf, MIDNIGHT, objects, publicJson, Rig, testEnv } from './test-rig.ts';

const { LOG_SIGNING_KEY, PARAMETER_STORE } = testEnv as unknown as {
  readonly LOG_SIGNING_KEY: string;
  readonly PARAMETER_STORE: DurableObjectNamespace<ParameterStore>;
};
const HOUR = MIDNIGHT / 3600 + 10;
const REGIONS = ['DE', 'EUR'];
const LEFT = [
  ...REGIONS.map((region) => headPath(region)),
  ...REGIONS.flatMap((region) => lastListPaths(region)),
].toSorted();

const office = () => new BackOffice({ waitUntil: () => {} } as unknown as ExecutionContext, env as never);

let rig: Rig;
let parameters: DurableObjectStub<ParameterStore>;
beforeEach(async () => {
  rig = await Rig.create();
  parameters = PARAMETER_STORE.getByName('parameters');
});

/** @returns why a call was refused */
async function refusal(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

async function headOf(region: string): Promise<ManifestHead> {
  const { payload } = (await publicJson(headPath(region))) as { payload: string };
  const head = parseManifestHead(JSON.parse(payload));
  if (!head.ok) throw new Error(head.error.rule);
  return head.value;
}

async function namesIn(bucket: R2Bucket): Promise<string[]> {
  return [...(await objects(bucket)).keys()].toSorted();
}

/** What the portal's `stop` does in `origin`, on the rig's clock. */
async function stop(): Promise<void> {
  await office().stopForGood(HOUR);
}

async function nextHour(): Promise<void> {
  rig.now += 3600;
  await rig.untilIdle();
}

/** A deployment with a published hour and keys that wait, stopped. */
async function stopped(): Promise<void> {
  await parameters.publishParameters({ document: JSON.stringify(defaults), audience: null, dryRun: false }, 0, 2);
  await rig.accept('u1', keysOf(1, 14));
  await rig.untilIdle();
  await nextHour();
  await rig.accept('u2', keysOf(2, 3));
  await rig.wakeBuffer();
  await stop();
}

/** … and published to its end. */
async function ended(): Promise<void> {
  await stopped();
  await nextHour();
  await nextHour();
}

describe('after stop', () => {
  it('nothing is taken in, what waits is published, and only then do heads say that it has ended', async ({
    expect,
  }) => {
    await stopped();
    expect(await rig.accept('u3', keysOf(3, 3))).toEqual({ kind: 'ended' });
    expect(await parameters.policy()).toMatchObject({ version: 1, ended: true });
    expect(await office().ending()).toEqual({ waits: true, announced: false, kept: null });
    expect(await refusal(() => office().purgeForGood(HOUR))).toContain('keys wait to be published');
    await nextHour();
    const head = await headOf('DE');
    expect([head.ended, head.hours.at(-1)]).toEqual([undefined, expect.objectContaining({ keys: '1-99' })]);
    expect(await office().ending()).toMatchObject({ waits: false, announced: false });
    await nextHour();
    for (const region of REGIONS) {
      const last = await headOf(region);
      expect([last.ended, last.hours.length]).toEqual([true, 3]);
      expect(last.validUntil).toBe(last.issuedAt + 4 * 3600);
    }
    expect(await office().ending()).toEqual({ waits: false, announced: true, kept: null });
  });

  itLong('cuts go on: what has had its time leaves also when nobody purges', async ({ expect }) => {
    rig.policy = { ...rig.policy, retentionDays: 1 };
    await ended();
    const before = (await namesIn(testEnv.PRIVATE)).filter((name) => name.startsWith('sets/')).length;
    for (let day = 1; day <= 3; day++) {
      rig.now += 86_400;
      await rig.untilIdle(200);
    }
    expect(before).toBeGreaterThan(0);
    expect((await namesIn(testEnv.PRIVATE)).filter((name) => name.startsWith('sets/'))).toEqual([]);
    expect((await headOf('DE')).ended).toBe(true);
  });

  it('an open deployment is not purged', async ({ expect }) => {
    await rig.untilIdle();
    expect(await refusal(() => office().purgeForGood(HOUR))).toContain('after the deployment is stopped');
    expect(await refusal(() => rig.buffer.purgeForGood(HOUR))).toContain('is stopped before it is purged');
  });
});

/** The objects of the other Workers, as if they were purged. */
const others: readonly ObjectRemains[] = [];
const proof = () => office().certify({ deployment: 'test', now: rig.now, objects: others, audit: null });

describe('what is being taken back', () => {
  it('is waited for: a phone that has seen the end would never hear of it', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 14));
    await rig.untilIdle();
    await nextHour();
    const record = (await namesIn(testEnv.PRIVATE)).find((name) => /^sets\/\d+\/\d+-\d+\.bin$/.test(name))!;
    const [hour, day, n] = /^sets\/(\d+)\/(\d+)-(\d+)/.exec(record)!.slice(1).map(Number) as [number, number, number];
    const parts = [{ hour, day, n, rows: Uint32Array.of(0) }];
    await rig.inPublisher((publisher) => publisher.takeBack({ id: crypto.randomUUID(), cause: 'rollback', parts }));
    await stop();
    expect(await office().ending()).toEqual({ waits: true, announced: false, kept: null });
    for (let hours = 0; hours < 30 && !(await office().ending()).announced; hours++) {
      expect((await headOf('EUR')).ended).toBeUndefined();
      await nextHour();
    }
    const { ended: hasEnded, revocations } = await headOf('EUR');
    expect([hasEnded, typeof revocations]).toEqual([true, 'string']);
  });
});

describeLong('with the minima of a chunk', () => {
  const openingOf = ({ keyData }: { readonly keyData: Uint8Array }) => ({ keyData, secret: sha256(keyData) });

  itLong.for([
    [2, []],
    [0, ['a2a']],
  ] as const)(
    'ends within a night where hours are padded, and what was taken back in its last hour with company, %i uploads being set aside an hour',
    async ([reserveUploads, feeds], { expect }) => {
      rig.feeds = feeds;
      rig.policy = { ...DEFAULT_CHUNK_POLICY, minKeys: 40, minUploads: 4, reserveUploads, maxHoldHours: 0 };
      rig.now = MIDNIGHT + 21 * 3600;
      const own = keysOf(1, 14);
      await rig.accept(
        'u1',
        own.map((key) => ({ ...key, withdrawalHash: withdrawalHash(openingOf(key)) })),
      );
      await rig.untilIdle();
      await nextHour();
      await rig.tuneBuffer();
      await rig.buffer.withdraw(own.map((key) => openingOf(key)));
      await stop();
      // Keys of the running day that decoys have wait for the night.
      let hours = 0;
      for (; hours < 12 && !(await office().ending()).announced; hours++) await nextHour();
      expect(hours).toBeLessThan(7);
      for (const region of REGIONS) {
        const { head, revoked } = await regionAt(region);
        expect(head.ended).toBe(true);
        // The oldest has its time at this midnight.
        const taken = own.slice(0, -1).map(({ keyData }) => toHex(keyData));
        expect(revoked).toEqual(expect.arrayContaining(taken));
        expect(new Set(revoked).size - taken.length).toBeGreaterThanOrEqual(rig.policy.minKeys);
      }
      expect(await findings()).toEqual([]);
    },
  );
});

describe('purge', () => {
  it('leaves the last heads and CWA’s empty lists, a row an object, and a certificate that the log’s key signed', async ({
    expect,
  }) => {
    await ended();
    const former = await headOf('DE');
    await rig.inPublisher(() => office().purgeForGood(HOUR + 3));
    expect(await namesIn(testEnv.PUBLIC)).toEqual(LEFT);
    expect(await namesIn(testEnv.PRIVATE)).toEqual([]);
    for (const region of REGIONS) {
      expect(await headOf(region)).toMatchObject({ ended: true, hours: [], pages: [], validUntil: LAST_VALID_UNTIL });
      expect(await publicJson(lastListPath(region))).toEqual([]);
    }
    expect((await headOf('DE')).sequence).toBe(former.sequence + 1);
    for (const object of await office().remains()) {
      expect(object).toMatchObject({
        phase: 'purged',
        since: HOUR + 3,
        tables: { deployment_end: 1 },
        hasAlarm: false,
      });
      expect(Object.keys(object.tables)).toEqual(['deployment_end']);
    }
    const reply = await proof();
    if (reply.kind !== 'proved') throw new Error(reply.what.join());
    const key = signerFromPkcs8Pem(LOG_SIGNING_KEY).publicKeySpki;
    const opened = openDocument(CERTIFICATE_TYPE, reply.certificate, { 'log-v1': key });
    expect(opened.ok && opened.value.payload).toEqual(reply.proof);
    expect(reply.proof.log.counts['published']).toBe(
      reply.proof.heads.reduce((sum, { sequence }) => sum + sequence, 0),
    );
    expect(reply.proof.buckets.map(({ name }) => name).toSorted()).toEqual(LEFT);
    expect(reply.proof.recovery[0]!.endsOn).toBe('2026-07-16');
    expect(await namesIn(testEnv.PUBLIC)).toEqual([...LEFT, CERTIFICATE_KEY].toSorted());
  });

  it('is followed by nothing: no alarm, no cron, no upload, after a restart too', async ({ expect }) => {
    await ended();
    await rig.inPublisher(() => office().purgeForGood(HOUR + 3));
    for (const restart of [false, true]) {
      if (restart) await rig.evict();
      rig.now += 86_400;
      await rig.tuneBuffer();
      expect(
        await rig.buffer.accept(
          'late',
          packUpload({
            keys: keysOf(9, 2),
            regions: ['DE'],
            consentToFederation: true,
            origin: 'DE',
            issueId: null,
          }),
        ),
      ).toEqual({ kind: 'ended' });
      const alarmed = async (instance: { alarm(): Promise<void> }, { storage }: DurableObjectState): Promise<void> => {
        await storage.setAlarm(Date.now() + 3_600_000);
        await instance.alarm();
        expect(await storage.getAlarm()).toBeNull();
      };
      await runInDurableObject(rig.buffer, alarmed);
      await runInDurableObject(rig.publisher, alarmed);
      await runInDurableObject(parameters, alarmed);
      expect(await office().advance()).toEqual({ idle: true });
      await rig.publisher.wake();
      expect(await refusal(() => rig.buffer.clockStatus('buffer', rig.now))).toContain('this deployment has ended');
      expect(await refusal(() => parameters.parameterStatus())).toContain('this deployment has ended');
      expect(await namesIn(testEnv.PUBLIC)).toEqual(LEFT);
      expect(await namesIn(testEnv.PRIVATE)).toEqual([]);
      expect((await office().remains()).every(({ tables }) => Object.keys(tables).length === 1)).toBe(true);
    }
    expect(await parameters.policy()).toEqual({
      version: Number.MAX_SAFE_INTEGER,
      supportedCountries: [],
      authorities: { version: Number.MAX_SAFE_INTEGER, authorities: [] },
      formerCountries: [],
      ended: true,
    });
  });

  itBoth.for(
    usualOrLong({ usual: [headPath('DE')], long: ['log/', headPath('DE'), lastListPath('EUR'), headPath('EUR')] }),
  )('killed after the put of %s goes on: one last head a region, the chain whole', async (prefix, { expect }) => {
    await ended();
    const former = await headOf('DE');
    rig.afterPut = (key) => {
      if (!key.startsWith(prefix)) return;
      rig.afterPut = () => {};
      rig.dead = true;
    };
    await expect(rig.inPublisher((publisher) => publisher.publishLast())).rejects.toThrow('killed');
    await rig.evict();
    await rig.inPublisher(() => office().purgeForGood(HOUR + 3));
    expect([(await headOf('DE')).sequence, (await headOf('DE')).hours]).toEqual([former.sequence + 1, []]);
    expect(await namesIn(testEnv.PUBLIC)).toEqual(LEFT);
    expect((await proof()).kind).toBe('proved');
  });

  it('interrupted between objects goes on, and is not proved before its end', async ({ expect }) => {
    await ended();
    await rig.inPublisher((publisher) => publisher.publishLast());
    await rig.buffer.purgeForGood(HOUR);
    await evictDurableObject(rig.buffer);
    expect(await proof()).toMatchObject({
      kind: 'left',
      what: expect.arrayContaining(['object publisher (stopped)', 'object parameters (stopped)']) as unknown,
    });
    await rig.inPublisher(() => office().purgeForGood(HOUR));
    await office().purgeForGood(HOUR + 5);
    expect((await proof()).kind).toBe('proved');
  });

  it('is not proved while a byte is left that nobody knows of, or a head isn’t ours; purged again, it is', async ({
    expect,
  }) => {
    await ended();
    await rig.inPublisher(() => office().purgeForGood(HOUR + 3));
    await testEnv.PRIVATE.put('journal/waiting.bin', 'x');
    await testEnv.PUBLIC.put('version/v2/app_config_android', 'x');
    expect(await proof()).toEqual({
      kind: 'left',
      what: ['public version/v2/app_config_android', 'private journal/waiting.bin'],
    });
    await office().purgeForGood(HOUR + 4);
    expect((await proof()).kind).toBe('proved');
    await testEnv.PUBLIC.put(headPath('DE'), '{}');
    expect(await proof()).toEqual({ kind: 'left', what: [`public ${headPath('DE')} (not ours)`] });
    await runInDurableObject(rig.buffer, (_buffer, { storage }) => storage.setAlarm(Date.now() + 3_600_000));
    expect(await proof()).toEqual({ kind: 'left', what: ['object buffer (purged)'] });
  });
});
