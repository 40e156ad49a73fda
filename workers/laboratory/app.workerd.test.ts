import { createHash } from 'node:crypto';
import { env, exports } from 'cloudflare:workers';
import { evictDurableObject, reset, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { LABORATORY_LIST_TYPE, parseLaboratoryList } from '../../domain/laboratory-list.ts';
import { isEmpty } from '../../domain/sunset.ts';
import { birthDateName, RESULT_FORGOTTEN_AFTER_SECONDS } from '../../domain/test-result.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { toBase64 } from '../../protocol/primitives/bytes.ts';
import { signerFromPkcs8Pem, spkiToPem } from '../../protocol/signing.ts';
import { issueCertificate, withNegatedS } from '../../test/support/certificate-authority.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { readCertificate } from '../../protocol/certificates/certificate.ts';
import { NO_CLIENT, requestWith, type TlsClientAuth, verifiedClient } from '../shared/certificates/verified-client.ts';
import { type LaboratoryEnv, parseBindings } from './bindings.ts';
import { createApp } from './app.ts';
import { createListReader } from './list.ts';
import { platformCertificate } from './certificate.ts';
import type { BackOffice } from './main.ts';
import type { createResults } from './rpc.ts';

const bindings = env as unknown as LaboratoryEnv;
const entrypoints = exports as unknown as {
  BackOffice: InstanceType<typeof BackOffice>;
  Results: InstanceType<ReturnType<typeof createResults>>;
  default: { fetch(request: Request): Promise<Response> };
};
const NOW = Math.floor(Date.now() / 1000);
const HARBOUR = `00${'ab'.repeat(31)}`;
const SPARE = 'cd'.repeat(32);
const HILL = 'ef'.repeat(32);
const id = (n: number): string => n.toString(16).padStart(64, '0');
const birthDate = (n: number): string => `x${id(n).slice(1)}`;

/** The list as an operator signs it outside the system. */
function signedList(
  version: number,
  key = 'LABORATORY_LIST_SIGNING_KEY',
  harbour = [HARBOUR, SPARE],
  keyId = 'laboratories-v1',
): string {
  const laboratories = [
    { id: 'harbour', name: 'Harbour Laboratory', certificateFingerprints: harbour },
    { id: 'hill', name: 'Hill Laboratory', certificateFingerprints: [HILL], birthDate: 'required' },
  ];
  const { raw } = signerFromPkcs8Pem(testKeyPem(key));
  return signDocument(LABORATORY_LIST_TYPE, keyId, { version, laboratories }, raw);
}

/** The deployed app, but with a certificate that the test chooses. */
async function post(path: string, fingerprint: string | null, body: unknown): Promise<Response> {
  const shown = fingerprint === null ? null : { fingerprint: fingerprint.toLowerCase(), marks: [`key:${fingerprint}`] };
  const app = createApp({ clock: () => NOW, certificate: () => shown });
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return app.request(`/api/v1/${path}`, { method: 'POST', body: text }, bindings);
}
const rows = (...results: [string, number][]) => ({ testResults: results.map(([i, result]) => ({ id: i, result })) });

beforeEach(async () => {
  await reset();
  await entrypoints.BackOffice.setLaboratories(signedList(1));
});

it('a list stands, and a laboratory is known by it, while its key is changed for another', async ({ expect }) => {
  const keyOf = (label: string): string => toBase64(signerFromPkcs8Pem(testKeyPem(label)).publicKeySpki);
  const next = `laboratories-v2=${keyOf('NEXT_LIST_KEY')}`;
  const at = (more: Partial<LaboratoryEnv>) => createListReader(parseBindings({ ...bindings, ...more }).listKeys);
  const [old, fresh] = [signedList(1), signedList(2, 'NEXT_LIST_KEY', [HARBOUR], 'laboratories-v2')];
  const pem = spkiToPem(signerFromPkcs8Pem(testKeyPem('NEXT_LIST_KEY')).publicKeySpki);
  const makes = { LABORATORY_LIST_PUBLIC_KEY: pem, LABORATORY_LIST_KEY_ID: 'laboratories-v2' };
  const former = `laboratories-v1=${keyOf('LABORATORY_LIST_SIGNING_KEY')}`;
  const phases = [{}, { LABORATORY_LIST_OTHER_KEYS: next }, { ...makes, LABORATORY_LIST_OTHER_KEYS: former }, makes];
  expect(phases.map((phase) => [old, fresh].map((list) => at(phase)(list).version))).toEqual([
    [1, 0],
    [1, 2],
    [1, 2],
    [0, 2],
  ]);
});

it('takes no result after the end, and then holds nothing', async ({ expect }) => {
  const { BackOffice: office, Results } = entrypoints;
  expect((await post('lab/results', HARBOUR, rows([id(1), 1]))).status).toBe(204);
  await office.stopForGood(497_000);
  expect((await post('lab/results', HARBOUR, rows([id(2), 1]))).status).toBe(410);
  expect(await Results.resultOf(id(1))).toMatchObject({ result: 1 });
  await office.purgeForGood(497_001);
  expect((await post('lab/results', HARBOUR, rows([id(2), 1]))).status).toBe(410);
  expect(await Results.resultOf(id(1))).toMatchObject({ result: 0, labId: null });
  await Results.forget(id(1));
  const left = await office.remains();
  expect([left.length, left.every((one) => isEmpty(one))]).toEqual([17, true]);
});

describe('the signed list', () => {
  it('takes a higher version, and neither the same, an older, nor one that another key signed', async ({ expect }) => {
    expect(await entrypoints.BackOffice.setLaboratories(signedList(2))).toEqual({ ok: true });
    expect((await entrypoints.BackOffice.setLaboratories(signedList(2))).ok).toBe(false);
    expect((await entrypoints.BackOffice.setLaboratories(signedList(1))).ok).toBe(false);
    expect((await entrypoints.BackOffice.setLaboratories(signedList(3, 'ANOTHER_KEY'))).ok).toBe(false);
    expect((await entrypoints.BackOffice.laboratories()).version).toBe(2);
  });

  it('refuses a word about dates of birth that it does not know', ({ expect }) => {
    const lab = { id: 'hill', name: 'Hill', certificateFingerprints: [HILL], birthDate: 'maybe' };
    const parsed = parseLaboratoryList({ version: 1, laboratories: [lab] });
    expect(parsed).toMatchObject({ ok: false, error: expect.stringContaining('laboratories[0].birthDate') });
  });

  it('a forged list in the store is an empty list', async ({ expect }) => {
    await bindings.RESULT_STORE.getByName('list').setList(9, signedList(9, 'ANOTHER_KEY'));
    expect((await post('lab/results', HARBOUR, rows([id(1), 2]))).status).toBe(403);
  });
});

describe('who may post', () => {
  it('the certificate decides, with leading zeros and in its replacement; no certificate and a stranger are refused', async ({
    expect,
  }) => {
    expect((await post('lab/results', HARBOUR.toUpperCase(), rows([id(1), 2]))).status).toBe(204);
    expect((await post('lab/results', SPARE, rows([id(1), 1]))).status).toBe(204);
    expect((await post('lab/results', null, rows([id(2), 2]))).status).toBe(401);
    expect((await post('lab/results', '11'.repeat(32), rows([id(2), 2]))).status).toBe(403);
    expect((await post('lab/results', HARBOUR.slice(2), rows([id(2), 2]))).status).toBe(403);
  });

  it('the deployed Worker believes no header', async ({ expect }) => {
    const response = await entrypoints.default.fetch(
      new Request('http://lab/api/v1/lab/results', {
        method: 'POST',
        headers: {
          'x-local-client-certificate': HARBOUR,
          'x-ssl-client-sha256': HARBOUR,
          'cf-client-cert-sha256': HARBOUR,
        },
        body: JSON.stringify(rows([id(1), 2])),
      }),
    );
    expect(response.status).toBe(401);
  });

  it('the platform decides what was shown: verified, not revoked, whole', async ({ expect }) => {
    const certificate = await issueCertificate({ name: 'CN=Harbour Laboratory', notBefore: NOW }, null);
    const { x509 } = readCertificate(new Uint8Array(certificate.certificate.rawData)) ?? {};
    const verified = verifiedClient(certificate);
    const read = (auth: TlsClientAuth) => platformCertificate(requestWith(auth, 'https://lab.example/'));
    expect(read(verified)?.fingerprint).toBe(x509?.fingerprint256.replaceAll(':', '').toLowerCase());
    const others: TlsClientAuth[] = [
      NO_CLIENT,
      { ...verified, certVerified: 'FAILED:certificate has expired' },
      { ...verified, certVerified: 'FAILED:self signed certificate' },
      { ...verified, certRevoked: '1' },
      { ...verified, certRFC9440: '' },
      { ...verified, certRFC9440: '', certRFC9440TooLarge: true },
      { ...verified, certChainRFC9440TooLarge: true },
    ];
    expect(others.map((auth) => read(auth))).toEqual(others.map(() => null));
  });

  it('a certificate that was blocked posts nothing, though the list has it; with its s negated neither', async ({
    expect,
  }) => {
    const laboratory = await issueCertificate({ name: 'CN=Harbour Laboratory', notBefore: NOW }, null);
    const files = [verifiedClient(laboratory), verifiedClient(withNegatedS(laboratory))];
    const shown = files.map((auth) => platformCertificate(requestWith(auth, 'https://lab.example/')));
    const fingerprints = shown.map((one) => one?.fingerprint ?? '');
    expect(new Set(fingerprints).size).toBe(2);
    await entrypoints.BackOffice.setLaboratories(signedList(2, 'LABORATORY_LIST_SIGNING_KEY', fingerprints));
    const send = async (certificate: (typeof shown)[number]): Promise<number> => {
      const app = createApp({ clock: () => NOW, certificate: () => certificate ?? null });
      const body = JSON.stringify(rows([id(1), 2]));
      return (await app.request('/api/v1/lab/results', { method: 'POST', body }, bindings)).status;
    };
    expect(await Promise.all(shown.map(send))).toEqual([204, 204]);
    for (const mark of shown[0]?.marks ?? []) {
      await reset();
      await entrypoints.BackOffice.setLaboratories(signedList(2, 'LABORATORY_LIST_SIGNING_KEY', fingerprints));
      await entrypoints.BackOffice.blockCertificate([mark]);
      expect(await Promise.all(shown.map(send))).toEqual([403, 403]);
    }
  });
});

describe('results', () => {
  it('a thousand at once, read back by verification', async ({ expect }) => {
    const many = Array.from({ length: 1_000 }, (_, i): [string, number] => [id(i), 1 + (i % 3)]);
    expect((await post('lab/results', HARBOUR, rows(...many))).status).toBe(204);
    const reply = await entrypoints.Results.resultOf(id(1));
    expect(reply).toMatchObject({ result: 2, labId: 'harbour' });
    expect(reply.keptUntil).toBeGreaterThanOrEqual(NOW + RESULT_FORGOTTEN_AFTER_SECONDS);
  });

  for (const [route, codes] of [
    ['quicktest', { 5: 5, 6: 6, 7: 7, 8: 8, 9: 9 }],
    ['pocnat', { 10: 0, 11: 1, 12: 2, 13: 3, 14: 4 }],
  ] as const) {
    it(`of ${route} are found by the SHA-256 of what the QR code holds, and by nothing else`, async ({ expect }) => {
      const results = Object.entries(codes);
      const hash = (n: number): string => createHash('sha256').update(id(n)).digest('hex');
      const posted = results.map(([code], n): [string, number] => [
        n % 2 === 0 ? id(n) : id(n).toUpperCase(),
        Number(code),
      ]);
      // A laboratory that requires dates of birth: such a test has none beside its code.
      expect((await post(`${route}/results`, HILL, rows(...posted))).status).toBe(204);
      for (const [n, [, given]] of results.entries()) {
        const reply = await entrypoints.Results.resultOf(hash(n));
        expect(reply).toMatchObject({ result: given, labId: 'hill', needsBirthDate: false });
        expect((await entrypoints.Results.resultOf(id(n))).labId).toBeNull();
      }
      expect((await post(`${route}/results`, HARBOUR, rows([id(0), posted[0]![1]]))).status).toBe(409);
      expect((await post(`${route}/results`, HILL, rows([birthDate(9), posted[0]![1]]))).status).toBe(400);
    });
  }

  it('asking creates nothing, and unknown looks like pending', async ({ expect }) => {
    const asked = await entrypoints.Results.resultOf(id(77));
    expect(asked).toEqual({
      result: 0,
      sampleCollected: null,
      labId: null,
      keptUntil: null,
      positiveDay: null,
      needsBirthDate: false,
    });
    expect(await bindings.RESULT_STORE.getByName('r0').result(id(77))).toBeNull();
  });

  it("another laboratory's row refuses the whole batch and stores nothing of it", async ({ expect }) => {
    await post('lab/results', HARBOUR, rows([id(1), 2]));
    const refused = await post('lab/results', HILL, rows([id(0x10), 1], [id(1), 1], [id(0x20), 1]));
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ rows: [1] });
    expect((await entrypoints.Results.resultOf(id(0x10))).result).toBe(0);
    expect((await entrypoints.Results.resultOf(id(1))).result).toBe(2);
  });

  it('of a laboratory that requires dates of birth say so', async ({ expect }) => {
    await post('lab/results', HARBOUR, rows([id(1), 2]));
    await post('lab/results', HILL, rows([id(2), 2], [birthDate(2), 2]));
    expect(await entrypoints.Results.resultOf(id(1))).toMatchObject({ labId: 'harbour', needsBirthDate: false });
    for (const hash of [id(2), birthDate(2)]) {
      expect(await entrypoints.Results.resultOf(hash)).toMatchObject({ labId: 'hill', needsBirthDate: true });
    }
    const { laboratories } = await entrypoints.BackOffice.laboratories();
    expect(laboratories.map((one) => one.birthDate)).toEqual(['optional', 'required']);
  });

  it('with a date of birth are there before those without; a failure in between leaves a test that is pending', async ({
    expect,
  }) => {
    const getByName = (name: string) => {
      const shard = bindings.RESULT_STORE.getByName(name);
      return new Proxy(shard, {
        get: (stub, method) =>
          method === 'put'
            ? (...args: Parameters<typeof shard.put>) =>
                args[1].some((row) => !row.id.startsWith('x')) ? Promise.reject(new Error('lost')) : stub.put(...args)
            : Reflect.get(stub, method),
      });
    };
    const shown = { fingerprint: HILL, marks: [`key:${HILL}`] };
    const app = createApp({ clock: () => NOW, certificate: () => shown });
    const body = JSON.stringify(rows([id(3), 2], [birthDate(3), 2]));
    const failing = { ...bindings, RESULT_STORE: { getByName } };
    const send = (given: object) => app.request('/api/v1/lab/results', { method: 'POST', body }, given);
    expect((await send(failing)).status).toBe(500);
    expect((await entrypoints.Results.resultOf(id(3))).result).toBe(0);
    for (const asked of [birthDate(3), birthDateName(birthDate(3))]) {
      expect((await entrypoints.Results.resultOf(asked)).result).toBe(2);
    }
    expect((await send(bindings)).status).toBe(204);
    expect((await entrypoints.Results.resultOf(id(3))).result).toBe(2);
  });

  it('of the first version are read on: their laboratories required nothing', async ({ expect }) => {
    const shard = bindings.RESULT_STORE.getByName('r0');
    await runInDurableObject(shard, (_object, { storage: { sql } }) => {
      sql.exec('DROP TABLE test_over; DROP TABLE blocked_certificate; ALTER TABLE result DROP COLUMN needs_birth_date');
      sql.exec('ALTER TABLE result DROP COLUMN positive_day');
      sql.exec('UPDATE schema_version SET version = 1');
      sql.exec('INSERT INTO result VALUES (?, 2, ?, ?, ?)', id(4), NOW, 'hill', NOW);
    });
    await evictDurableObject(shard);
    expect(await entrypoints.Results.resultOf(id(4))).toMatchObject({ result: 2, needsBirthDate: false });
  });

  it('a person deletes their result; deleting again is fine', async ({ expect }) => {
    await post('lab/results', HARBOUR, rows([id(1), 2]));
    await entrypoints.Results.forget(id(1));
    await entrypoints.Results.forget(id(1));
    expect((await entrypoints.Results.resultOf(id(1))).result).toBe(0);
  });

  for (const { name, path, body, status } of [
    { name: 'a rapid test on the PCR route', path: 'lab/results', body: rows([id(1), 7]), status: 400 },
    { name: 'an id of 63 digits', path: 'lab/results', body: rows([id(1).slice(1), 2]), status: 400 },
    { name: 'the same id twice', path: 'lab/results', body: rows([id(1), 2], [id(1), 1]), status: 400 },
    { name: 'no rows', path: 'lab/results', body: { testResults: [] }, status: 400 },
    {
      name: '5,001 rows',
      path: 'lab/results',
      body: rows(...Array.from({ length: 5_001 }, (_, i): [string, number] => [id(i), 1])),
      status: 400,
    },
    {
      name: 'a sample from tomorrow',
      path: 'lab/results',
      body: { testResults: [{ id: id(1), result: 1, sc: NOW + 90_000 }] },
      status: 400,
    },
    {
      name: 'duplicate names',
      path: 'lab/results',
      body: `{"testResults":[{"id":"${id(1)}","result":1,"result":2}]}`,
      status: 400,
    },
    { name: 'nested too deep', path: 'lab/results', body: '['.repeat(100), status: 400 },
    { name: 'two megabytes', path: 'lab/results', body: 'x'.repeat(2_000_000), status: 413 },
    { name: 'not JSON', path: 'lab/results', body: 'id=1', status: 400 },
    { name: 'no such route', path: 'lab/other', body: {}, status: 404 },
  ]) {
    it(`refuses ${name}, naming no value`, async ({ expect }) => {
      const response = await post(path, HARBOUR, body);
      expect(response.status).toBe(status);
      expect(await response.text()).not.toContain(id(1));
    });
  }
});
