/**
 * @module Who is asking, as a port: what an identity is, and what it may come from. Nothing that a request could carry by
 * itself is among it.
 */
import type { CardAnswer, CardQuestion } from '../../durable-objects/staff-room/card-ops.ts';
import type { PortalConfig } from './bindings.ts';
import type { Role } from './roles.ts';

/** A person or service that was let in. */
export interface Identity {
  /** Stable name for the audit log: an e-mail address, a service token's id, a card's authority and number. 1..100 characters. */
  readonly subject: string;
  /**
   * Which person it is, however they came: what two-person acts compare (decision 046). The e-mail address in lower case, a
   * service token's that of its owner; of who comes by a card alone, the subject. 1..100 characters.
   */
  readonly person: string;
  readonly roles: readonly Role[];
  /** Whose cards this person makes and sees, 1..100 characters. */
  readonly provider: string;
  /** Unix seconds at which the identity provider saw the person; null for a client certificate. */
  readonly authenticatedAt: number | null;
  /** Where "sign in again" leads; null when there is nothing to do but to come back. */
  readonly signInAgain: string | null;
}

/** What an identity may come from. */
export interface IdentitySource {
  /** The request: its `cf` is the platform's word; its headers are anybody's. */
  readonly request: Request;
  /** The platform's execution context; undefined where Access doesn't stand in front. */
  readonly access: CloudflareAccessContext | undefined;
  readonly config: PortalConfig;
  /** Unix seconds. */
  readonly now: number;
  /** @returns whether a card whose path was validated lets somebody in, and as whom */
  readonly checkCard: (question: CardQuestion) => Promise<CardAnswer>;
}

/** @returns who is asking, or null when nobody was let in */
export type Identify = (source: IdentitySource) => Promise<Identity | null>;
