import { describe, it } from 'vitest';
import { CertificateList } from '../../../local-edge/efgs-gateway/certificate-list.ts';
import { makeAnchor, makeMember, type Member } from '../../../local-edge/efgs-gateway/pki.ts';
import { route, type GatewayParts } from '../../../local-edge/efgs-gateway/routes.ts';
import { GatewayStore } from '../../../local-edge/efgs-gateway/store.ts';
import { DownloadDesk, UploadDesk } from '../../../test/support/efgs-client.ts';
import { goodEfgsKey } from '../../../test/support/efgs-arbitraries.ts';
import { readBatchSigner } from '../../../protocol/efgs/certificate.ts';
import { signingRecord } from '../../../protocol/efgs/signing-bytes.ts';
import { readSettings, type UploadPorts } from './ports.ts';

/** 2020-11-26T12:00:00Z */
const NOON = 1_606_392_000;
const COUNTRIES = ['DE', 'FR', 'NL'] as const;

/** The gateway's own code without its TLS, so that this runs in workerd too: who calls is told instead of proved. */
function inProcess({ country, authentication }: Member, parts: GatewayParts): UploadPorts['fetch'] {
  return async (asked) => {
    const { pathname, searchParams } = new URL(asked.url);
    const { status, headers, body } = await route(
      {
        method: asked.method,
        path: pathname,
        query: searchParams,
        headers: Object.fromEntries(asked.headers),
        body: new Uint8Array(await asked.arrayBuffer()),
      },
      { country, thumbprint: authentication.thumbprint },
      parts,
    );
    return new Response(Uint8Array.from(body), { status, headers: { ...headers } });
  };
}

describe('three countries at one gateway', () => {
  it('each get the others’ keys, verified, once, and none of their own', async ({ expect }) => {
    const anchor = await makeAnchor(NOON);
    const list = new CertificateList(anchor.certificatePem);
    const store = new GatewayStore(2, () => false, 1000);
    const parts = { store, list, now: () => NOON } as unknown as GatewayParts;
    const sent = new Map<string, string[]>();
    const ports = new Map<string, UploadPorts>();
    for (const country of COUNTRIES) {
      const member = await makeMember(anchor, country, NOON);
      list.add(...member.listed);
      const baseUrl = 'https://gateway.example';
      const settings = readSettings({ baseUrl, country, anchor: anchor.certificatePem, revoked: [], maxAgeDays: 2 });
      const signer = readBatchSigner(member.signing.certificatePem, member.signing.privateKeyPem);
      if (!settings.ok || !signer.ok) throw new Error('settings');
      const own: UploadPorts = {
        settings: settings.value,
        signer: signer.value,
        now: () => NOON,
        fetch: inProcess(member, parts),
      };
      ports.set(country, own);
      const keys = Array.from({ length: 20 }, (_, i) => goodEfgsKey(i, country, NOON));
      sent.set(country, keys.map(signingRecord));
      const desk = new UploadDesk(keys);
      await desk.poll(own);
      expect(desk.outbox).toEqual([]);
    }
    store.runBatcher(NOON);
    for (const [country, own] of ports) {
      const desk = new DownloadDesk();
      const { trouble } = await desk.poll(own);
      const others = COUNTRIES.filter((other) => other !== country).flatMap((other) => sent.get(other) ?? []);
      expect([trouble, desk.quarantine.size, desk.keys.map(signingRecord).toSorted()]).toEqual([
        null,
        0,
        others.toSorted(),
      ]);
    }
  });
});
