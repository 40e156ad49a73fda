/**
 * @module Dates of birth (docs/spec/cwa.md §3.1; decision 024), against a laboratory whose answers the test chooses: an id's
 * second digit is its result, until it is forgotten.
 */
import { env } from 'cloudflare:workers';
import { reset, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { tokenOf } from '../../test/support/token-of.ts';
import { MAX_BIRTH_DATE_GUESSES } from '../../domain/birth-date.ts';
import type { ResultsRpc, TestResultReply } from '../../domain/rpc.ts';
import { hashGuid } from '../../domain/derived-codes.ts';
import { birthDateName } from '../../domain/test-result.ts';
import { parseVerificationConfig, type VerificationEnv } from './bindings.ts';
import { Desk } from './desk.ts';
import { Issues } from './issues.ts';
import { Ledger } from './ledger.ts';
import { type Members, parseRegistration } from './question.ts';
import { Sessions } from './sessions.ts';

const bindings = env as unknown as VerificationEnv;
const NOW = Math.floor(Date.now() / 1000);

const GUID = 'a'.repeat(64);
const OTHER_GUID = 'b'.repeat(64);
const RIGHT = `x${'1'.repeat(63)}`;
const wrong = (n: number): string => `x${String(n).padStart(63, '9')}`;

/** Rows as laboratories post them, kept by their names. */
class Rows extends Map<string, number> {
  override set(id: string, result: number): this {
    return super.set(birthDateName(id), result);
  }
}

/** A laboratory of the test's own, which keeps what it was asked. */
class Laboratory implements ResultsRpc {
  readonly rows = new Rows();
  readonly asked: string[] = [];
  readonly forgotten: string[] = [];
  needsBirthDate = false;
  failsAt: string | null = null;

  post(...ids: string[]): void {
    for (const id of ids) this.rows.set(id, 2);
  }

  async resultOf(id: string): Promise<TestResultReply> {
    this.asked.push(id);
    const result = this.rows.get(birthDateName(id));
    if (result === undefined) {
      return {
        result: 0,
        sampleCollected: null,
        labId: null,
        keptUntil: null,
        positiveDay: null,
        needsBirthDate: false,
      };
    }
    const keptUntil = NOW + 60 * 86_400 + 60;
    const positiveDay = Math.floor(NOW / 86_400);
    return { result, sampleCollected: NOW, labId: 'lab', keptUntil, positiveDay, needsBirthDate: this.needsBirthDate };
  }

  async forget(id: string): Promise<void> {
    if (this.failsAt === id) throw new Error('not reached');
    this.forgotten.push(id);
    this.rows.delete(birthDateName(id));
  }
}

let laboratory: Laboratory;
let sessions: Sessions;

beforeEach(async () => {
  await reset();
  laboratory = new Laboratory();
  const config = parseVerificationConfig(bindings);
  sessions = new Sessions(
    { ...bindings, RESULTS: laboratory },
    config,
    new Ledger(bindings, config),
    new Issues(bindings),
  );
});

const register = (birthDateKey: string | null, key = GUID) =>
  sessions.register({ keyType: 'GUID', key, birthDateKey }, NOW).then(tokenOf);

/** A registration that must succeed. */
async function opened(birthDateKey: string | null, key = GUID): Promise<string> {
  const token = await register(birthDateKey, key);
  if (token === null) throw new Error('no session');
  return token;
}

const POSITIVE = { kind: 'result', result: 2 };
const DIFFERS = { kind: 'birth-date-differs' };

describe('what is asked', () => {
  const parse = (question: object) => parseRegistration(JSON.parse(JSON.stringify(question)) as Members);
  const test = { keyType: 'GUID', key: GUID };
  for (const { name, question, birthDateKey } of [
    { name: 'keyDob', question: { ...test, keyDob: RIGHT }, birthDateKey: RIGHT },
    { name: 'keyDOB, as iOS 2.x wrote it', question: { ...test, keyDOB: RIGHT.toUpperCase() }, birthDateKey: RIGHT },
    { name: 'keyDob null', question: { ...test, keyDob: null }, birthDateKey: null },
    { name: 'no date of birth', question: test, birthDateKey: null },
  ]) {
    it(`${name} is taken`, ({ expect }) => {
      expect(parse(question)).toEqual({ keyType: 'GUID', key: GUID, birthDateKey });
    });
  }

  for (const { name, question } of [
    { name: 'both spellings', question: { ...test, keyDob: RIGHT, keyDOB: RIGHT } },
    { name: 'both spellings, one null', question: { ...test, keyDob: RIGHT, keyDOB: null } },
    { name: "another test's id as a date of birth", question: { ...test, keyDob: OTHER_GUID } },
    { name: 'a date of birth as a test', question: { keyType: 'GUID', key: RIGHT } },
    { name: 'a date of birth that is too short', question: { ...test, keyDob: RIGHT.slice(1) } },
    { name: 'a date of birth that is no text', question: { ...test, keyDob: 1 } },
    { name: 'a teleTAN with a date of birth', question: { keyType: 'TELETAN', key: '29CAGTWUFH', keyDob: RIGHT } },
    { name: 'a teleTAN with keyDOB', question: { keyType: 'TELETAN', key: '29CAGTWUFH', keyDOB: RIGHT } },
  ]) {
    it(`${name} is refused`, ({ expect }) => {
      expect(parse(question)).toBeNull();
    });
  }
});

describe('one session a test', () => {
  it('the same question again is answered the same, until the first poll', async ({ expect }) => {
    const token = await opened(RIGHT);
    expect(await register(RIGHT)).toBe(token);
    await sessions.poll(token);
    expect(await register(RIGHT)).toBeNull();
  });

  it('a second registration of the test or of the date of birth is refused, pending or answered', async ({
    expect,
  }) => {
    await opened(RIGHT);
    for (const answered of [false, true]) {
      if (answered) laboratory.post(GUID, RIGHT, OTHER_GUID);
      expect(await register(wrong(1))).toBeNull();
      expect(await register(null)).toBeNull();
      expect(await register(RIGHT, OTHER_GUID)).toBeNull();
    }
    // The other test itself is untouched by what was tried on it.
    await opened(null, OTHER_GUID);
  });

  it('without a date of birth holds off one with', async ({ expect }) => {
    laboratory.post(GUID, RIGHT);
    await opened(null);
    expect(await register(RIGHT)).toBeNull();
  });

  it('twenty dates of birth and none at once open one session', async ({ expect }) => {
    const dates = [null, ...Array.from({ length: 20 }, (_, i) => wrong(i))];
    const tokens = await Promise.all(dates.map((date) => register(date)));
    expect(tokens.filter((token) => token !== null)).toHaveLength(1);
  });

  it('a code card opens once, whatever date of birth comes with it', async ({ expect }) => {
    const config = parseVerificationConfig(bindings);
    const desk = new Desk(bindings, sessions, new Ledger(bindings, config));
    const sheet = await desk.makeCards('practice', 'morning', 20);
    const key = hashGuid(sheet?.cards[0]?.guid ?? '');
    const token = await opened(RIGHT, key);
    expect(await sessions.poll(token)).toMatchObject(POSITIVE);
    expect(await register(wrong(1), key)).toBeNull();
    expect(await register(null, key)).toBeNull();
    // It claimed no date of birth.
    await opened(RIGHT);
  });
});

describe('a wrong date of birth', () => {
  it('known to be wrong, opens nothing: missing, other result, other laboratory', async ({ expect }) => {
    laboratory.post(GUID, RIGHT);
    laboratory.rows.set(wrong(2), 1);
    for (const date of [wrong(1), wrong(2)]) expect(await register(date)).toBeNull();
    expect(await sessions.poll(await opened(RIGHT))).toMatchObject(POSITIVE);
  });

  it('is tried five times at most once the test is answered, however many are tried at once', async ({ expect }) => {
    laboratory.post(GUID, RIGHT);
    await Promise.all(Array.from({ length: 50 }, (_, i) => register(wrong(i))));
    const compared = laboratory.asked.filter((id) => id.startsWith('x'));
    expect(compared).toHaveLength(MAX_BIRTH_DATE_GUESSES);
    expect(await register(RIGHT)).toBeNull();
  });

  it('found wrong later, shows nothing and gives no TAN; the right one opens after it, and ends it', async ({
    expect,
  }) => {
    const guessed = await opened(wrong(1));
    laboratory.post(GUID, RIGHT);
    expect(await sessions.poll(guessed)).toEqual(DIFFERS);
    expect(await sessions.tan(guessed)).toBeNull();
    const right = await opened(RIGHT);
    expect(right).not.toBe(guessed);
    expect(await sessions.poll(right)).toMatchObject(POSITIVE);
    expect(await sessions.tan(right)).toMatch(/^[0-9a-f-]{36}$/);
    expect(await sessions.poll(guessed)).toBeNull();
    expect(await sessions.tan(guessed)).toBeNull();
    expect(await register(wrong(1))).toBeNull();
  });

  it('that nobody polled, or that was deleted while it waited, is no obstacle either', async ({ expect }) => {
    const guessed = await opened(wrong(1));
    await sessions.forget(guessed);
    expect(await register(wrong(2))).toBeNull();
    laboratory.post(GUID, RIGHT);
    expect(await register(wrong(2))).toBeNull();
    expect(await sessions.poll(await opened(RIGHT))).toMatchObject(POSITIVE);
  });

  it('deletes nothing of the person whose test it is', async ({ expect }) => {
    const guessed = await opened(wrong(1));
    laboratory.post(GUID, RIGHT, wrong(1));
    laboratory.rows.set(wrong(1), 1);
    await sessions.forget(guessed);
    expect(laboratory.forgotten).toEqual([]);
    expect(await sessions.poll(await opened(RIGHT))).toMatchObject(POSITIVE);
  });

  it('does not end a session that was right once, if a laboratory corrects one row and not yet the other', async ({
    expect,
  }) => {
    laboratory.post(GUID, RIGHT, wrong(1));
    const first = await opened(RIGHT);
    await sessions.tan(first);
    laboratory.rows.set(RIGHT, 1);
    expect(await register(wrong(1))).toBeNull();
    laboratory.post(RIGHT);
    expect(await sessions.poll(first)).toMatchObject(POSITIVE);
  });
});

describe('a laboratory that requires dates of birth', () => {
  it('shows no result to who registers without, then or before; the right one opens after it', async ({ expect }) => {
    laboratory.needsBirthDate = true;
    const without = await opened(null);
    laboratory.post(GUID, RIGHT);
    expect(await sessions.poll(without)).toEqual(DIFFERS);
    expect(await sessions.tan(without)).toBeNull();
    expect(await register(null, GUID)).toBeNull();
    expect(await sessions.poll(await opened(RIGHT))).toMatchObject(POSITIVE);
    expect(await sessions.poll(without)).toBeNull();
  });

  it('one that does not lets a person who mistyped it open without', async ({ expect }) => {
    const guessed = await opened(wrong(1));
    laboratory.post(GUID);
    const without = await opened(null);
    expect(await sessions.poll(without)).toMatchObject(POSITIVE);
    expect(await sessions.poll(guessed)).toBeNull();
  });
});

describe('deleting', () => {
  it("takes both of one's own rows, and the code opens nothing again, with or without a date of birth", async ({
    expect,
  }) => {
    laboratory.post(GUID, RIGHT);
    await sessions.forget(await opened(RIGHT));
    expect(laboratory.forgotten).toEqual([birthDateName(RIGHT), GUID]);
    laboratory.post(GUID, RIGHT, wrong(1));
    for (const date of [RIGHT, null, wrong(1)]) expect(await register(date)).toBeNull();
  });

  it('goes on after a crash between the two rows', async ({ expect }) => {
    laboratory.post(GUID, RIGHT);
    const token = await opened(RIGHT);
    laboratory.failsAt = GUID;
    await expect(sessions.forget(token)).rejects.toThrow('not reached');
    laboratory.failsAt = null;
    await sessions.forget(token);
    expect(laboratory.rows.size).toBe(0);
    expect(await sessions.poll(token)).toBeNull();
  });
});

/** Every row of a table in all shards, counted. */
async function rows(table: 'test_session' | 'test_claim'): Promise<number> {
  let sum = 0;
  for (const digit of '0123456789abcdef') {
    const shard = bindings.TEST_SESSION.getByName(`s${digit}`);
    sum += await runInDurableObject(
      shard,
      (_object, { storage: { sql } }) => sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
    );
  }
  return sum;
}

/** Sessions over a namespace whose n-th call of RPC (from 0) is lost, on its way or on the way back. */
function crashingAt(n: number, when: 'before' | 'after'): Sessions {
  let calls = 0;
  const getByName = (name: string) =>
    new Proxy(bindings.TEST_SESSION.getByName(name), {
      get:
        (stub, method) =>
        async (...args: unknown[]) => {
          const crashes = calls++ === n;
          if (crashes && when === 'before') throw new Error('crashed');
          const methods = stub as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
          const reply = await methods[String(method)]?.(...args);
          if (crashes) throw new Error('crashed');
          return reply;
        },
    });
  const crashing = { ...bindings, TEST_SESSION: { getByName }, RESULTS: laboratory } as unknown as VerificationEnv;
  const config = parseVerificationConfig(bindings);
  return new Sessions(crashing, config, new Ledger(bindings, config), new Issues(crashing));
}

describe('a crash', () => {
  const question = { keyType: 'GUID', key: GUID, birthDateKey: RIGHT } as const;

  for (const isAnswered of [false, true]) {
    for (const when of ['before', 'after'] as const) {
      it(`${when} any call of a registration, ${isAnswered ? 'answered' : 'pending'}: asking again goes on, and one session is there`, async ({
        expect,
      }) => {
        if (isAnswered) laboratory.post(GUID, RIGHT);
        const tokens: (string | null)[] = [];
        for (let at = 0; at < 8; at++) {
          const crashed = await crashingAt(at, when)
            .register(question, NOW)
            .then(tokenOf)
            .catch(() => null);
          tokens.push(crashed);
        }
        const token = await opened(RIGHT);
        // The last ones had fewer calls to make than would have crashed.
        expect(tokens).toContain(token);
        laboratory.post(GUID, RIGHT);
        expect(await sessions.poll(token)).toMatchObject(POSITIVE);
        expect(await register(wrong(1))).toBeNull();
        expect(await rows('test_session')).toBe(1);
        expect(await rows('test_claim')).toBe(2);
      });

      it(`${when} any call while a wrong session gives way (${isAnswered ? 'it has polled' : 'not polled'}): the same question goes on from there`, async ({
        expect,
      }) => {
        const guessed = await opened(wrong(1));
        laboratory.post(GUID, RIGHT);
        if (isAnswered) await sessions.poll(guessed);
        for (let at = 0; at < 10; at++) {
          await crashingAt(at, when)
            .register(question, NOW)
            .then(tokenOf)
            .catch(() => null);
        }
        expect(await sessions.poll(await opened(RIGHT))).toMatchObject(POSITIVE);
        expect(await sessions.poll(guessed)).toBeNull();
      });
    }
  }
});

it('a claim lives as long as the session, which lives as long as the result', async ({ expect }) => {
  const token = await opened(RIGHT);
  laboratory.post(GUID, RIGHT);
  await sessions.poll(token);
  const ends = new Set<number>();
  for (const digit of '0123456789abcdef') {
    await runInDurableObject(bindings.TEST_SESSION.getByName(`s${digit}`), (_object, { storage: { sql } }) => {
      for (const table of ['test_session', 'test_claim']) {
        for (const row of sql.exec<{ expires_at: number }>(`SELECT expires_at FROM ${table}`)) ends.add(row.expires_at);
      }
    });
  }
  expect([...ends]).toEqual([NOW + 60 * 86_400 + 60]);
});
