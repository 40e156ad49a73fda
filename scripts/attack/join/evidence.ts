/**
 * @module What an attacker finds who gets at everything that is stored: every byte of every object's file, free pages
 * included, every object of both buckets, every log line; and apart from that SQLite's log, which the platform's
 * recovery restores by.
 */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { temporaryFolder } from '../../support/command-line/interrupt.ts';
import type { LocalEdge } from '../../../local-edge/local-edge.ts';
import { readExportZip } from '../../../protocol/export/export-reader.ts';
import { dateOfHour, hourOf, hourOfDay } from '../../../protocol/gaen/intervals.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { ISSUES_USE, readIssues } from '../../../domain/publication/issue-groups.ts';
import { openerKey, openPages } from '../../../domain/sealed-pages.ts';
import { hourPath } from '../../../protocol/index/cwa-tree.ts';

/** A TAN's row. */
interface LedgerRow {
  /** Keyed hash of the TAN. */
  readonly hash: string;
  readonly issueId: string | null;
  /** Every column's bytes. */
  readonly bytes: Uint8Array;
}

/** See the module. */
export interface Evidence {
  readonly ledger: readonly LedgerRow[];
  /** Upload ids that `origin` keeps. */
  readonly uploadIds: ReadonlySet<string>;
  /** Hex of every key of the sealed hour in DE, decoys included. */
  readonly published: readonly string[];
  /** Issue id → hex of the keys that may have it, by the private bucket and the undo key. */
  readonly issueKeys: ReadonlyMap<string, readonly string[]>;
  /** Keys of rows that the private bucket holds, an object a day. */
  readonly rowKeys: readonly Uint8Array[];
  /** Bytes of everything that is stored. */
  readonly stores: readonly Uint8Array[];
  /** Bytes of SQLite's log of every object. */
  readonly log: readonly Uint8Array[];
}

/** Bytes of a row of a private record, and where in it the key lies (domain/publication/packed-keys.ts). */
const ROW_BYTES = 28;
const KEY_AT = 8;

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/**
 * Ends the edge and gathers what it leaves.
 *
 * @param edge with a state directory of its own
 * @param sealedAt Unix seconds at which the hour before was sealed
 * @param lines that the Workers logged
 * @returns see {@link Evidence}
 */
export async function gather(edge: LocalEdge, sealedAt: number, lines: readonly string[]): Promise<Evidence> {
  const published = await publishedKeys(edge.url, hourOf(sealedAt) - 1);
  const { issueKeys, objects } = await readBuckets(edge);
  const rowKeys = await readRowKeys(edge);
  await edge.dispose();
  const { path: copy, remove } = temporaryFolder('join');
  try {
    cpSync(join(edge.state, 'resources'), copy, { recursive: true });
    const log = filesBelow(copy)
      .filter((file) => file.endsWith('-wal'))
      .map((file) => readFileSync(file));
    const ledger: LedgerRow[] = [];
    const uploadIds = new Set<string>();
    for (const file of filesBelow(copy).filter((name) => name.endsWith('.sqlite'))) readObject(file, ledger, uploadIds);
    const stores: Uint8Array[] = filesBelow(copy)
      .filter((file) => !/-(wal|shm)$/.test(file))
      .map((file) => readFileSync(file));
    if (ledger.length === 0 || uploadIds.size === 0 || log.length === 0) throw new Error('the stores were not found');
    stores.push(...objects, Buffer.from(lines.join('\n')));
    return { ledger, uploadIds, published, issueKeys, rowKeys, stores, log };
  } finally {
    remove();
  }
}

/** Reads an object's rows; closing it carries its log over into the file. */
function readObject(file: string, ledger: LedgerRow[], uploadIds: Set<string>): void {
  const db = new DatabaseSync(file);
  const rowsOf = (table: string) =>
    db.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(table) === undefined
      ? []
      : db.prepare(`SELECT * FROM ${table}`).all();
  for (const row of rowsOf('held_tan')) {
    const columns = Object.values(row).map((value) =>
      value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value)),
    );
    ledger.push({
      hash: String(row['hash']),
      issueId: typeof row['issue_id'] === 'string' ? row['issue_id'] : null,
      bytes: Buffer.concat(columns),
    });
  }
  for (const row of rowsOf('upload')) uploadIds.add(String(row['upload_id']));
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
}

async function publishedKeys(url: string, hour: number): Promise<string[]> {
  const response = await fetch(`${url}/${hourPath('DE', dateOfHour(hour), hourOfDay(hour))}`);
  if (!response.ok) throw new Error(`the sealed hour: status ${response.status}`);
  const read = readExportZip(new Uint8Array(await response.arrayBuffer()), null);
  if (!read.ok) throw new Error(`the sealed hour: ${JSON.stringify(read.error)}`);
  return read.exportFile.keys.map(({ keyData }) => toHex(keyData));
}

/** @param edge that runs @returns the keys of waiting rows, an object a day */
export async function readRowKeys(edge: LocalEdge): Promise<Uint8Array[]> {
  const bucket = await edge.miniflare.getR2Bucket('PRIVATE', 'exposure-edge-origin');
  const { objects } = await bucket.list({ prefix: 'row-keys/' });
  return Promise.all(objects.map(async ({ key }) => Buffer.from(await (await bucket.get(key))!.arrayBuffer())));
}

/** @returns keys that each issue id's may be, and the bytes of every object of both buckets */
async function readBuckets(edge: LocalEdge): Promise<{ issueKeys: Map<string, string[]>; objects: Uint8Array[] }> {
  const secrets = JSON.parse(readFileSync(join(edge.state, 'secrets.json'), 'utf8')) as Record<string, string>;
  const undoKey = await openerKey(secrets['UNDO_PRIVATE_KEY'] ?? '');
  const issueKeys = new Map<string, string[]>();
  const objects: Uint8Array[] = [];
  for (const binding of ['PRIVATE', 'PUBLIC']) {
    const bucket = await edge.miniflare.getR2Bucket(binding, 'exposure-edge-origin');
    const read = async (key: string): Promise<Buffer> => Buffer.from(await (await bucket.get(key))!.arrayBuffer());
    for (const { key } of (await bucket.list()).objects) {
      const bytes = await read(key);
      objects.push(bytes);
      const [, hour, day, n] = /^issues\/(\d+)\/(\d+)-(\d+)\.bin$/.exec(key) ?? [];
      if (hour === undefined) continue;
      const rows = await read(key.replace('issues/', 'sets/'));
      const opened = await openPages(undoKey, ISSUES_USE, bytes);
      const part = { hour: Number(hour), day: Number(day), n: Number(n) };
      const issues = opened.ok ? readIssues(opened.value, part, rows.length / ROW_BYTES) : opened;
      if (!issues.ok) throw new Error(`${key}: ${issues.error}`);
      for (let row = 0; row < rows.length / ROW_BYTES; row++) {
        const group = issues.value.groupOf(row);
        const hex = rows.subarray(row * ROW_BYTES + KEY_AT, row * ROW_BYTES + KEY_AT + 16).toString('hex');
        for (const id of group === null ? [] : (issues.value.groups[group] ?? [])) {
          issueKeys.set(id, [...(issueKeys.get(id) ?? []), hex]);
        }
      }
    }
  }
  return { issueKeys, objects };
}
