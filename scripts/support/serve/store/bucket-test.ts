/**
 * @module Does an S3 service do what these Workers rely on? Each row is tried on the real service, by the calls that the gateway makes, under a prefix of its
 * own that is removed again. Most fakes and some services take `If-None-Match` without a word and overwrite all the same: those fail here.
 */
import { createHash, randomBytes } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { Bucket } from './bucket.ts';
import { type R2Object, s3Key } from './mapping.ts';
import { type R2CallOf, R2Failure } from './r2-call.ts';
import { type Store, storeError } from './s3.ts';

/** One row of the table. */
export interface Row {
  readonly name: string;
  /** Null: it holds; else what was seen in its place. */
  readonly fault: string | null;
}

/** What did not hold. */
class Broken extends Error {}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Broken(otherwise);
}

type PutFields = Partial<Pick<R2CallOf<'put'>, 'httpFields' | 'customFields' | 'onlyIf'>>;
const IF_ABSENT: PutFields = { onlyIf: { etagDoesNotMatch: [{ type: 'wildcard' }] } };
const ifMatches = (value: string): PutFields => ({ onlyIf: { etagMatches: [{ type: 'strong', value }] } });

/** As many at once as R2 was tried with (docs/spec/platform.md §1.3). */
const AT_ONCE = 5;
/** A race that a service loses now and then must be seen. */
const ROUNDS = 20;
const MAX_CLOCK_DIFFERENCE_MS = 60_000;

/** A bucket under a prefix, with values as texts. */
class Probe {
  readonly #store: Store;
  readonly bucket: Bucket;
  readonly prefix: string;

  constructor(store: Store, name: string) {
    this.#store = store;
    this.bucket = new Bucket(store, name);
    this.prefix = `exposure-edge-test-${randomBytes(6).toString('hex')}/`;
  }

  put(key: string, value: string, fields: PutFields = {}): Promise<R2Object | null> {
    const call = { version: 1 as const, method: 'put' as const, object: this.prefix + key };
    return this.bucket.put({ httpFields: {}, customFields: [], ...call, ...fields }, Buffer.from(value));
  }

  async create(key: string, value = key): Promise<R2Object> {
    const put = await this.put(key, value);
    if (put === null) throw new Broken('a put without a condition was refused');
    return put;
  }

  head(key: string): Promise<R2Object | null> {
    return this.bucket.head(this.prefix + key);
  }

  async get(key: string, options: Partial<Pick<R2CallOf<'get'>, 'range' | 'onlyIf'>> = {}) {
    const got = await this.bucket.get({ version: 1, method: 'get', object: this.prefix + key, ...options });
    return got && { ...got, text: got.body === null ? null : Buffer.from(got.body as Uint8Array).toString() };
  }

  /** All keys below `under`, read by pages of `limit`. */
  async list(under: string, limit: number, include: (0 | 1)[] = []): Promise<R2Object[]> {
    const objects: R2Object[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.bucket.list({
        version: 1,
        method: 'list',
        newRuntime: true,
        prefix: this.prefix + under,
        include,
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      objects.push(...page.objects);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return objects;
  }

  delete(...keys: string[]): Promise<void> {
    return this.bucket.delete(keys.map((key) => this.prefix + key));
  }

  /** A put whose checksum isn't that of its bytes, past the gateway, which would refuse it itself. @returns the store's status */
  async putDamaged(key: string): Promise<number | null> {
    const wrong = createHash('sha256').update('other bytes').digest('base64');
    const command = new PutObjectCommand({
      Bucket: this.bucket.name,
      Key: s3Key(this.prefix + key),
      Body: 'bytes',
      ChecksumSHA256: wrong,
    });
    try {
      await this.#store.writer.send(command);
      return null;
    } catch (error) {
      return storeError(error).status;
    }
  }
}

const META: PutFields = {
  httpFields: { contentType: 'application/json', cacheControl: 'public, max-age=60', cacheExpiry: 4_102_444_800_000 },
  customFields: [
    { k: 'of', v: 'plain' },
    { k: 'Größe', v: ' mixed Case, Umlaute, trailing ' },
  ],
};
const sameFields = (a: R2Object | null | undefined, b: R2Object): boolean =>
  JSON.stringify([a?.httpFields, a?.customFields]) === JSON.stringify([b.httpFields, b.customFields]);

/** @returns how many of those that came at once were taken, over all rounds that had not exactly one */
async function races(race: (round: number) => Promise<(R2Object | null)[]>): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const won = (await race(round)).filter((put) => put !== null).length;
    must(won === 1, `round ${round + 1} of ${ROUNDS}: ${won} of ${AT_ONCE} were taken`);
  }
}
const each = <T>(make: (one: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, (_, one) => make(one)));

const ROWS: Readonly<Record<string, (probe: Probe) => Promise<void>>> = {
  'what was put is read at once, replaced too': async (probe) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const put = await probe.create('read', `value ${round}`);
      must((await probe.head('read'))?.etag === put.etag, 'head told another ETag than the put');
      must((await probe.get('read'))?.text === `value ${round}`, 'get sent other bytes');
    }
  },
  'an object of no bytes': async (probe) => {
    await probe.create('empty', '');
    must((await probe.get('empty'))?.length === 0 && (await probe.head('empty'))?.size === 0, 'it had some');
  },
  'create if absent: one that is there stays': async (probe) => {
    must((await probe.put('new', 'first', IF_ABSENT)) !== null, 'it was refused although nothing was there');
    must((await probe.put('new', 'second', IF_ABSENT)) === null, 'a second one was taken');
    must((await probe.get('new'))?.text === 'first', 'the second one lies there');
  },
  [`create if absent: ${AT_ONCE} at once, one is taken`]: async (probe) => {
    await races(async (round) => {
      const puts = await each((one) => probe.put(`race/${round}`, `by ${one}`, IF_ABSENT));
      const won = puts.findIndex((put) => put !== null);
      must((await probe.get(`race/${round}`))?.text === `by ${won}`, 'bytes of one that was refused lie there');
      return puts;
    });
  },
  'compare and swap: another ETag, and none, are refused': async (probe) => {
    const first = await probe.create('swap', 'first');
    const second = await probe.put('swap', 'second', ifMatches(first.etag));
    must(second !== null, 'the right ETag was refused');
    must((await probe.put('swap', 'third', ifMatches(first.etag))) === null, 'an old ETag was taken');
    must((await probe.get('swap'))?.text === 'second', 'what was refused lies there');
    must((await probe.put('never', 'x', ifMatches(first.etag))) === null, 'an object was made where none was');
    must((await probe.head('never')) === null, 'what was refused lies there');
  },
  [`compare and swap: ${AT_ONCE} at once, one is taken`]: async (probe) => {
    let { etag } = await probe.create('swaps', 'start');
    await races(async (round) => {
      const puts = await each((one) => probe.put('swaps', `round ${round} by ${one}`, ifMatches(etag)));
      etag = puts.find((put) => put !== null)?.etag ?? etag;
      const lies = await probe.get('swaps');
      must(lies?.object.etag === etag, 'an object of one that was refused lies there');
      return puts;
    });
  },
  'ETags: the same in put, head, get and list; another for other bytes': async (probe) => {
    const [one, two] = [await probe.create('tags/1', 'one'), await probe.create('tags/2', 'two')];
    const [listed] = await probe.list('tags/1', 10);
    const told = [(await probe.head('tags/1'))?.etag, (await probe.get('tags/1'))?.object.etag, listed?.etag];
    must(
      told.every((etag) => etag === one.etag),
      `${one.etag} was told as ${told.join(', ')}`,
    );
    must(one.etag !== two.etag, 'two contents have one');
  },
  'SHA-256: verified at the put': async (probe) => {
    const status = await probe.putDamaged('damaged');
    must(status !== null && status >= 400 && status < 500, `other bytes were answered ${status ?? 'as good'}`);
    must((await probe.head('damaged')) === null, 'what was refused lies there');
  },
  'SHA-256: told by head and get': async (probe) => {
    const put = await probe.create('digest', 'some bytes');
    const told = [(await probe.head('digest'))?.checksums['2'], (await probe.get('digest'))?.object.checksums['2']];
    must(
      told.every((digest) => digest === put.checksums['2']),
      'it was not, or another one',
    );
  },
  'metadata: kept as it was given, and replaced as a whole': async (probe) => {
    const put = await probe.put('meta', 'x', META);
    must(put !== null && sameFields(await probe.head('meta'), put), 'head told other metadata');
    must(put !== null && sameFields((await probe.get('meta'))?.object, put), 'get told other metadata');
    const bare = await probe.create('meta', 'y');
    must(sameFields(await probe.head('meta'), bare), 'the next object has some of the one before');
  },
  'ranges: in the middle, past the end, behind the end': async (probe) => {
    const { etag } = await probe.create('range', '0123456789');
    const part = async (offset: number, length: number) =>
      await probe.get('range', {
        range: { offset, length },
        onlyIf: { etagMatches: [{ type: 'strong', value: etag }] },
      });
    const middle = await part(2, 3);
    must(middle?.text === '234' && middle.object.size === 10, `2 to 4 was ${middle?.text} of ${middle?.object.size}`);
    must((await part(8, 100))?.text === '89', 'one past the end was not cut');
    const behind = await part(10, 1).catch((error: unknown) => error);
    must(behind instanceof R2Failure && behind.status === 416, 'one behind the end was no error');
  },
  'reads with a condition: unchanged, and changed since': async (probe) => {
    const { etag } = await probe.create('if', 'bytes');
    const unchanged = await probe.get('if', { onlyIf: { etagDoesNotMatch: [{ type: 'strong', value: etag }] } });
    must(unchanged?.body === null && unchanged.object.etag === etag, 'the bytes were sent again');
    const changed = await probe.get('if', { onlyIf: { etagMatches: [{ type: 'strong', value: 'another' }] } });
    must(changed?.body === null, 'the bytes of another object were sent');
  },
  'listings: what was put and deleted, at once, by prefix, in order, in pages': async (probe) => {
    const keys = ['list/a', 'list/a-1', 'list/a/b', 'list/b', 'list/ö', 'lisu'];
    for (const key of keys) await probe.create(key);
    const wanted = keys.slice(0, -1).map((key) => probe.prefix + key);
    const sorted = wanted.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const found = (await probe.list('list/', 2)).map(({ name }) => name);
    must(
      JSON.stringify(found) === JSON.stringify(sorted),
      `found ${found.length} of ${sorted.length}, or another order`,
    );
    await probe.delete('list/a');
    must((await probe.list('list/', 2)).length === sorted.length - 1, 'one that was deleted is listed');
  },
  'deletions: many at once, and of what is not there': async (probe) => {
    await probe.create('gone/1');
    await probe.create('gone/2');
    await probe.delete('gone/1', 'gone/2', 'gone/never');
    must((await probe.head('gone/1')) === null && (await probe.get('gone/2')) === null, 'one is still there');
    must((await probe.put('gone/1', 'again', IF_ABSENT)) !== null, 'a name that was deleted is not free');
  },
  'the clock: told with each answer, a minute from ours at most': async (probe) => {
    const put = await probe.create('clock');
    const difference = Math.abs(put.uploaded - Date.now());
    must(difference <= MAX_CLOCK_DIFFERENCE_MS, `it is ${Math.round(difference / 1000)} s from ours`);
  },
};

/** Rows that `npm run serve` tries at each start: without them two hours could be published as one. */
export const AT_START: readonly string[] = Object.keys(ROWS).filter((name) =>
  /^(create if absent|compare and swap)/.test(name),
);

/**
 * @param store that is tried
 * @param name of the bucket, which must exist
 * @param rows which; all when left out
 * @param onRow hears of each as it is done
 * @returns all rows; those behind one at which the store could not be reached are not tried and say so
 */
export async function testBucket(
  store: Store,
  name: string,
  rows: readonly string[] = Object.keys(ROWS),
  onRow: (done: number, of: number) => void = () => undefined,
): Promise<Row[]> {
  const probe = new Probe(store, name);
  const results: Row[] = [];
  try {
    // Else each row would say it.
    await probe.bucket.clock();
    for (const row of rows) {
      results.push({ name: row, fault: await faultOf(() => ROWS[row]?.(probe)) });
      onRow(results.length, rows.length);
    }
  } catch (error) {
    const why = `the bucket was not reached: ${(error as Error).message}`;
    return rows.map((row) => ({ name: row, fault: why }));
  }
  const left = await faultOf(async () => {
    const objects = await probe.list('', 1_000);
    await probe.bucket.delete(objects.map((object) => object.name));
  });
  // What was made here is removed by the calls that were tried.
  if (left !== null) results.push({ name: 'the objects of this test are removed', fault: left });
  return results;
}

async function faultOf(holds: () => Promise<void> | undefined): Promise<string | null> {
  try {
    await holds();
    return null;
  } catch (error) {
    if (error instanceof Broken || error instanceof R2Failure) return error.message;
    throw error;
  }
}
