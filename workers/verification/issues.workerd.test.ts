/**
 * @module Issue ids as TANs carry them, in workerd: one a source and day, whoever vouched, and none of a source that was rolled back.
 */
import { env, exports } from 'cloudflare:workers';
import { reset } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { hashGuid } from '../../domain/derived-codes.ts';
import { issueKind } from '../../domain/issue.ts';
import { reserveRequest } from '../../test/support/reserve-request.ts';
import { tokenOf } from '../../test/support/token-of.ts';
import type { VerificationEnv } from './bindings.ts';
import type { BackOffice } from './entrypoints.ts';
import { servicesOf } from './services.ts';

const bindings = env as unknown as VerificationEnv;
const office = (exports as unknown as { BackOffice: InstanceType<typeof BackOffice> }).BackOffice;
const services = () => servicesOf(bindings);
const desk = () => bindings.CODE_DESK.getByName('desk');
const now = (): number => Math.floor(Date.now() / 1000);
const today = (): number => Math.floor(now() / 86_400);

beforeEach(() => reset());

const openedBy = async (keyType: 'GUID' | 'TELETAN', key: string): Promise<string> =>
  tokenOf(await services().sessions.register({ keyType, key, birthDateKey: null }, now())) ?? '';
const tanOf = async (keyType: 'GUID' | 'TELETAN', key: string): Promise<string> =>
  (await services().sessions.tan(await openedBy(keyType, key))) ?? '';
/** The id that an upload with this TAN would carry. */
async function issueOf(tan: string): Promise<string> {
  const reply = await services().ledger.reserve(tan, reserveRequest());
  return reply.kind === 'reserved' ? (reply.issueId ?? '') : reply.kind;
}
/** A test that the laboratory of the tests (test/support/stub-workers.ts) calls positive, and that no other file has it forget. */
const positive = (digit: string): string => `d2${digit.repeat(62)}`;
const ANY = { fromDay: today() - 60, toDay: today() };

describe('an issue id', () => {
  it('is one a day of a laboratory, a card batch, a hotline issuer or an operator, and tells the kind', async ({
    expect,
  }) => {
    const tests = [
      await issueOf(await tanOf('GUID', positive('1'))),
      await issueOf(await tanOf('GUID', positive('2'))),
    ];
    const sheets = [await office.makeCards('practice', 'a', 20), await office.makeCards('practice', 'b', 20)];
    const cards: string[] = [];
    for (const [sheet, n] of [
      [0, 0],
      [0, 1],
      [1, 0],
    ] as const) {
      cards.push(await issueOf(await tanOf('GUID', hashGuid(sheets[sheet]?.cards[n]?.guid ?? ''))));
    }
    const codes = [
      await office.issueTeleTan('anna'),
      await office.issueTeleTan('anna'),
      await office.issueTeleTan('ben'),
    ];
    const hotline: string[] = [];
    for (const code of codes) hotline.push(await issueOf(await tanOf('TELETAN', code?.teleTan ?? '')));
    const issued = await office.issueTans({ count: 2, issuer: 'anna' });
    const staff = [await issueOf(issued?.tans[0] ?? ''), await issueOf(issued?.tans[1] ?? '')];

    expect([tests, cards, hotline, staff].map((ids) => ids.map((id) => issueKind(id)))).toEqual([
      ['laboratory', 'laboratory'],
      ['card', 'card', 'card'],
      ['hotline', 'hotline', 'hotline'],
      ['staff', 'staff'],
    ]);
    // Within a source the same, and no two sources have one.
    expect([tests[0], cards[0], hotline[0], staff[0]]).toEqual([tests[1], cards[1], hotline[1], staff[1]]);
    expect(new Set([...tests, ...cards, ...hotline, ...staff]).size).toBe(6);
    // The books say whose it is: a laboratory's of the day on which the test became positive (stub-workers.ts), whenever it was posted.
    const ids = [cards[2], hotline[2], tests[0]].map((id) => id ?? '');
    const sources = await desk().sourcesOf([...ids, `s${'0'.repeat(32)}`]);
    expect(sources).toContainEqual(
      expect.objectContaining({ kind: 'laboratory', source: 'lab-1', day: 20_800, issueId: ids[2] }),
    );
    expect(sources.filter(({ kind }) => kind !== 'laboratory')).toMatchObject([
      { kind: 'card', source: sheets[1]?.batch.batchId, issueId: ids[0] },
      { kind: 'hotline', source: 'ben', day: today(), issueId: ids[1] },
    ]);
  });

  it('of a source that has ended is given to nobody, and one that was waiting for use is dead', async ({ expect }) => {
    const codes = [
      await office.issueTeleTan('anna'),
      await office.issueTeleTan('anna'),
      await office.issueTeleTan('ben'),
    ];
    const [waiting = '', asked = '', other = ''] = codes.map((code) => code?.teleTan);
    const tan = await tanOf('TELETAN', waiting);
    const selection = { kind: 'hotline', sources: ['anna'], ...ANY } as const;
    await desk().endIssues(selection);
    await services().ledger.withdrawIssues((await desk().issuesOf(selection)).map(({ issueId }) => issueId));
    expect(await services().ledger.reserve(tan, reserveRequest())).toEqual({ kind: 'unknown' });
    expect(await tanOf('TELETAN', asked)).toBe('');
    expect(await office.issueTeleTan('anna')).toBeNull();
    // What anna has issued by a command is another source; and nobody else is touched.
    expect(await office.issueTans({ count: 1, issuer: 'anna' })).not.toBeNull();
    expect(issueKind(await issueOf(await tanOf('TELETAN', other)))).toBe('hotline');
  });
});
