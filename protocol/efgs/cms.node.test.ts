import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { issueCertificate } from '../../local-edge/efgs-gateway/pki.ts';
import { goodEfgsKey } from '../../test/support/efgs-arbitraries.ts';
import { readBatchSigner } from './certificate.ts';
import { signDetached, verifyDetached } from './cms.ts';
import { signingBytes } from './signing-bytes.ts';

const NOW = 1_606_392_000;
const CONTENT = signingBytes([goodEfgsKey(1, 'NL', NOW), goodEfgsKey(2, 'NL', NOW)]);
const folder = mkdtempSync(join(tmpdir(), 'efgs-cms-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const content = file('bytes.bin', CONTENT);

describe.for(['ec', 'rsa'] as const)('CMS and openssl, %s', (algorithm) => {
  const made = issueCertificate({ name: 'C=NL, CN=signing', now: NOW, algorithm });

  it('openssl verifies what we sign, and finds one certificate, no list of revoked ones, no content', async ({
    expect,
  }) => {
    const { certificatePem, privateKeyPem } = await made;
    const signer = readBatchSigner(certificatePem, privateKeyPem);
    if (!signer.ok) throw new Error(signer.error);
    const signature = file(`${algorithm}.der`, signDetached(CONTENT, signer.value, NOW));
    const verify = (of: string) =>
      spawnSync('openssl', [
        'cms',
        '-verify',
        '-inform',
        'DER',
        '-in',
        signature,
        '-content',
        of,
        '-noverify',
        '-binary',
      ]);
    const good = verify(content);
    expect([good.status, good.stdout]).toEqual([0, Buffer.from(CONTENT)]);
    expect(verify(file('other.bin', CONTENT.subarray(1))).status).not.toBe(0);
    const text = execFileSync('openssl', ['cms', '-cmsout', '-print', '-inform', 'DER', '-in', signature], {
      encoding: 'utf8',
    });
    expect(text).toContain('eContent: <ABSENT>');
    expect(text).toContain('signingTime');
    expect(text.match(/d\.certificate:/g)).toHaveLength(1);
    expect(text).toMatch(/crls:\s+<ABSENT>/);
  });

  it.for([
    ['with signed attributes', []],
    ['without any', ['-noattr']],
    ['naming the signer by key identifier', ['-keyid']],
    ['by SHA-512', ['-md', 'sha512']],
  ] as const)('we verify what openssl signs, %s', async ([, more], { expect }) => {
    const own = await made;
    const pair = opensslPair(algorithm);
    const out = join(folder, 'openssl.der');
    const args = ['cms', '-sign', '-binary', '-outform', 'DER', '-in', content, '-signer', pair.certificate];
    execFileSync('openssl', [...args, '-inkey', pair.key, '-out', out, ...more], { stdio: 'pipe' });
    expect(verifyDetached(CONTENT, readFileSync(out))).toMatchObject({ ok: true, value: { country: 'NL' } });
    expect(verifyDetached(CONTENT.subarray(1), readFileSync(out)).ok).toBe(false);
    expect(own.thumbprint).toHaveLength(64);
  });

  it.for([
    ['its content inside', ['-nodetach'], 'not-detached'],
    ['no certificate', ['-nocerts'], 'certificates'],
    ['two certificates', ['-certfile', 'EXTRA'], 'certificates'],
    ['SHA-1', ['-md', 'sha1'], 'algorithm'],
  ] as const)('a message with %s is refused', async ([, more, fault], { expect }) => {
    const pair = opensslPair(algorithm);
    const extra = file('extra.pem', (await made).certificatePem);
    const out = join(folder, 'refused.der');
    const args = ['cms', '-sign', '-binary', '-outform', 'DER', '-in', content, '-signer', pair.certificate];
    const options = more.map((option) => (option === 'EXTRA' ? extra : option));
    execFileSync('openssl', [...args, '-inkey', pair.key, '-out', out, ...options], { stdio: 'pipe' });
    expect(verifyDetached(CONTENT, readFileSync(out))).toEqual({ ok: false, error: fault });
  });
});

/** A pair that openssl made itself, so that nothing of ours stands on both sides. */
function opensslPair(algorithm: 'ec' | 'rsa'): { readonly certificate: string; readonly key: string } {
  const [certificate, key] = [join(folder, `openssl-${algorithm}.pem`), join(folder, `openssl-${algorithm}-key.pem`)];
  const kind = algorithm === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['rsa:2048'];
  const args = ['req', '-x509', '-nodes', '-newkey', ...kind, '-keyout', key, '-out', certificate, '-days', '2'];
  execFileSync('openssl', [...args, '-subj', '/C=NL/CN=openssl'], { stdio: 'pipe' });
  return { certificate, key };
}
