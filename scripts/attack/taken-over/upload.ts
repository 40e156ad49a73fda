/**
 * @module `upload`, taken over: it has its secrets, both its bindings and the TANs that pass, and wants to publish what it
 * likes. What it may get is one payload for each TAN that passed (docs/decisions/023), and no more.
 */
import { randomUUID } from 'node:crypto';
import { commitToId, commitToPayload, deathReceipt, type OriginId, originIdOf } from '../../../domain/intake-permit.ts';
import { encodeRiskLevel } from '../../../domain/keys/risk.ts';
import type { AcceptedUpload, IntakePermit, ReserveReply } from '../../../domain/rpc.ts';
import { startLocalEdge } from '../../../local-edge/local-edge.ts';
import { readExportZip } from '../../../protocol/export/export-reader.ts';
import { dateOfHour, hourOf, hourOfDay, SECONDS_PER_HOUR } from '../../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../../protocol/gaen/keys.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { hourPath } from '../../../protocol/index/cwa-tree.ts';
import { issueTans, moveClock, setClock } from '../../support/operator.ts';
import { byteSource, patientKeys } from '../../support/patients.ts';
import type { Verdict } from '../attack.ts';
import { type Adapt, type EdgeWorkers, type Puppet, puppetOf, withPuppet } from '../puppet.ts';

/** 2026-06-15 10:20 UTC. */
const START = 1_781_518_800;
/** As many as the audit of issue 13 invented. */
const INVENTED = 180;
const NONCE = 'ab'.repeat(16);
/** Any will do: the ids are its own to choose. */
const ID_KEY = new Uint8Array(32).fill(1);

/** Without minima, so that what got in is published in the next hour. */
const VARS = { upload: { ANSWER_DEADLINE_MS: '0' }, origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' } };

/** The strings of the puppet, and what it is told of the protocol. */
class Rogue {
  readonly #puppet: Puppet;
  readonly #random: (length: number) => Uint8Array;
  /** Hex of every key that it ever tried to get in. */
  readonly tried = new Set<string>();
  /** MAC of a permit → the issue id that it was made for. */
  readonly #issues = new Map<string, string | null>();

  constructor(url: string, seed: number) {
    this.#puppet = puppetOf(url);
    this.#random = byteSource(`taken over/${seed}`);
  }

  /** @returns `n` keys that no phone ever had */
  invent(n: number): TemporaryExposureKey[] {
    const keys = patientKeys(this.#random, START)
      .slice(0, n)
      .map((key) => ({ ...key, transmissionRiskLevel: 6, ...encodeRiskLevel(6) }));
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
    const id = originIdOf(ID_KEY, reservationId);
    const request = {
      digest,
      reservationId,
      idCommitment: commitToId(id),
      payloadCommitment: commitToPayload(upload, NONCE),
    };
    const answer = await this.#puppet.call('REDEEM', 'reserve', [tan, request]);
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
    const mac = { hour: hourOf(START), mac: '0'.repeat(64), idNonce: NONCE, payloadNonce: NONCE };
    const answer = await this.#puppet.call('INTAKE', 'accept', [uploadId, { ...upload, issueId }, permit ?? mac]);
    return ('value' in answer ? answer.value : { kind: 'thrown' }) as { kind: string };
  }

  async resolve({ uploadId, idNonce }: OriginId): Promise<{ kind: string; receipt?: string }> {
    const answer = await this.#puppet.call('INTAKE', 'resolve', [uploadId, idNonce]);
    return ('value' in answer ? answer.value : { kind: 'thrown' }) as { kind: string };
  }

  async release(tan: string, reservationId: string, receipt: string): Promise<void> {
    await this.#puppet.call('REDEEM', 'release', [tan, reservationId, receipt]);
  }
}

/** @returns hex of the keys of the hour that was sealed last, or null when it was not */
async function published(url: string, now: number): Promise<string[] | null> {
  const hour = hourOf(now) - 1;
  const response = await fetch(`${url}/${hourPath('DE', dateOfHour(hour), hourOfDay(hour))}`);
  if (!response.ok) return null;
  const read = readExportZip(new Uint8Array(await response.arrayBuffer()), null);
  return read.ok ? read.exportFile.keys.map(({ keyData }) => toHex(keyData)) : null;
}

const refusal = (what: string, kind: string): Verdict => ({
  what,
  figure: kind,
  bound: 'refused',
  holds: kind === 'refused',
});

/** Without a TAN, or with a permit that was made for something else. */
async function tryWithoutRight(rogue: Rogue, tan: string, hiddenTan: string): Promise<Verdict[]> {
  let stored = 0;
  for (let n = 0; n < INVENTED; n += 12) {
    const { kind } = await rogue.accept(originIdOf(ID_KEY, randomUUID()), rogue.upload(rogue.invent(12)), null);
    if (kind === 'stored') stored += 12;
  }
  const [reservation, hiddenReservation] = [randomUUID(), randomUUID()];
  const id = originIdOf(ID_KEY, reservation);
  const honest = rogue.upload(rogue.invent(12));
  const wild = rogue.upload(honest.keys.map((key) => ({ ...key, transmissionRiskLevel: 9 })));
  const wildPermit = await rogue.permit(tan, reservation, wild);
  const hidden = rogue.upload(rogue.invent(1));
  const hiddenPermit = await rogue.permit(hiddenTan, hiddenReservation, hidden);
  const verdicts = [
    { what: `${INVENTED} invented keys without a TAN`, figure: `${stored} stored`, bound: '0', holds: stored === 0 },
    refusal('risk level 9 under a permit', (await rogue.accept(id, wild, wildPermit)).kind),
    refusal(
      'an upload that hides who vouched for it',
      (await rogue.accept(originIdOf(ID_KEY, hiddenReservation), hidden, hiddenPermit, null)).kind,
    ),
  ];
  const permit = await rogue.permit(tan, reservation, honest);
  verdicts.push(
    refusal('a permit for another id', (await rogue.accept(originIdOf(ID_KEY, randomUUID()), honest, permit)).kind),
    refusal('a permit for another payload', (await rogue.accept(id, rogue.upload(rogue.invent(12)), permit)).kind),
  );
  const first = await rogue.accept(id, honest, permit);
  const other = randomUUID();
  const secondId = await rogue.accept(originIdOf(ID_KEY, other), honest, await rogue.permit(tan, other, honest));
  verdicts.push(
    {
      what: 'the one payload that a TAN is good for',
      figure: first.kind,
      bound: 'stored',
      holds: first.kind === 'stored',
    },
    refusal('a second id under the same reservation', secondId.kind),
  );
  return verdicts;
}

/** With TANs that passed: whatever is tried with one, one payload is stored. @returns TANs, and keys a payload */
async function tryTwice(rogue: Rogue, tans: readonly [string, string, string]): Promise<void> {
  const [twice, dead, known] = tans;
  // Another payload under the same id, and a release without proof.
  const one = randomUUID();
  const id = originIdOf(ID_KEY, one);
  const [a, b] = [rogue.upload(rogue.invent(12)), rogue.upload(rogue.invent(12))];
  await rogue.accept(id, a, await rogue.permit(twice, one, a));
  await rogue.accept(id, b, await rogue.permit(twice, one, b));
  for (const receipt of ['', '0'.repeat(64), deathReceipt(ID_KEY, commitToId(id))])
    await rogue.release(twice, one, receipt);
  const two = randomUUID();
  await rogue.accept(originIdOf(ID_KEY, two), b, await rogue.permit(twice, two, b, 'cd'.repeat(32)));

  // An id that is declared dead, its receipt spent, and then used all the same.
  await burnTwice(rogue, dead, async (first, upload) => {
    const { receipt = '' } = await rogue.resolve(first);
    return { receipt, permits: [upload] };
  });
  // The same by way of keys that are known already, with a second permit for other keys in hand.
  await burnTwice(rogue, known, async (first, upload, permit) => {
    const { receipt = '' } = await rogue.accept(first, a, await permit(a));
    return { receipt, permits: [upload] };
  });
}

type GiveUp = (
  first: OriginId,
  upload: AcceptedUpload,
  permit: (upload: AcceptedUpload) => Promise<IntakePermit | null>,
) => Promise<{ readonly receipt: string; readonly permits: readonly AcceptedUpload[] }>;

/** Takes a permit under one id, has the TAN given back, uses it under a second id, and then the first. */
async function burnTwice(rogue: Rogue, tan: string, giveUp: GiveUp): Promise<void> {
  const [one, two] = [randomUUID(), randomUUID()];
  const first = originIdOf(ID_KEY, one);
  const [early, late] = [rogue.upload(rogue.invent(12)), rogue.upload(rogue.invent(12))];
  const kept = await rogue.permit(tan, one, early);
  const { receipt } = await giveUp(first, early, (upload) => rogue.permit(tan, one, upload));
  await rogue.release(tan, one, receipt);
  await rogue.accept(originIdOf(ID_KEY, two), late, await rogue.permit(tan, two, late));
  await rogue.accept(first, early, kept);
}

/** A permit is for its hour. */
async function tryLate(rogue: Rogue, url: string, tan: string): Promise<Verdict> {
  const reservation = randomUUID();
  const upload = rogue.upload(rogue.invent(12));
  const permit = await rogue.permit(tan, reservation, upload);
  await setClock(url, START + 2 * SECONDS_PER_HOUR);
  return refusal(
    'a permit two hours later',
    (await rogue.accept(originIdOf(ID_KEY, reservation), upload, permit)).kind,
  );
}

/**
 * @param seed same seed, same keys
 * @param progress prints a line
 * @returns the verdicts
 */
export async function takenOverUpload(seed: number, progress: (text: string) => void): Promise<readonly Verdict[]> {
  progress('upload is taken over');
  const edge = await startLocalEdge({ vars: VARS, adapt: withPuppet('upload'), onLog: () => undefined });
  try {
    await setClock(edge.url, START);
    const rogue = new Rogue(edge.url, seed);
    const [tan = '', hidden = '', twice = '', dead = '', known = '', late = ''] = await issueTans(edge.url, 6);
    const verdicts = await tryWithoutRight(rogue, tan, hidden);
    await tryTwice(rogue, [twice, dead, known]);
    const lateVerdict = await tryLate(rogue, edge.url, late);
    await moveClock(edge.url, START + 2 * SECONDS_PER_HOUR);
    const keys = await published(edge.url, START + SECONDS_PER_HOUR);
    const payloads = keys === null ? Number.NaN : keys.length / 12;
    return [
      ...verdicts,
      lateVerdict,
      {
        what: 'payloads published of four TANs that passed',
        figure: String(payloads),
        bound: '4',
        holds: payloads === 4,
      },
      await formerIntake(seed),
    ].map((verdict) => ({ ...verdict, what: `upload: ${verdict.what}` }));
  } finally {
    await edge.dispose();
  }
}

const FORMER = 'former-intake';
/** `Intake` as it was before decision 023: whatever `upload` sends goes to the buffer. */
const FORMER_INTAKE = `
import { WorkerEntrypoint } from 'cloudflare:workers';
export class Intake extends WorkerEntrypoint {
  accept(uploadId, upload) { return this.env.SUBMISSION_BUFFER.getByName('buffer').accept(uploadId, upload); }
  resolve(uploadId) { return this.env.SUBMISSION_BUFFER.getByName('buffer').resolve(uploadId); }
}
export default { fetch: () => new Response(null, { status: 404 }) };`;

/** The fault put there on purpose: the same 180 invented keys must be found published. */
async function formerIntake(seed: number): Promise<Verdict> {
  const adapt: Adapt = (workers) => {
    const former = {
      name: FORMER,
      modules: [{ type: 'ESModule', path: 'former-intake.js', contents: FORMER_INTAKE }],
      compatibilityDate: workers[0]?.compatibilityDate,
      durableObjects: {
        SUBMISSION_BUFFER: { className: 'SubmissionBuffer', scriptName: 'exposure-edge-origin', useSQLite: true },
      },
    } as unknown as EdgeWorkers[number];
    const faulty = workers.map((worker): EdgeWorkers[number] => {
      if (worker.name !== 'exposure-edge-upload') return worker;
      const { serviceBindings } = worker as { readonly serviceBindings?: object };
      return {
        ...worker,
        serviceBindings: { ...serviceBindings, INTAKE: { name: FORMER, entrypoint: 'Intake' } },
      };
    });
    return withPuppet('upload')([...faulty, former]);
  };
  const edge = await startLocalEdge({ vars: VARS, adapt, onLog: () => undefined });
  try {
    await setClock(edge.url, START);
    const rogue = new Rogue(edge.url, seed);
    for (let n = 0; n < INVENTED; n += 12) {
      await rogue.accept(originIdOf(ID_KEY, randomUUID()), rogue.upload(rogue.invent(12)), null);
    }
    await moveClock(edge.url, START + SECONDS_PER_HOUR);
    const found = (await published(edge.url, START + SECONDS_PER_HOUR))?.length ?? 0;
    return {
      what: 'fault put there: an Intake that checks nothing; invented keys published',
      figure: String(found),
      bound: `found: ${INVENTED}`,
      holds: found === INVENTED,
    };
  } finally {
    await edge.dispose();
  }
}
