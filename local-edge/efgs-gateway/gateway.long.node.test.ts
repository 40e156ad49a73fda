import { afterEach, beforeEach, describe, it } from 'vitest';
import { goodEfgsKey } from '../../test/support/efgs-arbitraries.ts';
import { type Rig, startRig } from '../../test/support/efgs-rig.ts';
import { NOON } from '../../test/support/efgs-in-process.ts';
import { signerOf } from '../../test/support/efgs-signer.ts';
import { signBatch } from '../../protocol/efgs/batch-signature.ts';
import { decodeBatch, type EfgsKey } from '../../protocol/efgs/batch.ts';
import { issueCertificate, makeAnchor } from './pki.ts';
import { JSON_MEDIA_TYPE, readBatch, writeBatch } from './media.ts';

const DAY = 86_400;
const keysOf = (country: string, from: number, count: number): EfgsKey[] =>
  Array.from({ length: count }, (_, i) => goodEfgsKey(from + i, country, NOON));

let rig: Rig;
const failing = new Set<EfgsKey['keyData'][0]>();
beforeEach(async () => {
  failing.clear();
  rig = await startRig({
    countries: ['DE', 'NL'],
    failing: ({ keyData }) => failing.has(keyData[3] ?? 0),
    maxKeys: 6000,
  });
});
afterEach(() => rig.gateway.close());

/** What a download says. */
async function read(response: Response): Promise<unknown> {
  const body = new Uint8Array(await response.arrayBuffer());
  const batch = response.status === 200 ? decodeBatch(body) : null;
  return [
    response.status,
    response.headers.get('batchTag'),
    response.headers.get('nextBatchTag'),
    batch?.ok === true ? batch.value.length : null,
  ];
}

describe('who may call (docs/spec/europe.md §3.7)', () => {
  const status = async (ask: ReturnType<Rig['caller']>): Promise<number> => (await ask('GET', '/callback')).status;

  it('a certificate that is listed for its country; none at all for OPTIONS', async ({ expect }) => {
    expect(await status(rig.as('DE').ask)).toBe(200);
    expect(await status(rig.caller(null))).toBe(403);
    const options = await rig.caller(null)('OPTIONS', '');
    expect([options.status, options.headers.get('accept')]).toEqual([
      200,
      'application/json; version=1.0, application/protobuf; version=1.0',
    ]);
  });

  it('one that nobody listed, no country, a signer’s, a stranger’s row, run out, revoked: refused', async ({
    expect,
  }) => {
    const { gateway } = rig;
    const member = gateway.members.get('DE')!;
    const issue = (name: string, days?: number) =>
      issueCertificate({ name, now: NOON, ...(days === undefined ? {} : { days }) });
    const [unlisted, stateless, forged, expired] = await Promise.all([
      issue('C=DE, CN=x'),
      issue('CN=x'),
      issue('C=DE, CN=forged'),
      issue('C=DE, CN=old', -1),
    ]);
    const stranger = await makeAnchor(NOON);
    // As whoever can write the gateway's database, but hasn't the anchor's key.
    gateway.list.add(
      stranger.list(forged, 'DE', 'AUTHENTICATION'),
      gateway.anchor.list(expired, 'DE', 'AUTHENTICATION'),
    );
    expect(await status(rig.caller(unlisted))).toBe(403);
    expect(await status(rig.caller(stateless))).toBe(400);
    expect(await status(rig.caller(member.signing))).toBe(403);
    expect(await status(rig.caller(forged))).toBe(403);
    expect(await status(rig.caller(expired))).toBe(403);
    gateway.list.revoke(member.authentication.thumbprint);
    expect(await status(rig.caller(member.authentication))).toBe(403);
  });

  it('one whose fingerprint begins with two zeros, which the real one never finds', async ({ expect }) => {
    let lucky = await issueCertificate({ name: 'C=DE, CN=zeros', now: NOON });
    while (!lucky.thumbprint.startsWith('00')) lucky = await issueCertificate({ name: 'C=DE, CN=zeros', now: NOON });
    rig.gateway.list.add(rig.gateway.anchor.list(lucky, 'DE', 'AUTHENTICATION'));
    expect(await status(rig.caller(lucky))).toBe(200);
  });
});

describe('media types (docs/spec/europe.md §3.1)', () => {
  it.for([
    ['application/protobuf', 400, 415],
    ['application/protobuf; version=1.1', 406, 415],
    ['application/json; version=2.0', 406, 415],
    ['text/plain; version=1.0', 400, 415],
    ['application/protobuf; version=1.0', 201, 200],
    ['application/json; version=1.0', 400, 200],
  ] as const)('%s: %s on a request, %s on an answer', async ([type, request, answer], { expect }) => {
    const nl = rig.as('NL');
    expect((await nl.upload(keysOf('NL', 0, 1), 'tag-1', { 'content-type': type })).status).toBe(request);
    await nl.upload(keysOf('NL', 1, 1), 'tag-2');
    rig.gateway.runBatcher();
    expect((await rig.as('DE').download('2020-11-26', { accept: type })).status).toBe(answer);
  });

  it('both forms say the same, and are signed alike', async ({ expect }) => {
    const keys = keysOf('NL', 0, 3).map((key, i) => ({ ...key, daysSinceOnsetOfSymptoms: 1 - i, reportType: i }));
    const { body } = writeBatch('json', keys);
    expect(readBatch('json', body)).toEqual(keys);
    const nl = rig.as('NL');
    const sent = await nl.ask(
      'POST',
      '/upload',
      { 'content-type': JSON_MEDIA_TYPE, batchTag: 't', batchSignature: signBatch(keys, nl.signer, NOON) },
      body,
    );
    expect([sent.status, sent.headers.get('batchTag')]).toEqual([201, 't']);
    rig.gateway.runBatcher();
    const [inJson, inProtobuf] = await Promise.all(
      [JSON_MEDIA_TYPE, 'application/protobuf; version=1.0'].map(async (accept) => {
        const response = await rig.as('DE').download('2020-11-26', { accept });
        return new Uint8Array(await response.arrayBuffer());
      }),
    );
    expect(readBatch('json', inJson!)).toEqual(keys);
    expect(decodeBatch(inProtobuf!)).toEqual({ ok: true, value: keys });
  });
});

describe('an upload (docs/spec/europe.md §3.4)', () => {
  it('is judged in the order: each key, their number, the tag, the signature, the origins', async ({ expect }) => {
    const nl = rig.as('NL');
    const bad = { ...goodEfgsKey(9, 'NL', NOON), rollingPeriod: 145 };
    const broken = { batchSignature: 'AAAA' };
    const many = keysOf('NL', 0, 5001);
    expect((await nl.upload([...many.slice(1), bad, bad], 'x', broken)).status).toBe(400);
    expect((await nl.upload(keysOf('NL', 0, 1), 'taken')).status).toBe(201);
    expect((await nl.upload(many, 'taken', broken)).status).toBe(413);
    expect((await nl.upload(keysOf('NL', 1, 1), 'taken', broken)).status).toBe(409);
    expect((await nl.upload(keysOf('NL', 1, 1), 'free', broken)).status).toBe(400);
    // Germany's signature on the Netherlands' connection, for German keys: signer and origins agree, the caller doesn't.
    const german = keysOf('DE', 0, 1);
    const foreign = await nl.upload(german, 'free', { batchSignature: signBatch(german, rig.as('DE').signer, NOON) });
    expect([foreign.status, await foreign.json()]).toEqual([400, { message: 'origin: not the caller’s' }]);
    expect(rig.gateway.store.size).toBe(1);
  });

  it.for([
    ['not listed', () => issueCertificate({ name: 'C=NL, CN=x', now: NOON })],
    ['listed to call with, not to sign', async ({ gateway }: Rig) => gateway.members.get('NL')!.authentication],
    [
      'revoked',
      async ({ gateway }: Rig) => {
        const { signing } = gateway.members.get('NL')!;
        gateway.list.revoke(signing.thumbprint);
        return signing;
      },
    ],
    [
      'run out',
      async ({ gateway }: Rig) => {
        const old = await issueCertificate({ name: 'C=NL, CN=old', now: NOON, days: -1 });
        gateway.list.add(gateway.anchor.list(old, 'NL', 'SIGNING'));
        return old;
      },
    ],
  ] as const)('signed by a certificate that is %s: 400', async ([, make], { expect }) => {
    const keys = keysOf('NL', 0, 1);
    const signature = signBatch(keys, signerOf(await make(rig)), NOON);
    expect((await rig.as('NL').upload(keys, 't', { batchSignature: signature })).status).toBe(400);
  });

  it('207 says what would have become of each key, and nothing is stored, not even the tag', async ({ expect }) => {
    const nl = rig.as('NL');
    await nl.upload(keysOf('NL', 1, 1), 'first');
    failing.add(3);
    const mixed = await nl.upload(keysOf('NL', 0, 4), 'mixed');
    expect([mixed.status, await mixed.json()]).toEqual([207, { '201': [0, 2], '409': [1], '500': [3] }]);
    expect(rig.gateway.store.size).toBe(1);
    failing.clear();
    expect((await nl.upload([...keysOf('NL', 0, 1), ...keysOf('NL', 2, 2)], 'mixed')).status).toBe(201);
    expect(rig.gateway.store.size).toBe(4);
  });

  it('is 500 when the gateway is full, and nothing of it is stored', async ({ expect }) => {
    const nl = rig.as('NL');
    await nl.upload(keysOf('NL', 0, 4000), 'fits');
    expect((await nl.upload(keysOf('NL', 4000, 2001), 'does not')).status).toBe(500);
    expect(rig.gateway.store.size).toBe(4000);
  });

  it('a key is the same when all its fields are: another risk level is another key', async ({ expect }) => {
    const nl = rig.as('NL');
    const [key] = keysOf('NL', 0, 1) as [EfgsKey];
    expect((await nl.upload([key, key], 'twice')).status).toBe(207);
    expect((await nl.upload([key, { ...key, transmissionRiskLevel: 3 }], 'both')).status).toBe(201);
  });
});

describe('a download (docs/spec/europe.md §3.5, §3.6)', () => {
  it('joins whole uploads up to 5,000 keys, links batches, and leaves out the caller’s own', async ({ expect }) => {
    await rig.as('NL').upload(keysOf('NL', 0, 3000), 'a');
    await rig.as('DE').upload(keysOf('DE', 0, 1000), 'b');
    await rig.as('NL').upload(keysOf('NL', 3000, 2000), 'c');
    expect(rig.gateway.runBatcher().map(({ tag }) => tag)).toEqual(['20201126-1', '20201126-2']);
    expect(rig.gateway.runBatcher()).toEqual([]);
    expect(await read(await rig.as('DE').download('2020-11-26'))).toEqual([200, '20201126-1', '20201126-2', 3000]);
    expect(await read(await rig.as('NL').download('2020-11-26'))).toEqual([200, '20201126-1', '20201126-2', 1000]);
    const last = await rig.as('NL').download('2020-11-26', { batchTag: '20201126-2' });
    expect([await last.clone().text(), await read(last)]).toEqual(['', [200, '20201126-2', 'null', 0]]);
  });

  it('links across midnight, and fills in what was null', async ({ expect }) => {
    const [nl, de] = [rig.as('NL'), rig.as('DE')];
    rig.clock.now = NOON + DAY / 2 - 60;
    await nl.upload(keysOf('NL', 0, 1), 'before');
    rig.gateway.runBatcher();
    expect(await read(await de.download('2020-11-26'))).toEqual([200, '20201126-1', 'null', 1]);
    rig.clock.now += 3600;
    await nl.upload(keysOf('NL', 1, 1), 'after');
    rig.gateway.runBatcher();
    expect(await read(await de.download('2020-11-26', { batchTag: '20201126-1' }))).toEqual([
      200,
      '20201126-1',
      '20201127-1',
      1,
    ]);
    // The first of that day or any later one; never an older one than the path's date.
    expect(await read(await de.download('2020-11-27'))).toEqual([200, '20201127-1', 'null', 1]);
    expect((await de.download('2020-11-27', { batchTag: '20201126-1' })).status).toBe(400);
    expect(await read(await de.download('2020-11-25'))).toEqual([200, '20201126-1', '20201127-1', 1]);
    expect((await de.download('2020-11-28')).status).toBe(404);
    expect((await de.download('2020-11-27', { batchTag: '20201127-9' })).status).toBe(404);
    expect((await de.download('2020-13-27')).status).toBe(400);
  });

  it('is 410 from the third day, and what was kept is gone', async ({ expect }) => {
    const [nl, de] = [rig.as('NL'), rig.as('DE')];
    await nl.upload(keysOf('NL', 0, 1), 'tag');
    rig.gateway.runBatcher();
    rig.clock.now = NOON + 2 * DAY;
    expect((await de.download('2020-11-26')).status).toBe(200);
    rig.clock.now = NOON + 3 * DAY;
    expect((await de.download('2020-11-26')).status).toBe(410);
    expect((await de.ask('GET', '/audit/download/2020-11-26/20201126-1')).status).toBe(410);
    expect((await nl.upload(keysOf('NL', 1, 1), 'tag')).status).toBe(409);
    rig.gateway.store.purge(rig.clock.now);
    expect(rig.gateway.store.size).toBe(0);
    expect((await nl.upload(keysOf('NL', 1, 1), 'tag')).status).toBe(201);
  });

  it('an audit names each upload of the batch, with what the anchor signed', async ({ expect }) => {
    await rig.as('NL').upload(keysOf('NL', 0, 2), 'a');
    await rig.as('DE').upload(keysOf('DE', 0, 3), 'b');
    rig.gateway.runBatcher();
    const audit = await rig.as('DE').ask('GET', '/audit/download/2020-11-26/20201126-1');
    const { signing, authentication } = rig.gateway.members.get('NL')!;
    expect(await audit.json()).toMatchObject([
      {
        country: 'NL',
        amount: 2,
        uploadedTime: '2020-11-26T12:00:00.000Z',
        signingCertificate: signing.certificatePem,
        uploaderSigningThumbprint: signing.thumbprint,
        uploaderThumbprint: authentication.thumbprint,
      },
      { country: 'DE', amount: 3 },
    ]);
    const status = async (path: string): Promise<number> =>
      (await rig.as('DE').ask('GET', `/audit/download/${path}`)).status;
    expect(await status('2020-11-25/20201126-1')).toBe(404);
    expect(await status('2020-11-26/20201126-2')).toBe(404);
  });
});
