/**
 * @module The event log as commands read it: all entries of a bucket, judged (docs/event-log.md).
 */
import { readFileSync } from 'node:fs';
import { LOG_FOLDER } from '../../domain/event-log/entry.ts';
import { verifyLog, type LogReport } from '../../domain/event-log/verify.ts';
import { REQUESTS } from '../../domain/publication/taken.ts';
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import type { OnProgress } from './command-line/progress.ts';
import type { ObjectReader } from './object-store.ts';

/** Reads at once: each is a round trip. */
const AT_ONCE = 16;
/** Folders of records. */
const RECORD_FOLDERS = ['sets/', 'openings/', 'issues/', 'quarantine/', 'taken/'];

/**
 * @param names of objects
 * @param visit hears each object once, in no order
 */
export async function eachObject(
  reader: ObjectReader,
  names: readonly string[],
  visit: (name: string, bytes: Uint8Array) => void,
): Promise<void> {
  const open = [...names];
  const worker = async (): Promise<void> => {
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const bytes = await reader.get(name);
      if (bytes !== null) visit(name, bytes);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/**
 * @param reader of the private bucket
 * @param keyFiles PEM files with the public keys of the log
 * @returns every entry and what is wrong
 * @throws Error when there is no entry at all, or a file holds no public key
 */
export async function readLog(reader: ObjectReader, keyFiles: readonly string[]): Promise<LogReport> {
  const keys = keyFiles.map((file) => spkiFromPem(readFileSync(file, 'utf8')));
  const objects: { name: string; text: string }[] = [];
  const names = await reader.list(LOG_FOLDER);
  if (names.length === 0) throw new Error(`no object below ${LOG_FOLDER}: this is no private bucket with an event log`);
  await eachObject(reader, names, (name, bytes) => {
    objects.push({ name, text: new TextDecoder().decode(bytes) });
  });
  return verifyLog(objects, keys);
}

/**
 * @param reader of the private bucket
 * @param progress hears how many are read
 * @returns name → base64url of SHA-256, of every object of a record
 */
export async function hashRecords(reader: ObjectReader, progress: OnProgress): Promise<Map<string, string>> {
  const listed = (await Promise.all(RECORD_FOLDERS.map((folder) => reader.list(folder)))).flat();
  // What is asked for and not done yet is in no record.
  const names = listed.filter((name) => !name.startsWith(REQUESTS));
  const hashes = new Map<string, string>();
  await eachObject(reader, names, (name, bytes) => {
    hashes.set(name, toBase64Url(sha256(bytes)));
    progress('records', hashes.size, names.length);
  });
  return hashes;
}
