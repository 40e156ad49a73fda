/**
 * @module Writes the requests that k6 sends in the scenarios of Google's dialect: made by the reference app's own code (phone/enx/), with codes that verification issued, and certificates of an authority of the run's own. k6 can't run
 * that code, so the bytes are prepared.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { chaffRequests, type EnxRequest, verifyRequest } from '../../phone/enx/requests.ts';
import { importLocally } from '../../scripts/support/authorities.ts';
import { issueCodes, makeApiKey, setCodeQuota } from '../../scripts/support/operator.ts';
import { drawCertifier, publishOf } from '../../scripts/support/publish-requests.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const CHAFF = 20;
/** Who asks for codes at a local edge. */
const LOCAL_OPERATOR = 'local-operator';
const MOST_CODES_A_DAY = 100_000;

/** As load-tests/scenarios/lib/google.ts reads it. */
const prepared = ({ path, headers, body }: EnxRequest) => ({
  path,
  headers,
  body: Buffer.from(body).toString('latin1'),
});

const chaff = (apiKey: string) =>
  Array.from({ length: CHAFF }, () => chaffRequests(apiKey, random).map(prepared)).flat();

const write = (file: string, requests: object): void => writeFileSync(file, JSON.stringify(requests), { mode: 0o600 });

/**
 * @param edge whose operators import the authority; on real time, since certificates end after a quarter of an hour
 * @param count uploads
 * @param file where the requests are written, JSON
 * @throws Error when the edge isn't reached
 */
export async function preparePublish(edge: LocalEdge, count: number, file: string): Promise<void> {
  const certifier = drawCertifier(random);
  await importLocally(edge.url, [certifier.authority]);
  const now = Math.floor(Date.now() / 1000);
  const real = Array.from({ length: count }, () => prepared(publishOf(certifier, now, random)));
  write(file, { real, chaff: chaff('') });
}

/** @param edge whose verification issues the codes @param count codes @param file as {@link preparePublish} @throws Error when fewer are issued, or the edge isn't reached */
export async function prepareCodes(edge: LocalEdge, count: number, file: string): Promise<void> {
  const { key } = await makeApiKey(edge.url, 'device', 'load');
  await setCodeQuota(edge.url, LOCAL_OPERATOR, MOST_CODES_A_DAY);
  const wanted = { testType: 'confirmed', symptomDate: null, testDate: null, long: true };
  const codes = await issueCodes(edge.url, count, wanted);
  const real = codes.map(({ longCode }) => prepared(verifyRequest(longCode ?? '', null, key, random)));
  write(file, { real, chaff: chaff(key) });
}
