/**
 * @module Today's Workers start on the state that each kept release left in the middle of everything (test/fixtures/releases/), and go on with it: what waits is published, what was given is good, phones that had some get the rest,
 * and nothing is doubled.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { verifyObjects } from '../../domain/event-log/verify.ts';
import { openBuckets } from '../../local-edge/buckets.ts';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { isUsual } from '../../scripts/federation/usual-lines.ts';
import { bucketStore } from '../../scripts/support/object-store.ts';
import { hashRecords, readLog } from '../../scripts/support/read-log.ts';
import { type Ending, playAfter } from '../support/releases/after.ts';
import { keptReleases, leftBy, unpackState } from '../support/releases/archive.ts';
import { newPeer, sceneVars, withPeer } from '../support/releases/scene.ts';

/** Over the next midnight: what was published is cut anew. */
const HOURS = 24;

describe.for(keptReleases())('the state of %s', (version) => {
  const log: string[] = [];
  let state: string;
  let ending: Ending;

  beforeAll(async () => {
    state = unpackState(version);
    const peer = newPeer();
    let edge: LocalEdge | undefined;
    try {
      edge = await startLocalEdge({
        state,
        vars: sceneVars(peer),
        adapt: withPeer(peer),
        onLog: (line) => void (isUsual(line) || log.push(line)),
      });
      ending = await playAfter(edge, peer, leftBy(version), HOURS);
    } finally {
      await edge?.dispose();
    }
  });
  afterAll(() => rmSync(state, { recursive: true, force: true }));

  it('is gone on with: nothing is lost, doubled, or good no more', ({ expect }) => {
    expect(ending.problems).toEqual([]);
    // Thirteen keys each of seven people before, one of whom took them back, and of eleven after.
    expect(ending.shared).toBe(17 * 13);
  });

  it('gives nobody a line to read', ({ expect }) => {
    expect(log).toEqual([]);
  });

  it('has a log that is whole, of both versions', async ({ expect }) => {
    const buckets = await openBuckets(state);
    try {
      const reader = bucketStore(buckets.privateBucket);
      const report = await readLog(reader, [join(state, 'log-public.pem')]);
      expect([...report.findings, ...verifyObjects(report, await hashRecords(reader, () => undefined))]).toEqual([]);
      const hours = report.entries.flatMap(({ entry }) => (entry.event.kind === 'recorded' ? entry.event.hour : []));
      expect([hours.length > HOURS, new Set(hours).size]).toEqual([true, hours.length]);
    } finally {
      await buckets.dispose();
    }
  });
});
