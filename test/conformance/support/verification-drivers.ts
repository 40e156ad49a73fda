/**
 * @module How each documented status of `verification` comes about.
 */
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { bundle } from '../../../local-edge/bundle.ts';
import type { LocalEdge } from '../../../local-edge/local-edge.ts';
import { makeRoot, policyText } from '../../support/directory-world.ts';
import { testKeyPem, testSecret } from '../../support/secrets.ts';
import {
  credentialEnd,
  credentialSigner,
  holderKey,
  issueCredential,
} from '../../../protocol/credential/credential.ts';
import { presentCredential } from '../../../protocol/credential/presentation.ts';
import { toBase64Url } from '../../../protocol/primitives/bytes.ts';
import { pointFromSpki, signerFromPkcs8Pem } from '../../../protocol/signing.ts';
import { type RawAnswer, send } from './http.ts';

/** Routes of `verification` that phones reach. */
export const VERIFICATION_PATHS = [
  'registrationToken',
  'testresult',
  'tan',
  'forget',
  'credential',
  'presentation',
].map((name) => `/version/v1/${name}`);

const UNKNOWN_TOKEN = '3f2b8c4e-5d6a-4b7c-8d9e-0f1a2b3c4d5e';
const POSITIVE = 2;
/** A phone's key. */
const HOLDER = toBase64Url(pointFromSpki(signerFromPkcs8Pem(testKeyPem('holder')).publicKeySpki).subarray(1));
/** Yesterday: one of two months ago would be nothing (decision 045). */
const SAMPLE_COLLECTED = Math.floor(Date.now() / 1000) - 86_400;

let tests = 0;
/** @returns the hashed GUID of a test that nobody has asked for yet */
const freshGuid = (): string => (tests += 1).toString(16).padStart(64, '0');

/**
 * Starts the deployed `verification` with objects that are none: whatever asks them throws.
 *
 * @returns the running Worker
 */
export async function muteVerification(): Promise<Miniflare> {
  const secrets = ['TAN_MAC_KEY', 'TAN_HASH_KEY', 'DERIVATION_KEY'];
  const root = await makeRoot();
  const objects = ['TAN_LEDGER', 'TEST_SESSION', 'CODE_DESK', 'CODE_STORE', 'CREDENTIAL_DESK', 'RESULTS', 'DIRECTORY'];
  return new Miniflare(
    convertV4MiniflareOptions({
      name: 'mute',
      modules: [{ type: 'ESModule', path: 'verification.js', contents: await bundle('workers/verification/main.ts') }],
      compatibilityDate: '2026-11-01',
      bindings: {
        ...Object.fromEntries(secrets.map((name) => [name, testSecret(name)])),
        TAN_LIFETIME_SECONDS: '1209600',
        FOLLOW_UP_DAYS: '0',
        RESERVATION_LEASE_SECONDS: '60',
        ANSWER_DEADLINE_MS: '200',
        HOME_COUNTRY: 'DE',
        VERIFICATION_URL: 'https://verification.example',
        CREDENTIAL_SIGNING_KEY: testKeyPem('CREDENTIAL_SIGNING_KEY'),
        CREDENTIAL_KEY_ID: 'credential',
        CREDENTIAL_KEY_VERSION: 'v1',
        CREDENTIAL_PEERS: 'NL',
        CERTIFICATE_SIGNING_KEY: testKeyPem('CERTIFICATE_SIGNING_KEY'),
        CERTIFICATE_KEY_ID: 'v1',
        CERTIFICATE_ISSUER: 'exposure-edge',
        CERTIFICATE_AUDIENCE: 'exposure-edge',
        CERTIFICATE_OTHER_KEYS: '',
        LINK_DOMAIN: '',
        SMS_WEBHOOK_URL: '',
        SMS_WEBHOOK_SECRET: '',
        SMS_TEMPLATES: '{"Default":"[code]"}',
        SMS_KEY_ID: '',
        SMS_SIGNING_KEY: '',
        APPLE_APPS: '',
        ANDROID_APPS: '',
        DIRECTORY_POLICY: policyText(root),
      },
      serviceBindings: Object.fromEntries(objects.map((name) => [name, () => new Response(null, { status: 500 })])),
      handleStructuredLogs: () => undefined,
    } as unknown as Parameters<typeof convertV4MiniflareOptions>[0]),
  );
}

/** What a driver takes: the path and the method in capitals. */
export type Driver = (path: string, method: string) => Promise<RawAnswer>;

/** Well formed, of an issuer whom only the directory knows. */
async function presentation(): Promise<string> {
  const pem = testKeyPem('holder');
  const said = {
    issuer: 'https://verification.nl.example',
    region: 'NL',
    reportType: 'confirmed-test',
    onset: null,
    expiresAt: credentialEnd(Date.now() / 1000),
    id: 'A'.repeat(22),
    statusIndex: 1,
    holder: holderKey(pointFromSpki(signerFromPkcs8Pem(pem).publicKeySpki).subarray(1)),
  } as const;
  const credential = await issueCredential(said, await credentialSigner(pem, 'credential-v1'));
  const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
  const [audience, now] = ['https://verification.example', Math.floor(Date.now() / 1000)];
  return presentCredential(credential, pem, { audience, now, random });
}

interface ResultRow {
  readonly id: string;
  readonly result: number;
  readonly sampleCollected: number;
}

/**
 * @param edge the deployment
 * @param mute URL of the Worker of {@link muteVerification}
 * @returns a driver for each status
 */
export function verificationDrivers(edge: LocalEdge, mute: string): Readonly<Record<string, Driver>> {
  const ask = (path: string, question: object, fake = '0', url = edge.url): Promise<RawAnswer> =>
    send(url, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'cwa-fake': fake },
      body: new TextEncoder().encode(JSON.stringify(question)),
    });
  const read = (answer: RawAnswer): Record<string, string> => JSON.parse(new TextDecoder().decode(answer.body));

  /** A laboratory's word, put where the Worker `laboratory` puts it: its door is mTLS, which nobody has on loopback. */
  async function post(guid: string): Promise<void> {
    const store = await edge.miniflare.getDurableObjectNamespace('RESULT_STORE', 'exposure-edge-laboratory');
    const shard = store.get(store.idFromName(`r${guid.charAt(1)}`)) as unknown as {
      put(poster: { labId: string; needsBirthDate: boolean }, rows: readonly ResultRow[]): Promise<number[]>;
    };
    const poster = { labId: 'lab-1', needsBirthDate: false };
    await shard.put(poster, [{ id: guid, result: POSITIVE, sampleCollected: SAMPLE_COLLECTED }]);
  }

  async function register(guid: string, keyDob?: string): Promise<string> {
    const answer = await ask('/version/v1/registrationToken', { keyType: 'GUID', key: guid, keyDob });
    return read(answer)['registrationToken'] ?? '';
  }

  /** A question that the route answers with what it is for. */
  async function granted(path: string): Promise<RawAnswer> {
    const guid = freshGuid();
    if (path.endsWith('/registrationToken')) return ask(path, { keyType: 'GUID', key: guid });
    if (path.endsWith('/presentation')) return ask(path, { presentation: 'x' }, '1');
    await post(guid);
    return ask(path, { registrationToken: await register(guid), holder: HOLDER });
  }

  return {
    200: granted,
    201: granted,
    400: (path) => ask(path, path.endsWith('/forget') ? {} : { registrationToken: UNKNOWN_TOKEN, presentation: 'x' }),
    403: async (path) => {
      const guid = freshGuid();
      const registrationToken = await register(guid, `x${freshGuid().slice(1)}`);
      await post(guid);
      return ask(path, { registrationToken });
    },
    405: (path, method) => send(edge.url, path, { method }),
    500: async (path) => {
      const codes = { keyType: 'GUID', key: freshGuid(), holder: HOLDER, presentation: await presentation() };
      return ask(path, { registrationToken: UNKNOWN_TOKEN, ...codes }, '0', mute);
    },
  };
}
