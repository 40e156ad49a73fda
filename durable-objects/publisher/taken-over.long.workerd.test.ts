/**
 * @module What stands in the public bucket besides what the publisher put there (docs/architecture.md §5.10): foreign objects under its
 * names, lost ones, changed headers, one region that can't be published.
 */
import { beforeEach, describe, it } from 'vitest';
import { headPath, type ManifestHead } from '../../protocol/index/manifest.ts';
import { toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { hourStart } from '../../protocol/gaen/intervals.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, objects, publicJson, testEnv } from './test-rig.ts';

const HOUR = MIDNIGHT / 3600 + 22;
const COUNTRY = 'version/v1/diagnosis-keys/country';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

/** One upload in hour 22; sealed until one hour after midnight, so that an hour, a day, pages and lists stand there. */
async function sealed(): Promise<Record<string, string>> {
  rig.now = hourStart(HOUR);
  await rig.accept('u1', keysOf(1, 4));
  rig.now += 3 * 3600;
  await rig.untilIdle();
  return readers();
}

/** What readers get: hash and headers of each object. */
async function readers(): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const [key, bytes] of await objects(testEnv.PUBLIC)) {
    const { httpMetadata, customMetadata } = (await testEnv.PUBLIC.head(key))!;
    all[key] = JSON.stringify([toHex(sha256(bytes)), httpMetadata, customMetadata]);
  }
  return all;
}

const copies = async (): Promise<string[]> =>
  [...(await objects(testEnv.PRIVATE))].flatMap(([key, bytes]) =>
    key.startsWith('foreign/') ? [new TextDecoder().decode(bytes)] : [],
  );
const counters = async () => (await rig.inPublisher((publisher) => publisher.status())).counters;
const head = async (region: string): Promise<ManifestHead> =>
  JSON.parse(((await publicJson(headPath(region))) as { payload: string }).payload) as ManifestHead;

describe('after everything is published', () => {
  it('whatever is deleted is there again after the next step, with the same bytes and headers', async ({ expect }) => {
    const before = await sealed();
    expect(Object.keys(before).length).toBeGreaterThan(16);
    await testEnv.PUBLIC.delete(Object.keys(before));
    await rig.advance();
    const named = await readers();
    // What no list names any longer, the hours that their day has replaced, isn't made again.
    expect(Object.keys(named).length).toBeGreaterThan(12);
    for (const [key, content] of Object.entries(named)) expect(content, key).toBe(before[key]);
    for (const region of ['DE', 'EUR']) {
      expect(named[headPath(region)]).toBe(before[headPath(region)]);
      for (const list of [`${COUNTRY}/${region}/date`, `${COUNTRY}/${region}/date/2026-06-15`])
        expect(named[list]).toBe(before[list]);
    }
    expect((await counters())['alert_object_lost']).toBe(Object.keys(named).length);
    expect(await copies()).toEqual([]);
  });

  it('something else under any one name is copied, replaced and counted once', async ({ expect }) => {
    const before = await sealed();
    const named = (
      await rig.inPublisherStorage((sql) =>
        sql.exec<{ key: string }>('SELECT key FROM public_object WHERE delete_at IS NULL ORDER BY key').toArray(),
      )
    ).map(({ key }) => key);
    expect(named.length).toBeGreaterThan(12);
    for (const key of named)
      await testEnv.PUBLIC.put(key, utf8(`foreign ${key}`), { sha256: sha256(utf8(`foreign ${key}`)) });
    await rig.advance();
    expect(await readers()).toEqual(before);
    expect((await copies()).toSorted()).toEqual(named.map((key) => `foreign ${key}`).toSorted());
    expect((await counters())['alert_foreign_object']).toBe(named.length);
    await rig.untilIdle();
    expect((await counters())['alert_foreign_object']).toBe(named.length);
  });

  it('our bytes with other headers are not ours: a head that caches would hold for a year', async ({ expect }) => {
    const before = await sealed();
    const bytes = new Uint8Array(await (await testEnv.PUBLIC.get(headPath('DE')))!.arrayBuffer());
    await testEnv.PUBLIC.put(headPath('DE'), bytes, {
      sha256: sha256(bytes),
      httpMetadata: { contentType: 'application/json', cacheControl: 'public, max-age=31536000, immutable' },
    });
    await rig.advance();
    expect(await readers()).toEqual(before);
    expect((await counters())['alert_foreign_object']).toBe(1);
  });

  it('an older head of ours that is put back is replaced; a newer one says that our state was set back, and is left', async ({
    expect,
  }) => {
    await sealed();
    const older = await (await testEnv.PUBLIC.get(headPath('DE')))!.text();
    rig.now += 3600;
    await rig.untilIdle();
    const newer = await (await testEnv.PUBLIC.get(headPath('DE')))!.text();
    await testEnv.PUBLIC.put(headPath('DE'), older);
    await rig.advance();
    expect(await (await testEnv.PUBLIC.get(headPath('DE')))!.text()).toBe(newer);
    // The row of a recovery to a point before the last publication.
    await rig.inPublisherStorage((sql) => {
      sql.exec(
        `UPDATE published_index SET plan = json_set(plan, '$.head', ?, '$.sequence', 1) WHERE region = 'DE'`,
        older,
      );
      sql.exec(`UPDATE public_object SET mark = 'former' WHERE key = ?`, headPath('DE'));
    });
    await rig.advance();
    expect(await (await testEnv.PUBLIC.get(headPath('DE')))!.text()).toBe(newer);
    expect(await counters()).toMatchObject({ alert_state_set_back: 1, alert_not_mended_DE: 1 });
  });
});

describe('a file that can’t be made again', () => {
  it('is counted, and all the rest is mended', async ({ expect }) => {
    const before = await sealed();
    // Part of the record is gone: CWA's day and the day's chunk can't be built in either region, nor can a file of Google's view.
    const [part = ''] = [...(await objects(testEnv.PRIVATE)).keys()].filter((key) => /^sets.*bin$/.test(key));
    await testEnv.PRIVATE.delete(part);
    await testEnv.PUBLIC.delete(Object.keys(before));
    await rig.advance();
    const after = await readers();
    for (const region of ['DE', 'EUR']) {
      for (const name of [headPath(region), `${COUNTRY}/${region}/date`, `${COUNTRY}/${region}/date/2026-06-16/hour`]) {
        expect(after[name], name).toBe(before[name]);
      }
      expect(after).not.toHaveProperty([`${COUNTRY}/${region}/date/2026-06-15`]);
    }
    expect(await counters()).toMatchObject({ alert_not_mended_DE: 2, alert_not_mended_EUR: 2 });
  });
});

describe('before an hour is published', () => {
  it('one foreign byte under every name that will be used stops nothing, in either region', async ({ expect }) => {
    const names = Object.keys(await sealed());
    const expected = await readers();
    rig = await Rig.create();
    for (const key of names) await testEnv.PUBLIC.put(key, new Uint8Array([0xff]));
    await sealed();
    expect(await readers()).toEqual(expected);
    // No UTF-8, which is nothing of ours either.
    expect(await copies()).toEqual(['\u{fffd}']);
    expect((await counters())['alert_foreign_object']).toBeGreaterThan(12);
  });

  it('a head that is gone when the next one is due doesn’t stop it', async ({ expect }) => {
    await sealed();
    const { sequence } = await head('DE');
    await testEnv.PUBLIC.delete([headPath('DE'), headPath('EUR')]);
    rig.now += 3600;
    await rig.untilIdle();
    for (const region of ['DE', 'EUR']) expect((await head(region)).sequence).toBe(sequence + 1);
  });

  it('a foreign object of 3 MB is copied up to 1 MB, and of very many 100 are kept', async ({ expect }) => {
    await sealed();
    await testEnv.PUBLIC.put(headPath('DE'), new Uint8Array(3 * 2 ** 20));
    await rig.advance();
    expect((await copies()).map((text) => text.length)).toEqual([2 ** 20]);
    // The next is beyond the number that is kept.
    for (let n = 0; n < 99; n++) await testEnv.PRIVATE.put(`foreign/${DAY_0 - 14}/${n}`, 'earlier');
    await testEnv.PUBLIC.put(headPath('DE'), 'another');
    await rig.advance();
    expect((await copies()).length).toBe(100);
    expect((await counters())['alert_foreign_object_not_kept']).toBe(1);
    expect((await head('DE')).region).toBe('DE');
    // Copies are forgotten as keys are: they may be old chunks.
    rig.now += 86_400;
    await rig.untilIdle();
    expect((await copies()).map((text) => text.length)).toEqual([2 ** 20]);
  });
});

describe('killed while it replaces what isn’t ours', () => {
  it.for(['before', 'after'] as const)(
    '%s any put, readers end with the same bytes',
    { timeout: 60_000 },
    async (when, { expect }) => {
      const before = await sealed();
      const foreign = [headPath('DE'), `${COUNTRY}/DE/date`, `${COUNTRY}/DE/date/2026-06-15`];
      // The head, the list of days, CWA's day: a copy and a put each.
      for (let failing = 0; failing < 2 * foreign.length; failing++) {
        await testEnv.PRIVATE.delete(
          [...(await objects(testEnv.PRIVATE)).keys()].filter((key) => key.startsWith('foreign/')),
        );
        for (const key of foreign) await testEnv.PUBLIC.put(key, utf8(`foreign ${key}`));
        let n = 0;
        const crash = (): void => {
          n += 1;
          if (n - 1 !== failing) return;
          rig.dead = true;
          throw new Error('killed');
        };
        if (when === 'before') rig.onPut = crash;
        else rig.afterPut = crash;
        await rig.advance().catch(() => {});
        expect(rig.dead, `put ${failing}`).toBe(true);
        await rig.evict();
        rig.onPut = rig.afterPut = () => {};
        await rig.advance();
        expect(await readers(), `put ${failing}`).toEqual(before);
      }
      expect((await copies()).length).toBe(foreign.length);
    },
  );
});

describe('a region that can’t be published', () => {
  it('doesn’t stop the other, is told apart, and catches up', async ({ expect }) => {
    await sealed();
    rig.onPut = (key) => {
      if (key.includes('/DE/')) throw new Error('R2 refuses');
    };
    for (let hour = 0; hour < 3; hour++) {
      rig.now += 3600;
      await rig.accept(`later${hour}`, keysOf(10 + hour, 3));
      await rig.inPublisher((publisher) => publisher.alarm());
    }
    const [de, eur] = [await head('DE'), await head('EUR')];
    expect([de.sequence, eur.sequence]).toEqual([1, 4]);
    const status = await rig.inPublisher((publisher) => publisher.status());
    expect(status.regions.map(({ failing }) => failing)).toEqual([true, false]);
    expect(status.idle).toBe(false);
    // It rests for 1, 3, 7 wakes: two of three wakes tried it.
    expect(status.counters).toMatchObject({ alert_region_failed_DE: 2 });
    expect(await rig.inPublisher((publisher) => publisher.newAlerts())).toEqual({
      alert_region_failed_DE: 2,
      alert_step_failed: 1,
    });
    expect(await rig.inPublisher((publisher) => publisher.newAlerts())).toEqual({});
    rig.onPut = () => {};
    await rig.untilIdle();
    const caughtUp = await head('DE');
    expect(caughtUp.hours.map(({ hour }) => hour)).toEqual(eur.hours.map(({ hour }) => hour));
    expect((await rig.inPublisher((publisher) => publisher.status())).idle).toBe(true);
  });
});
