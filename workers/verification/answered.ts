/**
 * @module What laboratories say of a test (domain/birth-date.ts), over RPC. Asking creates nothing.
 */
import { birthDateVerdict, type BirthDateVerdict } from '../../domain/birth-date.ts';
import type { ResultsRpc, TestResultReply } from '../../domain/rpc.ts';
import type { Session } from '../../domain/session.ts';

/** A result, and whether it may be shown to this session. */
export interface Answered {
  readonly reply: TestResultReply;
  readonly verdict: BirthDateVerdict;
}

/**
 * A teleTAN or card is positive by the word of who issued it; a test by its laboratory's.
 *
 * @param results laboratory#Results
 * @param session registered
 */
export async function askLaboratory(results: ResultsRpc, session: Session): Promise<Answered> {
  const { hashedGuid, hashedGuidWithBirthDate } = session;
  if (hashedGuid === null) {
    const sampleCollected = session.registeredAt;
    const reply = {
      result: 2,
      sampleCollected,
      labId: null,
      keptUntil: null,
      positiveDay: null,
      needsBirthDate: false,
    };
    return { reply, verdict: 'right' };
  }
  const reply = await results.resultOf(hashedGuid);
  const asked = reply.labId === null ? null : hashedGuidWithBirthDate;
  const withBirthDate = asked === null ? null : await results.resultOf(asked);
  return { reply, verdict: birthDateVerdict(reply, withBirthDate) };
}
