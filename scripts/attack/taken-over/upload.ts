/**
 * @module `upload`, taken over: it has its secrets, both its bindings and the TANs and certificates that pass, and wants to publish what it
 * likes; then to take back what is others' (withdrawals.ts). What it may get is one payload for each of them (docs/decisions/023, 063), and no more.
 */
import { randomUUID } from 'node:crypto';
import { type OriginId, originIdOf } from '../../../domain/intake-permit.ts';
import type { AcceptedUpload, IntakePermit } from '../../../domain/rpc.ts';
import { startLocalEdge } from '../../../local-edge/local-edge.ts';
import { SECONDS_PER_HOUR } from '../../../protocol/gaen/intervals.ts';
import { issueTans, moveClock, setClock } from '../../support/operator.ts';
import type { Verdict } from '../attack.ts';
import { withPuppet } from '../puppet.ts';
import { ID_KEY, INVENTED, published, releaseWithoutProof, Rogue, START, VARS } from './rogue-upload.ts';
import { tryCertificates } from './certificates.ts';
import { formerIntake, looseRedeem } from './upload-faults.ts';
import { tryWithdrawals } from './withdrawals.ts';

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
  const a = await releaseWithoutProof(rogue, twice);

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
    verdicts.push(...(await tryCertificates(rogue, edge.url)));
    const lateVerdict = await tryLate(rogue, edge.url, late);
    await moveClock(edge.url, START + 2 * SECONDS_PER_HOUR);
    const keys = await published(edge.url, START + SECONDS_PER_HOUR);
    const payloads = keys === null ? Number.NaN : keys.length / 12;
    return [
      ...verdicts,
      lateVerdict,
      {
        what: 'payloads published of four TANs and a certificate that passed',
        figure: String(payloads),
        bound: '5',
        holds: payloads === 5,
      },
      await formerIntake(seed),
      await looseRedeem(seed),
      ...(await tryWithdrawals(seed)),
    ].map((verdict) => ({ ...verdict, what: `upload: ${verdict.what}` }));
  } finally {
    await edge.dispose();
  }
}
