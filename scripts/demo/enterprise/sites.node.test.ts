/** @module The sites of the enterprise's story, and what they have in common with what is deployed. */
import { describe, it } from 'vitest';
import { parsePeers } from '../../../domain/federation/peer.ts';
import { readEnvironments } from '../../../local-edge/workers.ts';
import { MAX_HOLD_HOURS, MIN_KEYS, MOST_SITES, sitesOf } from './sites.ts';

describe('sites of an enterprise', () => {
  it('are one cluster, each by a name that a peer may have', ({ expect }) => {
    const sites = sitesOf(MOST_SITES);
    expect(sites.map(({ id }) => id)).toEqual(expect.arrayContaining(['SA', 'SZ', 'TA', 'TJ']));
    expect(new Set(sites.map(({ id }) => id)).size).toBe(36);
    expect(new Set(sites.map(({ cluster }) => cluster))).toEqual(new Set(['enterprise']));
    const peers = sites.slice(1).map(({ id }) => ({
      RegionID: id,
      RemoteRegionURL: 'https://peers.example',
      ReplicationType: 'a2a',
      Format: 'exposure-edge',
      VerificationKeys: null,
      TLSConsumerCertificate: 'PEER_CERTIFICATE',
    }));
    expect(parsePeers(JSON.stringify(peers), 'SA')).toMatchObject({ ok: true });
  });

  it('have the minima of wrangler.toml', ({ expect }) => {
    const origin = readEnvironments().find(({ environment }) => environment === 'origin');
    expect(origin?.vars).toMatchObject({ MIN_KEYS: String(MIN_KEYS), MAX_HOLD_HOURS: String(MAX_HOLD_HOURS) });
  });
});
