/**
 * @module The command line as it is called from outside: a process, its exit code and its output.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { concatBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { gaen } from '../../protocol/generated/gaen-export.js';
import {
  EXPORT_HEADER,
  ExportWriter,
  exportSignature,
  exportZip,
  signatureList,
} from '../../protocol/export/export-file.ts';
import { spkiToPem } from '../../protocol/signing.ts';
import { advertisement, sight } from '../radio/broadcast.ts';
import { formatSightings } from '../radio/sightings-file.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { tamperedFiles } from '../testing/tampered.ts';
import { EXPORT_KEY, exportSigner, manifestSigner, zipOf } from '../testing/timeline.ts';
import { OPTIONS } from './cli.ts';

const CLI = fileURLToPath(new URL('cli.ts', import.meta.url));
const random = testRandom('cli');
const keys = Array.from({ length: 20 }, () => testKey(random));
const { good, bad } = tamperedFiles(keys);
const met = keys[3] ?? testKey(random);
const metAt = (met.rollingStartIntervalNumber + 60) * 600;
const heard = sight(advertisement(met, metAt, { txPower: -10, confidence: 1 }), {
  timestamp: metAt + 20,
  rssi: -60,
  previousScan: 0,
});

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phone-cli-'));
  await writeFile(at('good.zip'), good);
  await writeFile(at('public.pem'), spkiToPem(EXPORT_KEY.publicKeySpki));
  await writeFile(at('other.pem'), spkiToPem(manifestSigner.publicKeySpki));
  await writeFile(at('sightings.json'), formatSightings([heard]));
  await writeFile(at('broken.json'), '[{"rpi": "00"}]');
  await mkdir(at('folder.zip'));
  for (const [i, { zip }] of bad.entries()) await writeFile(at(`bad-${i}.zip`), zip);
});
afterAll(() => rm(folder, { recursive: true }));

function phone(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('phone verify', () => {
  it('ends with 0 for a file that a phone accepts', ({ expect }) => {
    const { status, stdout, stderr } = phone('verify', at('good.zip'), '--public-key', at('public.pem'));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('accepted, region EUR, 2026-05-28T20:26:40Z to 2026-05-28T21:26:40Z, 20 keys, 0 revised');
    const json = phone('verify', at('good.zip'), '--public-key', at('public.pem'), '--key-id', '262', '--json');
    expect(json.status).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({ accepted: true, keys: 20, keyId: '262', keyVersion: 'v1' });
  });

  it('says which of two signatures it took', async ({ expect }) => {
    const message = gaen.TemporaryExposureKeyExport.encode({
      region: 'EUR',
      startTimestamp: 1_780_000_000,
      endTimestamp: 1_780_003_600,
      signatureInfos: ['310', '262'].map((verificationKeyId) => ({ verificationKeyId, verificationKeyVersion: 'v1' })),
    });
    const bin = concatBytes(EXPORT_HEADER, message.finish());
    const list = signatureList(bin, [
      { name: { keyId: '310', keyVersion: 'v1' }, signer: manifestSigner.der },
      { name: { keyId: '262', keyVersion: 'v1' }, signer: exportSigner.der },
    ]);
    await writeFile(at('two.zip'), exportZip(bin, list));
    const { status, stdout } = phone('verify', at('two.zip'), '--public-key', at('public.pem'));
    expect(status).toBe(0);
    expect(stdout).toContain('signed by 262-v1 (signature 2 of 2: Android takes it, iOS looks at the first alone');
  });

  it('ends with 1 and the reason for one that it refuses', ({ expect }) => {
    // Each kind of refusal has its test in phone/download/verify.test.ts; a process a kind is for the longer form.
    for (const [i, { name, kind }] of bad.entries()) {
      // Without the version that is pinned, the one that export.sig names would do.
      const key = ['--public-key', at('public.pem'), '--key-version', 'v1'];
      const { status, stdout } = phone('verify', at(`bad-${i}.zip`), ...key, '--json');
      expect(status, name).toBe(1);
      expect(JSON.parse(stdout), name).toMatchObject({ accepted: false, error: { kind } });
    }
    const other = phone('verify', at('good.zip'), '--public-key', at('other.pem'));
    expect(other).toMatchObject({ status: 1, stdout: '' });
    expect(other.stderr).toContain('refused, signature by key 262-v1 is not valid');
    const pinned = phone('verify', at('good.zip'), '--public-key', at('public.pem'), '--key-id', '310');
    expect(pinned.status).toBe(1);
  });

  it.for([
    { name: 'without a command', args: [] },
    { name: 'with an unknown command', args: ['sign'] },
    { name: 'without a file', args: ['verify', '--public-key', 'public.pem'] },
    { name: 'with two files', args: ['verify', 'a.zip', 'b.zip', '--public-key', 'public.pem'] },
    { name: 'without a public key', args: ['verify', 'good.zip'] },
    { name: 'with an unknown option', args: ['verify', 'good.zip', '--quick'] },
    { name: 'with an option of another command', args: ['verify', 'good.zip', '--sightings', 's.json'] },
    { name: 'with an option that lacks its value', args: ['verify', 'good.zip', '--public-key'] },
    { name: 'to match without sightings', args: ['match', 'good.zip'] },
    { name: 'to match without a file', args: ['match', '--sightings', 's.json'] },
  ])('ends with 2 and the usage when called $name', ({ args }, { expect }) => {
    const { status, stdout, stderr } = phone(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('Usage:');
  });

  it.for([
    { name: 'a file that is not there', file: 'absent.zip', pem: 'public.pem' },
    { name: 'a folder', file: 'folder.zip', pem: 'public.pem' },
    { name: 'a public key that is not there', file: 'good.zip', pem: 'absent.pem' },
    { name: 'a public key that is none', file: 'good.zip', pem: 'sightings.json' },
  ])('ends with 3 for $name', ({ file, pem }, { expect }) => {
    const { status, stdout, stderr } = phone('verify', at(file), '--public-key', at(pem));
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toMatch(/^phone: .+\n$/);
  });

  it('prints how it is called when asked', ({ expect }) => {
    const { status, stdout, stderr } = phone('--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const option of Object.keys(OPTIONS)) expect(stdout).toContain(`--${option}`);
    expect(phone('verify', '--help').stdout).toContain('Usage:');
  });
});

describe('phone keys', () => {
  it('lists what is in a file', ({ expect }) => {
    const { status, stdout } = phone('keys', at('good.zip'));
    expect(status).toBe(0);
    expect(stdout.split('\n')).toHaveLength(keys.length + 3);
    expect(stdout).toContain(toHex(met.keyData));
    const json = JSON.parse(phone('keys', at('good.zip'), '--json').stdout) as { keys: unknown[] };
    expect(json.keys).toEqual(keys.map((key) => ({ ...key, keyData: toHex(key.keyData) })));
  });

  it('refuses what is no export', ({ expect }) => {
    expect(phone('keys', at('public.pem')).status).toBe(1);
  });
});

describe('phone match', () => {
  it('finds the key that was met', ({ expect }) => {
    const args = ['match', at('good.zip'), at('good.zip'), '--sightings', at('sightings.json')];
    const { status, stdout } = phone(...args, '--public-key', at('public.pem'));
    expect(status).toBe(0);
    expect(stdout).toContain(`20 keys (verified), 1 met\n  ${toHex(met.keyData)}: 1 sightings`);
    const json = JSON.parse(phone(...args, '--json').stdout) as { files: { matches: unknown[] }[] };
    expect(json.files.map(({ matches }) => matches.length)).toEqual([1, 1]);
  });

  it('counts no key that one of the files revokes', async ({ expect }) => {
    const window = { startTimestamp: 1_780_000_000, endTimestamp: 1_780_003_600 };
    await writeFile(at('revoked.zip'), zipOf([], window, [{ ...met, reportType: 5 }]));
    const args = [at('good.zip'), at('revoked.zip'), '--sightings', at('sightings.json'), '--json'];
    const json = JSON.parse(phone('match', ...args).stdout) as { files: { keys: number; matches: unknown[] }[] };
    expect(json.files.map(({ keys: count, matches }) => [count, matches.length])).toEqual([
      [20, 0],
      [0, 0],
    ]);
  });

  it('refuses a file that does not verify, and sightings that are none', ({ expect }) => {
    const args = ['match', at('good.zip'), '--sightings', at('sightings.json')];
    expect(phone(...args, '--public-key', at('other.pem')).status).toBe(1);
    const broken = phone('match', at('good.zip'), '--sightings', at('broken.json'));
    expect(broken.status).toBe(3);
    expect(broken.stderr).toContain('sighting 0: rpi must be 16 bytes in hex');
  });

  it('finds the one key that was met among 28,000, in a phone’s fortnight', async ({ expect }) => {
    const count = 28_000;
    const window = { startTimestamp: 1_780_000_000, endTimestamp: 1_780_003_600 };
    const header = { region: 'EUR', keyId: '262', keyVersion: 'v1', ...window };
    const writer = new ExportWriter(header, count);
    writer.add(met);
    for (let i = 1; i < count; i++) writer.add(testKey(random));
    const bin = writer.finish();
    await writeFile(at('large.zip'), exportZip(bin, exportSignature(header, bin, exportSigner.der)));
    // A sighting each five minutes, day and night: strangers all of them, but for the one who was met.
    const strangers = Array.from({ length: 4032 }, (_, i) => ({
      ...heard,
      rpi: Uint8Array.from(random(16)),
      timestamp: metAt - i * 300,
    }));
    await writeFile(at('fortnight.json'), formatSightings([...strangers, heard]));
    const { status, stdout } = phone('match', at('large.zip'), '--sightings', at('fortnight.json'), '--json');
    expect(status).toBe(0);
    const { files } = JSON.parse(stdout) as { files: { matches: { key: { keyData: string } }[] }[] };
    expect(files[0]?.matches.map(({ key }) => key.keyData)).toEqual([toHex(met.keyData)]);
  });
});
