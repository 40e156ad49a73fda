import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPublicKey } from 'node:crypto';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { ROOT } from '../../../local-edge/workers.ts';
import { combineShares, publicHalf } from '../../support/undo-key.ts';
import { stagePlaces, type StagePlaces } from '../file/places.ts';
import { readStage, type Stage } from '../file/stage.ts';
import { open, readIdentities } from './age.ts';
import { initLines, initStage } from './init.ts';
import { heldSecrets, missingSecrets, openSealed, operatorIdentities, sealSecrets } from './sealed.ts';
import { stageVault } from './vault.ts';

const demo = readStage(join(ROOT, 'stages/demo.toml'));
const DEMO = demo.ok
  ? demo.value
  : ((): never => {
      throw new Error('demo.toml');
    })();
const DRAW = { identity: null, bring: null } as const;
let root: string;
let places: StagePlaces;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'exposure-edge-init-'));
  places = stagePlaces('demo', root);
});
afterEach(() => rmSync(root, { recursive: true }));

const opened = async (stage: Stage = DEMO) => openSealed(stage, places, operatorIdentities(stage, places, null));
/** Every file below a folder, path → text. */
const files = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, readFileSync(path, 'utf8')]),
  );

describe('init', () => {
  it('draws what every Worker needs, and writes no secret in the clear', async ({ expect }) => {
    const report = await initStage(DEMO, places, DRAW);
    const { secrets, markKey } = await opened();
    expect(Object.keys(secrets).toSorted()).toEqual(report.drawn.toSorted());
    expect(markKey).toHaveLength(32);
    const inFiles = Object.values(files(root)).join('\n') + initLines(report, 'demo').join('\n');
    const hidden = Object.entries(secrets).filter(([name]) => !name.endsWith('PUBLIC_KEY'));
    expect(hidden.filter(([, value]) => inFiles.includes(value.slice(30, 70)))).toEqual([]);
    expect(inFiles).not.toContain('BEGIN PRIVATE KEY');
    for (const path of [places.secrets, places.identity, ...report.offline])
      expect(statSync(path).mode & 0o777).toBe(0o600);
    const held = heldSecrets(DEMO, await opened());
    expect(held.of('upload')).toEqual({
      TAN_MAC_KEY: secrets['TAN_MAC_KEY'],
      DIGEST_KEY: secrets['DIGEST_KEY'],
      UPLOAD_ID_KEY: secrets['UPLOAD_ID_KEY'],
    });
    expect(held.of('index')).toEqual({});
  });

  it('again changes nothing; a secret that a newer version needs is added to what is there', async ({ expect }) => {
    await initStage(DEMO, places, DRAW);
    const before = files(root);
    expect(await initStage(DEMO, places, DRAW)).toMatchObject({ drawn: [], identity: null });
    expect(files(root)).toEqual(before);
    const sealed = await opened();
    const { PERMIT_KEY: _, ...older } = sealed.secrets;
    await sealSecrets(DEMO, places, { ...sealed, secrets: older });
    expect(missingSecrets(DEMO, (await opened()).secrets)).toEqual(['PERMIT_KEY']);
    expect(await initStage(DEMO, places, DRAW)).toMatchObject({ drawn: ['PERMIT_KEY'] });
    expect((await opened()).secrets).toMatchObject(older);
    expect((await opened()).markKey).toEqual(sealed.markKey);
  });

  it('seals what no Worker holds to its keepers, a share each, and to nobody else', async ({ expect }) => {
    const identities = await Promise.all([1, 2, 3, 4].map(() => generateX25519Identity()));
    const [operator = '', restore = '', one = '', two = ''] = await Promise.all(
      identities.map((identity) => identityToRecipient(identity)),
    );
    const stage: Stage = {
      ...DEMO,
      account: 'a'.repeat(32),
      keepers: { operator, restore: [restore], undo: [one, two] },
    };
    const { offline } = await initStage(stage, places, DRAW);
    const [restoreFile = '', first = '', second = ''] = offline;
    const file = join(root, 'operator.txt');
    writeFileSync(file, `# created\n${identities[0]}\n`);
    const { secrets } = await openSealed(stage, places, operatorIdentities(stage, places, file));
    for (const path of [restoreFile, first, second])
      await expect(open(path, [identities[0]!])).rejects.toThrow("can't be opened");
    await expect(open(first, [identities[3]!])).rejects.toThrow("can't be opened");
    const restorePem = await open(restoreFile, [identities[1]!]);
    expect(createPublicKey(restorePem).export({ type: 'spki', format: 'pem' })).toBe(secrets['RESTORE_PUBLIC_KEY']);
    const shares = [await open(first, [identities[2]!]), await open(second, [identities[3]!])] as const;
    expect(publicHalf(combineShares(shares))).toBe(secrets['UNDO_PUBLIC_KEY']);
    expect(() => operatorIdentities(stage, places, null)).toThrow('--identity or EXPOSURE_EDGE_IDENTITY');
  });

  it.for<readonly [string, (p: StagePlaces) => void, RegExp | null]>([
    ['after the identity', (p) => rmAll(p.secrets, p.offline, p.public), null],
    ['after a public half', (p) => rmAll(p.secrets, p.offline), null],
    ['before the secrets’ file', (p) => rmAll(p.secrets), null],
    ['before public halves of signing keys', (p) => rmAll(join(p.public, 'export.pem')), null],
    [
      'between two shares',
      (p) => rmAll(p.secrets, join(p.offline, 'undo-share-2.age')),
      /undo-share-1\.age is there without all of/,
    ],
  ])('cut off %s: the next one goes on, or says what is half', async ([, cut, said], { expect }) => {
    await initStage(DEMO, places, DRAW);
    const restore = join(places.offline, 'restore-private-key.age');
    cut(places);
    const left = files(root)[restore];
    const next = initStage(DEMO, places, DRAW);
    if (said !== null) {
      await expect(next).rejects.toThrow(said);
      return;
    }
    await next;
    const { secrets } = await opened();
    const pem = await open(restore, readIdentities(places.identity));
    expect(createPublicKey(pem).export({ type: 'spki', format: 'pem' })).toBe(secrets['RESTORE_PUBLIC_KEY']);
    // What was whole is taken as it is: keepers may have it already.
    if (left !== undefined) expect(files(root)[restore]).toBe(left);
  });

  it('without the identity that opens what is there draws nothing', async ({ expect }) => {
    await initStage(DEMO, places, DRAW);
    renameSync(places.identity, join(root, 'gone'));
    const before = files(root);
    await expect(initStage(DEMO, places, DRAW)).rejects.toThrow('the identity that opens it');
    // Whoever plans or goes back is told the same: of the double nobody has an --identity.
    await expect(opened()).rejects.toThrow('the identity that opens it');
    expect(files(root)).toEqual(before);
  });

  it('takes what others gave, and draws nothing where something must be brought', async ({ expect }) => {
    const peers = JSON.stringify([{ Format: 'efgs' }]);
    const stage: Stage = { ...DEMO, federation: { ...DEMO.federation, peers } };
    await expect(initStage(stage, places, DRAW)).rejects.toThrow(
      'EFGS_SIGNING_CERTIFICATE, EFGS_SIGNING_KEY: others issue them',
    );
    const folder = join(root, 'brought');
    mkdirSync(folder);
    writeFileSync(join(folder, 'TAN_MAC_KEY'), 'c2hvcnQ=\n');
    const bring = { identity: null, bring: folder };
    await expect(initStage(DEMO, places, bring)).rejects.toThrow('TAN_MAC_KEY must be 32 bytes in base64');
    const key = Buffer.alloc(32, 7).toString('base64');
    writeFileSync(join(folder, 'TAN_MAC_KEY'), `${key}\n`);
    expect(await initStage(DEMO, places, bring)).toMatchObject({ brought: ['TAN_MAC_KEY'] });
    expect((await opened()).secrets).toMatchObject({ TAN_MAC_KEY: key });
  });
});

const rmAll = (...paths: string[]): void => {
  for (const path of paths) rmSync(path, { recursive: true, force: true });
};

describe('sealed files', () => {
  it('that are damaged, of another format or others’ say so and nothing of what is in them', async ({ expect }) => {
    await initStage(DEMO, places, DRAW);
    const sealed = await opened();
    const bent = { ...sealed, secrets: { ...sealed.secrets, PERMIT_KEY: 'bent-value' } };
    await sealSecrets(DEMO, places, bent);
    const said = await opened().then(String, String);
    expect(said).toContain('PERMIT_KEY must be 32 bytes in base64');
    expect(said).not.toContain('bent-value');
    writeFileSync(places.secrets, 'x');
    await expect(opened()).rejects.toThrow('is damaged: it is no armoured age file');
    rmSync(places.secrets);
    await expect(opened()).rejects.toThrow("isn't there: npm run stage -- init demo");
  });

  it('keep what the account says once, by id', async ({ expect }) => {
    await initStage(DEMO, places, DRAW);
    const vault = stageVault(DEMO, places);
    expect(await vault.has('nightly', 'id-1')).toBe(false);
    await vault.seal('nightly', 'id-1', 'said-once');
    expect([await vault.has('nightly', 'id-1'), await vault.has('nightly', 'id-2')]).toEqual([true, false]);
    const [path = '', text = ''] = Object.entries(files(join(root, 'stages/demo/tokens')))[0] ?? [];
    expect(text).not.toContain('said-once');
    expect(await open(path, readIdentities(places.identity))).toBe('said-once');
    await expect(vault.seal('nightly', 'id-1', 'again')).rejects.toThrow('is there already');
  });

  it('want an identity of age, and nothing else', ({ expect }) => {
    const file = join(root, 'identity.txt');
    writeFileSync(file, 'AGE-PLUGIN-YUBIKEY-1XYZ\n');
    expect(() => readIdentities(file)).toThrow('must hold identities of age');
    writeFileSync(file, '# nothing\n');
    expect(() => readIdentities(file)).toThrow('must hold identities of age');
    expect(() => readIdentities(join(root, 'none'))).toThrow('there is no such file');
  });
});
