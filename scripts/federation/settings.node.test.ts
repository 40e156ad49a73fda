/** @module What a backend of a local federation is configured with, read as its Workers read it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { parsePeers } from '../../domain/federation/peer.ts';
import { parseGateway, parseDeskConfig } from '../../durable-objects/peer-desk/config.ts';
import { makeAnchor, makeMember } from '../../local-edge/efgs-gateway/pki.ts';
import { makePlan } from './plan.ts';
import { settingsOf } from './settings.ts';

const dir = mkdtempSync(join(tmpdir(), 'federation-settings-'));
afterAll(() => rmSync(dir, { recursive: true }));
const NOW = Math.floor(Date.now() / 1000);

describe('settings of a backend', () => {
  it('name each peer as the paper has it, all-to-all inside the cluster', async ({ expect }) => {
    const regions = [
      { id: 'DE', cluster: 'eu' },
      { id: 'NL', cluster: 'eu' },
      { id: 'XA', cluster: 'enterprise' },
    ];
    const plan = await makePlan(join(dir, 'plan'), regions, NOW);
    const [de, , site] = plan.backends.map((own) => settingsOf(plan, own));
    const HintURL = `https://127.0.0.1:${plan.backends[1]?.feedPort}/v1/hints`;
    const peers = parsePeers(de?.vars['federation']?.['PEERS'] ?? '', 'DE');
    expect(peers).toMatchObject({
      ok: true,
      value: [
        { RegionID: 'NL', ReplicationType: 'a2a', Format: 'exposure-edge', VerificationKeys: null, HintURL },
        { RegionID: 'XA', ReplicationType: 'partial', Format: 'dp3t', VerificationKeys: null },
      ],
    });
    expect(de?.vars['origin']?.['PEER_FEEDS']).toBe('a2a,NL,XA');
    expect(de?.vars['origin']?.['IMPORT_REGIONS']).toBe('NL,XA');
    expect(site?.vars['origin']?.['PEER_FEEDS']).toBe('DE,NL');
  });

  it('let any gateway stand in, by its address and files; who has none there is no member', async ({ expect }) => {
    const anchor = await makeAnchor(NOW);
    const { authentication, signing } = await makeMember(anchor, 'DE', NOW);
    const folder = mkdtempSync(join(dir, 'gateway-'));
    const write = (name: string, content: string): void => writeFileSync(join(folder, name), content);
    write('trust-anchor.pem', anchor.certificatePem);
    write('DE-authentication.pem', authentication.certificatePem);
    write('DE-authentication-key.pem', authentication.privateKeyPem);
    write('DE-signing.pem', signing.certificatePem);
    write('DE-signing-key.pem', signing.privateKeyPem);
    const regions = ['DE', 'NL'].map((id) => ({ id, cluster: 'eu' }));
    const plan = await makePlan(join(dir, 'members'), regions, NOW);
    const gateway = { url: 'https://gateway.example/efgs', folder, maxAgeDays: 3 };
    const [de, nl] = plan.backends.map((own) => settingsOf(plan, own, { gateway }));
    const env = de?.vars['federation'] ?? {};
    const peer = parseDeskConfig(env).peers.find(({ Format }) => Format === 'efgs');
    if (peer === undefined) throw new Error('the gateway is no peer');
    expect(parseGateway(env, peer, 'DE').settings).toMatchObject({
      baseUrl: gateway.url,
      country: 'DE',
      maxAgeDays: 3,
    });
    expect(de?.certificates[peer.TLSConsumerCertificate]).toEqual({
      cert: authentication.certificatePem,
      key: authentication.privateKeyPem,
    });
    expect(nl?.peers).toEqual(['DE']);
    expect(parseDeskConfig(nl?.vars['federation'] ?? {}).peers).toHaveLength(1);
  });
});
