/**
 * @module What must be true after the storm, read as a phone reads: over HTTP, each head, page and chunk verified.
 */
import { fromUtf8, toBase64Url, toHex } from '../../protocol/primitives/bytes.ts';
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import {
  chunkPath,
  headPath,
  MANIFEST_TYPE,
  type ManifestHead,
  pagePath,
  parseDayPage,
  parseManifestHead,
} from '../../protocol/index/manifest.ts';
import { openDocument } from '../../protocol/index/signed-document.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import type { Ledger } from '../support/patients.ts';
import type { Losses } from './loss.ts';
import type { Ready } from './victim.ts';

export const REGIONS = ['DE', 'EUR'] as const;
export type Region = (typeof REGIONS)[number];

/** A head and the hash its successor must name. */
export interface SeenHead {
  readonly head: ManifestHead;
  readonly hash: string;
}

/** Heads of each region by sequence, as they were seen during the run. */
export type HeadLog = Record<Region, Map<number, SeenHead>>;

async function bytes(edge: Ready, path: string): Promise<Uint8Array> {
  const response = await fetch(`${edge.url}/${path}`);
  if (!response.ok) throw new Error(`GET /${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Reads and checks the head of a region. @returns null before the first is published */
export async function readHead(edge: Ready, region: Region): Promise<SeenHead | null> {
  const response = await fetch(`${edge.url}/${headPath(region)}`);
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`head of ${region}: ${response.status}`);
  const opened = openDocument(MANIFEST_TYPE, await response.text(), { 'manifest-v1': spkiFromPem(edge.manifestPem) });
  if (!opened.ok) throw new Error(`head of ${region}: ${JSON.stringify(opened.error)}`);
  const parsed = parseManifestHead(opened.value.payload);
  if (!parsed.ok) throw new Error(`head of ${region}: ${JSON.stringify(parsed.error)}`);
  return { head: parsed.value, hash: toBase64Url(sha256(opened.value.payloadBytes)) };
}

/** @returns how often each key is published in a region: hex → count; every chunk verified */
async function published(edge: Ready, region: Region, head: ManifestHead): Promise<Map<string, number>> {
  const chunks = [...head.hours];
  for (const page of head.pages) {
    const body = await bytes(edge, pagePath(region, page.sha256));
    if (toBase64Url(sha256(body)) !== page.sha256) throw new Error(`page ${page.from} of ${region}: other bytes`);
    const parsed = parseDayPage(JSON.parse(fromUtf8(body)));
    if (!parsed.ok) throw new Error(`page ${page.from} of ${region}: ${JSON.stringify(parsed.error)}`);
    for (const day of parsed.value.days) chunks.push(...day.chunks);
  }
  const pinned = { publicKeySpki: spkiFromPem(edge.publicPem), keyId: '262', keyVersion: 'v1' };
  const counts = new Map<string, number>();
  for (const chunk of chunks) {
    const zip = await bytes(edge, chunkPath(region, chunk.sha256));
    if (toBase64Url(sha256(zip)) !== chunk.sha256) throw new Error(`chunk ${chunk.sha256} of ${region}: other bytes`);
    const read = readExportZip(zip, pinned);
    if (!read.ok) throw new Error(`chunk ${chunk.sha256} of ${region}: ${JSON.stringify(read.error)}`);
    for (const key of read.exportFile.keys) {
      const hex = toHex(key.keyData);
      counts.set(hex, (counts.get(hex) ?? 0) + 1);
    }
  }
  return counts;
}

export interface Verdict {
  readonly region: Region;
  readonly published: number;
  readonly missing: number;
  readonly doubled: number;
  /** Uploads that were never acknowledged and are published in part. */
  readonly halfStored: number;
  /** Published keys nobody sent. */
  readonly strangers: number;
  readonly sequence: number;
  /** Heads seen whose sequence has a predecessor that was seen too, and whose hash it does not name. */
  readonly brokenLinks: number;
}

/** @returns what is wrong in a region; all zero but published and sequence when nothing is */
export async function judge(
  edge: Ready,
  region: Region,
  ledger: Ledger,
  log: HeadLog,
  losses: Losses,
): Promise<Verdict> {
  const last = await readHead(edge, region);
  if (last === null) throw new Error(`${region}: no head was ever published`);
  const counts = await published(edge, region, last.head);
  const sent = new Set([...ledger.acknowledged, ...ledger.abandoned.flat(), ...ledger.refused.flat()]);
  let brokenLinks = 0;
  for (const [sequence, { head }] of log[region]) {
    const before = log[region].get(sequence - 1);
    if (before !== undefined && head.previous !== before.hash) brokenLinks++;
  }
  return {
    region,
    published: counts.size,
    missing: [...ledger.acknowledged].filter((hex) => !counts.has(hex) && !losses.afterJournal.has(hex)).length,
    doubled: [...counts.values()].filter((count) => count > 1).length,
    halfStored: ledger.abandoned.filter((keys) => {
      const found = keys.filter((hex) => counts.has(hex)).length;
      return found > 0 && found < keys.length && !losses.isCut(keys);
    }).length,
    strangers: [...counts.keys()].filter((hex) => !sent.has(hex)).length,
    sequence: last.head.sequence,
    brokenLinks,
  };
}

/** @returns true when nothing is wrong */
export function isClean(verdict: Verdict): boolean {
  const { missing, doubled, halfStored, strangers, brokenLinks } = verdict;
  return missing + doubled + halfStored + strangers + brokenLinks === 0;
}
