/**
 * @module The demo on real keys: takes a foreign export file, sets the clock to its week, uploads its keys as patients would, and
 * shows that exactly the same keys come out again, in files of ours that verify.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { publishedForm } from '../../domain/embargo.ts';
import { publishableKeys } from '../../domain/keys/validate.ts';
import { upload } from '../../phone/upload/upload.ts';
import type { RandomBytes } from '../../phone/random.ts';
import type { SharedKey } from '../../phone/upload/upload-request.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { describeExportError, readExportZip } from '../../protocol/export/export-reader.ts';
import { hourEnd, hourOf, keyEnd } from '../../protocol/gaen/intervals.ts';
import { DAYS_SINCE_ONSET_UNKNOWN, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { issueTans, moveClock, setClock } from '../support/operator.ts';
import type { Progress, Row } from './report.ts';
import { inParallel } from '../support/in-parallel.ts';
import { saveChunks } from './stage.ts';
import type { Ending } from './story.ts';

/** What `origin` has otherwise than deployed: synthetic uploads would come out beside the file's keys. */
export const REPLAY_POLICY = { RESERVE_UPLOADS: '0' } as const;
/** A phone's 14 days. */
const KEYS_PER_PATIENT = 14;
/** An hour with fewer uploads is held (docs/architecture.md §5.3). */
const MIN_PATIENTS = 10;
const WIDTH = 100;

/**
 * Deals keys out to patients so that nobody has two keys of one time.
 *
 * @param keys any
 * @returns at least ten patients where there are so many keys; each has at most 14
 */
export function dealOut(keys: readonly TemporaryExposureKey[]): TemporaryExposureKey[][] {
  const count = Math.min(keys.length, Math.max(MIN_PATIENTS, Math.ceil(keys.length / KEYS_PER_PATIENT)));
  const patients: { keys: TemporaryExposureKey[]; end: number }[] = Array.from({ length: count }, () => ({
    keys: [],
    end: 0,
  }));
  const byStart = keys.toSorted((a, b) => a.rollingStartIntervalNumber - b.rollingStartIntervalNumber);
  for (const key of byStart) {
    const free = ({ end, keys: own }: (typeof patients)[number]): boolean =>
      own.length < KEYS_PER_PATIENT && end <= key.rollingStartIntervalNumber;
    // Whoever has fewest: so the last one isn't left with a single key.
    const candidates = patients.filter(free).toSorted((a, b) => a.keys.length - b.keys.length);
    let patient = candidates[0];
    if (patient === undefined) {
      patient = { keys: [], end: 0 };
      patients.push(patient);
    }
    patient.keys.push(key);
    patient.end = key.rollingStartIntervalNumber + key.rollingPeriod;
  }
  return patients.map((patient) => patient.keys);
}

/** A key is released two hours after its end: the clock goes there if the file is older than its newest key. */
const EMBARGO_SECONDS = 7_200;

/** As the phone shares it: the risk level where the file has one, else the onset. */
function sharedKey(key: TemporaryExposureKey): SharedKey {
  const { keyData, rollingStartIntervalNumber, rollingPeriod, transmissionRiskLevel: level } = key;
  const onset = key.daysSinceOnsetOfSymptoms;
  return {
    keyData,
    rollingStartIntervalNumber,
    rollingPeriod,
    transmissionRiskLevel: level > 0 ? level : null,
    daysSinceOnsetOfSymptoms: onset === DAYS_SINCE_ONSET_UNKNOWN ? null : onset,
  };
}

/** What the rules let through and is not too old when the hour is sealed, as it is published (docs/key-validation.md). */
const publishableOf = (own: readonly TemporaryExposureKey[], sealAt: number): TemporaryExposureKey[] =>
  publishableKeys(own.map(sharedKey), sealAt).keys.map(publishedForm);

/** A key as it must come out: data, start, period and risk level. Report type and onset are written anew (docs/key-validation.md). */
const nameOf = (key: TemporaryExposureKey): string =>
  [toHex(key.keyData), key.rollingStartIntervalNumber, key.rollingPeriod, key.transmissionRiskLevel].join('/');

/**
 * Plays a file.
 *
 * @param path of the ZIP
 * @param edge a fresh local edge
 * @param random source of bytes
 * @param progress told of each step
 * @returns rows for the table, and what is wrong
 * @throws Error when the file can't be read, or is no export file
 */
export async function playReplay(
  path: string,
  edge: LocalEdge,
  random: RandomBytes,
  progress: Progress,
): Promise<Ending> {
  const read = readExportZip(readFileSync(path), null);
  if (!read.ok) throw new Error(`${path}: ${describeExportError(read.error)}`);
  const { header, keys } = read.exportFile;
  const problems: string[] = [];
  const now = keys.reduce((latest, key) => Math.max(latest, keyEnd(key) + EMBARGO_SECONDS), header.endTimestamp);
  progress(`${basename(path)}: ${keys.length} keys; the clock goes to ${new Date(now * 1000).toISOString()}`);
  await setClock(edge.url, now);

  const patients = dealOut(keys);
  progress(`${patients.length} patients upload them`);
  const tans = await issueTans(edge.url, patients.length);
  const jobs = patients.map((own, at) => async () => {
    const content = {
      keys: own.map(sharedKey),
      visitedCountries: ['DE'],
      consentToFederation: true,
      submissionType: 0,
    } as const;
    const answer = await upload(tans[at] ?? '', content, { fetch, baseUrl: edge.url, random });
    if (!answer.ok) problems.push(`patient ${at}: ${JSON.stringify(answer.error)}`);
  });
  await inParallel(jobs, WIDTH);

  progress('the hour is over: the origin seals it, in DE and EUR');
  const sealAt = hourEnd(hourOf(now));
  await moveClock(edge.url, sealAt);
  const chunks = await saveChunks(edge);
  const wanted = new Set(patients.flatMap((own) => publishableOf(own, sealAt)).map(nameOf));
  for (const { region, file, keys: out } of chunks) {
    const names = new Set(out.map(nameOf));
    const missing = [...wanted].filter((name) => !names.has(name)).length;
    const foreign = [...names].filter((name) => !wanted.has(name)).length;
    if (missing + foreign > 0 || out.length !== wanted.size) {
      problems.push(`${region}, ${file}: ${out.length} keys, ${missing} are missing, ${foreign} are foreign`);
    }
  }
  if (chunks.length !== 2) problems.push(`${chunks.length} chunks, 2 were expected`);
  const chunk = chunks[0];
  const row = (name: string, label: string, value: Row['value']): Row => ({ name, label, value });
  return {
    problems,
    rows: [
      row('replayed', 'replayed', basename(path)),
      row('uploads', 'uploads', patients.length),
      row('keysShared', 'keys in the file', keys.length),
      row('keysLeftOut', 'keys left out (docs/key-validation.md)', keys.length - wanted.size),
      row('keys', 'keys published', chunk?.keys.length ?? 0),
      row('sameKeys', 'exactly the same keys, in DE and EUR', problems.length === 0),
      row('chunkBytes', 'chunk bytes', chunk?.bytes ?? 0),
      row('bytesPerKey', 'bytes a key', Number(((chunk?.bytes ?? 0) / Math.max(wanted.size, 1)).toFixed(2))),
      row('signatureVerified', 'signature verified', chunks.length > 0),
      row('chunk', 'a chunk to look at', chunk?.file ?? 'none'),
    ],
  };
}
