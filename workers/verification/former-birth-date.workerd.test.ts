/**
 * @module Sessions that were registered with a date of birth before these had names (decision 029): rows, claims and codes by the hash
 * itself. They go on to their end, and hold off whoever comes with a name.
 */
import { env } from 'cloudflare:workers';
import { reset } from 'cloudflare:test';
import { beforeEach, it } from 'vitest';
import { birthDateHash, registrationToken, sessionSeed, sessionTan, tokenHash } from '../../domain/derived-codes.ts';
import type { ResultsRpc, TestResultReply } from '../../domain/rpc.ts';
import { laboratorySession } from '../../domain/session.ts';
import { birthDateName } from '../../domain/test-result.ts';
import { tokenOf } from '../../test/support/token-of.ts';
import { parseVerificationConfig, type VerificationEnv } from './bindings.ts';
import { Issues } from './issues.ts';
import { Ledger } from './ledger.ts';
import { Sessions } from './sessions.ts';
import { Shards } from './shards.ts';

const bindings = env as unknown as VerificationEnv;
const config = parseVerificationConfig(bindings);
const NOW = Math.floor(Date.now() / 1000);
const GUID = 'a'.repeat(64);
const OTHER_GUID = 'b'.repeat(64);
const RIGHT = `x${'1'.repeat(63)}`;
const WRONG = `x${'2'.repeat(63)}`;
/** Asked by the hash or by its name, as the laboratory Worker is. */
const posted = new Set<string>();
const post = (...ids: string[]): void => ids.forEach((id) => posted.add(birthDateName(id)));
const laboratory: ResultsRpc = {
  async resultOf(id): Promise<TestResultReply> {
    const isPosted = posted.has(birthDateName(id));
    const keptUntil = isPosted ? NOW + 60 * 86_400 + 60 : null;
    const labId = isPosted ? 'lab' : null;
    return {
      result: isPosted ? 2 : 0,
      sampleCollected: NOW,
      labId,
      keptUntil,
      positiveDay: isPosted ? Math.floor(NOW / 86_400) : null,
      needsBirthDate: false,
    };
  },
  async forget(id): Promise<void> {
    posted.delete(birthDateName(id));
  },
};

let sessions: Sessions;
beforeEach(async () => {
  await reset();
  posted.clear();
  const all = { ...bindings, RESULTS: laboratory };
  sessions = new Sessions(all, config, new Ledger(bindings, config), new Issues(bindings));
});

const register = (birthDateKey: string | null, key = GUID) =>
  sessions.register({ keyType: 'GUID', key, birthDateKey }, NOW).then(tokenOf);

/** What the former code left. @param isWhole false: it crashed after its claims */
async function former(birthDateKey: string, isWhole = true): Promise<{ token: string; seed: Uint8Array }> {
  const [derivationKey, tanHashKey] = [config.derivationKeys.current, config.tanHashKeys.current];
  const named = (key: string | null) => {
    const seed = sessionSeed('GUID', GUID, key, derivationKey);
    const token = registrationToken(seed, derivationKey);
    return { seed, token, hash: tokenHash(token, tanHashKey) };
  };
  const own = named(birthDateKey);
  const shards = new Shards(bindings.TEST_SESSION);
  const fresh = laboratorySession(GUID, birthDateKey, NOW);
  for (const id of [birthDateHash(birthDateKey, tanHashKey), named(null).hash]) {
    await shards.of(id).claim(id, own.hash, fresh.expiresAt, { replaces: null, isPosted: false });
  }
  if (isWhole) await shards.of(own.hash).register(own.hash, fresh, { replaces: null, isPosted: false });
  return own;
}

it('is given its token again until it has polled, its result, and its own TAN twice', async ({ expect }) => {
  const { token, seed } = await former(RIGHT);
  expect(await register(RIGHT)).toBe(token);
  post(GUID, RIGHT);
  expect(await sessions.poll(token)).toMatchObject({ kind: 'result', result: 2 });
  expect(await register(RIGHT)).toBeNull();
  const tan = await sessions.tan(token);
  const expiresAt = NOW + config.tanLifetimeSeconds;
  const own = [0, 1, 2].map((late) =>
    sessionTan(seed, { n: 0, expiresAt: expiresAt + late }, config.derivationKeys.current, config.tanMacKeys.current),
  );
  expect(own).toContain(tan);
  expect(await sessions.tan(token)).toBe(tan);
});

it.for([false, true])('holds its test and its date of birth, answered %s', async (isAnswered, { expect }) => {
  await former(RIGHT);
  if (isAnswered) post(GUID, OTHER_GUID, RIGHT);
  expect(await register(WRONG)).toBeNull();
  expect(await register(null)).toBeNull();
  expect(await register(RIGHT, OTHER_GUID)).toBeNull();
});

it('a wrong one gives way to the right one', async ({ expect }) => {
  const { token } = await former(WRONG);
  post(GUID, RIGHT);
  const right = await register(RIGHT);
  expect(await sessions.poll(right ?? '')).toMatchObject({ kind: 'result', result: 2 });
  expect(await sessions.poll(token)).toBeNull();
});

it('is deleted with both rows, and opens nothing again', async ({ expect }) => {
  const { token } = await former(RIGHT);
  post(GUID, RIGHT);
  await sessions.forget(token);
  expect(posted.size).toBe(0);
  post(GUID, RIGHT);
  for (const date of [RIGHT, WRONG, null]) expect(await register(date)).toBeNull();
});

it('whose claims a crash left alone waits for the laboratory, and is then registered anew', async ({ expect }) => {
  const { token } = await former(RIGHT, false);
  expect(await register(RIGHT)).toBeNull();
  post(GUID, RIGHT);
  const again = await register(RIGHT);
  expect(again).not.toBe(token);
  expect(await sessions.poll(again ?? '')).toMatchObject({ kind: 'result', result: 2 });
});
