/** @module Codes, tokens, certificates, API keys and phone numbers of Google's dialect while a secret is changed (docs/rotation.md): what the Workers of one phase made, those of the next one and of the one before take, and once. */
import { beforeEach, describe, it } from 'vitest';
import type { IssueCodeRequest } from '../../../domain/rpc-codes.ts';
import { toBase64 } from '../../../protocol/primitives/bytes.ts';
import type { VerificationEnv } from '../bindings.ts';
import { servicesOf } from '../services.ts';
import { atStore, begin, bindings, DAY, macOf, moveTo, order, post, state } from './device-rig.ts';

const NEW = toBase64(new Uint8Array(32).fill(7));
const uuidOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

beforeEach(() => begin());

describe.for(['TAN_HASH_KEY', 'DERIVATION_KEY'] as const)('%s:', (secret) => {
  const old = bindings[secret];
  const at = (value: string): VerificationEnv => ({ ...bindings, [secret]: value });
  const [before, accepted, makes, over] = [at(old), at(`${old},${NEW}`), at(`${NEW},${old}`), at(NEW)];
  const moves = [
    [before, accepted],
    [accepted, before],
    [accepted, makes],
    [makes, accepted],
    [makes, over],
  ] as const;
  const issueAt = (env: VerificationEnv, more: Partial<IssueCodeRequest>, issuer = 'anna') =>
    servicesOf(env)
      .codes.issue(issuer, [order(more)])
      .then(([reply]) => reply as unknown as Record<string, unknown>);

  it('an order is the same code and the same API key, and each opens what it opened', async ({ expect }) => {
    for (const [n, [maker, taker]] of moves.entries()) {
      await moveTo(state.now + 1);
      const request = String(n).padStart(64, '0');
      const made = await servicesOf(maker).codes.createApiKey('device', `app ${n}`, request);
      expect(await servicesOf(taker).codes.createApiKey('device', `app ${n}`, request)).toEqual(made);
      expect(await servicesOf(taker).codes.checkApiKey('device', made.text)).toMatchObject({ id: made.apiKey.id });
      const [byMaker, byTaker] = [maker, taker].map((of) => ({ of, key: made.text }));

      const code = await issueAt(maker, { uuid: uuidOf(n) });
      expect(await issueAt(taker, { uuid: uuidOf(n) })).toEqual(code);
      expect(await issueAt(taker, { uuid: uuidOf(n), testType: 'likely' })).toEqual({ error: 'uuid_already_exists' });
      const used = await post('verify', { code: code['code'] }, byTaker);
      const { longCode } = await issueAt(maker, {});
      const twice = [
        await post('verify', { code: longCode }, byMaker),
        await post('verify', { code: longCode }, byTaker),
      ];
      expect([used, ...twice].map(({ status }) => status)).toEqual([200, 200, 200]);
      const ask = (mac: number, from: typeof byMaker) =>
        post('certificate', { token: used.json['token'], ekeyhmac: macOf(mac), padding: 'AAAA' }, from);
      const [first, again, other] = [await ask(n, byMaker), await ask(n, byTaker), await ask(n + 100, byTaker)];
      expect([first.status, again.status, other.status]).toEqual([200, 200, 400]);
      expect((await post('verify', { code: code['code'] }, byMaker)).json['errorCode']).toBe('code_invalid');
      await moveTo(state.now + DAY);
      const [next, third] = [await ask(n + 50, byTaker), await ask(n + 51, byMaker)];
      expect([next.status, third.status]).toEqual([200, 400]);
    }
  });

  it('a number, and whom an issuer issues for, count as before; a nonce opens what it was for', async ({ expect }) => {
    for (const [n, [maker, taker]] of moves.entries()) {
      const phone = `+4917012345${String(n).padStart(2, '0')}`;
      const nonce = toBase64(new Uint8Array(256).fill(n));
      const key = (await servicesOf(maker).codes.createApiKey('device', `app ${n}`)).text;
      const report = { nonce, phone, symptomDate: order().symptomDate, tzOffset: 0 };
      const sent = state.sent.length;
      expect((await post('user-report', report, { of: maker, key })).status).toBe(200);
      expect((await post('user-report', report, { of: taker, key })).status).toBe(200);
      expect(state.sent).toHaveLength(sent + 1);
      const { code } = state.sent.at(-1)?.code ?? {};
      const accept = ['user-report'];
      expect((await post('verify', { code, accept }, { of: taker, key })).json['errorCode']).toBe('code_invalid');
      expect((await post('verify', { code, accept, nonce }, { of: taker, key })).status).toBe(200);

      const about = { externalIssuerId: `practice ${n}` };
      const issuer = `person ${n}`;
      await issueAt(maker, about, issuer);
      await atStore((sql) => {
        sql.exec('UPDATE issued_count SET count = 2000 WHERE name <> ? AND name NOT LIKE ?', issuer, 'user-report');
      });
      expect(await issueAt(taker, about, issuer)).toEqual({ error: 'quota_exceeded' });
    }
  });
});
