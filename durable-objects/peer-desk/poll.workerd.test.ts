/** @module A desk and its peer: what comes in once, what doesn't come in, and what a peer that misbehaves costs. */
import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { EXPORT_HEADER } from '../../protocol/export/export-file.ts';
import { concatBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { PEER_URL, peerKeys } from '../../test/support/peer-feed.ts';
import { DeskRig, NOON } from '../../test/support/desk-rig.workerd.ts';

let rig: DeskRig;
beforeEach(async () => {
  rig = await DeskRig.create();
});

const keys = (first: number, count = 5) => peerKeys(first, count, NOON);
const hex = (first: number, count = 5): string[] => keys(first, count).map(({ keyData }) => toHex(keyData));

describe('a peer’s feed', () => {
  it('is read batch by batch, each once, and then when the peer says', async ({ expect }) => {
    rig.feed.seal(keys(1));
    rig.feed.seal(keys(10), keys(1, 1));
    const { state, fault, nextPoll, batches } = await rig.poll();
    expect([rig.origin.keys, fault, state.lastBatchID, state.failures]).toEqual([
      [...hex(1), ...hex(10)],
      null,
      '2',
      0,
    ]);
    expect(rig.origin.batches.get('NL 2')!.revoked).toEqual(hex(1, 1));
    expect(batches.map(({ batch, state: is, keys: n, revoked }) => [batch, is, n, revoked])).toEqual([
      ['2', 'imported', 5, 1],
      ['1', 'imported', 5, 0],
    ]);
    expect(nextPoll! - rig.now).toBeGreaterThan(3500);
    rig.feed.seal(keys(20));
    expect((await rig.poll()).state.lastBatchID).toBe('3');
    expect(rig.origin.calls).toBe(3);
    expect(rig.feed.asked.filter((path) => path === '/v1/a2a/keys/1')).toHaveLength(1);
  });

  it('of our region is read where the peer is outside our cluster', async ({ expect }) => {
    rig.config = { ...rig.config, ReplicationType: 'partial' };
    rig.feed.seal(keys(1));
    await rig.poll();
    expect([rig.origin.keys, rig.feed.asked]).toEqual([hex(1), ['/v1/DE/keys', '/v1/DE/keys/1', '/v1/DE/keys']]);
  });

  it('of many hours is taken a dozen a poll', async ({ expect }) => {
    for (let n = 0; n < 30; n++) rig.feed.seal(keys(n * 10));
    expect((await rig.poll()).state.lastBatchID).toBe('30');
    expect(rig.origin.keys).toHaveLength(150);
  });

  it('that begins later than we are is gone on with: what went has had its time', async ({ expect }) => {
    for (let n = 0; n < 5; n++) rig.feed.seal(keys(n * 10));
    rig.feed.oldest = 4;
    expect((await rig.poll()).state.lastBatchID).toBe('5');
    expect(rig.origin.keys).toEqual([...hex(30), ...hex(40)]);
  });

  it('that is empty for days is no failure', async ({ expect }) => {
    for (let day = 0; day < 5; day++) {
      const { fault, state } = await rig.poll(86_400);
      expect([fault, state.failures, state.lastBatchID]).toEqual([null, 0, null]);
    }
  });
});

describe('a crash', () => {
  it('between the import and the cursor asks again, and nothing comes twice', async ({ expect }) => {
    rig.feed.seal(keys(1));
    rig.origin.after = () => {
      throw new Error('the connection broke');
    };
    const { fault, state, batches } = await rig.poll();
    expect([fault, state.lastBatchID, state.failures, batches]).toEqual(['here: the connection broke', null, 1, []]);
    rig.origin.after = () => {};
    expect((await rig.poll()).state.lastBatchID).toBe('1');
    expect([rig.origin.calls, rig.origin.keys]).toEqual([2, hex(1)]);
  });

  it('before the import leaves nothing', async ({ expect }) => {
    rig.feed.seal(keys(1));
    rig.origin.before = () => {
      throw new Error('out of reach');
    };
    expect((await rig.poll()).state.lastBatchID).toBeNull();
    rig.origin.before = () => {};
    await rig.poll();
    expect(rig.origin.keys).toEqual(hex(1));
  });

  it('in between, and a batch that is another by then: set aside, and the next ones are read', async ({ expect }) => {
    rig.feed.seal(keys(1));
    rig.origin.after = () => {
      throw new Error('crash');
    };
    await rig.poll();
    rig.origin.after = () => {};
    rig.feed.batches[0] = { keys: keys(100), revoked: [] };
    rig.feed.seal(keys(10));
    const { batches, state } = await rig.poll();
    expect(batches.map(({ batch, state: is, reason }) => [batch, is, reason])).toEqual([
      ['2', 'imported', null],
      ['1', 'quarantined', 'conflict'],
    ]);
    expect([state.lastBatchID, rig.origin.keys]).toEqual(['2', [...hex(1), ...hex(10)]]);
  });
});

describe('a feed that isn’t as it should be', () => {
  const bent = (path: string, answer: (good: Response) => Response | Promise<Response>) => {
    rig.feed.bend = async (asked, make) => (asked === path ? answer(make()) : make());
  };
  const body = async (good: Response): Promise<Uint8Array> => new Uint8Array(await good.arrayBuffer());
  const document =
    (change: object) =>
    (good: Response): Promise<Response> =>
      good.json<object>().then((said) => rig.feed.signed('/v1/a2a/keys', rig.feed.json({ ...said, ...change })));

  it.for<[name: string, fault: string, bend: () => void]>([
    ['skips a number', 'gap: 3', () => bent('/v1/a2a/keys/3', () => new Response(null, { status: 404 }))],
    ['goes back', 'rewound: 1 after 2', () => (rig.feed.latest = 1)],
    ['has no document', 'status: 404', () => bent('/v1/a2a/keys', () => new Response(null, { status: 404 }))],
    ['refuses us', 'status: 403', () => bent('/v1/a2a/keys', () => new Response(null, { status: 403 }))],
    [
      'sends us elsewhere',
      'status: 302',
      () => bent('/v1/a2a/keys', () => Response.redirect('https://elsewhere.example', 302)),
    ],
    [
      'is another region’s by its own word',
      'format: another feed',
      () => bent('/v1/a2a/keys', document({ region: 'IT' })),
    ],
    ['is another feed by its own word', 'format: another feed', () => bent('/v1/a2a/keys', document({ feed: 'DE' }))],
    ['is withheld: an old document', 'signature: expired', () => bent('/v1/a2a/keys', document({ validUntil: NOON }))],
    [
      'isn’t signed',
      'signature: malformed',
      () => bent('/v1/a2a/keys/3', async (good) => new Response(await body(good))),
    ],
    [
      'has the signature of another batch',
      'signature: url',
      () => bent('/v1/a2a/keys/3', () => rig.feed.answer('/v1/a2a/keys/2')),
    ],
    [
      'was changed on its way',
      'signature: hash',
      () =>
        bent('/v1/a2a/keys/3', async (good) => {
          const bytes = await body(good);
          bytes[40]! ^= 1;
          return new Response(bytes, good);
        }),
    ],
    [
      'is signed for another feed',
      'signature: feed',
      () =>
        bent('/v1/a2a/keys/3', async (good) => rig.feed.signed('/v1/a2a/keys/3', await body(good), rig.now + 60, 'IT')),
    ],
    [
      'is signed for a time that is over',
      'signature: expired',
      () => bent('/v1/a2a/keys/3', async (good) => rig.feed.signed('/v1/a2a/keys/3', await body(good), rig.now)),
    ],
    [
      'answers with another region’s keys under its own signature',
      'format: keys of another region',
      () => bent('/v1/a2a/keys/3', () => rig.feed.signed('/v1/a2a/keys/3', rig.feed.zip(rig.feed.batches[2]!, 'IT'))),
    ],
    [
      'is no file',
      'format: ',
      () => bent('/v1/a2a/keys/3', () => rig.feed.signed('/v1/a2a/keys/3', new Uint8Array(100))),
    ],
    ['doesn’t answer', 'network: no answer', () => bent('/v1/a2a/keys/3', () => Promise.reject(new Error('timeout')))],
    [
      'is cut off',
      'network: no answer',
      () =>
        bent('/v1/a2a/keys/3', (good) => {
          const cut = new ReadableStream<Uint8Array>({
            start: (controller) => controller.enqueue(new Uint8Array(100)),
            pull: (controller) => controller.error(new Error('cut off')),
          });
          return new Response(cut, good);
        }),
    ],
    [
      'goes on and on',
      'format: more than 16000000 bytes',
      () =>
        bent('/v1/a2a/keys/3', (good) => {
          const endless = new ReadableStream<Uint8Array>({
            pull: (controller) => controller.enqueue(new Uint8Array(1_000_000)),
          });
          return new Response(endless, good);
        }),
    ],
  ])(
    '%s: nothing of it comes in, it is asked later and later, and it goes on once it is right',
    async ([, fault, bend], { expect }) => {
      rig.feed.seal(keys(1));
      rig.feed.seal(keys(10));
      await rig.poll();
      rig.feed.seal(keys(20));
      rig.now += 3660;
      rig.feed.now = rig.now;
      bend();
      const waits: number[] = [];
      for (let n = 1; n <= 3; n++) {
        const told = await rig.poll(n === 1 ? 0 : 3600);
        expect(told.fault).toMatch(new RegExp(`^${fault.replace('(', '\\(')}`));
        expect([told.state.failures, told.state.lastBatchID, rig.origin.keys.length]).toEqual([n, '2', 10]);
        waits.push(told.nextPoll! - rig.now);
      }
      expect(waits[2]).toBeGreaterThan(waits[0]!);
      rig.feed.latest = null;
      rig.feed.bend = async (_path, answer) => answer();
      const { state } = await rig.poll();
      expect([state.failures, state.lastBatchID, rig.origin.keys]).toEqual([
        0,
        '3',
        [...hex(1), ...hex(10), ...hex(20)],
      ]);
    },
  );

  it('repeats itself: what is known is `origin`’s to leave out, and the numbers go on', async ({ expect }) => {
    rig.feed.seal(keys(1));
    rig.feed.seal(keys(1));
    expect((await rig.poll()).state.lastBatchID).toBe('2');
  });

  it('has bad keys: they are dropped one by one, by their rule, and the others come in', async ({ expect }) => {
    const [good, short, future, own, ...rest] = keys(1, 6);
    rig.feed.seal([
      good!,
      { ...short!, keyData: short!.keyData.subarray(0, 15) },
      { ...future!, rollingStartIntervalNumber: future!.rollingStartIntervalNumber + 30 * 144 },
      { ...own!, rollingPeriod: 0 },
      ...rest,
      good!,
    ]);
    const { batches } = await rig.poll();
    expect(batches[0]).toMatchObject({ keys: 3, dropped: { 'key-length': 1, future: 1, period: 1, twice: 1 } });
    expect(rig.origin.keys).toEqual([hex(1, 6)[0], ...hex(1, 6).slice(4)]);
  });

  it.for<[name: string, answer: (asked: Request) => Promise<Response>]>([
    [
      'hangs',
      (asked) =>
        new Promise((_, reject) => asked.signal.addEventListener('abort', () => reject(asked.signal.reason as Error))),
    ],
    [
      'drips',
      async () => {
        const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          controller.enqueue(new Uint8Array(1));
        };
        return new Response(new ReadableStream({ pull }));
      },
    ],
  ])('%s: the desk hangs up, and the object goes on', async ([, answer], { expect }) => {
    await rig.inDesk(async (desk) => {
      delete (desk as unknown as Record<string, unknown>)['peerFetch'];
      Object.assign((desk as unknown as { variables: object }).variables, { PEER_CERTIFICATE: { fetch: answer } });
      Object.assign(desk, { answerMs: 20 });
      await desk.advance('NL');
      expect((await desk.status('NL')).fault).toBe('network: no answer');
    });
  });
});

it('one peer that never answers holds up no other', async ({ expect }) => {
  rig.feed.seal(keys(1));
  const other = await DeskRig.beside(rig, 'IT');
  const peer = { answers: false };
  let over = false;
  // A plain flag: a promise of another object's can't be settled from here.
  other.ask = async () => {
    while (!peer.answers) await new Promise((resolve) => setTimeout(resolve, 10));
    return new Response(null, { status: 503 });
  };
  const waiting = other.poll().then(() => (over = true));
  expect((await rig.poll()).state.lastBatchID).toBe('1');
  expect(over).toBe(false);
  peer.answers = true;
  await waiting;
  expect((await other.status()).fault).toBe('status: 503');
});

describe('a breaker', () => {
  const usual = async (): Promise<void> => {
    for (let day = 0; day < 4; day++) {
      rig.feed.seal(peerKeys(day * 1000, 600, rig.now));
      await rig.poll(86_400);
    }
  };

  it('sets a batch aside that is a hundred times as large, and reads on', async ({ expect }) => {
    await usual();
    rig.feed.seal(peerKeys(100_000, 60_000, rig.now));
    rig.feed.seal(peerKeys(9000, 10, rig.now));
    const { batches, state, counters } = await rig.poll();
    expect(batches.slice(0, 2).map(({ batch, state: is, keys: n }) => [batch, is, n])).toEqual([
      ['6', 'imported', 10],
      ['5', 'quarantined', 60_000],
    ]);
    expect([state.breaker, counters['alert_batch_quarantined'], rig.origin.batches.size]).toEqual(['ratio', 1, 5]);
  });

  it('is overruled by a person, or isn’t; what isn’t the same any more can’t be released', async ({ expect }) => {
    await usual();
    for (const first of [100_000, 200_000, 300_000]) rig.feed.seal(peerKeys(first, 10_000, rig.now));
    await rig.poll();
    rig.feed.batches[5] = { keys: peerKeys(7, 10_000, rig.now), revoked: [] };
    const told = await rig.inDesk(async (desk) => [
      await desk.release('NL', '5'),
      await desk.release('NL', '5'),
      await desk.release('NL', '6'),
      await desk.discard('7'),
      await desk.discard('7'),
      await desk.release('NL', '7'),
    ]);
    expect(told).toEqual([
      { kind: 'released', imported: 10_000 },
      { kind: 'none' },
      { kind: 'changed' },
      true,
      false,
      { kind: 'none' },
    ]);
    expect([...rig.origin.batches.keys()].slice(-1)).toEqual(['NL 5']);
    expect((await rig.status()).state.breaker).toBeNull();
  });

  it('that two persons overruled leaves the peer its whole share of that day', async ({ expect }) => {
    await usual();
    rig.feed.seal(peerKeys(100_000, 6_100, rig.now));
    await rig.poll();
    expect(await rig.inDesk((desk) => desk.release('NL', '5'))).toMatchObject({ kind: 'released' });
    rig.feed.seal(peerKeys(9000, 10, rig.now));
    expect((await rig.poll()).batches.find(({ batch }) => batch === '6')?.state).toBe('imported');
  });

  /** `origin` takes nothing of the peer, and what it sends is set aside. */
  const setAside = async (batches: number): Promise<void> => {
    rig.origin.refuses.add('NL');
    for (let n = 0; n < batches; n++) rig.feed.seal(keys(n * 10, 1));
    await rig.poll();
    rig.origin.refuses.clear();
  };

  it('is not overruled of a batch that was thrown away while the peer was asked for it', async ({ expect }) => {
    await setAside(1);
    const told = await rig.inDesk(async (desk) => {
      rig.feed.bend = async (path, answer) => {
        if (path.endsWith('/1')) await desk.discard('1');
        return answer();
      };
      return desk.release('NL', '1');
    });
    expect([told, rig.origin.batches.size]).toEqual([{ kind: 'none' }, 0]);
  });

  it('that `origin` can’t be told of is said, and gone on with later', async ({ expect }) => {
    await setAside(1);
    rig.origin.before = () => {
      throw new Error('out of reach');
    };
    expect(await rig.inDesk((desk) => desk.release('NL', '1'))).toEqual({ kind: 'fault', what: 'here: out of reach' });
    rig.origin.before = () => {};
    expect(await rig.inDesk((desk) => desk.release('NL', '1'))).toMatchObject({ kind: 'released' });
  });

  it('sets a file of more keys than fit an isolate aside unread', async ({ expect }) => {
    rig.feed.seal(keys(1));
    rig.feed.seal([]);
    rig.feed.seal(keys(10));
    // Two bytes a key: 800 KB, and each would be an object.
    const many = new Uint8Array(2 * 400_200);
    for (let at = 0; at < many.length; at += 2) many[at] = 0x3a;
    const path = '/v1/a2a/keys/2';
    rig.feed.bend = async (asked, answer) =>
      asked === path ? rig.feed.signed(path, rig.feed.zipOf(concatBytes(EXPORT_HEADER, many))) : answer();
    const { batches, state } = await rig.poll();
    expect(batches.map(({ batch, state: is, keys: n }) => [batch, is, n])).toEqual([
      ['3', 'imported', 5],
      ['2', 'quarantined', 400_200],
      ['1', 'imported', 5],
    ]);
    expect([state.breaker, await rig.inDesk((desk) => desk.release('NL', '2'))]).toEqual([
      'keys-per-batch',
      { kind: 'fault', what: '400200 keys are more than are read' },
    ]);
  });

  it('with ten batches set aside that nobody looks at reads on once their keys had their time', async ({ expect }) => {
    await setAside(14);
    const full = await rig.status();
    expect(full.state).toMatchObject({ lastBatchID: '10', breaker: 'quarantine-full' });
    // Nobody is asked meanwhile: it gets late, and an operator hears of it.
    const later = await rig.poll(86_400);
    expect([later.lastSuccessHour, later.state.breaker]).toEqual([full.lastSuccessHour, 'quarantine-full']);
    await rig.poll(17 * 86_400);
    expect((await rig.poll()).state).toMatchObject({ lastBatchID: '14', breaker: null });
  });

  it('with ten batches set aside stops reading until somebody has looked', async ({ expect }) => {
    await usual();
    for (let n = 0; n < 14; n++) rig.feed.seal(peerKeys(100_000 + n * 10_000, 6_000, rig.now));
    expect((await rig.poll()).state).toMatchObject({ lastBatchID: '14', breaker: 'quarantine-full' });
    expect((await rig.poll()).state.lastBatchID).toBe('14');
    await rig.inDesk((desk) => desk.discard('5'));
    expect((await rig.poll()).state.lastBatchID).toBe('15');
  });
});

it('what is remembered of batches goes with their keys, and none of it is a key', async ({ expect }) => {
  rig.feed.seal(keys(1));
  await rig.poll();
  const rows = await runInDurableObject(rig.desk, (_desk, { storage }) =>
    ['desk_state', 'read_batch', 'counter'].map((table) =>
      JSON.stringify(storage.sql.exec(`SELECT * FROM ${table}`).toArray()),
    ),
  );
  for (const key of hex(1)) expect(rows.join().toLowerCase()).not.toContain(key);
  expect((await rig.poll(15 * 86_400)).batches).toHaveLength(1);
  expect((await rig.poll(2 * 86_400)).batches).toEqual([]);
  expect(rig.config.RemoteRegionURL).toBe(PEER_URL);
});
