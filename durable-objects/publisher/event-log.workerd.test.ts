import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, it as itBoth } from 'vitest';
import { logKey, type LogEvent } from '../../domain/event-log/entry.ts';
import { verifyLog, verifyObjects, type LogReport } from '../../domain/event-log/verify.ts';
import { fromUtf8, toBase64Url, toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { itLong, itUsual as it, usualOrLong } from '../../test/support/longer.ts';
import defaults from '../../parameters/default.json' with { type: 'json' };
import type { ParameterStore } from '../parameter-store/parameter-store-do.ts';
import { MIDNIGHT, Rig, keysOf, objects, publicJson, testEnv } from './test-rig.ts';

const { LOG_SIGNING_KEY, PARAMETER_STORE } = testEnv as unknown as {
  readonly LOG_SIGNING_KEY: string;
  readonly PARAMETER_STORE: DurableObjectNamespace<ParameterStore>;
};
const KEYS = [signerFromPkcs8Pem(LOG_SIGNING_KEY).publicKeySpki];
const HOUR = MIDNIGHT / 3600 + 10;

/** Entries of one hour in two regions; all of them in the longer form. */
const KILLED = (['before', 'after'] as const).flatMap((when) =>
  usualOrLong({ usual: [4], long: [3, 4, 5, 6, 7] }).map((sequence) => [when, sequence] as const),
);

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

/** The log and the records that it names, read from the bucket. */
async function readAll(): Promise<{ report: LogReport; findings: string[]; text: string }> {
  const all = [...(await objects(testEnv.PRIVATE))];
  const log = all.filter(([name]) => name.startsWith('log/'));
  const report = verifyLog(
    log.map(([name, bytes]) => ({ name, text: fromUtf8(bytes) })),
    KEYS,
  );
  const records = all.filter(([name]) => /^(sets|openings|issues|quarantine|taken)\//.test(name));
  const hashes = new Map(records.map(([name, bytes]) => [name, toBase64Url(sha256(bytes))]));
  const findings = [...report.findings, ...verifyObjects(report, hashes)].map(
    ({ rule, object }) => `${rule} ${object}`,
  );
  return { report, findings, text: log.map(([, bytes]) => fromUtf8(bytes)).join('\n') };
}

const events = (report: LogReport): LogEvent[] => report.entries.map(({ entry }) => entry.event);
const kinds = (report: LogReport): string[] => events(report).map(({ kind }) => kind);

/** An hour with keys, sealed. */
async function sealHour(issueId: string | null = 'c8c9d3c0e6f0b4d5e9a512f64a3e1b7aa'): Promise<void> {
  await rig.accept('u1', keysOf(1, 14), ['DE'], { issueId });
  await rig.accept('u2', keysOf(2, 3));
  await rig.untilIdle();
  rig.now += 3600;
  await rig.untilIdle();
}

describe('the event log', () => {
  it('says what an hour became, before any head names it', async ({ expect }) => {
    const puts: string[] = [];
    rig.onPut = (key) => void puts.push(key);
    await sealHour();
    const { report, findings } = await readAll();
    expect(findings).toEqual([]);
    const regionHour = ['written', 'published'];
    expect(kinds(report).slice(0, 7)).toEqual(['region', 'region', 'recorded', ...regionHour, ...regionHour]);
    const ofHead = report.entries.find(({ entry: { event } }) => event.kind === 'published')!;
    expect(puts.indexOf(ofHead.object)).toBeLessThan(puts.indexOf('v1/DE/manifest.json'));
    const { payload } = (await publicJson('v1/DE/manifest.json')) as { payload: string };
    const [head] = events(report).filter((event) => event.kind === 'published' && event.region === 'DE');
    expect(head).toMatchObject({
      hour: HOUR,
      sequence: 1,
      payloadSha256: toBase64Url(sha256(utf8(payload))),
      hours: [HOUR],
    });
    expect(report.objects.size).toBeGreaterThan(3);
  });

  itBoth.for(KILLED)(
    'killed %s entry %i is put: no entry twice, none left out',
    async ([when, sequence], { expect }) => {
      // Sealed ids are other bytes in each deployment.
      await sealHour(null);
      const whole = (await readAll()).text;
      rig = await Rig.create();
      let killed = 0;
      const kill = (key: string): void => {
        if (killed > 0 || key !== logKey(sequence)) return;
        killed += 1;
        rig.dead = true;
        throw new Error('killed');
      };
      if (when === 'before') rig.onPut = kill;
      else rig.afterPut = kill;
      await sealHour(null).catch(() => undefined);
      expect(killed).toBe(1);
      await rig.evict();
      rig.now = (HOUR + 1) * 3600;
      await rig.untilIdle();
      const { report, findings, text } = await readAll();
      expect(findings).toEqual([]);
      expect(text).toBe(whole);
      expect(report.entries.map(({ entry }) => entry.sequence)).toEqual(report.entries.map((_, i) => i + 1));
    },
  );

  it('holds no key, no issue id, and no time finer than the hour', async ({ expect }) => {
    await sealHour();
    rig.now += 1234;
    await rig.untilIdle();
    const { text } = await readAll();
    for (const { keyData } of [...keysOf(1, 14), ...keysOf(2, 3)]) {
      expect(text).not.toContain(toHex(keyData));
      expect(text).not.toContain(toBase64Url(keyData));
    }
    expect(text).not.toContain('8c9d3c0e');
    const seconds = [...text.matchAll(/\b1[78]\d{8}\b/g)].map(([found]) => Number(found));
    expect(seconds.length).toBeGreaterThan(0);
    for (const second of seconds) expect(second % 3600).toBe(0);
  });

  itLong('goes on over midnights, says what goes, forgets its own beginning, and stays whole', async ({ expect }) => {
    rig.policy = { ...rig.policy, retentionDays: 1 };
    await sealHour();
    for (let day = 0; day < 5; day++) {
      rig.now += 86_400;
      await rig.accept(`day ${day}`, keysOf(10 + day, 1, Math.floor(rig.now / 86_400) - 1));
      await rig.untilIdle();
    }
    const { report, findings } = await readAll();
    expect(findings).toEqual([]);
    expect(events(report).findLast((event) => event.kind === 'purge')?.objects).toBeGreaterThan(0);
    // Three days and what came since are kept, and of the days before them the checkpoints.
    expect(report.keptFrom).toBeGreaterThan(1);
    const early = report.entries.filter(({ entry }) => entry.sequence < report.keptFrom);
    expect(early.length).toBeGreaterThan(0);
    for (const { entry } of early) expect(entry.event.kind).toBe('checkpoint');
  });

  it('says each version of the parameters once', async ({ expect }) => {
    await rig.untilIdle();
    await runInDurableObject(PARAMETER_STORE.getByName('parameters'), async (store, { storage }) => {
      const request = { document: JSON.stringify(defaults), audience: null, dryRun: false };
      expect(await store.publishParameters(request, 0)).toMatchObject({ version: 1 });
      await storage.deleteAlarm();
    });
    await rig.untilIdle();
    await rig.untilIdle();
    const { report, findings } = await readAll();
    expect(findings).toEqual([]);
    expect(events(report).filter(({ kind }) => kind === 'parameters')).toMatchObject([
      { version: 1, action: 'publish' },
    ]);
  });

  it('begins a region that is added with its first hour', async ({ expect }) => {
    await sealHour();
    await rig.inPublisher(async (publisher) => {
      const tunable = publisher as unknown as { config: { regions: string[] } };
      tunable.config = { ...tunable.config, regions: ['DE', 'EUR', 'FR'] };
      while (!(await publisher.advance()).idle);
    });
    const { report, findings } = await readAll();
    expect(findings).toEqual([]);
    expect(events(report).filter(({ kind }) => kind === 'region')).toMatchObject([
      { region: 'DE', hour: HOUR },
      { region: 'EUR', hour: HOUR },
      { region: 'FR', hour: HOUR + 1 },
    ]);
  });

  it('that somebody else wrote stops what would be published without it', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 14));
    await rig.untilIdle();
    await testEnv.PRIVATE.put('log/0000000003.json', 'not ours');
    rig.now += 3600;
    await expect(rig.untilIdle()).rejects.toThrow('log/0000000003.json holds other bytes');
    expect(await testEnv.PUBLIC.get('v1/DE/manifest.json')).toBeNull();
    await testEnv.PRIVATE.delete('log/0000000003.json');
    await rig.untilIdle();
    expect((await readAll()).findings).toEqual([]);
  });
});
