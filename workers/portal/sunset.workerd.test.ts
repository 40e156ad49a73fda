/** @module The end of the deployment as operators command it: its name is typed, two persons agree, and after the purge nothing but the proof is left. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, it } from 'vitest';
import { isEmpty } from '../../domain/sunset.ts';
import type { EndConsent } from '../../durable-objects/staff-room/sunset-ops.ts';
import { consentToEnd } from '../../durable-objects/staff-room/sunset-ops.ts';
import type { PortalEnv } from './bindings.ts';
import { scheduled } from './clocks.ts';
import { Browser, ENV, NOW } from './test-rig.ts';

const NAME = ENV.DEPLOYMENT_NAME;
const room = ENV.STAFF_ROOM.getByName('room');
const operator = (name: string, roles: ('operator' | 'health-authority')[] = ['operator']): Browser =>
  new Browser({ subject: `${name}@example.org`, roles });

async function command(by: Browser, step: string, body: object): Promise<[number, Record<string, unknown>]> {
  const headers = { 'content-type': 'application/json' };
  const answer = await by.send(`/operator/sunset/${step}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return [answer.status, await answer.json()];
}
const confirmed = { deployment: NAME, dryRun: false };
const fail = (): never => {
  throw new Error('out of reach');
};

/** Steps in order: each test goes on where the one before ended, as a deployment ends once. */
describe('the end of a deployment', () => {
  const [anna, ben] = [operator('anna'), operator('ben')];

  it('is an operator’s alone, asks for the very name, and is a dry run unless it is said otherwise', async ({
    expect,
  }) => {
    expect((await command(operator('cara', ['health-authority']), 'stop', confirmed))[0]).toBe(403);
    for (const deployment of ['', `${NAME} `, NAME.toUpperCase()]) {
      expect((await command(anna, 'stop', { deployment, dryRun: false }))[0]).toBe(422);
    }
    for (const body of [{}, { deployment: 5 }, { deployment: NAME, dryRun: 'no' }, { ...confirmed, force: true }]) {
      expect((await command(anna, 'stop', body))[0]).toBe(400);
    }
    const unnamed = new Browser(
      { subject: 'anna@example.org', roles: ['operator'] },
      { bindings: { DEPLOYMENT_NAME: '' } },
    );
    expect((await command(unnamed, 'stop', { deployment: '', dryRun: false }))[0]).toBe(422);
    const [status, reply] = await command(anna, 'stop', { deployment: NAME });
    expect([status, reply['kind']]).toEqual([200, 'would']);
    expect(reply['status']).toMatchObject({ deployment: NAME, buckets: { 'public v1': { objects: 2, bytes: 1000 } } });
    expect((await command(ben, 'stop', { deployment: NAME }))[1]['kind']).toBe('would');
    expect(await command(anna, 'purge', confirmed)).toEqual([409, { kind: 'early', step: 'purge', first: 'stop' }]);
    expect((await command(anna, 'prove', {}))[0]).toBe(409);
  });

  it.for<[what: string, bindings: Partial<PortalEnv>, state: string]>([
    ['whose undo key nobody has handed in', {}, 'its published keys wait for the undo key'],
    ['that was interrupted', { ORIGIN: { ...ENV.ORIGIN, rollBack: fail } }, 'it was interrupted'],
  ])('is not stopped before a confirmed rollback %s', async ([, bindings, said], { expect }) => {
    const id = crypto.randomUUID();
    const now = Math.floor(Date.now() / 1000);
    const today = Math.floor(now / 86_400);
    const target = { kind: 'laboratory', name: 'lab-1', fromDay: today, toDay: today } as const;
    await room.askForRollback({ id, target, plan: { days: [], others: [] }, by: anna.subject });
    // Asked for is not confirmed: it lapses within the hour.
    expect((await command(anna, 'stop', { deployment: NAME }))[0]).toBe(200);
    const confirming = new Browser({ subject: ben.subject, roles: ['operator'] }, { bindings, now: () => now });
    await confirming.submit('/staff/rollbacks/confirm', { rollback: id });
    const at = (later: number): Browser =>
      new Browser({ subject: anna.subject, roles: ['operator'] }, { now: () => now + later });
    for (const body of [confirmed, { deployment: NAME }]) {
      const [status, reply] = await command(at(0), 'stop', body);
      expect([status, reply['kind']]).toEqual([409, 'early']);
      expect(reply['first']).toContain(`rollback ${id}: ${said} (npm run rollback -- confirm --id ${id})`);
    }
    // Its keys have had their time a fortnight and two days later; or the key is handed in, and `origin` waits by itself.
    const confirmedAt = (await room.rollbacks()).find((one) => one.id === id)!.confirmedAt!;
    const leave = confirmedAt + 16 * 86_400 - now;
    expect((await command(at(leave - 1), 'stop', { deployment: NAME }))[0]).toBe(409);
    expect((await command(at(leave), 'stop', { deployment: NAME }))[0]).toBe(200);
    await room.noteRollback(id, {
      state: 'waiting',
      dropped: 0,
      taken: 3,
      waits: { for: 'hour', until: now + 90_000, regions: [] },
    });
    expect((await command(at(0), 'stop', { deployment: NAME }))[0]).toBe(200);
  });

  it('is stopped once a second person gives the same command; both stand in the audit log', async ({ expect }) => {
    expect(await command(anna, 'stop', confirmed)).toEqual([
      202,
      { kind: 'waits', step: 'stop', by: anna.subject, at: expect.any(Number) as unknown },
    ]);
    expect((await command(anna, 'stop', confirmed))[0]).toBe(202);
    expect((await ENV.LABORATORY.remains())[0]!.phase).toBe('open');
    const [status, reply] = await command(ben, 'stop', confirmed);
    expect([status, reply['kind']]).toEqual([200, 'done']);
    for (const office of [ENV.ORIGIN, ENV.VERIFICATION, ENV.LABORATORY])
      expect((await office.remains())[0]!.phase).toBe('stopped');
    expect((await room.remains('room')).phase).toBe('stopped');
    const { entries } = await room.search({ text: 'sunset.stop', from: null, to: null, before: null });
    expect(entries.map(({ who, detail }) => [who, detail])).toEqual([
      [ben.subject, 'agreed'],
      [anna.subject, 'asked'],
      [anna.subject, 'asked'],
    ]);
    // An interrupted one is taken up by either.
    expect((await command(anna, 'stop', confirmed))[1]['kind']).toBe('done');
    expect((await anna.send('/staff')).status).toBe(200);
  });

  it('is purged by two persons, the room last; then the proof is all there is', async ({ expect }) => {
    expect((await command(ben, 'purge', confirmed))[0]).toBe(202);
    expect((await command(ben, 'prove', {}))[1]).toEqual({
      kind: 'left',
      what: expect.arrayContaining(['publisher', 'staff-room']) as unknown,
    });
    // Interrupted in `origin`, after the other Workers: what is done stays so, and the command goes on, from either person.
    const broken = {
      ending: () => ENV.ORIGIN.ending(),
      remains: () => ENV.ORIGIN.remains(),
      bucketObjects: (most: number) => ENV.ORIGIN.bucketObjects(most),
      purgeForGood: () => Promise.reject(new Error('killed')),
    };
    const cut = new Browser(
      { subject: anna.subject, roles: ['operator'] },
      { bindings: { ORIGIN: broken as unknown as typeof ENV.ORIGIN } },
    );
    expect((await command(cut, 'purge', confirmed))[0]).toBe(500);
    const phases = await Promise.all(
      [ENV.LABORATORY, ENV.ORIGIN].map(async (office) => (await office.remains())[0]!.phase),
    );
    expect([...phases, (await room.remains('room')).phase]).toEqual(['purged', 'stopped', 'stopped']);
    const audit = await room.auditEnd();
    const [status, reply] = await command(ben, 'purge', confirmed);
    expect([status, reply['kind']]).toEqual([200, 'done']);
    for (const restart of [false, true]) {
      if (restart) await evictDurableObject(room);
      expect(isEmpty(await room.remains('room'))).toBe(true);
      await scheduled({ scheduledTime: NOW * 1000 }, ENV);
      await runInDurableObject(room, async (instance, { storage }) => {
        await storage.setAlarm(Date.now() + 3_600_000);
        await instance.alarm();
        expect(await storage.getAlarm()).toBeNull();
      });
      const [proved, proof] = await command(ben, 'prove', {});
      expect([proved, proof['kind']]).toEqual([200, 'proved']);
      // The command's own entry came after what was read.
      expect(proof['proof']).toMatchObject({ deployment: NAME, audit: { entries: audit.entries + 1 } });
      expect((await anna.send('/staff')).status).toBe(410);
      expect((await anna.send('/operator/cards/holders')).status).toBe(410);
      expect((await command(anna, 'purge', confirmed))[1]['kind']).toBe('done');
      expect((await command(anna, 'stop', confirmed))[1]).toMatchObject({ kind: 'early' });
    }
  });
});

it('what somebody wanted yesterday, nobody agrees to today', async ({ expect }) => {
  const other = ENV.STAFF_ROOM.getByName('another room');
  await other.search({ text: '', from: null, to: null, before: null });
  await runInDurableObject(other, (_room, { storage: { sql } }) => {
    const ask = (who: string, now: number): EndConsent['kind'] => consentToEnd(sql, 'stop', who, now).kind;
    expect([ask('anna', NOW), ask('ben', NOW + 86_400), ask('ben', NOW + 86_401)]).toEqual(['waits', 'waits', 'waits']);
    expect([ask('anna', NOW + 86_402), ask('cara', NOW + 864_000)]).toEqual(['agreed', 'agreed']);
  });
});
