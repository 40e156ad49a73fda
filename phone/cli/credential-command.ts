/**
 * @module `phone credential take|show|use`: a positive test in another region, taken there and used at home (docs/credential.md).
 */
import { renderUnicodeCompact } from 'uqr';
import { type Credential, readCredential } from '../../protocol/credential/credential.ts';
import { credentialLink } from '../../protocol/credential/link.ts';
import {
  type AbroadPorts,
  codeOfCredential,
  takeAbroad,
  type TestAbroad,
  type UnusableCredential,
} from '../credential/abroad-course.ts';
import type { Abroad } from '../credential/abroad-state.ts';
import { openTest } from '../course/test-course.ts';
import { describeCodeError, scanQrCode, typeCode } from '../verification/codes.ts';
import { allow, type Io, isoOf, type Options, RefusedError, required, UsageError } from './calling.ts';
import { answer, origin, portsOf, RESULTS, say } from './phone-commands.ts';
import { type Phone, withPhones } from './phone-directory.ts';

/** What the person reads where the base region refuses (docs/credential.md has the same words). */
const WHY: Readonly<Record<string, string>> = {
  malformed: 'that is no credential of a test',
  issuer: 'no region of the directory has issued it: it is forged, or that region has left',
  role: 'the region that issued it may not speak of tests',
  phase:
    'your region doesn’t take tests of that region (phase I): ask your hotline at home for a teleTAN, and bring what the laboratory gave you',
  signature: 'it is forged: that region has not signed it',
  expired: 'it has expired: ask your hotline at home for a teleTAN',
  revoked: 'the region that issued it has taken it back: the test was not positive after all, or was withdrawn',
  used: 'it was used before; a credential opens one test',
  proof: 'it is bound to another phone: a copy of its QR code opens nothing',
  clock: 'this phone’s clock is off by more than two hours: set it, and use the credential again',
};

/** Nobody was asked. */
const UNUSABLE: Readonly<Record<UnusableCredential, string>> = {
  none: 'this phone has no credential: phone credential take',
  malformed: WHY['malformed'] ?? '',
  'other-phone': WHY['proof'] ?? '',
  expired: WHY['expired'] ?? '',
};

function abroadPorts(phone: Phone): AbroadPorts {
  return { ...portsOf(phone), abroad: phone.stores.abroad };
}

/** @param text QR code of a test, or a teleTAN or card of that region */
function testAt(text: string, options: Options): TestAbroad {
  const code = text.startsWith('https:') ? scanQrCode(text, options['birth-date'] ?? null) : typeCode(text);
  if (!code.ok) throw new UsageError(`credential take: ${describeCodeError(code.error)}`);
  const url = required('credential take', 'verification-url', options['verification-url']);
  const verificationUrl = origin('credential take', 'verification-url', url);
  const uploadUrl = origin('credential take', 'upload-url', options['upload-url'] ?? url);
  return { verificationUrl, uploadUrl, code: code.value };
}

async function take(phone: Phone, text: string | null, options: Options, io: Io): Promise<number> {
  allow('credential take', options, ['verification-url', 'upload-url', 'birth-date']);
  const state = answer(await takeAbroad(text === null ? null : testAt(text, options), abroadPorts(phone)));
  const { directory } = phone;
  if (state.credential !== null) return saySo(phone, state.credential, options, io);
  if (state.result !== 'pending') throw new RefusedError(`there is nothing to take: ${RESULTS[state.result]}`);
  const message = `${directory}: there is no result yet: phone credential take ${directory} asks again`;
  return say(io, options, { phone: directory, result: state.result }, message);
}

async function loaded({ stores }: Phone): Promise<Abroad | null> {
  const abroad = await stores.abroad.load();
  // Opening the phone has read it already, and named it if it is damaged.
  return abroad.ok ? abroad.value : null;
}

function saySo({ directory, now }: Phone, text: string, options: Options, io: Io): number {
  const said = readCredential(text) as Credential;
  const link = credentialLink(text);
  const { region, reportType, onset, expiresAt, issuer } = said;
  const about = { phone: directory, region, issuer, reportType, onset, expiresAt, expired: expiresAt <= now, link };
  const lines = [
    `${directory}: ${region} says: ${reportType}${onset === null ? '' : `, about ${onset}`}, until ${isoOf(expiresAt)}; nothing of you is in it`,
    link,
    renderUnicodeCompact(link, { ecc: 'L' }),
    `phone credential use ${directory} opens your test at home with it; no other phone can`,
  ];
  return say(io, options, about, lines.join('\n'));
}

async function show(phone: Phone, options: Options, io: Io): Promise<number> {
  allow('credential show', options, []);
  const credential = (await loaded(phone))?.credential ?? null;
  if (credential === null) throw new RefusedError(UNUSABLE.none, 'none');
  return saySo(phone, credential, options, io);
}

async function use(phone: Phone, text: string | null, options: Options, io: Io): Promise<number> {
  allow('credential use', options, []);
  const { directory, settings, now } = phone;
  const code = codeOfCredential(text, await loaded(phone), now);
  if (!code.ok) throw new RefusedError(UNUSABLE[code.error], code.error);
  const opened = await openTest(code.value, portsOf(phone));
  if (!opened.ok && opened.error.kind === 'credential-refused') {
    throw new RefusedError(WHY[opened.error.why] ?? 'your region doesn’t take it', opened.error.why);
  }
  const result = answer(opened);
  const region = readCredential(code.value.credential)?.region ?? '';
  const message = `${directory}: ${RESULTS[result]} in ${settings.region}, with --consent in ${region} too`;
  return say(io, options, { phone: directory, result, region }, message);
}

/** `phone credential take DIR [TEXT] --verification-url URL`, `show DIR`, `use DIR [LINK]` @throws {UsageError | UnreadableError | RefusedError} */
export async function credentialCommand(given: readonly string[], options: Options, io: Io): Promise<number> {
  const [action, directory, text, ...more] = given;
  const isKnown = action === 'take' || action === 'show' || action === 'use';
  if (!isKnown || directory === undefined || more.length > 0 || (action === 'show' && text !== undefined)) {
    throw new UsageError('credential: expected take DIR [TEXT], show DIR or use DIR [LINK]');
  }
  return withPhones([directory], async (opened) => {
    if (opened === undefined) throw new UsageError('credential: expected DIR');
    const phone = { ...opened, directory };
    if (action === 'take') return take(phone, text ?? null, options, io);
    return action === 'show' ? show(phone, options, io) : use(phone, text ?? null, options, io);
  });
}
