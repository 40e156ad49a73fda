/**
 * @module `POST /v1/withdrawal`: a person takes back keys that they shared (docs/decisions/042). The body has openings, and their secrets are all the authorisation
 * there is; what they open, `origin` finds out, and this Worker never hears. A dummy goes through the same reader and makes no RPC.
 */
import type { WithdrawalRpc } from '../../../domain/withdrawal.ts';
import { decodeWithdrawal } from '../../../protocol/withdrawal.ts';
import type { BodyResult } from '../../shared/body.ts';
import { isProtobuf } from './headers.ts';
import type { Outcome } from './outcome.ts';

/**
 * @param headers of the request
 * @param body as it was read
 * @param intake of `origin`
 * @returns how it ended: the same for openings that open something and for those that open nothing
 * @throws whatever the RPC throws: nothing is taken back then, or all is, and the phone asks again
 */
export async function withdraw(headers: Headers, body: BodyResult, intake: WithdrawalRpc): Promise<Outcome> {
  if (!isProtobuf(headers)) return { kind: 'unsupported' };
  if (body.kind === 'too-large') return { kind: 'too-large' };
  const asked = body.kind === 'broken' ? null : decodeWithdrawal(body.bytes);
  if (asked?.ok !== true) return { kind: 'malformed' };
  if (asked.value.cover) return { kind: 'dummy' };
  return (await intake.withdraw(asked.value.openings)) === 'busy' ? { kind: 'try-later' } : { kind: 'heard' };
}
