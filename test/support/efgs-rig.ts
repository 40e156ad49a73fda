/**
 * @module A gateway with a clock that can be moved, and what countries do with it by hand: for tests of the gateway, and of a client
 * beside others.
 */
import { startGateway, type Gateway, type GatewayOptions } from '../../local-edge/efgs-gateway/gateway.ts';
import { tlsFetch, type TlsIdentity } from '../../local-edge/efgs-gateway/tls-fetch.ts';
import { signBatch } from '../../protocol/efgs/batch-signature.ts';
import { type EfgsKey, encodeBatch, PROTOBUF_MEDIA_TYPE } from '../../protocol/efgs/batch.ts';
import type { BatchSigner } from '../../protocol/efgs/certificate.ts';
import { NOON } from './efgs-in-process.ts';
import { signerOf } from './efgs-signer.ts';
import type { Issued } from '../../local-edge/efgs-gateway/pki.ts';

/** Headers instead of the usual ones; null leaves one out. */
type Headers = Readonly<Record<string, string | null>>;

/** A country that calls the gateway. */
interface Country {
  readonly signer: BatchSigner;
  /** Asks with the country's certificate. */
  readonly fetch: (asked: Request) => Promise<Response>;
  readonly ask: (method: string, path: string, headers?: Headers, body?: Uint8Array) => Promise<Response>;
  readonly upload: (keys: readonly EfgsKey[], tag: string, headers?: Headers) => Promise<Response>;
  readonly download: (date: string, headers?: Headers) => Promise<Response>;
}

export interface Rig {
  readonly gateway: Gateway;
  readonly clock: { now: number };
  readonly as: (country: string) => Country;
  /** @returns whoever calls with this certificate, or with none */
  readonly caller: (identity: Issued | null) => Country['ask'];
}

/** @param options of the gateway; its clock is the rig's */
export async function startRig(options: Omit<GatewayOptions, 'now' | 'everyMs'>): Promise<Rig> {
  const clock = { now: NOON };
  const gateway = await startGateway({ ...options, now: () => clock.now, everyMs: null });
  const ca = gateway.serverCertificatePem;
  const fetchAs = (issued: Issued | null): Country['fetch'] => {
    const identity: TlsIdentity =
      issued === null ? { ca } : { cert: issued.certificatePem, key: issued.privateKeyPem, ca };
    return tlsFetch(identity);
  };
  const caller =
    (issued: Issued | null): Country['ask'] =>
    (method, path, headers = {}, body) => {
      const given = Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
      const content = body === undefined ? {} : { body: Uint8Array.from(body) };
      return fetchAs(issued)(
        new Request(`${gateway.url}/diagnosiskeys${path}`, {
          method,
          headers: given as [string, string][],
          ...content,
        }),
      );
    };
  const as = (country: string): Country => {
    const member = gateway.members.get(country);
    if (member === undefined) throw new Error(`no member ${country}`);
    const signer = signerOf(member.signing);
    const ask = caller(member.authentication);
    return {
      signer,
      fetch: fetchAs(member.authentication),
      ask,
      upload: (keys, tag, headers = {}) =>
        ask(
          'POST',
          '/upload',
          {
            'content-type': PROTOBUF_MEDIA_TYPE,
            batchTag: tag,
            batchSignature: signBatch(keys, signer, clock.now),
            ...headers,
          },
          encodeBatch(keys),
        ),
      download: (date, headers = {}) => ask('GET', `/download/${date}`, { accept: PROTOBUF_MEDIA_TYPE, ...headers }),
    };
  };
  return { gateway, clock, as, caller };
}
