import { afterEach, beforeEach, describe, it } from 'vitest';
import { UploadDesk, portsOf } from '../../../test/support/efgs-client.ts';
import { goodEfgsKey } from '../../../test/support/efgs-arbitraries.ts';
import { startRig, type Rig } from '../../../test/support/efgs-rig.ts';
import { NOON } from '../../../test/support/efgs-in-process.ts';
import { signerOf } from '../../../test/support/efgs-signer.ts';
import { issueCertificate } from '../../../local-edge/efgs-gateway/pki.ts';
import type { EfgsKey } from '../../../protocol/efgs/batch.ts';
import { batchHash, signingBytes, signingOrder, signingRecord } from '../../../protocol/efgs/signing-bytes.ts';
import { UPLOAD_START } from './upload.ts';

const HOUR = 3600;
const keysOf = (country: string, from: number, count: number): EfgsKey[] =>
  Array.from({ length: count }, (_, i) => goodEfgsKey(from + i, country, NOON));
const records = (keys: readonly EfgsKey[]): string[] => keys.map(signingRecord).toSorted();

let rig: Rig;
/** Key numbers that the gateway can't store. */
const failing = new Set<number>();
beforeEach(async () => {
  failing.clear();
  rig = await startRig({ countries: ['DE', 'NL'], failing: ({ keyData }) => failing.has(keyData[3] ?? 0) });
});
afterEach(() => rig.gateway.close());

/** What the gateway has of a country, and how often each key. */
function stored(country: string): string[] {
  rig.gateway.runBatcher();
  const keys: EfgsKey[] = [];
  const { store } = rig.gateway;
  for (let tag = store.firstFrom('2020-11-26')?.tag ?? null; tag !== null; tag = store.batch(tag)?.next ?? null) {
    const own = store.uploadsOf(tag).filter((upload) => upload.country === country);
    keys.push(...own.flatMap((upload) => upload.keys));
  }
  return records(keys);
}

/** A `fetch` that notes statuses and tags of uploads, and can lose answers after the gateway has seen the question. */
function spying(country: string, lose: (upload: number) => boolean = () => false) {
  const seen: { readonly tag: string; readonly status: number }[] = [];
  const through = rig.as(country).fetch;
  const fetch = async (asked: Request): Promise<Response> => {
    const answer = await through(asked);
    const tag = asked.headers.get('batchTag');
    if (asked.method !== 'POST' || tag === null) return answer;
    seen.push({ tag, status: answer.status });
    if (lose(seen.length - 1)) throw new Error('the connection broke');
    return answer;
  };
  return { seen, ports: portsOf(rig, country, { fetch }) };
}

describe('an upload', () => {
  it('of 5,001 keys is two, of 4,000 and 1,001, each under the hash of its content', async ({ expect }) => {
    const keys = keysOf('DE', 0, 5001);
    const desk = new UploadDesk(keys);
    const { seen, ports } = spying('DE');
    await desk.poll(ports);
    expect(seen).toEqual([
      { tag: batchHash(signingBytes(keys.slice(0, 4000))), status: 201 },
      { tag: batchHash(signingBytes(keys.slice(4000))), status: 201 },
    ]);
    expect([desk.outbox, desk.state, stored('DE')]).toEqual([[], UPLOAD_START, records(keys)]);
  });

  it('does not tell in which order its keys came', async ({ expect }) => {
    const keys = keysOf('DE', 0, 20);
    await new UploadDesk(keys).poll(portsOf(rig, 'DE'));
    rig.gateway.runBatcher();
    const sent = rig.gateway.store.uploadsOf('20201126-1').flatMap((upload) => upload.keys);
    expect(sent.map(signingRecord)).toEqual(signingOrder(keys.toReversed()).map(signingRecord));
    expect(sent.map(signingRecord)).not.toEqual(keys.map(signingRecord));
  });

  it('leaves out what the gateway would refuse the whole batch for', async ({ expect }) => {
    const [good, ...bad] = keysOf('DE', 0, 6) as [EfgsKey, ...EfgsKey[]];
    const desk = new UploadDesk([
      { ...bad[0]!, keyData: new Uint8Array(15) },
      { ...bad[1]!, rollingPeriod: 145 },
      good,
      { ...bad[2]!, rollingStartIntervalNumber: Math.floor(NOON / 600) - 16 * 144 },
      { ...bad[3]!, transmissionRiskLevel: 9 },
      { ...bad[4]!, origin: 'NL' },
      good,
    ]);
    const { seen, ports } = spying('DE');
    await desk.poll(ports);
    expect(seen.map(({ status }) => status)).toEqual([201]);
    expect([desk.outbox, stored('DE')]).toEqual([[], records([good])]);
  });

  it('after 207 sends again what isn’t there, under a new tag, and knows the rest as sent', async ({ expect }) => {
    const keys = keysOf('DE', 0, 3);
    await rig.as('DE').upload([keys[1]!], 'by hand');
    const desk = new UploadDesk(keys);
    const { seen, ports } = spying('DE');
    const first = [await desk.step(ports), await desk.step(ports)];
    expect(rig.gateway.store.size).toBe(1);
    expect([first[1]!.settled, desk.outbox]).toEqual([new Map([[1, 'uploaded']]), [keys[0], keys[2]]]);
    await desk.poll(ports);
    expect(seen.map(({ status }) => status)).toEqual([207, 201]);
    expect(new Set(seen.map(({ tag }) => tag)).size).toBe(2);
    expect([desk.outbox, stored('DE')]).toEqual([[], records(keys)]);
  });

  it('with a key that the gateway can’t store loses none, and gets the others through', async ({ expect }) => {
    const keys = keysOf('DE', 0, 20);
    failing.add(7);
    const desk = new UploadDesk(keys);
    const { seen, ports } = spying('DE');
    await desk.poll(ports);
    await desk.poll(ports);
    expect(desk.outbox).toEqual([keys[7]]);
    expect(seen.length).toBeLessThan(25);
    failing.clear();
    await desk.poll(ports);
    expect([desk.outbox, stored('DE')]).toEqual([[], records(keys)]);
  });

  it('that was lost on the way back is sent again, the same, and 409 is success once the audit shows it', async ({
    expect,
  }) => {
    const keys = keysOf('DE', 0, 3);
    const desk = new UploadDesk(keys);
    const { seen, ports } = spying('DE', (upload) => upload === 0);
    expect((await desk.poll(ports)).trouble).toEqual({ kind: 'network' });
    // Not batched yet: nothing shows it, so nothing is believed.
    expect(await desk.poll(ports)).toMatchObject({ again: false, trouble: null, settled: new Map() });
    expect(desk.outbox).toEqual(keys);
    expect(seen).toEqual([
      { tag: seen[0]!.tag, status: 201 },
      { tag: seen[0]!.tag, status: 409 },
    ]);
    await rig.as('NL').upload(keysOf('NL', 0, 3), 'another');
    rig.gateway.runBatcher();
    await desk.poll(ports);
    expect([desk.outbox, desk.state, seen.length, stored('DE')]).toEqual([[], UPLOAD_START, 2, records(keys)]);
  });

  it('whose tag another has is sent under a new one, when every batch was looked at', async ({ expect }) => {
    const keys = keysOf('DE', 0, 3);
    const tag = batchHash(signingBytes(keys));
    // As many keys, so that the number alone doesn't tell them apart.
    await rig.as('NL').upload(keysOf('NL', 0, 3), tag);
    rig.gateway.runBatcher();
    await rig.as('DE').upload(keysOf('DE', 100, 3), 'ours, but not these');
    rig.gateway.runBatcher();
    const desk = new UploadDesk(keys);
    const { seen, ports } = spying('DE');
    await desk.poll(ports);
    rig.clock.now += HOUR;
    await desk.poll(ports);
    expect([seen.length, desk.outbox]).toEqual([1, keys]);
    rig.clock.now += HOUR;
    await desk.poll(ports);
    expect(seen.map(({ status }) => status)).toEqual([409, 201]);
    expect([desk.outbox, stored('DE')]).toEqual([[], records([...keys, ...keysOf('DE', 100, 3)])]);
  });

  it('is found across midnight', async ({ expect }) => {
    rig.clock.now = NOON + 12 * HOUR - 60;
    const keys = keysOf('DE', 0, 2);
    const desk = new UploadDesk(keys);
    const { ports } = spying('DE', (upload) => upload === 0);
    await desk.poll(ports);
    rig.clock.now += HOUR;
    await desk.poll(ports);
    rig.gateway.runBatcher();
    await desk.poll(ports);
    expect([desk.outbox, stored('DE')]).toEqual([[], records(keys)]);
  });

  it.for([503, 500, 429, 403, 406])('answered %s is the same again, by and by', async (status, { expect }) => {
    const keys = keysOf('DE', 0, 2);
    const desk = new UploadDesk(keys);
    const refused = await desk.poll(portsOf(rig, 'DE', { fetch: async () => new Response('{}', { status }) }));
    expect([refused.trouble, desk.outbox]).toEqual([{ kind: 'status', status }, keys]);
    const { seen, ports } = spying('DE');
    await desk.poll(ports);
    expect(seen).toEqual([{ tag: batchHash(signingBytes(keys)), status: 201 }]);
  });

  it.for([400, 413])(
    'answered %s is halved, and a key that is refused alone goes behind the others',
    async (status, { expect }) => {
      const keys = keysOf('DE', 0, 8);
      const sizes: number[] = [];
      const desk = new UploadDesk(keys);
      const refusing = portsOf(rig, 'DE', {
        fetch: async () => {
          sizes.push(desk.state.inFlight?.count ?? 0);
          return new Response('{}', { status });
        },
      });
      await desk.poll(refusing);
      await desk.poll(refusing);
      expect(sizes).toEqual([8, 4, 2, 1, 1]);
      expect(desk.outbox).toEqual([...keys.slice(2), ...keys.slice(0, 2)]);
      await desk.poll(portsOf(rig, 'DE'));
      expect([desk.outbox, stored('DE')]).toEqual([[], records(keys)]);
    },
  );

  it.for([
    ['of another country', { name: 'C=NL, CN=signing' }],
    ['that has run out', { name: 'C=DE, CN=signing', days: -1 }],
  ] as const)('isn’t sent with a certificate %s', async ([, subject], { expect }) => {
    const signer = signerOf(await issueCertificate({ now: NOON, ...subject }));
    const desk = new UploadDesk(keysOf('DE', 0, 2));
    const { seen, ports } = spying('DE');
    const step = await desk.poll({ ...ports, signer });
    expect([step.trouble, seen, desk.outbox.length]).toEqual([{ kind: 'protocol', what: 'signer' }, [], 2]);
  });

  it.for([
    ['no JSON', 'x'],
    ['a place that wasn’t sent', '{"201":[],"409":[2],"500":[]}'],
    ['a place twice', '{"201":[0],"409":[0],"500":[]}'],
    ['nothing', '{}'],
    ['all well', '{"201":[0,1],"409":[],"500":[]}'],
  ] as const)('with a 207 that says %s: nothing is believed', async ([, body], { expect }) => {
    const keys = keysOf('DE', 0, 2);
    const desk = new UploadDesk(keys);
    const step = await desk.poll(portsOf(rig, 'DE', { fetch: async () => new Response(body, { status: 207 }) }));
    expect([step.trouble, desk.outbox, desk.settled]).toEqual([{ kind: 'protocol', what: '207' }, keys, []]);
  });

  it('a 207 of a gateway that doesn’t name what it took back: all but 409 are sent again', async ({ expect }) => {
    const keys = keysOf('DE', 0, 3);
    const desk = new UploadDesk(keys);
    await desk.step(portsOf(rig, 'DE'));
    await desk.step(
      portsOf(rig, 'DE', { fetch: async () => new Response('{"201":[],"409":[1],"500":[]}', { status: 207 }) }),
    );
    expect(desk.outbox).toHaveLength(2);
    await desk.poll(portsOf(rig, 'DE'));
    expect(stored('DE')).toHaveLength(2);
  });

  it('a key that is withdrawn meanwhile isn’t sent: the batch is another one', async ({ expect }) => {
    const keys = keysOf('DE', 0, 3);
    const desk = new UploadDesk(keys);
    await desk.step(portsOf(rig, 'DE'));
    desk.outbox = keys.slice(1);
    await desk.poll(portsOf(rig, 'DE'));
    expect([desk.outbox, stored('DE')]).toEqual([[], records(keys.slice(1))]);
  });
});

describe('a crash', () => {
  /** Every step of an upload with a duplicate, a lost answer and a second batch may be lost before it is committed. */
  it('between any two steps: every key is there once, and none is taken for sent that isn’t', async ({ expect }) => {
    let steps = Infinity;
    const all: EfgsKey[] = [];
    for (let at = -1; at < steps; at++) {
      const keys = keysOf('DE', 10 * (at + 1), 5);
      all.push(...keys);
      await rig.as('DE').upload([keys[2]!], `earlier ${at}`);
      const desk = new UploadDesk(keys);
      const { ports } = spying('DE', (upload) => upload === 1);
      for (let poll = 0; poll < 6; poll++) {
        await desk.poll(ports, (step) => step === at);
        rig.gateway.runBatcher();
      }
      // The first run loses none, and says how many there are to lose.
      if (at === -1) steps = desk.steps;
      expect([at, desk.outbox, stored('DE'), records(desk.settled)]).toEqual([at, [], records(all), records(keys)]);
    }
    expect(steps).toBeGreaterThan(9);
  });
});
