import * as fc from 'fast-check';
import { beforeAll, describe, it } from 'vitest';
import { DownloadDesk, UploadDesk } from '../../../test/support/efgs-client.ts';
import { goodEfgsKey } from '../../../test/support/efgs-arbitraries.ts';
import {
  type Countries,
  gatewayInProcess,
  type InProcess,
  makeCountries,
  NOON,
} from '../../../test/support/efgs-in-process.ts';
import { usualOrLong } from '../../../test/support/longer.ts';
import { encodeBatch, type EfgsKey, PROTOBUF_MEDIA_TYPE } from '../../../protocol/efgs/batch.ts';
import { signBatch } from '../../../protocol/efgs/batch-signature.ts';
import { signingRecord } from '../../../protocol/efgs/signing-bytes.ts';
import type { UploadPorts } from './ports.ts';

const HOUR = 3600;
const COUNTRIES = ['DE', 'FR', 'NL'];
const numRuns = usualOrLong({ usual: 25, long: 150 });
const records = (keys: readonly EfgsKey[]): string[] => keys.map(signingRecord).toSorted();

let countries: Countries;
beforeAll(async () => {
  countries = await makeCountries(COUNTRIES);
});

/** What may happen to one question: nothing, or all that a network and a gateway in trouble do. */
const fault = fc.constantFrom('none', 'none', 'none', 'not-sent', 'answer-lost', 'busy');
type Fault = 'none' | 'not-sent' | 'answer-lost' | 'busy';

function faulty(ports: UploadPorts, what: Fault): UploadPorts {
  const fetch = async (asked: Request): Promise<Response> => {
    if (what === 'not-sent') throw new Error('no route');
    if (what === 'busy') return new Response('', { status: 503 });
    const answer = await ports.fetch(asked);
    if (what === 'answer-lost') throw new Error('the connection broke');
    return answer;
  };
  return { ...ports, fetch };
}

/** Uploads by hand, past any client. */
async function post(ports: UploadPorts, keys: readonly EfgsKey[], tag: string): Promise<number> {
  const { status } = await ports.fetch(
    new Request('https://gateway.example/diagnosiskeys/upload', {
      method: 'POST',
      headers: {
        'content-type': PROTOBUF_MEDIA_TYPE,
        batchTag: tag,
        batchSignature: signBatch(keys, ports.signer, ports.now()),
      },
      body: Uint8Array.from(encodeBatch(keys)),
    }),
  );
  return status;
}

/** What the gateway has of a country. */
function stored({ store }: InProcess, country: string): string[] {
  const keys: EfgsKey[] = [];
  for (let tag = store.firstFrom('2020-11-26')?.tag ?? null; tag !== null; tag = store.batch(tag)?.next ?? null) {
    const own = store.uploadsOf(tag).filter((upload) => upload.country === country);
    keys.push(...own.flatMap((upload) => upload.keys));
  }
  return records(keys);
}

describe('three countries at one gateway', () => {
  it('each get the others’ keys, verified, once, and none of their own', async ({ expect }) => {
    const gateway = gatewayInProcess(countries);
    const sent = new Map<string, string[]>();
    for (const [country, ports] of gateway.ports) {
      const keys = Array.from({ length: 20 }, (_, i) => goodEfgsKey(i, country, NOON));
      sent.set(country, records(keys));
      const desk = new UploadDesk(keys);
      await desk.poll(ports);
      expect(desk.outbox).toEqual([]);
    }
    gateway.store.runBatcher(NOON);
    for (const [country, ports] of gateway.ports) {
      const desk = new DownloadDesk();
      const { trouble } = await desk.poll(ports);
      const others = COUNTRIES.filter((other) => other !== country).flatMap((other) => sent.get(other) ?? []);
      expect([trouble, desk.quarantine.size, records(desk.keys)]).toEqual([null, 0, others.toSorted()]);
    }
  });
});

describe('whatever happens, in whatever order', () => {
  const uploadEvent = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('step'), fault, crash: fc.boolean() }) },
    fc.record({ kind: fc.constantFrom('batcher', 'hour', 'new-key', 'withdrawn', 'by-hand', 'same-tag') }),
  );

  it('a key is taken for sent only when the gateway has it, and in the end it has all', async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(uploadEvent, { maxLength: 30 }), async (events) => {
        const gateway = gatewayInProcess(countries);
        const [own, stranger] = [gateway.ports.get('DE')!, gateway.ports.get('NL')!];
        let number = 0;
        const newKey = (country: string): EfgsKey => goodEfgsKey(number++, country, NOON);
        const desk = new UploadDesk([newKey('DE'), newKey('DE'), newKey('DE')]);
        const expected = [...desk.outbox];
        const happen: Readonly<Record<string, () => unknown>> = {
          batcher: () => gateway.store.runBatcher(gateway.clock.now),
          hour: () => (gateway.clock.now += HOUR),
          'new-key': () => {
            desk.outbox = [...desk.outbox, newKey('DE')];
            expected.push(desk.outbox.at(-1)!);
          },
          withdrawn: () => {
            // Of a person who takes it back: gone from the outbox, and from what must arrive.
            const [gone, ...left] = desk.outbox;
            desk.outbox = left;
            if (gone !== undefined) expected.splice(expected.indexOf(gone), 1);
          },
          'by-hand': () => (desk.outbox[1] === undefined ? null : post(own, [desk.outbox[1]], `by hand ${number++}`)),
          'same-tag': () =>
            desk.state.inFlight === null ? null : post(stranger, [newKey('NL')], desk.state.inFlight.tag),
        };
        for (const event of events) {
          if ('fault' in event) await desk.step(faulty(own, event.fault), () => event.crash);
          else await happen[event.kind]?.();
          gateway.store.runBatcher(gateway.clock.now);
          const there = stored(gateway, 'DE');
          expect(desk.settled.every((key) => there.includes(signingRecord(key)))).toBe(true);
        }
        for (let i = 0; i < 4; i++) {
          await desk.poll(own);
          gateway.store.runBatcher(gateway.clock.now);
          gateway.clock.now += HOUR;
        }
        await desk.poll(own);
        gateway.store.runBatcher(gateway.clock.now);
        const there = stored(gateway, 'DE');
        expect([desk.outbox, desk.state.inFlight]).toEqual([[], null]);
        expect(there.filter((record, at) => there.indexOf(record) !== at)).toEqual([]);
        expect(records(expected).filter((record) => !there.includes(record))).toEqual([]);
      }),
      { seed: 16, numRuns },
    );
  });

  const downloadEvent = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('step'), fault, crash: fc.constantFrom('no', 'whole', 'cursor') }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('upload-NL', 'upload-FR', 'upload-DE') }) },
    fc.record({ kind: fc.constantFrom('batcher', 'hours') }),
  );

  it('each batch is imported once, and in the end all are', async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(downloadEvent, { maxLength: 30 }), async (events) => {
        const gateway = gatewayInProcess(countries);
        const own = gateway.ports.get('DE')!;
        const desk = new DownloadDesk();
        const foreign: EfgsKey[] = [];
        let number = 0;
        for (const event of events) {
          if ('fault' in event) {
            await desk.step(
              faulty(own, event.fault),
              () => event.crash !== 'no',
              () => event.crash === 'whole',
            );
          } else if (event.kind === 'batcher') {
            gateway.store.runBatcher(gateway.clock.now);
          } else if (event.kind === 'hours') {
            // Across midnight often, and never so long that the gateway forgets.
            gateway.clock.now = Math.min(gateway.clock.now + 7 * HOUR, NOON + 47 * HOUR);
          } else {
            const country = event.kind.slice('upload-'.length);
            const keys = [goodEfgsKey(number++, country, NOON), goodEfgsKey(number++, country, NOON)];
            expect(await post(gateway.ports.get(country)!, keys, `tag ${number}`)).toBe(201);
            if (country !== 'DE') foreign.push(...keys);
          }
        }
        gateway.store.runBatcher(gateway.clock.now);
        await desk.poll(own);
        expect([records(desk.keys), desk.quarantine.size]).toEqual([records(foreign), 0]);
        expect(desk.imports).toBe(desk.imported.size);
      }),
      { seed: 17, numRuns },
    );
  });
});
