import { createPublicKey } from 'node:crypto';
import { describe, it } from 'vitest';
import { publicPem } from '../../../local-edge/draw-secrets.ts';
import { Killed, type Operator, stageOf, type World } from './rotate-rig.ts';
import { ROTATIONS } from './rules.ts';
import { phasesOf } from './phases.ts';

const LONG = 200 * 86_400;

/** What each holder makes is taken by each: whatever was cut off. */
function goTogether(world: World, secret: string): boolean {
  const rings = [...world.deployed.values()].map(({ secrets }) => secrets[secret]!.split(','));
  return rings.every(([makes]) => rings.every((ring) => ring.includes(makes!)));
}

/** Again and again, as a person who is cut off. */
async function toTheEnd(operator: Operator, world: World, secret: string): Promise<void> {
  for (let n = 0; n < 5; n++) {
    const reply = await operator.rotate(secret);
    if (reply.kind === 'done' && reply.next === null) return;
    world.now += LONG;
  }
  throw new Error(`${secret}: no end`);
}

describe('a ring', () => {
  it('is changed in three phases; the last waits for what the former key made', async ({ expect }) => {
    const { world, operator } = stageOf('TAN_MAC_KEY');
    const old = operator.files.secrets['TAN_MAC_KEY']!;
    expect(await operator.rotate('TAN_MAC_KEY')).toMatchObject({
      kind: 'done',
      phase: 'accept',
      holders: ['verification', 'upload'],
    });
    const [first, next] = operator.files.secrets['TAN_MAC_KEY']!.split(',');
    expect(first).toBe(old);
    expect(await operator.rotate('TAN_MAC_KEY')).toMatchObject({ kind: 'done', phase: 'make' });
    expect(operator.files.secrets['TAN_MAC_KEY']).toBe(`${next},${old}`);
    const early = await operator.rotate('TAN_MAC_KEY');
    expect(early).toMatchObject({ kind: 'waits', next: { phase: 'drop', from: '2026-12-10T15:00:00Z' } });
    world.now += 14 * 86_400 + 3 * 3600;
    expect(await operator.rotate('TAN_MAC_KEY', { dryRun: true })).toMatchObject({ kind: 'would', phase: 'drop' });
    expect(await operator.rotate('TAN_MAC_KEY')).toMatchObject({ kind: 'done', phase: 'drop', next: null });
    expect([...world.deployed.values()].map(({ secrets }) => secrets['TAN_MAC_KEY'])).toEqual([next, next]);
    // The next one begins at once.
    expect(await operator.rotate('TAN_MAC_KEY')).toMatchObject({ kind: 'done', phase: 'accept' });
  });

  it('cut off at any step of any phase, goes on with the key that it drew, and holders go together all the time', async ({
    expect,
  }) => {
    for (const secret of ['TAN_MAC_KEY', 'PERMIT_KEY', 'KNOWN_KEY_HASH_KEY']) {
      for (let steps = 0; ; steps++) {
        const { world, operator } = stageOf(secret);
        world.stepsLeft = steps;
        const run = toTheEnd(operator, world, secret);
        const isKilled = await run.then(
          () => false,
          (error: unknown) => error instanceof Killed,
        );
        expect(goTogether(world, secret), `${secret}, ${world.steps.at(-1)}`).toBe(true);
        world.stepsLeft = Number.POSITIVE_INFINITY;
        if (!isKilled) break;
        const deployedBefore = new Set(
          [...world.deployed.values()].flatMap(({ secrets }) => secrets[secret]!.split(',')),
        );
        await toTheEnd(operator, world, secret);
        expect(goTogether(world, secret)).toBe(true);
        const [kept] = new Set([...world.deployed.values()].map(({ secrets }) => secrets[secret]!));
        expect(kept!.split(',')).toHaveLength(1);
        // What a holder had been given beside the first key is what it was changed to.
        if (deployedBefore.size > 1) expect(deployedBefore.has(kept!)).toBe(true);
      }
    }
  });
});

describe('two operators', () => {
  it('the one with former files is refused before anything is drawn', async ({ expect }) => {
    const { operator } = stageOf('PERMIT_KEY');
    const other = operator.clone();
    await operator.rotate('PERMIT_KEY');
    await expect(other.rotate('PERMIT_KEY')).rejects.toThrow(/the account has something else than these files say/);
    expect(other.files.secrets['PERMIT_KEY']).not.toContain(',');
  });

  it('the one who was cut off doesn’t undo what the other did meanwhile', async ({ expect }) => {
    const { world, operator } = stageOf('PERMIT_KEY');
    const other = operator.clone();
    // State, secrets, public halves: nothing deployed.
    world.stepsLeft = 5;
    await expect(other.rotate('PERMIT_KEY')).rejects.toThrow(Killed);
    world.stepsLeft = Number.POSITIVE_INFINITY;
    await operator.rotate('PERMIT_KEY');
    await operator.rotate('PERMIT_KEY');
    await expect(other.rotate('PERMIT_KEY')).rejects.toThrow(/origin, verification: deployed by somebody else/);
  });

  it('whose two files are of two commits is told so', async ({ expect }) => {
    const { operator } = stageOf('PERMIT_KEY');
    const { secrets } = operator.files;
    await operator.rotate('PERMIT_KEY');
    operator.files = { ...operator.files, secrets };
    await expect(operator.rotate('PERMIT_KEY')).rejects.toThrow(/one of the two files is an older one/);
  });

  it('whoever applies with two such files signs with no key under another’s id', async ({ expect }) => {
    const { world, operator } = stageOf('MANIFEST_SIGNING_KEY', 'LOG_SIGNING_KEY');
    for (const secret of ['MANIFEST_SIGNING_KEY', 'LOG_SIGNING_KEY']) {
      const former = operator.files;
      for (let n = 0; n < 2; n++) await operator.rotate(secret);
      const applied = (more: Partial<Operator['files']>) => () => world.put('origin', { ...operator.files, ...more });
      expect(applied({})).not.toThrow();
      expect(applied({ secrets: former.secrets })).toThrow(new RegExp(`${secret}: .*one of the two files is an older`));
      if (secret === 'MANIFEST_SIGNING_KEY') expect(applied({ state: former.state })).toThrow(/older one, or missing/);
    }
  });

  it('whose file of rotations was lost drops no key by beginning anew', async ({ expect }) => {
    const { operator } = stageOf('TAN_HASH_KEY');
    const { state } = operator.files;
    await operator.rotate('TAN_HASH_KEY');
    for (let n = 0; n < 2; n++) {
      const ring = operator.files.secrets['TAN_HASH_KEY'];
      const known = operator.files.state;
      operator.files = { ...operator.files, state };
      await expect(operator.rotate('TAN_HASH_KEY')).rejects.toThrow(/one key is expected .* the sealed ring has 2/);
      expect([operator.files.secrets['TAN_HASH_KEY'], operator.files.state]).toEqual([ring, state]);
      operator.files = { ...operator.files, state: known };
      if (n === 0) await operator.rotate('TAN_HASH_KEY');
    }
    // A leaked one goes without its file, too.
    operator.files = { ...operator.files, state };
    const done = await operator.rotate('TAN_HASH_KEY', { leaked: true, confirm: 'TAN_HASH_KEY' });
    expect(done.kind).toBe('done');
  });

  it('one rotation that was cut off is finished before another begins', async ({ expect }) => {
    const { world, operator } = stageOf('PERMIT_KEY', 'DIGEST_KEY');
    world.stepsLeft = 3;
    await expect(operator.rotate('PERMIT_KEY')).rejects.toThrow(Killed);
    world.stepsLeft = Number.POSITIVE_INFINITY;
    await expect(operator.rotate('DIGEST_KEY')).rejects.toThrow('a phase of PERMIT_KEY was cut off');
  });
});

describe('a key that leaked', () => {
  it('costs what is said before anything is done, and is gone in one step', async ({ expect }) => {
    const { world, operator } = stageOf('TAN_MAC_KEY');
    const old = operator.files.secrets['TAN_MAC_KEY']!;
    await operator.rotate('TAN_MAC_KEY');
    const asked = await operator.rotate('TAN_MAC_KEY', { leaked: true });
    expect(asked).toMatchObject({ kind: 'costs', cost: expect.stringContaining('forgeries') as string });
    expect(await operator.rotate('TAN_MAC_KEY', { leaked: true, confirm: 'yes' })).toMatchObject({ kind: 'costs' });
    expect(operator.files.secrets['TAN_MAC_KEY']).toContain(old);
    const done = await operator.rotate('TAN_MAC_KEY', { leaked: true, confirm: 'TAN_MAC_KEY' });
    expect(done).toMatchObject({ kind: 'done', phase: 'replace', next: null });
    const [key, ...others] = new Set([...world.deployed.values()].map(({ secrets }) => secrets['TAN_MAC_KEY']));
    expect([others, key === old, key!.includes(',')]).toEqual([[], false, false]);
  });

  it('is gone in one step where a phase was cut off, too', async ({ expect }) => {
    const { world, operator } = stageOf('PERMIT_KEY');
    world.stepsLeft = 7;
    await expect(operator.rotate('PERMIT_KEY')).rejects.toThrow(Killed);
    world.stepsLeft = Number.POSITIVE_INFINITY;
    const former = operator.files.secrets['PERMIT_KEY']!.split(',');
    expect(former).toHaveLength(2);
    await operator.rotate('PERMIT_KEY', { leaked: true, confirm: 'PERMIT_KEY' });
    for (const { secrets } of world.deployed.values()) expect(former).not.toContain(secrets['PERMIT_KEY']);
    expect((await operator.rotate('PERMIT_KEY')).kind).toBe('done');
  });

  it('is gone, whatever it is and wherever it was cut off', async ({ expect }) => {
    for (const { secret } of ROTATIONS) {
      for (let steps = 0; ; steps++) {
        const { world, operator } = stageOf(
          secret,
          ...(secret === 'EFGS_SIGNING_KEY' ? ['EFGS_SIGNING_CERTIFICATE'] : []),
        );
        const old = operator.files.secrets[secret]!;
        world.stepsLeft = steps;
        const request = { leaked: true, confirm: secret };
        const isKilled = await operator.rotate(secret, request).then(
          () => false,
          () => true,
        );
        world.stepsLeft = Number.POSITIVE_INFINITY;
        if (isKilled) await operator.rotate(secret, request);
        for (const { secrets } of world.deployed.values())
          expect(JSON.stringify(secrets)).not.toContain(JSON.stringify(old).slice(1, -1));
        if (!isKilled) break;
      }
    }
  });
});

describe('a key that others verify', () => {
  it('is announced, signs when everybody knows it, and what is left of the former goes later', async ({ expect }) => {
    const { world, operator } = stageOf('MANIFEST_SIGNING_KEY');
    const old = operator.files.secrets['MANIFEST_SIGNING_KEY']!;
    expect(await operator.rotate('MANIFEST_SIGNING_KEY')).toMatchObject({ phase: 'announce', holders: [] });
    const next = operator.files.secrets['NEXT_MANIFEST_SIGNING_KEY']!;
    const untold = await operator.rotate('MANIFEST_SIGNING_KEY', { told: false });
    expect(untold).toMatchObject({ kind: 'outside', next: { phase: 'make' } });
    expect(await operator.rotate('MANIFEST_SIGNING_KEY')).toMatchObject({ phase: 'make', holders: ['origin'] });
    const { secrets, variables } = world.deployed.get('origin')!;
    expect(secrets).toEqual({ MANIFEST_SIGNING_KEY: next, MANIFEST_FORMER_PUBLIC_KEY: publicPem(old) });
    expect(variables).toEqual({ MANIFEST_KEY_ID: 'manifest-v2', MANIFEST_FORMER_KEY_ID: 'manifest-v1' });
    world.now += LONG;
    await operator.rotate('MANIFEST_SIGNING_KEY');
    expect(world.deployed.get('origin')).toMatchObject({
      secrets: { MANIFEST_SIGNING_KEY: next },
      variables: { MANIFEST_KEY_ID: 'manifest-v2' },
    });
    expect(operator.files.secrets).toEqual({ MANIFEST_SIGNING_KEY: next });
  });

  it('of exports signs beside the new one until a day, and is kept a day longer', async ({ expect }) => {
    const { world, operator } = stageOf('EXPORT_SIGNING_KEY');
    const old = operator.files.secrets['EXPORT_SIGNING_KEY']!;
    await operator.rotate('EXPORT_SIGNING_KEY');
    await operator.rotate('EXPORT_SIGNING_KEY');
    const { secrets, variables } = world.deployed.get('origin')!;
    expect(secrets['EXPORT_FORMER_SIGNING_KEY']).toBe(old);
    expect(variables).toEqual({
      EXPORT_KEY_VERSION: 'v2',
      EXPORT_FORMER_KEY_ID: '262',
      EXPORT_FORMER_KEY_VERSION: 'v1',
      EXPORT_FORMER_KEY_UNTIL: '2026-12-11',
    });
    const waits = await operator.rotate('EXPORT_SIGNING_KEY');
    expect(waits).toMatchObject({ kind: 'waits', next: { from: '2026-12-12T12:00:00Z' } });
  });

  it('of certificates stands among the keys beside it before and after', async ({ expect }) => {
    const { world, operator } = stageOf('CERTIFICATE_SIGNING_KEY');
    const spki = (pem: string) => createPublicKey(pem).export({ type: 'spki', format: 'der' }).toString('base64');
    const old = operator.files.secrets['CERTIFICATE_SIGNING_KEY']!;
    const others = () => world.deployed.get('verification')!.variables['CERTIFICATE_OTHER_KEYS'];
    await operator.rotate('CERTIFICATE_SIGNING_KEY');
    expect(others()).toBe(`v2=${spki(operator.files.secrets['NEXT_CERTIFICATE_SIGNING_KEY']!)}`);
    await operator.rotate('CERTIFICATE_SIGNING_KEY');
    expect(others()).toBe(`v1=${spki(old)}`);
    world.now += LONG;
    await operator.rotate('CERTIFICATE_SIGNING_KEY');
    expect([others(), world.deployed.get('verification')!.variables['CERTIFICATE_KEY_ID']]).toEqual([undefined, 'v2']);
  });

  it('cut off at any step, never signs under the id of another', async ({ expect }) => {
    for (const { secret } of ROTATIONS.filter(({ kind }) => kind === 'signing')) {
      for (let steps = 0; ; steps++) {
        const { world, operator } = stageOf(secret);
        const old = operator.files.secrets[secret]!;
        world.stepsLeft = steps;
        const isKilled = await toTheEnd(operator, world, secret).then(
          () => false,
          (error: unknown) => error instanceof Killed,
        );
        for (const { secrets, variables } of world.deployed.values()) {
          // Nothing but ids that count on is changed: the first key has none of them.
          const isNamedAnew = Object.keys(variables).some(
            (name) => /(?<!FORMER_)KEY_(ID|VERSION)$/.test(name) && !name.includes('FORMER'),
          );
          const expected = secrets[secret] !== old && secret !== 'SMS_SIGNING_KEY';
          expect(isNamedAnew, `${secret} after ${world.steps.at(-1)}`).toBe(expected);
        }
        world.stepsLeft = Number.POSITIVE_INFINITY;
        if (!isKilled) break;
        await toTheEnd(operator, world, secret);
      }
    }
  });
});

it('every secret comes to its end by the same command', async ({ expect }) => {
  for (const rule of ROTATIONS) {
    const together = rule.kind === 'brought' ? rule.with : [];
    const { world, operator } = stageOf(rule.secret, ...together);
    const before = { ...operator.files.secrets };
    await toTheEnd(operator, world, rule.secret);
    expect(Object.keys(operator.files.secrets).toSorted()).toEqual(Object.keys(before).toSorted());
    for (const name of Object.keys(before)) expect(operator.files.secrets[name], name).not.toBe(before[name]);
    expect(world.steps.length).toBeGreaterThan(phasesOf(rule).length);
  }
});
