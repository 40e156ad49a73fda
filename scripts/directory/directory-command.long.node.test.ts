/** @module The commands of docs/directory.md, typed as it says, with the exit codes that scripts rely on. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { ROOT } from '../../local-edge/workers.ts';

const folder = mkdtempSync(join(tmpdir(), 'exposure-edge-directory-command-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** @returns what `npm run directory` said, in the folder */
function directory(line: string): Promise<Ended> {
  const args = [join(ROOT, 'scripts/directory.ts'), ...line.split(' ')];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

const ISSUED_BY = (name: string) => `--issuer-certificate keys/${name}.pem --issuer-key keys/${name}.key`;
const AS = (name: string) => `--policy policy.json --certificate keys/${name}.pem --key keys/${name}.key`;
const PUBLISH = 'publish --policy policy.json --key keys/log.secret';
const WITNESS = (name: string) => `witness --policy policy.json --key keys/${name}.secret --state ${name}.sqlite`;
const VERIFY = 'verify --policy policy.json --state seen.json';

describe('docs/directory.md', () => {
  it('works as it is written', async ({ expect }) => {
    const done = async (line: string): Promise<string> => {
      const { code, out, err } = await directory(line);
      expect({ line, code, err }).toEqual({ line, code: 0, err: '' });
      return out;
    };
    await done('certificate --level root --out keys/root');
    await done(`certificate --level cluster --cluster eu ${ISSUED_BY('root')} --out keys/eu`);
    await done(`certificate --level region --region DE --cluster eu ${ISSUED_BY('eu')} --out keys/DE`);
    await done(`certificate --level tls --region DE --cluster eu ${ISSUED_BY('eu')} --out keys/DE-tls`);
    await done('keys --type log --name directory.example/gaen --out keys/log');
    for (const name of ['w1', 'w2']) await done(`keys --type witness --name ${name}.example --out keys/${name}`);
    for (const name of ['root.key', 'DE.key', 'log.secret', 'w1.secret']) {
      expect(statSync(join(folder, 'keys', name)).mode & 0o777, name).toBe(0o600);
    }
    writeFileSync(
      join(folder, 'draft.json'),
      JSON.stringify({
        origin: 'directory.example/gaen',
        logKeys: ['keys/log.pub'],
        roots: ['keys/root.pem'],
        witnesses: ['keys/w1.pub', 'keys/w2.pub'],
        threshold: 2,
        maxAgeSeconds: 86_400,
      }),
    );
    await done('policy draft.json --out policy.json');
    // The example of the document, with the two keys that aren't made here.
    const text = readFileSync(join(ROOT, 'docs/directory.md'), 'utf8');
    const [, example = ''] = /```json\n(\{\n {2}"regionId"[^`]+)```/.exec(text) ?? [];
    writeFileSync(join(folder, 'de.json'), example);
    for (const key of ['DE-export', 'DE-manifest']) {
      writeFileSync(join(folder, `keys/${key}.pem`), readFileSync(join(ROOT, 'test/vectors/enserver-public.pem')));
    }
    await done(`add de.json ${AS('DE')}`);
    expect(await done(PUBLISH)).toContain('1 entries wait: checkpoint: 0 of 2 witnesses');
    expect(await done(WITNESS('w1'))).toMatch(/^— w1\.example /);
    await done(WITNESS('w2'));
    await done(PUBLISH);
    expect(await done(VERIFY)).toContain('DE (eu, phase 1): https://feed.example/, 1 certificates, statement 1');

    const taken = `revoke --region DE --cluster eu --revoked keys/DE.pem ${AS('eu')}`;
    expect(await done(`${taken} --dry-run`)).toContain('nothing was written');
    await done(taken);
    for (const line of [PUBLISH, WITNESS('w1'), WITNESS('w2'), PUBLISH]) await done(line);
    const refused = await directory(`${VERIFY} --json`);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.out)).toMatchObject({ size: 2, entries: [], problems: [{ level: 'withheld' }] });

    const again = await directory(`add de.json ${AS('DE')}`);
    expect(again).toMatchObject({
      code: 1,
      err: expect.stringContaining('with a certificate that was revoked before'),
    });
    expect(await directory('keys --name log.example --out keys/log')).toMatchObject({ code: 1, out: '' });
    expect(await directory('publish')).toMatchObject({ code: 2, err: expect.stringContaining('--policy: is missing') });
    expect(await directory('certificate --level root --region DE --out x')).toMatchObject({ code: 2 });
  });
});
