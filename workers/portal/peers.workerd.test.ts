/**
 * @module Peers through the portal, in workerd with the real StaffRoom: what one person does alone and what takes a second one, each step in the audit log.
 */
import { createExecutionContext, runInDurableObject } from 'cloudflare:test';
import { describe, it } from 'vitest';
import type { PeerBatchUndone } from '../../domain/rpc-federation.ts';
import { createApp } from './app.ts';
import type { PortalEnv } from './bindings.ts';
import type { Role } from './roles.ts';
import { Browser, ENV, identityOf, NOW } from './test-rig.ts';

let people = 0;
const operator = (bindings: Partial<PortalEnv> = {}): Browser =>
  new Browser({ subject: `peers-${++people}@example.org`, roles: ['operator'] }, { bindings });
const pageOf = async (browser: Browser, query = ''): Promise<string> =>
  (await browser.send(`/staff/peers${query}`)).text();
const room = () => ENV.STAFF_ROOM.getByName('room');
const roomClock = (at: number) => runInDurableObject(room(), (own) => void Object.assign(own, { clock: () => at }));
const entriesOf = async ({ subject }: Browser) =>
  (await room().search({ text: subject, from: null, to: null, before: null })).entries
    .filter(({ what }) => what.startsWith('peer.'))
    .map(({ what, detail }) => `${what} ${detail}`)
    .toReversed();
/** Bindings with a part of one replaced; what is not replaced is asked of the neighbour. */
function withPart<Name extends 'FEDERATION' | 'ORIGIN'>(
  name: Name,
  part: Partial<PortalEnv[Name]>,
): Partial<PortalEnv> {
  const whole = ENV[name] as unknown as Record<string, (...args: unknown[]) => unknown>;
  const replaced = part as unknown as Record<string, (...args: unknown[]) => unknown>;
  const proxy = new Proxy(
    {},
    { get: (_, method: string) => replaced[method] ?? ((...args: unknown[]) => whole[method]!(...args)) },
  );
  return { [name]: proxy };
}
const peerNow = async (region: string) =>
  (await ENV.FEDERATION.peers()).find(({ config }) => config.RegionID === region);
/** Asks, and gives the id of what was asked for. */
async function asks(browser: Browser, kind: 'release' | 'undo', peer: string, batch: string): Promise<string> {
  await browser.post(`/staff/peers/${kind}`, { peer, batch });
  const act = (await room().peerActs()).find((one) => one.askedBy === browser.subject && one.batch === batch);
  return act?.id ?? '';
}

describe('peers', () => {
  it('are shown with state, lag, last answer, keys in, out and dropped, and who is late is said on top', async ({
    expect,
  }) => {
    const page = await pageOf(operator());
    expect(page).toContain('No answer that held for more than two hours, or never one: NL.');
    expect(page).toContain('somebody must look at what was set aside: IT.');
    for (const text of ['breaker open: keys-per-batch', '>late<', '>3 h<', '>2676<', '>80<', '>312<']) {
      expect(page).toContain(text);
    }
  });

  it('are shown one by one: by hour, by rule, what was set aside, what was imported, page by page', async ({
    expect,
  }) => {
    const browser = operator();
    const page = await pageOf(browser, '?peer=IT');
    for (const text of ['https://feeds.example/it', 'dp3t', '>future<', '>200001<', 'those of people who were here']) {
      expect(page).toContain(text);
    }
    expect(page).toContain('Page 1 of 2');
    const second = await pageOf(browser, '?peer=IT&batch=2');
    expect(second).toContain('name="batch" value="12"');
    expect(second).not.toContain('name="batch" value="41"');
    // What can't be a region, or is none of ours, leads to all.
    for (const query of ['?peer=XX', '?peer=%3Cscript%3E']) expect(await pageOf(browser, query)).toContain('?peer=IT');
  });

  it('are for operators alone', async ({ expect }) => {
    const roles = ['hotline', 'health-authority', 'provider', 'lab-admin', 'auditor'] as const;
    const other = new Browser({ subject: 'peers-other@example.org', roles });
    expect((await other.send('/staff/peers')).status).toBe(403);
    expect((await other.post('/staff/peers/switch', { peer: 'NL', direction: 'in', stopped: 'yes' })).status).toBe(403);
    expect((await peerNow('NL'))?.state.stopped).toEqual({ in: false, out: false });
  });

  it('are stopped and started a direction at a time by one person, and that is in the audit log', async ({
    expect,
  }) => {
    const browser = operator();
    const press = (direction: string, stopped: string) =>
      browser.post('/staff/peers/switch', { peer: 'NL', direction, stopped });
    expect(await (await press('in', 'yes')).text()).toContain('stopped: we ask it nothing');
    // Who isn't asked is not late.
    expect(await pageOf(browser)).not.toContain('No answer that held');
    expect(await (await press('out', 'yes')).text()).toContain('stopped in both directions');
    await press('in', 'no');
    expect((await peerNow('NL'))?.state.stopped).toEqual({ in: false, out: true });
    await press('out', 'no');
    expect(await entriesOf(browser)).toEqual([
      'peer.stop NL in',
      'peer.stop NL out',
      'peer.start NL in',
      'peer.start NL out',
    ]);
  });

  it.for<[path: string, fields: Record<string, string>]>([
    ['switch', { peer: 'NL', direction: 'sideways', stopped: 'yes' }],
    ['switch', { peer: 'nl', direction: 'in', stopped: 'yes' }],
    ['reread', { peer: 'nl' }],
    ['switch', { peer: 'NL', direction: 'in', stopped: 'perhaps' }],
    ['release', { peer: 'IT', batch: 'with a space' }],
    ['release', { peer: 'IT', batch: 'x'.repeat(101) }],
    ['undo', { peer: 'IT', batch: '' }],
    ['throw-away', { peer: 'ITALY', batch: '42' }],
    ['confirm', { act: '42' }],
    ['decline', {}],
  ])('%s with %j is refused, and not in the log', async ([path, fields], { expect }) => {
    const browser = operator();
    expect((await browser.post(`/staff/peers/${path}`, fields)).status).toBe(400);
    expect(await entriesOf(browser)).toEqual([]);
  });

  it('are read from their beginning by one person, and that is in the audit log', async ({ expect }) => {
    const browser = operator();
    expect(await pageOf(browser, '?peer=NL')).toContain('Read its feed from the beginning');
    expect(await (await browser.post('/staff/peers/reread', { peer: 'NL' })).text()).toContain('passed over');
    expect(await entriesOf(browser)).toEqual(['peer.reread NL']);
  });

  it('that are not there, or no batch of theirs, are told so', async ({ expect }) => {
    const browser = operator();
    const calls = [
      ['switch', { peer: 'XX', direction: 'in', stopped: 'yes' }],
      ['reread', { peer: 'XX' }],
      ['release', { peer: 'IT', batch: '41' }],
      ['undo', { peer: 'IT', batch: '42' }],
      ['throw-away', { peer: 'NL', batch: '42' }],
    ] as const;
    for (const [path, fields] of calls) {
      expect([path, await (await browser.post(`/staff/peers/${path}`, fields)).text()]).toEqual([
        path,
        expect.stringContaining('no such peer or batch'),
      ]);
    }
    expect(await room().peerActs()).toEqual([]);
  });
});

describe('commands', () => {
  const command = async (path: string, body?: unknown, roles: readonly Role[] = ['operator']) => {
    const app = createApp({ identify: identityOf({ subject: 'peers-command@example.org', roles }), clock: () => NOW });
    const headers = { 'content-type': 'application/json' };
    const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
    const request = new Request(`https://portal.example/operator/peers${path}`, init);
    const response = await app.fetch(request, ENV, createExecutionContext());
    return [response.status, await response.json()] as const;
  };

  it('tell the figures of each peer: state, lag, last answer, keys by the hour and by rule', async ({ expect }) => {
    const [status, body] = await command('');
    expect([status, body]).toMatchObject([
      200,
      {
        peers: [
          { config: { RegionID: 'IT' }, late: false, lagHours: 0, day: { in: 2676, out: 80, dropped: { future: 72 } } },
          { config: { RegionID: 'NL' }, late: true, lagHours: 3, state: { failures: 4 }, fault: 'http: 503' },
        ],
      },
    ]);
  });

  it('stop a direction, are in the audit log, and are an operator’s alone', async ({ expect }) => {
    const body = { peer: 'NL', direction: 'out', stopped: true };
    expect(await command('/switch', body, ['health-authority', 'auditor'])).toMatchObject([403, {}]);
    expect(await command('/switch', body)).toEqual([200, body]);
    expect((await peerNow('NL'))?.state.stopped).toEqual({ in: false, out: true });
    await command('/switch', { ...body, stopped: false });
    const { entries } = await room().search({ text: 'peers-command', from: null, to: null, before: null });
    expect(entries.map(({ what, detail }) => `${what} ${detail}`)).toEqual(['peer.start NL out', 'peer.stop NL out']);
  });

  it('have a feed read from its beginning', async ({ expect }) => {
    expect(await command('/reread', { peer: 'NL' }, ['auditor'])).toMatchObject([403, {}]);
    expect(await command('/reread', { peer: 'NL' })).toEqual([200, { peer: 'NL' }]);
    for (const [status, body] of [
      [404, { peer: 'XX' }],
      [400, { peer: 'nl' }],
      [400, { peer: 'NL', more: 1 }],
      [400, null],
    ] as const) {
      expect((await command('/reread', body))[0]).toBe(status);
    }
  });

  it.for([
    [404, { peer: 'XX', direction: 'in', stopped: true }],
    [400, { peer: 'nl', direction: 'in', stopped: true }],
    [400, { peer: 'NL', direction: 'both', stopped: true }],
    [400, { peer: 'NL', direction: 'in', stopped: 'yes' }],
    [400, { peer: 'NL', direction: 'in' }],
    [400, null],
  ] as const)('are answered %i for %j', async ([status, body], { expect }) => {
    expect((await command('/switch', body))[0]).toBe(status);
  });
});

describe('a batch that was set aside', () => {
  it('is let in by a second person, never by who asked, and within an hour', async ({ expect }) => {
    await roomClock(NOW);
    const [first, second] = [operator(), operator()];
    const id = await asks(first, 'release', 'IT', '42');
    expect(await (await first.post('/staff/peers/confirm', { act: id })).text()).toContain('You asked for it yourself');
    await roomClock(NOW + 3600);
    expect(await (await second.post('/staff/peers/confirm', { act: id })).text()).toContain('its hour is over');
    expect((await peerNow('IT'))?.waiting).toBe(1);
    await roomClock(NOW + 3599);
    expect(await (await second.post('/staff/peers/confirm', { act: id })).text()).toContain(
      'It is confirmed, and done.',
    );
    const peer = (await peerNow('IT'))!;
    expect([peer.waiting, peer.state.breaker]).toEqual([0, null]);
    expect(await pageOf(operator())).toContain('Its keys are in');
    // Asked once more nothing is left to do, and it is said.
    await second.post('/staff/peers/confirm', { act: id });
    expect(await entriesOf(first)).toEqual([`peer.release.ask IT 42 ${id}`]);
    expect((await entriesOf(second))[0]).toBe(`peer.release IT 42 ${id}`);
    await roomClock(NOW);
  });
});

describe('an imported batch', () => {
  it('is taken back by a second person; cut off anywhere, anybody goes on', async ({ expect }) => {
    await roomClock(NOW);
    const asked: unknown[] = [];
    let answer: (() => PeerBatchUndone) | null = null;
    const bindings = withPart('ORIGIN', {
      undoPeerBatch: async (undo) => {
        asked.push(undo);
        if (answer === null) throw new Error('out of reach');
        return answer();
      },
    });
    const [first, second] = [operator(), operator(bindings)];
    const id = await asks(first, 'undo', 'NL', '40');
    expect(await pageOf(second)).toContain('Take back: NL, batch 40, 101 keys');
    expect((await second.post('/staff/peers/confirm', { act: id })).status).toBe(500);
    expect(await pageOf(operator())).toContain('It was confirmed and is not done');
    answer = () => ({ state: 'sealing', dropped: 0, taken: 0 });
    const third = operator(bindings);
    expect(await (await third.post('/staff/peers/confirm', { act: id })).text()).toContain('An hour is being written');
    answer = () => ({ state: 'done', dropped: 3, taken: 4 });
    expect(await (await third.post('/staff/peers/confirm', { act: id })).text()).toContain('confirmed, and done');
    // Nothing is left to do, and `origin` isn't asked again.
    expect(await (await second.post('/staff/peers/confirm', { act: id })).text()).toContain('confirmed, and done');
    expect(asked).toEqual(Array.from({ length: 3 }, () => ({ id, peer: 'NL', batch: '40' })));
    expect(await pageOf(operator())).toContain('published ones are taken back with the next hour');
  });

  it('of a gateway is taken back in every country, a country’s part in that country alone', async ({ expect }) => {
    await roomClock(NOW);
    const asked: unknown[] = [];
    const gateway = structuredClone((await peerNow('NL'))!);
    const [line] = gateway.batches;
    const peers = async () => [
      {
        ...gateway,
        config: { ...gateway.config, RegionID: 'EU', Format: 'efgs' as const },
      },
    ];
    // Behind more than a page of others: what was imported is found as long as it is remembered.
    const names = [...Array.from({ length: 400 }, (_, n) => `20201127-${n + 1}`), '20201126-1', '20201126-1/FR'];
    const batches = async () => names.map((batch) => ({ ...line!, batch, imported: 7 }));
    const first = operator(withPart('FEDERATION', { peers, batches }));
    expect(await pageOf(first, '?peer=EU&batch=17')).toContain('name="batch" value="20201126-1/FR"');
    const undoPeerBatch = async (undo: unknown): Promise<PeerBatchUndone> => {
      asked.push(undo);
      return { state: 'done', dropped: 3, taken: 4 };
    };
    // The peer may be gone by then: what it spoke was kept when it was asked for.
    const second = operator({
      ...withPart('FEDERATION', { peers: async () => [] }),
      ...withPart('ORIGIN', { undoPeerBatch }),
    });
    const [whole, part] = [
      await asks(first, 'undo', 'EU', '20201126-1'),
      await asks(first, 'undo', 'EU', '20201126-1/FR'),
    ];
    // Of the whole, those of its parts too.
    expect(
      (await room().peerActs()).flatMap(({ peer, keys }) => (peer === 'EU' ? [keys] : [])).toSorted((a, b) => a - b),
    ).toEqual([7, 14]);
    for (const act of [whole, part]) {
      expect(await (await second.post('/staff/peers/confirm', { act })).text()).toContain('confirmed, and done');
    }
    expect(asked).toEqual([
      { id: whole, peer: null, batch: 'efgs:20201126-1' },
      { id: part, peer: 'FR', batch: 'efgs:20201126-1' },
    ]);
  });

  it('that nobody confirms is declined, or taken back, and is forgotten', async ({ expect }) => {
    await roomClock(NOW);
    const [first, second] = [operator(), operator()];
    const id = await asks(first, 'undo', 'NL', '39');
    expect(await (await second.post('/staff/peers/decline', { act: id })).text()).toContain('Nothing was done.');
    expect(await (await second.post('/staff/peers/confirm', { act: id })).text()).toContain('no such request');
    const other = await asks(first, 'undo', 'NL', '38');
    await runInDurableObject(room(), async (own) => {
      Object.assign(own, { clock: () => NOW + 3600, secondClock: async () => NOW + 3600 });
      await own.alarm();
      Object.assign(own, { clock: () => NOW });
    });
    expect((await room().peerActs()).some((act) => act.id === other)).toBe(false);
  });

  it.for([
    ['de', 'Rücknahme beantragen'],
    ['nl', 'Terugname vragen'],
  ] as const)('in %s', async ([language, text], { expect }) => {
    const browser = operator();
    await browser.post('/staff/language', { language });
    expect(await pageOf(browser, '?peer=NL')).toContain(text);
  });
});
