import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { drawKeyPair, publicPem } from '../../../local-edge/draw-secrets.ts';
import { ROOT } from '../../../local-edge/workers.ts';
import { temporaryFolder } from '../../support/command-line/interrupt.ts';
import { combineShares } from '../../support/undo-key.ts';
import { stagePlaces } from '../file/places.ts';
import { readStage, type Stage } from '../file/stage.ts';
import { open, readIdentities } from '../secrets/age.ts';
import { initStage } from '../secrets/init.ts';
import { openSealed, operatorIdentities } from '../secrets/sealed.ts';
import { drawNext } from './draw.ts';
import { writeHalves } from './public-halves.ts';
import { readRotations, type RotationState, writeRotations } from './state.ts';

const folder = temporaryFolder('rotate-draw');
const places = stagePlaces('demo', folder.path);
afterAll(() => folder.remove());
const NOW = Date.parse('2026-11-26T12:00:00Z') / 1000;
let stage: Stage;
const handed: string[] = [];
const draw = (secret: string, bring: string | null = null) =>
  drawNext(secret, { stage, places, bring, now: () => NOW, handOver: (file) => void handed.push(file) });

beforeAll(async () => {
  const read = readStage(join(ROOT, 'stages/demo.toml'));
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  stage = read.value;
  await initStage(stage, places, { identity: null, bring: null });
});

describe('a new value', () => {
  it('of an offline key is sealed to its keepers beside the former one, which stays', async ({ expect }) => {
    const before = readdirSync(places.offline);
    const pem = await draw('UNDO_PUBLIC_KEY');
    const names = handed.splice(0).map((file) => file.slice(places.offline.length + 1));
    expect(names).toEqual(['undo-share-1.2026-11-26.age', 'undo-share-2.2026-11-26.age']);
    const identities = readIdentities(places.identity);
    const [one, other] = await Promise.all(names.map((name) => open(join(places.offline, name), identities)));
    expect(publicPem(combineShares([one!, other!]))).toBe(pem);
    expect(readdirSync(places.offline)).toEqual(expect.arrayContaining(before));
    // Twice a day: the first was cut off, and nobody knows of it.
    await draw('UNDO_PUBLIC_KEY');
    expect(handed.splice(0)[0]).toContain('undo-share-1.2026-11-26-2.age');
  });

  it('of a secret that a gateway shares is sealed to the operator, who hands it over', async ({ expect }) => {
    const value = await draw('SMS_WEBHOOK_SECRET');
    expect(await open(handed.splice(0)[0]!, readIdentities(places.identity))).toBe(value);
  });

  it('that others issue is brought, or the rotation doesn’t begin', async ({ expect }) => {
    await expect(draw('EFGS_SIGNING_KEY')).rejects.toThrow(/EFGS_SIGNING_KEY: others issue it.*--bring/);
    const bring = join(folder.path, 'brought');
    mkdirSync(bring);
    writeFileSync(join(bring, 'EFGS_SIGNING_KEY.pem'), 'a key');
    await expect(draw('EFGS_SIGNING_KEY', bring)).rejects.toThrow(/EFGS_SIGNING_KEY must be/);
    const pem = drawKeyPair();
    writeFileSync(join(bring, 'EFGS_SIGNING_KEY.pem'), pem);
    expect(await draw('EFGS_SIGNING_KEY', bring)).toBe(pem);
  });
});

it('public halves: the next one lies beside the present one, and the former stays under its last day', async ({
  expect,
}) => {
  const { secrets } = await openSealed(stage, places, operatorIdentities(stage, places, null));
  const next = drawKeyPair();
  const at = (file: string): string => readFileSync(join(places.public, file), 'utf8');
  const former = at('log.pem');
  writeHalves(places, { ...secrets, NEXT_LOG_SIGNING_KEY: next }, NOW);
  expect([at('log.pem'), at('next_log.pem')]).toEqual([former, publicPem(next)]);
  for (let again = 0; again < 2; again++) writeHalves(places, { ...secrets, LOG_SIGNING_KEY: next }, NOW);
  expect([at('log.pem'), at('log.until-2026-11-26.pem')]).toEqual([publicPem(next), former]);
  expect([
    existsSync(join(places.public, 'next_log.pem')),
    existsSync(join(places.public, 'log.until-2026-11-26-2.pem')),
  ]).toEqual([false, false]);
});

it('a file of rotations that was edited is refused, and no wait is over by it', ({ expect }) => {
  const file = join(folder.path, 'demo.rotations.json');
  const done = { phase: 'make' as const, at: '2026-11-26T12:00:00Z', mark: 'ab'.repeat(16), begun: null };
  const read = (one: RotationState['secrets'][string]): RotationState => {
    writeRotations(file, { format: 1, stage: 'demo', variables: {}, secrets: { TAN_MAC_KEY: one } });
    return readRotations(file, 'demo');
  };
  expect(read(done).secrets).toEqual({ TAN_MAC_KEY: done });
  for (const edit of [{ at: 'yesterday' }, { at: '' }, { at: null }, { mark: null }])
    expect(() => read({ ...done, ...edit })).toThrow(/demo\.rotations\.json is damaged: secrets\.TAN_MAC_KEY/);
});
