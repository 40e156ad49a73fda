/**
 * @module What tests of keys that are taken back ask for, and read as a phone would: heads, pages, files, log and records.
 */
import { runInDurableObject } from 'cloudflare:test';
import { verifyLog, verifyObjects } from '../../domain/event-log/verify.ts';
import { REQUESTS, type TakeBackCause } from '../../domain/publication/taken.ts';
import { encodeRiskLevel } from '../../domain/keys/risk.ts';
import type { KeyRevision } from '../../domain/publication/revision.ts';
import { REPORT_TYPE, type RevisedType, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
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
import { HourKeys } from '../submission-buffer/hour-keys.ts';
import { queueRevisions } from '../submission-buffer/revision-queue.ts';
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

/** Puts revisions into the buffer's queue, as `Intake` does. */
export async function revise(rig: Rig, revisions: readonly KeyRevision[]): Promise<void> {
  const keys = new HourKeys(
    () => r2Bucket(testEnv.PRIVATE),
    () => new Uint8Array(0),
  );
  await rig.wakeBuffer();
  await keys.ready(rig.now);
  await rig.inBuffer((sql, { storage }) =>
    storage.transactionSync(() => queueRevisions(sql, keys, rig.now, revisions)),
  );
}

/** @returns revisions of keys as a confirmed test says them, or as a doctor's diagnosis */
export const confirmed = (
  keys: readonly TemporaryExposureKey[],
  reportType: RevisedType = REPORT_TYPE.CONFIRMED_TEST,
): KeyRevision[] =>
  keys.map(({ keyData }) => ({
    keyData,
    fields: { transmissionRiskLevel: 8, reportType, daysSinceOnsetOfSymptoms: 2 },
  }));

/** @returns keys as the dialects publish them: level, report type and onset say the same */
export const likely = (keys: readonly TemporaryExposureKey[]): TemporaryExposureKey[] =>
  keys.map((key, n) => ({ ...key, transmissionRiskLevel: 3 + (n % 4), ...encodeRiskLevel(3 + (n % 4)) }));

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
  /** Report type, level and onset of those that are listed with another. */
  revised: Record<string, readonly number[]>;
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
  const types = entries.flatMap(({ chunks, reportType = REPORT_TYPE.REVOKED }) => chunks.map(() => reportType));
  const wrong = revokedFiles.some(
    ({ keys, revisedKeys }, n) => keys.length > 0 || revisedKeys.some(({ reportType }) => reportType !== types[n]),
  );
  if (wrong) throw new Error('a revocation holds something else than keys of its report type');
  const inLists = (isRevoked: boolean): ExportFile['keys'] =>
    revokedFiles.flatMap(({ revisedKeys }, n) => ((types[n] === REPORT_TYPE.REVOKED) === isRevoked ? revisedKeys : []));
  return {
    head: head.value,
    days,
    revocations: entries,
    inDays: dayFiles.flatMap(({ keys }) => teksIn(keys)),
    inHours: hourFiles.flatMap(({ keys }) => teksIn(keys)),
    revoked: teksIn(inLists(true)),
    revised: Object.fromEntries(
      inLists(false).map((key) => [
        toHex(key.keyData),
        [key.reportType, key.transmissionRiskLevel, key.daysSinceOnsetOfSymptoms],
      ]),
    ),
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
