/** @module Certificates of Google's dialect in place of TANs: verified here once more, once in the ledger, ended by a rollback. */
import { reset, runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { afterEach, beforeAll, beforeEach, describe, it, vi } from 'vitest';
import { signPermit } from '../../domain/intake-permit.ts';
import { issueKind } from '../../domain/issue.ts';
import type { PolicyRpc, PublishedPolicy } from '../../domain/keys/regions.ts';
import type { ReserveReply } from '../../domain/rpc.ts';
import { fromBase64 } from '../../protocol/primitives/bytes.ts';
import { certificateName, verifyCertificate } from '../../protocol/publish/certificate.ts';
import type { SentKey } from '../../protocol/publish/tekmac.ts';
import { testAuthority, type TestAuthority } from '../../test/support/health-authority.ts';
import { deathOf, reserveRequest } from '../../test/support/reserve-request.ts';
import type { VerificationEnv } from './bindings.ts';
import type { BackOffice } from './entrypoints.ts';
import type { createRedeem } from './redeem.ts';
import { servicesOf } from './services.ts';

const bindings = env as unknown as VerificationEnv & {
  /** The neighbour of this project (test/support/stub-workers.ts): a test says what is in force. */
  readonly POLICY: PolicyRpc & { putPolicy(policy: PublishedPolicy | null): Promise<void> };
};
const { Redeem, BackOffice: office } = exports as unknown as {
  Redeem: InstanceType<ReturnType<typeof createRedeem>>;
  BackOffice: InstanceType<typeof BackOffice>;
};
const ledger = () => bindings.TAN_LEDGER.getByName('ledger');
const KEYS: readonly SentKey[] = [
  { key: 'A'.repeat(22), rollingStartNumber: 1, rollingPeriod: 144, transmissionRisk: 0 },
];
const now = () => Math.floor(Date.now() / 1000);
const [ONE, OTHER] = ['1'.repeat(64), '2'.repeat(64)];

let version = 1;
let de: TestAuthority;
const inForce = (authorities = de.authorities.authorities) =>
  bindings.POLICY.putPolicy({
    version: 1,
    supportedCountries: ['DE'],
    ended: false,
    authorities: { version: version++, authorities },
  });
const certificate = (claims: object = {}): Promise<string> => de.certify(KEYS, { now: now(), claims });
const nameOf = async (jwt: string): Promise<string> => {
  const verified = await verifyCertificate(jwt, de.authorities, now());
  return certificateName(verified?.certificate.hash ?? '');
};
function reserved(reply: ReserveReply): Extract<ReserveReply, { kind: 'reserved' }> {
  if (reply.kind !== 'reserved') throw new Error(`expected reserved, got ${reply.kind}`);
  return reply;
}
const rows = (): Promise<Record<string, unknown>[]> =>
  runInDurableObject(ledger(), (_object, state) => state.storage.sql.exec('SELECT * FROM held_tan').toArray());

beforeAll(async () => {
  de = await testAuthority();
});
beforeEach(async () => {
  await reset();
  await inForce();
});

describe('a certificate', () => {
  it('is reserved by its first upload, with an id of its authority’s day, and ends with the full hour', async ({
    expect,
  }) => {
    const jwt = await certificate();
    const asked = reserveRequest(ONE);
    const { reservationId, issueId, permit } = reserved(await Redeem.reserveCertificate(jwt, asked));
    expect([reservationId, issueKind(issueId ?? '')]).toEqual([asked.reservationId, 'authority']);
    const [row] = await rows();
    const { exp } = JSON.parse(atob(jwt.split('.')[1] ?? '')) as { exp: number };
    expect(row).toMatchObject({ state: 'r', issue_id: issueId, expires_at: Math.ceil((exp + 5) / 3600) * 3600 });
    const { idCommitment, payloadCommitment } = asked;
    const facts = { hour: permit.hour, idCommitment, payloadCommitment, issueId };
    const certified = { authorityId: 'health-de', reportType: 'confirmed', expiresAt: exp } as const;
    const key = fromBase64(bindings.PERMIT_KEY);
    expect(permit.mac).toBe(signPermit(key, { ...facts, certified }));
    for (const change of [{ reportType: 'negative' }, { expiresAt: exp + 86_400 }] as const) {
      expect(permit.mac).not.toBe(signPermit(key, { ...facts, certified: { ...certified, ...change } }));
    }
    const [source] = await servicesOf(bindings).rollback.sources([issueId ?? '']);
    expect(source).toMatchObject({ kind: 'authority', source: 'health-de' });
  });

  it('of an authority that isn’t for this country reserves nothing, whatever a taken-over upload makes of it', async ({
    expect,
  }) => {
    const fr = await testAuthority({ id: 'health-fr', issuer: 'https://health.example.fr', regions: ['FR'] });
    await inForce([de.authority, fr.authority]);
    const jwt = await fr.certify(KEYS, { now: now() });
    expect(await Redeem.reserveCertificate(jwt, reserveRequest(ONE))).toEqual({ kind: 'unknown' });
    expect(await rows()).toEqual([]);
  });

  it('committed, leads to its upload and to no other, with any signature; a release comes too late', async ({
    expect,
  }) => {
    const jwt = await certificate();
    const { reservationId } = reserved(await Redeem.reserveCertificate(jwt, reserveRequest(ONE)));
    await Redeem.commit(await nameOf(jwt), reservationId);
    await Redeem.release(await nameOf(jwt), reservationId, deathOf(bindings.PERMIT_KEY, reservationId));
    for (const digest of [ONE, OTHER]) {
      expect(await Redeem.reserveCertificate(jwt, reserveRequest(digest))).toEqual({
        kind: 'committed',
        reservationId,
      });
    }
    // The row has nothing else of the reservation.
    const [row] = await rows();
    const bytes = new Uint8Array(row?.['reservation'] as ArrayBuffer);
    expect([bytes.subarray(0, 64).some((byte) => byte !== 0), bytes.subarray(80).some((byte) => byte !== 0)]).toEqual([
      false,
      false,
    ]);
  });

  it('released, is as unused as before', async ({ expect }) => {
    const jwt = await certificate();
    const { reservationId } = reserved(await Redeem.reserveCertificate(jwt, reserveRequest(ONE)));
    expect(await Redeem.reserveCertificate(jwt, reserveRequest(OTHER))).toEqual({ kind: 'busy' });
    await Redeem.release(await nameOf(jwt), reservationId, deathOf(bindings.PERMIT_KEY, reservationId));
    const other = reserveRequest(OTHER);
    expect(reserved(await Redeem.reserveCertificate(jwt, other)).reservationId).toBe(other.reservationId);
  });

  it('is one row, however many ask for it at once; its name alone opens nothing', async ({ expect }) => {
    const jwt = await certificate();
    expect(await Redeem.reserve(await nameOf(jwt), reserveRequest(ONE))).toEqual({ kind: 'unknown' });
    const kinds = await Promise.all(
      Array.from({ length: 8 }, async (_, n) => {
        return (await Redeem.reserveCertificate(jwt, reserveRequest(String(n).repeat(64)))).kind;
      }),
    );
    expect(kinds.toSorted()).toEqual([...Array<string>(7).fill('busy'), 'reserved']);
    expect(await Redeem.reserve(await nameOf(jwt), reserveRequest(ONE))).toEqual({ kind: 'unknown' });
    expect(await rows()).toHaveLength(1);
  });

  it.for([
    { name: 'of nobody', make: async () => (await testAuthority()).certify(KEYS, { now: now() }) },
    { name: 'that has ended', make: () => certificate({ exp: now() - 6 }) },
    { name: 'of a clock five minutes ahead', make: () => certificate({ iat: now() + 300, nbf: now() + 300 }) },
    { name: 'that is a text', make: async () => 'certificate' },
  ])('$name is unknown, whoever asks, and leaves nothing', async ({ make }, { expect }) => {
    expect(await Redeem.reserveCertificate(await make(), reserveRequest(ONE))).toEqual({ kind: 'unknown' });
    expect(await rows()).toEqual([]);
  });

  it('of an authority that came into force a moment ago is good at once: upload may know it already', async ({
    expect,
  }) => {
    const next = await testAuthority({ id: 'next', issuer: 'https://next.example', apps: ['next'] });
    const jwt = await next.certify(KEYS, { now: now() });
    expect((await Redeem.reserveCertificate(jwt, reserveRequest(ONE))).kind).toBe('unknown');
    await inForce([de.authority, next.authority]);
    expect((await Redeem.reserveCertificate(jwt, reserveRequest(ONE))).kind).toBe('reserved');
  });

  it('is verified by what was in force while origin is away', async ({ expect }) => {
    expect((await Redeem.reserveCertificate(await certificate(), reserveRequest(ONE))).kind).toBe('reserved');
    await bindings.POLICY.putPolicy(null);
    expect((await Redeem.reserveCertificate(await certificate({ jti: '2' }), reserveRequest(ONE))).kind).toBe(
      'reserved',
    );
    await inForce();
  });
});

describe('a rollback of a health authority', () => {
  const today = Math.floor(now() / 86_400);
  const target = { kind: 'authority', name: 'health-de', fromDay: today, toDay: today } as const;
  // The ids of authorities are remembered for a minute, and these tests share an isolate: each begins two minutes after what was before.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 }));
  afterEach(() => void vi.useRealTimers());

  it('finds its id of the day, ends what isn’t used, and takes no new certificate after a minute; a used one leads to its upload still', async ({
    expect,
  }) => {
    const [used, held, later] = await Promise.all([1, 2, 3].map((jti) => certificate({ jti: String(jti) })));
    const first = reserved(await Redeem.reserveCertificate(used ?? '', reserveRequest(ONE)));
    await Redeem.commit(await nameOf(used ?? ''), first.reservationId);
    await Redeem.reserveCertificate(held ?? '', reserveRequest(ONE));
    expect(await office.issuesOf(target)).toEqual([first.issueId]);
    await office.endIssues(target, today);
    // Within the minute it has the id that ended: of it `origin` stores nothing.
    const early = reserved(await Redeem.reserveCertificate(await certificate({ jti: '4' }), reserveRequest(ONE)));
    expect(early.issueId).toBe(first.issueId);
    vi.setSystemTime(Date.now() + 60_000);
    const kinds = await Promise.all(
      [used, held, later].map(async (jwt) => (await Redeem.reserveCertificate(jwt ?? '', reserveRequest(ONE))).kind),
    );
    expect(kinds).toEqual(['committed', 'unknown', 'unknown']);
  });
});
