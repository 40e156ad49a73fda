/**
 * @module What an observer of the wire sees of tests: three requests of two sizes, whatever the phone does (docs/architecture.md
 * §10). Captured at a raw TCP socket.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type OpeningCode, scanQrCode, typeCode } from './codes.ts';
import { withOnset } from '../upload/onset.ts';
import { playDummy, type PlaybookPorts, playPoll, playRegister, playSubmit } from '../course/playbook.ts';
import { currentKey } from '../radio/tek-schedule.ts';
import { testRandom } from '../testing/random.ts';
import { splitRequest, tapWire, type WireTap } from '../testing/socket.ts';
import type { UploadContent } from '../upload/upload-request.ts';
import { pkcs8PemFromScalar } from '../../protocol/signing.ts';
import { credentialFor, forget, register, sendVerificationDummy, tan, testResult } from './verification.ts';
import { QUESTION_BYTES, VERIFICATION_PATHS, type VerificationRoute } from './verification-request.ts';

const NOON = Date.UTC(2026, 5, 15, 12) / 1000;
const TOKEN = '8ad7be4f-8c43-4d4f-9f5c-3b2a1c0d9e8f';
const QR = 'https://localhost/?3D6D08-9AB3CD10-1F2E-4D5C-8B7A-0123456789AB';
const random = testRandom('verification wire');
const CREDENTIAL = {
  keyType: 'CREDENTIAL',
  key: 'id',
  keyDob: null,
  credential: `${'a'.repeat(800)}~`,
  holderPem: pkcs8PemFromScalar(new Uint8Array(32).fill(8)),
} as const;
const ROUTES = Object.keys(VERIFICATION_PATHS) as VerificationRoute[];

let tap: WireTap;
let ports: PlaybookPorts;
beforeAll(async () => {
  tap = await tapWire();
  ports = { fetch: globalThis.fetch, baseUrl: tap.url, verificationUrl: tap.url, random };
});
afterAll(() => tap.close());

function codeOf(opened: ReturnType<typeof scanQrCode>): OpeningCode {
  if (!opened.ok) throw new Error(opened.error.kind);
  return opened.value;
}

function content(): UploadContent {
  const { history } = currentKey([], NOON, random);
  const keys = withOnset(history, { kind: 'none' }, NOON);
  return { keys, visitedCountries: [], consentToFederation: false, submissionType: 0 };
}

const sizesOf = async (send: () => Promise<unknown>): Promise<number[]> =>
  (await tap.captured(send)).map((request) => request.length);

describe('questions to verification', () => {
  it('have one size: scanned, with a date of birth, typed, asked with a token, deleted, and feigned', async ({
    expect,
  }) => {
    const sizes: [string, number[]][] = [
      ['scanned', await sizesOf(() => register(codeOf(scanQrCode(QR)), ports))],
      ['date of birth', await sizesOf(() => register(codeOf(scanQrCode(QR, '1961-03-09')), ports))],
      ['teleTAN', await sizesOf(() => register({ keyType: 'TELETAN', key: 'ABCDEFGHJK', keyDob: null }, ports))],
      ['result', await sizesOf(() => testResult(TOKEN, ports))],
      ['TAN', await sizesOf(() => tan(TOKEN, ports))],
      ['deleted', await sizesOf(() => forget(TOKEN, ports))],
      ['credential taken', await sizesOf(() => credentialFor(TOKEN, 'a'.repeat(86), ports))],
      ['credential shown', await sizesOf(() => register(CREDENTIAL, ports))],
    ];
    for (const route of ROUTES)
      sizes.push([`dummy ${route}`, await sizesOf(() => sendVerificationDummy(route, ports))]);
    expect(new Set(sizes.flatMap(([, size]) => size)).size, JSON.stringify(sizes)).toBe(1);
  });

  it('differ from a dummy in random text alone, headers in padding, the body in `cover` besides', async ({
    expect,
  }) => {
    for (const route of ['testresult', 'tan'] as const) {
      const [real, dummy] = await tap.captured(async () => {
        await (route === 'tan' ? tan : testResult)(TOKEN, ports);
        await sendVerificationDummy(route, ports);
      });
      if (real === undefined || dummy === undefined) throw new Error('expected two requests');
      const [a, b] = [splitRequest(real), splitRequest(dummy)];
      const nameOf = (line: string): string => line.split(':')[0] ?? '';
      expect(b.lines.map(nameOf)).toEqual(a.lines.map(nameOf));
      const differing = a.lines.filter((line, i) => line !== b.lines[i]).map(nameOf);
      expect(differing).toEqual(['cwa-header-padding']);
      const questionOf = (body: Uint8Array) =>
        JSON.parse(new TextDecoder().decode(body)) as Record<string, string | boolean>;
      const [real_, dummy_] = [questionOf(a.body), questionOf(b.body)];
      expect(Object.keys(dummy_)).toEqual(Object.keys(real_));
      expect([real_['cover'], dummy_['cover']]).toEqual([false, true]);
      expect(String(dummy_['registrationToken']).length).toBe(String(real_['registrationToken']).length);
      expect(a.body).toHaveLength(QUESTION_BYTES);
    }
  });

  it('are never asked with a code that the phone knows to be wrong', ({ expect }) => {
    expect(typeCode('ABCDEFGHJK').ok).toBe(false);
  });
});

describe('playbooks', () => {
  it('are two questions and an upload for each action, failed or not, real or feigned', async ({ expect }) => {
    // The tap answers {}, so every real step fails: what would follow is filled with dummies.
    const keep = (): Promise<void> => Promise.resolve();
    const played = {
      register: await sizesOf(() => playRegister(codeOf(scanQrCode(QR)), keep, ports)),
      poll: await sizesOf(() => playPoll(TOKEN, ports)),
      'submit without a TAN': await sizesOf(() => playSubmit(TOKEN, null, () => Promise.resolve(content()), ports)),
      'submit again': await sizesOf(() => playSubmit(TOKEN, TOKEN, () => Promise.resolve(content()), ports)),
      'submit what cannot be sent': await sizesOf(() =>
        playSubmit(TOKEN, TOKEN, () => Promise.resolve({ ...content(), keys: [] }), ports),
      ),
      'feigned register': await sizesOf(() => playDummy('register', ports)),
      'feigned poll': await sizesOf(() => playDummy('poll', ports)),
      'feigned submit': await sizesOf(() => playDummy('submit', ports)),
    };
    const [expected] = Object.values(played);
    expect(expected).toHaveLength(3);
    for (const [name, sizes] of Object.entries(played)) expect(sizes, name).toEqual(expected);
  });

  it('ask the same routes in the same order, real or feigned', async ({ expect }) => {
    const pathsOf = async (send: () => Promise<unknown>): Promise<string[]> =>
      (await tap.captured(send)).map((request) => splitRequest(request).lines[0] ?? '');
    const keep = (): Promise<void> => Promise.resolve();
    const real = {
      register: await pathsOf(() => playRegister(codeOf(scanQrCode(QR)), keep, ports)),
      poll: await pathsOf(() => playPoll(TOKEN, ports)),
      submit: await pathsOf(() => playSubmit(TOKEN, TOKEN, () => Promise.resolve(content()), ports)),
    };
    for (const action of ['register', 'poll', 'submit'] as const) {
      expect(await pathsOf(() => playDummy(action, ports))).toEqual(real[action]);
    }
  });
});
