import { describe, it } from 'vitest';
import { Callbacks, isPrivateAddress } from './callbacks.ts';
import type { Batch } from './store.ts';

const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  'peer.example': ['203.0.113.5'],
  'inside.example': ['203.0.113.5', '10.0.0.1'],
};
const batch = (number: number): Batch => ({ tag: `20201126-${number}`, date: '2020-11-26', next: null });

/** Subscribers that answer as told. */
function callbacks(answers: () => boolean) {
  const called: string[] = [];
  const addresses: Record<string, readonly string[]> = { ...ADDRESSES };
  const service = new Callbacks({
    resolve: async (host) => addresses[host] ?? [],
    call: async (url) => {
      called.push(url);
      return answers();
    },
  });
  return { service, called, addresses };
}

describe('where the gateway calls (docs/spec/europe.md §3.6)', () => {
  it.for([
    ['https://peer.example/efgs', true],
    ['https://203.0.113.5/efgs', true],
    ['http://peer.example/efgs', false],
    ['https://peer.example/efgs?x=1', false],
    ['https://peer.example/efgs?', false],
    ['https://nobody.example/', false],
    ['https://inside.example/', false],
    ['https://127.0.0.1/', false],
    ['https://169.254.169.254/latest', false],
    ['https://[::1]/', false],
    ['https://[fe80::1]/', false],
    ['https://[::ffff:10.0.0.1]/', false],
    ['', false],
  ] as const)('%s: %s', async ([url, allowed], { expect }) => {
    const { service } = callbacks(() => true);
    expect(await service.put('NL', 'id', url)).toBe(allowed);
    expect(service.of('NL')).toEqual(allowed ? [{ callbackId: 'id', url }] : []);
  });

  it.for([
    ['10.255.0.1', true],
    ['172.31.0.1', true],
    ['172.32.0.1', false],
    ['fdff::1', true],
    ['2001:db8::1', false],
  ] as const)('%s is private: %s', ([address, isPrivate], { expect }) => {
    expect(isPrivateAddress(address)).toBe(isPrivate);
  });

  it('an id put again is the same subscription; each country has its own; one that isn’t there can’t go', async ({
    expect,
  }) => {
    const { service } = callbacks(() => true);
    for (let i = 0; i < 3; i++) {
      await service.put('NL', 'id', 'https://peer.example/efgs');
    }
    expect(service.of('NL')).toHaveLength(1);
    expect(service.of('DE')).toEqual([]);
    expect([service.remove('DE', 'id'), service.remove('NL', 'id'), service.remove('NL', 'id')]).toEqual([
      false,
      true,
      false,
    ]);
  });
});

describe('calls', () => {
  it('come in order, and one that fails holds back those behind it', async ({ expect }) => {
    let up = false;
    const { service, called } = callbacks(() => up);
    await service.put('NL', 'id', 'https://peer.example/efgs');
    service.note(batch(1));
    service.note(batch(2));
    await service.run(0);
    await service.run(299);
    expect(called).toEqual(['https://peer.example/efgs?batchTag=20201126-1&date=2020-11-26']);
    up = true;
    await service.run(300);
    expect(called.slice(1)).toEqual([
      'https://peer.example/efgs?batchTag=20201126-1&date=2020-11-26',
      'https://peer.example/efgs?batchTag=20201126-2&date=2020-11-26',
    ]);
    await service.run(600);
    expect(called).toHaveLength(3);
  });

  it('five tries after the first fail, 300 s apart, and the subscription is gone', async ({ expect }) => {
    const { service, called } = callbacks(() => false);
    await service.put('NL', 'id', 'https://peer.example/efgs');
    service.note(batch(1));
    for (let now = 0; now < 3000; now += 100) {
      await service.run(now);
    }
    expect(called).toHaveLength(6);
    expect(service.of('NL')).toEqual([]);
    service.note(batch(2));
    await service.run(4000);
    expect(called).toHaveLength(6);
  });

  it('a name that moved to a private address is called no more', async ({ expect }) => {
    const { service, called, addresses } = callbacks(() => true);
    await service.put('NL', 'id', 'https://peer.example/efgs');
    service.note(batch(1));
    addresses['peer.example'] = ['192.168.1.1'];
    await service.run(0);
    expect([called, service.of('NL')]).toEqual([[], []]);
  });
});
