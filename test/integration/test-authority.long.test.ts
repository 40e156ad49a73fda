/**
 * @module `npm start`: its own health authority is in force; one for tools that publish without a certificate is if, and only if, `--allow-test-authority` is said.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { composeWorkers } from '../../local-edge/compose.ts';
import { drawTestAuthority, TEST_AUTHORITY_ID } from '../../local-edge/test-authority.ts';
import { toBase64 } from '../../protocol/primitives/bytes.ts';
import { AuthorityPortal } from '../../scripts/support/authorities.ts';
import { setClock } from '../../scripts/support/operator.ts';
import { OWN_APP, startWithAuthorities } from '../../scripts/support/local-authorities.ts';

const VARS = { upload: { ANSWER_DEADLINE_MS: '0' } };
const state = mkdtempSync(join(tmpdir(), 'exposure-edge-test-authority-'));
afterAll(() => rmSync(state, { recursive: true, force: true }));

/** What a tool hears that publishes without a certificate. */
async function publish(url: string, healthAuthorityID: string, byte: number): Promise<[status: number, said: object]> {
  const rollingStartNumber = Math.floor(Date.now() / 86_400_000 - 2) * 144;
  const key = {
    key: toBase64(new Uint8Array(16).fill(byte)),
    rollingStartNumber,
    rollingPeriod: 144,
    transmissionRisk: 0,
  };
  const response = await fetch(`${url}/v1/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ temporaryExposureKeys: [key], healthAuthorityID, padding: 'AAAA' }),
  });
  const { padding: _, ...said } = (await response.json()) as Record<string, unknown>;
  return [response.status, said];
}
const idsOf = async (url: string): Promise<string[]> =>
  (await new AuthorityPortal(url).status()).authorities.map(({ id }) => id);

describe('npm start', () => {
  it('lets tools publish without a certificate where that is allowed, and at the next start not any more', async ({
    expect,
  }) => {
    const allowed = await startWithAuthorities({ state, vars: VARS, onLog: () => undefined }, true);
    try {
      // The clock stands still, so that no hour ends meanwhile: the same keys are the same certificate within one.
      await setClock(allowed.url, Math.floor(Date.now() / 3_600_000) * 3600);
      expect(await idsOf(allowed.url)).toEqual([OWN_APP, TEST_AUTHORITY_ID]);
      const first = await publish(allowed.url, 'test', 1);
      expect(first).toMatchObject([200, { insertedExposures: 1 }]);
      expect(await publish(allowed.url, 'TEST', 1)).toEqual(first);
      expect(await publish(allowed.url, OWN_APP, 2)).toMatchObject([200, { insertedExposures: 1 }]);
      expect(await publish(allowed.url, 'another', 3)).toMatchObject([401, { code: 'unknown_health_authority_id' }]);
    } finally {
      await allowed.dispose();
    }
    const plain = await startWithAuthorities({ state, vars: VARS, onLog: () => undefined }, false);
    try {
      expect(await idsOf(plain.url)).toEqual([OWN_APP]);
      expect(await publish(plain.url, 'test', 4)).toMatchObject([401, { code: 'unknown_health_authority_id' }]);
      expect(await publish(plain.url, OWN_APP, 5)).toMatchObject([
        401,
        { code: 'health_authority_verification_certificate_invalid' },
      ]);
    } finally {
      await plain.dispose();
    }
  });

  it('hands nothing to sign with to what is deployed, whatever was said', async ({ expect }) => {
    const testAuthority = drawTestAuthority('DE').signer;
    const names = async (entries: 'local' | 'deployed'): Promise<string[]> =>
      (await composeWorkers({ secrets: {}, vars: {}, smsOutbox: '', entries, testAuthority }))
        .filter(({ bindings }) => 'TEST_AUTHORITY' in (bindings ?? {}))
        .map(({ name }) => String(name));
    expect([await names('local'), await names('deployed')]).toEqual([['exposure-edge-upload'], []]);
  });
});
