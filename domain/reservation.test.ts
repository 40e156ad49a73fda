import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { commit, forgetAt, release, reserve, type TanRow } from './reservation.ts';

const EXPIRES = 100_000;
const LEASE = 60;
const issued: TanRow = { state: 'issued', issueId: 'batch-7', expiresAt: EXPIRES };
const held: TanRow = {
  ...issued,
  state: 'reserved',
  digest: 'a',
  reservationId: 'r1',
  idCommitment: 'commits to r1',
  leaseEnd: 1080,
};
const used: TanRow = { ...issued, state: 'committed', reservationId: null };
const usedCertificate: TanRow = { ...used, reservationId: 'r1' };
const dead = (id: string) => (idCommitment: string) => idCommitment === `commits to ${id}`;

const ask = (row: TanRow | null, digest: string, now: number) =>
  reserve(row, { digest, now, leaseSeconds: LEASE, reservationId: 'r2', idCommitment: 'commits to r2' });

describe('reserve', () => {
  const renewed = { kind: 'reserved', reservationId: 'r1', idCommitment: 'commits to r1', issueId: 'batch-7' };
  const fresh = { ...renewed, reservationId: 'r2', idCommitment: 'commits to r2' };
  it.for<[name: string, row: TanRow | null, digest: string, now: number, reply: object]>([
    ['never issued', null, 'a', 0, { kind: 'unknown' }],
    ['issued', issued, 'a', 0, fresh],
    ['issued, expired', issued, 'a', EXPIRES, { kind: 'unknown' }],
    ['own digest, lease runs', held, 'a', 1000, renewed],
    ['own digest, lease over', held, 'a', 9000, renewed],
    ['own digest, expired, within the grace', held, 'a', EXPIRES + 7199, renewed],
    ['own digest, past the grace', held, 'a', EXPIRES + 7200, { kind: 'unknown' }],
    ['other digest, lease runs', held, 'b', 1079, { kind: 'busy' }],
    ['other digest, lease over', held, 'b', 1080, { kind: 'held', reservationId: 'r1', idCommitment: 'commits to r1' }],
    ['other digest, expired', held, 'b', EXPIRES, { kind: 'unknown' }],
    ['committed', used, 'a', 5, { kind: 'committed', reservationId: null }],
    ['committed, within the grace', used, 'a', EXPIRES + 7199, { kind: 'committed', reservationId: null }],
    ['a certificate, committed', usedCertificate, 'a', 5, { kind: 'committed', reservationId: 'r1' }],
    ['a certificate, committed, past the grace', usedCertificate, 'a', EXPIRES + 7200, { kind: 'unknown' }],
    ['committed, past the grace', used, 'a', EXPIRES + 7200, { kind: 'unknown' }],
  ])('%s', ([, row, digest, now, reply], { expect }) => {
    expect(ask(row, digest, now).reply).toEqual(reply);
  });

  it('the same keys under another key of the ring hold what they held', ({ expect }) => {
    const question = {
      digest: 'b',
      now: 1000,
      leaseSeconds: LEASE,
      reservationId: 'r2',
      idCommitment: 'commits to r2',
    };
    const { reply, write } = reserve(held, { ...question, otherDigests: ['c', 'a'] });
    expect(reply).toEqual(renewed);
    expect(write).toMatchObject({ state: 'reserved', digest: 'a', reservationId: 'r1' });
    expect(reserve(held, { ...question, otherDigests: ['c'] }).reply).toEqual({ kind: 'busy' });
  });

  it('the lease runs from the last time the digest asked', ({ expect }) => {
    expect(ask(held, 'a', 5000).write).toMatchObject({ reservationId: 'r1', idCommitment: 'commits to r1' });
  });

  it('a lease ends with a full minute and is never shorter than asked for', ({ expect }) => {
    const ends = [4980, 4981, 5000, 5039.5, 5040].map(
      (now) => (ask(held, 'a', now).write as { leaseEnd: number }).leaseEnd,
    );
    expect(ends).toEqual([5040, 5100, 5100, 5100, 5100]);
  });

  it('a question that is refused changes nothing', ({ expect }) => {
    expect([ask(held, 'b', 1000).write, ask(used, 'b', 5).write, ask(issued, 'a', EXPIRES).write]).toEqual([
      null,
      null,
      null,
    ]);
  });
});

describe('commit and release', () => {
  it('act only for the reservation that holds the TAN', ({ expect }) => {
    expect(commit(held, 'r9')).toBeNull();
    expect(release(held, 'r9', dead('r1'))).toBeNull();
    expect(commit(held, 'r1')).toEqual(used);
    expect(release(held, 'r1', dead('r1'))).toEqual(issued);
  });

  it('a release needs the death of the upload that was committed to', ({ expect }) => {
    expect(release(held, 'r1', dead('r2'))).toBeNull();
  });

  it('say nothing to rows that are free, used or gone', ({ expect }) => {
    for (const row of [issued, used, null]) {
      expect(commit(row, 'r1')).toBeNull();
      expect(release(row, 'r1', () => true)).toBeNull();
    }
  });

  it('a committed row keeps nothing of its reservation, and a certificate’s its id alone', ({ expect }) => {
    expect(commit(held, 'r1')).toEqual({ ...issued, state: 'committed', reservationId: null });
    expect(commit(held, 'r1', true)).toEqual({ ...issued, state: 'committed', reservationId: 'r1' });
  });
});

describe('any history of a TAN', () => {
  const step = fc.oneof(
    fc.record({ call: fc.constant('reserve' as const), digest: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ call: fc.constantFrom('commit' as const, 'release' as const), of: fc.nat(9) }),
    fc.record({ call: fc.constant('wait' as const), seconds: fc.nat(200) }),
  );

  it('one digest is committed, once, under an id that it alone was given; a released id never comes back', ({
    expect,
  }) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let row: TanRow | null = { ...issued, expiresAt: 3000 };
        let now = 0;
        let made = 0;
        const ownerOf = new Map<string, string>();
        const released = new Set<string>();
        let winner: string | null = null;
        for (const s of steps) {
          if (s.call === 'wait') now += s.seconds;
          if (s.call === 'reserve') {
            const { reply, write } = reserve(row, {
              digest: s.digest,
              now,
              leaseSeconds: LEASE,
              reservationId: `r${made}`,
              idCommitment: `commits to r${made++}`,
            });
            if (reply.kind === 'reserved') {
              expect(released.has(reply.reservationId)).toBe(false);
              expect(ownerOf.get(reply.reservationId) ?? s.digest).toBe(s.digest);
              expect(reply.idCommitment).toBe(`commits to ${reply.reservationId}`);
              expect(winner).toBeNull();
              ownerOf.set(reply.reservationId, s.digest);
            }
            expect(reply.kind === 'committed').toBe(winner !== null && reply.kind !== 'unknown');
            row = write ?? row;
          }
          if (s.call === 'commit' || s.call === 'release') {
            const id = `r${s.of}`;
            const next: TanRow | null = s.call === 'commit' ? commit(row, id) : release(row, id, dead(id));
            if (next?.state === 'committed') winner = ownerOf.get(id) ?? null;
            if (next?.state === 'issued') released.add(id);
            row = next ?? row;
          }
          if (row !== null && now >= forgetAt(row)) expect(ask(row, 'a', now).reply.kind).toBe('unknown');
        }
      }),
      { seed: 3, numRuns: 2000 },
    );
  });
});
