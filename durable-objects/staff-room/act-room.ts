/**
 * @module The part of the staff room that knows what somebody wants done with a peer's batch, and who agreed (peer-act-ops.ts). The room's alarm, which the session of whoever asks keeps, forgets it.
 */
import { closesAtEnd } from '../endable-object.ts';
import { CardRoom } from './card-room.ts';
import {
  askForPeerAct,
  confirmPeerAct,
  declinePeerAct,
  notePeerAct,
  type PeerAct,
  type PeerActReply,
  peerActs,
} from './peer-act-ops.ts';

export class ActRoom<Env = unknown> extends CardRoom<Env> {
  /** See {@link askForPeerAct}. */
  async askForPeerAct(
    asked: Pick<PeerAct, 'id' | 'kind' | 'peer' | 'batch' | 'format' | 'keys'> & { readonly by: string },
  ): Promise<void> {
    const askedAt = Math.floor(await this.clock());
    askForPeerAct(this.ctx.storage.sql, { ...asked, askedBy: asked.by, askedAt });
  }

  /** See {@link peerActs}. */
  async peerActs(): Promise<PeerAct[]> {
    return peerActs(this.ctx.storage.sql, Math.floor(await this.clock()));
  }

  /** See {@link confirmPeerAct}. @param by the person */
  async confirmPeerAct(id: string, by: string): Promise<PeerActReply> {
    return confirmPeerAct(this.ctx.storage.sql, id, by, Math.floor(await this.clock()));
  }

  /** See {@link declinePeerAct}. */
  declinePeerAct(id: string): boolean {
    return declinePeerAct(this.ctx.storage.sql, id);
  }

  /** See {@link notePeerAct}. */
  notePeerAct(id: string, outcome: string): void {
    notePeerAct(this.ctx.storage.sql, id, outcome);
  }
}

closesAtEnd<ActRoom>(ActRoom);
