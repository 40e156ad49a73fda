/**
 * @module The strings of `upload`, taken over: what it may say to `verification` and `origin`, and what of it is published.
 */
import { randomUUID } from 'node:crypto';
import { commitToId, commitToPayload, deathReceipt, type OriginId, originIdOf } from '../../../domain/intake-permit.ts';
import { encodeRiskLevel } from '../../../domain/keys/risk.ts';
import { packUpload } from '../../../domain/packed-upload.ts';
import type { Certified, PublishPart } from '../../../domain/rpc-publish.ts';
import type { AcceptedUpload, IntakePermit, ReserveReply } from '../../../domain/rpc.ts';
import { readExportZip } from '../../../protocol/export/export-reader.ts';
import { dateOfHour, hourOf, hourOfDay } from '../../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../../protocol/gaen/keys.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import type { Opening } from '../../../protocol/withdrawal.ts';
import { hourPath } from '../../../protocol/index/cwa-tree.ts';
import { byteSource, patientKeys } from '../../support/patients.ts';
import { type Puppet, puppetOf } from '../puppet.ts';

/** 2026-06-15 10:20 UTC. */
export const START = 1_781_518_800;
/** As many as an audit invented. */
export const INVENTED = 180;
const NONCE = 'ab'.repeat(16);
/** Any will do: the ids are its own to choose. */
export const ID_KEY = new Uint8Array(32).fill(1);

/** Without minima, so that what got in is published in the next hour. */
export const VARS = { upload: { ANSWER_DEADLINE_MS: '0' }, origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' } };

/** The strings of the puppet, and what it is told of the protocol. */
export class Rogue {
  readonly #puppet: Puppet;
  readonly #random: (length: number) => Uint8Array;
  /** Hex of every key that it ever tried to get in. */
  readonly tried = new Set<string>();
  /** Hears what a withdrawal is told. */
  onReply: (reply: string) => void = () => undefined;
  /** MAC of a permit → the issue id that it was made for. */
  readonly #issues = new Map<string, string | null>();

  constructor(url: string, seed: number) {
    this.#puppet = puppetOf(url);
    this.#random = byteSource(`taken over/${seed}`);
  }

  /** @param level of each @returns `n` keys that no phone ever had */
  invent(n: number, level = 6): TemporaryExposureKey[] {
    const keys = patientKeys(this.#random, START)
      .slice(0, n)
      .map((key) => ({ ...key, transmissionRiskLevel: level, ...encodeRiskLevel(level) }));
    for (const { keyData } of keys) this.tried.add(toHex(keyData));
    return keys;
  }

  upload(keys: readonly TemporaryExposureKey[]): AcceptedUpload {
    return { keys, regions: ['DE'], consentToFederation: true, origin: 'DE', issueId: null };
  }

  /** @returns the permit for an upload under an id, as far as `verification` gives one */
  async permit(
    tan: string,
    reservationId: string,
    upload: AcceptedUpload,
    digest = 'ab'.repeat(32),
  ): Promise<IntakePermit | null> {
    return this.#permit('reserve', tan, reservationId, upload, digest);
  }

  /** As {@link permit}, with a certificate in place of a TAN. */
  async permitByCertificate(
    jwt: string,
    reservationId: string,
    upload: AcceptedUpload,
    digest = 'ab'.repeat(32),
  ): Promise<IntakePermit | null> {
    return this.#permit('reserveCertificate', jwt, reservationId, upload, digest);
  }

  async #permit(
    method: 'reserve' | 'reserveCertificate',
    authorisation: string,
    reservationId: string,
    upload: AcceptedUpload,
    digest: string,
  ): Promise<IntakePermit | null> {
    const id = originIdOf(ID_KEY, reservationId);
    const request = {
      digest,
      reservationId,
      idCommitment: commitToId(id),
      payloadCommitment: commitToPayload(upload, NONCE),
    };
    const answer = await this.#puppet.call('REDEEM', method, [authorisation, request]);
    const reply = ('value' in answer ? answer.value : { kind: 'unknown' }) as ReserveReply;
    if (reply.kind !== 'reserved') return null;
    this.#issues.set(reply.permit.mac, reply.issueId);
    return { ...reply.permit, idNonce: id.idNonce, payloadNonce: NONCE };
  }

  /** @param issueId left out: the one that the permit was made for */
  async accept(
    { uploadId }: OriginId,
    upload: AcceptedUpload,
    permit: IntakePermit | null,
    issueId = this.#issues.get(permit?.mac ?? '') ?? null,
  ): Promise<{ kind: string; receipt?: string }> {
    return this.#accept(uploadId, upload, permit, issueId, []);
  }

  /** As {@link accept}, for an upload of Google's dialect. @param certified what it says of the certificate */
  async acceptCertified(
    { uploadId }: OriginId,
    upload: AcceptedUpload,
    permit: IntakePermit | null,
    certified: Certified,
  ): Promise<{ kind: string }> {
    const part: PublishPart = { ...certified, token: null, onsetDays: null };
    return this.#accept(uploadId, upload, permit, this.#issues.get(permit?.mac ?? '') ?? null, [part]);
  }

  async #accept(
    uploadId: string,
    upload: AcceptedUpload,
    permit: IntakePermit | null,
    issueId: string | null,
    publish: readonly PublishPart[],
  ): Promise<{ kind: string; receipt?: string }> {
    const mac = { hour: hourOf(START), mac: '0'.repeat(64), idNonce: NONCE, payloadNonce: NONCE };
    const answer = await this.#puppet.call('INTAKE', 'accept', [
      uploadId,
      packUpload({ ...upload, issueId }),
      permit ?? mac,
      ...publish,
    ]);
    return ('value' in answer ? answer.value : { kind: 'thrown' }) as { kind: string };
  }

  /** @returns what it is told: `heard`, `busy`, or `thrown` */
  async withdraw(openings: readonly Opening[]): Promise<string> {
    const answer = await this.#puppet.call('INTAKE', 'withdraw', [openings]);
    const reply = 'value' in answer ? String(answer.value) : 'thrown';
    this.onReply(reply);
    return reply;
  }

  /** @returns so many bytes of the seed's */
  bytes(length: number): Uint8Array {
    return this.#random(length);
  }

  async resolve({ uploadId, idNonce }: OriginId): Promise<{ kind: string; receipt?: string }> {
    const answer = await this.#puppet.call('INTAKE', 'resolve', [uploadId, idNonce]);
    return ('value' in answer ? answer.value : { kind: 'thrown' }) as { kind: string };
  }

  async commit(tan: string, reservationId: string): Promise<void> {
    await this.#puppet.call('REDEEM', 'commit', [tan, reservationId]);
  }

  async release(tan: string, reservationId: string, receipt: string): Promise<void> {
    await this.#puppet.call('REDEEM', 'release', [tan, reservationId, receipt]);
  }
}

/**
 * Another payload under an id that is stored, a release without `origin`'s receipt, and another id.
 *
 * @returns the payload that may be stored
 */
export async function releaseWithoutProof(rogue: Rogue, tan: string): Promise<AcceptedUpload> {
  const [one, two] = [randomUUID(), randomUUID()];
  const id = originIdOf(ID_KEY, one);
  const [a, b] = [rogue.upload(rogue.invent(12)), rogue.upload(rogue.invent(12))];
  await rogue.accept(id, a, await rogue.permit(tan, one, a));
  await rogue.accept(id, b, await rogue.permit(tan, one, b));
  for (const receipt of ['', '0'.repeat(64), deathReceipt(ID_KEY, commitToId(id))]) {
    await rogue.release(tan, one, receipt);
  }
  await rogue.accept(originIdOf(ID_KEY, two), b, await rogue.permit(tan, two, b, 'cd'.repeat(32)));
  return a;
}

/** @returns hex of the keys of the hour that was sealed last, or null when it was not */
export async function published(url: string, now: number): Promise<string[] | null> {
  const hour = hourOf(now) - 1;
  const response = await fetch(`${url}/${hourPath('DE', dateOfHour(hour), hourOfDay(hour))}`);
  if (!response.ok) return null;
  const read = readExportZip(new Uint8Array(await response.arrayBuffer()), null);
  return read.ok ? read.exportFile.keys.map(({ keyData }) => toHex(keyData)) : null;
}
