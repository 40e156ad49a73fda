/**
 * @module How the demo's patients come to their TANs (docs/architecture.md §7): a laboratory posts results, phones register, poll and ask;
 * some have a hotline's teleTAN, some a code card. Staff act through the entrypoints that the portal is bound to.
 */
import { MIN_CARDS_PER_BATCH } from '../../domain/card-batch.ts';
import type { VerificationBackOfficeRpc } from '../../domain/rpc.ts';
import { type OpeningCode, scanQrCode, typeCode } from '../../phone/verification/codes.ts';
import { type RandomBytes, randomUuid } from '../../phone/random.ts';
import { register, tan, testResult, type VerificationPorts } from '../../phone/verification/verification.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { openLaboratory, postResults } from '../support/laboratory.ts';
import { inParallel } from '../support/in-parallel.ts';

const POSITIVE = 2;
/** As many uploads as a chunk has at least: whom fewer vouch for is mixed with others when keys are told apart (decision 041). */
export const WITH_TELETAN = 10;
/** Of one batch. */
export const WITH_CARD = 12;

/** A patient who may upload. */
export interface Authorised {
  readonly registrationToken: string;
  readonly tan: string;
}

/** All of them. */
export interface Authorisations {
  /** One a patient, in order. */
  readonly patients: readonly Authorised[];
  /** Id of the batch that the code cards are of. */
  readonly batchId: string;
}

interface Staff {
  readonly VERIFICATION: VerificationBackOfficeRpc;
}

const taken = <T>(result: { ok: true; value: T } | { ok: false; error: { kind: string } }, what: string): T => {
  if (!result.ok) throw new Error(`${what}: ${result.error.kind}`);
  return result.value;
};

/** The QR code on a test, as CWA's: six hex digits and a UUID. */
function testCode(random: RandomBytes): OpeningCode {
  const guid = `${toHex(random(3))}-${randomUuid(random)}`.toUpperCase();
  return taken(scanQrCode(`https://localhost/?${guid}`), 'QR code of a test');
}

/**
 * Takes patients from a code to a TAN.
 *
 * @param edge a running local edge
 * @param count more than {@link WITH_TELETAN} and {@link WITH_CARD}: the last ones have a code card, those before them a teleTAN
 * @param random source of bytes
 * @param width requests at once
 * @returns an authorisation for each
 * @throws Error naming the step that went wrong
 */
export async function authorise(
  edge: LocalEdge,
  count: number,
  random: RandomBytes,
  width: number,
): Promise<Authorisations> {
  const staff = await edge.miniflare.getBindings('exposure-edge-portal');
  const { VERIFICATION } = staff as unknown as Staff;
  await openLaboratory(edge, { id: 'demo-lab', name: 'Laboratory of the demo', birthDate: 'optional' });
  const tests = Array.from({ length: count - WITH_TELETAN - WITH_CARD }, () => testCode(random));
  const teleTans: OpeningCode[] = [];
  for (let n = 0; n < WITH_TELETAN; n += 1) {
    const issued = await VERIFICATION.issueTeleTan('hotline of the demo');
    teleTans.push(taken(typeCode(issued?.teleTan ?? ''), 'teleTAN'));
  }
  const sheet = await VERIFICATION.makeCards('practice of the demo', 'demo', MIN_CARDS_PER_BATCH);
  const cards = (sheet?.cards ?? []).slice(0, WITH_CARD).map(({ code }) => taken(typeCode(code), 'code card'));
  if (sheet === null || cards.length < WITH_CARD) throw new Error('code cards: the batch has too few');
  const codes = [...tests, ...teleTans, ...cards];

  const ports: VerificationPorts = { fetch, verificationUrl: edge.url, random };
  const tokens = await inParallel(
    codes.map((code) => async () => taken(await register(code, ports), 'registration token')),
    width,
  );
  const ids = tests.map(({ key }) => key);
  await postResults(edge.url, ids, POSITIVE);
  const authorised = tokens.map((registrationToken) => async (): Promise<Authorised> => {
    const result = taken(await testResult(registrationToken, ports), 'test result');
    if (result !== 'positive') throw new Error(`test result: ${result}, not positive`);
    return { registrationToken, tan: taken(await tan(registrationToken, ports), 'TAN') };
  });
  return { patients: await inParallel(authorised, width), batchId: sheet.batch.batchId };
}

/**
 * The day after: the same person gets one TAN more, for the key of the day of the test.
 *
 * @param edge a running local edge
 * @param patient whose first TAN was used
 * @param random source of bytes
 * @returns the second TAN
 * @throws Error when there is none, or it is the first one
 */
export async function secondTan(edge: LocalEdge, patient: Authorised, random: RandomBytes): Promise<string> {
  const second = taken(
    await tan(patient.registrationToken, { fetch, verificationUrl: edge.url, random }),
    'second TAN',
  );
  if (second === patient.tan) throw new Error('second TAN: it is the first one');
  return second;
}
