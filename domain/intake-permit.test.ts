import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { REPORT_TYPE } from '../protocol/gaen/keys.ts';
import {
  commitToId,
  commitToPayload,
  deathReceipt,
  isOriginId,
  originIdOf,
  permits,
  provesDeath,
  signPermit,
} from './intake-permit.ts';
import type { AcceptedUpload, IntakePermit } from './rpc.ts';
import type { Certified } from './rpc-publish.ts';

const PERMIT_KEY = new Uint8Array(32).fill(1);
const ID_KEY = new Uint8Array(32).fill(2);
const OTHER_KEY = new Uint8Array(32).fill(3);
const HOUR = 446_196;
const NONCE = 'ab'.repeat(16);

const key = {
  keyData: new Uint8Array(16).fill(5),
  transmissionRiskLevel: 6,
  rollingStartIntervalNumber: 2_649_600,
  rollingPeriod: 144,
  reportType: REPORT_TYPE.CONFIRMED_TEST,
  daysSinceOnsetOfSymptoms: 2,
};
const UPLOAD: AcceptedUpload = {
  keys: [key],
  regions: ['DE'],
  consentToFederation: true,
  origin: 'DE',
  issueId: 'cards-1',
};
const id = originIdOf(ID_KEY, 'reservation 1');

/** As verification makes it, for what upload committed to. */
function permitFor(upload: AcceptedUpload, origin = id, hour = HOUR): IntakePermit {
  const facts = {
    hour,
    idCommitment: commitToId(origin),
    payloadCommitment: commitToPayload(upload, NONCE),
    issueId: upload.issueId,
  };
  return { hour, mac: signPermit(PERMIT_KEY, facts), idNonce: origin.idNonce, payloadNonce: NONCE };
}

describe('an upload id', () => {
  it('is the same for a reservation each time, and another under another secret', ({ expect }) => {
    expect(originIdOf(ID_KEY, 'reservation 1')).toEqual(id);
    expect(isOriginId(id)).toBe(true);
    const others = [originIdOf(ID_KEY, 'reservation 2'), originIdOf(OTHER_KEY, 'reservation 1')];
    const parts = [id, ...others].flatMap(({ uploadId, idNonce }) => [
      uploadId,
      idNonce,
      commitToId({ uploadId, idNonce }),
    ]);
    expect(new Set(parts).size).toBe(9);
  });
});

describe('a permit', () => {
  it('lets in what it was made for, in its hour and the next', ({ expect }) => {
    const good = [HOUR - 1, HOUR, HOUR + 1].map((hour) =>
      permits(PERMIT_KEY, hour, id.uploadId, UPLOAD, permitFor(UPLOAD)),
    );
    expect(good).toEqual([true, true, true]);
    const late = [HOUR - 2, HOUR + 2].map((hour) => permits(PERMIT_KEY, hour, id.uploadId, UPLOAD, permitFor(UPLOAD)));
    expect(late).toEqual([false, false]);
  });

  it.for<[name: string, change: Partial<AcceptedUpload>]>([
    ['another key', { keys: [{ ...key, keyData: new Uint8Array(16).fill(6) }] }],
    ['a key more', { keys: [key, { ...key, keyData: new Uint8Array(16).fill(6) }] }],
    ['a key less', { keys: [] }],
    ['another start', { keys: [{ ...key, rollingStartIntervalNumber: 2_649_601 }] }],
    ['another period', { keys: [{ ...key, rollingPeriod: 143 }] }],
    ['another risk level', { keys: [{ ...key, transmissionRiskLevel: 8 }] }],
    ['another report type', { keys: [{ ...key, reportType: REPORT_TYPE.SELF_REPORT }] }],
    ['another onset', { keys: [{ ...key, daysSinceOnsetOfSymptoms: -2 }] }],
    ['other regions', { regions: ['DE', 'FR'] }],
    ['no consent', { consentToFederation: false }],
    ['another origin', { origin: 'FR' }],
    ['another issue id', { issueId: 'cards-2' }],
    ['no issue id', { issueId: null }],
  ])('does not let in %s', ([, change], { expect }) => {
    expect(permits(PERMIT_KEY, HOUR, id.uploadId, { ...UPLOAD, ...change }, permitFor(UPLOAD))).toBe(false);
  });

  it('is for one id, and good under one key', ({ expect }) => {
    const other = originIdOf(ID_KEY, 'reservation 2');
    const permit = permitFor(UPLOAD);
    expect(permits(PERMIT_KEY, HOUR, other.uploadId, UPLOAD, permit)).toBe(false);
    expect(permits(PERMIT_KEY, HOUR, other.uploadId, UPLOAD, { ...permit, idNonce: other.idNonce })).toBe(false);
    expect(permits(OTHER_KEY, HOUR, id.uploadId, UPLOAD, permit)).toBe(false);
  });

  it('of a certificate lets in what that says, and nothing else; one of a TAN lets in none', ({ expect }) => {
    const said = { authorityId: 'health-de', reportType: 'likely', expiresAt: 1_800_000_000 } as const;
    const facts = { hour: HOUR, idCommitment: commitToId(id), payloadCommitment: commitToPayload(UPLOAD, NONCE) };
    const mac = signPermit(PERMIT_KEY, { ...facts, issueId: UPLOAD.issueId, certified: said });
    const certified: IntakePermit = { ...permitFor(UPLOAD), mac };
    const lets = (permit: IntakePermit, part: Certified | null) =>
      permits(PERMIT_KEY, HOUR, id.uploadId, UPLOAD, permit, part);
    expect(lets(certified, said)).toBe(true);
    expect(lets(certified, { ...said, reportType: 'confirmed' })).toBe(false);
    expect(lets(certified, { ...said, authorityId: 'health-fr' })).toBe(false);
    expect(lets(certified, { ...said, expiresAt: said.expiresAt + 86_400 })).toBe(false);
    expect(lets(certified, null)).toBe(false);
    expect(lets(permitFor(UPLOAD), said)).toBe(false);
  });

  it.for<[name: string, change: object]>([
    ['a MAC that is no text', { mac: 7 }],
    ['a MAC of another length', { mac: 'ab' }],
    ['an hour that is none', { hour: Number.NaN }],
    ['an hour as text', { hour: String(HOUR) }],
    ['no nonce', { payloadNonce: undefined }],
    ['a nonce of another length', { idNonce: `${id.idNonce}00` }],
  ])('is refused with %s', ([, change], { expect }) => {
    expect(permits(PERMIT_KEY, HOUR, id.uploadId, UPLOAD, { ...permitFor(UPLOAD), ...change })).toBe(false);
  });

  it('a border between id and nonce can not be moved', ({ expect }) => {
    const text = id.idNonce + id.uploadId;
    const moved = { idNonce: text.slice(0, 31), uploadId: text.slice(31) };
    expect(isOriginId(moved)).toBe(false);
    expect(permits(PERMIT_KEY, HOUR, moved.uploadId, UPLOAD, { ...permitFor(UPLOAD), ...moved })).toBe(false);
  });
});

describe('a commitment', () => {
  it('to a payload is not found again without its nonce', ({ expect }) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const nonce = Buffer.from(bytes).toString('hex');
        expect(commitToPayload(UPLOAD, nonce) === commitToPayload(UPLOAD, NONCE)).toBe(nonce === NONCE);
      }),
      { seed: 9 },
    );
  });
});

describe('a receipt', () => {
  it('speaks of one id, and is no permit', ({ expect }) => {
    const commitment = commitToId(id);
    const receipt = deathReceipt(PERMIT_KEY, commitment);
    expect(provesDeath(PERMIT_KEY, commitment, receipt)).toBe(true);
    expect(provesDeath(PERMIT_KEY, commitToId(originIdOf(ID_KEY, 'reservation 2')), receipt)).toBe(false);
    expect(provesDeath(OTHER_KEY, commitment, receipt)).toBe(false);
    expect(provesDeath(PERMIT_KEY, commitment, '')).toBe(false);
    expect(permits(PERMIT_KEY, HOUR, id.uploadId, UPLOAD, { ...permitFor(UPLOAD), mac: receipt })).toBe(false);
  });
});
