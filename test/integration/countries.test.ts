/**
 * @module One source of truth for countries, in the real Workers: `portal` publishes, `upload` asks `origin`, which judges again
 * (docs/architecture.md §4.2). The test takes the place of both on their bindings.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { commitToId, commitToPayload, originIdOf } from '../../domain/intake-permit.ts';
import { packUpload } from '../../domain/packed-upload.ts';
import { NO_AUTHORITIES } from '../../protocol/publish/authorities.ts';
import type { AcceptedUpload, IntakeRpc, OriginBackOfficeRpc, RedeemRpc } from '../../domain/rpc.ts';
import { publishableKeys } from '../../domain/keys/validate.ts';
import defaults from '../../parameters/default.json' with { type: 'json' };
import { KEPT_SECONDS } from '../../workers/shared/last-good.ts';
import { setClock } from '../../scripts/support/operator.ts';
import { patientKeys, payloadOf, START, startSystem, type System } from '../conformance/support/system.ts';

const NONCE = 'ab'.repeat(16);
let system: System;
let intake: IntakeRpc;
let redeem: RedeemRpc;
let office: OriginBackOfficeRpc;
beforeAll(async () => {
  system = await startSystem({ vars: { upload: { ANSWER_DEADLINE_MS: '0' } } });
  const { miniflare } = system.edge;
  const upload = await miniflare.getBindings<{ INTAKE: IntakeRpc; REDEEM: RedeemRpc }>('exposure-edge-upload');
  [intake, redeem] = [upload.INTAKE, upload.REDEEM];
  office = (await miniflare.getBindings<{ ORIGIN: OriginBackOfficeRpc }>('exposure-edge-portal')).ORIGIN;
});
afterAll(() => system.edge.dispose());

async function publish(supportedCountries: string[], expected: number): Promise<void> {
  // One person publishes here; who must agree is the portal's matter, and has its own tests.
  const publication = { ...defaults.publication, secondPersonAbovePercentage: 100 };
  const document = JSON.stringify({ ...defaults, publication, supportedCountries });
  const reply = await office.publishParameters({ document, audience: null, dryRun: false }, expected);
  if (reply.kind !== 'published') throw new Error(`not published: ${reply.kind}`);
}

let uploads = 0;
/** What `origin` says to an upload with a good permit and these regions. */
async function accept(regions: string[]): Promise<string> {
  const sent = patientKeys(`countries ${(uploads += 1)}`, START, 2).map((key) => ({
    keyData: key.keyData!,
    rollingStartIntervalNumber: key.rollingStartIntervalNumber!,
    rollingPeriod: key.rollingPeriod!,
    transmissionRiskLevel: key.transmissionRiskLevel,
    daysSinceOnsetOfSymptoms: key.daysSinceOnsetOfSymptoms,
  }));
  const { keys } = publishableKeys(sent, START);
  const upload: AcceptedUpload = { keys, regions, consentToFederation: true, origin: 'DE', issueId: null };
  const [tan = ''] = await system.tans(1);
  const id = originIdOf(new Uint8Array(32), crypto.randomUUID());
  const reply = await redeem.reserve(tan, {
    digest: 'cd'.repeat(32),
    reservationId: crypto.randomUUID(),
    idCommitment: commitToId(id),
    payloadCommitment: commitToPayload(upload, NONCE),
  });
  if (reply.kind !== 'reserved') throw new Error(reply.kind);
  const permit = { ...reply.permit, idNonce: id.idNonce, payloadNonce: NONCE };
  return (await intake.accept(id.uploadId, packUpload({ ...upload, issueId: reply.issueId }), permit)).kind;
}
async function send(visitedCountries: string[]): Promise<number> {
  const [tan = ''] = await system.tans(1);
  const keys = patientKeys(`countries ${(uploads += 1)}`, START, 2);
  return (await system.upload(tan, payloadOf(keys, { visitedCountries }))).status;
}

describe('countries', () => {
  it('are judged by what is published, by the version before, and by nothing else', async ({ expect }) => {
    expect(await intake.policy()).toEqual({
      version: 0,
      supportedCountries: ['DE'],
      ended: false,
      authorities: NO_AUTHORITIES,
    });
    expect([await accept(['DE']), await accept(['DE', 'FR'])]).toEqual(['stored', 'refused']);
    expect([await send(['DE']), await send(['FR'])]).toEqual([200, 200]);

    // Published while both Workers still hold the former answer: origin asks anew before it refuses.
    await publish(['DE', 'FR'], 0);
    expect([await accept(['DE', 'FR']), await accept(['DE', 'XX']), await accept(['DE', 'FR', 'XX'])]).toEqual([
      'stored',
      'refused',
      'refused',
    ]);
    await publish(['DE', 'NL'], 1);
    expect([await accept(['DE', 'FR']), await accept(['DE', 'NL']), await accept(['DE'])]).toEqual([
      'stored',
      'stored',
      'stored',
    ]);
    await publish(['DE'], 2);
    expect([await send(['DE', 'NL']), await send(['NL', 'XX'])]).toEqual([200, 200]);

    await setClock(system.edge.url, START + KEPT_SECONDS);
    expect(await intake.policy()).toEqual({
      version: 3,
      supportedCountries: ['DE'],
      ended: false,
      authorities: NO_AUTHORITIES,
    });
    expect([await accept(['DE', 'NL']), await accept(['DE', 'FR'])]).toEqual(['stored', 'refused']);
    expect([await send(['DE', 'NL']), await send([])]).toEqual([200, 200]);
  });
});
