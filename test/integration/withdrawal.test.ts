/**
 * @module A person takes back the keys that they shared, from the phone to what every other phone reads: real Workers, the phone's own code on both sides. One
 * person's keys are published, the other's still wait.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { playWithdraw, type PlaybookPorts } from '../../phone/course/playbook.ts';
import { memoryStore } from '../../phone/store.ts';
import { testRandom } from '../../phone/testing/random.ts';
import { upload } from '../../phone/upload/upload.ts';
import type { SharedKey } from '../../phone/upload/upload-request.ts';
import { type KeptSecret, withSecrets } from '../../phone/upload/withdrawal.ts';
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { parseManifestHead, type ManifestHead, type RevocationPage } from '../../protocol/index/manifest.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { Opening } from '../../protocol/withdrawal.ts';
import { moveClock } from '../../scripts/support/operator.ts';
import { json } from '../conformance/support/http.ts';
import { patientKeys, PATIENTS, payloadOf, START, startSystem, type System } from '../conformance/support/system.ts';

const random = testRandom('withdrawal');
const HOUR = 3600;

let system: System;
let ports: PlaybookPorts;
beforeAll(async () => {
  const vars = { ANSWER_DEADLINE_MS: '0' };
  // So that one hour's reserve is company enough (decision 040).
  const origin = { MIN_KEYS: '20', MIN_UPLOADS: '4', RESERVE_UPLOADS: '4' };
  system = await startSystem({ vars: { upload: vars, verification: vars, origin } });
  const { url } = system.edge;
  ports = { fetch: globalThis.fetch, baseUrl: url, verificationUrl: url, random };
});
afterAll(() => system.edge.dispose());

/** Somebody's phone shares, and keeps what it may take back. */
async function shares(name: string, now: number): Promise<readonly KeptSecret[]> {
  const keys: SharedKey[] = patientKeys(name, now).map(({ keyData, rollingStartIntervalNumber, ...key }) => ({
    keyData: keyData ?? new Uint8Array(),
    rollingStartIntervalNumber: rollingStartIntervalNumber ?? 0,
    rollingPeriod: 144,
    transmissionRiskLevel: key.transmissionRiskLevel,
    daysSinceOnsetOfSymptoms: null,
  }));
  const secrets = memoryStore<readonly KeptSecret[]>();
  const content = await withSecrets(
    { keys, visitedCountries: [], consentToFederation: false, submissionType: 0 },
    { secrets, random, clock: () => now },
  );
  const [tan = ''] = await system.tans(1);
  const stored = await upload(tan, content, ports);
  if (!stored.ok) throw new Error(`upload of ${name}: ${stored.error.kind}`);
  const kept = await secrets.load();
  return kept.ok ? (kept.value ?? []) : [];
}

async function withdraws(openings: readonly Opening[]): Promise<void> {
  const heard = await playWithdraw(openings, ports);
  if (!heard.ok) throw new Error(`withdrawal: ${heard.error.kind}`);
}

/** What a phone that looks now reads: keys, and keys that are revoked. */
async function readNow(): Promise<{ keys: Set<string>; revoked: Set<string> }> {
  const head = parseManifestHead(
    JSON.parse((json(await system.send('/v1/DE/manifest.json')) as { payload: string }).payload),
  );
  if (!head.ok) throw new Error(head.error.rule);
  const { revocations, hours }: ManifestHead = head.value;
  const found = { keys: new Set<string>(), revoked: new Set<string>() };
  const add = async (sha256: string): Promise<void> => {
    const read = readExportZip((await system.send(`/v1/DE/chunks/${sha256}.zip`)).body, null);
    if (!read.ok) throw new Error(read.error.kind);
    for (const { keyData } of read.exportFile.keys) found.keys.add(toHex(keyData));
    for (const { keyData } of read.exportFile.revisedKeys) found.revoked.add(toHex(keyData));
  };
  for (const { sha256 } of hours) await add(sha256);
  if (revocations !== undefined) {
    const page = json(await system.send(`/v1/DE/revocations/${revocations}.json`)) as RevocationPage;
    for (const { chunks } of page.revocations) for (const { sha256 } of chunks) await add(sha256);
  }
  return found;
}

describe('keys that are taken back', () => {
  it('are revoked for who has them when they were published, and never published when they weren’t', async ({
    expect,
  }) => {
    const tans = await system.tans(PATIENTS);
    for (const [n, tan] of tans.entries()) await system.upload(tan, payloadOf(patientKeys(`other ${n}`, START)));
    const anna = await shares('anna', START);
    await moveClock(system.edge.url, START + HOUR);
    const before = await readNow();
    expect(anna.map(({ keyData }) => before.keys.has(toHex(keyData)))).toEqual(anna.map(() => true));
    expect(before.revoked.size).toBe(0);

    const ben = await shares('ben', START + HOUR);
    await withdraws(anna.map(({ keyData, secret }) => ({ keyData, secret })));
    await withdraws(ben.slice(0, 10));
    // Somebody who knows Ben's other keys, and not their secrets.
    await withdraws(ben.slice(10).map(({ keyData }) => ({ keyData, secret: random(32) })));
    await moveClock(system.edge.url, START + 2 * HOUR);
    // Ben's other keys wait for others', at most for so long.
    await moveClock(system.edge.url, START + 9 * HOUR);

    const after = await readNow();
    expect(anna.map(({ keyData }) => after.revoked.has(toHex(keyData)))).toEqual(anna.map(() => true));
    // Of nobody else: but for what was set aside to go with them, none of it a person's.
    const people = [...Array(PATIENTS).keys()].flatMap((n) => patientKeys(`other ${n}`, START));
    expect(people.filter(({ keyData }) => after.revoked.has(toHex(keyData!)))).toEqual([]);
    const published = ben.filter(({ keyData }) => after.keys.has(toHex(keyData)));
    expect(published.map(({ keyData }) => toHex(keyData))).toEqual(ben.slice(10).map(({ keyData }) => toHex(keyData)));
    expect(ben.filter(({ keyData }) => after.revoked.has(toHex(keyData)))).toEqual([]);
  });

  it('are in no log line, nor are their secrets', ({ expect }) => {
    expect(system.log.filter((line) => /withdraw|opening|[0-9a-f]{32}/i.test(line))).toEqual([]);
  });
});
