/** @module Commands about verification codes and API keys, in workerd: who may give them, what they take, and that a key or code is in no audit line. */
import { describe, it } from 'vitest';
import { Browser, ENV } from './test-rig.ts';

const operator = new Browser({ subject: 'codes@example.org', roles: ['operator'] });

async function give(
  path: string,
  body: unknown,
  who = operator,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await who.send(`/operator/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

const auditOf = async (text: string) => {
  const question = { text, from: null, to: null, before: null };
  const { entries } = await ENV.STAFF_ROOM.getByName('room').search(question);
  return entries.map(({ what, detail }) => `${what} ${detail}`);
};

describe('POST /operator/codes', () => {
  it('issues codes of a type, their test today unless a date is said, and audits how many', async ({ expect }) => {
    const { status, body } = await give('codes', { count: 2, testType: 'likely', long: true });
    expect(status).toBe(201);
    expect(body).toEqual({ codes: [expect.anything(), expect.anything()], missing: 0 });
    const [first] = body['codes'] as Record<string, unknown>[];
    expect(first).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      code: expect.stringMatching(/^\d{8}$/),
      expiresAt: expect.any(Number),
      longCode: expect.stringMatching(/^[a-z0-9]{16}$/),
      longExpiresAt: expect.any(Number),
    });
    expect(await auditOf('codes.issue')).toEqual(['codes.issue type likely count 2']);
    const symptoms = await give('codes', { count: 1, symptomDate: '2026-09-20', testDate: '2026-12-24' });
    expect([symptoms.status, symptoms.body['detail']]).toEqual([422, expect.stringContaining('(invalid_date)')]);
  });

  it('says how many are missing once the quota of the day is used up, then that there are none', async ({ expect }) => {
    const other = new Browser({ subject: 'few@example.org', roles: ['operator'] });
    const some = await give('codes', { count: 5 }, other);
    expect([some.status, (some.body['codes'] as unknown[]).length, some.body['missing']]).toEqual([201, 3, 2]);
    expect((await give('codes', { count: 1 }, other)).status).toBe(429);
  });

  it.for<[name: string, body: unknown]>([
    ['no object', []],
    ['no count', {}],
    ['none', { count: 0 }],
    ['1,001', { count: 1_001 }],
    ['another type', { count: 1, testType: 'maybe' }],
    ['a date that is none', { count: 1, testDate: '20.9.2026' }],
    ['a length', { count: 1, long: 16 }],
    ['a telephone number', { count: 1, phone: '+491701234567' }],
  ])('refuses %s', async ([, body], { expect }) => {
    expect((await give('codes', body)).status).toBe(400);
  });
});

describe('POST /operator/codes/quota', () => {
  it('is for a health authority alone, and holds', async ({ expect }) => {
    const authority = new Browser({ subject: 'ha2@example.org', roles: ['health-authority'] });
    const quota = { issuer: 'many@example.org', perDay: 5 };
    expect((await give('codes/quota', quota)).status).toBe(403);
    expect(await give('codes/quota', quota, authority)).toEqual({ status: 200, body: quota });
    const many = new Browser({ subject: 'many@example.org', roles: ['operator'] });
    expect((await give('codes', { count: 6 }, many)).body['missing']).toBe(1);
    for (const wrong of [
      { ...quota, perDay: 100_001 },
      { ...quota, issuer: '' },
      { ...quota, kind: 'x' },
    ]) {
      expect((await give('codes/quota', wrong, authority)).status).toBe(400);
    }
  });
});

describe('/operator/api-keys', () => {
  it('makes a key whose text is told once, lists it without, and revokes it', async ({ expect }) => {
    const made = await give('api-keys', { kind: 'admin', name: ' laboratory ' });
    expect(made).toEqual({
      status: 201,
      body: {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        kind: 'admin',
        name: 'laboratory',
        createdAt: 1790000000,
        key: 'admin.laboratory',
      },
    });
    const { id } = made.body;
    const list = async () => (await (await operator.send('/operator/api-keys')).json<{ apiKeys: object[] }>()).apiKeys;
    expect(await list()).toContainEqual({
      id,
      kind: 'admin',
      name: 'laboratory',
      createdAt: 1790000000,
      revokedAt: null,
    });
    expect(JSON.stringify(await list())).not.toContain('admin.laboratory');
    expect((await give('api-keys/revoke', { id })).status).toBe(200);
    expect(await list()).toContainEqual(expect.objectContaining({ id, revokedAt: 1790000060 }));
    expect((await give('api-keys/revoke', { id: '0'.repeat(32) })).status).toBe(404);
    expect(await auditOf('api-key')).toEqual([
      `api-key.revoke ${'0'.repeat(32)}`,
      `api-key.revoke ${String(id)}`,
      'api-key.make admin laboratory',
    ]);
  });

  it.for<[path: string, body: unknown]>([
    ['api-keys', { kind: 'server', name: 'x' }],
    ['api-keys', { kind: 'admin', name: ' ' }],
    ['api-keys', { kind: 'admin', name: 'x'.repeat(101) }],
    ['api-keys', { kind: 'admin', name: 'a\nb' }],
    ['api-keys', { kind: 'admin', name: 'x', secret: 'y' }],
    ['api-keys/revoke', { id: 'x' }],
    ['api-keys/revoke', { id: '0'.repeat(32), name: 'x' }],
  ])('%s refuses %j', async ([path, body], { expect }) => {
    expect((await give(path, body)).status).toBe(400);
  });

  it('is for operators alone', async ({ expect }) => {
    const other = new Browser({ subject: 'ha@example.org', roles: ['health-authority', 'hotline'] });
    for (const path of ['codes', 'api-keys', 'api-keys/revoke']) expect((await give(path, {}, other)).status).toBe(403);
    expect((await other.send('/operator/api-keys')).status).toBe(403);
  });
});
