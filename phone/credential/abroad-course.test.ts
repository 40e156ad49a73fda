/** @module A phone's way through a test abroad when answers are lost, and what it does with a credential that it can't use. */
import { describe, it } from 'vitest';
import { credentialSigner, credentialEnd, holderKey, issueCredential } from '../../protocol/credential/credential.ts';
import { credentialLink } from '../../protocol/credential/link.ts';
import { fromBase64Url, toBase64Url } from '../../protocol/primitives/bytes.ts';
import { pkcs8PemFromScalar } from '../../protocol/signing.ts';
import type { Fetch } from '../http.ts';
import { memoryStore } from '../store.ts';
import { testRandom } from '../testing/random.ts';
import { type AbroadPorts, codeOfCredential, forgetAbroad, takeAbroad, testedIn } from './abroad-course.ts';
import { type Abroad, isAbroad } from './abroad-state.ts';

const NOW = 1_795_700_000;
const NL = 'https://verification.nl.example';
const TOKEN = '8ad7be4f-8c43-4d4f-9f5c-3b2a1c0d9e8f';
const TEST = {
  verificationUrl: NL,
  uploadUrl: NL,
  code: { keyType: 'GUID', key: 'a'.repeat(64), keyDob: null },
} as const;
const ISSUER = pkcs8PemFromScalar(new Uint8Array(32).fill(7));

/** NL's server, which loses answers when told; `holders`: keys that asked for a credential. */
function server(lost: readonly string[], result = 2) {
  const asked: { host: string; path: string; body: string }[] = [];
  const left = [...lost];
  const fetch: Fetch = async (url, init) => {
    const { host, pathname } = new URL(url);
    const path = pathname.split('/').at(-1) ?? '';
    const body = await new Response(init?.body ?? null).text();
    const question = path === 'diagnosis-keys' ? {} : (JSON.parse(body) as Record<string, string | boolean>);
    asked.push({ host, path, body });
    if (question['cover'] !== false) return Response.json({}, { status: 200 });
    const answer = await answerTo(path, question as Record<string, string>);
    if (left[0] === path) {
      left.shift();
      throw new TypeError('terminated');
    }
    return answer;
  };
  async function answerTo(path: string, { holder = '' }: Record<string, string>): Promise<Response> {
    if (path === 'registrationToken') return Response.json({ registrationToken: TOKEN }, { status: 201 });
    if (path === 'forget') return Response.json({ forgotten: true });
    if (path === 'testresult') return Response.json({ testResult: result, sc: NOW });
    const said = {
      issuer: NL,
      region: 'NL',
      reportType: 'confirmed-test',
      onset: null,
      expiresAt: credentialEnd(NOW),
      id: toBase64Url(new Uint8Array(16)),
      statusIndex: 1,
      holder: holderKey(fromBase64Url(holder)),
    } as const;
    const credential = await issueCredential(said, await credentialSigner(ISSUER, 'credential-v1'));
    return Response.json({ credential }, { status: 201 });
  }
  return { fetch, asked };
}

function portsFor(fetch: Fetch): AbroadPorts {
  const home = 'https://home.example';
  return { fetch, baseUrl: home, verificationUrl: home, random: testRandom('abroad'), abroad: memoryStore<Abroad>() };
}

describe('a test abroad', () => {
  it('ends with a credential for the key that was kept first, and home hears nothing of it', async ({ expect }) => {
    const { fetch, asked } = server([]);
    const ports = portsFor(fetch);
    const taken = await takeAbroad(TEST, ports);
    if (!taken.ok || taken.value.credential === null) throw new Error(JSON.stringify(taken));
    const paths = ['registrationToken', 'testresult', 'diagnosis-keys', 'credential', 'testresult', 'diagnosis-keys'];
    expect(asked.map(({ path }) => path)).toEqual(paths);
    expect(new Set(asked.map(({ host }) => host))).toEqual(new Set(['verification.nl.example']));
    const questions = asked.filter(({ path }) => path !== 'diagnosis-keys');
    expect(new Set(questions.map(({ body }) => body.length)).size).toBe(1);
    expect(codeOfCredential(null, taken.value, NOW)).toMatchObject({ ok: true, value: { keyType: 'CREDENTIAL' } });
    expect(isAbroad(taken.value)).toBe(true);
    // Asked again, it asks nobody.
    await takeAbroad(null, ports);
    expect(asked).toHaveLength(paths.length);
  });

  it('whose answer is lost is asked for again, with the same key', async ({ expect }) => {
    const { fetch, asked } = server(['registrationToken', 'testresult', 'credential', 'credential']);
    const ports = portsFor(fetch);
    const outcomes: string[] = [];
    for (let call = 0; call < 5; call++) {
      const step = await takeAbroad(call === 0 ? TEST : null, ports);
      outcomes.push(step.ok ? (step.value.credential === null ? 'waits' : 'taken') : step.error.kind);
    }
    expect(outcomes).toEqual(['try-again', 'waits', 'try-again', 'try-again', 'taken']);
    const holders = asked.flatMap(({ path, body }) =>
      path === 'credential' ? [(JSON.parse(body) as { holder: string }).holder] : [],
    );
    expect(new Set(holders).size).toBe(1);
  });

  it('that isn’t positive takes none', async ({ expect }) => {
    const { fetch, asked } = server([], 1);
    const taken = await takeAbroad(TEST, portsFor(fetch));
    expect(taken).toMatchObject({ ok: true, value: { result: 'negative', credential: null } });
    expect(asked.some(({ path }) => path === 'credential')).toBe(false);
  });

  it('is deleted in that region too, and stays to be asked about while no answer comes', async ({ expect }) => {
    const { fetch, asked } = server(['forget'], 0);
    const ports = portsFor(fetch);
    await takeAbroad(TEST, ports);
    expect(await forgetAbroad(ports)).toEqual({ ok: false, error: { kind: 'try-again' } });
    expect(await forgetAbroad(ports)).toEqual({ ok: true, value: null });
    const told = asked.filter(({ path }) => path === 'forget');
    expect(told.map(({ host }) => host)).toEqual(['verification.nl.example', 'verification.nl.example']);
    expect(await forgetAbroad(portsFor(fetch))).toEqual({ ok: true, value: null });
  });

  it('that was never begun can’t be gone on with', async ({ expect }) => {
    expect(await takeAbroad(null, portsFor(server([]).fetch))).toEqual({ ok: false, error: { kind: 'not-now' } });
  });
});

describe('a credential', () => {
  it('is used by the phone that took it alone, while it lives, by itself or as a link', async ({ expect }) => {
    const [own, other] = [portsFor(server([]).fetch), portsFor(server([]).fetch)];
    const taken = await takeAbroad(TEST, own);
    const elsewhere = await takeAbroad(TEST, { ...other, random: testRandom('another phone') });
    if (!taken.ok || !elsewhere.ok) throw new Error('expected two credentials');
    const link = credentialLink(taken.value.credential ?? '');
    expect(codeOfCredential(link, taken.value, NOW).ok).toBe(true);
    expect(codeOfCredential(link, elsewhere.value, NOW)).toEqual({ ok: false, error: 'other-phone' });
    expect(codeOfCredential(link, null, NOW)).toEqual({ ok: false, error: 'other-phone' });
    expect(codeOfCredential(link, taken.value, credentialEnd(NOW))).toEqual({ ok: false, error: 'expired' });
    expect(codeOfCredential('https://localhost/?x', taken.value, NOW)).toEqual({ ok: false, error: 'malformed' });
    expect(codeOfCredential(null, null, NOW)).toEqual({ ok: false, error: 'none' });
  });

  it('says where the person was tested; of any other test nothing', async ({ expect }) => {
    const ports = portsFor(server([]).fetch);
    await takeAbroad(TEST, ports);
    const id = toBase64Url(new Uint8Array(16));
    expect(await testedIn(ports.abroad, id)).toEqual(['NL']);
    expect(await testedIn(ports.abroad, 'another')).toEqual([]);
  });
});
