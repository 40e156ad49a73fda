/**
 * @module Who was tested, and what they uploaded: a local edge with state on disk, real uploads over HTTP, an hour sealed.
 */
import { randomUUID } from 'node:crypto';
import { commitToId, commitToPayload, originIdOf } from '../../../domain/intake-permit.ts';
import { uploadDigest } from '../../../domain/keys/digest.ts';
import { publishableKeys } from '../../../domain/keys/validate.ts';
import { packUpload } from '../../../domain/packed-upload.ts';
import type { ReserveReply, VerificationBackOfficeRpc } from '../../../domain/rpc.ts';
import type { LocalEdge } from '../../../local-edge/local-edge.ts';
import { typeCode } from '../../../phone/verification/codes.ts';
import { register, tan as requestTan } from '../../../phone/verification/verification.ts';
import { SECONDS_PER_HOUR } from '../../../protocol/gaen/intervals.ts';
import { fromBase64, toHex } from '../../../protocol/primitives/bytes.ts';
import { encodeSubmissionPayload } from '../../../protocol/submission-payload.ts';
import { issueTans, moveClock, setClock } from '../../support/operator.ts';
import { byteSource, patientKeys } from '../../support/patients.ts';
import { puppetOf } from '../puppet.ts';
import { readRowKeys } from './evidence.ts';

/** 2026-06-15 10:20 UTC. */
export const START = 1_781_518_800;

type Keys = ReturnType<typeof patientKeys>;

/** A test that led to an upload, as only the town itself knows it. */
export interface Test {
  readonly kind: 'single' | 'full' | 'commit-lost' | 'busy-batch' | 'lone-card';
  readonly tan: string;
  /** Hex of the keys that were uploaded under this TAN. */
  readonly keys: readonly string[];
}

/** How many of each. */
export interface Census {
  readonly single: number;
  readonly full: number;
}

/** Cards of each batch, of which five are used in one and one in the other. */
const CARDS = 20;
const USED_OF_BUSY_BATCH = 5;
const BUSY_BATCH = 'busy-batch';
const LONE_BATCH = 'lone-card';

/**
 * Lets a town upload within one hour, and seals it.
 *
 * @param edge with a puppet of `upload` (puppet.ts), which loses one commit
 * @param secrets of `upload`
 * @returns every test that led to an upload, and the keys of rows that the private bucket held before the hour was sealed
 */
export async function liveThroughAnHour(
  edge: LocalEdge,
  secrets: Readonly<Record<string, string>>,
  census: Census,
  seed: number,
): Promise<{ readonly tests: readonly Test[]; readonly formerRowKeys: readonly Uint8Array[] }> {
  await setClock(edge.url, START);
  const random = byteSource(`join/${seed}`);
  const tests: Test[] = [];
  const upload = async (kind: Test['kind'], tan: string, keys: Keys): Promise<void> => {
    await post(edge.url, tan, keys);
    tests.push({ kind, tan, keys: keys.map(({ keyData }) => toHex(keyData)) });
  };
  const tans = await issueTans(edge.url, census.single + census.full + 1);
  for (const [n, tan] of tans.slice(1).entries()) {
    const keys = patientKeys(random, START);
    if (n < census.single) await upload('single', tan, keys.slice(0, 1));
    else await upload('full', tan, keys);
  }
  for (const [kind, used] of [
    [BUSY_BATCH, USED_OF_BUSY_BATCH],
    [LONE_BATCH, 1],
  ] as const) {
    for (const tan of await cardTans(edge, kind, used)) await upload(kind, tan, patientKeys(random, START));
  }
  const [lost = ''] = tans;
  tests.push(await uploadWithoutCommit(edge, secrets, lost, patientKeys(random, START).slice(0, 1)));
  const formerRowKeys = await readRowKeys(edge);
  await moveClock(edge.url, START + SECONDS_PER_HOUR);
  return { tests, formerRowKeys };
}

/** TANs of some cards of a new batch, as phones get them. */
async function cardTans(edge: LocalEdge, batch: string, used: number): Promise<string[]> {
  const { VERIFICATION } = await edge.miniflare.getBindings<{ VERIFICATION: VerificationBackOfficeRpc }>(
    'exposure-edge-portal',
  );
  const sheet = await VERIFICATION.makeCards(batch, batch, CARDS);
  const ports = { fetch, verificationUrl: edge.url, random: byteSource(batch) };
  const tans: string[] = [];
  for (const card of sheet?.cards.slice(0, used) ?? []) {
    const code = typeCode(card.code);
    const token = code.ok ? await register(code.value, ports) : null;
    const got = token?.ok === true ? await requestTan(token.value, ports) : null;
    if (got?.ok !== true) throw new Error('a card opened nothing');
    tans.push(got.value);
  }
  return tans;
}

async function post(url: string, tan: string, keys: Keys): Promise<void> {
  const body = encodeSubmissionPayload({
    keys: keys.map((key) => ({ ...key, reportType: 1 })),
    requestPadding: new Uint8Array(),
    visitedCountries: ['DE'],
    origin: 'DE',
    consentToFederation: true,
    checkIns: [],
    submissionType: 0,
    checkInProtectedReports: [],
    cover: null,
    authorization: null,
  });
  const headers = { 'content-type': 'application/x-protobuf', 'cwa-fake': '0', 'cwa-authorization': tan };
  const { status } = await fetch(`${url}/version/v1/diagnosis-keys`, {
    method: 'POST',
    headers,
    body: new Uint8Array(body),
  });
  if (status !== 200) throw new Error(`upload: status ${status}`);
}

/** What a crash between `accept` and `commit` leaves: keys that are durable under a TAN that is reserved. */
async function uploadWithoutCommit(
  edge: LocalEdge,
  secrets: Readonly<Record<string, string>>,
  tan: string,
  keys: Keys,
): Promise<Test> {
  const puppet = puppetOf(edge.url);
  const reservationId = randomUUID();
  const id = originIdOf(fromBase64(secrets['UPLOAD_ID_KEY'] ?? ''), reservationId);
  const payload = {
    keys: publishableKeys(keys, START).keys,
    regions: ['DE'],
    consentToFederation: true,
    origin: 'DE',
  };
  const payloadNonce = '00'.repeat(16);
  const reserved = await puppet.call('REDEEM', 'reserve', [
    tan,
    {
      digest: uploadDigest({ keys }, fromBase64(secrets['DIGEST_KEY'] ?? '')),
      reservationId,
      idCommitment: commitToId(id),
      payloadCommitment: commitToPayload(payload, payloadNonce),
    },
  ]);
  const reply = ('value' in reserved ? reserved.value : reserved) as ReserveReply;
  if (reply.kind !== 'reserved') throw new Error(`reserve: ${JSON.stringify(reply)}`);
  const permit = { ...reply.permit, idNonce: id.idNonce, payloadNonce };
  const accepted = await puppet.call('INTAKE', 'accept', [
    id.uploadId,
    packUpload({ ...payload, issueId: reply.issueId }),
    permit,
  ]);
  if (!JSON.stringify(accepted).includes('stored')) throw new Error(`accept: ${JSON.stringify(accepted)}`);
  return { kind: 'commit-lost', tan, keys: keys.map(({ keyData }) => toHex(keyData)) };
}
