/**
 * @module What happens between two steps of one call: somebody withdraws, deletes or asks too, just then. Over the wire, with
 * each hop delayed in turn: `npm run attack -- races`.
 */
import { env } from 'cloudflare:workers';
import { reset } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { tokenOf } from '../../test/support/token-of.ts';
import { reserveRequest } from '../../test/support/reserve-request.ts';
import { hashGuid } from '../../domain/derived-codes.ts';
import { parseVerificationConfig, type VerificationEnv } from './bindings.ts';
import { Desk } from './desk.ts';
import { Issues } from './issues.ts';
import { Ledger, type Spellings } from './ledger.ts';
import { type CodeToIssue, Sessions } from './sessions.ts';

const bindings = env as unknown as VerificationEnv;
const CONFIG = parseVerificationConfig(bindings);
const NOW = Math.floor(Date.now() / 1000);
const CARDS = 20;

const ledger = new Ledger(bindings, CONFIG);
const sessions = new Sessions(bindings, CONFIG, ledger, new Issues(bindings));
const desk = new Desk(bindings, sessions, ledger);

beforeEach(() => reset());

/** A ledger that lets something else happen before a TAN is recorded. */
class Interrupted extends Ledger {
  readonly tans: string[] = [];
  readonly #meanwhile: () => Promise<unknown>;

  constructor(meanwhile: () => Promise<unknown>) {
    super(bindings, CONFIG);
    this.#meanwhile = meanwhile;
  }

  override async record(tan: Spellings, issueId: string | null): Promise<string> {
    this.tans.push(...tan);
    await this.#meanwhile();
    return super.record(tan, issueId);
  }
}

const scan = (guid: string) =>
  sessions
    .register({ keyType: 'GUID', key: hashGuid(guid), birthDateKey: null }, NOW)
    .then((reply) => tokenOf(reply) ?? '');
async function opened() {
  const sheet = await desk.makeCards('practice', 'morning', CARDS);
  return { token: await scan(sheet?.cards[0]?.guid ?? ''), batchId: sheet?.batch.batchId ?? '' };
}

describe('while a TAN is being issued,', () => {
  it('a batch is withdrawn: nobody gets it, and it is dead', async ({ expect }) => {
    const { token, batchId } = await opened();
    const interrupted = new Interrupted(() => desk.withdraw(batchId, null, NOW - 60));
    expect(await new Sessions(bindings, CONFIG, interrupted, new Issues(bindings)).tan(token)).toBeNull();
    expect(await ledger.reserve(interrupted.tans[0] ?? '', reserveRequest())).toEqual({ kind: 'unknown' });
  });

  it('a test is deleted: nobody gets it, and it is dead', async ({ expect }) => {
    const { token } = await opened();
    const interrupted = new Interrupted(() => sessions.forget(token));
    expect(await new Sessions(bindings, CONFIG, interrupted, new Issues(bindings)).tan(token)).toBeNull();
    expect(await ledger.reserve(interrupted.tans[0] ?? '', reserveRequest())).toEqual({ kind: 'unknown' });
  });

  it('is asked for again, it is the same', async ({ expect }) => {
    const { token } = await opened();
    const meanwhile: (string | null)[] = [];
    const interrupted = new Interrupted(async () => meanwhile.push(await sessions.tan(token)));
    const tan = await new Sessions(bindings, CONFIG, interrupted, new Issues(bindings)).tan(token);
    expect(meanwhile).toEqual([tan]);
  });
});

it('a batch that is withdrawn while its cards are issued opens none of them', async ({ expect }) => {
  const withdrawing = new (class extends Sessions {
    override async issue(codes: readonly CodeToIssue[]): Promise<void> {
      const [batch] = (await desk.batches('practice', null)).batches;
      await desk.withdraw(batch?.batchId ?? '', null, NOW);
      await super.issue(codes);
    }
  })(bindings, CONFIG, ledger, new Issues(bindings));
  const sheet = await new Desk(bindings, withdrawing, ledger).makeCards('practice', 'morning', CARDS);
  expect(sheet?.batch.withdrawnFrom).toBe(NOW);
  for (const { guid } of sheet?.cards ?? []) expect(await scan(guid)).toBe('');
});
