/**
 * @module Inputs of `npm run fuzz` in Google's dialect: JSON bent at the level of its values and names and at that of its bytes, certificates bent part by part, codes, tokens, API keys, and the administrators' API. Most get past
 * the first check. Everything is drawn from a seed.
 */
import { createHmac } from 'node:crypto';
import { fromBase64, toBase64, toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { PUBLISH_PATH } from '../../protocol/publish/request.ts';
import { STATS_PATH } from '../../protocol/publish/stats.ts';
import { type Certifier, publishOf } from '../support/publish-requests.ts';
import { bend, type Draw, type FuzzInput } from './inputs.ts';

/** What inputs are made of. */
export interface GoogleWorld {
  /** Unix seconds of the edge's clock. */
  readonly now: number;
  readonly certifier: Certifier;
  readonly deviceKey: string;
  readonly adminKey: string;
  /** Host of the administrators' API. */
  readonly adminHost: string;
  /** Codes that are good, which some input may take. */
  readonly codes: readonly string[];
}

type Fields = Record<string, unknown>;

const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  '${7*7}',
  '__proto__',
  '٣٤٥٦',
  'A'.repeat(3_000),
  '=',
  'AA==',
  'é',
  '💥',
  '../../x',
];

/** A value nobody would send. */
const oddValue = (draw: Draw): unknown =>
  draw.pick<() => unknown>([
    () => null,
    () => draw.pick([0, -1, 1.5, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1e300, -0]),
    () => draw.pick(ODD_TEXTS),
    () => draw.pick([true, false]),
    () => [],
    () => ({ a: 1 }),
    () => toBase64(draw.bytes(draw.pick([0, 1, 15, 16, 17, 31, 32, 64, 300]))),
    () => Array.from({ length: draw.below(50) }, () => draw.pick(ODD_TEXTS)),
    () => nested(draw.below(60)),
  ])();

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Other values, names in another case, none, unknown ones. */
function bentFields(draw: Draw, fields: Fields): Fields {
  const out = { ...fields };
  for (let i = 1 + draw.below(2); i > 0; i--) {
    const name = draw.pick(Object.keys(out).length === 0 ? ['padding'] : Object.keys(out));
    const value = out[name];
    switch (draw.below(6)) {
      case 0:
        delete out[name];
        break;
      case 1:
        delete out[name];
        out[draw.pick([name.toUpperCase(), name.toLowerCase(), `${name} `])] = value;
        break;
      case 2:
        out[draw.pick(['x', '__proto__', 'constructor', 'padding', ''])] = oddValue(draw);
        break;
      default:
        out[name] = oddValue(draw);
    }
  }
  return out;
}

/** A name twice, numbers that no number is, what isn't JSON, several documents. */
const bentText = (draw: Draw, text: string): string =>
  draw.pick([
    () => text.replace('{', `{"padding":${draw.pick(['1', '""', 'null'])},"padding":"",`),
    () => text.replaceAll(/:\d+/g, `:${draw.pick(['1e999', '-0', '01', '0x10', '1e2', 'NaN'])}`),
    () => text + draw.pick(['', ' ', '{}', '\u0000', ']']),
    () => '['.repeat(draw.below(3_000)) + text,
    () => `\uFEFF${text}`,
    () => text.replaceAll('"', "'"),
  ])();

function bodyOf(draw: Draw, fields: Fields): Uint8Array {
  switch (draw.below(10)) {
    case 0:
      return bend(draw, utf8(JSON.stringify(fields)));
    case 1:
      return utf8(bentText(draw, JSON.stringify(fields)));
    case 2:
      return utf8(JSON.stringify(bentFields(draw, bentFields(draw, fields))));
    case 3:
      return draw.below(10) === 0 ? new Uint8Array(64_000 + draw.below(3)).fill(0x20) : draw.bytes(draw.below(400));
    case 4:
    case 5:
      return utf8(JSON.stringify(fields));
    default:
      return utf8(JSON.stringify(bentFields(draw, fields)));
  }
}

const jsonPart = (value: unknown): string => toBase64Url(utf8(JSON.stringify(value)));

/** Another algorithm, key, claim or time; parts that are missing, doubled or noise. */
function bentJwt(draw: Draw, jwt: string, certifier: Certifier): string {
  const [header = '', payload = '', signature = ''] = jwt.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Fields;
  const publicKey = certifier.authority.keys[0]?.publicKey ?? '';
  return draw.pick([
    () => `${jsonPart({ alg: 'none', kid: 'v1', typ: 'JWT' })}.${payload}.`,
    () => {
      const said = `${jsonPart({ alg: 'HS256', kid: 'v1' })}.${payload}`;
      return `${said}.${createHmac('sha256', fromBase64(publicKey)).update(said).digest('base64url')}`;
    },
    () => `${jsonPart(bentFields(draw, { alg: 'ES256', kid: 'v1', typ: 'JWT' }))}.${payload}.${signature}`,
    () => `${header}.${jsonPart(bentFields(draw, claims))}.${signature}`,
    () => `${header}.${payload}.${toBase64Url(draw.bytes(draw.pick([0, 63, 64, 65, 72])))}`,
    () => [header, payload, signature, signature].slice(0, draw.below(5)).join('.'),
    () => certifier.certify(draw.pick(ODD_TEXTS), Number(claims['exp']) - 900),
    () => certifier.certify(String(claims['tekmac']), Number(claims['exp']) + draw.pick([-9_000, 9_000, -1_790])),
    () => jwt.replace(/./, draw.pick(['=', ' ', 'é'])),
    () => 'x'.repeat(draw.below(9_000)),
  ])();
}

const JSON_TYPE = { 'content-type': 'application/json' } as const;
const typed = (draw: Draw): Record<string, string> =>
  draw.below(30) === 0
    ? { 'content-type': draw.pick(['', 'text/plain', 'application/jsonx', 'a/b']) }
    : { ...JSON_TYPE };
const chaffed = (draw: Draw): Record<string, string> =>
  draw.below(6) === 0 ? { 'x-chaff': draw.pick(['1', '0', ' ']) } : {};

function publish(draw: Draw, { now, certifier }: GoogleWorld): FuzzInput {
  const honest = publishOf(certifier, now, (length) => draw.bytes(length));
  const fields = JSON.parse(Buffer.from(honest.body).toString('latin1')) as Fields;
  if (draw.below(3) === 0) {
    fields['verificationPayload'] = bentJwt(draw, String(fields['verificationPayload']), certifier);
  }
  const keys = fields['temporaryExposureKeys'] as Fields[];
  // What binds the certificate is then another set: most of them end there, as a forger's do.
  if (draw.below(4) === 0) keys[draw.below(keys.length)] = bentFields(draw, keys[0] ?? {});
  const headers = { ...typed(draw), ...chaffed(draw) };
  return {
    door: 'publish',
    path: PUBLISH_PATH,
    headers,
    body: bodyOf(draw, fields),
    allowed: [200, 400, 401, 413, 415],
  };
}

function stats(draw: Draw, { now, certifier }: GoogleWorld): FuzzInput {
  const jwt = certifier.certify('', now);
  const authorization = draw.pick([
    `Bearer ${jwt}`,
    `Bearer ${bentJwt(draw, jwt, certifier)}`,
    jwt,
    'Bearer',
    'Basic x',
  ]);
  const headers = { ...typed(draw), ...chaffed(draw), authorization: authorization.replaceAll(/[^\x20-\x7e]/g, '') };
  return {
    door: 'stats',
    path: STATS_PATH,
    headers,
    body: bodyOf(draw, { padding: 'AAAA' }),
    allowed: [200, 400, 401, 413, 415],
  };
}

const oddCode = (draw: Draw, codes: readonly string[]): string =>
  draw.pick([
    () => draw.pick(codes),
    () => ` ${draw.pick(codes).replace(/(.{3})/, '$1-')} `,
    () => String(draw.below(100_000_000)).padStart(8, '0'),
    () => Buffer.from(draw.bytes(8)).toString('hex'),
    () => draw.pick(ODD_TEXTS),
  ])();

function device(draw: Draw, world: GoogleWorld): FuzzInput {
  const mac = (): string => toBase64(draw.bytes(32));
  const [path, fields] = draw.pick<() => readonly [string, Fields]>([
    () => [
      '/api/verify',
      { code: oddCode(draw, world.codes), accept: ['confirmed', 'likely'], nonce: '', padding: 'AA' },
    ],
    () => ['/api/certificate', { token: toBase64Url(draw.bytes(32)), ekeyhmac: mac(), padding: 'AA' }],
    () => [
      '/api/user-report',
      {
        testDate: '2026-06-15',
        symptomDate: '',
        tzOffset: 0,
        phone: `+49${draw.below(1_000)}`,
        nonce: mac(),
        padding: '',
      },
    ],
  ])();
  const key =
    draw.below(12) === 0 ? draw.pick(['', 'x', world.adminKey, `${world.deviceKey.slice(0, -1)}!`]) : world.deviceKey;
  const headers = { ...typed(draw), ...chaffed(draw), 'x-api-key': key };
  return { door: 'device', path, headers, body: bodyOf(draw, fields), allowed: [200, 400, 401, 412, 429] };
}

function admin(draw: Draw, { adminHost, adminKey, deviceKey }: GoogleWorld): FuzzInput {
  const uuid = `00000000-0000-4000-8000-${String(draw.below(5)).padStart(12, '0')}`;
  const code = {
    testType: draw.pick(['confirmed', 'likely', 'negative']),
    testDate: '2026-06-15',
    symptomDate: '2026-06-10',
    tzOffset: -60,
    uuid,
  };
  const [path, fields] = draw.pick<readonly [string, Fields]>([
    ['/api/issue', code],
    ['/api/batch-issue', { codes: Array.from({ length: 1 + draw.below(4) }, () => bentFields(draw, code)) }],
    ['/api/checkcodestatus', { uuid }],
    ['/api/expirecode', { uuid }],
  ]);
  const key = draw.below(12) === 0 ? draw.pick(['', 'x', deviceKey]) : adminKey;
  const headers = { ...typed(draw), host: adminHost, 'x-api-key': key };
  return { door: 'admin', path, headers, body: bodyOf(draw, fields), allowed: [200, 400, 401, 404, 409, 429] };
}

/** Draws one request of Google's dialect. */
export function drawGoogleInput(draw: Draw, world: GoogleWorld): FuzzInput {
  return draw.pick([publish, publish, publish, stats, device, device, admin])(draw, world);
}
