/**
 * @module Faults put there on purpose, which the attack by `upload` must find: an `Intake` that checks nothing, a `Redeem` that gives a
 * TAN back without a receipt.
 */
import { randomUUID } from 'node:crypto';
import { originIdOf } from '../../../domain/intake-permit.ts';
import { startLocalEdge } from '../../../local-edge/local-edge.ts';
import { SECONDS_PER_HOUR } from '../../../protocol/gaen/intervals.ts';
import { issueTans, moveClock, setClock } from '../../support/operator.ts';
import type { Verdict } from '../attack.ts';
import { type Adapt, type EdgeWorkers, withPuppet } from '../puppet.ts';
import { ID_KEY, INVENTED, published, releaseWithoutProof, Rogue, START, VARS } from './rogue-upload.ts';

/**
 * Puts a Worker of ours in the place of one that `upload` is bound to.
 *
 * @param binding of `upload`
 * @param entrypoint of the Worker of ours
 * @param faulty the Worker, told of those of the edge
 */
export const inPlaceOf =
  (binding: string, entrypoint: string, faulty: (workers: EdgeWorkers) => object): Adapt =>
  (workers) => {
    const worker = { compatibilityDate: workers[0]?.compatibilityDate, ...faulty(workers) } as EdgeWorkers[number];
    const others = workers.map((one): EdgeWorkers[number] => {
      if (one.name !== 'exposure-edge-upload') return one;
      const { serviceBindings } = one as { readonly serviceBindings?: object };
      return { ...one, serviceBindings: { ...serviceBindings, [binding]: { name: worker.name ?? '', entrypoint } } };
    });
    return withPuppet('upload')([...others, worker]);
  };

/** What is published once the hour is over, of an edge that is broken in this way. */
async function publishedOf(
  adapt: Adapt,
  seed: number,
  attack: (rogue: Rogue, url: string) => Promise<unknown>,
): Promise<number> {
  const edge = await startLocalEdge({ vars: VARS, adapt, onLog: () => undefined });
  try {
    await setClock(edge.url, START);
    await attack(new Rogue(edge.url, seed), edge.url);
    await moveClock(edge.url, START + SECONDS_PER_HOUR);
    return (await published(edge.url, START + SECONDS_PER_HOUR))?.length ?? 0;
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

/** The same 180 invented keys must be found published. */
export async function formerIntake(seed: number): Promise<Verdict> {
  const adapt = inPlaceOf('INTAKE', 'Intake', () => ({
    name: FORMER,
    modules: [{ type: 'ESModule', path: 'former-intake.js', contents: FORMER_INTAKE }],
    durableObjects: {
      SUBMISSION_BUFFER: { className: 'SubmissionBuffer', scriptName: 'exposure-edge-origin', useSQLite: true },
    },
  }));
  const found = await publishedOf(adapt, seed, async (rogue) => {
    for (let n = 0; n < INVENTED; n += 12) {
      await rogue.accept(originIdOf(ID_KEY, randomUUID()), rogue.upload(rogue.invent(12)), null);
    }
  });
  return {
    what: 'fault put there: an Intake that checks nothing; invented keys published',
    figure: String(found),
    bound: `found: ${INVENTED}`,
    holds: found === INVENTED,
  };
}

const LOOSE = 'loose-redeem';
/** `Redeem` without the rule of receipts: whatever it is given, it hands the ledger the one that `origin` would have made. */
const LOOSE_REDEEM = `
import { WorkerEntrypoint } from 'cloudflare:workers';
const commitments = new Map();
const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
async function receiptFor(permitKey, commitment) {
  const raw = Uint8Array.from(atob(permitKey), (character) => character.charCodeAt(0));
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return hex(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode('exposure-edge/death-receipt/v1\\0' + commitment)));
}
export class Redeem extends WorkerEntrypoint {
  reserve(tan, request) {
    commitments.set(request.reservationId, request.idCommitment);
    return this.env.REDEEM.reserve(tan, request);
  }
  commit(...args) { return this.env.REDEEM.commit(...args); }
  async release(tan, reservationId, receipt) {
    await this.env.REDEEM.release(tan, reservationId, await receiptFor(this.env.PERMIT_KEY, commitments.get(reservationId)));
  }
}
export default { fetch: () => new Response(null, { status: 404 }) };`;

/** A TAN must be found to have published two payloads. */
export async function looseRedeem(seed: number): Promise<Verdict> {
  const adapt = inPlaceOf('REDEEM', 'Redeem', (workers) => {
    const verification = workers.find(({ name }) => name === 'exposure-edge-verification') as unknown as {
      readonly bindings: { readonly PERMIT_KEY: string };
    };
    return {
      name: LOOSE,
      modules: [{ type: 'ESModule', path: `${LOOSE}.js`, contents: LOOSE_REDEEM }],
      bindings: { PERMIT_KEY: verification.bindings.PERMIT_KEY },
      serviceBindings: { REDEEM: { name: 'exposure-edge-verification', entrypoint: 'Redeem' } },
    };
  });
  const found = await publishedOf(adapt, seed, async (rogue, url) => {
    const [tan = ''] = await issueTans(url, 1);
    await releaseWithoutProof(rogue, tan);
  });
  return {
    what: 'fault put there: a Redeem that wants no receipt; payloads published with one TAN',
    figure: String(found / 12),
    bound: 'found: 2',
    holds: found === 24,
  };
}
