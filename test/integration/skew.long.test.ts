/**
 * @module Two releases at once: Workers of the release before call those of today, and the other way around, entries and objects each of their own version. In every mixture the whole story is played (test/support/releases/).
 */
import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { describe, it } from 'vitest';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { WRANGLER_TOML } from '../../local-edge/workers.ts';
import { isUsual } from '../../scripts/federation/usual-lines.ts';
import { startWithAuthorities } from '../../scripts/support/local-authorities.ts';
import { playAfter } from '../support/releases/after.ts';
import { keptReleases } from '../support/releases/archive.ts';
import { playBefore } from '../support/releases/before.ts';
import { mixtureOf, type Part } from '../support/releases/mixed-edge.ts';
import { newPeer, sceneVars, withPeer } from '../support/releases/scene.ts';

/** What waits is published, and the second of Google's windows of four hours is over. */
const HOURS = 6;
const BEFORE = keptReleases().at(-1) ?? '';

/** Who calls whom, or reads what it wrote into a bucket (docs/architecture.md §2). */
const MEETS: Readonly<Record<Part, readonly Part[]>> = {
  upload: ['verification', 'origin'],
  index: ['origin/Publisher'],
  config: ['origin/ParameterStore'],
  origin: ['origin/SubmissionBuffer', 'origin/Publisher', 'origin/ParameterStore'],
  'origin/Publisher': ['origin/SubmissionBuffer', 'origin/ParameterStore'],
  verification: [
    ...['TanLedger', 'TestSession', 'CodeDesk', 'CredentialDesk', 'CodeStore'].map((name) => `verification/${name}`),
    'laboratory',
    'origin',
  ],
  laboratory: ['laboratory/ResultStore'],
  federation: ['federation/PeerDesk', 'origin'],
  'federation/PeerDesk': ['origin'],
  portal: ['portal/StaffRoom', 'verification', 'origin', 'laboratory', 'federation'],
};

/** Three sets, none of which has two that meet. While one is of the release before, each of its parts meets today's alone. */
const SETS: Readonly<Record<string, readonly Part[]>> = {
  'upload, config, portal, Publisher, objects of others': [
    'upload',
    'config',
    'portal',
    'origin/Publisher',
    'laboratory/ResultStore',
    'federation/PeerDesk',
    ...['TanLedger', 'TestSession', 'CodeDesk', 'CredentialDesk', 'CodeStore'].map((name) => `verification/${name}`),
  ],
  'verification, federation, index, SubmissionBuffer, ParameterStore, StaffRoom': [
    'verification',
    'federation',
    'index',
    'portal/StaffRoom',
    'origin/SubmissionBuffer',
    'origin/ParameterStore',
  ],
  'origin, laboratory': ['origin', 'laboratory'],
};

/** Every Worker, and every class of objects. */
function allParts(): Part[] {
  const { env } = parse(readFileSync(WRANGLER_TOML, 'utf8')) as unknown as {
    env: Record<string, { durable_objects?: { bindings: { class_name: string }[] } }>;
  };
  return Object.entries(env).flatMap(([worker, { durable_objects: objects }]) => [
    worker,
    ...(objects?.bindings ?? []).map((binding) => `${worker}/${binding.class_name}`),
  ]);
}

it('each part is once of the release before, and meets each that it meets one release older and one newer', ({
  expect,
}) => {
  const sets = Object.values(SETS);
  const setOf = (part: Part): number => sets.findIndex((set) => set.includes(part));
  expect(sets.flat().toSorted()).toEqual(allParts().toSorted());
  const together = Object.entries(MEETS).flatMap(([part, others]) =>
    others.filter((other) => setOf(other) === setOf(part)).map((other) => [part, other]),
  );
  expect(together).toEqual([]);
});

describe.for(Object.entries(SETS))('of the release before: %s', ([, set]) => {
  it('the story is the same', async ({ expect }) => {
    const peer = newPeer();
    const mixture = await mixtureOf(BEFORE, (part) => set.includes(part));
    const onWire = withPeer(peer);
    const log: string[] = [];
    let edge: LocalEdge | undefined;
    try {
      edge = await startWithAuthorities(
        {
          vars: sceneVars(peer),
          adapt: (workers) => onWire(mixture(workers)),
          onLog: (line) => void (isUsual(line) || log.push(line)),
        },
        false,
      );
      const left = await playBefore(edge, peer);
      const { problems } = await playAfter(edge, peer, left, HOURS);
      expect([problems, log]).toEqual([[], []]);
    } finally {
      await edge?.dispose();
    }
  });
});
