/**
 * @module In front of a local edge: TLS with client certificates, as the platform ends it in front of the deployed `federation` (docs/spec/platform.md §1.5). What was verified of the certificate goes to
 * the Worker as `request.cf.tlsClientAuth`, as there; a header that says so is left out, whoever sends it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { Miniflare } from 'miniflare';
import { FEDERATION_HOST } from '../workers.ts';

/** How a front is made. All PEM. */
export interface FrontOptions {
  /** On 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** The server's own. */
  readonly certificate: string;
  readonly key: string;
  /** Above clients' certificates: what the platform is given as client roots. */
  readonly clientRoots: string;
  /** Hears of each request that was answered: path and status, never who asked. */
  readonly onAnswered?: (path: string, status: number) => void;
}

/** A front that listens. */
export interface Front {
  /** `https://127.0.0.1:PORT`, without a trailing slash. */
  readonly url: string;
  /** Hands requests on from now on; before, each is answered with 503. */
  serve(miniflare: Miniflare): void;
  close(): Promise<void>;
}

/** Nobody sends a feed anything; hints and callbacks are short. */
const MAX_BODY_BYTES = 65_536;
/** Of one hop alone (RFC 9110 §7.6.1), and what undici sets by itself. */
const HOP_HEADERS = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** By which the local edge and workerd are told what a platform would know. */
const INNER_HEADERS = /^(?:x-local-|mf-|cf-)/;
/** Past it the platform leaves the certificate out and says so (docs/spec/platform.md §1.5). */
const MOST_CERTIFICATE_BYTES = 10_240;

/** @param options see {@link FrontOptions} @returns the front, which listens @throws Error when the port is taken */
export async function startFront(options: FrontOptions): Promise<Front> {
  const { port, certificate, key, clientRoots, onAnswered = () => undefined } = options;
  let behind: Miniflare | null = null;
  const server = createServer(
    // As the platform does, a handshake with a certificate that doesn't hold is let through, and the Worker told.
    { cert: certificate, key, ca: clientRoots, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      response.once('finish', () => onAnswered(request.url ?? '', response.statusCode));
      void answer(request, response, behind);
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: (miniflare) => void (behind = miniflare),
    async close() {
      const closed = new Promise((resolve) => {
        server.close(resolve);
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, behind: Miniflare | null): Promise<void> {
  try {
    const body = await bodyOf(request);
    if (behind === null || body === null) {
      response.writeHead(behind === null ? 503 : 413, { 'content-length': 0 }).end();
      return;
    }
    const { method = 'GET', headers } = request;
    const passed = Object.entries(headers).filter(([name]) => !HOP_HEADERS.has(name) && !INNER_HEADERS.test(name));
    const came = await behind.dispatchFetch(`http://${FEDERATION_HOST}${request.url ?? '/'}`, {
      method,
      headers: passed.map(([name, value]) => [name, String(value)] as [string, string]),
      ...(method === 'GET' || method === 'HEAD' ? {} : { body }),
      redirect: 'manual',
      cf: { tlsClientAuth: clientAuthOf(request.socket as TLSSocket) } as never,
    });
    const content = Buffer.from(await came.arrayBuffer());
    const shown = [...came.headers].filter(([name]) => !HOP_HEADERS.has(name));
    const length = method === 'HEAD' ? (came.headers.get('content-length') ?? '0') : String(content.length);
    response.writeHead(came.status, { ...Object.fromEntries(shown), 'content-length': length }).end(content);
  } catch {
    // The edge is being ended, or the client went away.
    response.destroy();
  }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length <= MAX_BODY_BYTES) parts.push(part);
  }
  return length <= MAX_BODY_BYTES ? Uint8Array.from(Buffer.concat(parts)) : null;
}

/** What the platform says of a client certificate, in the fields that Workers here read (docs/spec/platform.md §1.5). */
function clientAuthOf(socket: TLSSocket): Readonly<Record<string, string | boolean>> {
  const chain = shownBy(socket);
  const isPresented = chain.length > 0;
  const [leaf, ...above] = chain;
  const isTooLarge = (ders: readonly Uint8Array[]): boolean =>
    ders.some(({ length }) => length > MOST_CERTIFICATE_BYTES);
  const listed = (ders: readonly Uint8Array[]): string =>
    isTooLarge(ders) ? '' : ders.map((der) => `:${Buffer.from(der).toString('base64')}:`).join(', ');
  const failed = `FAILED:${String(socket.authorizationError)}`;
  const verified = socket.authorized ? 'SUCCESS' : failed;
  return {
    certPresented: isPresented ? '1' : '0',
    certVerified: isPresented ? verified : 'NONE',
    certRevoked: '0',
    certRFC9440: leaf === undefined ? '' : listed([leaf]),
    certRFC9440TooLarge: leaf !== undefined && isTooLarge([leaf]),
    certChainRFC9440: listed(above),
    certChainRFC9440TooLarge: isTooLarge(above),
  };
}

/** @returns DER of the client's certificate and of those above it; none: it showed none */
function shownBy(socket: TLSSocket): Uint8Array[] {
  const ders: Uint8Array[] = [];
  // An empty object stands for none; a root stands above itself.
  let at = socket.getPeerCertificate(true) as Partial<DetailedPeerCertificate> | undefined;
  while (at?.raw !== undefined && !ders.some((der) => Buffer.compare(der, at?.raw ?? der) === 0)) {
    ders.push(new Uint8Array(at.raw));
    at = at.issuerCertificate;
  }
  return ders;
}
