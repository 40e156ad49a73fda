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
