/**
 * @module Secrets of `verification` while they are changed (docs/rotation.md): what the Workers of one phase made, those of the next one and of the one before take, and nothing exists twice. All phases speak to the same
 * objects, as the Workers of a deployment that is under way do.
 */
import { env } from 'cloudflare:workers';
import { reset, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { MAX_BIRTH_DATE_GUESSES } from '../../domain/birth-date.ts';
import { hashGuid } from '../../domain/derived-codes.ts';
import type { ResultsRpc, TestResultReply } from '../../domain/rpc.ts';
import { authenticateTan } from '../../domain/tan.ts';
import { birthDateName } from '../../domain/test-result.ts';
import { readCredential } from '../../protocol/credential/credential.ts';
import { toBase64 } from '../../protocol/primitives/bytes.ts';
import { firstOf, keyRing } from '../../protocol/primitives/key-ring.ts';
import { pointFromSpki, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { itLong, usualOrLong } from '../../test/support/longer.ts';
import { deathOf, reserveRequest } from '../../test/support/reserve-request.ts';
import { tokenOf } from '../../test/support/token-of.ts';
import { parseVerificationConfig, type VerificationEnv } from './bindings.ts';
import { type Services, servicesOf } from './services.ts';
import { KeyPairs } from './session-keys.ts';
import { Shards } from './shards.ts';

const bindings = env as unknown as VerificationEnv;
const NOW = Math.floor(Date.now() / 1000);
const SECRETS = ['TAN_MAC_KEY', 'TAN_HASH_KEY', 'DERIVATION_KEY'] as const;
type Secret = (typeof SECRETS)[number];
const PHASES = ['before', 'accepted', 'makes', 'over'] as const;
type Phase = (typeof PHASES)[number];

const NEW = toBase64(new Uint8Array(32).fill(7));
/** What a secret is in each phase. */
function valueOf(secret: Secret, phase: Phase): string {
  const old = bindings[secret];
  return { before: old, accepted: `${old},${NEW}`, makes: `${NEW},${old}`, over: NEW }[phase];
}

const POSITIVE: TestResultReply = {
  result: 2,
  sampleCollected: NOW,
  labId: 'lab',
  keptUntil: null,
  positiveDay: Math.floor(NOW / 86_400),
  needsBirthDate: false,
};
const UNKNOWN: TestResultReply = { ...POSITIVE, result: 0, sampleCollected: null, labId: null, positiveDay: null };
/** Tests that the laboratory has posted; none of them with a date of birth. */
const posted = new Set<string>();
const RESULTS: ResultsRpc = {
  resultOf: async (id) => (posted.has(id) ? POSITIVE : UNKNOWN),
  forget: async (id) => void posted.delete(id),
};

/** A Worker of a phase. */
const at = (secret: Secret, phase: Phase, more: Partial<VerificationEnv> = {}): Services =>
  servicesOf({ ...bindings, RESULTS, ...more, [secret]: valueOf(secret, phase) });

/** Deployments overlap: those who make and those who are asked are one phase apart, in either order. */
const MOVES = usualOrLong<readonly (readonly [Phase, Phase])[]>({
  usual: [
    ['before', 'accepted'],
    ['makes', 'accepted'],
  ],
  long: [
    ['before', 'accepted'],
    ['accepted', 'before'],
    ['accepted', 'makes'],
    ['makes', 'accepted'],
    ['makes', 'over'],
  ],
});
const orderOf = (n: number): string => n.toString(16).padStart(64, '0');
const guid = (tail: number): string => `a2${tail.toString(16).padStart(62, '0')}`;
const birthDate = (n: number): string => `x${String(n).padStart(63, '9')}`;
const scan = ({ sessions }: Services, key: string, birthDateKey: string | null = null) =>
  sessions.register({ keyType: 'GUID', key, birthDateKey }, NOW);
const token = async (by: Services, key: string): Promise<string> => tokenOf(await scan(by, key)) ?? '';

/** @returns rows of all shards */
async function rows(table: 'test_session' | 'test_claim'): Promise<number> {
  const counts = new Shards(bindings.TEST_SESSION).all().map((shard) =>
    runInDurableObject(shard, (_object, { storage: { sql } }) => {
      return sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n;
    }),
  );
  return (await Promise.all(counts)).reduce((sum, n) => sum + n, 0);
}

beforeEach(async () => {
  await reset();
  posted.clear();
});

describe.for(SECRETS)('%s, made in one phase and taken in the next, or in the one before:', (secret) => {
  const moves = MOVES.map(([from, to], n) => ({ maker: at(secret, from), taker: at(secret, to), to, n }));

  it('a test is one session, with one TAN, which is used once', async ({ expect }) => {
    for (const { maker, taker, to, n } of moves) {
      const key = guid(n);
      posted.add(key);
      const given = await token(maker, key);
      expect(await token(taker, key)).toBe(given);
      const tan = (await maker.sessions.tan(given)) ?? '';
      expect(await taker.sessions.tan(given)).toBe(tan);
      expect([await rows('test_session'), await rows('test_claim')]).toEqual([n + 1, 0]);
      const macKeys = keyRing(secret === 'TAN_MAC_KEY' ? valueOf(secret, to) : bindings.TAN_MAC_KEY, secret);
      expect(firstOf(macKeys, (macKey) => authenticateTan(tan, macKey, NOW))).toBe(tan);

      const first = await maker.ledger.reserve(tan, reserveRequest());
      const { reservationId } = first as { reservationId: string };
      expect(await taker.ledger.reserve(tan, reserveRequest())).toMatchObject({ kind: 'reserved', reservationId });
      expect((await taker.ledger.reserve(tan, reserveRequest('cd'.repeat(32)))).kind).toBe('busy');
      await taker.ledger.commit(tan, reservationId);
      expect(await maker.ledger.reserve(tan, reserveRequest())).toEqual({ kind: 'committed', reservationId: null });

      await taker.sessions.forget(given);
      expect(await maker.sessions.poll(given)).toBeNull();
      expect(await scan(taker, key)).toEqual({ kind: 'refused' });
    }
  });

  itLong('an order of staff is what it was, and opens one session', async ({ expect }) => {
    // Each costs rows in all shards; these are the moves in which two keys make.
    for (const [n, { maker, taker }] of moves.slice(2, 4).entries()) {
      const teleTan = await maker.desk.issueTeleTan('anna', orderOf(n));
      expect(await taker.desk.orderedTeleTan('anna', orderOf(n))).toEqual(teleTan);
      expect(await taker.desk.issueTeleTan('anna', orderOf(n))).toEqual(teleTan);
      const cards = await maker.desk.makeCards('practice', 'morning', 20, orderOf(n));
      expect(await taker.desk.orderedCards('practice', orderOf(n))).toEqual(cards);
      expect(await taker.desk.makeCards('practice', 'morning', 20, orderOf(n))).toEqual(cards);
      expect(await rows('test_session')).toBe(21 * (n + 1));

      const key = teleTan?.teleTan ?? '';
      const typed = await taker.sessions.register({ keyType: 'TELETAN', key, birthDateKey: null }, NOW).then(tokenOf);
      expect(await maker.sessions.tan(typed ?? '')).toMatch(/^[0-9a-f-]{36}$/);
      const card = hashGuid(cards?.cards[3]?.guid ?? '');
      expect(await token(taker, card)).toBe(await token(maker, card));
      const id = (await taker.desk.book('anna')).entries.find(({ hint }) => key.startsWith(hint))?.id;
      await taker.desk.revokeTeleTan(id ?? '', 'anna');
      expect(await maker.sessions.poll(typed ?? '')).toBeNull();
    }
  });

  itLong('a TAN is free again when whoever reserved it gives it up', async ({ expect }) => {
    for (const { maker, taker } of moves.slice(2, 4)) {
      const [tan = ''] = await maker.ledger.issue(1, null);
      const { reservationId } = (await maker.ledger.reserve(tan, reserveRequest())) as { reservationId: string };
      await taker.ledger.release(tan, reservationId, deathOf(bindings.PERMIT_KEY, reservationId));
      const next = await maker.ledger.reserve(tan, reserveRequest('cd'.repeat(32)));
      expect(next).toMatchObject({ kind: 'reserved' });
    }
  });
});

describe.for(['TAN_HASH_KEY', 'DERIVATION_KEY'] as const)('%s, while some Workers make with the new one:', (secret) => {
  const [former, next] = [at(secret, 'accepted'), at(secret, 'makes')];

  it('a test that both register at once is one session, and no lock is left', async ({ expect }) => {
    const keys = Array.from({ length: usualOrLong({ usual: 2, long: 8 }) }, (_, n) => guid(n));
    const tokens = await Promise.all(keys.map((key) => Promise.all([token(former, key), token(next, key)])));
    for (const [one, other] of tokens) expect(other).toBe(one);
    expect([await rows('test_session'), await rows('test_claim')]).toEqual([keys.length, 0]);
  });

  itLong('a date of birth is guessed so often in all, and a test with one isn’t taken without', async ({ expect }) => {
    posted.add(guid(1));
    const guessed = async (): Promise<number> => {
      const found = await Promise.all(
        new Shards(bindings.TEST_SESSION)
          .all()
          .map((shard) =>
            runInDurableObject(
              shard,
              (_object, { storage: { sql } }) =>
                sql.exec<{ bytes: number | null }>('SELECT sum(length(guesses)) AS bytes FROM test_claim').one().bytes,
            ),
          ),
      );
      return found.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0) / 8;
    };
    for (let n = 0; n < MAX_BIRTH_DATE_GUESSES + 2; n++) {
      await scan(n % 2 === 0 ? former : next, guid(1), birthDate(n));
    }
    expect([await guessed(), await rows('test_session')]).toEqual([MAX_BIRTH_DATE_GUESSES, 0]);

    const dated = tokenOf(await scan(former, guid(2), birthDate(1)));
    expect(dated).not.toBeNull();
    expect(await scan(next, guid(2))).toEqual({ kind: 'refused' });
    expect(await scan(next, guid(3), birthDate(1))).toEqual({ kind: 'refused' });
    expect(tokenOf(await scan(next, guid(2), birthDate(1)))).toBe(dated);
  });
});

itLong.for(['TAN_HASH_KEY', 'DERIVATION_KEY'] as const)(
  '%s: a test gives one credential, to one phone',
  async (secret, { expect }) => {
    const VERIFICATION_URL = 'https://verification.example';
    const [former, next] = [at(secret, 'accepted', { VERIFICATION_URL }), at(secret, 'makes', { VERIFICATION_URL })];
    const [phone, other] = ['one', 'other'].map((label) =>
      pointFromSpki(signerFromPkcs8Pem(testKeyPem(label)).publicKeySpki).subarray(1),
    ) as [Uint8Array, Uint8Array];
    posted.add(guid(1));
    const given = await token(former, guid(1));
    const take = async (by: Services, holder: Uint8Array) => {
      const reply = await by.credentials.take({ token: given, holder }, NOW);
      return reply.kind === 'given' ? readCredential(reply.credential) : reply.kind;
    };
    const first = await take(former, phone);
    expect(first).toMatchObject({ issuer: VERIFICATION_URL });
    expect(await take(next, phone)).toEqual(first);
    expect([await take(next, other), await next.sessions.tan(given)]).toEqual(['refused', null]);
  },
);

itLong(
  'a Worker that died with the lock keeps out who asks the same, for two minutes, and nobody else',
  async ({ expect }) => {
    const config = parseVerificationConfig({ ...bindings, TAN_HASH_KEY: valueOf('TAN_HASH_KEY', 'accepted') });
    const shards = new Shards(bindings.TEST_SESSION);
    const dying = Object.assign(new Shards(bindings.TEST_SESSION), {
      of: (hash: string) => ({
        isKnown: (id: string) => shards.of(hash).isKnown(id),
        lock: (id: string, owner: string) => shards.of(hash).lock(id, owner),
        unclaim: () => Promise.reject(new Error('killed')),
      }),
    });
    const traces = { names: () => ['ab'.repeat(16)], locks: ['a test'] };
    const killed = new KeyPairs(config, dying).once(traces, () => Promise.reject(new Error('killed')));
    await expect(killed).rejects.toThrow('killed');
    const pairs = new KeyPairs(config, shards);
    const ask = (lock: string) => pairs.once({ ...traces, locks: [lock] }, async () => 'made');
    expect([await ask('a test'), await ask('another test'), await rows('test_claim')]).toEqual([null, 'made', 1]);
    for (const shard of shards.all()) {
      await runInDurableObject(shard, (_object, { storage: { sql } }) => {
        const { late } = sql
          .exec<{ late: number }>('SELECT count(*) AS late FROM test_claim WHERE expires_at > ?', NOW + 180)
          .one();
        expect(late).toBe(0);
        sql.exec('UPDATE test_claim SET expires_at = 0');
      });
    }
    expect([await ask('a test'), await rows('test_claim')]).toEqual(['made', 0]);
  },
);

it('a TAN that both spell at once is recorded in one spelling', async ({ expect }) => {
  const [former, next] = [at('TAN_MAC_KEY', 'accepted'), at('TAN_MAC_KEY', 'makes')];
  posted.add(guid(1));
  const given = await token(former, guid(1));
  const tans = await Promise.all([former, next, former, next].map(({ sessions }) => sessions.tan(given)));
  expect(new Set(tans).size).toBe(1);
});

it('with its key gone, what it made is unknown: the phases are not for show', async ({ expect }) => {
  const [tan = ''] = await at('TAN_HASH_KEY', 'before').ledger.issue(1, null);
  expect(await at('TAN_HASH_KEY', 'over').ledger.reserve(tan, reserveRequest())).toEqual({ kind: 'unknown' });
  const given = await token(at('DERIVATION_KEY', 'before'), guid(1));
  expect(await token(at('DERIVATION_KEY', 'over'), guid(1))).not.toBe(given);
});

it('a derivation key that leaked and was replaced opens no session, and keeps nobody from their test', async ({
  expect,
}) => {
  const [before, after] = [at('DERIVATION_KEY', 'before'), at('DERIVATION_KEY', 'over')];
  for (const n of [1, 2, 3]) posted.add(guid(n));
  for (const n of [2, 3]) posted.add(birthDateName(birthDate(n)));
  const old = await token(before, guid(1));
  expect(await before.sessions.poll(old)).toMatchObject({ result: POSITIVE.result });
  expect([await after.sessions.poll(old), await after.sessions.tan(old)]).toEqual([null, null]);
  expect(await after.sessions.tan(await token(after, guid(1)))).not.toBeNull();

  // A date of birth is claimed under a key that didn't leak: its claim goes over, unless a TAN was given for it.
  const dated = tokenOf(await scan(before, guid(2), birthDate(2))) ?? '';
  expect(await after.sessions.poll(dated)).toBeNull();
  const again = tokenOf(await scan(after, guid(2), birthDate(2))) ?? '';
  expect(await after.sessions.poll(again)).not.toBeNull();
  expect(await before.sessions.tan(tokenOf(await scan(before, guid(3), birthDate(3))) ?? '')).not.toBeNull();
  expect(await scan(after, guid(3), birthDate(3))).toEqual({ kind: 'refused' });
});
