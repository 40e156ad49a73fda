/**
 * @module What `npm run bench:indistinguishable` sends: of each route equal numbers of real requests, dummies and refused ones, in an order drawn from a seed.
 */
import { certificateRequest, chaffRequests, type EnxRequest, verifyRequest } from '../phone/enx/requests.ts';
import { dummyRequest, UPLOAD_BODY_BYTES, uploadRequest, type UploadRequest } from '../phone/upload/upload-request.ts';
import { importLocally } from '../scripts/support/authorities.ts';
import { CLIENT_HEADERS } from '../scripts/support/client-headers.ts';
import { issueCodes, issueTans, makeApiKey, setCodeQuota } from '../scripts/support/operator.ts';
import { byteSource, patientKeys } from '../scripts/support/patients.ts';
import { drawCertifier, publishOf } from '../scripts/support/publish-requests.ts';

/** A request as it is sent. */
export type Sending = Pick<UploadRequest, 'path' | 'headers' | 'body'>;

/** One request of a run. */
export interface Planned {
  readonly kind: string;
  readonly sending: Sending;
  /** Status that it must have. */
  readonly wanted: number;
}

/** What a plan is made for. */
interface Edge {
  readonly url: string;
  /** Unix seconds of its clock. */
  readonly now: number;
  /** Sends one request, before the run. @returns the answer's body */
  readonly ask: (sending: Sending) => Promise<string>;
}

/** A kind of requests: what is sent, and how it is answered. The first of a route is real, the second the dummy. */
type Kinds = Readonly<Record<string, readonly [wanted: number, make: (i: number) => Sending]>>;
type MakeKinds = (edge: Edge, each: number, seed: string) => Promise<Kinds>;

const CLIENTS = Object.values(CLIENT_HEADERS);

const uploads: MakeKinds = async ({ url, now, ask }, each, seed) => {
  const random = byteSource(seed);
  const tans = await issueTans(url, each + 1);
  const used = tans.pop() ?? '';
  const real = (tan: string): UploadRequest => {
    const keys = patientKeys(random, now);
    const content = { keys, visitedCountries: [], consentToFederation: false, submissionType: 0 } as const;
    const made = uploadRequest(tan, content, random);
    if (!made.ok) throw new Error(JSON.stringify(made.error));
    return made.value;
  };
  await ask(real(used));
  const forged = '11111111-2222-4444-8888-161616161616';
  return {
    stored: [200, (i) => real(tans[i] ?? '')],
    dummy: [200, () => dummyRequest(random)],
    unknown: [403, () => real(forged)],
    used: [403, () => real(used)],
    malformed: [400, () => ({ ...real(forged), body: random(UPLOAD_BODY_BYTES).fill(0xff, 0, 4) })],
  };
};

/** The same length, and no JSON. */
const malformed = (request: EnxRequest): Sending => ({
  ...request,
  body: new Uint8Array(request.body).fill(0x7b, 0, 4),
});

const publications: MakeKinds = async ({ url, now, ask }, each, seed) => {
  const random = byteSource(`${seed}/publish`);
  const certifier = drawCertifier(random);
  await importLocally(url, [certifier.authority]);
  // Signs as the other does, and nobody's certificates are good that it signs.
  const stranger = drawCertifier(random);
  const again = publishOf(certifier, now, random);
  await ask(again);
  return {
    stored: [200, () => publishOf(certifier, now, random)],
    chaff: [200, () => chaffRequests('', random)[2]!],
    forged: [401, () => publishOf(stranger, now, random)],
    again: [200, () => again],
    malformed: [400, () => malformed(publishOf(certifier, now, random))],
  };
};

/** Of the local operator, who has codes issued. */
const MOST_CODES_A_DAY = 100_000;
const CODES = { testType: 'confirmed', symptomDate: null, testDate: null, long: true } as const;

const verifications: MakeKinds = async ({ url }, each, seed) => {
  const random = byteSource(`${seed}/verify`);
  await setCodeQuota(url, 'local-operator', MOST_CODES_A_DAY);
  const { key } = await makeApiKey(url, 'device', seed);
  const codes = (await issueCodes(url, each, CODES)).map(({ longCode }) => longCode ?? '');
  return {
    granted: [200, (i) => verifyRequest(codes[i] ?? '', null, key, random)],
    chaff: [200, () => chaffRequests(key, random)[0]!],
    unknown: [400, () => verifyRequest(Buffer.from(random(8)).toString('hex'), null, key, random)],
    malformed: [400, () => malformed(verifyRequest('00000000', null, key, random))],
  };
};

const certificates: MakeKinds = async ({ url, ask }, each, seed) => {
  const random = byteSource(`${seed}/certificate`);
  await setCodeQuota(url, 'local-operator', MOST_CODES_A_DAY);
  const { key } = await makeApiKey(url, 'device', seed);
  const codes = await issueCodes(url, each, CODES);
  const tokens = await Promise.all(
    codes.map(async ({ longCode }) => {
      const answer = await ask(verifyRequest(longCode ?? '', null, key, random));
      return (JSON.parse(answer) as { token: string }).token;
    }),
  );
  const unknown = (): string => Buffer.from(random(32)).toString('base64url');
  return {
    certified: [200, (i) => certificateRequest(tokens[i] ?? '', random(32), key, random)],
    chaff: [200, () => chaffRequests(key, random)[1]!],
    unknown: [400, () => certificateRequest(unknown(), random(32), key, random)],
    malformed: [400, () => malformed(certificateRequest(unknown(), random(32), key, random))],
  };
};

/** Routes by name. */
export const ROUTES = {
  upload: uploads,
  publish: publications,
  verify: verifications,
  certificate: certificates,
} as const satisfies Readonly<Record<string, MakeKinds>>;
export type Route = keyof typeof ROUTES;

/**
 * @param route one of {@link ROUTES}
 * @param edge that they are sent to
 * @param count in all
 * @param seed same seed, same contents and order
 * @returns the requests
 */
export async function plan(route: Route, edge: Edge, count: number, seed: string): Promise<Planned[]> {
  // Of kinds there are four or five; as many of each are needed.
  const each = Math.ceil(count / (route === 'upload' || route === 'publish' ? 5 : 4));
  const kinds = await ROUTES[route](edge, each, seed);
  const order = byteSource(`${seed}/order`);
  const planned = Object.entries(kinds).flatMap(([kind, [wanted, make]]) =>
    Array.from({ length: each }, (_, i) => {
      const sending = make(i);
      return { kind, wanted, sending: { ...sending, headers: { ...sending.headers, ...CLIENTS[i % CLIENTS.length] } } };
    }),
  );
  return planned
    .map((item) => ({ item, key: new DataView(order(4).buffer).getUint32(0) }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
