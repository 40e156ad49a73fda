/**
 * @module What the gateway answers, in the order it looks (docs/spec/europe.md §3.1, §3.4, §3.5, §3.7). Who calls was found out
 * already, by the TLS connection.
 */
import { type EfgsKey, GATEWAY_BATCH_LIMIT } from '../../protocol/efgs/batch.ts';
import { type Signers, verifyBatch } from '../../protocol/efgs/batch-signature.ts';
import { keyFault } from '../../protocol/efgs/key-rules.ts';
import { isUtcDate } from '../../protocol/gaen/intervals.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import type { Callbacks } from './callbacks.ts';
import type { CertificateList } from './certificate-list.ts';
import { negotiate, type Negotiated, readBatch, writeBatch } from './media.ts';
import type { GatewayStore } from './store.ts';

/** A request that is whole. Names of headers are lowercase. */
export interface GatewayRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface GatewayAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Whose certificate the connection has. */
export interface Caller {
  readonly country: string;
  /** SHA-256 of its DER, 64 lowercase hex digits. */
  readonly thumbprint: string;
}

/** What the gateway is made of. */
export interface GatewayParts {
  readonly store: GatewayStore;
  readonly list: CertificateList;
  readonly callbacks: Callbacks;
  /** Unix seconds. */
  readonly now: () => number;
}

const ROOT = '/diagnosiskeys';
const BOTH_FORMS = 'application/json; version=1.0, application/protobuf; version=1.0';

const answer = (
  status: number,
  headers: GatewayAnswer['headers'] = {},
  body: Uint8Array | string = '',
): GatewayAnswer => ({
  status,
  headers,
  body: typeof body === 'string' ? utf8(body) : body,
});

const json = (status: number, value: unknown, headers: GatewayAnswer['headers'] = {}): GatewayAnswer =>
  answer(status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));

const refusal = (status: number, message: string): GatewayAnswer => json(status, { message });

/**
 * @param caller null without a certificate that is listed
 * @param parts the gateway
 * @returns the answer
 */
export async function route(
  request: GatewayRequest,
  caller: Caller | 'no-country' | null,
  parts: GatewayParts,
): Promise<GatewayAnswer> {
  const { method, path } = request;
  if (method === 'OPTIONS') return answer(200, { allow: 'GET, POST, PUT, DELETE, OPTIONS', accept: BOTH_FORMS });
  if (caller === 'no-country') return refusal(400, 'the certificate names no country');
  if (caller === null) return refusal(403, 'the certificate is not listed');
  if (method === 'POST' && path === `${ROOT}/upload`) return upload(request, caller, parts);
  const [, date, tag] = /^\/diagnosiskeys\/(?:audit\/)?download\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (method === 'GET' && date !== undefined) {
    return tag === undefined ? download(request, date, caller, parts) : audit(date, tag, parts);
  }
  return callbacksRoute(request, caller, parts);
}

/** On a request no version is 400 and another 406; on its answer either is 415. */
function formFault(negotiated: Negotiated, of: 'request' | 'answer'): GatewayAnswer | null {
  if (negotiated === 'protobuf' || negotiated === 'json') return null;
  if (of === 'answer') return refusal(415, 'Accept: form or version');
  return negotiated === 'other-version'
    ? refusal(406, 'Content-Type: version')
    : refusal(400, 'Content-Type: form or version');
}

function upload({ headers, body }: GatewayRequest, caller: Caller, parts: GatewayParts): GatewayAnswer {
  const { store, list, now } = parts;
  const { batchtag: batchTag, batchsignature: batchSignature } = headers;
  const form = negotiate(headers['content-type'] ?? '');
  const fault = formFault(form, 'request');
  if (fault !== null) return fault;
  if (batchTag === undefined || batchSignature === undefined) return refusal(400, 'batchTag, batchSignature: missing');
  const keys = readBatch(form === 'json' ? 'json' : 'protobuf', body);
  if (keys === null || keys.length === 0) return refusal(400, 'no batch');
  if (keys.some((key) => keyFault(key, now()) !== null)) return refusal(400, 'a key breaks a rule');
  if (keys.length > GATEWAY_BATCH_LIMIT) return refusal(413, 'too many keys');
  if (store.isTagTaken(batchTag)) return refusal(409, 'batchTag: taken');
  const signed = verifyBatch(keys, batchSignature, signersAt(now(), list));
  if (!signed.ok) return refusal(400, 'batchSignature: not valid');
  if (keys.some(({ origin }) => origin !== caller.country)) return refusal(400, 'origin: not the caller’s');
  return insert(
    { keys, tag: batchTag, signature: batchSignature, signingThumbprint: signed.value.certificate.thumbprint },
    caller,
    parts,
  );
}

function signersAt(at: number, list: CertificateList): Signers {
  return {
    at,
    standing: ({ thumbprint }, country) => {
      const row = list.find(thumbprint, country, 'SIGNING');
      if (row === null) return 'unlisted';
      return row.revoked ? 'revoked' : 'listed';
    },
  };
}

/** What an upload has when nothing is wrong with it. */
interface Checked {
  readonly keys: readonly EfgsKey[];
  readonly tag: string;
  readonly signature: string;
  readonly signingThumbprint: string;
}

function insert(checked: Checked, { country, thumbprint }: Caller, { store, now }: GatewayParts): GatewayAnswer {
  const results = store.insert({ ...checked, country, uploaderThumbprint: thumbprint, at: now() });
  const headers = { batchtag: checked.tag };
  return results === null ? answer(201, headers) : json(207, results, headers);
}

function download(
  { headers }: GatewayRequest,
  date: string,
  caller: Caller,
  { store, now }: GatewayParts,
): GatewayAnswer {
  const form = negotiate(headers['accept'] ?? '');
  const fault = formFault(form, 'answer');
  if (fault !== null) return fault;
  if (!isUtcDate(date)) return refusal(400, 'no date');
  if (store.isGone(date, now())) return refusal(410, 'the date is too old');
  const { batchtag: tag } = headers;
  const batch = tag === undefined ? store.firstFrom(date) : store.batch(tag);
  if (batch === null) return refusal(404, 'no batch');
  if (batch.date < date) return refusal(400, 'the batch is older than the date');
  const keys = store.uploadsOf(batch.tag).filter(({ country }) => country !== caller.country);
  const { type, body } = writeBatch(
    form === 'json' ? 'json' : 'protobuf',
    keys.flatMap((one) => one.keys),
  );
  return answer(
    200,
    {
      'content-type': type,
      batchtag: batch.tag,
      // The word, not an absent header.
      nextbatchtag: batch.next ?? 'null',
      'x-protobuf-schema': 'Efgs.proto',
      'x-protobuf-message': 'eu.interop.DiagnosisKeyBatch',
    },
    body,
  );
}

function audit(date: string, tag: string, { store, list, now }: GatewayParts): GatewayAnswer {
  if (!isUtcDate(date)) return refusal(400, 'no date');
  if (store.isGone(date, now())) return refusal(410, 'the date is too old');
  const uploads = store.batch(tag)?.date === date ? store.uploadsOf(tag) : [];
  if (uploads.length === 0) return refusal(404, 'no batch');
  return json(
    200,
    uploads.map(({ country, at, uploaderThumbprint, signingThumbprint, keys, signature }) => {
      const uploader = list.find(uploaderThumbprint, country, 'AUTHENTICATION');
      const signer = list.find(signingThumbprint, country, 'SIGNING');
      return {
        country,
        uploadedTime: new Date(at * 1000).toISOString(),
        uploaderCertificate: uploader?.rawData ?? null,
        uploaderThumbprint,
        uploaderOperatorSignature: uploader?.signature ?? null,
        signingCertificate: signer?.rawData ?? null,
        uploaderSigningThumbprint: signingThumbprint,
        signingCertificateOperatorSignature: signer?.signature ?? null,
        amount: keys.length,
        batchSignature: signature,
      };
    }),
  );
}

async function callbacksRoute(
  request: GatewayRequest,
  { country }: Caller,
  parts: GatewayParts,
): Promise<GatewayAnswer> {
  const { method, path, query } = request;
  const { callbacks } = parts;
  if (path === `${ROOT}/callback` && method === 'GET') return json(200, callbacks.of(country));
  const id = /^\/diagnosiskeys\/callback\/([^/]+)$/.exec(path)?.[1];
  if (id !== undefined && method === 'PUT') {
    return (await callbacks.put(country, id, query.get('url') ?? '')) ? answer(200) : refusal(400, 'url: not allowed');
  }
  if (id !== undefined && method === 'DELETE')
    return callbacks.remove(country, id) ? answer(200) : refusal(404, 'no such id');
  return refusal(404, 'no such path');
}
