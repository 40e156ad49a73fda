/** @module CWA's packages that held keys which were taken back are in its configuration: by real bucket and objects, Publisher's too. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, it } from 'vitest';
import defaults from '../../parameters/default.json' with { type: 'json' };
import { cwaconfig } from '../../protocol/generated/cwa-config.js';
import { dateOf } from '../../protocol/gaen/intervals.ts';
import { dayPath } from '../../protocol/index/cwa-tree.ts';
import { readZip } from '../../protocol/export/zip.ts';
import { cwaConfigPaths } from '../../protocol/parameters/cwa-config.ts';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { take } from '../publisher/taking-rig.ts';
import { MIDNIGHT, Rig, keysOf, testEnv } from '../publisher/test-rig.ts';
import { configHeadPath } from '../../protocol/parameters/config-head.ts';
import { openDocument } from '../../protocol/index/signed-document.ts';
import { openZip } from '../../protocol/export/export-reader.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import type { ParameterStoreConfig, ZipSigner } from './config.ts';
import type { ParameterStore } from './parameter-store-do.ts';

const { PARAMETER_STORE } = env as unknown as { readonly PARAMETER_STORE: DurableObjectNamespace<ParameterStore> };

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const store = () => PARAMETER_STORE.getByName('parameters');

async function inStore<T>(body: (parameters: ParameterStore) => Promise<T>): Promise<T> {
  return runInDurableObject(store(), async (parameters, { storage }) => {
    Object.assign(parameters, { clock: () => rig.now, secondClock: async () => rig.now });
    try {
      return await body(parameters);
    } finally {
      await storage.deleteAlarm();
    }
  });
}

const publish = (change: object, expected: number) =>
  inStore((parameters) =>
    parameters.publishParameters(
      { document: JSON.stringify({ ...defaults, ...change }), audience: null, dryRun: false },
      expected,
    ),
  );

/** What CWA's Android and iOS apps read of revoked days. */
async function revokedDays(): Promise<unknown[]> {
  const [, , , android = '', ios = ''] = cwaConfigPaths('DE');
  const [ofAndroid, ofIos] = await Promise.all(
    [android, ios].map(async (path) => {
      const object = await testEnv.PUBLIC.get(path);
      const entries = readZip(
        new Uint8Array(await object!.arrayBuffer()),
        new Map(['export.bin', 'export.sig'].map((name) => [name, 2 ** 20])),
      );
      if (!entries.ok) throw new Error(path);
      return entries.value.get('export.bin')!;
    }),
  );
  const read = cwaconfig.ApplicationConfigurationAndroid.decode(ofAndroid!).keyDownloadParameters?.revokedDayPackages;
  const same = cwaconfig.ApplicationConfigurationIOS.decode(ofIos!).keyDownloadParameters?.revokedDayPackages;
  const plain = JSON.stringify(read ?? []);
  if (JSON.stringify(same ?? []) !== plain) throw new Error('the apps read different lists');
  return JSON.parse(plain) as unknown[];
}

describe('packages of days whose keys were taken back', () => {
  it('are named by the ETags that apps may have, beside those that people listed', async ({ expect }) => {
    const own = { region: 'EUR', date: '2026-06-01', etag: '"by-hand"' };
    await publish({ keyDownload: { ...defaults.keyDownload, revokedDayPackages: [own] } }, 0);
    expect(await revokedDays()).toEqual([own]);
    rig.now = MIDNIGHT + 22 * 3600;
    await rig.accept('forged', keysOf(1, 8));
    await rig.accept('person', keysOf(2, 6));
    rig.now = MIDNIGHT + 25 * 3600;
    await rig.untilIdle();
    const date = dateOf(MIDNIGHT);
    const etags = await Promise.all(
      ['DE', 'EUR'].map(async (region) => (await testEnv.PUBLIC.head(dayPath(region, date)))!.httpEtag),
    );
    await take(rig, concatBytes(...keysOf(1, 8).map(({ keyData }) => keyData)));
    rig.now += 3600;
    await rig.untilIdle();
    await inStore((parameters) => parameters.advance());
    const listed = await revokedDays();
    expect(listed).toContainEqual(own);
    for (const [at, region] of ['DE', 'EUR'].entries())
      expect(listed).toContainEqual({ region, date, etag: etags[at] });
    const now = (await testEnv.PUBLIC.head(dayPath('DE', date)))!.httpEtag;
    expect(listed).not.toContainEqual({ region: 'DE', date, etag: now });
    // A document that is published later keeps them.
    await publish({ appFeatures: [{ label: 'later', value: 1 }] }, 1);
    expect(await revokedDays()).toContainEqual({ region: 'DE', date, etag: etags[0] });
  });

  it('are told again until ParameterStore has them, and written once', async ({ expect }) => {
    await publish({}, 0);
    const packages = [{ region: 'DE', date: '2026-06-15', etag: '"a"' }];
    await inStore((parameters) => parameters.revokePackages(packages));
    const state = () => inStore(async (parameters) => (await parameters.parameterStatus()).published);
    expect(await state()).toBe(false);
    await inStore((parameters) => parameters.advance());
    expect(await revokedDays()).toEqual(packages);
    await inStore((parameters) => parameters.revokePackages(packages));
    expect(await state()).toBe(true);
    await inStore((parameters) => parameters.revokePackages([]));
    await inStore((parameters) => parameters.advance());
    expect(await revokedDays()).toEqual([]);
  });
});

describe('keys that are changed', () => {
  const DAY = 86_400;
  const manifest = signerFromPkcs8Pem(testKeyPem('the next manifest key'));
  const next = signerFromPkcs8Pem(testKeyPem('the next export key'));
  const head = async (keys: Record<string, Uint8Array>) => {
    const opened = openDocument('config', await (await testEnv.PUBLIC.get(configHeadPath()))!.text(), keys);
    return opened.ok ? JSON.stringify(opened.value.payload) : opened.error.kind;
  };

  const signedBy = async (): Promise<string[]> => {
    const object = await testEnv.PUBLIC.get(cwaConfigPaths('DE').at(-1)!);
    const opened = openZip(new Uint8Array(await object!.arrayBuffer()), null);
    return opened.ok ? opened.value.signatures.map(({ keyId, keyVersion }) => `${keyId} ${keyVersion}`) : [];
  };

  it('sign what is published at the next step, under the same head, the former beside them until its day', async ({
    expect,
  }) => {
    await publish({}, 0);
    await inStore((parameters) => parameters.advance());
    const before = await inStore((parameters) => parameters.parameterStatus());
    const deployed = await inStore(async (parameters) => {
      const own = parameters as unknown as { config: ParameterStoreConfig };
      const [present, config] = own.config.zipSigners as [ZipSigner, ZipSigner];
      const { der: signer, publicKeySpki } = next;
      const name = { keyId: '262', keyVersion: 'v2' };
      const changed = {
        headKeyId: 'manifest-v2',
        headSigner: manifest.raw,
        headPublicKey: manifest.publicKeySpki,
        formerHeadKeys: { [own.config.headKeyId]: own.config.headPublicKey },
        zipSigners: [{ name, signer, publicKeySpki, until: null }, config, { ...present, until: rig.now + DAY }],
      };
      Object.assign(own.config, changed);
      return changed;
    });
    expect(await head(deployed.formerHeadKeys)).toContain('"version":1');
    await inStore((parameters) => parameters.advance());
    expect(await head(deployed.formerHeadKeys)).toBe('unknown-key');
    expect(await head({ 'manifest-v2': manifest.publicKeySpki })).toContain('"version":1');
    expect(await inStore((parameters) => parameters.parameterStatus())).toEqual(before);
    expect(await signedBy()).toEqual(['262 v2', '262 v1', '262 v1']);
    rig.now += DAY;
    await inStore((parameters) => parameters.advance());
    expect(await signedBy()).toEqual(['262 v2', '262 v1']);
    expect(await inStore((parameters) => parameters.counters())).toEqual({});
  });
});
