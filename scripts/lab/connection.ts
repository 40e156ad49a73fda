/**
 * @module The laboratory's side of the connection: TLS with its client certificate. To a local edge there is none: over plain HTTP, which
 * is taken for a loopback address alone, a header says whose certificate it would have been (local-edge/entries/laboratory.ts).
 */
import { X509Certificate } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { once } from 'node:events';
import { UsageError } from '../support/command-line/command.ts';
import type { Reply, Send } from './post.ts';

/** Contents of the files. */
export interface Credentials {
  /** PEM: the certificate, then those that lead to its authority if there are any. */
  readonly certificate: string;
  /** PEM; null to a local edge, which asks for no proof. */
  readonly key: string | null;
  /** PEM: who vouches for the server; null: those that Node trusts. */
  readonly serverAuthority: string | null;
}

const ANSWER_WITHIN_MS = 60_000;
const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost'];

/**
 * @param url of the route
 * @param credentials see {@link Credentials}
 * @returns sends a body and returns what is answered, and what closes the connections
 * @throws UsageError when the URL is neither HTTPS nor a loopback address, or HTTPS lacks the key
 */
export function connect(url: URL, credentials: Credentials): { readonly send: Send; readonly close: () => void } {
  const isTls = url.protocol === 'https:';
  if (!isTls && !(url.protocol === 'http:' && LOOPBACK.includes(url.hostname))) {
    throw new UsageError(`--url: "${url.href}" must be https, or http to this machine`);
  }
  if (isTls && credentials.key === null) throw new UsageError("--key: is missing; it is the certificate's");
  const { certificate, key, serverAuthority } = credentials;
  const files = {
    cert: certificate,
    ...(key === null ? {} : { key }),
    ...(serverAuthority === null ? {} : { ca: serverAuthority }),
  };
  const agent = isTls ? new TlsAgent({ keepAlive: true, ...files }) : new Agent({ keepAlive: true });
  const headers = {
    'content-type': 'application/json',
    ...(isTls ? {} : { 'x-local-client-certificate': fingerprintOf(certificate) }),
  };
  const open = isTls ? tlsRequest : httpRequest;
  const send = async (body: string): Promise<Reply> => {
    const request = open(url, {
      method: 'POST',
      agent,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    });
    request.setTimeout(ANSWER_WITHIN_MS, () => request.destroy(new Error('no answer')));
    request.end(body);
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of answer.setEncoding('utf8')) text += String(part);
    const after = Number(answer.headers['retry-after'] ?? Number.NaN);
    return { status: answer.statusCode ?? 0, body: text, retryAfter: Number.isFinite(after) ? after : null };
  };
  return { send, close: () => agent.destroy() };
}

/** @param pem a certificate @returns its SHA-256 in 64 lowercase hex digits, as the signed list names it @throws Error when it is none */
export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}
