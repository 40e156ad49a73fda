/**
 * @module Clients of `npm run bench:upload`: real uploads of 14 keys and dummies, prepared before the clock runs, over
 * connections that are kept alive, so that what is measured is the edge and not its load generator.
 */
import { Agent, request } from 'node:http';
import type { VerificationBackOfficeRpc } from '../domain/rpc.ts';
import { dummyRequest, uploadRequest, type UploadRequest } from '../phone/upload/upload-request.ts';
import { byteSource, patientKeys } from '../scripts/support/patients.ts';
import type { LocalEdge } from '../local-edge/local-edge.ts';

const TANS_A_CALL = 1_000;

/** @returns that many uploads, each with a TAN of its own and 14 new keys */
export async function prepareUploads(
  edge: LocalEdge,
  count: number,
  now: number,
  name: string,
): Promise<UploadRequest[]> {
  const random = byteSource(name);
  const tans = await issueTans(edge, count);
  return tans.map((tan) => {
    const prepared = uploadRequest(
      tan,
      { keys: patientKeys(random, now), visitedCountries: [], consentToFederation: false, submissionType: 0 },
      random,
    );
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.error));
    return prepared.value;
  });
}

/** Through the portal's binding: the deployed portal lets nobody in on a loopback port. */
async function issueTans(edge: LocalEdge, count: number): Promise<string[]> {
  const { VERIFICATION } = await edge.miniflare.getBindings('exposure-edge-portal');
  const office = VERIFICATION as VerificationBackOfficeRpc;
  const tans: string[] = [];
  while (tans.length < count) {
    const issued = await office.issueTans({ count: Math.min(TANS_A_CALL, count - tans.length), issuer: 'benchmark' });
    tans.push(...(issued?.tans ?? []));
  }
  return tans;
}

/** @returns that many dummies */
export function prepareDummies(count: number, name: string): UploadRequest[] {
  const random = byteSource(name);
  return Array.from({ length: count }, () => dummyRequest(random));
}

export interface Measured {
  readonly accepted: number;
  readonly dummies: number;
  readonly failed: number;
  readonly seconds: number;
  /** Milliseconds of each real upload, ascending. */
  readonly latencies: readonly number[];
}

/** A job and whether it is a real upload. */
export interface Job {
  readonly request: UploadRequest;
  readonly real: boolean;
}

/** Sends all jobs from `clients` connections, each one after the other. */
export async function drive(url: string, jobs: readonly Job[], clients: number): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const latencies: number[] = [];
  let next = 0;
  let accepted = 0;
  let dummies = 0;
  let failed = 0;
  const started = performance.now();
  const client = async (): Promise<void> => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
      const sent = performance.now();
      const status = await post(url, job.request, agent);
      if (status !== 200) failed++;
      else if (job.real) accepted++;
      else dummies++;
      if (job.real) latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  return { accepted, dummies, failed, seconds, latencies: latencies.toSorted((a, b) => a - b) };
}

function post(url: string, upload: UploadRequest, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { ...upload.headers, 'content-length': upload.body.byteLength };
    const sent = request(`${url}${upload.path}`, { method: 'POST', headers, agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end(upload.body);
  });
}
