/** @module What `federation` tells the portal and the log of its peers: over the real desks. */
import { createExecutionContext, reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, it, vi } from 'vitest';
import { BackOffice, type DesksEnv, scheduled } from './desks.ts';

const HOUR = 500_000;
const NOW = HOUR * 3600 + 60;
const peer = (RegionID: string) => ({
  RegionID,
  RemoteRegionURL: `https://${RegionID.toLowerCase()}.example`,
  ReplicationType: 'a2a',
  Format: 'exposure-edge',
  VerificationKeys: null,
  TLSConsumerCertificate: 'PEER_CERTIFICATE',
});
const bindings = {
  ...(env as unknown as DesksEnv),
  HOME_COUNTRY: 'DE',
  PEERS: JSON.stringify([peer('NL'), peer('IT')]),
};
const variables = { PEERS: bindings.PEERS, HOME_COUNTRY: 'DE' };

/** What a desk knows of its polls; the clock is the tests'. */
const tune = (name: string, values: Readonly<Record<string, unknown>>) =>
  runInDurableObject(bindings.PEER_DESK.getByName(name), (own, state) => {
    Object.assign(own, { clock: () => NOW, secondClock: async () => NOW });
    Object.assign((own as unknown as { readonly variables: object }).variables, variables);
    for (const [key, value] of Object.entries(values)) {
      state.storage.sql.exec('INSERT OR REPLACE INTO desk_state VALUES (?, ?)', key, JSON.stringify(value));
    }
  });
const office = () => new BackOffice(createExecutionContext(), bindings);

beforeEach(async () => {
  await reset();
});

it('without peers and feeds no desk is asked for, which would make it', async ({ expect }) => {
  const asked: string[] = [];
  const getByName = (name: string) => {
    asked.push(name);
    return bindings.PEER_DESK.getByName(name);
  };
  const PEER_DESK = { getByName } as unknown as DesksEnv['PEER_DESK'];
  const alone = { ...bindings, PEER_DESK, PEERS: '', PEER_FEEDS: '' };
  await scheduled({ scheduledTime: NOW * 1000 }, alone);
  const own = new BackOffice(createExecutionContext(), alone);
  expect([await own.peers(), await own.clocks(), await own.confirmClocks(NOW), await own.advance()]).toEqual([
    [],
    [],
    [],
    { idle: true },
  ]);
  expect(asked).toEqual([]);
  const giving = new BackOffice(createExecutionContext(), { ...alone, PEER_FEEDS: 'a2a' });
  expect(await giving.clocks()).toMatchObject([{ object: 'peer-switches' }]);
  expect(asked).toEqual(['switches']);
});

describe('the portal is told', () => {
  it('of each configured peer, with what it was given by the hour', async ({ expect }) => {
    for (const name of ['NL', 'IT', 'switches']) await tune(name, {});
    const switches = bindings.PEER_DESK.getByName('switches');
    for (const [region, keys] of [
      ['NL', 140],
      ['NL', 20],
      ['US', 7],
    ] as const) {
      await switches.countGiven(region, keys);
    }
    expect(await office().peers()).toMatchObject([
      { config: { RegionID: 'NL' }, lastSuccessHour: null, given: [{ hour: HOUR, keys: 160 }] },
      { config: { RegionID: 'IT' }, given: [] },
    ]);
  });

  it('that a peer is stopped, each direction by itself; one that only reads us can be stopped too', async ({
    expect,
  }) => {
    for (const name of ['NL', 'IT', 'switches']) await tune(name, {});
    expect(await office().stopPeer('NL', 'in', true)).toBe(true);
    expect(await office().stopPeer('US', 'out', true)).toBe(true);
    expect(await office().stopPeer('US', 'in', true)).toBe(false);
    const [nl] = await office().peers();
    expect(nl?.state.stopped).toEqual({ in: true, out: false });
    const switches = bindings.PEER_DESK.getByName('switches');
    expect([await switches.isReaderStopped('US'), await switches.isReaderStopped('NL')]).toEqual([true, false]);
  });
});

it('a reader that is being stopped is never shown as stopped while it reads on', async ({ expect }) => {
  for (const name of ['NL', 'IT', 'switches']) await tune(name, {});
  const real = bindings.PEER_DESK;
  const broken = {
    stopReader: async () => {
      throw new Error('out of reach');
    },
  };
  const getByName = (name: string) => (name === 'switches' ? broken : real.getByName(name));
  const cutOff = new BackOffice(createExecutionContext(), { ...bindings, PEER_DESK: { getByName } as never });
  await expect(cutOff.stopPeer('NL', 'out', true)).rejects.toThrow('out of reach');
  expect((await office().peers())[0]?.state.stopped).toEqual({ in: false, out: false });
});

describe('the log is told at each cron', () => {
  it('of others while a peer never answers', async ({ expect }) => {
    const at = { next_poll: NOW + 7200, peer: { failures: 4, stopped: { in: false, out: false } } };
    await tune('NL', { ...at, last_success: HOUR - 3 });
    await tune('IT', {});
    await tune('switches', {});
    const silent = { answers: false };
    await runInDurableObject(bindings.PEER_DESK.getByName('IT'), (own) => {
      const PEERS = JSON.stringify([
        { ...peer('IT'), VerificationKeys: [{ keyId: '1', keyVersion: 'v1', spki: 'AA==' }] },
      ]);
      Object.assign((own as unknown as { readonly variables: object }).variables, { PEERS });
      // A plain flag: a promise of another object's can't be settled from here.
      const ask = async () => {
        while (!silent.answers) await new Promise((resolve) => setTimeout(resolve, 10));
        return new Response(null, { status: 503 });
      };
      Object.assign(own, { peerFetch: () => ask });
    });
    const lines = vi.spyOn(console, 'warn').mockImplementation(() => {});
    let over = false;
    const cron = scheduled({ scheduledTime: NOW * 1000 }, bindings).then(() => (over = true));
    await vi.waitFor(() => expect(lines.mock.calls.flat().join()).toContain('alert_peer_late_NL'));
    expect(over).toBe(false);
    silent.answers = true;
    await cron;
    lines.mockRestore();
  });

  it('which peers are late, and of no other', async ({ expect }) => {
    const stopped = { in: true, out: false };
    const later = NOW + 7200;
    await tune('NL', {
      last_success: HOUR - 3,
      next_poll: later,
      peer: { failures: 4, stopped: { in: false, out: false } },
    });
    await tune('IT', { last_success: HOUR - 9, next_poll: later, peer: { failures: 0, stopped } });
    await tune('switches', {});
    const lines = vi.spyOn(console, 'warn').mockImplementation(() => {});
    await scheduled({ scheduledTime: NOW * 1000 }, bindings);
    expect(lines.mock.calls.flat().filter((line) => String(line).startsWith('alert_'))).toEqual([
      'alert_peer_late_NL: 3 hours without an answer that held',
    ]);
    lines.mockRestore();
  });
});
