/** @module Google's view in the real bucket: names that stay, keys that leave, what is taken back, two signatures, and a publisher that is killed on the way. */
import { beforeEach, describe, it } from 'vitest';
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { compareKeys } from '../../protocol/export/tek-order.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { hourPath } from '../../protocol/index/cwa-tree.ts';
import { googleIndexPath, googleIndexText } from '../../protocol/index/google-index.ts';
import { concatBytes, fromUtf8, toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import type { PublisherConfig } from './model.ts';
import { confirmed, exportAt, findings, likely, regionAt, revise, seal, take, teksIn } from './taking-rig.ts';
import { DAY_0, keysOf, MIDNIGHT, objects, Rig, testEnv } from './test-rig.ts';

const DAY = 86_400;
const WINDOW = 4 * 3600;
const hexOf = (upload: number, keys: number): string[] => keysOf(upload, keys).map(({ keyData }) => toHex(keyData));

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

/** The lines of a region's list, as object keys. */
async function listed(region = 'DE'): Promise<string[]> {
  const object = await testEnv.PUBLIC.get(googleIndexPath(region));
  const text = fromUtf8(new Uint8Array(await object!.arrayBuffer()));
  return text === '' ? [] : text.split('\n').map((line) => `v1/${region}/${line}`);
}

const nameOf = (start: number, n = 1, region = 'DE'): string =>
  `v1/${region}/exposure-keys/${start}-${start + WINDOW}-${String(n).padStart(5, '0')}.zip`;

/** Two uploads in the last window of a day; the day is over. */
async function aDay(): Promise<void> {
  rig.now = MIDNIGHT + 20 * 3600;
  await rig.accept('forged', keysOf(1, 8));
  await rig.accept('person', keysOf(2, 6), ['DE', 'FR']);
  await rig.untilIdle();
  rig.now = MIDNIGHT + DAY;
  await rig.untilIdle();
}
const LAST_WINDOW = MIDNIGHT + 20 * 3600;

describe('Google’s list', () => {
  it('is empty, not absent, before anything is published', async ({ expect }) => {
    await rig.advance();
    for (const region of ['DE', 'EUR']) expect(await listed(region)).toEqual([]);
  });

  it('names a window of four hours once it has ended, and only one with keys', async ({ expect }) => {
    rig.now = MIDNIGHT + 20 * 3600;
    await rig.accept('u1', keysOf(1, 8));
    await rig.accept('u2', keysOf(2, 6));
    for (const hour of [21, 22, 23]) {
      rig.now = MIDNIGHT + hour * 3600;
      await rig.untilIdle();
      expect(await listed()).toEqual([]);
    }
    rig.now = MIDNIGHT + 29 * 3600;
    await rig.untilIdle();
    for (const region of ['DE', 'EUR']) {
      const [name, ...others] = await listed(region);
      expect([name, others]).toEqual([nameOf(LAST_WINDOW, 1, region), []]);
      const { header, keys, revisedKeys } = await exportAt(name!);
      expect(header).toMatchObject({ startTimestamp: LAST_WINDOW, endTimestamp: LAST_WINDOW + WINDOW, region });
      expect(teksIn(keys).toSorted()).toEqual([...hexOf(1, 8), ...hexOf(2, 6)].toSorted());
      expect([keys, revisedKeys]).toEqual([keys.toSorted(compareKeys), []]);
    }
    const list = (await testEnv.PUBLIC.get(googleIndexPath('DE')))!;
    expect(new TextDecoder('ascii', { fatal: true, ignoreBOM: false }).decode(await list.arrayBuffer())).toBe(
      `exposure-keys/${LAST_WINDOW}-${LAST_WINDOW + WINDOW}-00001.zip`,
    );
    expect(list.httpMetadata).toMatchObject({
      contentType: 'text/plain',
      cacheControl: 'public, max-age=60, stale-while-revalidate=600',
    });
    expect((await testEnv.PUBLIC.head(nameOf(LAST_WINDOW)))!.httpMetadata).toMatchObject({
      contentType: 'application/zip',
      cacheControl: 'public, max-age=86400',
      // The oldest key, of eight days before, leaves 14 days after its end; then the grace.
      cacheExpiry: new Date((MIDNIGHT + 7 * DAY + WINDOW) * 1000),
    });
  });
});

describe('keys that are taken back', () => {
  it('leave the file of their window under its name, and are revised in a later one’s file of its own', async ({
    expect,
  }) => {
    await aDay();
    await take(rig, concatBytes(...keysOf(1, 8).map(({ keyData }) => keyData)));
    await rig.accept('new', keysOf(3, 4));
    await seal(rig);
    for (const region of ['DE', 'EUR']) {
      expect(teksIn((await exportAt(nameOf(LAST_WINDOW, 1, region))).keys).toSorted()).toEqual(hexOf(2, 6).toSorted());
    }
    await seal(rig, 3);
    const start = MIDNIGHT + DAY;
    expect(await listed()).toEqual([nameOf(LAST_WINDOW), nameOf(start), nameOf(start, 2)]);
    const [keys, revised] = [await exportAt(nameOf(start)), await exportAt(nameOf(start, 2))];
    expect(teksIn(keys.keys).toSorted()).toEqual(hexOf(3, 4).toSorted());
    expect([keys.revisedKeys, revised.keys]).toEqual([[], []]);
    expect(teksIn(revised.revisedKeys).toSorted()).toEqual(hexOf(1, 8).toSorted());
    expect(new Set(revised.revisedKeys.map(({ reportType }) => reportType))).toEqual(new Set([REPORT_TYPE.REVOKED]));
    expect([keys.header.endTimestamp, revised.header.endTimestamp]).toEqual([start + WINDOW + 1, start + WINDOW + 2]);
    expect(await findings()).toEqual([]);
  });

  it('in the window of their publication are in no file as keys', async ({ expect }) => {
    rig.now = MIDNIGHT + 20 * 3600;
    await rig.accept('forged', keysOf(1, 8));
    await rig.accept('person', keysOf(2, 6));
    await seal(rig);
    await take(rig, concatBytes(...keysOf(1, 8).map(({ keyData }) => keyData)));
    await seal(rig, 3);
    expect(teksIn((await exportAt(nameOf(LAST_WINDOW))).keys).toSorted()).toEqual(hexOf(2, 6).toSorted());
    expect(teksIn((await exportAt(nameOf(LAST_WINDOW, 2))).revisedKeys).toSorted()).toEqual(hexOf(1, 8).toSorted());
    // Unmodified apps are told no more than ours: the same keys as the list of revocations has.
    expect((await regionAt('DE')).revoked.toSorted()).toEqual(hexOf(1, 8).toSorted());
  });
});

describe('keys that get another report type', () => {
  it('are said so once in a file of their own, and those taken back since in the same window are REVOKED alone', async ({
    expect,
  }) => {
    rig.now = MIDNIGHT + 20 * 3600;
    await rig.accept('suspected', likely(keysOf(1, 8)));
    await rig.accept('other', likely(keysOf(2, 4)));
    rig.now = MIDNIGHT + DAY + 3600;
    await rig.untilIdle();
    await revise(rig, confirmed([...keysOf(1, 8), ...keysOf(2, 4)]));
    await seal(rig);
    await take(rig, concatBytes(...keysOf(2, 4).map(({ keyData }) => keyData)));
    await seal(rig, 3);
    expect(await listed()).toEqual([nameOf(LAST_WINDOW), nameOf(MIDNIGHT + DAY)]);
    // The key stays in the file of its window as it was; what was taken back left it.
    expect(teksIn((await exportAt(nameOf(LAST_WINDOW))).keys).toSorted()).toEqual(hexOf(1, 8).toSorted());
    const { keys, revisedKeys } = await exportAt(nameOf(MIDNIGHT + DAY));
    const typesOf = (type: number): string[] => teksIn(revisedKeys.filter((key) => key.reportType === type)).toSorted();
    expect([keys, typesOf(REPORT_TYPE.CONFIRMED_TEST), typesOf(REPORT_TYPE.REVOKED)]).toEqual([
      [],
      hexOf(1, 8).toSorted(),
      hexOf(2, 4).toSorted(),
    ]);
    expect(await findings()).toEqual([]);
  });
});

describe('a window with more keys than a file takes', () => {
  it('is several files, and each key stays in its own while others leave', async ({ expect }) => {
    rig.policy = { ...rig.policy, maxKeysPerFile: 8 };
    rig.now = MIDNIGHT + 20 * 3600;
    // The oldest of each leaves at the midnight after next.
    for (const upload of [1, 2]) await rig.accept(`u${upload}`, keysOf(upload, 10, DAY_0 - 4));
    rig.now = MIDNIGHT + DAY;
    await rig.untilIdle();
    const filesNow = async (): Promise<Record<string, string[]>> => {
      const files: Record<string, string[]> = {};
      for (const name of await listed()) {
        const { header, keys } = await exportAt(name);
        expect(header.endTimestamp).toBe(LAST_WINDOW + WINDOW + Number(name.slice(-9, -4)));
        files[name] = teksIn(keys);
      }
      return files;
    };
    const before = await filesNow();
    expect(Object.values(before).map(({ length }) => length)).toEqual([6, 8, 6]);
    expect(Object.values(before).flat().toSorted()).toEqual(
      [1, 2].flatMap((upload) => keysOf(upload, 10, DAY_0 - 4).map(({ keyData }) => toHex(keyData))).toSorted(),
    );
    rig.now = MIDNIGHT + 2 * DAY + 3600;
    await rig.untilIdle(100);
    const after = await filesNow();
    // A phone that had some files before and has others after lacks none.
    expect(Object.values(after).flat()).toHaveLength(18);
    for (const [name, teks] of Object.entries(after)) expect(before[name]).toEqual(expect.arrayContaining(teks));
  });
});

describe('a key that is replaced', () => {
  const FORMER = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(new Uint8Array(1))));
  const { EXPORT_SIGNING_KEY } = testEnv as unknown as { readonly EXPORT_SIGNING_KEY: string };
  const present = {
    keyId: '262',
    keyVersion: 'v1',
    publicKeySpki: signerFromPkcs8Pem(EXPORT_SIGNING_KEY).publicKeySpki,
  };
  const former = { keyId: '262', keyVersion: 'v0', publicKeySpki: FORMER.publicKeySpki };

  /** The former key signs until one day after the story begins. */
  const tune = (): Promise<void> =>
    rig.inPublisher(async (publisher) => {
      const own = publisher as unknown as { config: PublisherConfig };
      const { der: signer, publicKeySpki } = FORMER;
      const name = { keyId: '262', keyVersion: 'v0' };
      const formerKey = { name, signer, publicKeySpki, until: MIDNIGHT + 2 * DAY };
      own.config = { ...own.config, formerKey };
    });

  async function signedBy(name: string): Promise<string[]> {
    const bytes = (await objects(testEnv.PUBLIC)).get(name)!;
    const read = readExportZip(bytes, present);
    if (!read.ok) throw new Error(read.error.kind);
    const names = read.signedBy.map(({ keyVersion }) => keyVersion);
    // Each of the keys that it names opens it alone.
    if (names.includes('v0') && !readExportZip(bytes, former).ok) throw new Error('the former key doesn’t open it');
    return names;
  }

  it('signs first, and the former beside it until its day, in our view and Google’s', async ({ expect }) => {
    await tune();
    await aDay();
    const native = (await regionAt('DE')).days[0]!.chunks.map(({ sha256: hash }) => `v1/DE/chunks/${hash}.zip`);
    for (const name of [nameOf(LAST_WINDOW), ...native]) expect(await signedBy(name)).toEqual(['v1', 'v0']);
    expect(await signedBy('version/v1/diagnosis-keys/country/DE/date/2026-06-15')).toEqual(['v1']);
    expect(await signedBy(hourPath('DE', '2026-06-15', 20))).toEqual(['v1']);
    // What was recorded gives the same bytes again.
    rig.now = MIDNIGHT + DAY + 2 * 3600;
    await rig.untilIdle();
    const alerts = await rig.inPublisher(async (publisher) => (await publisher.status()).counters);
    expect(Object.keys(alerts).filter((name) => name.startsWith('alert_'))).toEqual([]);
    await rig.accept('new', keysOf(3, 4));
    rig.now = MIDNIGHT + 2 * DAY + 4 * 3600;
    await rig.untilIdle();
    await rig.accept('newer', keysOf(4, 4));
    rig.now = MIDNIGHT + 2 * DAY + 8 * 3600;
    await rig.untilIdle();
    expect(await signedBy((await listed()).at(-1)!)).toEqual(['v1']);
  });
});

describe('a file that somebody else replaced, or that is lost', () => {
  it('is put again as it was', async ({ expect }) => {
    await aDay();
    const before = (await objects(testEnv.PUBLIC)).get(nameOf(LAST_WINDOW))!;
    await testEnv.PUBLIC.put(nameOf(LAST_WINDOW), 'something else');
    await testEnv.PUBLIC.delete(nameOf(LAST_WINDOW, 1, 'EUR'));
    await testEnv.PUBLIC.delete(googleIndexPath('EUR'));
    rig.now += 60;
    await rig.untilIdle();
    const after = await objects(testEnv.PUBLIC);
    expect(after.get(nameOf(LAST_WINDOW))).toEqual(before);
    expect(fromUtf8(after.get(googleIndexPath('EUR'))!)).toBe(googleIndexText('EUR', [nameOf(LAST_WINDOW, 1, 'EUR')]));
    expect(after.has(nameOf(LAST_WINDOW, 1, 'EUR'))).toBe(true);
  });
});
