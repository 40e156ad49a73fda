/**
 * @module Two operators, two witnesses and a stranger, on files and over HTTP: what `npm run directory` does, with real certificates, a
 * real log and what crashes, forks and tampering leave behind.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, it } from 'vitest';
import type { Certificate } from '../../../protocol/certificates/certificate.ts';
import { clientOf } from '../../../protocol/directory/clients.ts';
import { checkpointText } from '../../../protocol/directory/checkpoint.ts';
import { leafHash, rootOf } from '../../../protocol/directory/merkle.ts';
import { noteBytes, noteKeyText, type NoteSecret, noteSecret, signNote } from '../../../protocol/directory/note.ts';
import { type DirectoryPolicy, parsePolicy } from '../../../protocol/directory/policy.ts';
import { certificateText } from '../../../protocol/directory/statement.ts';
import { objectsOf } from '../../../protocol/directory/tiles.ts';
import { signerFromPkcs8Pem } from '../../../protocol/signing.ts';
import { toBase64, utf8 } from '../../../protocol/primitives/bytes.ts';
import { type Issued, issueDirectoryCertificate, type CertificateLevel } from './certificates.ts';
import { folderReader, writeDurably } from './folder.ts';
import { openLog, problemOfNext, publish } from './publish.ts';
import { fetchDirectory } from './served.ts';
import { chainFromPem, newEntry, newRevocation, type StatementSigner } from './statements.ts';
import { verifyDirectory } from './verify.ts';
import { witness, type WitnessOptions } from './witness.ts';

const NOW = 1_795_000_000;
const ORIGIN = 'directory.example/eu';
const LOG = noteSecret(ORIGIN, 'note', new Uint8Array(32).fill(1));
const WITNESSES = [2, 3].map((byte) => noteSecret(`w${byte}.example`, 'cosignature', new Uint8Array(32).fill(byte)));

let root: Issued;
let eu: Issued;
const regions = new Map<string, StatementSigner>();
const consumers = new Map<string, Certificate>();
let policy: DirectoryPolicy;

const issue = (level: CertificateLevel, issuer: Issued | null, region: string | null = null) =>
  issueDirectoryCertificate({ level, region, cluster: level === 'root' ? null : 'eu', now: NOW, days: 300, issuer });

const signerOf = ({ chain, key }: Issued): StatementSigner => ({ chain: chainFromPem(chain), key });
const firstOf = (issued: Issued): Certificate => {
  const [first] = chainFromPem(issued.chain);
  if (first === undefined) throw new Error('a certificate');
  return first;
};

beforeAll(async () => {
  root = await issue('root', null);
  eu = await issue('cluster', root);
  for (const id of ['DE', 'NL']) {
    regions.set(id, signerOf(await issue('region', eu, id)));
    consumers.set(id, firstOf(await issue('tls', eu, id)));
  }
  const parsed = parsePolicy(
    JSON.stringify({
      origin: ORIGIN,
      logKeys: [noteKeyText(LOG)],
      roots: [certificateText(firstOf(root))],
      witnesses: WITNESSES.map((one) => noteKeyText(one)),
      threshold: 2,
      maxAgeSeconds: 86_400,
    }),
  );
  if (!parsed.ok) throw new Error(parsed.error);
  policy = parsed.value;
});

const home = mkdtempSync(join(tmpdir(), 'exposure-edge-directory-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
let folder = '';
let count = 0;
beforeEach(() => {
  folder = join(home, `log-${++count}`);
  mkdirSync(folder);
});

function given<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('a value is expected');
  return value;
}
const region = (id: string): StatementSigner => given(regions.get(id));
const fingerprintOf = (id: string): string =>
  given(consumers.get(id)).x509.fingerprint256.replaceAll(':', '').toLowerCase();

/** The entry of a region as its operator writes it. */
const fieldsOf = (id: string, vendor = 'exposure-edge') => ({
  regionId: id,
  vendor,
  cluster: 'eu',
  phase: 1,
  feedUrl: `https://feed.${id.toLowerCase()}.example/`,
  publicUrl: `https://keys.${id.toLowerCase()}.example/`,
  verificationUrl: `https://verification.${id.toLowerCase()}.example/`,
  formats: ['exposure-edge'],
  tlsCertificates: [certificateText(given(consumers.get(id)))],
  verificationKeys: [
    { keyId: '262', keyVersion: 'v1', spki: toBase64(signerFromPkcs8Pem(region(id).key).publicKeySpki) },
  ],
});

function pending(): Uint8Array[] {
  const waiting = join(folder, 'pending');
  return existsSync(waiting)
    ? readdirSync(waiting).map((name) => new Uint8Array(readFileSync(join(waiting, name))))
    : [];
}
const moment = (now = NOW) => ({ leaves: [...openLog(folder, policy).leaves, ...pending()], roots: policy.roots, now });
const put = (leaf: Uint8Array, name = `${leafHash(leaf).join('')}.json`) =>
  writeDurably(join(folder, 'pending', name), leaf);
const add = (id: string, vendor?: string) => put(newEntry(fieldsOf(id, vendor), region(id), moment(), 90));
const publishNow = (now = NOW) => publish({ folder, policy, secret: LOG, now });
const verify = (now = NOW) => verifyDirectory(folderReader(folder), policy, now, null);

function cosign(one: NoteSecret, more: Partial<WitnessOptions> = {}) {
  const state = join(folder, `${one.name}.sqlite`);
  const read = folderReader(folder);
  const done = witness({ state, secret: one, origin: ORIGIN, logKeys: policy.logKeys, read, now: NOW, ...more });
  if (done.ok) writeDurably(join(folder, 'cosignatures', one.name), done.line);
  return done;
}

async function publishWitnessed(now = NOW): Promise<void> {
  await publishNow(now);
  for (const one of WITNESSES) cosign(one, { now });
  await publishNow(now);
}

describe('two operators and two witnesses', () => {
  it('come to a directory that a stranger can verify over HTTP, and see it grow', async ({ expect }) => {
    add('DE');
    add('NL');
    expect(await publishNow()).toMatchObject({ added: 2, size: null, waiting: { size: 2 }, refused: [] });
    expect(verify().problems).toMatchObject([{ level: 'refused' }]);
    expect(cosign(given(WITNESSES[0]))).toMatchObject({ ok: true, size: 2, before: 0 });
    expect(await publishNow()).toMatchObject({
      size: null,
      waiting: { why: expect.stringContaining('1 of 2 witnesses') },
    });
    cosign(given(WITNESSES[1]));
    expect(await publishNow()).toEqual({ added: 0, size: 2, waiting: null, refused: [] });

    const server = serve(folder);
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const first = verifyDirectory(await fetchDirectory(url, { tiles: true }), policy, NOW, null);
      expect(first.problems).toEqual([]);
      expect(first.witnesses).toEqual({ 'w2.example': NOW, 'w3.example': NOW });
      expect(first.directory.entries.map(({ regionId }) => regionId)).toEqual(['DE', 'NL']);
      // What is revoked opens nothing once the directory is read again.
      const taken = { regionId: 'DE', cluster: 'eu', tlsFingerprints: [fingerprintOf('DE')] };
      put(newRevocation({ ...taken, verificationKeys: [], certificates: [], removed: false }, region('DE'), moment()));
      await publishWitnessed();
      const { directory, problems } = verifyDirectory(
        await fetchDirectory(url, { tiles: true }),
        policy,
        NOW,
        first.directory.head,
      );
      expect(problems).toEqual([]);
      expect(clientOf(first.directory.entries, fingerprintOf('DE'), NOW)).toMatchObject({ ok: true });
      expect(clientOf(directory.entries, fingerprintOf('DE'), NOW)).toEqual({ ok: false, error: 'revoked' });
      expect(clientOf(directory.entries, fingerprintOf('NL'), NOW)).toMatchObject({ ok: true });
    } finally {
      server.close();
    }
  });

  it('statements come in any order of their files', async ({ expect }) => {
    const leaves: Uint8Array[] = [];
    for (const vendor of ['a', 'b', 'c']) {
      leaves.push(newEntry(fieldsOf('DE', vendor), region('DE'), { ...moment(), leaves }, 90));
    }
    for (const [i, leaf] of leaves.entries()) put(leaf, `${9 - i}.json`);
    expect(await publishNow()).toMatchObject({ added: 3, refused: [] });
    expect(openLog(folder, policy).leaves).toEqual(leaves);
  });

  it('cosign the same anew each day, or it is stale', async ({ expect }) => {
    add('DE');
    await publishWitnessed();
    const later = NOW + 90_000;
    expect(verify(later).problems).toMatchObject([{ level: 'refused', text: expect.stringContaining('90000 s ago') }]);
    await publishWitnessed(later);
    expect(verify(later).problems).toEqual([]);
  });
});

function serve(files: string): Server {
  return createServer((request, response) => {
    const bytes = folderReader(files)(given(request.url).slice(1));
    response.writeHead(bytes === null ? 404 : 200).end(bytes ?? '');
  }).listen(0, '127.0.0.1');
}

describe('publish', () => {
  it('leaves alone what readers would ignore, and says why', async ({ expect }) => {
    put(utf8('hello'), 'a.json');
    put(newEntry(fieldsOf('DE'), region('DE'), { ...moment(), leaves: [] }, 90), 'b.json');
    // Signed before another with the same number came.
    put(newEntry(fieldsOf('DE', 'twice'), region('DE'), { ...moment(), leaves: [] }, 90), 'c.json');
    const done = await publishNow();
    expect(done.added).toBe(1);
    expect(done.refused.map(({ why }) => why)).toEqual([
      'entry 1: is no statement: no signed document',
      'entry 1: region DE has said its statement 1 before',
    ]);
    expect(pending()).toHaveLength(2);
  });

  it('writes nothing in a dry run, and nothing with a key that the policy doesn’t name', async ({ expect }) => {
    add('DE');
    const before = readdirSync(folder, { recursive: true });
    expect(await publish({ folder, policy, secret: LOG, now: NOW, dryRun: true })).toMatchObject({ added: 1 });
    const secret = noteSecret(ORIGIN, 'note', new Uint8Array(32).fill(9));
    await expect(publish({ folder, policy, secret, now: NOW })).rejects.toThrow('another key');
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
  });

  it('is done by one at a time', async ({ expect }) => {
    writeFileSync(join(folder, 'lock'), String(process.pid));
    await expect(publishNow()).rejects.toThrow('is at work on');
  });

  it('stops where the folder isn’t what its checkpoint says', async ({ expect }) => {
    add('DE');
    await publishWitnessed();
    add('NL');
    writeFileSync(join(folder, 'tile/entries/000.p/1'), 'another');
    await expect(publishNow()).rejects.toThrow('tile/entries/000.p/1');
  });
});

describe('a crash of publish', () => {
  it('among the objects: they are written again, or over', async ({ expect }) => {
    add('DE');
    const [statement] = pending();
    for (const [path, bytes] of objectsOf([given(statement), utf8('of a run that never came to its checkpoint')])) {
      if (path.startsWith('tile/entries')) writeDurably(join(folder, path), bytes);
    }
    put(newEntry(fieldsOf('NL'), region('NL'), moment(), 90));
    await publishWitnessed();
    expect(verify().problems).toEqual([]);
    expect(verify().directory.size).toBe(2);
  });

  it('after the proposal: what waits is in it already, and is removed', async ({ expect }) => {
    add('DE');
    cpSync(join(folder, 'pending'), join(folder, 'before'), { recursive: true });
    await publishNow();
    cpSync(join(folder, 'before'), join(folder, 'pending'), { recursive: true });
    expect(await publishNow()).toMatchObject({ added: 0, waiting: { size: 1 }, refused: [] });
    expect(pending()).toEqual([]);
  });

  it('after the checkpoint: the proposal that is public is removed', async ({ expect }) => {
    add('DE');
    await publishNow();
    const proposal = readFileSync(join(folder, 'checkpoint.proposed'));
    for (const one of WITNESSES) cosign(one);
    await publishNow();
    writeFileSync(join(folder, 'checkpoint.proposed'), proposal);
    expect(await publishNow()).toEqual({ added: 0, size: 1, waiting: null, refused: [] });
    expect(existsSync(join(folder, 'checkpoint.proposed'))).toBe(false);
  });

  it('before the witnesses: more statements make a longer proposal, which continues the first', async ({ expect }) => {
    add('DE');
    await publishNow();
    expect(cosign(given(WITNESSES[0]))).toMatchObject({ ok: true, size: 1 });
    add('NL');
    await publishNow();
    expect(cosign(given(WITNESSES[0]))).toMatchObject({ ok: true, size: 2, before: 1 });
    cosign(given(WITNESSES[1]));
    expect(await publishNow()).toMatchObject({ size: 2, waiting: null });
  });
});

/** What an operator can write who has the log's key, and lies. */
function forge(into: string, leaves: readonly Uint8Array[]): void {
  for (const [path, bytes] of objectsOf(leaves)) writeDurably(join(into, path), bytes);
  const text = checkpointText(ORIGIN, { size: leaves.length, root: rootOf(leaves.map((leaf) => leafHash(leaf))) });
  writeDurably(join(into, 'checkpoint'), noteBytes({ text, signatures: [signNote(text, LOG)] }));
}

describe('a witness', () => {
  it('remembers over restarts, and refuses a rollback and a fork', async ({ expect }) => {
    add('DE');
    add('NL');
    await publishWitnessed();
    const { leaves } = openLog(folder, policy);
    const w = given(WITNESSES[0]);
    const other = newEntry(fieldsOf('DE', 'forged'), region('DE'), { ...moment(), leaves: [] }, 90);
    for (const [shown, why] of [
      [leaves.slice(0, 1), 'rolled back: 2 entries were cosigned, the checkpoint has 1'],
      [[], 'rolled back'],
      [[other, ...leaves.slice(1)], 'of 2 entries another history was cosigned'],
      [[other, ...leaves], 'what was cosigned of 2 entries is not how the checkpoint of 3 begins'],
    ] as const) {
      const elsewhere = join(home, `forged-${++count}`);
      forge(elsewhere, shown);
      expect(cosign(w, { read: folderReader(elsewhere) })).toEqual({ ok: false, why: expect.stringContaining(why) });
    }
    // What it held is what it holds.
    expect(cosign(w)).toMatchObject({ ok: true, size: 2, before: 2 });
  });

  it('that crashed before its line left makes it again', async ({ expect }) => {
    add('DE');
    await publishNow();
    const w = given(WITNESSES[0]);
    const first = cosign(w);
    rmSync(join(folder, 'cosignatures'), { recursive: true });
    expect(cosign(w)).toEqual({ ...first, before: 1 });
  });

  it('cosigns nothing of another log, nor what isn’t signed, nor where entries are missing', async ({ expect }) => {
    add('DE');
    await publishNow();
    const w = given(WITNESSES[0]);
    expect(cosign(w, { origin: 'another.example' })).toMatchObject({ why: expect.stringContaining('another log') });
    expect(cosign(w, { logKeys: WITNESSES })).toMatchObject({ why: expect.stringContaining('no key of the log') });
    rmSync(join(folder, 'tile/entries'), { recursive: true });
    expect(cosign(w)).toMatchObject({ ok: false, why: 'tile/entries/000.p/1: is missing' });
    expect(cosign(w, { read: () => null })).toMatchObject({ ok: false, why: expect.stringContaining('no checkpoint') });
  });
});

describe('verify', () => {
  it('finds a tile that was altered, and that it proves no entry any more', async ({ expect }) => {
    add('DE');
    add('NL');
    await publishWitnessed();
    const tile = join(folder, 'tile/0/000.p/2');
    const bytes = readFileSync(tile);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    writeFileSync(tile, bytes);
    const lines = verify().problems.map(({ text }) => text);
    expect(lines[0]).toBe('tile/0/000.p/2: is missing, or not what the checkpoint says');
    // The proof of the first leaf doesn't need the hash that was bent: it is the first leaf's own.
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/^region (DE|NL): the tiles do not prove that its entry, 1,/),
    ]);
    rmSync(tile);
    expect(verify().problems).toHaveLength(3);
  });

  it('says what would be wrong with a statement before it is sent', ({ expect }) => {
    const expired = newEntry(fieldsOf('DE'), region('DE'), moment(), 90);
    expect(problemOfNext([], expired, policy.roots, NOW)).toBeNull();
    expect(problemOfNext([expired], expired, policy.roots, NOW)).toMatchObject({ kind: 'sequence-repeated' });
    expect(() => newEntry({ ...fieldsOf('DE'), regionId: 'NL' }, region('DE'), moment(), 90)).toThrow(
      'of region "DE", not of NL',
    );
    expect(() => newEntry({ ...fieldsOf('DE'), feedUrl: 'http://x.example/' }, region('DE'), moment(), 90)).toThrow(
      'feedUrl',
    );
  });
});
