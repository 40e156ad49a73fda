/**
 * @module What tests of keys that are taken back ask for, and read as a phone would: heads, pages, files, log and records.
 */
import { runInDurableObject } from 'cloudflare:test';
import { verifyLog, verifyObjects } from '../../domain/event-log/verify.ts';
import { REQUESTS, type TakeBackCause } from '../../domain/publication/taken.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { readExportZip, type ExportFile } from '../../protocol/export/export-reader.ts';
import {
  parseDayPage,
  parseManifestHead,
  parseRevocationPage,
  type DayEntry,
  type ManifestHead,
  type RevocationEntry,
} from '../../protocol/index/manifest.ts';
import { fromUtf8, toBase64Url, toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { r2Bucket } from './bucket.ts';
import { newWorkspace } from '../../domain/publication/workspace.ts';
import { findRows } from './find-rows.ts';
import { PublisherStore } from './store.ts';
import { type Rig, objects, publicJson, testEnv } from './test-rig.ts';

const { LOG_SIGNING_KEY } = testEnv as unknown as { readonly LOG_SIGNING_KEY: string };
export const TAKE_ID = '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b';

/** Asks for these keys to be taken back. */
export async function take(
  rig: Rig,
  teks: Uint8Array,
  id = TAKE_ID,
  cause: TakeBackCause = 'rollback',
): Promise<number> {
  const parts = await runInDurableObject(rig.publisher, (_publisher, { storage }) =>
    findRows(
      {
        now: rig.now,
        store: new PublisherStore(storage),
        privateBucket: r2Bucket(testEnv.PRIVATE),
        workspace: newWorkspace(),
      },
      teks,
    ),
  );
  await rig.inPublisher((publisher) => publisher.takeBack({ id, cause, parts }));
  return parts.reduce((sum, { rows }) => sum + rows.length, 0);
}

export async function seal(rig: Rig, hours = 1): Promise<void> {
  for (let n = 0; n < hours; n++) {
    rig.now += 3600;
    await rig.untilIdle();
  }
}

export async function exportAt(name: string): Promise<ExportFile> {
  const bytes = (await objects(testEnv.PUBLIC)).get(name);
  if (bytes === undefined) throw new Error(`${name} is missing`);
  const read = readExportZip(bytes, null);
  if (!read.ok) throw new Error(`${name}: ${read.error.kind}`);
  return read.exportFile;
}

export const teksIn = (keys: ExportFile['keys']): string[] => keys.map(({ keyData }) => toHex(keyData));

/** What a phone finds of a region. */
export async function regionAt(code: string): Promise<{
  head: ManifestHead;
  days: DayEntry[];
  revocations: RevocationEntry[];
  /** Keys of all days. */
  inDays: string[];
  /** Keys of all hours. */
  inHours: string[];
  /** Keys that are listed as REVOKED. */
  revoked: string[];
}> {
  const { payload } = (await publicJson(`v1/${code}/manifest.json`)) as { payload: string };
  const head = parseManifestHead(JSON.parse(payload));
  if (!head.ok) throw new Error(JSON.stringify(head.error));
  const pages = await Promise.all(
    head.value.pages.map(async ({ sha256: name }) => parseDayPage(await publicJson(`v1/${code}/days/${name}.json`))),
  );
  const days = pages.flatMap((page) => (page.ok ? page.value.days : []));
  const { revocations } = head.value;
  const listed =
    revocations === undefined
      ? null
      : parseRevocationPage(await publicJson(`v1/${code}/revocations/${revocations}.json`));
  if (listed !== null && !listed.ok) throw new Error(JSON.stringify(listed.error));
  const entries = listed === null ? [] : [...listed.value.revocations];
  const filesOf = (chunks: readonly { readonly sha256: string }[]): Promise<ExportFile[]> =>
    Promise.all(chunks.map(({ sha256: name }) => exportAt(`v1/${code}/chunks/${name}.zip`)));
  const [dayFiles, hourFiles, revokedFiles] = await Promise.all([
    filesOf(days.flatMap(({ chunks }) => chunks)),
    filesOf(head.value.hours),
    filesOf(entries.flatMap(({ chunks }) => chunks)),
  ]);
  const wrong = revokedFiles.some(
    ({ keys, revisedKeys }) =>
      keys.length > 0 || revisedKeys.some(({ reportType }) => reportType !== REPORT_TYPE.REVOKED),
  );
  if (wrong) throw new Error('a revocation holds something else than revoked keys');
  return {
    head: head.value,
    days,
    revocations: entries,
    inDays: dayFiles.flatMap(({ keys }) => teksIn(keys)),
    inHours: hourFiles.flatMap(({ keys }) => teksIn(keys)),
    revoked: revokedFiles.flatMap(({ revisedKeys }) => teksIn(revisedKeys)),
  };
}

/** Whether the log is whole and the records are what it says. */
export async function findings(): Promise<string[]> {
  const all = [...(await objects(testEnv.PRIVATE))];
  const report = verifyLog(
    all.filter(([name]) => name.startsWith('log/')).map(([name, bytes]) => ({ name, text: fromUtf8(bytes) })),
    [signerFromPkcs8Pem(LOG_SIGNING_KEY).publicKeySpki],
  );
  const records = all.filter(
    ([name]) => /^(sets|openings|codes|quarantine|taken)\//.test(name) && !name.startsWith(REQUESTS),
  );
  const hashes = new Map(records.map(([name, bytes]) => [name, toBase64Url(sha256(bytes))]));
  return [...report.findings, ...verifyObjects(report, hashes)].map(({ rule, object }) => `${rule} ${object}`);
}
