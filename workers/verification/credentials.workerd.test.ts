/**
 * @module A positive test of a roaming person through the real Worker in both roles: NL tests and issues, DE takes up (docs/credential.md). Two environments over one storage, a directory of the test authority in the real
 * bucket.
 */
import {
  createExecutionContext,
  createScheduledController,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, it, vi } from 'vitest';
import { tokenHash } from '../../domain/derived-codes.ts';
import { issuedSession } from '../../domain/session.ts';
import { readCredential, statusListUrl } from '../../protocol/credential/credential.ts';
import { presentCredential } from '../../protocol/credential/presentation.ts';
import type { EntryStatement } from '../../protocol/directory/entry.ts';
import { toBase64, toBase64Url } from '../../protocol/primitives/bytes.ts';
import { pkcs8PemFromScalar, pointFromSpki, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import {
  entryLeaf,
  entryOf,
  logOf,
  makeCluster,
  makeRegion,
  makeRoot,
  makeTls,
  policyText,
} from '../../test/support/directory-world.ts';
import { createApp } from './app.ts';
import { parseVerificationConfig, type VerificationEnv } from './bindings.ts';
import { scheduled } from './clocks.ts';
import { servicesOf } from './services.ts';

const bindings = env as unknown as VerificationEnv & { readonly DIRECTORY: R2Bucket };
const NL_URL = 'https://verification.nl.example';
const DE_URL = 'https://verification.de.example';
const NOW = Math.floor(Date.now() / 1000);
const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
const app = createApp({ clock: () => NOW, mayAnswerAtOnce: true });

const pemOf = (byte: number): string => pkcs8PemFromScalar(new Uint8Array(32).fill(byte));
const holderOf = (pem: string): string => toBase64Url(pointFromSpki(signerFromPkcs8Pem(pem).publicKeySpki).subarray(1));
const [ANNA, EVE] = [pemOf(8), pemOf(9)];
/** UTC day on which the stub laboratory made all of its tests positive. */
const POSITIVE_DAY = 20_800;
/** The stub laboratory answers with the second digit of the id. */
const guidWithResult = (result: number, tail = '0'): string => `a${result}${tail.repeat(62)}`;

let DIRECTORY_POLICY: string;
let leafOf: (more: Partial<EntryStatement>, hasRole: boolean) => Uint8Array;
beforeAll(async () => {
  const root = await makeRoot();
  const eu = await makeCluster(root, 'eu');
  const party = await makeRegion(eu, 'C=NL, OU=eu, CN=NL');
  const spki = toBase64(signerFromPkcs8Pem(bindings.CREDENTIAL_SIGNING_KEY).publicKeySpki);
  const key = { keyId: 'credential', keyVersion: 'v1', spki };
  const tls = await makeTls(eu, 'C=NL, OU=eu, CN=NL client');
  leafOf = (more, hasRole) =>
    entryLeaf(
      party,
      entryOf(party, [tls], {
        regionId: 'NL',
        issuedAt: NOW - 3_600,
        validUntil: NOW + 86_400,
        phase: 2,
        verificationUrl: `${NL_URL}/`,
        ...(hasRole ? { testing: { keys: [key] } } : {}),
        ...more,
      }),
    );
  DIRECTORY_POLICY = policyText(root);
});

let nl: VerificationEnv;
let de: VerificationEnv;

/** @param at Unix seconds, a minute after the witnesses */
async function putLog(leaves: readonly Uint8Array[], at: number): Promise<void> {
  for (const [path, bytes] of logOf(leaves, { cosignedAt: at - 60 })) await bindings.DIRECTORY.put(path, bytes);
}
const publish = (more: Partial<EntryStatement> = {}, hasRole = true): Promise<void> =>
  putLog([leafOf(more, hasRole)], NOW);

beforeEach(async () => {
  await reset();
  const ours = { ...bindings, DERIVATION_KEY: toBase64(new Uint8Array(32).fill(4)) };
  nl = { ...bindings, HOME_COUNTRY: 'NL', VERIFICATION_URL: NL_URL };
  de = { ...ours, HOME_COUNTRY: 'DE', VERIFICATION_URL: DE_URL, CREDENTIAL_PEERS: 'NL', DIRECTORY_POLICY };
  await publish();
});

interface Said {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly length: number;
}

async function ask(at: VerificationEnv, route: string, question: object): Promise<Said> {
  const request = new Request(`https://v/version/v1/${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ cover: false, ...question }),
  });
  const response = await app.fetch(request, at, createExecutionContext());
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text) as Record<string, unknown>, length: text.length };
}

const register = async (key: string): Promise<string> =>
  String((await ask(nl, 'registrationToken', { key, keyType: 'GUID' })).body['registrationToken']);
const take = (token: string, pem = ANNA): Promise<Said> =>
  ask(nl, 'credential', { registrationToken: token, holder: holderOf(pem) });
async function taken(pem = ANNA, tail = '0'): Promise<string> {
  return String((await take(await register(guidWithResult(2, tail)), pem)).body['credential']);
}
const shown = (credential: string, pem = ANNA, audience = DE_URL, now = NOW): Promise<string> =>
  presentCredential(credential, pem, { audience, now, random });
const use = (presentation: string, at = de): Promise<Said> => ask(at, 'presentation', { presentation });

/** A session by a teleTAN of NL's hotline: its token, and its name for staff. */
async function byTeleTan(): Promise<{ token: string; session: string }> {
  const { sessions } = servicesOf(nl);
  const key = 'ABCDEFGHJK';
  await sessions.issue([{ keyType: 'TELETAN', key, session: issuedSession('teletan', null, NOW + 3_600) }]);
  const opened = await sessions.register({ keyType: 'TELETAN', key, birthDateKey: null }, NOW);
  if (opened.kind !== 'granted') throw new Error(opened.kind);
  return { token: opened.token, session: sessions.nameOf('TELETAN', key) };
}

/** The Worker with sessions whose `grant` goes otherwise. */
function withGrant(at: VerificationEnv, how: (grant: () => Promise<unknown>) => Promise<unknown>): VerificationEnv {
  const shard = (name: string) =>
    new Proxy(bindings.TEST_SESSION.getByName(name), {
      get: (stub, method) => {
        const call = (...given: unknown[]): Promise<unknown> =>
          (stub as unknown as Record<PropertyKey, (...all: unknown[]) => Promise<unknown>>)[method]!(...given);
        return method === 'grant' ? (...given: unknown[]) => how(() => call(...given)) : call;
      },
    });
  return { ...at, TEST_SESSION: { getByName: shard } as unknown as VerificationEnv['TEST_SESSION'] };
}

/** What other regions fetch. */
async function statusList(): Promise<Response> {
  return app.fetch(new Request(statusListUrl(NL_URL)), nl, createExecutionContext());
}
const refresh = (at = de) =>
  servicesOf(at).presentations.refreshLists(NOW, async (url) => {
    if (url !== statusListUrl(NL_URL)) throw new Error(`${url} was asked for`);
    return statusList();
  });

const rowsOf = (object: DurableObjectStub, table: string) =>
  runInDurableObject(object, (_object, { storage: { sql } }) => sql.exec(`SELECT * FROM ${table}`).toArray());
const SHARDS = () => Array.from('0123456789abcdef', (digit) => bindings.TEST_SESSION.getByName(`s${digit}`));
const sessionRows = async (table: string) =>
  (await Promise.all(SHARDS().map((shard) => rowsOf(shard as unknown as DurableObjectStub, table)))).flat();
const deskRows = (table: string) => rowsOf(bindings.CREDENTIAL_DESK.getByName('desk'), table);

describe('a region that tests', () => {
  it('gives a credential of a positive test: coarse, to the key that asked, the same again', async ({ expect }) => {
    const token = await register(guidWithResult(2));
    const first = await take(token);
    expect(first.status).toBe(201);
    const said = readCredential(String(first.body['credential']));
    expect(said).toMatchObject({ issuer: NL_URL, region: 'NL', reportType: 'confirmed-test' });
    expect(said?.onset).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect((said?.expiresAt ?? 1) % 86_400).toBe(0);
    const again = readCredential(String((await take(token)).body['credential']));
    expect(again).toEqual(said);
    expect(await deskRows('credential_status')).toHaveLength(1);
  });

  it.for([
    { name: 'a negative test', key: guidWithResult(1), status: 400 },
    { name: 'a test without a result', key: guidWithResult(0), status: 400 },
  ])('gives none of $name', async ({ key, status }, { expect }) => {
    expect((await take(await register(key))).status).toBe(status);
    expect(await deskRows('credential_status')).toEqual([]);
  });

  it('gives none to another phone, which has the token too', async ({ expect }) => {
    const token = await register(guidWithResult(2));
    expect((await take(token)).status).toBe(201);
    expect(await take(token, EVE)).toMatchObject({ status: 400, body: {} });
    expect((await take(token)).status).toBe(201);
  });

  it('gives a TAN or a credential, whichever was asked for first', async ({ expect }) => {
    const [first, second] = [await register(guidWithResult(2, '1')), await register(guidWithResult(2, '2'))];
    expect((await ask(nl, 'tan', { registrationToken: first })).status).toBe(201);
    expect((await take(first)).status).toBe(400);
    expect((await take(second)).status).toBe(201);
    expect((await ask(nl, 'tan', { registrationToken: second })).status).toBe(400);
    expect(await deskRows('credential_status')).toHaveLength(1);
  });

  it('asked for both at once gives one', async ({ expect }) => {
    for (const tail of ['3', '4', '5', '6']) {
      const token = await register(guidWithResult(2, tail));
      const both = await Promise.all([take(token), ask(nl, 'tan', { registrationToken: token })]);
      expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 400]);
    }
  });

  it('that dies between the place and the grant leaves a place of nobody, and gives the credential when asked again', async ({
    expect,
  }) => {
    const token = await register(guidWithResult(2));
    const died = withGrant(nl, () => Promise.reject(new Error('gone')));
    expect((await ask(died, 'credential', { registrationToken: token, holder: holderOf(ANNA) })).status).toBe(500);
    expect(await deskRows('credential_status')).toHaveLength(1);
    expect((await take(token)).status).toBe(201);
    expect((await deskRows('credential_status')).map((row) => row['revoked'])).toEqual([0, 0]);
  });

  it('whose test is withdrawn meanwhile gives none, and takes its place back', async ({ expect }) => {
    const { sessions } = servicesOf(nl);
    const { token, session } = await byTeleTan();
    const withdrawn = withGrant(nl, async (grant) => {
      const given = await grant();
      await sessions.revoke(session);
      return given;
    });
    const answer = await ask(withdrawn, 'credential', { registrationToken: token, holder: holderOf(ANNA) });
    expect([answer.status, answer.body['credential']]).toEqual([400, undefined]);
    expect((await deskRows('credential_status')).map((row) => row['revoked'])).toEqual([1]);
  });

  it('gives none in phase I, and serves no list', async ({ expect }) => {
    const token = await register(guidWithResult(2));
    const answer = await ask(bindings, 'credential', { registrationToken: token, holder: holderOf(ANNA) });
    expect(answer.status).toBe(400);
    const list = await app.fetch(new Request(statusListUrl(NL_URL)), bindings, createExecutionContext());
    expect(list.status).toBe(404);
  });

  it('keeps neither the credential’s id nor the phone’s key', async ({ expect }) => {
    const said = readCredential(await taken());
    const rows = await sessionRows('test_credential');
    expect(rows).toHaveLength(1);
    expect(Object.keys(rows[0] ?? {}).toSorted()).toEqual(['expires_at', 'holder', 'id', 'status_index']);
    expect(new Uint8Array(rows[0]?.['holder'] as ArrayBuffer)).toHaveLength(16);
    const kept = JSON.stringify([rows, await deskRows('credential_status')]);
    for (const secret of [said?.id, said?.holder.x]) expect(kept).not.toContain(secret);
  });

  it('forgets which session gave one when the credential has ended, or its owner deletes the test', async ({
    expect,
  }) => {
    const rows = async (): Promise<number> => {
      for (const shard of SHARDS()) {
        await shard.clockStatus('session', NOW);
        await runDurableObjectAlarm(shard);
      }
      return (await sessionRows('test_credential')).length;
    };
    const [ended, deleted] = [await register(guidWithResult(2, '1')), await register(guidWithResult(2, '2'))];
    for (const token of [ended, deleted]) expect((await take(token)).status).toBe(201);
    expect(await rows()).toBe(2);
    await ask(nl, 'forget', { registrationToken: deleted });
    expect(await rows()).toBe(1);
    const hash = tokenHash(ended, parseVerificationConfig(nl).tanHashKeys.current);
    const shard = bindings.TEST_SESSION.getByName(`s${hash.charAt(0)}`);
    await runInDurableObject(shard, (_object, { storage: { sql } }) =>
      sql.exec('UPDATE test_credential SET expires_at = ?', NOW - 60).toArray(),
    );
    expect(await rows()).toBe(0);
  });

  it('serves its list to anybody, the same for the whole hour', async ({ expect }) => {
    await taken();
    const list = await statusList();
    expect(list.headers.get('content-type')).toBe('application/statuslist+jwt');
    expect(list.headers.get('cache-control')).toMatch(/^public, max-age=\d+$/);
    expect(await list.text()).toBe(await (await statusList()).text());
  });
});

describe('the base region', () => {
  it('opens a session as if the person had been tested there: positive, and a TAN', async ({ expect }) => {
    expect(await refresh()).toEqual([]);
    const opened = await use(await shown(await taken()));
    expect(opened.status).toBe(201);
    const token = { registrationToken: opened.body['registrationToken'] };
    expect((await ask(de, 'testresult', token)).body).toMatchObject({ testResult: 2 });
    expect((await ask(de, 'tan', token)).status).toBe(201);
    // It isn't handed on to a third region.
    expect((await ask(de, 'credential', { ...token, holder: holderOf(ANNA) })).status).toBe(400);
  });

  it('repeats a lost answer until the first poll, to whose it is', async ({ expect }) => {
    await refresh();
    const credential = await taken();
    const [one, two] = [await use(await shown(credential)), await use(await shown(credential))];
    expect(two.body['registrationToken']).toBe(one.body['registrationToken']);
    await ask(de, 'testresult', { registrationToken: one.body['registrationToken'] });
    for (const DERIVATION_KEY of [de.DERIVATION_KEY, `${toBase64(new Uint8Array(32).fill(9))},${de.DERIVATION_KEY}`]) {
      const reply = await use(await shown(credential), { ...de, DERIVATION_KEY });
      expect(reply).toMatchObject({ status: 400, body: { refused: 'used' } });
    }
  });

  it.for([
    { name: 'none', why: 'malformed', make: async () => 'x' },
    { name: 'one without a proof', why: 'malformed', make: async () => taken() },
    { name: 'a copy that another phone shows', why: 'proof', make: async () => shown(await taken(), EVE) },
    {
      name: 'one shown to another region',
      why: 'proof',
      make: async () => shown(await taken(), ANNA, 'https://it.example'),
    },
    {
      name: 'one by a clock three hours off',
      why: 'clock',
      make: async () => shown(await taken(), ANNA, DE_URL, NOW - 10_800),
    },
    {
      name: 'one that NL has not signed',
      why: 'signature',
      make: async () => {
        nl = { ...nl, CREDENTIAL_SIGNING_KEY: pemOf(6) };
        return shown(await taken());
      },
    },
    {
      name: 'one of nobody’s address',
      why: 'issuer',
      make: async () => {
        nl = { ...nl, VERIFICATION_URL: 'https://forged.example' };
        return shown(await taken());
      },
    },
  ])('refuses $name: $why', async ({ why, make }, { expect }) => {
    await refresh();
    const answer = await use(await make());
    expect(answer).toMatchObject({ status: 400, body: { refused: why } });
    expect(
      await rowsOf(bindings.CODE_DESK.getByName('desk') as unknown as DurableObjectStub, "issue WHERE kind = 'region'"),
    ).toEqual([]);
  });

  it('refuses one that has expired, a second after its day', async ({ expect }) => {
    await refresh();
    const credential = await taken();
    const { expiresAt } = readCredential(credential)!;
    const reply = await servicesOf(de).presentations.use(await shown(credential, ANNA, DE_URL, expiresAt), expiresAt);
    // The directory's cosignatures are as old by then.
    expect(reply).toEqual({ kind: 'later' });
    const grown = [leafOf({}, true), leafOf({ sequence: 2, validUntil: expiresAt + 1 }, true)];
    await putLog(grown, expiresAt);
    const fresh = servicesOf({ ...de });
    expect(await fresh.presentations.use(await shown(credential, ANNA, DE_URL, expiresAt), expiresAt)).toEqual({
      kind: 'refused',
      why: 'expired',
    });
  });

  it.for([
    { name: 'of a region in phase I', phase: 1, hasRole: true, why: 'phase' },
    { name: 'of a region without the role', phase: 2, hasRole: false, why: 'role' },
  ] as const)('refuses one $name', async ({ phase, hasRole, why }, { expect }) => {
    await publish({ phase }, hasRole);
    expect(await refresh()).toEqual(['NL']);
    expect(await use(await shown(await taken()))).toMatchObject({ status: 400, body: { refused: why } });
  });

  it('in phase I with a region takes none of it, nor any where it names nobody', async ({ expect }) => {
    const credential = await taken();
    await refresh();
    expect((await use(await shown(credential), { ...de, CREDENTIAL_PEERS: 'IT' })).body['refused']).toBe('phase');
    expect((await use(await shown(credential), { ...de, CREDENTIAL_PEERS: '' })).body['refused']).toBe('phase');
    expect((await use(await shown(credential), bindings)).body['refused']).toBe('phase');
  });

  it('says “later” without a list of that region, or without a directory', async ({ expect }) => {
    const presentation = await shown(await taken());
    expect((await use(presentation)).status).toBe(500);
    await refresh();
    await bindings.DIRECTORY.delete('checkpoint');
    expect((await use(presentation, { ...de })).status).toBe(500);
    await publish();
    expect((await use(presentation, { ...de })).status).toBe(201);
  });

  it('takes no directory that was rolled back, after a restart either', async ({ expect }) => {
    await refresh();
    const presentation = await shown(await taken());
    const later = [leafOf({}, true), leafOf({ sequence: 2, issuedAt: NOW - 1_800 }, true)];
    await putLog(later, NOW);
    expect((await use(presentation, { ...de })).status).toBe(201);
    await publish();
    expect((await use(presentation, { ...de })).status).toBe(500);
  });

  it('keeps nothing of a credential but a session by a keyed hash', async ({ expect }) => {
    await refresh();
    const credential = await taken();
    await use(await shown(credential));
    const { id, holder, statusIndex } = readCredential(credential)!;
    const sessions = await sessionRows('test_session');
    const own = sessions.filter((row) => row['authorisation'] === 3);
    expect(own).toHaveLength(1);
    const kept = JSON.stringify(own, (_name, value: unknown) =>
      value instanceof ArrayBuffer ? toBase64Url(new Uint8Array(value)) : value,
    );
    for (const secret of [id, holder.x, holder.y, String(statusIndex)]) expect(kept).not.toContain(`"${secret}"`);
  });
});

describe('taken back', () => {
  it('is what a laboratory calls something else later, from the next list on', async ({ expect }) => {
    const credential = await taken();
    const revoked = async () => (await deskRows('credential_status')).map((row) => row['revoked']);
    expect([await servicesOf(nl).credentials.takeBackCorrected(), await revoked()]).toEqual([1, [0]]);
    const negative = { ...(await bindings.RESULTS.resultOf(guidWithResult(1))) };
    const corrected = { resultOf: async () => negative } as unknown as VerificationEnv['RESULTS'];
    nl = { ...nl, RESULTS: corrected };
    expect([await servicesOf(nl).credentials.takeBackCorrected(), await revoked()]).toEqual([1, [1]]);
    await refresh();
    expect((await use(await shown(credential))).body['refused']).toBe('revoked');
  });

  it('is what staff withdraw, and what is rolled back', async ({ expect }) => {
    const { sessions, rollback } = servicesOf(nl);
    const { token, session } = await byTeleTan();
    const byStaff = String((await take(token)).body['credential']);
    const byLaboratory = await taken(ANNA, '7');
    await sessions.revoke(session);
    const today = Math.floor(NOW / 86_400);
    const labId = String((await bindings.RESULTS.resultOf(guidWithResult(2, '7'))).labId);
    await rollback.end({ kind: 'laboratory', name: labId, fromDay: POSITIVE_DAY, toDay: POSITIVE_DAY }, today);
    expect(await refresh()).toEqual([]);
    for (const credential of [byStaff, byLaboratory]) {
      expect((await use(await shown(credential))).body['refused']).toBe('revoked');
    }
  });

  it('are all tests of a region that an operator rolls back, from that day on', async ({ expect }) => {
    await refresh();
    const credential = await taken();
    const today = Math.floor(NOW / 86_400);
    const opened = await use(await shown(credential));
    await servicesOf(de).rollback.end({ kind: 'region', name: 'NL', fromDay: today, toDay: today }, today);
    expect((await ask(de, 'tan', { registrationToken: opened.body['registrationToken'] })).status).toBe(400);
    expect((await use(await shown(await taken(ANNA, '8')))).body['refused']).toBe('revoked');
  });
});

describe('the cron', () => {
  it('asks for each list once an hour, used or not, and says which isn’t known', async ({ expect }) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const asked: string[] = [];
    const away = async (url: string): Promise<Response> => {
      asked.push(url);
      throw new TypeError('out of reach');
    };
    vi.stubGlobal('fetch', away);
    try {
      await scheduled(createScheduledController({ scheduledTime: new Date(NOW * 1000) }), de);
      expect(String(warn.mock.calls)).toContain('alert_status_list_unknown: NL');
      await refresh();
      await scheduled(createScheduledController({ scheduledTime: new Date(NOW * 1000) }), de);
      expect(asked).toEqual([statusListUrl(NL_URL)]);
    } finally {
      vi.unstubAllGlobals();
      warn.mockRestore();
    }
  });

  it('keeps the list it has while the issuer is away, and takes no older one', async ({ expect }) => {
    await refresh();
    const { presentations } = servicesOf(de);
    const list = await servicesOf(nl).credentials.statusList(NOW);
    expect(await presentations.refreshLists(NOW + 3_600, () => Promise.reject(new TypeError('away')))).toEqual([]);
    const older = await servicesOf({ ...nl }).credentials.statusList(NOW - 7_200);
    expect(await presentations.refreshLists(NOW + 3_600, async () => new Response(older))).toEqual([]);
    expect(await presentations.refreshLists(NOW + 7_200, async () => new Response(list))).toEqual([]);
    const [row] = await deskRows('peer_status_list');
    expect(row?.['issued_at']).toBe(Math.floor(NOW / 3_600) * 3_600);
  });
});

it('all answers of both routes have one size, dummies too', async ({ expect }) => {
  await refresh();
  const credential = await taken();
  const said = [
    await use(await shown(credential)),
    await use('x'),
    await ask(de, 'presentation', { presentation: 'x', cover: true }),
    await take(await register(guidWithResult(2, '9'))),
    await take(await register(guidWithResult(1))),
    await ask(nl, 'credential', { registrationToken: crypto.randomUUID(), holder: holderOf(EVE), cover: true }),
    await ask(nl, 'credential', { registrationToken: 'x' }),
  ];
  expect(said.map(({ status }) => status)).toEqual([201, 400, 201, 201, 400, 201, 400]);
  expect(new Set(said.map(({ length }) => length)).size).toBe(1);
});
