/**
 * @module What is published, read as a phone reads: over HTTP, each head, page and file verified.
 */
import { type ExportFile, type PinnedKey, readExportZip } from '../../protocol/export/export-reader.ts';
import { dateOf, SECONDS_PER_DAY, type UtcDate } from '../../protocol/gaen/intervals.ts';
import { dateIndexPath, dayPath, hourIndexPath, hourPath } from '../../protocol/index/cwa-tree.ts';
import { chunkPath } from '../../protocol/index/chunk-paths.ts';
import {
  headPath,
  MANIFEST_TYPE,
  type ManifestHead,
  pagePath,
  parseDayPage,
  parseManifestHead,
  parseRevocationPage,
  revocationPagePath,
} from '../../protocol/index/manifest.ts';
import { openDocument } from '../../protocol/index/signed-document.ts';
import { fromUtf8, toBase64Url, toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { spkiFromPem } from '../../protocol/signing.ts';

export const REGIONS = ['DE', 'EUR'] as const;

/** An edge that is read, with the keys that its phones pin. */
export interface ReadableEdge {
  readonly url: string;
  /** SPKI, PEM: exports are signed by its private half. */
  readonly publicPem: string;
  /** SPKI, PEM: heads are. */
  readonly manifestPublicPem: string;
  /** What exports call their key; left out: as in wrangler.toml. */
  readonly exportKey?: Pick<PinnedKey, 'keyId' | 'keyVersion'>;
}

/** A head and the hash its successor must name. */
export interface SeenHead {
  readonly head: ManifestHead;
  readonly hash: string;
}

/** Hex of keys → how often. */
export type Counts = Map<string, number>;

/** @param edge its keys @returns the key that signs exports, as phones pin it */
export const exportPin = (edge: ReadableEdge): PinnedKey => ({
  publicKeySpki: spkiFromPem(edge.publicPem),
  keyId: edge.exportKey?.keyId ?? '262',
  keyVersion: edge.exportKey?.keyVersion ?? 'v1',
});

/** @param edge its keys @returns the key that signs heads */
export const manifestKeys = (edge: ReadableEdge): Readonly<Record<string, Uint8Array>> => ({
  'manifest-v1': spkiFromPem(edge.manifestPublicPem),
});

/** Reads and checks the head of a region. @returns null before the first is published */
export async function readHead(edge: ReadableEdge, region: string): Promise<SeenHead | null> {
  const response = await fetch(`${edge.url}/${headPath(region)}`);
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`head of ${region}: ${response.status}`);
  const opened = openDocument(MANIFEST_TYPE, await response.text(), manifestKeys(edge));
  if (!opened.ok) throw new Error(`head of ${region}: ${JSON.stringify(opened.error)}`);
  const parsed = parseManifestHead(opened.value.payload);
  if (!parsed.ok) throw new Error(`head of ${region}: ${JSON.stringify(parsed.error)}`);
  return { head: parsed.value, hash: toBase64Url(sha256(opened.value.payloadBytes)) };
}

/** Reads a region of one edge, each file once. */
export class Reader {
  readonly #edge: ReadableEdge;
  readonly #region: string;
  readonly #files = new Map<string, ExportFile>();

  constructor(edge: ReadableEdge, region: string) {
    this.#edge = edge;
    this.#region = region;
  }

  /** @returns hex of every key that any file held which was read by its hash */
  everListed(): Set<string> {
    return new Set([...this.#files.values()].flatMap(({ keys }) => keys.map(({ keyData }) => toHex(keyData))));
  }

  /** @returns the days' and hours' files of a head */
  async files(head: ManifestHead): Promise<ExportFile[]> {
    const chunks = [...head.hours];
    for (const { sha256: name, from } of head.pages) {
      const page = parseDayPage(await this.#json(pagePath(this.#region, name), name));
      if (!page.ok) throw new Error(`page ${from} of ${this.#region}: ${JSON.stringify(page.error)}`);
      chunks.push(...page.value.days.flatMap((day) => day.chunks));
    }
    const files: ExportFile[] = [];
    for (const { sha256: name } of chunks) files.push(await this.#chunk(name));
    return files;
  }

  /** @returns how often the days' and hours' files of a head list each key */
  async listed(head: ManifestHead): Promise<Counts> {
    const counts: Counts = new Map();
    for (const { keys } of await this.files(head)) add(counts, keys);
    return counts;
  }

  /** @returns how often the lists of revocations that a head names have each key; not of those that only got another report type */
  async revoked({ revocations }: ManifestHead): Promise<Counts> {
    const counts: Counts = new Map();
    if (revocations === undefined) return counts;
    const page = parseRevocationPage(await this.#json(revocationPagePath(this.#region, revocations), revocations));
    if (!page.ok) throw new Error(`revocations of ${this.#region}: ${JSON.stringify(page.error)}`);
    for (const { chunks, reportType } of page.value.revocations) {
      if (reportType !== undefined) continue;
      for (const { sha256: name } of chunks) add(counts, (await this.#chunk(name)).revisedKeys);
    }
    return counts;
  }

  /** @returns how often Corona-Warn-App's days, and the hours of days that aren't complete, list each key */
  async tree(): Promise<Counts> {
    const counts: Counts = new Map();
    const days = (await this.#json(dateIndexPath(this.#region))) as UtcDate[];
    for (const date of days) add(counts, (await this.#file(dayPath(this.#region, date))).keys);
    const newest = days.at(-1);
    if (newest === undefined) return counts;
    const running = dateOf(Date.parse(newest) / 1000 + SECONDS_PER_DAY);
    const index = hourIndexPath(this.#region, running);
    const hours = (await fetch(`${this.#edge.url}/${index}`)).ok ? ((await this.#json(index)) as number[]) : [];
    for (const hour of hours) add(counts, (await this.#file(hourPath(this.#region, running, hour))).keys);
    return counts;
  }

  async #chunk(name: string): Promise<ExportFile> {
    const had = this.#files.get(name);
    if (had !== undefined) return had;
    const file = await this.#file(chunkPath(this.#region, name), name);
    this.#files.set(name, file);
    return file;
  }

  async #file(path: string, hash: string | null = null): Promise<ExportFile> {
    const read = readExportZip(await this.#bytes(path, hash), exportPin(this.#edge));
    if (!read.ok) throw new Error(`${path}: ${JSON.stringify(read.error)}`);
    return read.exportFile;
  }

  async #json(path: string, hash: string | null = null): Promise<unknown> {
    return JSON.parse(fromUtf8(await this.#bytes(path, hash)));
  }

  async #bytes(path: string, hash: string | null): Promise<Uint8Array> {
    const response = await fetch(`${this.#edge.url}/${path}`);
    if (!response.ok) throw new Error(`GET /${path}: ${response.status}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (hash !== null && toBase64Url(sha256(bytes)) !== hash)
      throw new Error(`${path}: other bytes than its name says`);
    return bytes;
  }
}

function add(counts: Counts, keys: readonly { readonly keyData: Uint8Array }[]): void {
  for (const { keyData } of keys) {
    const name = toHex(keyData);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
}
