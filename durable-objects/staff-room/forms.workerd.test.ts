/** @module Forms that were sent and proposals that wait, in workerd: what is kept of them, and how long. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, it } from 'vitest';
import { answerForm, FORM_LEASE_SECONDS, forgetForms, formAnswer, takeForm } from './form-ops.ts';
import { endProposal, forgetProposals, type Proposal, proposals, propose } from './proposal-ops.ts';
import { LONGEST_SECONDS } from './session-ops.ts';
import type { StaffRoom } from './staff-room.ts';

const rooms = (env as unknown as { STAFF_ROOM: DurableObjectNamespace<StaffRoom> }).STAFF_ROOM;
const inRoom = <R>(name: string, work: (sql: SqlStorage) => R): Promise<R> =>
  runInDurableObject(rooms.getByName(name), (_room, state) => work(state.storage.sql));
const T = 1_790_000_000;
const DAY = 86_400;

describe('a form', () => {
  it('is taken once; then it runs, and once it is answered says where', async ({ expect }) => {
    await inRoom('form', (sql) => {
      expect(takeForm(sql, 'a', T)).toEqual({ kind: 'first' });
      expect(takeForm(sql, 'a', T + 1)).toEqual({ kind: 'running' });
      expect(takeForm(sql, 'b', T + 1)).toEqual({ kind: 'first' });
      answerForm(sql, 'a', '/staff/codes');
      expect(takeForm(sql, 'a', T + 2)).toEqual({ kind: 'answered', location: '/staff/codes' });
      expect([formAnswer(sql, 'a'), formAnswer(sql, 'b'), formAnswer(sql, 'c')]).toEqual(['/staff/codes', null, null]);
    });
  });

  it('that was not acted on may be sent again; an answer is never taken back', async ({ expect }) => {
    await inRoom('released', (sql) => {
      takeForm(sql, 'a', T);
      answerForm(sql, 'a', null);
      expect(takeForm(sql, 'a', T)).toEqual({ kind: 'first' });
      answerForm(sql, 'a', '/staff');
      answerForm(sql, 'a', null);
      expect(takeForm(sql, 'a', T)).toEqual({ kind: 'answered', location: '/staff' });
    });
  });

  it('whose Worker died is free when its lease is over, and not a second earlier', async ({ expect }) => {
    await inRoom('lease', (sql) => {
      takeForm(sql, 'a', T);
      expect(takeForm(sql, 'a', T + FORM_LEASE_SECONDS - 1)).toEqual({ kind: 'running' });
      expect(takeForm(sql, 'a', T + FORM_LEASE_SECONDS)).toEqual({ kind: 'first' });
      // Taken anew, it has a lease anew.
      expect(takeForm(sql, 'a', T + FORM_LEASE_SECONDS + 1)).toEqual({ kind: 'running' });
    });
  });

  it('is kept as long as its session can live', async ({ expect }) => {
    await inRoom('forgotten', (sql) => {
      takeForm(sql, 'a', T);
      answerForm(sql, 'a', '/staff');
      forgetForms(sql, T + LONGEST_SECONDS - 1);
      expect(formAnswer(sql, 'a')).toBe('/staff');
      forgetForms(sql, T + LONGEST_SECONDS);
      expect(formAnswer(sql, 'a')).toBeNull();
    });
  });
});

describe('a proposal', () => {
  const proposal = (id: string, by: string, at = T): Proposal => ({
    id,
    by,
    at,
    action: 'publish',
    request: '{"document":"{}"}',
    expectedVersion: 1,
  });

  it('waits for a day; who proposes again has changed their mind', async ({ expect }) => {
    await inRoom('proposal', (sql) => {
      propose(sql, proposal('one', 'anna'));
      propose(sql, proposal('two', 'berta', T + 1));
      propose(sql, proposal('three', 'anna', T + 2));
      expect(proposals(sql, T + 3).map(({ id }) => id)).toEqual(['two', 'three']);
      expect(proposals(sql, T + DAY + 1).map(({ id }) => id)).toEqual(['three']);
      endProposal(sql, 'three');
      expect(proposals(sql, T + 3)).toEqual([proposal('two', 'berta', T + 1)]);
      forgetProposals(sql, T + DAY + 1);
      expect(sql.exec('SELECT id FROM proposal').toArray()).toEqual([]);
    });
  });
});
