/**
 * @module The demo's story: 1,000 phones live two weeks, 200 of their owners test positive and share their keys beside dummies,
 * an hour is sealed, and phones that met somebody or nobody download, verify and match. A batch of code cards proves forged, and is rolled back.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { riskLevelOfOnset, MINIMUM_PUBLISHED_RISK_LEVEL } from '../../domain/keys/risk.ts';
import { withOnset } from '../../phone/upload/onset.ts';
import { type RandomBytes, randomBelow } from '../../phone/random.ts';
import { endedKeys } from '../../phone/radio/tek-schedule.ts';
import { sendDummy, upload, type UploadPorts } from '../../phone/upload/upload.ts';
import type { SharedKey, UploadContent } from '../../phone/upload/upload-request.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { moveClock, setClock } from '../support/operator.ts';
import { type Audience, castAudience, watch } from './audience.ts';
import { authorise, secondTan, WITH_CARD, WITH_TELETAN } from './authorise.ts';
import { type Names, namesOf, within, without } from './names.ts';
import { population, shuffle } from './people.ts';
import { demoPicture } from './picture.ts';
import type { Progress, Row } from './report.ts';
import { assessAll, type PhoneRisk, publishParameters } from './risk.ts';
import { inParallel } from '../support/in-parallel.ts';
import { type Chunk, OUT, saveChunks } from './stage.ts';
import { playUndo } from './undo.ts';

const PEOPLE = 1_000;
const INFECTED = 200;
const DUMMIES = 400;
/** Synthetic uploads set aside in an hour, which go with keys that are taken back (decision 040). */
const RESERVE = 10;
/** Keys of a synthetic upload at most (domain/decoys.ts). */
const LARGEST_UPLOAD = 15;
/**
 * What `origin` has otherwise than deployed. So one hour is company enough for a list of revoked keys, which in a country takes along what some eight hours have
 * set aside; and the story need not wait for as many.
 */
export const STORY_POLICY = { MIN_KEYS: '40', RESERVE_UPLOADS: String(RESERVE) } as const;
/** Of the infected, so many lose the answer and send the same upload again. */
const REPEATS = 20;
/** Requests at once. */
const WIDTH = 150;
/** Tuesday 2026-11-24, 10:20 UTC: the hour of the uploads. */
const UPLOAD_AT = Date.UTC(2026, 10, 24, 10, 20) / 1000;
/** 40 minutes later the hour is over and sealed. */
const SEAL_AT = UPLOAD_AT + 40 * 60;
/** When the audience looks. */
const DOWNLOAD_AT = SEAL_AT + 25 * 60;

/** When the key of the day of the test has ended. */
const NEXT_DAY_AT = UPLOAD_AT + 20 * 3600;

/** What a story ends with. */
export interface Ending {
  readonly rows: readonly Row[];
  readonly problems: readonly string[];
  /** Of the alarmed phones, by number. */
  readonly risks?: readonly PhoneRisk[];
}

/** Level a key is published with. */
const levelOf = (key: SharedKey): number =>
  key.transmissionRiskLevel ?? riskLevelOfOnset(key.daysSinceOnsetOfSymptoms ?? 4000);

/** Older apps send a risk level with each key, newer ones the onset of symptoms: half of the phones each. */
function shared(number: number, keys: ReturnType<typeof endedKeys>, random: RandomBytes): SharedKey[] {
  if (number % 2 === 0) return withOnset(keys, { kind: 'days-ago', days: 1 + randomBelow(random, 6) }, UPLOAD_AT);
  return keys.map((key, i) => ({ ...key, transmissionRiskLevel: 3 + (i % 6), daysSinceOnsetOfSymptoms: null }));
}

/** Sends uploads and dummies, mixed; says what was not as it should be. */
async function sendAll(
  contents: readonly UploadContent[],
  tans: readonly string[],
  ports: UploadPorts,
  problems: string[],
): Promise<void> {
  const send = async (content: UploadContent, at: number, times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      const answer = await upload(tans[at] ?? '', content, ports);
      if (!answer.ok) problems.push(`upload ${at}, attempt ${time + 1}: ${JSON.stringify(answer.error)}`);
    }
  };
  const jobs = [
    ...contents.map((content, at) => () => send(content, at, at < REPEATS ? 2 : 1)),
    ...Array.from({ length: DUMMIES }, () => async () => {
      const status = await sendDummy(ports);
      if (status !== 200) problems.push(`a dummy was answered ${status}`);
    }),
  ];
  await inParallel(shuffle(ports.random, jobs), WIDTH);
}

/** Says what is wrong with the chunks: keys that are missing, come twice, or are neither shared nor of synthetic uploads. @returns how many of both */
function checkChunks(
  chunks: readonly Chunk[],
  expected: Names,
  problems: string[],
): { shared: number; synthetic: number } {
  if (chunks.length !== 2) problems.push(`${chunks.length} chunks, 2 were expected`);
  const counts = chunks.map(({ region, keys }) => {
    const names = namesOf(keys);
    const missing = without(expected, names).size;
    if (missing > 0) problems.push(`${region}: ${missing} keys did not come out`);
    if (keys.length !== names.size) problems.push(`${region}: a key came out twice`);
    return without(names, expected).size;
  });
  const [synthetic = 0] = counts;
  const isLikely = synthetic >= RESERVE && synthetic <= RESERVE * LARGEST_UPLOAD;
  if (!isLikely || new Set(counts).size !== 1) {
    problems.push(`keys that nobody shared: ${counts.join(' and ')}, of ${RESERVE} synthetic uploads in each region`);
  }
  return { shared: (chunks[0]?.keys.length ?? 0) - synthetic, synthetic };
}

/**
 * Plays the story.
 *
 * @param edge a fresh local edge
 * @param random source of bytes
 * @param progress told of each step
 * @returns rows for the table, and what is wrong
 */
export async function playStory(edge: LocalEdge, random: RandomBytes, progress: Progress): Promise<Ending> {
  const problems: string[] = [];
  progress(`${PEOPLE} phones live 14 days; who meets whom is noted down`);
  await setClock(edge.url, UPLOAD_AT);
  const people = population(PEOPLE, UPLOAD_AT, random);
  const infected = people.slice(0, INFECTED);
  const contents = infected.map(({ number, history }): UploadContent => {
    const keys = shared(number, endedKeys(history, UPLOAD_AT), random);
    return { keys, visitedCountries: ['DE'], consentToFederation: true, submissionType: 0 };
  });
  const sent = contents.flatMap(({ keys }) => keys);
  const published = sent.filter((key) => levelOf(key) >= MINIMUM_PUBLISHED_RISK_LEVEL);
  const expectedKeys = namesOf(published);
  // Those with code cards, who were never ill. A meeting with one of whose keys none is left out is certain to warn.
  const forged = within(namesOf(contents.slice(-WITH_CARD).flatMap(({ keys }) => keys)), expectedKeys);
  const forgers = infected.slice(-WITH_CARD).filter(({ number }) => number % 2 === 1);
  const audience: Audience = castAudience(people, INFECTED, forgers, expectedKeys, UPLOAD_AT, random);

  const byLaboratory = INFECTED - WITH_TELETAN - WITH_CARD;
  progress(
    `${INFECTED} of them are tested: a laboratory posts ${byLaboratory} results, ${WITH_TELETAN} have teleTANs, ${WITH_CARD} code cards; phones poll and get TANs`,
  );
  const { patients: authorised, batchId } = await authorise(edge, INFECTED, random, WIDTH);
  progress(`they share ${sent.length} keys; ${DUMMIES} dummies are sent beside them`);
  const tans = authorised.map(({ tan }) => tan);
  await sendAll(contents, tans, { fetch, baseUrl: edge.url, random }, problems);

  progress('the hour is over: the origin seals it, in DE and EUR');
  await moveClock(edge.url, SEAL_AT);
  const chunks = await saveChunks(edge);
  const { shared: keys, synthetic } = checkChunks(chunks, expectedKeys, problems);

  await setClock(edge.url, DOWNLOAD_AT);
  const { byManifest, byTree } = audience;
  progress(
    `${byManifest.length + byTree.length} phones download, ${byManifest.length} by the signed manifest and ` +
      `${byTree.length} by Corona-Warn-App's tree; they verify and match`,
  );
  const found = await watch(edge, audience, DOWNLOAD_AT, problems);

  progress(`the health authority publishes its parameters; ${found.alarmed.size} alarmed phones score what they met`);
  await publishParameters(edge);
  const risks = await assessAll(edge, found.alarmed, DOWNLOAD_AT, random, problems);

  const times = { now: DOWNLOAD_AT, nextDay: NEXT_DAY_AT };
  const undone = await playUndo(edge, { batchId, forged, published, found, times }, progress, problems);

  progress('one of them shares the key of the day of the test, with a second TAN');
  const [first] = infected;
  const [authorisation] = authorised;
  let second = false;
  if (first !== undefined && authorisation !== undefined) {
    const lastKey = endedKeys(first.history, NEXT_DAY_AT).slice(-1);
    const content = { keys: withOnset(lastKey, { kind: 'days-ago', days: 1 }, NEXT_DAY_AT), visitedCountries: ['DE'] };
    const tan = await secondTan(edge, authorisation, random);
    const answer = await upload(
      tan,
      { ...content, consentToFederation: true, submissionType: 0 },
      { fetch, baseUrl: edge.url, random },
    );
    second = answer.ok;
    if (!answer.ok) problems.push(`the upload of the next day: ${JSON.stringify(answer.error)}`);
  }

  const chunk = chunks[0];
  const bytesPerKey = Number(((chunk?.bytes ?? 0) / Math.max(chunk?.keys.length ?? 0, 1)).toFixed(2));
  const picture = demoPicture({
    phones: PEOPLE,
    infected: INFECTED,
    keysShared: sent.length,
    dummies: DUMMIES,
    keysPublished: keys,
    bytesPerKey,
    audience: found.phones.map((phone) => ({ ...phone, after: undone.after.get(phone.number) ?? 'same' })),
    forged: { uploads: WITH_CARD, keys: undone.before, left: undone.left },
  });
  writeFileSync(join(OUT, 'demo.svg'), picture);
  const row = (name: string, label: string, value: Row['value']): Row => ({ name, label, value });
  return {
    problems,
    risks,
    rows: [
      row('phones', 'phones', PEOPLE),
      row('uploads', 'uploads', INFECTED),
      row('repeatedUploads', 'of these sent twice, answer lost', REPEATS),
      row('byLaboratory', 'authorised by a laboratory’s result', byLaboratory),
      row('byTeleTan', 'by a teleTAN', WITH_TELETAN),
      row('byCard', 'by a code card of one batch, which proves forged', WITH_CARD),
      row('nextDayUploads', 'uploads of the next day, second TAN', second ? 1 : 0),
      row('dummies', 'dummies', DUMMIES),
      row('keysShared', 'keys shared', sent.length),
      row('keysLeftOut', 'keys left out (risk level below 3)', sent.length - expectedKeys.size),
      row('keys', 'keys published', keys),
      row('syntheticKeys', 'synthetic keys set aside beside them', synthetic),
      row('chunkBytes', 'chunk bytes', chunk?.bytes ?? 0),
      row('bytesPerKey', 'bytes a key', bytesPerKey),
      row('signatureVerified', 'signature verified', chunks.length > 0),
      row('downloads', 'phones that downloaded and matched', byManifest.length + byTree.length),
      row('expectedEncounters', 'expected encounters', found.expected),
      row('found', 'found', found.found),
      row('missed', 'missed', found.missed),
      row('false', 'false', found.wrong),
      row('alarmed', 'phones alarmed', risks.length),
      row(
        'cwaHigh',
        "of these HIGH by Corona-Warn-App's calculation",
        risks.filter(({ cwa }) => cwa === 'HIGH').length,
      ),
      ...undone.rows,
      row('chunk', 'a chunk to look at', chunk?.file ?? 'none'),
    ],
  };
}
