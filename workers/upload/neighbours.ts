/**
 * @module What a dialect decides by: the variables, the clock, and the neighbours that may be called.
 */
import type { Clock } from '../../domain/clock.ts';
import type { PublishedPolicy } from '../../domain/keys/regions.ts';
import type { IntakeRpc, RedeemRpc } from '../../domain/rpc.ts';
import type { UploadConfig } from './bindings.ts';

export interface Neighbours {
  readonly config: UploadConfig;
  readonly clock: Clock;
  readonly redeem: RedeemRpc;
  readonly intake: IntakeRpc;
  /**
   * What is published, a minute old at most, or the last that was heard.
   *
   * @throws what `origin` throws, when nothing was ever heard
   */
  readonly policy: () => Promise<PublishedPolicy>;
  /** The same, asked for out of turn, as often as `origin` can be asked on behalf of strangers. @throws as `policy` */
  readonly newerPolicy: () => Promise<PublishedPolicy>;
}
