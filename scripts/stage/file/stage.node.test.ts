import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { parse } from 'smol-toml';
import { afterAll, beforeAll, describe, it } from 'vitest';
import * as z from 'zod';
import { readEnvironments, ROOT } from '../../../local-edge/workers.ts';
import { describeProblem, StageFileError } from './problem.ts';
import { fileSchema } from './schema.ts';
import { readStage, type Stage } from './stage.ts';
import { varsOf, type WorkerName } from './vars.ts';

const DEMO = readFileSync(join(ROOT, 'stages/demo.toml'), 'utf8');
const CERTIFICATES = readFileSync(join(ROOT, 'stages/demo-laboratories.pem'), 'utf8');
/** What is exchanged for what. */
type Change = readonly [from: string | RegExp, to: string];

let folder: string;
let keepers: readonly string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'exposure-edge-stage-file-'));
  writeFileSync(join(folder, 'demo-laboratories.pem'), CERTIFICATES);
  writeFileSync(join(folder, 'key.pem'), '-----BEGIN PRIVATE KEY-----\n');
  writeFileSync(join(folder, 'peers.json'), '[]');
  keepers = await Promise.all([1, 2, 3].map(async () => identityToRecipient(await generateX25519Identity())));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** @returns what is said of the demo's file with lines exchanged, or the stage itself */
function read(...changes: readonly Change[]): Stage | string[] {
  const path = join(folder, 'demo.toml');
  writeFileSync(
    path,
    changes.reduce((text, [from, to]) => text.replace(from, to), DEMO),
  );
  const result = readStage(path);
  return result.ok ? result.value : result.error.map((problem) => describeProblem(problem));
}

const stage = (...changes: readonly Change[]): Stage => {
  const result = read(...changes);
  if (Array.isArray(result)) throw new StageFileError('demo.toml', []);
  return result;
};

const REAL = [/^account = "double"/m, 'account = "0123456789abcdef0123456789abcdef"'] as const;
const withKeepers = (lines: string) => [/$/, `\n[keepers]\n${lines}\n`] as const;

describe('a stage’s file', () => {
  it('says with field, value and rule what is wrong, and what was meant', ({ expect }) => {
    expect(read(['submission =', 'sumbission ='])).toEqual([
      'hosts.sumbission is no field of a stage; did you mean submission?',
    ]);
    expect(read(['jurisdiction = "eu"', 'jurisdiction = "ue"'])).toEqual([
      'jurisdiction = "ue" must be "eu", "fedramp" or "none"; did you mean eu?',
    ]);
    expect(read(['country = "DE"', 'country = "Germany"'])).toEqual([
      'country = "Germany" must be a country in two capital letters (ISO 3166-1)',
    ]);
    expect(read(['zone = "example.org"', ''])).toEqual([
      'zone is missing; it must be a host name in lower case, as keys.example.org',
    ]);
    expect(read(['[signing]', '[siging]'])).toEqual(['siging is no field of a stage; did you mean signing?']);
    expect(read(['union = "EUR"', 'union = "EUR"\nmin_keys = 3'])).toEqual([
      'min_keys is no field of a stage; did you mean policy.min_keys?',
    ]);
    expect((read(['country = "DE"', 'country = DE']) as string[])[0]).toMatch(/^line 7, column 11 is no TOML: /);
    expect(read(['operators = ["anna@example.org", "ben@example.org"]', 'operators = ["anna@example.org"]'])).toEqual([
      'access.operators = "[\\"anna@example.org\\"]" must be at least two people: parameters, rollbacks and the end want a second one',
    ]);
  });

  it.for<readonly [name: string, change: Change, said: RegExp]>([
    [
      'a host twice',
      ['portal = "portal.', 'portal = "keys.'],
      /^hosts\.portal = "keys\.example\.org" must be another than hosts\.keys/,
    ],
    [
      'a host of another zone',
      ['"keys.example.org"', '"keys.example.net"'],
      /^hosts\.keys = .* must be in the zone example\.org/,
    ],
    [
      'the link’s host taken',
      ['links = "en.example.org"', 'links = "example.org"\npeers = "de.example.org"'],
      /^hosts\.links = "de\.example\.org" must be another than hosts\.peers/,
    ],
    ['config beside keys', ['links =', 'config = "keys.example.org"\nlinks ='], /^hosts\.config = .* must be left out/],
    ['the country not among regions', ['["DE", "EUR"]', '["FR", "EUR"]'], /^regions = .* must have DE, the country/],
    ['the union not among regions', ['["DE", "EUR"]', '["DE"]'], /^regions = .* must have EUR, the union/],
    [
      'minima that contradict each other',
      [/$/, '\n[policy]\nmin_keys = 5'],
      /^policy\.min_keys = "5" must not be below min_uploads=10/,
    ],
    [
      'a life that no phone serves',
      [/$/, '\n[retention]\ndays = 15'],
      /^retention\.days = "15" must be a whole number of days, 10 to 14/,
    ],
    ['feeds without a host', [/$/, '\n[federation]\nfeeds = ["a2a"]'], /^hosts\.peers is missing/],
    [
      'two of three of a former key',
      ['export_key_id =', 'export_former_key_id = "262"\nexport_former_key_version = "v1"\nexport_key_id ='],
      /^signing\.export_former_key_until is missing/,
    ],
    [
      'a file that isn’t there',
      ['demo-laboratories.pem', 'laboratories.pem'],
      /^laboratories\.root_certificates\[0\] = .* must be a file beside this one/,
    ],
    [
      'a file with a private key',
      ['demo-laboratories.pem', 'key.pem'],
      /^laboratories\.root_certificates\[0\] = .* private key/,
    ],
    [
      'a file above its folder by a detour',
      ['demo-laboratories.pem', 'x/../../y.pem'],
      /root_certificates\[0\] = .* must be a file/,
    ],
    ['a file above its folder', ['demo-laboratories.pem', '../../x.pem'], /root_certificates\[0\] = .* must be a file/],
    [
      'one share for two people',
      withKeepers('undo = ["age1x", "age1y"]'),
      /^keepers\.undo\[0\] = "age1x" must be a recipient of age/,
    ],
  ])('refuses %s', ([, change, said], { expect }) => {
    const problems = read(change);
    expect((problems as string[])[0]).toMatch(said);
  });

  it('never repeats a secret that somebody put into it', async ({ expect }) => {
    const identity = await generateX25519Identity();
    const problems = read(withKeepers(`operator = "${identity}"`)) as string[];
    expect(problems.join(' ')).toMatch(/^keepers\.operator = "\(a secret key: no secret belongs into this file/);
    expect(problems.join(' ')).not.toContain(identity);
  });

  it('of a real account names keepers, of whom no operator has a share of the undo key', ({ expect }) => {
    const [a = '', b = '', c = ''] = keepers;
    expect(read(REAL)).toEqual([
      'keepers.operator is missing; it must be the recipient of age of whoever applies',
      'keepers.restore = "[]" must be at least one recipient of age, better two',
      'keepers.undo = "[]" must be two recipients of age',
    ]);
    const lines = (undo: readonly string[]) =>
      withKeepers(`operator = "${a}"\nrestore = ["${b}"]\nundo = ${JSON.stringify(undo)}`);
    expect(read(REAL, lines([b, c]))).toMatchObject({ keepers: { operator: a, restore: [b], undo: [b, c] } });
    expect(read(REAL, lines([b, b]))).toEqual([expect.stringContaining('must be two people')]);
    expect((read(REAL, lines([a, c])) as string[])[0]).toContain('must be another than keepers.operator');
  });

  it('is read with what it names beside itself', ({ expect }) => {
    const { laboratories, federation, hosts, name } = stage([/$/, '\n[federation]\npeers = "peers.json"']);
    expect(name).toBe('demo');
    expect(laboratories.rootCertificates).toEqual([{ file: 'demo-laboratories.pem', pem: CERTIFICATES }]);
    expect(federation.peers).toBe('[]');
    expect([hosts.config, hosts.peers]).toEqual([null, null]);
  });

  it('that isn’t there is said', ({ expect }) => {
    expect(readStage(join(folder, 'none.toml'))).toMatchObject({
      ok: false,
      error: [{ rule: 'there is no such file' }],
    });
  });
});

describe('variables of a stage', () => {
  const NAMES = readEnvironments().map(({ environment }) => environment as WorkerName);
  const OPTIONAL = ['RESERVE_UPLOADS', 'EXPORT_FORMER_KEY_ID', 'EXPORT_FORMER_KEY_VERSION', 'EXPORT_FORMER_KEY_UNTIL'];

  it('are those that wrangler.toml has, Worker by Worker', ({ expect }) => {
    const former =
      'export_former_key_id = "262"\nexport_former_key_version = "v0"\nexport_former_key_until = "2026-12-01"\nexport_key_id =';
    const full = stage(['export_key_id =', former], [/$/, '\n[policy]\nreserve_uploads = 2']);
    for (const { environment, vars } of readEnvironments()) {
      const named = Object.keys(varsOf(full, environment as WorkerName)).filter((name) => !OPTIONAL.includes(name));
      expect(named.filter((name) => !(name in vars))).toEqual([]);
    }
    expect(varsOf(full, 'origin')).toMatchObject({ RESERVE_UPLOADS: '2', EXPORT_FORMER_KEY_UNTIL: '2026-12-01' });
  });

  it('say of the default what wrangler.toml says', ({ expect }) => {
    const origin = readEnvironments().find(({ environment }) => environment === 'origin');
    expect(varsOf(stage(), 'origin')).toEqual(
      Object.fromEntries(Object.keys(varsOf(stage(), 'origin')).map((name) => [name, origin?.vars[name]])),
    );
  });

  it('follow the file', ({ expect }) => {
    const changed = stage(
      ['keys = "keys', 'peers = "peers.example.org"\nkeys = "keys'],
      [/$/, '\n[federation]\nfeeds = ["a2a", "NL"]\n[verification]\ncredentials = true\ntan_lifetime_days = 7'],
    );
    expect(varsOf(changed, 'federation')).toMatchObject({
      PEER_FEEDS: 'a2a,NL',
      FEED_URL: 'https://peers.example.org',
    });
    expect(varsOf(changed, 'verification')).toMatchObject({
      VERIFICATION_URL: 'https://verification.example.org',
      TAN_LIFETIME_SECONDS: String(7 * 86_400),
      LINK_DOMAIN: 'en.example.org',
    });
  });

  it('take what the account or a rotation says over what the file says', ({ expect }) => {
    const made = {
      serviceSubjects: { nightly: 'abc.access' },
      rotation: { MANIFEST_KEY_ID: 'manifest-v2', EXPORT_FORMER_KEY_ID: '262' },
    };
    expect(varsOf(stage(), 'portal')).toMatchObject({ OPERATOR_SERVICES: '' });
    expect(varsOf(stage(), 'portal', made)).toMatchObject({ OPERATOR_SERVICES: 'abc.access=anna@example.org' });
    expect(varsOf(stage(), 'origin', made)).toMatchObject({
      MANIFEST_KEY_ID: 'manifest-v2',
      EXPORT_FORMER_KEY_ID: '262',
    });
    for (const worker of NAMES.filter((name) => name !== 'origin')) {
      expect(varsOf(stage(), worker, made)).not.toHaveProperty('MANIFEST_KEY_ID');
    }
  });
});

it('the demo’s file names its schema, which is what the code gives', ({ expect }) => {
  const schema: unknown = JSON.parse(readFileSync(join(ROOT, 'stages/stage.schema.json'), 'utf8'));
  expect(schema).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(fileSchema, { io: 'input' }))));
  expect(parse(DEMO)).toMatchObject({ $schema: './stage.schema.json', account: 'double' });
});
