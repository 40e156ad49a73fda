/**
 * @module Are answers of one size on the wire? Counted below TLS, through the edge, over HTTP/1.1 and HTTP/2, for what the apps' HTTP
 * libraries take: what somebody on the line sees (docs/architecture.md §4.6). HPACK writes some statuses in one byte and others in five, so what
 * is level in HTTP/1.1 need not be level in HTTP/2. Every answer that a phone can get: test/integration/wire-size.long.test.ts.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { dummyRequest, uploadRequest } from '../../phone/upload/upload-request.ts';
import {
  dummyVerificationRequest,
  VERIFICATION_PATHS,
  verificationRequest,
  type VerificationRoute,
} from '../../phone/verification/verification-request.ts';
import { CLIENT_HEADERS } from '../../scripts/support/client-headers.ts';
import { dateBytes, openWire, type Protocol, type WireRequest } from '../edge-tier/wire.ts';
import type { Assertion } from './context.ts';
import { keysOfOneCase } from './seed.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** Uploads that get different statuses: taken for a dummy, forged, noise, of another type. */
function uploads(): WireRequest[] {
  const keys = keysOfOneCase(Math.floor(Date.now() / 86_400_000));
  const content = { keys, visitedCountries: ['DE'], consentToFederation: false, submissionType: 0 } as const;
  const forged = uploadRequest(randomUUID(), content, random);
  if (!forged.ok) throw new Error(`load: an upload can't be made: ${forged.error.kind}`);
  const { headers, body } = forged.value;
  return [
    dummyRequest(random),
    forged.value,
    { ...forged.value, body: random(body.length) },
    { ...forged.value, headers: { ...headers, 'content-type': 'text/plain' } },
  ];
}

/** Questions that get different statuses: dummies of each route, a test that is registered, tokens that nobody has. */
function questions(): WireRequest[] {
  const made = [
    ...(Object.keys(VERIFICATION_PATHS) as VerificationRoute[]).map((r) => dummyVerificationRequest(r, random)),
    verificationRequest(
      {
        route: 'registrationToken',
        code: { keyType: 'GUID', key: Buffer.from(random(32)).toString('hex'), keyDob: null },
      },
      random,
    ),
    verificationRequest({ route: 'testresult', token: randomUUID() }, random),
    verificationRequest({ route: 'tan', token: randomUUID() }, random),
  ];
  return made.map(({ path, headers, body }) => ({ path, headers, body: new TextEncoder().encode(body) }));
}

const PROTOCOLS: readonly Protocol[] = ['HTTP/1.1', 'HTTP/2'];
const KINDS = { uploads, verification: questions } as const;
const ROUNDS = 2;

async function measured(edge: string, protocol: Protocol, kind: keyof typeof KINDS): Promise<Assertion> {
  const sizes = new Map<number, Set<number>>();
  for (const client of Object.values(CLIENT_HEADERS)) {
    const connection = await openWire(edge, protocol);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const request of KINDS[kind]()) {
        const exchange = await connection.ask({ ...request, headers: { ...request.headers, ...client } });
        const bytes = exchange.down - (protocol === 'HTTP/2' ? dateBytes(exchange) : 0);
        sizes.set(exchange.status, (sizes.get(exchange.status) ?? new Set()).add(bytes));
      }
    }
    connection.close();
  }
  const told = [...sizes].map(([status, some]) => `${status}: ${[...some].join('/')}`).join(', ');
  const date = protocol === 'HTTP/2' ? ' without the date' : '';
  return {
    text: `answers to ${kind} have one size below TLS over ${protocol}: ${told} bytes${date}`,
    holds: new Set([...sizes.values()].flatMap((some) => [...some])).size === 1 && sizes.size > 1,
  };
}

/**
 * Measures both Workers that level their answers, over both protocols.
 *
 * @param edge base address of one edge
 * @returns one assertion for each
 * @throws Error when the edge isn't reached
 */
export async function answerSizes(edge: string): Promise<Assertion[]> {
  const assertions: Assertion[] = [];
  for (const kind of Object.keys(KINDS) as (keyof typeof KINDS)[]) {
    for (const protocol of PROTOCOLS) assertions.push(await measured(edge, protocol, kind));
  }
  return assertions;
}
