import { afterEach, beforeEach, describe, it } from 'vitest';
import { DownloadDesk, portsOf } from '../../../test/support/efgs-client.ts';
import { goodEfgsKey } from '../../../test/support/efgs-arbitraries.ts';
import { startRig, type Rig } from '../../../test/support/efgs-rig.ts';
import { NOON } from '../../../test/support/efgs-in-process.ts';
import { decodeBatch, type EfgsKey, encodeBatch } from '../../../protocol/efgs/batch.ts';
import { signingRecord } from '../../../protocol/efgs/signing-bytes.ts';
import { DOWNLOAD_START } from './download.ts';
import type { EfgsPorts } from './ports.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
let rig: Rig;
beforeEach(async () => {
  rig = await startRig({ countries: ['DE', 'NL', 'FR'] });
});
afterEach(() => rig.gateway.close());

let number = 0;
/** Uploads some keys, and has them batched. */
async function batch(country: string, count: number): Promise<EfgsKey[]> {
  const keys = Array.from({ length: count }, () => goodEfgsKey(number++, country, rig.clock.now));
  await rig.as(country).upload(keys, `tag-${number}`);
  rig.gateway.runBatcher();
  return keys;
}

const records = (keys: readonly EfgsKey[]): string[] => keys.map(signingRecord).toSorted();

/** Ports through which answers of a path are bent; how often each path was asked. */
function bending(path: RegExp, bend: (answer: Response) => Response | Promise<Response>) {
  const asked: string[] = [];
  const through = rig.as('DE').fetch;
  const fetch: EfgsPorts['fetch'] = async (request) => {
    asked.push(`${new URL(request.url).pathname} ${request.headers.get('batchTag') ?? ''}`.trim());
    const answer = await through(request);
    return path.test(request.url) ? bend(answer) : answer;
  };
  return { asked, ports: portsOf(rig, 'DE', { fetch }) };
}

describe('a download', () => {
  it('begins with the oldest day that the gateway has, follows the links, and stops at the word null', async ({
    expect,
  }) => {
    rig.clock.now = NOON - DAY;
    const first = await batch('NL', 3);
    rig.clock.now = NOON;
    const second = await batch('FR', 2);
    const desk = new DownloadDesk();
    const end = await desk.poll(portsOf(rig, 'DE'));
    expect(end).toMatchObject({ trouble: null, state: { lastTag: '20201126-1', nextTag: null, date: '2020-11-26' } });
    expect([records(desk.keys), desk.imports]).toEqual([records([...first, ...second]), 2]);
  });

  it('finds nothing where there is nothing, and what comes later', async ({ expect }) => {
    const desk = new DownloadDesk();
    expect(await desk.poll(portsOf(rig, 'DE'))).toMatchObject({ trouble: null, state: DOWNLOAD_START });
    const keys = await batch('NL', 1);
    await desk.poll(portsOf(rig, 'DE'));
    expect(records(desk.keys)).toEqual(records(keys));
  });

  it('asks for the last batch again, since its link is filled in later, within the day and across midnight', async ({
    expect,
  }) => {
    const desk = new DownloadDesk();
    const all = await batch('NL', 1);
    await desk.poll(portsOf(rig, 'DE'));
    all.push(...(await batch('NL', 1)));
    await desk.poll(portsOf(rig, 'DE'));
    rig.clock.now += DAY;
    all.push(...(await batch('NL', 1)));
    await desk.poll(portsOf(rig, 'DE'));
    expect([records(desk.keys), desk.state.lastTag, desk.imports]).toEqual([records(all), '20201127-1', 3]);
  });

  it('takes an older gateway, whose links end with the day', async ({ expect }) => {
    const desk = new DownloadDesk();
    const all = await batch('NL', 1);
    const unlinked = bending(/download/, (answer) => {
      const headers = new Headers(answer.headers);
      const [own, next] = [headers.get('batchTag') ?? '', headers.get('nextBatchTag') ?? ''];
      if (own.slice(0, 8) !== next.slice(0, 8)) headers.set('nextBatchTag', 'null');
      return new Response(answer.body, { status: answer.status, headers });
    });
    await desk.poll(unlinked.ports);
    rig.clock.now += DAY;
    all.push(...(await batch('NL', 1)), ...(await batch('NL', 1)));
    await desk.poll(unlinked.ports);
    expect(records(desk.keys)).toEqual(records(all));
  });

  it('gets nothing of our own back, and a batch of nothing else is passed', async ({ expect }) => {
    await batch('DE', 2);
    const foreign = await batch('NL', 1);
    const desk = new DownloadDesk();
    await desk.poll(portsOf(rig, 'DE'));
    expect([...desk.imported.keys()]).toEqual(['20201126-1', '20201126-2']);
    expect(records(desk.keys)).toEqual(records(foreign));
  });

  it('begins with the oldest day again after being away for longer than batches are kept', async ({ expect }) => {
    const desk = new DownloadDesk();
    await batch('NL', 1);
    await desk.poll(portsOf(rig, 'DE'));
    rig.clock.now = NOON + 4 * DAY;
    rig.gateway.store.purge(rig.clock.now);
    const late = await batch('NL', 2);
    const ports = portsOf(rig, 'DE');
    expect((await desk.poll(ports)).state).toEqual(DOWNLOAD_START);
    await desk.poll(ports);
    expect(records(desk.keys.slice(1))).toEqual(records(late));
  });

  it('goes on a day where the gateway keeps less than was configured', async ({ expect }) => {
    const ports = portsOf(rig, 'DE');
    const longer: EfgsPorts = { ...ports, settings: { ...ports.settings, maxAgeDays: 5 } };
    const keys = await batch('NL', 1);
    const desk = new DownloadDesk();
    for (let i = 0; i < 6; i++) {
      await desk.poll(longer);
    }
    expect(records(desk.keys)).toEqual(records(keys));
  });

  it('begins the day anew where the gateway has forgotten a tag; what was imported stays imported once', async ({
    expect,
  }) => {
    const keys = await batch('NL', 1);
    const desk = new DownloadDesk();
    await desk.poll(portsOf(rig, 'DE'));
    desk.state = { ...desk.state, lastTag: '20201126-7' };
    await desk.poll(portsOf(rig, 'DE'));
    expect(desk.state).toEqual({ lastTag: null, nextTag: null, date: '2020-11-26' });
    await desk.poll(portsOf(rig, 'DE'));
    expect([desk.state.lastTag, records(desk.keys), desk.imports]).toEqual(['20201126-1', records(keys), 1]);
  });

  it('stays where it is when there is no answer, or one that says no', async ({ expect }) => {
    await batch('NL', 1);
    const desk = new DownloadDesk();
    const broken = portsOf(rig, 'DE', { fetch: () => Promise.reject(new Error('no route')) });
    expect((await desk.step(broken)).trouble).toEqual({ kind: 'network' });
    for (const status of [400, 403, 415, 500, 503]) {
      const refusing = portsOf(rig, 'DE', { fetch: async () => new Response('', { status }) });
      expect((await desk.step(refusing)).trouble).toEqual({ kind: 'status', status });
    }
    expect(desk.state).toEqual(DOWNLOAD_START);
  });

  it('reads no answer without an end', async ({ expect }) => {
    let sent = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        sent += 1;
        controller.enqueue(new Uint8Array(1_000_000));
      },
    });
    const step = await new DownloadDesk().step(portsOf(rig, 'DE', { fetch: async () => new Response(endless) }));
    expect([step.trouble, sent < 20]).toEqual([{ kind: 'network' }, true]);
  });
});

describe('a batch is set aside, and those after it are taken', () => {
  it.for<[string, RegExp, (answer: Response) => Promise<Response>, string]>([
    [
      'a key was changed',
      /\/download\/[^/]+$/,
      async (answer) => {
        const decoded = decodeBatch(new Uint8Array(await answer.arrayBuffer()));
        const keys = decoded.ok ? decoded.value : [];
        const bent = keys.map((key) => ({ ...key, rollingPeriod: 143 }));
        return new Response(Uint8Array.from(encodeBatch(bent)), answer);
      },
      'digest',
    ],
    [
      'an amount was changed',
      /\/audit\//,
      async (answer) => {
        const entries = JSON.parse(await answer.text()) as { amount: number }[];
        return Response.json(entries.map((entry) => ({ ...entry, amount: entry.amount + 1 })));
      },
      'amount',
    ],
    ['an upload isn’t in the audit', /\/audit\//, async () => Response.json([]), 'amount'],
    ['there is no audit', /\/audit\//, async () => new Response('', { status: 404 }), 'no-audit'],
    ['the audit can’t be read', /\/audit\//, async () => new Response('<html>'), 'malformed-audit'],
    ['the audit is no text', /\/audit\//, async () => new Response(Uint8Array.of(0xff)), 'malformed-audit'],
    [
      'the batch can’t be read',
      /\/download\/[^/]+$/,
      async (answer) => new Response(Uint8Array.of(0x0a, 0xff, 0xff), answer),
      'malformed-batch',
    ],
  ])('%s', async ([, path, bend, fault], { expect }) => {
    await batch('NL', 2);
    const good = await batch('NL', 1);
    let bent = 0;
    const { ports } = bending(path, async (answer) => (answer.ok && bent++ === 0 ? bend(answer) : answer));
    const desk = new DownloadDesk();
    await desk.poll(ports);
    expect([...desk.quarantine]).toMatchObject([['20201126-1', [{ fault }]]]);
    expect([desk.state.lastTag, records(desk.keys)]).toEqual(['20201126-2', records(good)]);
  });

  it('its signer was revoked here, though the gateway still lists it', async ({ expect }) => {
    await batch('NL', 1);
    const french = await batch('FR', 1);
    const ports = portsOf(rig, 'DE');
    const revoked = new Set([rig.gateway.members.get('NL')!.signing.thumbprint]);
    const desk = new DownloadDesk();
    await desk.poll({ ...ports, settings: { ...ports.settings, revoked } });
    expect([...desk.quarantine]).toEqual([['20201126-1', [{ country: 'NL', fault: 'revoked' }]]]);
    expect(records(desk.keys)).toEqual(records(french));
  });

  it('of two countries one’s upload doesn’t hold: the other’s is taken', async ({ expect }) => {
    await rig.as('NL').upload([goodEfgsKey(number++, 'NL', rig.clock.now)], `tag-${number}`);
    const french = await batch('FR', 1);
    const ports = portsOf(rig, 'DE');
    const revoked = new Set([rig.gateway.members.get('NL')!.signing.thumbprint]);
    const desk = new DownloadDesk();
    await desk.poll({ ...ports, settings: { ...ports.settings, revoked } });
    expect([...desk.quarantine]).toEqual([['20201126-1', [{ country: 'NL', fault: 'revoked' }]]]);
    expect(records(desk.keys)).toEqual(records(french));
  });

  it('while the audit is out of reach nothing is decided', async ({ expect }) => {
    const keys = await batch('NL', 1);
    const desk = new DownloadDesk();
    const { ports } = bending(/\/audit\//, async () => new Response('', { status: 503 }));
    expect((await desk.poll(ports)).trouble).toEqual({ kind: 'status', status: 503 });
    expect([desk.state, desk.quarantine.size]).toEqual([DOWNLOAD_START, 0]);
    await desk.poll(portsOf(rig, 'DE'));
    expect(records(desk.keys)).toEqual(records(keys));
  });
});

describe('a gateway that goes in circles', () => {
  it.for([
    ['names another batch than was asked for', { batchTag: '20201126-9' }],
    ['names a batch of tomorrow’s tomorrow', { batchTag: '20201129-1' }],
    ['links to tomorrow’s last', { nextBatchTag: '20201127-999999' }],
    ['links back', { nextBatchTag: '20201125-1' }],
    ['links to itself', { nextBatchTag: '20201126-1' }],
    ['links to a day to come', { nextBatchTag: '99991231-1' }],
    ['links to no tag', { nextBatchTag: '../../callback' }],
  ] as const)('%s: nothing is taken from it', async ([, change], { expect }) => {
    await batch('NL', 1);
    const { ports } = bending(/\/download\/[^/]+$/, (answer) => {
      const headers = new Headers(answer.headers);
      for (const [name, value] of Object.entries(change)) headers.set(name, value);
      return new Response(answer.body, { status: answer.status, headers });
    });
    const desk = new DownloadDesk();
    desk.state = { lastTag: null, nextTag: '20201126-1', date: '2020-11-26' };
    const before = desk.state;
    expect((await desk.poll(ports)).trouble).toMatchObject({ kind: 'protocol' });
    expect([desk.state, desk.imports]).toEqual([before, 0]);
  });
});

it('an empty batch of a day to come, which nobody signed, doesn’t take the cursor there', async ({ expect }) => {
  const { ports } = bending(/./, () => new Response('', { status: 404 }));
  // A minute before midnight the gateway's clock may be ahead by so much.
  rig.clock.now = NOON + 12 * HOUR - 60;
  const empty: EfgsPorts = {
    ...ports,
    fetch: async (request) =>
      request.url.includes('/audit/') || !request.url.endsWith('2020-11-26')
        ? new Response('', { status: 404 })
        : new Response(new Uint8Array(), { headers: { batchTag: '20201127-999999', nextBatchTag: 'null' } }),
  };
  const desk = new DownloadDesk();
  desk.state = { ...DOWNLOAD_START, date: '2020-11-26' };
  const before = desk.state;
  expect((await desk.poll(empty)).trouble).toEqual({ kind: 'protocol', what: 'audit' });
  expect(desk.state).toEqual(before);
});

describe('a crash', () => {
  it.for([
    [
      'before the import is written',
      (at: number) => [(step: number) => step === at, (step: number) => step === at] as const,
    ],
    // Two objects: the keys are there, the cursor isn't.
    ['between the import and the cursor', (at: number) => [(step: number) => step === at, () => false] as const],
  ] as const)('%s, at any step: each batch is imported once', async ([, losses], { expect }) => {
    const all = [...(await batch('NL', 2)), ...(await batch('FR', 1))];
    await batch('DE', 1);
    for (let at = 0; at < 5; at++) {
      const desk = new DownloadDesk();
      await desk.poll(portsOf(rig, 'DE'), ...losses(at));
      await desk.poll(portsOf(rig, 'DE'));
      expect([at, desk.imports, records(desk.keys), desk.state.lastTag]).toEqual([at, 3, records(all), '20201126-3']);
    }
  });
});
