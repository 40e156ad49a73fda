/**
 * @module What one region publishes for phones: hours of keys, in one of the four formats that a phone reads, signed by keys that can be changed.
 */
import {
  EXPORT_HEADER,
  ExportWriter,
  exportSignature,
  exportZip,
  signatureList,
} from '../../protocol/export/export-file.ts';
import { gaen } from '../../protocol/generated/gaen-export.js';
import { ExposedListWriter } from '../../protocol/feed/exposed-list.ts';
import { feedPath } from '../../protocol/feed/names.ts';
import { jwkId, SIGNATURE_HEADER, signAnswer } from '../../protocol/feed/signature.ts';
import {
  dateOf,
  dateOfHour,
  hourEnd,
  type HourNumber,
  hourOf,
  hourOfDay,
  hourStart,
} from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { dateIndexPath, dayPath, hourIndexPath, hourPath } from '../../protocol/index/cwa-tree.ts';
import { INDEX_PATH } from '../../protocol/index/google-index.ts';
import { chunkPath } from '../../protocol/index/chunk-paths.ts';
import {
  type ChunkEntry,
  countBucket,
  headPath,
  MANIFEST_TYPE,
  MANIFEST_VALIDITY_SECONDS,
  pagePath,
  revocationPagePath,
} from '../../protocol/index/manifest.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { concatBytes, toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../../protocol/signing.ts';

export type PublishedFormat = 'exposure-edge' | 'cwa' | 'google' | 'dp3t';

interface Hour {
  readonly hour: HourNumber;
  readonly keys: readonly TemporaryExposureKey[];
  /** Keys of hours before that are taken back in this one. */
  readonly revoked: readonly TemporaryExposureKey[];
}

interface Answer {
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

const DAYS = 14;
const signerOf = (seed: number) => signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(seed)));

/** A region. */
export class RegionPublisher {
  readonly region: string;
  readonly format: PublishedFormat;
  readonly #url: string;
  readonly #hours: Hour[] = [];
  #seed: number;
  #export;
  #manifest;
  readonly keyId = '262';
  keyVersion = 'v1';
  #sequence = 0;
  #previous: string | null = null;
  #payload = '';
  /** As of an instant: a hundred phones ask for the same. */
  #made: { readonly of: string; readonly objects: ReadonlyMap<string, Answer | Uint8Array> } | null = null;

  /** @param url of its host @param seed of its keys, 1..200 */
  constructor(region: string, format: PublishedFormat, url: string, seed: number) {
    this.region = region;
    this.format = format;
    this.#url = url;
    this.#seed = seed;
    this.#export = signerOf(seed);
    this.#manifest = signerOf(seed + 1);
  }

  get exportSpki(): Uint8Array {
    return this.#export.publicKeySpki;
  }

  get manifestSpki(): Uint8Array {
    return this.#manifest.publicKeySpki;
  }

  rollOver(): void {
    this.#seed += 40;
    this.#export = signerOf(this.#seed);
    this.#manifest = signerOf(this.#seed + 1);
    this.keyVersion = `v${Number(this.keyVersion.slice(1)) + 1}`;
  }

  /** @param at Unix seconds of any instant in the hour; later than of the hours before */
  publish(at: number, keys: readonly TemporaryExposureKey[], revoked: readonly TemporaryExposureKey[] = []): void {
    this.#hours.push({ hour: hourOf(at), keys, revoked });
  }

  /** @param path without the leading slash @param now Unix seconds @returns what a GET finds */
  at(path: string, now: number): Answer | Uint8Array | undefined {
    const of = `${now} ${this.#hours.length} ${this.keyVersion}`;
    if (this.#made?.of !== of) this.#made = { of, objects: this.#objects(now) };
    return this.#made.objects.get(path);
  }

  #objects(now: number): ReadonlyMap<string, Answer | Uint8Array> {
    const listed = this.#hours.filter(({ hour }) => hourEnd(hour) <= now && hourStart(hour) > now - DAYS * 86_400);
    switch (this.format) {
      case 'exposure-edge':
        return this.#byManifest(listed, now);
      case 'cwa':
        return this.#byTree(listed, now);
      case 'google':
        return this.#byIndex(listed);
      case 'dp3t':
        return this.#byNumber(now);
    }
  }

  #zip({ hour, keys, revoked }: Hour, more: { readonly end?: number } = {}): Uint8Array {
    const { region, keyId, keyVersion } = this;
    const times = { startTimestamp: hourStart(hour), endTimestamp: more.end ?? hourEnd(hour) };
    const header = { region, keyId, keyVersion, ...times };
    const writer = new ExportWriter(header, keys.length + revoked.length);
    for (const key of keys) writer.add(key);
    for (const key of revoked) writer.addRevised(key);
    const bin = writer.finish();
    return exportZip(bin, exportSignature(header, bin, this.#export.der));
  }

  /** @returns a file that says it is one of several, with keys in any range, as other servers' may be */
  part(
    keys: readonly TemporaryExposureKey[],
    { num, size }: { readonly num: number; readonly size: number },
  ): Uint8Array {
    const name = { keyId: this.keyId, keyVersion: this.keyVersion };
    const message = gaen.TemporaryExposureKeyExport.encode({
      startTimestamp: 1,
      endTimestamp: 2,
      region: this.region,
      batchNum: num,
      batchSize: size,
      signatureInfos: [{ verificationKeyId: name.keyId, verificationKeyVersion: name.keyVersion }],
      keys: keys.map((key) => ({ ...key })),
    });
    const bin = concatBytes(EXPORT_HEADER, message.finish());
    return exportZip(bin, signatureList(bin, [{ name, signer: this.#export.der }]));
  }

  #chunk(zip: Uint8Array, keys: number, hour?: HourNumber): ChunkEntry {
    const named = { file: 1, of: 1, size: zip.length, keys: countBucket(keys), sha256: toBase64Url(sha256(zip)) };
    return hour === undefined ? named : { hour, ...named };
  }

  #byManifest(listed: readonly Hour[], now: number): Map<string, Uint8Array> {
    const objects = new Map<string, Uint8Array>();
    const put = (zip: Uint8Array): Uint8Array => {
      objects.set(chunkPath(this.region, toBase64Url(sha256(zip))), zip);
      return zip;
    };
    const page = (path: (region: string, name: string) => string, value: object): string => {
      const bytes = utf8(JSON.stringify(value));
      const name = toBase64Url(sha256(bytes));
      objects.set(path(this.region, name), bytes);
      return name;
    };
    const chunks = listed.map((one) => ({
      date: dateOfHour(one.hour),
      entry: this.#chunk(put(this.#zip({ ...one, revoked: [] })), one.keys.length, one.hour),
    }));
    const days = [...Map.groupBy(chunks, ({ date }) => date)]
      .map(([date, own]) => ({ date, cut: date, chunks: own.map(({ entry }) => entry) }))
      .toSorted((a, b) => (a.date < b.date ? -1 : 1));
    const revocations = listed
      .filter(({ revoked }) => revoked.length > 0)
      .map((one) => {
        const zip = put(this.#zip({ ...one, keys: [] }, { end: hourEnd(one.hour) + 1800 }));
        const dates = new Set(chunks.filter(({ entry }) => (entry.hour ?? 0) < one.hour).map(({ date }) => date));
        return { hour: one.hour, days: [...dates].toSorted(), chunks: [this.#chunk(zip, one.revoked.length)] };
      });
    const { region } = this;
    const issuedAt = hourStart(hourOf(now));
    const pages =
      days.length === 0
        ? []
        : [{ sha256: page(pagePath, { region, days }), from: days[0]!.date, to: days.at(-1)!.date }];
    const body = {
      region,
      issuedAt,
      validUntil: issuedAt + MANIFEST_VALIDITY_SECONDS,
      hours: [],
      pages,
      ...(revocations.length === 0 ? {} : { revocations: page(revocationPagePath, { region, revocations }) }),
    };
    const signed = this.#head(body);
    objects.set(headPath(region), signed);
    return objects;
  }

  /** The next head, if it says something else than the last. */
  #head(body: object): Uint8Array {
    const text = JSON.stringify(body);
    if (text !== this.#payload) {
      if (this.#sequence > 0) {
        const last = this.#full(JSON.parse(this.#payload) as object);
        this.#previous = toBase64Url(sha256(utf8(JSON.stringify(last))));
      }
      this.#sequence++;
      this.#payload = text;
    }
    return utf8(signDocument(MANIFEST_TYPE, 'manifest-v1', this.#full(body), this.#manifest.raw));
  }

  #full(body: object): object {
    return { sequence: this.#sequence, previous: this.#previous, ...body };
  }

  #byTree(listed: readonly Hour[], now: number): Map<string, Answer> {
    const objects = new Map<string, Answer>();
    const put = (path: string, bytes: Uint8Array): void => {
      objects.set(path, { bytes, headers: { etag: `"${toBase64Url(sha256(bytes))}"` } });
    };
    const { region } = this;
    const today = dateOf(now);
    const dates = [...new Set(listed.map(({ hour }) => dateOfHour(hour)))];
    for (const date of dates) {
      const own = listed.filter(({ hour }) => dateOfHour(hour) === date);
      if (date === today) {
        put(hourIndexPath(region, date), utf8(JSON.stringify(own.map(({ hour }) => hourOfDay(hour)))));
        for (const one of own) put(hourPath(region, date, hourOfDay(one.hour)), this.#zip(one));
        continue;
      }
      const first = own[0]!.hour - hourOfDay(own[0]!.hour);
      const keys = own.flatMap((one) => one.keys);
      const revoked = own.flatMap((one) => one.revoked);
      put(dayPath(region, date), this.#zip({ hour: first, keys, revoked }, { end: hourStart(first) + 86_400 }));
    }
    put(dateIndexPath(region), utf8(JSON.stringify(dates.filter((date) => date !== today).toSorted())));
    return objects;
  }

  #byIndex(listed: readonly Hour[]): Map<string, Uint8Array> {
    const name = ({ hour }: Hour): string => `${hourStart(hour)}-${hourEnd(hour)}-00001.zip`;
    const objects = new Map(listed.map((one) => [name(one), this.#zip(one)]));
    objects.set(INDEX_PATH, utf8(listed.map(name).join('\n')));
    return objects;
  }

  #byNumber(now: number): Map<string, Answer> {
    const objects = new Map<string, Answer>();
    const key = { kid: jwkId(this.keyId, this.keyVersion), signer: this.#export.raw };
    const put = (batch: number | null, body: Uint8Array): void => {
      const path = feedPath({ feed: null, view: 'gaen', batch });
      const signed = { url: `${this.#url}${path}`, body, feed: this.region, issuedAt: now, expires: now + 7200 };
      objects.set(path.slice(1), { bytes: body, headers: { [SIGNATURE_HEADER]: signAnswer(signed, key) } });
    };
    const sealed = this.#hours.filter(({ hour }) => hourEnd(hour) <= now);
    for (const [index, { hour, keys, revoked }] of sealed.entries()) {
      const writer = new ExposedListWriter(hourEnd(hour), keys.length + revoked.length);
      for (const one of keys) writer.add(one);
      for (const one of revoked) writer.add({ ...one, reportType: 5 });
      put(index + 1, new Uint8Array(writer.finish()));
    }
    put(null, utf8(JSON.stringify({ latestBatchId: sealed.length, recommendedNextPollTime: now + 3600 })));
    return objects;
  }
}
