import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { commit, forgetAt, release, reserve, type TanRow } from './reservation.ts';

const EXPIRES = 100_000;
const LEASE = 60;
const issued: TanRow = { state: 'issued', codeBatchId: 'batch-7', expiresAt: EXPIRES };
const held: TanRow = { ...issued, state: 'reserved', digest: 'a', uploadId: 'u1', leaseEnd: 1060 };
const used: TanRow = { ...issued, state: 'committed', digest: 'a' };

const ask = (row: TanRow | null, digest: string, now: number) =>
  reserve(row, { digest, now, leaseSeconds: LEASE, newUploadId: () => 'u2' });

describe('reserve', () => {
  const renewed = { kind: 'reserved', uploadId: 'u1', codeBatchId: 'batch-7' };
  it.for<[name: string, row: TanRow | null, digest: string, now: number, reply: object]>([
    ['never issued', null, 'a', 0, { kind: 'unknown' }],
    ['issued', issued, 'a', 0, { kind: 'reserved', uploadId: 'u2', codeBatchId: 'batch-7' }],
    ['issued, expired', issued, 'a', EXPIRES, { kind: 'unknown' }],
    ['own digest, lease runs', held, 'a', 1000, renewed],
    ['own digest, lease over', held, 'a', 9000, renewed],
    ['own digest, expired, within the grace', held, 'a', EXPIRES + 7199, renewed],
    ['own digest, past the grace', held, 'a', EXPIRES + 7200, { kind: 'unknown' }],
    ['other digest, lease runs', held, 'b', 1059, { kind: 'busy' }],
    ['other digest, lease over', held, 'b', 1060, { kind: 'held', uploadId: 'u1' }],
    ['other digest, expired', held, 'b', EXPIRES, { kind: 'unknown' }],
    ['committed, own digest', used, 'a', 5, { kind: 'committed' }],
    ['committed, own digest, within the grace', used, 'a', EXPIRES + 7199, { kind: 'committed' }],
    ['committed, other digest', used, 'b', 5, { kind: 'used' }],
    ['committed, past the grace', used, 'a', EXPIRES + 7200, { kind: 'unknown' }],
  ])('%s', ([, row, digest, now, reply], { expect }) => {
    expect(ask(row, digest, now).reply).toEqual(reply);
  });

  it('the lease runs from the last time the digest asked', ({ expect }) => {
    expect(ask(held, 'a', 5000).write).toMatchObject({ uploadId: 'u1', leaseEnd: 5060 });
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
  it('act only for the upload that holds the reservation', ({ expect }) => {
    expect(commit(held, 'u9')).toBeNull();
    expect(release(held, 'u9')).toBeNull();
    expect(commit(held, 'u1')).toEqual(used);
    expect(release(held, 'u1')).toEqual(issued);
  });

  it('say nothing to rows that are free, used or gone', ({ expect }) => {
    for (const row of [issued, used, null]) {
      expect(commit(row, 'u1')).toBeNull();
      expect(release(row, 'u1')).toBeNull();
    }
  });

  it('a committed row keeps neither upload id nor lease', ({ expect }) => {
    expect(Object.keys(commit(held, 'u1') ?? {}).toSorted()).toEqual(['codeBatchId', 'digest', 'expiresAt', 'state']);
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
              newUploadId: () => `u${made++}`,
            });
            if (reply.kind === 'reserved') {
              expect(released.has(reply.uploadId)).toBe(false);
              expect(ownerOf.get(reply.uploadId) ?? s.digest).toBe(s.digest);
              expect(winner).toBeNull();
              ownerOf.set(reply.uploadId, s.digest);
            }
            if (reply.kind === 'committed') expect(s.digest).toBe(winner);
            if (reply.kind === 'used') expect(s.digest).not.toBe(winner);
            row = write ?? row;
          }
          if (s.call === 'commit' || s.call === 'release') {
            const uploadId = `u${s.of}`;
            const next: TanRow | null = (s.call === 'commit' ? commit : release)(row, uploadId);
            if (next?.state === 'committed') winner = ownerOf.get(uploadId) ?? null;
            if (next?.state === 'issued') released.add(uploadId);
            row = next ?? row;
          }
          if (row !== null && now >= forgetAt(row)) expect(ask(row, 'a', now).reply.kind).toBe('unknown');
        }
      }),
      { seed: 3, numRuns: 2000 },
    );
  });
});
