/**
 * @module What a phone fetches of what was taken back: the difference, if it has the keys, and nothing else (docs/architecture.md §6).
 */
import { describe, it } from 'vitest';
import { dateOf, hourOf } from '../../protocol/gaen/intervals.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { chunkPath } from '../../protocol/index/chunk-paths.ts';
import { headPath, MANIFEST_TYPE, type RevocationEntry, revocationPagePath } from '../../protocol/index/manifest.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { ExportWriter, exportSignature, exportZip } from '../../protocol/export/export-file.ts';
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { heardOf } from '../testing/heard.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { CLEAR, SimulatedPhone } from '../testing/simulated-phone.ts';
import { EXPORT_KEY, exportSigner, manifestSigner, REGION, Timeline, zipOf } from '../testing/timeline.ts';
import { describeDownloadError } from './download.ts';
import { needsRevocation, NO_HOUR, withDay, withFile, withHours, withKeysOf, withRevocation } from './had.ts';

const MIDNIGHT = hourOf(Date.UTC(2026, 5, 10) / 1000);
const DAY = dateOf(MIDNIGHT * 3600);
const random = testRandom('revocations');
const keyIn = (hour: number): TemporaryExposureKey =>
  testKey(random, { rollingStartIntervalNumber: Math.floor(hour / 24) * 144 - 288 });
const KEYS = Array.from({ length: 60 }, (_, h) => Array.from({ length: 3 }, () => keyIn(MIDNIGHT + h)));
const REVOKED = [KEYS[3]![1]!, KEYS[20]![0]!];
/** What everybody heard: two keys that are taken back, and one that isn't. */
const HEARD = [...REVOKED, KEYS[4]![0]!].map((key) => heardOf(key, 40));
/** @param revoked keys by the hour, from the first, in which they are taken back */
const timelineOf = (revoked: Readonly<Record<number, readonly TemporaryExposureKey[]>>): Timeline =>
  new Timeline({
    firstHour: MIDNIGHT,
    hours: KEYS.length,
    maxKeysPerFile: 40,
    cutDelayHours: 0,
    lagSeconds: 60,
    keysOf: (hour) => KEYS[hour - MIDNIGHT] ?? [],
    revokedIn: (hour) => revoked[hour - MIDNIGHT] ?? [],
  });
/** Just after that hour is published. */
const after = (hour: number): number => (MIDNIGHT + hour + 1) * 3600 + 120;
const phoneOf = (timeline: Pick<Timeline, 'at'>, hour: number) =>
  new SimulatedPhone(timeline, 'manifest', after(hour), HEARD);
const met = (phone: SimulatedPhone): number => phone.history.matches(phone.now).length;
const pathsSince = (phone: SimulatedPhone, from: number): string[] =>
  phone.fetched.slice(from).map(({ path }) => path.replace(/[A-Za-z0-9_-]{43}/, '…'));

describe('a phone that has the day', () => {
  const timeline = timelineOf({ 26: REVOKED });
  it('fetches the small difference and not the day, counts the keys no more, and asks for it no second time', async ({
    expect,
  }) => {
    const phone = phoneOf(timeline, 25);
    await phone.run(CLEAR);
    expect(met(phone)).toBe(3);
    const before = phone.fetched.length;
    phone.now = after(26);
    expect((await phone.run(CLEAR)).errors).toEqual([]);
    expect(met(phone)).toBe(1);
    expect(pathsSince(phone, before)).toEqual([
      'v1/EUR/manifest.json',
      // The hour that is new, then what was revoked.
      'v1/EUR/chunks/….zip',
      'v1/EUR/revocations/….json',
      'v1/EUR/chunks/….zip',
    ]);
    phone.now = after(30);
    const then = phone.fetched.length;
    await phone.run(CLEAR);
    expect(pathsSince(phone, then).filter((path) => path.includes('revocations'))).toEqual([]);
    expect(pathsSince(phone, then)).toHaveLength(1 + 4);
  });

  it('in a phone that knows no revocations and learns of them: everything listed', async ({ expect }) => {
    // Its state says nothing of what its files are without.
    const old = { [DAY]: { complete: true, hours: [], files: [] } };
    expect(needsRevocation(old, { hour: MIDNIGHT + 26, days: [DAY] })).toBe(true);
    const noted = withRevocation(old, { hour: MIDNIGHT + 26, days: [DAY] });
    expect(needsRevocation(noted, { hour: MIDNIGHT + 26, days: [DAY] })).toBe(false);
    expect(needsRevocation(noted, { hour: MIDNIGHT + 27, days: [DAY] })).toBe(true);
  });
});

describe('a phone that installs the app later', () => {
  it('takes the cut day, and no revocation', async ({ expect }) => {
    const phone = phoneOf(timelineOf({ 26: REVOKED }), 30);
    expect((await phone.run(CLEAR)).errors).toEqual([]);
    expect(met(phone)).toBe(1);
    const files = phone.fetched.filter(({ path }) => path.endsWith('.zip'));
    // Two files of the first day, the seven hours of the running day: none of revised keys.
    expect(files).toHaveLength(2 + 7);
    expect(phone.received.size).toBe(72 - 2 + 21);
  });

  it('needs one for the running day, whose hours stay as they are', async ({ expect }) => {
    const phone = phoneOf(timelineOf({ 22: REVOKED }), 22);
    expect((await phone.run(CLEAR)).errors).toEqual([]);
    expect(met(phone)).toBe(1);
    expect(phone.history.snapshot().entries.filter(({ key }) => key.reportType === REPORT_TYPE.REVOKED)).toHaveLength(
      2,
    );
  });
});

describe('a day that is cut anew', () => {
  it('in the middle of its files: the new ones and the difference, since old ones were matched', async ({ expect }) => {
    const timeline = timelineOf({ 26: REVOKED });
    const phone = phoneOf(timeline, 25);
    // Head, two hours, page, first file of the day; the second isn't to be had.
    expect((await phone.run({ ...CLEAR, unavailable: 5 })).errors).toHaveLength(1);
    expect(met(phone)).toBeGreaterThan(0);
    phone.now = after(26);
    expect((await phone.run(CLEAR)).errors).toEqual([]);
    expect(met(phone)).toBe(1);
    expect(phone.fetched.filter(({ path }) => path.includes('/revocations/'))).toHaveLength(1);
    expect(phone.history.snapshot().entries.map(({ key }) => key.reportType)).toContain(REPORT_TYPE.REVOKED);
  });

  it('by two revocations, of which the phone missed both', async ({ expect }) => {
    const first = timelineOf({ 26: [REVOKED[0]!] });
    expect(met(await upTo(phoneOf(first, 25), 40))).toBe(2);
    const both = timelineOf({ 26: [REVOKED[0]!], 30: [REVOKED[1]!] });
    expect(met(await upTo(phoneOf(both, 25), 40))).toBe(1);
  });
});

/** One run now, and one after that hour. */
async function upTo(phone: SimulatedPhone, hour: number): Promise<SimulatedPhone> {
  await phone.run(CLEAR);
  phone.now = after(hour);
  await phone.run(CLEAR);
  return phone;
}

describe('what a phone has', () => {
  const entry = { hour: MIDNIGHT + 26, days: [DAY] };
  it('is as old as the oldest file of the day', ({ expect }) => {
    const fresh = withKeysOf({}, DAY, MIDNIGHT + 26);
    expect(needsRevocation(fresh, entry)).toBe(false);
    expect(needsRevocation(withDay(fresh, DAY), entry)).toBe(false);
    const mixed = withKeysOf(withKeysOf({}, DAY, NO_HOUR), DAY, MIDNIGHT + 26);
    expect(needsRevocation(withDay(mixed, DAY), entry)).toBe(true);
    expect(needsRevocation(withKeysOf(fresh, DAY, MIDNIGHT + 3), entry)).toBe(true);
  });

  it('is nothing to revoke, where no file was fetched', ({ expect }) => {
    expect(needsRevocation({}, entry)).toBe(false);
    expect(needsRevocation(withHours({}, [MIDNIGHT, MIDNIGHT + 1]), entry)).toBe(false);
    expect(withRevocation({}, entry)).toEqual({});
  });

  it('brings a revocation along once more with a file of before it', ({ expect }) => {
    const done = withRevocation(withFile(withKeysOf({}, DAY, MIDNIGHT + 1), DAY, 'a'), entry);
    expect(needsRevocation(done, entry)).toBe(false);
    expect(withKeysOf(done, DAY, MIDNIGHT + 26)).toBe(done);
    expect(needsRevocation(withKeysOf(done, DAY, MIDNIGHT + 5), entry)).toBe(true);
  });
});

describe('a list of keys that got another report type', () => {
  const entry = { hour: MIDNIGHT + 26, days: [DAY], reportType: REPORT_TYPE.CONFIRMED_TEST };
  it('is needed by whoever fetched a file of the day, however new, until it is had; and with a further file once more', ({
    expect,
  }) => {
    expect(needsRevocation({}, entry)).toBe(false);
    expect(needsRevocation(withHours({}, [MIDNIGHT, MIDNIGHT + 1]), entry)).toBe(false);
    const fetched = withFile(withKeysOf({}, DAY, MIDNIGHT + 30), DAY, 'a');
    expect(needsRevocation(fetched, entry)).toBe(true);
    const done = withRevocation(fetched, entry);
    expect(needsRevocation(withDay(done, DAY), entry)).toBe(false);
    // One that takes keys back in a later hour is another.
    expect(needsRevocation(done, { hour: MIDNIGHT + 31, days: [DAY] })).toBe(true);
    expect(needsRevocation(withKeysOf(done, DAY, MIDNIGHT + 30), entry)).toBe(true);
  });
});

describe('a revocation that is refused', () => {
  const HOUR = MIDNIGHT + 5;
  const NOW = (HOUR + 1) * 3600 + 60;
  const WINDOW = { startTimestamp: HOUR * 3600, endTimestamp: (HOUR + 1) * 3600 };
  const [key, other] = [keyIn(HOUR), keyIn(HOUR)];
  const revoked = { ...key, reportType: REPORT_TYPE.REVOKED };
  const nameOf = (bytes: Uint8Array): string => toBase64Url(sha256(bytes));
  const entryOf = (zips: readonly Uint8Array[]): RevocationEntry => ({
    hour: HOUR,
    days: [DAY],
    chunks: zips.map((zip, i) => ({
      file: i + 1,
      of: zips.length,
      size: zip.length,
      keys: '1-99',
      sha256: nameOf(zip),
    })),
  });

  /** A key that was met in an hour before, and revocations in files of this kind. */
  function edgeOf(zips: readonly Uint8Array[], pageText?: string, change: Partial<RevocationEntry> = {}) {
    const objects = new Map<string, Uint8Array>();
    const chunk = zipOf([key], { startTimestamp: (HOUR - 1) * 3600, endTimestamp: HOUR * 3600 });
    const page = utf8(pageText ?? JSON.stringify({ region: REGION, revocations: [{ ...entryOf(zips), ...change }] }));
    const entry = { hour: HOUR - 1, file: 1, of: 1, size: chunk.length, keys: '1-99', sha256: nameOf(chunk) };
    const payload = {
      region: REGION,
      sequence: 1,
      previous: null,
      issuedAt: (HOUR + 1) * 3600,
      validUntil: (HOUR + 5) * 3600,
      hours: [entry],
      pages: [],
      revocations: nameOf(page),
    };
    objects.set(headPath(REGION), utf8(signDocument(MANIFEST_TYPE, 'manifest-v1', payload, manifestSigner.raw)));
    objects.set(chunkPath(REGION, entry.sha256), chunk);
    objects.set(revocationPagePath(REGION, nameOf(page)), page);
    for (const zip of zips) objects.set(chunkPath(REGION, nameOf(zip)), zip);
    const phone = new SimulatedPhone({ at: (path) => objects.get(path) ?? null }, 'manifest', NOW, [heardOf(key, 3)]);
    return { objects, phone };
  }

  const good = zipOf([], WINDOW, [revoked]);
  const ofRegion = (region: string, signer = exportSigner.der): Uint8Array => {
    const header = { ...WINDOW, region, keyId: EXPORT_KEY.keyId, keyVersion: EXPORT_KEY.keyVersion };
    const writer = new ExportWriter(header, 1);
    writer.addRevised(revoked);
    return exportZip(writer.finish(), exportSignature(header, writer.finish(), signer));
  };

  it.for([
    { name: 'keys beside it', zip: zipOf([other], WINDOW, [revoked]), says: 'must hold revised_keys alone' },
    { name: 'keys alone', zip: zipOf([other], WINDOW), says: 'must hold revised_keys alone' },
    { name: 'nothing', zip: zipOf([], WINDOW), says: 'must hold keys' },
    {
      name: 'another change of the report type',
      zip: zipOf([], WINDOW, [revoked, { ...other, reportType: REPORT_TYPE.SELF_REPORT }]),
      says: 'report type REVOKED alone',
    },
    { name: 'another region', zip: ofRegion('DE'), says: 'region DE in the place of EUR' },
    { name: 'another signer', zip: ofRegion(REGION, manifestSigner.der), says: 'signature by key 262-v1 is not valid' },
  ])('for $name: the match stays, and it is asked for again', async ({ zip, says }, { expect }) => {
    const { phone, objects } = edgeOf([zip]);
    for (const _ of [1, 2]) {
      const { errors } = await phone.run(CLEAR);
      expect(errors.map(describeDownloadError)).toEqual([expect.stringContaining(says)]);
      expect(met(phone)).toBe(1);
    }
    objects.set(chunkPath(REGION, nameOf(zip)), good);
    expect((await phone.run(CLEAR)).errors).toMatchObject([
      { kind: zip.length < good.length ? 'too-large' : 'digest' },
    ]);
  });

  it('is none that says another report type: it is told of the match that is known, and only as the page says', async ({
    expect,
  }) => {
    const said = zipOf([], WINDOW, [
      { ...key, reportType: REPORT_TYPE.CONFIRMED_TEST },
      { ...other, reportType: 1 },
    ]);
    const { phone } = edgeOf([said], undefined, { reportType: REPORT_TYPE.CONFIRMED_TEST });
    expect((await phone.run(CLEAR)).errors).toEqual([]);
    expect(phone.history.matches(phone.now).map((match) => match.key.reportType)).toEqual([REPORT_TYPE.CONFIRMED_TEST]);
    const before = phone.fetched.length;
    expect((await phone.run(CLEAR)).errors).toEqual([]);
    expect(phone.fetched.slice(before).filter(({ path }) => path.endsWith('.zip'))).toEqual([]);
    const wrong = edgeOf([good], undefined, { reportType: REPORT_TYPE.CONFIRMED_TEST }).phone;
    expect((await wrong.run(CLEAR)).errors.map(describeDownloadError)).toEqual([
      expect.stringContaining('report type 1 alone'),
    ]);
    expect(met(wrong)).toBe(1);
  });

  it.for([
    { name: 'no JSON', text: 'no', kind: 'bad-manifest' },
    { name: 'no revocations', text: JSON.stringify({ region: REGION, revocations: [] }), kind: 'bad-manifest' },
  ])('for a page of $name', async ({ text, kind }, { expect }) => {
    const { phone } = edgeOf([good], text);
    expect((await phone.run(CLEAR)).errors).toMatchObject([{ kind }]);
    expect(met(phone)).toBe(1);
  });

  it('for a page of other bytes, or none: what is had is kept, and it is had later', async ({ expect }) => {
    const { phone, objects } = edgeOf([good]);
    const [path = ''] = [...objects.keys()].filter((name) => name.includes('/revocations/'));
    const page = objects.get(path)!;
    objects.set(path, utf8('{}'));
    expect((await phone.run(CLEAR)).errors).toMatchObject([{ kind: 'digest' }]);
    objects.delete(path);
    expect((await phone.run(CLEAR)).errors).toMatchObject([{ kind: 'status', status: 404 }]);
    objects.set(path, page);
    expect((await phone.run(CLEAR)).errors).toEqual([]);
    expect(met(phone)).toBe(0);
    expect(phone.fetched.filter((one) => one.path.endsWith('.zip'))).toHaveLength(2);
  });

  it('is none of several files, of which one came late: each is fetched once', async ({ expect }) => {
    const zips = [good, zipOf([], WINDOW, [{ ...other, reportType: REPORT_TYPE.REVOKED }])];
    const { phone } = edgeOf(zips);
    // Head, hour, page, and the first file fails.
    expect((await phone.run({ ...CLEAR, unavailable: 3 })).errors).toMatchObject([{ kind: 'status', status: 503 }]);
    expect(met(phone)).toBe(1);
    expect((await phone.run(CLEAR)).errors).toEqual([]);
    expect(met(phone)).toBe(0);
    const paths = phone.fetched.map(({ path }) => path);
    for (const zip of zips) expect(paths.filter((path) => path === chunkPath(REGION, nameOf(zip)))).toHaveLength(1);
  });
});
