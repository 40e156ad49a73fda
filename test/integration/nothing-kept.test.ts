/**
 * @module Nothing kept (docs/architecture.md §10; docs/spec/europe.md §9.2 b, c): a load with addresses, user agents, codes and keys that can
 * be recognised; then every byte of every store, every log line and every published object is searched for them.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { issueTans, moveClock } from '../../scripts/support/operator.ts';
import { encodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import { patientKeys, payloadOf, START, startSystem, type System, UPLOAD_PATH } from '../conformance/support/system.ts';
import { names, publishedKeys } from '../support/published.ts';

const ADDRESSES = ['203.0.113.77', '2001:db8:77::77', '198.51.100.200'];
const AGENT = 'RecognisableAgent/7.7 (Fairphone; Gouda)';
const MARKS = {
  'cf-connecting-ip': ADDRESSES[0] ?? '',
  'x-forwarded-for': ADDRESSES.join(', '),
  'x-real-ip': ADDRESSES[2] ?? '',
  'user-agent': AGENT,
  'cf-ipcountry': 'QQ',
  'cf-ray': '7777recognisable7777-AMS',
  referer: 'https://recognisable.example/',
  cookie: 'recognisable=1',
};
const state = mkdtempSync(join(tmpdir(), 'exposure-edge-kept-'));
const guid = createHash('sha256').update('recognisable GUID').digest('hex');
const unpublished = patientKeys('too late for this hour', START + 2 * 3600);
const published = patientKeys('published', START);
const codes: string[] = [];
let log: readonly string[] = [];
let publishedNames: string[] = [];
let files: { path: string; bytes: Buffer }[] = [];

async function send(system: System, path: string, headers: Record<string, string>, body: Uint8Array | string) {
  return system.send(path, { method: 'POST', headers: { ...MARKS, ...headers }, body: Buffer.from(body) });
}

async function upload(system: System, tan: string, keys: typeof published): Promise<number> {
  const headers = { 'content-type': 'application/x-protobuf', 'cwa-fake': '0', 'cwa-authorization': tan };
  return (await send(system, UPLOAD_PATH, headers, encodeSubmissionPayload(payloadOf(keys)))).status;
}

async function ask(system: System, route: string, question: unknown): Promise<Record<string, string>> {
  const headers = { 'content-type': 'application/json', 'cwa-fake': '0' };
  const answer = await send(system, `/version/v1/${route}`, headers, JSON.stringify(question));
  return JSON.parse(Buffer.from(answer.body).toString()) as Record<string, string>;
}

beforeAll(async () => {
  const system = await startSystem({
    state,
    vars: {
      upload: { ANSWER_DEADLINE_MS: '200' },
      verification: { ANSWER_DEADLINE_MS: '200' },
      origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' },
    },
  });
  const { url } = system.edge;
  const tans = await issueTans(url, 5);
  codes.push(...tans);
  const [first = '', second = '', third = '', fourth = ''] = tans;
  const answers = [
    await upload(system, first, published),
    await upload(system, first, unpublished), // used
    await upload(system, `${second.slice(0, -1)}${second.endsWith('0') ? '1' : '0'}`, unpublished), // forged
    (
      await send(
        system,
        UPLOAD_PATH,
        { 'content-type': 'application/x-protobuf', 'cwa-fake': '0', 'cwa-authorization': third },
        'broken',
      )
    ).status,
    (await send(system, UPLOAD_PATH, { 'content-type': 'text/plain', 'cwa-authorization': third }, 'odd')).status,
    (
      await send(
        system,
        UPLOAD_PATH,
        { 'content-type': 'application/x-protobuf', 'cwa-fake': '1' },
        encodeSubmissionPayload(payloadOf(published)),
      )
    ).status,
  ];
  if (answers.join() !== '200,403,403,400,500,200') throw new Error(`answers: ${answers.join()}`);
  const token = (await ask(system, 'registrationToken', { key: guid, keyType: 'GUID' }))['registrationToken'] ?? '';
  await ask(system, 'testresult', { registrationToken: token });
  await ask(system, 'tan', { registrationToken: token });
  await ask(system, 'registrationToken', { key: 'A23456789B', keyType: 'TELETAN' });
  codes.push(token, 'A23456789B');
  for (const path of ['/v1/DE/manifest.json', '/unknown', '/version/v1/diagnosis-keys/country?x=1']) {
    await system.send(path, { headers: MARKS });
  }
  await moveClock(url, START + 2 * 3600);
  if ((await upload(system, fourth, unpublished)) !== 200) throw new Error('the late upload was not stored');
  publishedNames = names(await publishedKeys(system.edge, 'DE'));
  log = system.log;
  await system.edge.dispose();
  files = readdirSync(state, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'secrets.json')
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(state, path), bytes: readFileSync(path) }));
});
afterAll(() => rmSync(state, { recursive: true, force: true }));

/** Paths of files that hold these bytes. */
const holders = (needle: Uint8Array | string): string[] =>
  files
    .filter(({ bytes }) => bytes.includes(typeof needle === 'string' ? needle : Buffer.from(needle)))
    .map(({ path }) => path);

const without = (text: string): string => text.replaceAll('-', '');

describe('after a load with marks', () => {
  it('the stores are there, so that the search means something', ({ expect }) => {
    expect(files.length).toBeGreaterThan(5);
    expect(publishedNames).toEqual(names(published));
  });

  it('no address, user agent, country or other header is in any store or log line', ({ expect }) => {
    for (const mark of [
      ...ADDRESSES,
      AGENT,
      'RecognisableAgent',
      '7777recognisable7777',
      'recognisable.example',
      'recognisable=1',
    ]) {
      expect(holders(mark), mark).toEqual([]);
      expect(
        log.filter((line) => line.includes(mark)),
        mark,
      ).toEqual([]);
    }
  });

  it('no TAN, token or teleTAN is anywhere: not as text, not as bytes', ({ expect }) => {
    for (const code of codes) {
      expect(holders(code)).toEqual([]);
      expect(holders(without(code))).toEqual([]);
      if (/^[0-9a-f-]{36}$/.test(code)) expect(holders(Buffer.from(without(code), 'hex'))).toEqual([]);
      expect(log.filter((line) => line.includes(code))).toEqual([]);
    }
  });

  it('unpublished keys lie nowhere in the clear, not in the buffer either', ({ expect }) => {
    expect(files.filter(({ path }) => /SubmissionBuffer/.test(path)).length).toBeGreaterThan(0);
    for (const { keyData } of unpublished) expect(holders(keyData ?? new Uint8Array())).toEqual([]);
  });

  it("a hashed GUID lies with its session alone, and no key's name is logged", ({ expect }) => {
    expect(holders(guid).filter((path) => !/TestSession/.test(path))).toEqual([]);
    for (const name of names([...published, ...unpublished])) {
      expect(log.filter((line) => line.toLowerCase().includes(name))).toEqual([]);
    }
  });
});
