/**
 * @module A certificate binding (wrangler's `mtls_certificates`) at a local edge: a Worker's `fetch` that shows a client certificate, by
 * Node's TLS, since workerd's own knows none on this machine (docs/spec/platform.md §1.5).
 */
import { type LegacyWorkerOptions, type Request as WorkerRequest, Response as WorkerResponse } from 'miniflare';
import { type TlsIdentity, tlsFetch } from '../efgs-gateway/tls-fetch.ts';
import { readEnvironments } from '../workers.ts';

/**
 * @param environment of wrangler.toml whose Worker is given it
 * @param identities by name of the binding: what it shows, and whom it believes
 * @returns the last word on the Workers' options, for `startLocalEdge`
 */
export function withCertificates(
  environment: string,
  identities: Readonly<Record<string, TlsIdentity>>,
): (workers: LegacyWorkerOptions[]) => LegacyWorkerOptions[] {
  const { name } = readEnvironments().find((one) => one.environment === environment) ?? {};
  if (name === undefined) throw new Error(`wrangler.toml has no Worker ${environment}`);
  const bindings = Object.fromEntries(
    Object.entries(identities).map(([binding, identity]) => [binding, fetcherOf(identity)]),
  );
  return (workers) =>
    workers.map((worker) =>
      worker.name === name
        ? { ...worker, serviceBindings: { ...(worker.serviceBindings as object), ...bindings } }
        : worker,
    );
}

function fetcherOf(identity: TlsIdentity): (asked: WorkerRequest) => Promise<WorkerResponse> {
  const call = tlsFetch(identity);
  return async ({ url, method, headers, body }) => {
    const sent = body === null ? null : await new WorkerResponse(body).arrayBuffer();
    try {
      const came = await call(
        new Request(url, { method, headers: [...headers], ...(sent === null ? {} : { body: sent }) }),
      );
      const content = [204, 304].includes(came.status) ? null : await came.arrayBuffer();
      return new WorkerResponse(content, { status: came.status, headers: [...came.headers] });
    } catch {
      // As the platform: what can't be reached is an answer of its own (520..526), not a text with what Node knows.
      return new WorkerResponse(null, { status: 521 });
    }
  };
}
