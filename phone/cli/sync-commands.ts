/**
 * @module A phone's commands about what it met: sync fetches what is new, matches it and says the risk; status says what is known.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadKept } from '../course/test-state.ts';
import { goOnWithdrawing } from '../course/withdraw-course.ts';
import { describeDownloadError, type DownloadError } from '../download/download.ts';
import type { Match } from '../matching/match.ts';
import {
  currentParameters,
  describeParametersError,
  type ParametersState,
  type ParametersUpdate,
  updateParameters,
} from '../parameters/parameters.ts';
import { type Assessment, assessRisk } from '../scoring/assess.ts';
import { syncRegions } from '../regions/sync.ts';
import { regionAdvice, regionProblems } from '../regions/words.ts';
import { RISK_LEVEL } from '../../protocol/parameters/levels.ts';
import { dateOf } from '../../protocol/gaen/intervals.ts';
import { ok } from '../../protocol/primitives/result.ts';
import { allow, EXIT, type Io, isoOf, type Options, positional, toJson, UsageError } from './calling.ts';
import { endOf, endText } from './end-of-service.ts';
import { portsOf } from './phone-commands.ts';
import { forgetOld, type Phone, withPhones } from './phone-directory.ts';
import { regionPorts } from './region-stores.ts';

/** What stands for the app's version, which parameters may be meant for. */
const APP = { platform: 'android', version: 1 } as const;

/** A person waits who has typed: an app spreads its hosts over an hour (`phone/timing/schedule.ts`). */
const SPREAD_SECONDS = 2;

/** What the phone tells its owner. */
interface Warning {
  /** Keys of people who tested positive, met within 14 days. */
  readonly met: number;
  /** UTC day of the last of these encounters, null for none. */
  readonly lastMet: string | null;
  readonly risk: Risk | null;
  /** Keys of earlier warnings that were taken back since, within 14 days: they count no more. */
  readonly withdrawn: number;
  /** Those among them of which this command is the first to tell. */
  readonly newlyWithdrawn: number;
}

interface Risk {
  /** Corona-Warn-App's calculation. */
  readonly level: 'HIGH' | 'LOW';
  /** GAEN v2: the highest day's minutes. */
  readonly minutes: number;
  /** GAEN v1's class. */
  readonly v1: string;
}

function riskOf({ cwa, v2, v1 }: Assessment): Risk {
  const level = cwa.totalRiskLevel === RISK_LEVEL.HIGH ? 'HIGH' : 'LOW';
  return { level, minutes: v2.highestDayMinutes, v1: v1.riskClass };
}

/** @param parameters of the authority @returns what the owner reads of what the phone met */
export function warningOf(phone: Phone, parameters: ParametersState): Warning {
  const matches: readonly Match[] = phone.history.matches(phone.now);
  const times = matches.flatMap(({ sightings }) => sightings.map(({ timestamp }) => timestamp));
  const document = currentParameters(parameters);
  const { all: withdrawn, untold: newlyWithdrawn } = phone.history.withdrawn(phone.now);
  return {
    met: matches.length,
    lastMet: times.length === 0 ? null : dateOf(Math.max(...times)),
    risk: document === null ? null : riskOf(assessRisk(document, matches, phone.now)),
    withdrawn,
    newlyWithdrawn,
  };
}

/** Said once, before what is left; later, status has the count. */
function withdrawalText({ met, newlyWithdrawn: count }: Warning): string | null {
  if (count === 0) return null;
  const keys = count === 1 ? 'one key' : `${count} keys`;
  const left = met === 0 ? 'it no longer holds' : 'what is left of it follows';
  return `WITHDRAWN: ${keys} of an earlier warning ${count === 1 ? 'was' : 'were'} taken back; ${left}`;
}

/** @returns lines: what was taken back, and what is left */
export const warningLines = (warning: Warning): string[] =>
  [withdrawalText(warning), warningText(warning)].filter((text) => text !== null);

/** What was said is remembered after it is said: who dies in between says it once more. */
export async function told({ history, stores }: Phone): Promise<void> {
  if (history.markTold()) await stores.matches.save(history.snapshot());
}

function warningText({ met, lastMet, risk }: Warning): string {
  if (met === 0) return 'nobody met within 14 days who shared keys';
  const who = `WARNING: met ${met === 1 ? 'one key' : `${met} keys`} of people who tested positive, last on ${lastMet}`;
  if (risk === null) return `${who}; how high the risk is can't be said before the authority publishes parameters`;
  return `${who}; risk ${risk.level}, ${risk.minutes} minutes on the worst day (v1: ${risk.v1})`;
}

/** @returns a line for a person */
export function downloadText(error: DownloadError): string {
  const text = describeDownloadError(error);
  return error.kind === 'status' && error.status === 404
    ? `${text}: nothing is published yet, or the address is another`
    : text;
}

/** No parameters yet is no failure: the phone then says what it met, and not how high the risk is. */
function parametersText({ outcome }: ParametersUpdate): string | null {
  if (outcome.ok || (outcome.error.kind === 'status' && outcome.error.status === 404)) return null;
  return describeParametersError(outcome.error);
}

/**
 * `phone sync DIR`
 *
 * @param given DIR
 * @param options see calling.ts
 * @param io where the answer goes
 * @returns 0, or 1 when something could not be had; what was had is kept and told all the same
 * @throws {UsageError | UnreadableError | RefusedError}
 */
export async function sync(given: readonly string[], options: Options, io: Io): Promise<number> {
  allow('sync', options, []);
  const [directory] = positional('sync', given, ['DIR']);
  return withPhones([directory], async (phone) => {
    if (phone === undefined) throw new UsageError('sync: expected DIR');
    const { settings, stores, sightings, now, history, random } = phone;
    const { downloadUrl: url, region, exportKey, manifestKeys } = settings;
    const synced = await syncRegions({
      ...(await regionPorts(directory)),
      // Node keeps connections apart by host.
      connect: () => fetch,
      random,
      pause: (ms) => sleep(ms),
      spreadSeconds: SPREAD_SECONDS,
      homeFeed: { region, url, exportKeys: [exportKey], manifestKeys, store: stores.download },
      matches: stores.matches,
      history,
      sightings,
      now,
    });
    const { home: outcome, detection } = synced;
    const updated: ParametersUpdate = (await endOf(phone, phone.parameters)).ended
      ? { state: phone.parameters, outcome: ok('same') }
      : await updateParameters({ fetch, url, keys: manifestKeys, phone: APP }, phone.parameters, now);
    await stores.parameters.save(updated.state);
    // Either answer was looked at by its Date (download.ts, parameters.ts): the clock is right. After the end nobody is asked.
    if (outcome.errors.length === 0 || updated.outcome.ok) await forgetOld(phone);
    const warning = warningOf(phone, updated.state);
    const failed = [...outcome.errors.map(downloadText), ...regionProblems(synced), parametersText(updated)].filter(
      (text) => text !== null,
    );
    for (const text of new Set(failed)) io.err(`phone: ${text}\n`);
    const { files, bytes } = synced;
    const { keys, revoked } = detection.kind === 'made' ? detection : { keys: 0, revoked: 0 };
    const regions = regionAdvice(synced);
    const end = await endOf(phone, updated.state);
    const { told: takenBack } = end.ended ? { told: 0 } : await goOnWithdrawing(portsOf(phone));
    const lines = [
      takenBack === 0
        ? null
        : `what was taken back without an answer is told: ${takenBack === 1 ? 'one key' : `${takenBack} keys`}`,
      `${files === 1 ? 'one file' : `${files} files`} with ${keys} keys, new${revoked === 0 ? '' : `, and ${revoked} revoked`}`,
      ...warningLines(warning),
      ...regions,
      endText(end),
    ].filter((text) => text !== null);
    io.out(
      options.json === true
        ? toJson({
            phone: directory,
            files,
            keys,
            revoked,
            takenBack,
            bytes,
            ...warning,
            ...end,
            regions,
            errors: failed,
          })
        : lines.map((text) => `${directory}: ${text}\n`).join(''),
    );
    await told(phone);
    return failed.length === 0 ? EXIT.done : EXIT.refused;
  });
}

async function testText({ stores, now }: Phone): Promise<string> {
  const kept = await loadKept(stores.test);
  const { test, opening } = kept.ok ? kept.value : { test: null, opening: [] };
  const waiting = opening.length === 0 ? '' : ` (${opening.length} scanned without an answer: phone poll)`;
  if (test?.stage === 'registered') {
    const sharing = test.sharing === null ? '' : ', keys are being shared: phone share';
    return `${test.result}${sharing}${waiting}`;
  }
  if (test?.stage !== 'shared') return `none${waiting}`;
  if (test.keyAt === null) return `shared${waiting}`;
  return `shared, key of that day ${now < test.keyAt ? `from ${isoOf(test.keyAt)} on` : 'can go: phone share'}${waiting}`;
}

/**
 * `phone status DIR`: asks nobody.
 *
 * @param given DIR
 * @param options see calling.ts
 * @param io where the answer goes
 * @returns 0
 * @throws {UsageError | UnreadableError | RefusedError}
 */
export async function status(given: readonly string[], options: Options, io: Io): Promise<number> {
  allow('status', options, []);
  const [directory] = positional('status', given, ['DIR']);
  return withPhones([directory], async (phone) => {
    if (phone === undefined) throw new UsageError('status: expected DIR');
    const { settings, keys, sightings, now, stores, parameters } = phone;
    const loaded = await stores.download.load();
    const seen = loaded.ok ? (loaded.value?.seen?.sequence ?? null) : null;
    const test = await testText(phone);
    const warning = warningOf(phone, parameters);
    const end = await endOf(phone, parameters);
    const { downloadUrl: url, region } = settings;
    const value = {
      phone: directory,
      url,
      region,
      now,
      keys: keys.length,
      sightings: sightings.length,
      test,
      manifest: seen,
      ...warning,
      ...end,
    };
    const said = endText(end);
    const lines = [
      `${directory}: region ${region} at ${url}, its clock says ${isoOf(now)}`,
      `  keys      ${keys.length} of its own, heard others ${sightings.length} times within 14 days`,
      `  test      ${test}`,
      `  download  ${seen === null ? 'nothing yet' : `manifest ${seen}`}`,
      `  met       ${warningLines(warning).join('\n            ')}`,
      ...(warning.withdrawn === 0
        ? []
        : [`  withdrawn ${warning.withdrawn === 1 ? 'one key' : `${warning.withdrawn} keys`} of earlier warnings`]),
      ...(said === null ? [] : [`  service   ${said}`]),
    ];
    io.out(options.json === true ? toJson(value) : `${lines.join('\n')}\n`);
    await told(phone);
    return EXIT.done;
  });
}
