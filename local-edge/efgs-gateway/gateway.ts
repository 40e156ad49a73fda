/**
 * @module A European Federation Gateway Service of the project's own, on this machine: every rule of docs/spec/europe.md §3, so that
 * the client is tried against what a gateway does and not against what we wish. In memory, on 127.0.0.1, by TLS with client
 * certificates; its base URL, certificates and trust anchor are what the client is configured with, so that another gateway can
 * stand in its place.
 */
import { lookup } from 'node:dns/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { EfgsKey } from '../../protocol/efgs/batch.ts';
import { isValidAt, readEfgsCertificate } from '../../protocol/efgs/certificate.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { type CallbackPorts, Callbacks } from './callbacks.ts';
import { CertificateList } from './certificate-list.ts';
import {
  type Anchor,
  issueCertificate,
  issueServerCertificate,
  type Issued,
  makeAnchor,
  makeMember,
  type Member,
} from './pki.ts';
import { type Caller, type GatewayAnswer, type GatewayParts, route } from './routes.ts';
import { type Batch, GatewayStore } from './store.ts';
import { tlsFetch } from './tls-fetch.ts';

/** How a gateway is made; all have a default. */
export interface GatewayOptions {
  /** ISO 3166-1 alpha-2. */
  readonly countries: readonly string[];
  /** On 127.0.0.1; 0 takes a free one. */
  readonly port?: number;
  /** Unix seconds. */
  readonly now?: () => number;
  /** Days that keys can be had (docs/spec/europe.md §3.6: 2 by the code's default). */
  readonly maxAgeDays?: number;
  /** Between runs of batcher and callbacks; null: they run when they are called. */
  readonly everyMs?: number | null;
  /** Keys that can't be stored, as a database in trouble. */
  readonly failing?: (key: EfgsKey) => boolean;
  /** Keys that it holds at most, in memory. */
  readonly maxKeys?: number;
  /** Where callbacks go; by default names are looked up, and called with the gateway's certificate. */
  readonly callbackPorts?: CallbackPorts;
}

/** A gateway that runs. */
export interface Gateway {
  /** `https://127.0.0.1:PORT`; paths begin with /diagnosiskeys. */
  readonly url: string;
  /** PEM of whoever vouches for its TLS certificate: itself. */
  readonly serverCertificatePem: string;
  readonly anchor: Anchor;
  readonly members: ReadonlyMap<string, Member>;
  /** What the gateway calls subscribers with. */
  readonly callbackIdentity: Issued;
  readonly list: CertificateList;
  readonly store: GatewayStore;
  readonly runBatcher: () => readonly Batch[];
  readonly runCallbacks: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const BATCH_INTERVAL_MS = 300_000;
const MAX_AGE_DAYS = 2;
/** Twenty uploads of the largest size: 40 MB. */
const MAX_KEYS = 100_000;
/** 5,001 keys that name every country are 1.1 MB of protobuf, 2.5 MB of JSON. */
const MAX_BODY_BYTES = 8_000_000;
const CALL_TIMEOUT_MS = 10_000;

/** @returns the running gateway; with certificates, made now, of each country */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { now = () => Math.floor(Date.now() / 1000), everyMs = BATCH_INTERVAL_MS } = options;
  const anchor = await makeAnchor(now());
  const members = new Map(
    await Promise.all(
      options.countries.map(async (country) => [country, await makeMember(anchor, country, now())] as const),
    ),
  );
  const list = new CertificateList(anchor.certificatePem);
  for (const { listed } of members.values()) list.add(...listed);
  // TLS lives by the machine's clock, whatever the gateway's own says.
  const [server, callbackIdentity] = await Promise.all([
    issueServerCertificate(Math.floor(Date.now() / 1000)),
    issueCertificate({ name: 'C=EU, CN=callback', now: Math.floor(Date.now() / 1000) }),
  ]);
  const store = new GatewayStore(
    options.maxAgeDays ?? MAX_AGE_DAYS,
    options.failing ?? (() => false),
    options.maxKeys ?? MAX_KEYS,
  );
  const callbacks = new Callbacks(options.callbackPorts ?? overNetwork(callbackIdentity));
  const parts: GatewayParts = { store, list, callbacks, now };
  const https = createServer(
    // Whoever calls is known by fingerprint, so no authority is asked; without a certificate OPTIONS is answered alone.
    { cert: server.certificatePem, key: server.privateKeyPem, requestCert: true, rejectUnauthorized: false },
    (request, response) => void serve(request, response, parts),
  );
  await new Promise<void>((resolve, reject) => {
    https.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const runBatcher = (): readonly Batch[] => {
    const made = store.runBatcher(now());
    for (const batch of made) callbacks.note(batch);
    return made;
  };
  const tick = (): void => {
    store.purge(now());
    runBatcher();
    void callbacks.run(now());
  };
  const timer = everyMs === null ? null : setInterval(tick, everyMs);
  return {
    url: `https://127.0.0.1:${(https.address() as AddressInfo).port}`,
    serverCertificatePem: server.certificatePem,
    anchor,
    members,
    callbackIdentity,
    list,
    store,
    runBatcher,
    runCallbacks: () => callbacks.run(now()),
    close: async () => {
      if (timer !== null) clearInterval(timer);
      const closed = new Promise((resolve) => {
        https.close(resolve);
      });
      https.closeAllConnections();
      await closed;
    },
  };
}

/** Names are looked up, and called with the gateway's certificate. */
function overNetwork({ certificatePem, privateKeyPem }: Issued): CallbackPorts {
  const call = tlsFetch({ cert: certificatePem, key: privateKeyPem });
  return {
    resolve: async (host) => {
      const found = await lookup(host, { all: true }).catch(() => []);
      return found.map(({ address }) => address);
    },
    call: async (url) => {
      const headers = { 'user-agent': 'EFGS Callback Engine' };
      const asked = call(new Request(url, { headers, signal: AbortSignal.timeout(CALL_TIMEOUT_MS) }));
      return asked.then(
        ({ ok }) => ok,
        () => false,
      );
    },
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, parts: GatewayParts): Promise<void> {
  let answer: GatewayAnswer;
  try {
    const body = await readBody(request);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://gateway.invalid');
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const asked = { method: request.method ?? '', path: pathname, query: searchParams, headers };
    answer =
      body === null
        ? { status: 413, headers: {}, body: new Uint8Array() }
        : await route({ ...asked, body }, callerOf(request, parts), parts);
  } catch {
    // A connection that broke, or a store that is full: as a gateway in trouble.
    answer = { status: 500, headers: {}, body: new Uint8Array() };
  }
  response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length }).end(answer.body);
}

async function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length <= MAX_BODY_BYTES) parts.push(part);
  }
  return length <= MAX_BODY_BYTES ? Uint8Array.from(Buffer.concat(parts)) : null;
}

/** By the connection alone: a header says what anybody likes. */
function callerOf({ socket }: IncomingMessage, { list, now }: GatewayParts): Caller | 'no-country' | null {
  const { raw } = (socket as TLSSocket).getPeerCertificate() as { readonly raw?: Uint8Array };
  const certificate = raw === undefined ? null : readEfgsCertificate(Uint8Array.from(raw));
  if (certificate === null || !isValidAt(certificate, now())) return null;
  const { country } = certificate;
  if (country === null) return 'no-country';
  const thumbprint = toHex(sha256(certificate.der));
  const row = list.find(thumbprint, country, 'AUTHENTICATION');
  return row === null || row.revoked ? null : { country, thumbprint };
}
