/**
 * @module How each documented status of Google's dialect comes about: of phones (docs/openapi.yaml) and of systems that issue codes (docs/openapi-admin.yaml).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { makeApiKey as signApiKey } from '../../../domain/api-key.ts';
import { verificationToken } from '../../../domain/verification-token.ts';
import { bundle } from '../../../local-edge/bundle.ts';
import type { LocalEdge } from '../../../local-edge/local-edge.ts';
import { LOCAL_VARS, readEnvironments } from '../../../local-edge/workers.ts';
import { fromBase64, utf8 } from '../../../protocol/primitives/bytes.ts';
import { PUBLISH_BODY_BYTES, PUBLISH_PATH } from '../../../protocol/publish/request.ts';
import { STATS_PATH } from '../../../protocol/publish/stats.ts';
import { importLocally } from '../../../scripts/support/authorities.ts';
import { issueCodes, makeApiKey, readClock, setCodeQuota } from '../../../scripts/support/operator.ts';
import { sentKeys, testAuthority, type TestAuthority } from '../../support/health-authority.ts';
import { testSecret } from '../../support/secrets.ts';
import { json, type RawAnswer, type RawRequest, send } from './http.ts';
import { patientKeys } from './system.ts';
import type { Driver } from './verification-drivers.ts';

const ADMIN_HOST = LOCAL_VARS['portal']?.['ADMIN_API_HOST'] ?? '';
const LINK_HOST = 'de.localhost';
const CODES_A_DAY = 20_000;
const NONCE = randomBytes(256).toString('base64');
const MAC = randomBytes(32).toString('base64');
const TODAY = (now: number): string => new Date(now * 1000).toISOString().slice(0, 10);

const environment = (worker: string) => readEnvironments().find((one) => one.environment === worker);

/** A Worker of a deployment whose neighbours are out of reach. */
const alone = async (worker: string, bindings: object, neighbours: readonly string[]): Promise<Miniflare> =>
  new Miniflare(
    convertV4MiniflareOptions({
      name: `mute-${worker}`,
      modules: [{ type: 'ESModule', path: `${worker}.js`, contents: await bundle(`workers/${worker}/main.ts`) }],
      compatibilityDate: '2026-11-01',
      compatibilityFlags: ['nodejs_compat'],
      bindings,
      serviceBindings: Object.fromEntries(neighbours.map((name) => [name, () => new Response(null, { status: 500 })])),
      handleStructuredLogs: () => undefined,
    } as unknown as Parameters<typeof convertV4MiniflareOptions>[0]),
  );

/** @returns `upload` without `origin` */
export const muteUpload = (): Promise<Miniflare> =>
  alone(
    'upload',
    {
      ...Object.fromEntries(['TAN_MAC_KEY', 'DIGEST_KEY', 'UPLOAD_ID_KEY'].map((name) => [name, testSecret(name)])),
      HOME_COUNTRY: 'DE',
      ANSWER_DEADLINE_MS: '200',
    },
    ['REDEEM', 'INTAKE'],
  );

/** @returns `portal` without `verification` */
export const mutePortal = (): Promise<Miniflare> =>
  alone('portal', { ...environment('portal')?.vars, ...LOCAL_VARS['portal'] }, ['VERIFICATION', 'STAFF_ROOM']);

/** Of an app's requests, and of a system's. */
interface Keys {
  readonly device: string;
  readonly admin: { readonly id: string; readonly key: string };
}

/** URLs of Workers whose neighbours are out of reach. */
type Mute = Readonly<Record<'upload' | 'verification' | 'portal', string>>;

/** What drivers ask. */
export class GoogleWorld {
  readonly #url: string;
  readonly #mute: Mute;
  readonly #authority: TestAuthority;
  readonly #keys: Keys;
  #count = 0;

  private constructor(url: string, mute: Mute, authority: TestAuthority, keys: Keys) {
    [this.#url, this.#mute, this.#authority, this.#keys] = [url, mute, authority, keys];
  }

  /** @param edge a deployment @param mute see {@link Mute} */
  static async of(edge: LocalEdge, mute: Mute): Promise<GoogleWorld> {
    const authority = await testAuthority({ stats: true });
    await importLocally(edge.url, [authority.authority]);
    const device = await makeApiKey(edge.url, 'device', 'an app');
    const admin = await makeApiKey(edge.url, 'admin', 'a system');
    return new GoogleWorld(edge.url, mute, authority, { device: device.key, admin });
  }

  /** @returns a driver for each status, or null where the path is none of the dialect's */
  phones(path: string): Readonly<Record<string, Driver>> | null {
    if (path === PUBLISH_PATH) return this.#publish;
    if (path === STATS_PATH) return this.#stats;
    if (path.startsWith('/api/')) return this.#device;
    return /^\/(jwks|v$|\.well-known\/)/.test(path) ? this.#links : null;
  }

  #post(url: string, path: string, body: unknown, headers: Record<string, string>): Promise<RawAnswer> {
    const bytes = utf8(typeof body === 'string' ? body : JSON.stringify(body));
    return send(url, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: bytes,
    });
  }

  readonly #publish: Readonly<Record<string, Driver>> = {
    200: async (path) => {
      const now = await readClock(this.#url);
      const keys = sentKeys(patientKeys(`published ${(this.#count += 1)}`, now));
      return this.#post(this.#url, path, await this.#authority.request(keys, { now }), {});
    },
    400: (path) => this.#post(this.#url, path, '{', {}),
    401: (path) => this.#post(this.#url, path, { healthAuthorityID: 'nobody' }, {}),
    405: (path) => send(this.#url, path),
    413: (path) => this.#post(this.#url, path, ' '.repeat(PUBLISH_BODY_BYTES + 1), {}),
    415: (path) => this.#post(this.#url, path, '{}', { 'content-type': 'text/plain' }),
    503: (path) => this.#post(this.#mute.upload, path, {}, {}),
  };

  readonly #stats: Readonly<Record<string, Driver>> = {
    ...this.#publish,
    200: async (path) => {
      const token = await this.#authority.certify([], {
        now: await readClock(this.#url),
        claims: { aud: 'keyserver' },
      });
      return this.#post(this.#url, path, {}, { authorization: `Bearer ${token}` });
    },
    401: (path) => this.#post(this.#url, path, {}, {}),
  };

  readonly #device: Readonly<Record<string, Driver>> = {
    200: async (path) => {
      if (path.endsWith('/user-report')) return this.#ask(path, await this.#report());
      const question = { code: await this.#code('confirmed'), padding: 'AAAA' };
      if (path.endsWith('/verify')) return this.#ask(path, question);
      const { token } = json(await this.#ask('/api/verify', question)) as { token: string };
      return this.#ask(path, { token, ekeyhmac: MAC });
    },
    400: (path) => this.#ask(path, '{'),
    401: (path) => this.#post(this.#url, path, {}, {}),
    405: (path) => send(this.#url, path),
    412: async (path) => this.#ask(path, { code: await this.#code('likely'), accept: ['confirmed'] }),
    429: async (path) => {
      await setCodeQuota(this.#url, 'user-report', 0);
      return this.#ask(path, await this.#report());
    },
    500: async (path) => {
      // That Worker has other secrets, and can't ask whether the key was revoked.
      const secret = fromBase64(testSecret('DERIVATION_KEY'));
      const key = signApiKey('device', (length) => randomBytes(length), 'de', secret);
      const token = verificationToken(randomBytes(16), secret);
      const questions = { verify: { code: '12345678' }, certificate: { token, ekeyhmac: MAC } };
      const question = questions[path.split('/').at(-1) as keyof typeof questions] ?? (await this.#report());
      return this.#post(this.#mute.verification, path, question, { 'x-api-key': key });
    },
  };

  #ask(path: string, question: unknown): Promise<RawAnswer> {
    return this.#post(this.#url, path, question, { 'x-api-key': this.#keys.device });
  }

  async #code(testType: string): Promise<string> {
    const wanted = { testType, symptomDate: null, testDate: null, long: false };
    const [issued] = await issueCodes(this.#url, 1, wanted);
    return issued?.code ?? '';
  }

  async #report(): Promise<object> {
    const phone = `+4930555${String((this.#count += 1)).padStart(5, '0')}`;
    return { testDate: TODAY(await readClock(this.#url)), phone, nonce: NONCE };
  }

  readonly #links: Readonly<Record<string, Driver>> = {
    200: (path) => this.#open(path === '/v' ? '/v?c=abcd' : path),
    303: (path) => this.#open(`${path}?c=abcd`, { 'user-agent': 'Mozilla/5.0 (iPhone)' }),
    404: (path) => (path === '/v' ? this.#open(path) : send(this.#mute.verification, path)),
  };

  #open(path: string, headers: Record<string, string> = {}): Promise<RawAnswer> {
    return send(this.#url, path, { headers: { host: LINK_HOST, ...headers } });
  }

  /** How each status of the administrators' API comes about; 410 last of all, since nothing is issued after it. */
  readonly admin: Readonly<Record<string, Driver>> = {
    200: async (path) => this.#order(path, path.includes('issue') ? await this.#codes(path) : await this.#issuedUuid()),
    400: (path) => this.#order(path, '{'),
    401: (path) => this.#order(path, {}, { 'x-api-key': this.#keys.device }),
    404: (path) => this.#order(path, { uuid: randomUUID() }),
    405: (path) => send(this.#url, path, this.#system()),
    409: async (path) => {
      const { uuid } = await this.#issuedUuid();
      return this.#order(path, await this.#codes(path, { uuid }));
    },
    410: async (path) => this.#order(path, await this.#codes(path)),
    429: async (path) => {
      const issuer = `key:${this.#keys.admin.id}`;
      await setCodeQuota(this.#url, issuer, 0);
      const answer = await this.#order(path, await this.#codes(path));
      await setCodeQuota(this.#url, issuer, CODES_A_DAY);
      return answer;
    },
    500: (path) => send(this.#mute.portal, path, { method: 'POST', ...this.#system() }),
  };

  #system(): RawRequest & { readonly headers: Record<string, string> } {
    return { headers: { host: ADMIN_HOST, 'x-api-key': this.#keys.admin.key } };
  }

  #order(path: string, body: unknown, headers: Record<string, string> = {}): Promise<RawAnswer> {
    return this.#post(this.#url, path, body, { ...this.#system().headers, ...headers });
  }

  async #codes(path: string, more: object = {}): Promise<object> {
    const code = { testType: 'confirmed', testDate: TODAY(await readClock(this.#url)), ...more };
    return path.endsWith('/batch-issue') ? { codes: [code] } : code;
  }

  async #issuedUuid(): Promise<{ readonly uuid: string }> {
    // Another kind of test, so that the same uuid is another request's.
    const answer = await this.#order('/api/issue', await this.#codes('/api/issue', { testType: 'likely' }));
    return { uuid: (json(answer) as { uuid: string }).uuid };
  }
}
