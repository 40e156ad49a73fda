/**
 * @module What a restore goes by: the event log, verified, what set.json says of each hour, and what lies in the buckets; and everything that forbids it. Reads
 * alone.
 */
import type { RevisedType } from '../../../protocol/gaen/keys.ts';
import { LOG_FOLDER, type LogEvent } from '../../../domain/event-log/entry.ts';
import { verifyLog, type LogReport } from '../../../domain/event-log/verify.ts';
import { ROW_BYTES } from '../../../domain/publication/packed-keys.ts';
import { REQUESTS } from '../../../domain/publication/taken.ts';
import { setKey, type SetRecord } from '../../../domain/publication/record.ts';
import type { RestoreFinding } from '../../../domain/restore.ts';
import { headPath, type ManifestHead } from '../../../protocol/index/manifest.ts';
import { signedBy } from '../../../protocol/index/signed-document.ts';
import { fromUtf8, toBase64Url } from '../../../protocol/primitives/bytes.ts';
import { sha256 } from '../../../protocol/primitives/hash.ts';
import { err, ok, type Result } from '../../../protocol/primitives/result.ts';
import type { BucketPort } from '../bucket.ts';
import type { PublisherConfig } from '../model.ts';
import { restoredState, type RestoredState } from './restored-state.ts';

/** Calls of R2 at once. */
const AT_ONCE = 6;
/** Findings that are told; the command `log -- verify` tells them all. */
const MOST_FINDINGS = 20;
/** Ours is a few kilobytes; of what isn't ours no more is read. */
const MAX_HEAD_BYTES = 2 ** 16;
const RECORDS = ['sets/', 'openings/', 'issues/', 'quarantine/', 'taken/'];
/** Whether rows are made of what an entry says. A restore from a log with another would forget it: keys that ended would be back. */
const IS_RESTORED: Readonly<Record<LogEvent['kind'], boolean>> = {
  recorded: true,
  written: true,
  cut: true,
  exported: true,
  published: true,
  region: true,
  parameters: true,
  purge: true,
  checkpoint: true,
  restored: true,
  rollback: true,
  withdrawal: true,
  revision: true,
  dropped: true,
  taken: true,
  revoked: true,
  fed: true,
};

/** A set that was being recorded when all was lost. */
export interface UnloggedSet {
  readonly hour: number;
  /** Names of objects with rows. */
  readonly parts: readonly string[];
  readonly keys: number;
  /** Null where set.json was not put yet. */
  readonly provenances: SetRecord['provenances'] | null;
}

/** A request to take keys back, and the hour in which it was asked for: from then on its day of waiting counts, whenever it is restored. */
export interface OpenRequest {
  readonly id: string;
  readonly askedHour: number;
  /** Report type that its keys are to have; null: they are to end. */
  readonly to: RevisedType | null;
}

export interface RestoreSource {
  readonly report: LogReport;
  readonly state: RestoredState;
  readonly unlogged: readonly UnloggedSet[];
  /** Every object of an hour that the log doesn't name. */
  readonly unloggedObjects: readonly string[];
  /** Requests to take keys back that the log tells of and no hour has done. */
  readonly requests: readonly OpenRequest[];
  /** Heads in the public bucket that aren't ours, by name. */
  readonly foreignHeads: ReadonlySet<string>;
}

/** The two buckets. */
interface Buckets {
  readonly privateBucket: BucketPort;
  readonly publicBucket: BucketPort;
}

/**
 * @param logKeys SubjectPublicKeyInfo of the log's keys
 * @returns what there is to restore, or everything that is wrong with it, 20 findings at most
 * @throws Error of a bucket
 */
export async function readSource(
  { privateBucket, publicBucket }: Buckets,
  config: PublisherConfig,
  logKeys: readonly Uint8Array[],
): Promise<Result<RestoreSource, RestoreFinding[]>> {
  const names = await privateBucket.list(LOG_FOLDER);
  const texts = await getAll(privateBucket, names);
  const report = verifyLog(
    [...texts].map(([name, bytes]) => ({ name, text: new TextDecoder().decode(bytes) })),
    logKeys,
  );
  if (report.findings.length > 0) {
    return refused(report.findings.map(({ object, what, rule }) => ({ object, what: `${what} (${rule})` })));
  }
  const forgotten = report.entries.find(({ entry }) => !IS_RESTORED[entry.event.kind]);
  if (forgotten !== undefined) {
    return refused([
      { object: forgotten.object, what: `says ${forgotten.entry.event.kind}, which a restore would forget` },
    ]);
  }
  const { records, there, requests: requestNames, findings } = await readRecords(privateBucket, report);
  const { requests, altered } = readRequests(await getAll(privateBucket, requestNames), report);
  if (findings.length + altered.length > 0) return refused([...findings, ...altered]);
  const state = restoredState(report, records, config.regions);
  if (state === null) return refused([{ object: LOG_FOLDER, what: 'has no entry: there is nothing to restore from' }]);
  const heads = await readHeads(publicBucket, config, report);
  if (heads.newer.length > 0) return refused(heads.newer);
  const unloggedObjects = there.filter((name) =>
    // An hour that was taking rows back when all was lost does so anew, perhaps with other requests; and what a purge named goes anyway.
    name.startsWith('taken/') ? !report.objects.has(name) : Number(name.split('/')[1]) > (state.recordedHour ?? -1),
  );
  const unlogged = await readUnlogged(privateBucket, unloggedObjects);
  return ok({
    report,
    state,
    unlogged,
    unloggedObjects,
    requests,
    foreignHeads: heads.foreign,
  });
}

const idOfRequest = (name: string): string => name.slice(REQUESTS.length, -'.bin'.length);

const refused = (findings: RestoreFinding[]) => err(findings.slice(0, MOST_FINDINGS));

/** @returns the objects that are there, by name */
async function getAll(bucket: BucketPort, names: readonly string[]): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const part = names.slice(at, at + AT_ONCE);
    const got = await Promise.all(part.map(async (name) => [name, await bucket.get(name)] as const));
    for (const [name, bytes] of got) if (bytes !== null) found.set(name, bytes);
  }
  return found;
}

/**
 * Which requests go on. What no entry tells of isn't carried out: whoever can write into the bucket would take anybody's keys back. It was cut off before its entry, so nobody was
 * told that it is kept, and is asked for again; or it is another one, altered, which would be lost unseen. The log says of no entry which object was its, so only where every entry has its own
 * it is known to be the former, and goes at a midnight (`forgetTaken`).
 */
function readRequests(objects: ReadonlyMap<string, Uint8Array>, { entries }: LogReport) {
  const asked = new Map<string, Omit<OpenRequest, 'id'>>();
  for (const { entry } of entries) {
    const { event } = entry;
    if (event.kind === 'revision') asked.set(event.sha256, { askedHour: event.hour, to: event.to });
    if (event.kind === 'rollback' || event.kind === 'withdrawal') {
      asked.set(event.sha256, { askedHour: event.hour, to: null });
    }
  }
  const requests: OpenRequest[] = [];
  const untold: string[] = [];
  const missing = new Set(asked.keys());
  for (const [name, bytes] of objects) {
    const hash = toBase64Url(sha256(bytes));
    const found = asked.get(hash);
    missing.delete(hash);
    if (found === undefined) untold.push(name);
    else requests.push({ id: idOfRequest(name), ...found });
  }
  const what =
    'is in no entry of the log: it was altered (bring it back from an earlier copy), or cut off before its entry (delete it; whoever asked gives the same command again)';
  const altered: RestoreFinding[] = missing.size === 0 ? [] : untold.map((object) => ({ object, what }));
  return { requests, altered };
}

/** Of set.json the bytes are compared with what was logged; of other objects of records that they are there. */
async function readRecords(bucket: BucketPort, report: LogReport) {
  const listed = (await Promise.all(RECORDS.map((folder) => bucket.list(folder)))).flat();
  const [requests, there] = [
    listed.filter((name) => name.startsWith(REQUESTS)),
    listed.filter((name) => !name.startsWith(REQUESTS)),
  ];
  const names = new Set(there);
  const findings: RestoreFinding[] = [];
  const recorded = [...report.objects.values()];
  for (const { name } of recorded) {
    if (!names.has(name)) findings.push({ object: name, what: 'is recorded and not there' });
  }
  const records = new Map<number, SetRecord>();
  const sets = recorded.filter(({ name }) => /^sets\/\d+\/set\.json$/.test(name) && names.has(name));
  const texts = await getAll(
    bucket,
    sets.map(({ name }) => name),
  );
  for (const { name, sha256: hash } of sets) {
    const bytes = texts.get(name);
    if (bytes === undefined || toBase64Url(sha256(bytes)) !== hash) {
      findings.push({ object: name, what: 'is not what was recorded' });
      continue;
    }
    const record = JSON.parse(fromUtf8(bytes)) as SetRecord;
    records.set(record.hour, record);
  }
  return { records, there, requests, findings };
}

/** Phones have seen these heads: one that the log doesn't know means that entries were cut off its end. */
async function readHeads(bucket: BucketPort, config: PublisherConfig, { fold }: LogReport) {
  const newer: RestoreFinding[] = [];
  const foreign = new Set<string>();
  for (const region of config.regions) {
    const object = headPath(region);
    const bytes = await bucket.getStart(object, MAX_HEAD_BYTES);
    if (bytes === null) continue;
    const head = signedBy(
      'manifest',
      config.manifestKeyId,
      new TextDecoder().decode(bytes),
      config.manifestSigner,
      config.formerManifestKeys,
    );
    if (head === null) foreign.add(object);
    else if ((head as ManifestHead).sequence > (fold?.regions[region]?.sequence ?? 0)) {
      newer.push({ object, what: 'is newer than the last head in the log: entries were cut off its end' });
    }
  }
  return { newer, foreign };
}

/** Sets that were being recorded: rows of parts, which are put before set.json, and what that says of them. */
async function readUnlogged(bucket: BucketPort, objects: readonly string[]): Promise<UnloggedSet[]> {
  const sets: UnloggedSet[] = [];
  for (const [hour, names] of Map.groupBy(objects, (name) => Number(name.split('/')[1]))) {
    const parts = names.filter((name) => /^sets\/\d+\/\d+-\d+\.bin$/.test(name));
    let keys = 0;
    for (const name of parts) keys += ((await bucket.get(name))?.length ?? 0) / ROW_BYTES;
    const text = names.includes(setKey(hour)) ? await bucket.get(setKey(hour)) : null;
    const { provenances } = text === null ? { provenances: null } : (JSON.parse(fromUtf8(text)) as SetRecord);
    if (keys > 0) sets.push({ hour, parts, keys, provenances });
  }
  return sets;
}
