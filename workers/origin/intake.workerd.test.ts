import { reset } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { beforeEach, it } from 'vitest';
import { commitToId, commitToPayload, signPermit } from '../../domain/intake-permit.ts';
import { packUpload } from '../../domain/packed-upload.ts';
import type { AcceptedUpload, IntakePermit, IntakeRpc } from '../../domain/rpc.ts';
import { encodeRiskLevel } from '../../domain/keys/risk.ts';
import { enIntervalNumber, hourOf } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { intakeConfig, type OriginEnv } from './bindings.ts';

const intake = (exports as unknown as { readonly Intake: IntakeRpc }).Intake;
const NONCE = 'ab'.repeat(16);
const ID = { uploadId: '12'.repeat(16), idNonce: NONCE };

beforeEach(() => reset());

function keysOf(count: number): TemporaryExposureKey[] {
  const yesterday = Math.floor(enIntervalNumber(Date.now() / 1000) / 144 - 1) * 144;
  return Array.from({ length: count }, (_, n) => ({
    keyData: new Uint8Array(16).fill(n + 1),
    rollingStartIntervalNumber: yesterday - Math.floor(n / 3) * 144,
    rollingPeriod: 144,
    transmissionRiskLevel: 6,
    ...encodeRiskLevel(6),
  }));
}

const uploadOf = (keys: TemporaryExposureKey[]): AcceptedUpload => ({
  keys,
  regions: ['DE'],
  consentToFederation: true,
  origin: 'DE',
  issueId: null,
});

/** As `verification` would give it. */
function permitFor(upload: AcceptedUpload): IntakePermit {
  const hour = hourOf(Date.now() / 1000);
  const commitments = { idCommitment: commitToId(ID), payloadCommitment: commitToPayload(upload, NONCE) };
  const mac = signPermit(intakeConfig(env as unknown as OriginEnv).permitKey, {
    hour,
    ...commitments,
    issueId: null,
  });
  return { hour, mac, idNonce: NONCE, payloadNonce: NONCE };
}

it.for<[name: string, change: (upload: AcceptedUpload) => object]>([
  ['a list of keys', (upload) => upload],
  ['half a key more', (upload) => ({ ...upload, keys: new Uint8Array(3.5 * 40) })],
  ['keys that are text', (upload) => ({ ...upload, keys: '0'.repeat(120) })],
  ['nothing', () => null as unknown as object],
])('an upload with a good permit is refused for %s, and stored as it should be', async ([, change], { expect }) => {
  const upload = uploadOf(keysOf(3));
  const permit = permitFor(upload);
  const sent = change(upload) as ReturnType<typeof packUpload>;
  expect((await intake.accept(ID.uploadId, sent, permit)).kind).toBe('refused');
  expect((await intake.accept(ID.uploadId, packUpload(upload), permit)).kind).toBe('stored');
});

it('31 keys under a permit for all of them are refused, 30 are stored', async ({ expect }) => {
  for (const [count, kind] of [
    [31, 'refused'],
    [30, 'stored'],
  ] as const) {
    const upload = uploadOf(keysOf(count));
    expect((await intake.accept(ID.uploadId, packUpload(upload), permitFor(upload))).kind, `${count}`).toBe(kind);
  }
});
