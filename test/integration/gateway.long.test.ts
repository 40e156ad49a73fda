/**
 * @module A batch of the European gateway, taken back as people do it, with all Workers and the gateway's double over mTLS: it comes in of two countries, one of them still waits, two operators agree on the portal's page, and the
 * next hour lists as REVOKED what was published and has none of what waited. What the same countries sent in another batch stays.
 */
import { afterAll, beforeAll, it } from 'vitest';
import { startGateway, type Gateway } from '../../local-edge/efgs-gateway/gateway.ts';
import { tlsFetch } from '../../local-edge/efgs-gateway/tls-fetch.ts';
import { withCertificates } from '../../local-edge/mutual-tls/certificate-binding.ts';
import { signBatch } from '../../protocol/efgs/batch-signature.ts';
import { encodeBatch, type EfgsKey, PROTOBUF_MEDIA_TYPE } from '../../protocol/efgs/batch.ts';
import { INTERVALS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { moveClock } from '../../scripts/support/operator.ts';
import { START, startSystem, type System } from '../conformance/support/system.ts';
import { goodEfgsKey } from '../support/efgs-arbitraries.ts';
import { signerOf } from '../support/efgs-signer.ts';
import { names, publishedKeys, revokedKeys } from '../support/published.ts';

const HOUR = 3600;
/** Nothing waits for company. */
const OPEN = { IMPORT_REGIONS: 'FR,NL', MIN_KEYS: '0', MIN_UPLOADS: '0', RESERVE_UPLOADS: '0' };
const TAG = '20261124-1';
let gateway: Gateway;
let system: System;
let now = START;

beforeAll(async () => {
  gateway = await startGateway({ countries: ['DE', 'FR', 'NL'], now: () => now, everyMs: null });
  const { authentication, signing } = gateway.members.get('DE')!;
  const peer = {
    RegionID: 'EU',
    RemoteRegionURL: gateway.url,
    ReplicationType: 'partial',
    Format: 'efgs',
    VerificationKeys: null,
    TLSConsumerCertificate: 'PEER_CERTIFICATE',
  };
  const federation = {
    PEERS: JSON.stringify([peer]),
    EFGS_SETTINGS: JSON.stringify({ anchor: gateway.anchor.certificatePem, visitedCountries: ['FR', 'NL'] }),
    EFGS_SIGNING_CERTIFICATE: signing.certificatePem,
    EFGS_SIGNING_KEY: signing.privateKeyPem,
  };
  const { certificatePem: cert, privateKeyPem: key } = authentication;
  const identity = { cert, key, ca: gateway.serverCertificatePem };
  system = await startSystem({
    vars: { federation, origin: OPEN },
    adapt: withCertificates('federation', { PEER_CERTIFICATE: identity }),
  });
});
afterAll(async () => {
  await system.edge.dispose();
  await gateway.close();
});

const keys = (first: number, country: string): EfgsKey[] =>
  Array.from({ length: 4 }, (_, n) => goodEfgsKey(first + n, country, START));

/** A country uploads, and the gateway makes a batch of it when `last`. */
async function upload(country: string, some: readonly EfgsKey[], last = false): Promise<void> {
  const { authentication, signing } = gateway.members.get(country)!;
  const { certificatePem: cert, privateKeyPem: key } = authentication;
  const answer = await tlsFetch({ cert, key, ca: gateway.serverCertificatePem })(
    new Request(`${gateway.url}/diagnosiskeys/upload`, {
      method: 'POST',
      headers: {
        'content-type': PROTOBUF_MEDIA_TYPE,
        batchTag: `${country}-${names(some)[0]}`,
        batchSignature: signBatch(some, signerOf(signing), now),
      },
      body: Uint8Array.from(encodeBatch(some)),
    }),
  );
  if (answer.status !== 201) throw new Error(`upload: ${answer.status}`);
  if (last) gateway.runBatcher();
}

interface Desk {
  advance(region: string): Promise<{ readonly idle: boolean }>;
}

/** The desk polls, and polls again, until nothing is due. */
async function poll(): Promise<void> {
  const namespace = await system.edge.miniflare.getDurableObjectNamespace('PEER_DESK', 'exposure-edge-federation');
  await (namespace.get(namespace.idFromName('EU')) as unknown as Desk).advance('EU');
}

const moveTo = async (at: number): Promise<void> => {
  now = at;
  await moveClock(system.edge.url, now);
};

/** Presses a button of the page of peers: the form that has all of these texts. */
async function presses(name: string, action: string, has: string): Promise<string> {
  const { url } = system.edge;
  const chosen = { name, roles: ['operator'], provider: '', at: now };
  const identity = `local-identity=${encodeURIComponent(JSON.stringify(chosen))}`;
  const page = `${url}/staff/peers?peer=EU`;
  const first = await fetch(page, { headers: { cookie: identity } });
  const session = first.headers.get('set-cookie')?.split(';')[0] ?? '';
  const text = await first.text();
  const form = text.split('<form').find((one) => one.includes(`/staff/peers/${action}"`) && one.includes(has)) ?? '';
  const fields = [...form.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(([, field = '', value = '']) => [
    field,
    value,
  ]);
  const headers = { cookie: `${identity}; ${session}`, 'sec-fetch-site': 'same-origin' };
  await fetch(`${url}/staff/peers/${action}`, { method: 'POST', headers, body: new URLSearchParams(fields) });
  return (await fetch(page, { headers })).text();
}

it('is undone by two operators in every country at once, and no other batch is', async ({ expect }) => {
  // Of today: they wait until the day is over.
  const ofToday = (some: readonly EfgsKey[]): EfgsKey[] =>
    some.map((key) => ({
      ...key,
      rollingStartIntervalNumber: key.rollingStartIntervalNumber + INTERVALS_PER_DAY,
    }));
  const french = keys(1, 'FR');
  const dutch = ofToday(keys(1, 'NL'));
  const [later, laterOfToday] = [keys(11, 'FR'), ofToday(keys(11, 'NL'))];
  await upload('FR', french);
  await upload('NL', dutch, true);
  await upload('FR', later);
  await upload('NL', laterOfToday, true);
  await poll();
  await moveTo(START + HOUR);
  expect(names(await publishedKeys(system.edge, 'DE'))).toEqual(names([...french, ...later]));

  await presses('anna', 'undo', `name="batch" value="${TAG}"`);
  // Who asked has no button to confirm with.
  expect(await presses('anna', 'confirm', 'name="act"')).toContain('somebody else must confirm');
  expect(await presses('berta', 'confirm', 'name="act"')).toContain('Its keys that waited are deleted');
  await moveTo(START + 3 * HOUR);
  expect(names(await revokedKeys(system.edge, 'DE'))).toEqual(names(french));
  // Behind midnight and the embargo what waited is there, without the batch that was undone.
  await moveTo(START + 17 * HOUR);
  const after = new Set(names(await publishedKeys(system.edge, 'EUR')));
  expect([...names(dutch), ...names(laterOfToday)].filter((key) => after.has(key))).toEqual(names(laterOfToday));
  expect(system.log.filter((line) => line.includes('alert'))).toEqual([]);
});
