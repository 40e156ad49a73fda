import { reset } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { beforeEach, describe, it } from 'vitest';
import { commitToId, commitToPayload, deathReceipt, signPermit } from '../../domain/intake-permit.ts';
import { packUpload } from '../../domain/packed-upload.ts';
import type { AcceptedUpload, IntakePermit, IntakeRpc } from '../../domain/rpc.ts';
import type { Certified, PublishPart } from '../../domain/rpc-publish.ts';
import { encodeRiskLevel } from '../../domain/keys/risk.ts';
import { enIntervalNumber, hourOf } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { REVISION_TOKEN_BYTES } from '../../protocol/publish/revision-token.ts';
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
function permitFor(upload: AcceptedUpload, certified: Certified | null = null, uploadId = ID.uploadId): IntakePermit {
  const hour = hourOf(Date.now() / 1000);
  const commitments = {
    idCommitment: commitToId({ ...ID, uploadId }),
    payloadCommitment: commitToPayload(upload, NONCE),
  };
  const mac = signPermit(intakeConfig(env as unknown as OriginEnv).permitKeys.current, {
    hour,
    ...commitments,
    issueId: null,
    certified,
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

describe('of a certificate', () => {
  const SAID: Certified = {
    authorityId: 'health-de',
    reportType: 'likely',
    expiresAt: Math.floor(Date.now() / 1000) + 900,
  };
  const partOf = (change: Partial<PublishPart> = {}): PublishPart => ({
    ...SAID,
    token: null,
    onsetDays: null,
    ...change,
  });

  it('an upload is stored and answered, and answered the same to who comes again', async ({ expect }) => {
    const upload = uploadOf(keysOf(3));
    const reply = await intake.accept(ID.uploadId, packUpload(upload), permitFor(upload, SAID), partOf());
    expect(reply).toMatchObject({ kind: 'stored', publish: { inserted: 3, revised: 0 } });
    const publish = reply.kind === 'stored' ? reply.publish! : null;
    expect(publish?.token).toHaveLength(REVISION_TOKEN_BYTES);
    expect(await intake.replayed(ID.uploadId, NONCE)).toMatchObject({ ...publish });
    expect(await intake.replayed('34'.repeat(16), NONCE)).toBeNull();
    expect(await intake.replayed('34', NONCE)).toBeNull();
  });

  it('keys that others have published are refused without a token, against a receipt that the id is dead', async ({
    expect,
  }) => {
    const upload = uploadOf(keysOf(2));
    await intake.accept('34'.repeat(16), packUpload(upload), permitFor(upload, null, '34'.repeat(16)));
    const reply = await intake.accept(ID.uploadId, packUpload(upload), permitFor(upload, SAID), partOf());
    const receipt = deathReceipt(intakeConfig(env as unknown as OriginEnv).permitKeys.current, commitToId(ID));
    expect(reply).toEqual({ kind: 'publish-refused', code: 'missing_revision_token', receipt });
  });

  it.for<[name: string, certified: Certified | null, part: unknown, level?: number]>([
    ['another authority', SAID, partOf({ authorityId: 'health-fr' })],
    ['another report type', SAID, partOf({ reportType: 'negative' })],
    ['a later end, so that the answer is kept for days', SAID, partOf({ expiresAt: SAID.expiresAt + 86_400 })],
    ['one where there was a TAN', null, partOf()],
    ['a TAN where there was one', SAID, undefined],
    ['levels of a confirmed test', SAID, partOf(), 8],
    ['what has no form', SAID, { ...SAID, token: 'AAAA', expiresAt: 0 }],
  ])('a taken-over upload says %s and is refused', async ([, certified, part, level = 6], { expect }) => {
    const keys = keysOf(3).map((key) => ({ ...key, transmissionRiskLevel: level, ...encodeRiskLevel(level) }));
    const upload = uploadOf(keys);
    const sent = intake.accept(ID.uploadId, packUpload(upload), permitFor(upload, certified), part as PublishPart);
    expect(await sent).toEqual({ kind: 'refused' });
  });
});
