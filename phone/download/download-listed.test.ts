/**
 * @module What a host must not get away with in Google's and DP-3T's formats, as far as these let it be noticed (docs/spec/google.md §3.6, docs/spec/europe.md §2.1).
 */
import { describe, it } from 'vitest';
import { RegionPublisher } from '../../test/support/region-publisher.ts';
import { hourOf, hourStart } from '../../protocol/gaen/intervals.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import type { Fetch } from '../http.ts';
import { memoryStore } from '../store.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { type Dp3tState, isDp3tState, syncDp3t } from './download-dp3t.ts';
import { type GoogleState, isGoogleState, syncGoogleIndex } from './download-google.ts';

const URL_OF = 'https://keys.ch.example';
const HOUR = 3600;
const random = testRandom('listed');

/** A host, and a phone that reads it. */
class Scene {
  readonly publisher: RegionPublisher;
  readonly google = memoryStore<GoogleState>();
  readonly dp3t = memoryStore<Dp3tState>();
  /** What is served in place of the publisher's; null: nothing. */
  readonly served = new Map<string, Uint8Array | null>();
  /** Instant whose answers are served; null: now. */
  frozen: number | null = null;
  keys = 0;
  now = hourStart(hourOf(Date.UTC(2026, 8, 21, 9) / 1000)) + 600;

  constructor(format: 'google' | 'dp3t') {
    this.publisher = new RegionPublisher('CH', format, URL_OF, 3);
  }

  publish(): void {
    this.publisher.publish(this.now - HOUR, [testKey(random)]);
  }

  async sync() {
    const { keyId, keyVersion, exportSpki, region } = this.publisher;
    const fetch: Fetch = async (url) => {
      await Promise.resolve();
      const path = new URL(url).pathname.slice(1);
      const own = this.served.has(path) ? this.served.get(path) : this.publisher.at(path, this.frozen ?? this.now);
      if (own === null || own === undefined) return new Response(null, { status: 404 });
      const { bytes, headers } = 'bytes' in own ? own : { bytes: own, headers: {} };
      return new Response(new Uint8Array(bytes), { headers: { ...headers } });
    };
    const common = {
      fetch,
      baseUrl: URL_OF,
      region,
      clock: () => this.now,
      exportKey: [{ keyId, keyVersion, publicKeySpki: exportSpki }],
      onFile: ({ exportFile }: { exportFile: { keys: readonly unknown[] } }) =>
        void (this.keys += exportFile.keys.length),
    };
    return this.publisher.format === 'google'
      ? syncGoogleIndex({ ...common, store: this.google })
      : syncDp3t({ ...common, store: this.dp3t });
  }
}

describe('DP-3T’s feed', () => {
  it('is read in order, each batch once', async ({ expect }) => {
    const scene = new Scene('dp3t');
    for (let hour = 0; hour < 3; hour++) {
      scene.publish();
      scene.now += HOUR;
    }
    expect(await scene.sync()).toMatchObject({ files: 3, errors: [] });
    expect(await scene.sync()).toMatchObject({ files: 0, requests: 1, errors: [] });
    scene.publish();
    expect(await scene.sync()).toMatchObject({ files: 1, errors: [] });
    expect(scene.keys).toBe(4);
  });

  it('that withholds a batch stops there, until it has it or 14 days are over', async ({ expect }) => {
    const scene = new Scene('dp3t');
    scene.publish();
    await scene.sync();
    scene.now += HOUR;
    scene.publish();
    scene.now += HOUR;
    scene.publish();
    scene.served.set('v2/gaen/exposed/2', null);
    expect(await scene.sync()).toMatchObject({ files: 0, errors: [{ kind: 'status', status: 404 }] });
    scene.now += 14 * 86_400;
    expect(await scene.sync()).toMatchObject({ files: 1, errors: [] });
  });

  it('is refused: answers of before, of another path, unsigned, or fewer than there were', async ({ expect }) => {
    const scene = new Scene('dp3t');
    scene.publish();
    await scene.sync();
    scene.frozen = scene.now;
    scene.now += 3 * HOUR;
    expect((await scene.sync()).errors).toMatchObject([{ kind: 'answer-signature', rule: 'expired' }]);
    scene.frozen = scene.now - 4 * HOUR;
    expect((await scene.sync()).errors).toMatchObject([{ kind: 'answer-signature' }]);
    scene.frozen = null;
    scene.publish();
    scene.served.set('v2/gaen/exposed/2', utf8('anything'));
    expect((await scene.sync()).errors).toMatchObject([{ kind: 'answer-signature', rule: 'malformed' }]);
    await scene.dp3t.save({ region: 'CH', last: 9, at: scene.now });
    expect((await scene.sync()).errors).toMatchObject([{ kind: 'bad-list' }]);
  });
});

describe('Google’s index', () => {
  it('is a set of files, each taken once; what isn’t listed any more is forgotten', async ({ expect }) => {
    const scene = new Scene('google');
    scene.publish();
    scene.now += HOUR;
    scene.publish();
    expect(await scene.sync()).toMatchObject({ files: 2, errors: [] });
    expect(await scene.sync()).toMatchObject({ files: 0, requests: 1, errors: [] });
    scene.now += 15 * 86_400;
    scene.publish();
    expect(await scene.sync()).toMatchObject({ files: 1, errors: [] });
    const kept = await scene.google.load();
    expect(kept.ok && kept.value?.had.length).toBe(1);
  });

  it('with a file that is gone has the others, and asks for it again', async ({ expect }) => {
    const scene = new Scene('google');
    scene.publish();
    scene.now += HOUR;
    scene.publish();
    const gone = new TextDecoder().decode(scene.publisher.at('index.txt', scene.now) as Uint8Array).split('\n')[0]!;
    scene.served.set(gone, null);
    expect(await scene.sync()).toMatchObject({ files: 1, errors: [{ kind: 'status' }] });
    scene.served.clear();
    expect(await scene.sync()).toMatchObject({ files: 1, errors: [] });
  });

  it('has a batch in two files: each is taken, with the keys that are in range', async ({ expect }) => {
    const scene = new Scene('google');
    scene.served.set('index.txt', utf8('1-2-00001.zip\n1-2-00002.zip'));
    for (const num of [1, 2]) {
      const keys = [testKey(random), { ...testKey(random), rollingPeriod: 145 }];
      scene.served.set(`1-2-0000${num}.zip`, scene.publisher.part(keys, { num, size: 2 }));
    }
    expect(await scene.sync()).toMatchObject({ files: 2, errors: [] });
    expect(scene.keys).toBe(2);
  });

  it.for(['../secret.zip', 'https://elsewhere.example/x.zip', 'a b.zip', '<html>'])(
    'that names %s is refused',
    async (name, { expect }) => {
      const scene = new Scene('google');
      scene.served.set('index.txt', utf8(name));
      expect(await scene.sync()).toMatchObject({ files: 0, errors: [{ kind: 'bad-list' }] });
    },
  );
});

describe('what is read from disk', () => {
  it('is told from anything else', ({ expect }) => {
    expect([{ region: 'CH', had: ['a'] }, { region: 'CH', had: [1] }, null].map(isGoogleState)).toEqual([
      true,
      false,
      false,
    ]);
    expect([{ region: 'CH', last: 1, at: 2 }, { region: 'CH', last: 1 }, 3].map(isDp3tState)).toEqual([
      true,
      false,
      false,
    ]);
  });
});
