/**
 * @module What `origin` offers to whoever takes back keys (docs/decisions/042), part of the contract in rpc.ts.
 */
import type { Opening } from '../protocol/withdrawal.ts';

/** heard: what the openings open is taken back, and whether that is anything is told to nobody. busy: too many came at once. */
export type WithdrawReply = 'heard' | 'busy';

/** A part of origin#Intake. */
export interface WithdrawalRpc {
  /** Takes back what the openings open; idempotent. @param openings MOST_OPENINGS at most are looked at */
  withdraw(openings: readonly Opening[]): Promise<WithdrawReply>;
}
