/**
 * @module `phone enx app|report|open|share|sync|chaff`: the phone as one with an Exposure Notifications Express app (docs/google-dialect.md), against any server of that dialect.
 */
import { dirname, join } from 'node:path';
import type { Result } from '../../protocol/primitives/result.ts';
import { googleIndexPath } from '../../protocol/index/google-index.ts';
import { isGoogleState, syncGoogleIndex } from '../download/download-google.ts';
import { type EnxError, type EnxPorts, openCode, reportBySelf, sendChaff, shareKeys } from '../enx/enx.ts';
import { isEnxState } from '../enx/state.ts';
import { endedKeys } from '../radio/tek-schedule.ts';
import { fileStore } from '../store.ts';
import { allow, EXIT, type Io, type Options, RefusedError, required, toJson, UsageError } from './calling.ts';
import { say } from './phone-commands.ts';
import { type Phone, withPhones } from './phone-directory.ts';
import { downloadText, told, warningLines, warningOf } from './sync-commands.ts';

/** What an app of this dialect has built in beside what `phone init` was told. */
interface App {
  readonly apiKey: string;
  readonly healthAuthorityId: string;
}

function isApp(value: unknown): value is App {
  if (typeof value !== 'object' || value === null) return false;
  const { apiKey, healthAuthorityId } = value as Record<string, unknown>;
  return typeof apiKey === 'string' && typeof healthAuthorityId === 'string';
}

/** What a local edge calls its own app. */
const LOCAL_APP = 'exposure-edge';

const storesOf = ({ directory }: Phone) => ({
  app: fileStore(join(directory, 'enx-app.json'), isApp),
  state: fileStore(join(directory, 'enx.json'), isEnxState),
  list: fileStore(join(directory, 'enx-download.json'), isGoogleState),
});

async function portsOf(phone: Phone): Promise<EnxPorts> {
  const { app, state } = storesOf(phone);
  const loaded = await app.load();
  if (!loaded.ok || loaded.value === null) {
    throw new RefusedError('no app of this dialect is set up: phone enx app DIR --api-key KEY');
  }
  const { uploadUrl, verificationUrl } = phone.settings;
  return { ...loaded.value, fetch, verificationUrl, publishUrl: uploadUrl, random: phone.random, store: state };
}

/** What the person reads for what a server refuses by these codes; others are named. */
const REFUSALS: Readonly<Record<string, string>> = {
  code_invalid: 'the code is unknown, or was used',
  code_expired: 'the code has expired: ask for another one',
  token_expired: 'the code was used for other keys, or is over: ask for another one',
  missing_revision_token:
    'these keys were shared before: by another phone or app, or by this one, whose answer never came',
  key_already_revised: 'something else was said of these keys before; it can be said once',
  invalid_report_type_transition: 'this can’t be said of keys of which something stronger was said before',
  unsupported_test_type: 'the server takes no reports of one’s own',
};

function refusalOf(error: EnxError): RefusedError {
  switch (error.kind) {
    case 'try-again':
      return new RefusedError('no answer, or the server is unwell: nothing is lost, call the same again', error.kind);
    case 'refused':
      return new RefusedError(
        REFUSALS[error.code] ?? `the server says no: status ${error.status} ${error.code}`,
        error.code === '' ? error.kind : error.code,
      );
    case 'no-code':
      return new RefusedError('there is no code in what was given', error.kind);
    case 'not-now':
      return new RefusedError('there is nothing to share now: no code was opened, or no new key has ended', error.kind);
    case 'state-unreadable':
      return new RefusedError('what the phone kept can’t be read; nothing was changed', error.kind);
  }
}

function answer<T>(result: Result<T, EnxError>): T {
  if (result.ok) return result.value;
  throw refusalOf(result.error);
}

type Work = (phone: Phone, options: Options, io: Io, text: string) => Promise<number>;

const app: Work = async (phone, options, io) => {
  const apiKey = required('enx app', 'api-key', options['api-key']);
  const healthAuthorityId = options['health-authority'] ?? LOCAL_APP;
  await storesOf(phone).app.save({ apiKey, healthAuthorityId });
  const text = `${phone.directory}: the app of ${healthAuthorityId}; phone enx open comes next, once there is a code`;
  return say(io, options, { phone: phone.directory, healthAuthorityId }, text);
};

const report: Work = async (phone, options, io) => {
  const number = required('enx report', 'phone', options.phone);
  const symptomDate = options['symptom-date'] ?? '';
  const testDate = options['test-date'] ?? '';
  if (symptomDate === '' && testDate === '')
    throw new UsageError('enx report: --symptom-date or --test-date is missing');
  answer(await reportBySelf({ symptomDate, testDate, tzOffset: 0, phone: number }, await portsOf(phone)));
  const text = `${phone.directory}: reported; a message with a link comes to that number, unless it had one lately: phone enx open`;
  return say(io, options, { phone: phone.directory, reported: true }, text);
};

const open: Work = async (phone, options, io, code) => {
  const { testType } = answer(await openCode(code, await portsOf(phone)));
  const text = `${phone.directory}: the code says ${testType}; phone enx share tells it to those whom you met`;
  return say(io, options, { phone: phone.directory, testType }, text);
};

const share: Work = async (phone, options, io) => {
  const shared = answer(await shareKeys(endedKeys(phone.keys, phone.now), 0, await portsOf(phone)));
  const { testType, sent, inserted, notes } = shared;
  const keys = sent === 1 ? 'one key' : `${sent} keys`;
  const shareText = `${sent === 1 ? 'is' : 'are'} shared, ${inserted} new; the key of today goes on the next UTC day, by the same command`;
  const text = [
    testType === 'negative'
      ? `${keys} of before: nobody is ill; what of them was shared is taken back`
      : `${keys} ${shareText}`,
    ...notes,
  ];
  const lines = text.map((line) => `${phone.directory}: ${line}`).join('\n');
  return say(io, options, { phone: phone.directory, ...shared }, lines);
};

const sync: Work = async (phone, options, io) => {
  const { settings, now, history, sightings, stores, directory } = phone;
  const { region, downloadUrl, exportKey } = settings;
  const outcome = await syncGoogleIndex({
    fetch,
    baseUrl: `${downloadUrl}/${dirname(googleIndexPath(region))}`,
    clock: () => now,
    exportKey,
    region,
    store: storesOf(phone).list,
    async onFile({ exportFile: { keys, revisedKeys } }) {
      history.provide(keys, revisedKeys, sightings, now);
      // Kept before the file counts as had: who dies in between fetches it once more.
      await stores.matches.save(history.snapshot());
    },
  });
  const failed = outcome.errors.map(downloadText);
  for (const text of failed) io.err(`phone: ${text}\n`);
  const warning = warningOf(phone, phone.parameters);
  const { files, bytes } = outcome;
  const lines = [`${files === 1 ? 'one file' : `${files} files`}, new`, ...warningLines(warning)];
  io.out(
    options.json === true
      ? toJson({ phone: directory, files, bytes, ...warning, errors: failed })
      : lines.map((line) => `${directory}: ${line}\n`).join(''),
  );
  await told(phone);
  return failed.length === 0 ? EXIT.done : EXIT.refused;
};

const chaff: Work = async (phone, options, io) => {
  const answered = (await sendChaff(await portsOf(phone))).filter(Boolean).length;
  const text = `${phone.directory}: three requests as of somebody who shares, ${answered} were answered`;
  return say(io, options, { phone: phone.directory, answered }, text);
};

/** By name: what it does, its options, and whether a code stands behind DIR. */
const COMMANDS: ReadonlyMap<string, readonly [Work, Parameters<typeof allow>[2], boolean]> = new Map([
  ['app', [app, ['api-key', 'health-authority'], false]],
  ['report', [report, ['phone', 'symptom-date', 'test-date'], false]],
  ['open', [open, [], true]],
  ['share', [share, [], false]],
  ['sync', [sync, [], false]],
  ['chaff', [chaff, [], false]],
]);

/** `phone enx WHAT DIR` @throws {UsageError | UnreadableError | RefusedError} */
export async function enxCommand(given: readonly string[], options: Options, io: Io): Promise<number> {
  const [what = '', directory, code = ''] = given;
  const command = COMMANDS.get(what);
  if (command === undefined) throw new UsageError(`enx: expected ${[...COMMANDS.keys()].join(', ')}, got "${what}"`);
  const [work, names, takesCode] = command;
  allow(`enx ${what}`, options, names);
  if (directory === undefined || given.length !== (takesCode ? 3 : 2)) {
    throw new UsageError(`enx ${what}: expected ${takesCode ? 'DIR CODE' : 'DIR'}, got ${given.length - 1}`);
  }
  return withPhones([directory], async (phone) => {
    if (phone === undefined) throw new UsageError(`enx ${what}: expected DIR`);
    return work({ ...phone, directory }, options, io, code);
  });
}
