/**
 * @module A phone's commands about its owner and their test: meet, scan, type, poll, share, forget. Each opens the directory, does
 * once what an app does, and says how it came out. When an app does it is cover-traffic.ts's business: who types, decides that.
 */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Result } from '../../protocol/primitives/result.ts';
import type { Advice } from '../course/advice.ts';
import { forgetAbroad } from '../credential/abroad-course.ts';
import {
  deleteTest,
  openedBefore,
  openTest,
  pollTest,
  resumeTest,
  shareKeys,
  shareLastKey,
  stateOf,
} from '../course/test-course.ts';
import { loadKept } from '../course/test-state.ts';
import type { WithdrawPorts } from '../course/withdraw-course.ts';
import { DEFAULT_POLLING } from '../parameters/parameters-schedule.ts';
import { meet } from '../radio/encounter.ts';
import { endedKeys } from '../radio/tek-schedule.ts';
import { withOnset } from '../upload/onset.ts';
import { type CodeError, describeCodeError, type OpeningCode, scanQrCode, typeCode } from '../verification/codes.ts';
import type { TestResult } from '../verification/verification.ts';
import { allow, EXIT, type Io, isoOf, type Options, positional, RefusedError, toJson, UsageError } from './calling.ts';
import { keep, parametersOf, type Phone, withPhones } from './phone-directory.ts';
import { countriesAbroad } from './region-commands.ts';
import { symptomsOf } from './symptoms.ts';

type Command = (given: readonly string[], options: Options, io: Io) => Promise<number>;

/** What the person reads for each {@link Advice}. */
const ADVICE: Readonly<Record<Advice['kind'], string>> = {
  'try-again': 'no answer, or the server is unwell: nothing is lost, call the same again',
  'ask-hotline':
    'the server says no: the code is unknown, used up or over; a teleTAN from the hotline opens a test again',
  'report-a-fault':
    'the keys were refused, or can’t be sent: a fault of the app, or of this phone’s clock, which phone sync looks at; they are not sent again, others can be shared',
  'credential-refused': 'your region doesn’t take it',
  'not-now': 'there is nothing to do this with now',
  'finish-sharing': 'keys of the test that runs are still being shared: phone share first, or phone forget',
  'state-unreadable': 'what the phone kept can’t be read; nothing was changed',
};

/** @param result of a step @returns its value @throws {RefusedError} with what the person reads */
export function answer<T>(result: Result<T, Advice>): T {
  if (result.ok) return result.value;
  throw new RefusedError(ADVICE[result.error.kind], result.error.kind);
}

/** Prints an answer, as text or JSON. @returns exit code */
export function say(io: Io, options: Options, value: Readonly<Record<string, unknown>>, text: string): number {
  io.out(options.json === true ? toJson(value) : `${text}\n`);
  return EXIT.done;
}

/** An origin: `http://127.0.0.1:8787` */
export function origin(command: string, name: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '') {
    throw new UsageError(`${command}: --${name}: "${value}" must be an origin, as http://127.0.0.1:8787`);
  }
  return url.origin;
}

/** Longest simulated encounter: a day. */
const MOST_MINUTES = 1440;

/** `phone meet A B` @throws {UsageError | UnreadableError | RefusedError} */
export const meetPhones: Command = async (given, options, io) => {
  allow('meet', options, ['minutes']);
  const [a, b] = positional('meet', given, ['DIR', 'DIR']);
  if (resolve(a) === resolve(b)) throw new UsageError('meet: a phone does not hear itself: expected two directories');
  const minutes = Number(options.minutes ?? '20');
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > MOST_MINUTES) {
    throw new UsageError(`meet: --minutes: "${options.minutes}" must be a whole number, 1..${MOST_MINUTES}`);
  }
  return withPhones([a, b], async (one, other) => {
    if (one === undefined || other === undefined) throw new UsageError('meet: expected two directories');
    const sideOf = ({ keys, sightings, now }: Phone) => ({ history: keys, sightings, now });
    const met = meet(sideOf(one), sideOf(other), minutes, one.random);
    for (const [index, phone] of [one, other].entries()) {
      const side = met[index];
      // Died between the two, one has heard the other and not the other one: as where a radio fails.
      if (side !== undefined) await keep(phone, { keys: side.history, sightings: side.sightings });
    }
    const text = `simulated Bluetooth: ${a} and ${b} were near each other for ${minutes} minutes, until ${isoOf(one.now)}`;
    return say(io, options, { simulated: true, phones: [a, b], minutes, until: one.now }, text);
  });
};

/** @param phone as opened @returns what its courses work with */
export function portsOf(phone: Phone): WithdrawPorts {
  const { settings, random, now, stores } = phone;
  const parameters = parametersOf(phone);
  const bodyBytes = parameters?.coverTraffic.uploadBodyBytes;
  return {
    fetch,
    baseUrl: settings.uploadUrl,
    verificationUrl: settings.verificationUrl,
    random,
    store: stores.test,
    secrets: stores.secrets,
    clock: () => now,
    settings: parameters ?? { coverTraffic: { followUpDays: 0 }, polling: DEFAULT_POLLING },
    ...(bodyBytes === undefined ? {} : { bodyBytes }),
  };
}

/** What the person reads of each result. */
export const RESULTS: Readonly<Record<TestResult, string>> = {
  pending: 'there is no result yet: phone poll asks again',
  negative: 'negative',
  positive: 'positive: phone share warns those whom you met',
  invalid: 'the laboratory could not tell: take another test',
  redeemed: 'the test is over',
};

function sayResult(io: Io, options: Options, directory: string, result: TestResult): number {
  return say(io, options, { phone: directory, result }, `${directory}: ${RESULTS[result]}`);
}

function codeOf(command: string, code: Result<OpeningCode, CodeError>): OpeningCode {
  if (code.ok) return code.value;
  throw new UsageError(`${command}: ${describeCodeError(code.error)}`);
}

function opening(
  command: 'scan' | 'type',
  directory: string,
  code: OpeningCode,
  options: Options,
  io: Io,
): Promise<number> {
  return withPhones([directory], async (phone) => {
    if (phone === undefined) throw new UsageError(`${command}: expected DIR`);
    const ports = portsOf(phone);
    const isKnown = (await openedBefore(code, ports))?.ok === true;
    const result = answer(await openTest(code, ports));
    if (isKnown && options.json !== true) io.out(`${directory}: the phone has this test already\n`);
    return sayResult(io, options, directory, result);
  });
}

/** `phone scan DIR TEXT` @throws {UsageError | UnreadableError | RefusedError} */
export const scan: Command = async (given, options, io) => {
  allow('scan', options, ['birth-date']);
  const [directory, text] = positional('scan', given, ['DIR', 'TEXT']);
  return opening('scan', directory, codeOf('scan', scanQrCode(text, options['birth-date'] ?? null)), options, io);
};

/** `phone type DIR CODE` @throws {UsageError | UnreadableError | RefusedError} */
export const type: Command = async (given, options, io) => {
  allow('type', options, []);
  const [directory, code] = positional('type', given, ['DIR', 'CODE']);
  return opening('type', directory, codeOf('type', typeCode(code)), options, io);
};

/** @returns a command for one phone, which takes these options */
export function onOne(
  name: string,
  names: Parameters<typeof allow>[2],
  work: (phone: Phone, options: Options, io: Io) => Promise<number>,
): Command {
  return async (given, options, io) => {
    allow(name, options, names);
    const [directory] = positional(name, given, ['DIR']);
    return withPhones([directory], async (phone) => {
      if (phone === undefined) throw new UsageError(`${name}: expected DIR`);
      return work({ ...phone, directory }, options, io);
    });
  };
}

/** `phone poll DIR`: also goes on with a scan that had no answer. @throws {UsageError | UnreadableError | RefusedError} */
export const poll: Command = onOne('poll', [], async (phone, options, io) => {
  const ports = portsOf(phone);
  const kept = await loadKept(ports.store);
  const isOpening = kept.ok && kept.value.opening.length > 0;
  const resumed = isOpening ? await resumeTest(ports) : null;
  const test = await stateOf(ports);
  if (test?.stage === 'shared') return sayResult(io, options, phone.directory, 'positive');
  if (test?.stage === 'registered') return sayResult(io, options, phone.directory, answer(await pollTest(ports)));
  if (resumed !== null) return sayResult(io, options, phone.directory, answer(resumed));
  throw new RefusedError('no test runs: phone scan or phone type opens one');
});

const NOT_SAID = { kind: 'not-said' } as const;

/** `phone share DIR`: the past days' keys; called again on the next day, the key of that day. @throws {UsageError | UnreadableError | RefusedError} */
export const share: Command = onOne('share', ['symptoms', 'consent'], async (phone, options, io) => {
  const { now, keys, stores, directory } = phone;
  const chosen = options.symptoms === undefined ? null : symptomsOf(options.symptoms);
  const ports = portsOf(phone);
  const test = await stateOf(ports);
  if (test === null || test.stage === 'finished')
    throw new RefusedError('no test runs: phone scan or phone type opens one');
  const loaded = await stores.said.load();
  const { codeKey, sharing } = test;
  // Of an upload under way the keys were kept as they were said then; what was said of another test is none of this one's.
  const before = loaded.ok && loaded.value?.codeKey === codeKey ? loaded.value : null;
  const isNew = chosen !== null && (sharing === null || before === null);
  const said = isNew ? { symptoms: chosen, at: now, codeKey } : (before ?? { symptoms: NOT_SAID, at: now, codeKey });
  const shared = (own: Parameters<typeof withOnset>[0]) => withOnset(own, said.symptoms, said.at);
  if (test.stage === 'registered') {
    if (test.result !== 'positive') throw new RefusedError(`nothing to share: ${RESULTS[test.result]}`);
    const ended = shared(endedKeys(keys, now));
    if (ended.length === 0 && test.sharing === null) {
      throw new RefusedError('no key has ended yet: the phone’s first ends at midnight UTC; share then');
    }
    // Kept first: sent again, or on the next day, the keys go with the same answer.
    await stores.said.save(said);
    const consentToFederation = options.consent === true;
    const visitedCountries = consentToFederation ? await countriesAbroad(phone, codeKey) : [];
    answer(await shareKeys({ keys: ended, visitedCountries, consentToFederation, submissionType: 0 }, ports));
  } else {
    if (test.keyAt !== null && now < test.keyAt) {
      throw new RefusedError(`the key of the day of sharing goes out from ${isoOf(test.keyAt)} on; share again then`);
    }
    answer(await shareLastKey(shared, keys, ports));
  }
  const after = await stateOf(ports);
  const left = after?.stage === 'shared' && after.keyAt !== null ? after.keyAt : null;
  const count = after?.stage === 'shared' ? after.content.keys.length : 1;
  const next = left === null ? '' : `; the key of today goes out from ${isoOf(left)} on: phone share again then`;
  return say(
    io,
    options,
    { phone: directory, keys: count, nextKeyAt: left },
    `${directory}: ${count === 1 ? 'one key is' : `${count} keys are`} shared${next}`,
  );
});

/** `phone forget DIR` @throws {UsageError | UnreadableError | RefusedError} */
export const forget: Command = onOne('forget', [], async (phone, options, io) => {
  const ports = portsOf(phone);
  answer(await deleteTest(ports));
  // Without an answer the test abroad stays, and is asked about the next time.
  answer(await forgetAbroad({ ...ports, abroad: phone.stores.abroad }));
  await rm(join(phone.directory, 'abroad.json'), { force: true });
  // Died before this, the phone has no test, and symptoms of nobody until the next share.
  await rm(join(phone.directory, 'symptoms.json'), { force: true });
  return say(
    io,
    options,
    { phone: phone.directory, test: null },
    `${phone.directory}: the test is forgotten, here and at the server`,
  );
});
