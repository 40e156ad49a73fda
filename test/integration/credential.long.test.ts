/**
 * @module A person of DE tests positive in NL, on two whole backends with a directory between them (docs/credential.md): the phone's own commands, keys that come out in DE, and whether anything that either of them stores or
 * logs leads to the other.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { runCrons } from '../../local-edge/crons.ts';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { readEnvironments } from '../../local-edge/workers.ts';
import { main } from '../../phone/cli/cli.ts';
import { setClock } from '../../scripts/support/operator.ts';
import { ParameterPortal } from '../../scripts/support/portal.ts';
import { type Credential, readCredential } from '../../protocol/credential/credential.ts';
import { credentialInLink } from '../../protocol/credential/link.ts';
import { fromBase64Url, toBase64, toBase64Url, toHex } from '../../protocol/primitives/bytes.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import {
  entryLeaf,
  entryOf,
  logOf,
  makeCluster,
  makeRegion,
  makeRoot,
  makeTls,
  type Party,
  policyText,
} from '../support/directory-world.ts';

const NOW = Math.floor(Date.now() / 1000);
const VERIFICATION = readEnvironments().filter(({ environment }) => environment === 'verification');
const REGIONS = ['DE', 'NL'] as const;
type Region = (typeof REGIONS)[number];

const folder = mkdtempSync(join(tmpdir(), 'credential-'));
const edges = new Map<Region, LocalEdge>();
const logs: string[] = [];
const at = (name: string): string => join(folder, name);
const urlOf = (region: Region): string => edges.get(region)?.url ?? '';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function entriesOf(root: Party): Promise<Uint8Array[]> {
  const eu = await makeCluster(root, 'eu');
  return Promise.all(
    REGIONS.map(async (regionId) => {
      const party = await makeRegion(eu, `C=${regionId}, OU=eu, CN=${regionId}`);
      const tls = await makeTls(eu, `C=${regionId}, OU=eu, CN=${regionId} client`);
      const spki = toBase64(spkiFromPem(readFileSync(at(`${regionId}/credential-public.pem`), 'utf8')));
      return entryLeaf(
        party,
        entryOf(party, [tls], {
          regionId,
          phase: 2,
          issuedAt: NOW - 60,
          validUntil: NOW + 86_400,
          verificationUrl: `${urlOf(regionId)}/`,
          testing: { keys: [{ keyId: 'credential', keyVersion: 'v1', spki }] },
        }),
      );
    }),
  );
}

async function phone(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await main([...args, '--json'], {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
  });
  return { code, said: JSON.parse(out.join('') || '{}') as Record<string, unknown>, err: err.join('') };
}

/** As the hotline of a region gives one. */
async function teleTan(region: Region): Promise<string> {
  const answer = await fetch(`${urlOf(region)}/local/teletan`, { method: 'POST' });
  return ((await answer.json()) as { teleTan: string }).teleTan;
}

beforeAll(async () => {
  const root = await makeRoot();
  const ports = [await freePort(), await freePort()];
  for (const [n, region] of REGIONS.entries()) {
    const verification = {
      HOME_COUNTRY: region,
      VERIFICATION_URL: `http://127.0.0.1:${ports[n]}`,
      CREDENTIAL_PEERS: region === 'DE' ? 'NL' : 'DE',
      DIRECTORY_POLICY: policyText(root),
      ANSWER_DEADLINE_MS: '0',
    };
    const edge = await startLocalEdge({
      state: at(region),
      port: ports[n] ?? 0,
      vars: {
        verification,
        upload: { ANSWER_DEADLINE_MS: '0', HOME_COUNTRY: region },
        origin: {
          HOME_COUNTRY: region,
          ...(region === 'DE' ? { PEER_FEEDS: 'NL', FEED_URL: 'https://feeds.example' } : {}),
        },
      },
      onLog: (line) => void logs.push(line),
    });
    edges.set(region, edge);
  }
  const leaves = await entriesOf(root);
  for (const edge of edges.values()) {
    const bucket = await edge.miniflare.getR2Bucket('DIRECTORY', 'exposure-edge-verification');
    for (const [path, bytes] of logOf(leaves, { cosignedAt: NOW - 30 })) await bucket.put(path, bytes);
    await runCrons(edge.miniflare, VERIFICATION);
  }
  await setClock(urlOf('DE'), NOW - 86_400);
  for (const name of ['anna', 'eve']) {
    await phone('init', at(name), '--pins', at('DE'), '--url', urlOf('DE'), '--local-clock');
  }
  // A key of a day that has ended by the time of the test.
  await setClock(urlOf('DE'), NOW);
  const supportedCountries = [...REGIONS];
  const parameters = JSON.parse(
    readFileSync(new URL('../../parameters/default.json', import.meta.url), 'utf8'),
  ) as object;
  const document = JSON.stringify({ ...parameters, supportedCountries });
  await new ParameterPortal(urlOf('DE')).publish({ document, audience: null, dryRun: false }, 0);
});
afterAll(async () => {
  for (const edge of edges.values()) await edge.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** Every byte that a backend has on disk. */
function bytesOf(region: Region): Buffer {
  const files = readdirSync(at(region), { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const stored = files.filter(({ name }) => !/\.(pem|json)$/.test(name));
  return Buffer.concat(stored.map(({ parentPath, name }) => readFileSync(join(parentPath, name))));
}

describe('a positive test in NL', () => {
  let link = '';
  let credential: Credential;

  it('gives a credential, to the phone that asks', async ({ expect }) => {
    const code = await teleTan('NL');
    const taken = await phone('credential', 'take', at('anna'), code, '--verification-url', urlOf('NL'));
    expect(taken).toMatchObject({ code: 0, said: { region: 'NL', reportType: 'confirmed-test', expired: false } });
    link = String(taken.said['link']);
    credential = readCredential(credentialInLink(link) ?? '') as Credential;
    expect(credential.issuer).toBe(urlOf('NL'));
    expect((await phone('credential', 'show', at('anna'))).said['link']).toBe(link);
    expect((await phone('credential', 'take', at('anna'))).said['link']).toBe(link);
  });

  it('opens nothing for who photographed it', async ({ expect }) => {
    const used = await phone('credential', 'use', at('eve'), link);
    expect(used).toMatchObject({ code: 1, said: { error: 'other-phone' } });
  });

  it('opens a test in DE, once, for whose it is', async ({ expect }) => {
    expect(await phone('credential', 'use', at('anna'))).toMatchObject({
      code: 0,
      said: { result: 'positive', region: 'NL' },
    });
    expect(await phone('poll', at('anna'))).toMatchObject({ code: 0, said: { result: 'positive' } });
    expect(await phone('share', at('anna'), '--consent')).toMatchObject({ code: 0, said: { keys: 1 } });
    // Who has forgotten it all, and comes with the key again.
    rmSync(join(at('anna'), 'test.json'));
    expect(await phone('credential', 'use', at('anna'), link)).toMatchObject({ code: 1, said: { error: 'used' } });
  });

  it('leaves nothing in either store or log that the other has, or that is the credential’s', async ({ expect }) => {
    for (const edge of edges.values()) await edge.dispose();
    edges.clear();
    const secrets = Object.entries({ id: credential.id, x: credential.holder.x, y: credential.holder.y });
    const said = logs.join('\n');
    for (const region of REGIONS) {
      const stored = bytesOf(region);
      expect(stored.length, region).toBeGreaterThan(100_000);
      for (const [name, text] of secrets) {
        const secret = fromBase64Url(text);
        for (const form of [Buffer.from(secret), toHex(secret), toBase64Url(secret), toBase64(secret)]) {
          expect(stored.includes(form), `${name} in ${region}`).toBe(false);
          if (typeof form === 'string') expect(said).not.toContain(form);
        }
      }
    }
    // Keys of DE, in both regions, which may go to peers: as of a person who was tested at home.
    expect(
      valuesOf('DE', /origin/)
        .get('release_counter')
        ?.flat(),
    ).toEqual(['to:DE+NL']);
    const [de, nl] = [valuesOf('DE', /verification/), valuesOf('NL', /verification/)];
    // Both have sessions, and NL one that gave a credential.
    expect([de.get('test_session')?.length, nl.get('test_session')?.length]).toEqual([1, 1]);
    expect([de.get('test_credential')?.length ?? 0, nl.get('test_credential')?.length]).toEqual([0, 1]);
    const inNl = new Set([...nl.values()].flat(2));
    expect([...de.values()].flat(2).filter((value) => inNl.has(value))).toEqual([]);
  });
});

/** Shorter ones are words of the schema, days and counts; a time of a session has ten digits, and is another in each. */
const SHORTEST = 8;

/** What the objects of `verification` hold but for others' lists and the directory's head, which are public: table → rows → values that could name something. */
function valuesOf(region: Region, worker: RegExp): Map<string, string[][]> {
  const found = new Map<string, string[][]>();
  const files = readdirSync(at(region), { recursive: true, withFileTypes: true });
  for (const { name, parentPath } of files) {
    if (!name.endsWith('.sqlite') || !worker.test(parentPath) || name === 'metadata.sqlite') continue;
    const database = new DatabaseSync(join(parentPath, name), { readOnly: true });
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    for (const { name: table } of tables as { name: string }[]) {
      if (/^(_cf|sqlite|schema|clock|deployment|peer_status|believed)_/.test(table)) continue;
      const rows = database.prepare(`SELECT * FROM "${table}"`).all();
      if (rows.length === 0) continue;
      found.set(table, [...(found.get(table) ?? []), ...rows.map(namesIn)]);
    }
    database.close();
  }
  return found;
}

function namesIn(row: Readonly<Record<string, unknown>>): string[] {
  const texts = Object.values(row).map((value) => (value instanceof Uint8Array ? toHex(value) : String(value)));
  return texts.filter((text) => text.length >= SHORTEST);
}
