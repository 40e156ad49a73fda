/** @module A state directory that can't be used is named, with what is wrong and what to do, and stays as it was. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { SCHEMA_VERSIONS } from '../domain/schema-versions.ts';
import { temporaryFolder } from '../scripts/support/command-line/interrupt.ts';
import { loadSecrets } from './secrets.ts';
import { startLocalEdge } from './local-edge.ts';
import { requireStateFormat, STATE_FORMAT, writeWhole } from './state-format.ts';
import { readEnvironments } from './workers.ts';

const { path: root, remove } = temporaryFolder('state-test');
afterAll(remove);

let number = 0;
/** A new directory with these files. */
function stateWith(files: Readonly<Record<string, string>> = {}): string {
  const state = join(root, String((number += 1)));
  mkdirSync(state);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(state, name), text);
  return state;
}

const STAMP = JSON.stringify({ format: STATE_FORMAT, schemas: SCHEMA_VERSIONS });
const NEXT = SCHEMA_VERSIONS.Publisher + 1;
const contents = (state: string) => readdirSync(state).map((name) => [name, readFileSync(join(state, name), 'utf8')]);

describe('the format of a state directory', () => {
  it('is stamped before anything else, and found again', ({ expect }) => {
    const state = stateWith({ 'format.json.new': '{"for' });
    requireStateFormat(state);
    expect(contents(state)).toEqual([['format.json', `${STAMP}\n`]]);
    requireStateFormat(state);
  });

  it('says which tables it has from the first start of each version on', ({ expect }) => {
    const older = { ...SCHEMA_VERSIONS, Publisher: SCHEMA_VERSIONS.Publisher - 1 };
    for (const stamp of [{ format: STATE_FORMAT }, { format: STATE_FORMAT, schemas: older }]) {
      const state = stateWith({ 'format.json': `${JSON.stringify(stamp)}\n` });
      requireStateFormat(state);
      expect(contents(state)).toEqual([['format.json', `${STAMP}\n`]]);
    }
  });

  it.for([
    {
      name: 'before there was a stamp',
      files: { 'secrets.json': '{}' },
      says: /older version: format 1, this one reads 4/,
    },
    { name: 'older', files: { 'format.json': '{"format":1}' }, says: /older version: format 1, this one reads 4/ },
    { name: 'newer', files: { 'format.json': '{"format":99}' }, says: /newer version: format 99, this one reads 4/ },
    {
      name: 'used by a newer version',
      files: { 'format.json': `{"format":${STATE_FORMAT},"schemas":{"Publisher":${NEXT}}}` },
      says: `too new: Publisher ${NEXT}, this one reads ${SCHEMA_VERSIONS.Publisher}. Start that version`,
    },
    {
      name: 'with an object that is not known yet',
      files: { 'format.json': `{"format":${STATE_FORMAT},"schemas":{"Oracle":1}}` },
      says: 'too new: Oracle 1, this one reads none',
    },
    { name: 'no table of versions', files: { 'format.json': '{"format":4,"schemas":[null]}' }, says: /is damaged/ },
    { name: 'no format', files: { 'format.json': '{"format":"2"}' }, says: /format\.json is damaged/ },
    { name: 'cut', files: { 'format.json': '{"form' }, says: /format\.json is damaged/ },
    { name: "somebody's photographs", files: { 'beach.jpg': 'x' }, says: /not empty, and no state of a local edge/ },
  ])('that is $name is refused by name, whole edge and all', async ({ files, says }, { expect }) => {
    const state = stateWith(files);
    const before = contents(state);
    await expect(startLocalEdge({ state })).rejects.toThrow(says);
    await expect(startLocalEdge({ state })).rejects.toThrow(state);
    await expect(startLocalEdge({ state })).rejects.toThrow('another --state');
    expect(contents(state)).toEqual(before);
  });
});

describe('secrets.json', () => {
  const workers = readEnvironments();
  const good = (): Record<string, string> => ({ ...loadSecrets(stateWith(), workers) });
  const otherCurve = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });

  it('is drawn once, for its owner alone; a secret that a later version wants is added', ({ expect }) => {
    const state = stateWith();
    const first = { ...loadSecrets(state, workers) };
    expect(loadSecrets(state, workers)).toEqual(first);
    expect(statSync(join(state, 'secrets.json')).mode & 0o777).toBe(0o600);
    const { TAN_MAC_KEY, ...without } = first;
    writeWhole(join(state, 'secrets.json'), JSON.stringify(without));
    const again = loadSecrets(state, workers);
    expect(again).toEqual({ ...without, TAN_MAC_KEY: again['TAN_MAC_KEY'] });
    expect(again['TAN_MAC_KEY']).not.toBe(TAN_MAC_KEY);
  });

  it.for([
    { name: 'cut', text: () => JSON.stringify(good()).slice(0, 200), says: 'it is not JSON' },
    { name: 'empty', text: () => '', says: 'it is not JSON' },
    { name: 'a list', text: () => '[]', says: 'it must be an object of texts' },
    { name: 'null', text: () => 'null', says: 'it must be an object of texts' },
    {
      name: 'a number in the place of a key',
      text: () => JSON.stringify({ ...good(), TAN_MAC_KEY: 7 }),
      says: 'TAN_MAC_KEY must be a text',
    },
    {
      name: 'a short key',
      text: () => JSON.stringify({ ...good(), TAN_MAC_KEY: 'c2hvcnQ=' }),
      says: 'TAN_MAC_KEY must be 32 bytes in base64',
    },
    {
      name: 'a cut signing key',
      text: () => JSON.stringify({ ...good(), EXPORT_SIGNING_KEY: '-----BEGIN PRIVATE KEY-----' }),
      says: 'EXPORT_SIGNING_KEY must be a P-256 private key',
    },
    {
      name: 'a key of another curve',
      text: () => JSON.stringify({ ...good(), MANIFEST_SIGNING_KEY: otherCurve }),
      says: 'MANIFEST_SIGNING_KEY must be a P-256 private key',
    },
  ])('that is $name is named, with what to do, and no secret is in the message', ({ text, says }, { expect }) => {
    const state = stateWith({ 'secrets.json': text() });
    const before = contents(state);
    let message = '';
    try {
      loadSecrets(state, workers);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(join(state, 'secrets.json'));
    expect(message).toContain(`is damaged: ${says}`);
    expect(message).toContain('restore the file, or start with another --state');
    expect(message).not.toMatch(/[A-Za-z0-9+/]{40}/);
    expect(contents(state)).toEqual(before);
  });

  it.for(['EXPORT_SIGNING_KEY', 'TAN_MAC_KEY', 'RESTORE_PRIVATE_KEY', 'UNDO_PRIVATE_KEY'])(
    'without %s beside stored data is damaged, and with no secret at all, too',
    (name, { expect }) => {
      for (const left of [{ ...good(), [name]: undefined }, {}]) {
        const state = stateWith({ 'format.json': STAMP, 'secrets.json': JSON.stringify(left) });
        mkdirSync(join(state, 'resources'));
        expect(() => loadSecrets(state, workers)).toThrow(/secrets\.json is damaged: [A-Z_]+ is missing/);
        expect(JSON.parse(readFileSync(join(state, 'secrets.json'), 'utf8'))).toEqual(JSON.parse(JSON.stringify(left)));
      }
    },
  );

  it('that is missing beside stored data is not drawn anew: what is stored was signed with the old one', ({
    expect,
  }) => {
    const state = stateWith({ 'format.json': STAMP });
    mkdirSync(join(state, 'resources'));
    expect(() => loadSecrets(state, workers)).toThrow(/secrets\.json is damaged: it is missing/);
    expect(existsSync(join(state, 'secrets.json'))).toBe(false);
    rmSync(join(state, 'resources'), { recursive: true });
    loadSecrets(state, workers);
  });

  it('whose writer was killed is the old one', ({ expect }) => {
    const state = stateWith();
    const first = { ...loadSecrets(state, workers) };
    writeFileSync(join(state, 'secrets.json.new'), '{"TAN_MAC');
    expect(loadSecrets(state, workers)).toEqual(first);
  });
});
