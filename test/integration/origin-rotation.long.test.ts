/**
 * @module Every secret of `origin` is changed while people upload and phones read: as `stage rotate` changes them, phase by phase, each a deployment of all Workers, cut in between. Whoever was acknowledged is
 * published, once; a revision token from before is good; phones that pin both manifest keys verify throughout.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { drawSecret, publicPem } from '../../local-edge/draw-secrets.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { readEnvironments, ROOT } from '../../local-edge/workers.ts';
import { type ManifestState, syncManifest } from '../../phone/download/download-manifest.ts';
import { memoryStore } from '../../phone/store.ts';
import { toBase64, toHex } from '../../protocol/primitives/bytes.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import { encodeSubmissionPayload, type SubmittedKey } from '../../protocol/submission-payload.ts';
import { publishParameters } from '../../scripts/demo/risk.ts';
import type { PhaseName } from '../../scripts/stage/rotate/rule.ts';
import { ruleOf } from '../../scripts/stage/rotate/rules.ts';
import { changed, type Values } from '../../scripts/stage/rotate/values.ts';
import { runChild } from '../../scripts/support/command-line/child.ts';
import { startWithAuthorities } from '../../scripts/support/local-authorities.ts';
import { issueTans, moveClock, setClock } from '../../scripts/support/operator.ts';
import { patientKeys, payloadOf, START, UPLOAD_PATH } from '../conformance/support/system.ts';

const HOUR = 3600;
/** A symmetric one is accepted before it makes; a signing one is announced. */
const RINGS = ['KNOWN_KEY_HASH_KEY', 'REVISION_TOKEN_KEY', 'PERMIT_KEY'];
const SIGNERS = ['EXPORT_SIGNING_KEY', 'MANIFEST_SIGNING_KEY', 'CONFIG_SIGNING_KEY', 'LOG_SIGNING_KEY'];
const VARIABLES = new Map(readEnvironments().flatMap(({ vars }) => Object.entries(vars)));

const state = mkdtempSync(join(tmpdir(), 'exposure-edge-rotation-'));
const secretsFile = join(state, 'secrets.json');
afterAll(() => rmSync(state, { recursive: true, force: true }));

let edge: LocalEdge;
let port = 0;
let now = START;
let values: Values = { secrets: {}, variables: {} };

/** What rotations add is no secret that wrangler.toml requires. */
async function deploy(): Promise<void> {
  const added = Object.entries(values.secrets).filter(([name]) => name.includes('_FORMER_'));
  const origin = {
    MIN_KEYS: '1',
    MIN_UPLOADS: '1',
    RESERVE_UPLOADS: '0',
    ...Object.fromEntries(added),
    ...values.variables,
  };
  const vars = { upload: { ANSWER_DEADLINE_MS: '0' }, verification: { ANSWER_DEADLINE_MS: '0' }, origin };
  edge = await startWithAuthorities({ state, port, vars, onLog: () => undefined }, true);
  port = Number(new URL(edge.url).port);
  await setClock(edge.url, now);
}

/** The next phase of all of them, deployed while others are asking. */
async function rotateAll(phaseOf: (kind: 'ring' | 'signing') => PhaseName): Promise<void> {
  for (const secret of [...RINGS, ...SIGNERS]) {
    const rule = ruleOf(secret)!;
    values = await changed(rule, phaseOf(rule.kind === 'ring' ? 'ring' : 'signing'), values, {
      at: now,
      draw: async (name) => drawSecret(name),
      variable: (name) => VARIABLES.get(name) ?? '',
    });
  }
  await edge.dispose();
  const deployed = Object.entries(values.secrets).filter(([name]) => !/^NEXT_|_FORMER_/.test(name));
  writeFileSync(secretsFile, JSON.stringify(Object.fromEntries(deployed)));
  await deploy();
}

/** A phone that is told to try later, or meets nobody, does try later. */
async function untilAnswered<T>(ask: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    const answer = await ask().catch(() => null);
    if (answer !== null) return answer;
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
  throw new Error('nobody answered');
}

const upload = (tan: string, keys: readonly SubmittedKey[]): Promise<number> =>
  untilAnswered(async () => {
    const headers = { 'content-type': 'application/x-protobuf', 'cwa-fake': '0', 'cwa-authorization': tan };
    const body = new Uint8Array(encodeSubmissionPayload(payloadOf(keys)));
    const { status } = await fetch(`${edge.url}${UPLOAD_PATH}`, { method: 'POST', headers, body });
    return status < 500 ? status : null;
  });

/** Uploads one after the other, until it is told to end. */
class Load {
  readonly acknowledged: SubmittedKey[] = [];
  readonly refused: number[] = [];
  #ends = false;
  readonly #done: Promise<unknown>;

  constructor(name: string, tans: readonly string[]) {
    this.#done = (async () => {
      for (const [n, tan] of tans.entries()) {
        if (this.#ends) return;
        const keys = patientKeys(`${name} ${n}`, START, 3);
        const status = await upload(tan, keys);
        if (status === 200) this.acknowledged.push(...keys);
        else this.refused.push(status);
      }
    })();
  }

  async end(): Promise<void> {
    this.#ends = true;
    await this.#done;
  }
}

/** As an app of Google's dialect that its authority lets publish without a certificate. */
const GOOGLE_KEY = {
  key: toBase64(new Uint8Array(16).fill(0xab)),
  rollingStartNumber: (Math.floor(START / 86_400) - 2) * 144,
  rollingPeriod: 144,
  transmissionRisk: 0,
};
async function publishGoogle(revisionToken?: string) {
  return untilAnswered(async () => {
    const content = { temporaryExposureKeys: [GOOGLE_KEY], healthAuthorityID: 'test', padding: 'AAAA', revisionToken };
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${edge.url}/v1/publish`, { method: 'POST', headers, body: JSON.stringify(content) });
    return response.status >= 500 ? null : ((await response.json()) as { code?: string; revisionToken: string });
  });
}

/** A phone that pins the export key of before, and the manifest keys that it is given. */
function phone(pins: () => Readonly<Record<string, Uint8Array>>, publicKeySpki: Uint8Array) {
  const store = memoryStore<ManifestState>();
  const keys: string[] = [];
  const sync = () =>
    syncManifest({
      fetch: globalThis.fetch,
      baseUrl: edge.url,
      clock: () => now,
      exportKey: { publicKeySpki, keyId: '262', keyVersion: 'v1' },
      manifestKeys: pins(),
      region: 'DE',
      store,
      onFile: ({ exportFile }) => void keys.push(...exportFile.keys.map(({ keyData }) => toHex(keyData))),
    });
  return { keys, sync };
}

const keyOfHead = async (path: string): Promise<string> =>
  ((await (await fetch(`${edge.url}${path}`)).json()) as { key: string }).key;

describe('all secrets of origin are changed', () => {
  it('under load, and nothing is lost', async ({ expect }) => {
    await deploy();
    values = { secrets: JSON.parse(readFileSync(secretsFile, 'utf8')) as Record<string, string>, variables: {} };
    const first = { ...values.secrets };
    const old = spkiFromPem(edge.manifestPublicPem);
    const pins: Record<string, Uint8Array> = { 'manifest-v1': old };
    const [updated, former] = [
      phone(() => pins, spkiFromPem(edge.publicPem)),
      phone(() => ({ 'manifest-v1': old }), spkiFromPem(edge.publicPem)),
    ];
    const formerLogKey = join(state, 'former-log.pem');
    writeFileSync(formerLogKey, readFileSync(join(state, 'log-public.pem')));
    await publishParameters(edge);
    const tans = await issueTans(edge.url, 33);
    const known = patientKeys('known', START, 3);
    expect(await upload(tans.pop()!, known)).toBe(200);
    const { revisionToken } = await publishGoogle();
    now += HOUR;
    await moveClock(edge.url, now);
    for (const each of [updated, former]) expect((await each.sync()).errors).toEqual([]);

    const loads = [0, 1, 2].map((n) => new Load(`load ${n}`, tans.slice(10 * n, 10 * n + 10)));
    await rotateAll((kind) => (kind === 'ring' ? 'accept' : 'announce'));
    expect(await keyOfHead('/v1/DE/manifest.json')).toBe('manifest-v1');
    // Apps that pin both are out.
    pins['manifest-v2'] = spkiFromPem(publicPem(values.secrets['NEXT_MANIFEST_SIGNING_KEY']!));
    await rotateAll(() => 'make');
    for (const secret of RINGS) expect(values.secrets[secret]!.split(',')[1]).toBe(first[secret]);
    await Promise.all(loads.map((load) => load.end()));
    expect(loads.flatMap(({ refused }) => refused)).toEqual([]);
    const acknowledged = loads.flatMap((load) => load.acknowledged);
    expect(acknowledged.length).toBeGreaterThan(0);

    // What was said of before the change is known, and its owner may still say something of it.
    expect(await upload(tans.at(-1)!, known)).toBe(200);
    expect((await publishGoogle()).code).toBe('missing_revision_token');
    const revised = await publishGoogle(revisionToken);
    expect([revised.code, typeof revised.revisionToken]).toEqual([undefined, 'string']);
    expect(revised.revisionToken).not.toBe(revisionToken);
    expect((await publishGoogle(revised.revisionToken)).code).toBeUndefined();

    now += HOUR;
    await moveClock(edge.url, now);
    expect((await updated.sync()).errors).toEqual([]);
    expect(await keyOfHead('/v1/DE/manifest.json')).toBe('manifest-v2');
    expect(await keyOfHead('/v1/config/head.json')).toBe('manifest-v2');
    const google = toHex(new Uint8Array(16).fill(0xab));
    const expected = [...known, ...acknowledged].map(({ keyData }) => toHex(keyData!));
    expect(updated.keys.toSorted()).toEqual([...expected, google].toSorted());
    // A phone that wasn't updated takes nothing of it, and loses nothing that it has.
    expect((await former.sync()).errors).toMatchObject([{ kind: 'unknown-key', key: 'manifest-v2' }]);
    expect(former.keys).toHaveLength(known.length + 1);

    await edge.dispose();
    const keys = [formerLogKey, join(state, 'log-public.pem')].join();
    const call = ['scripts/run.sh', 'scripts/log.ts', 'verify', '--state', state, '--log-key', keys];
    expect((await runChild('sh', call, { cwd: ROOT, output: 'kept' })).code).toBe(0);
  });
});
