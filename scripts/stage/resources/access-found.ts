/** @module What the account has of Access: read once for tokens, policies and applications, which name one another. */
import type { Provider } from './access-rules.ts';

/** A service token of this stage. Others aren't read: nothing stands in their way, nor they in ours. */
export interface Token {
  readonly id: string;
  readonly name: string;
  /** Name in the stage's file; null: another stage's or nobody's. */
  readonly service: string | null;
  readonly duration: string | null;
  /** Unix milliseconds; null: the API doesn't say. */
  readonly expiresAt: number | null;
  /** Whether its secret is sealed in the stage's folder. */
  readonly isSealed: boolean;
}

/** A policy of this stage. */
export interface Policy {
  readonly id: string;
  readonly name: string;
  readonly decision: string | null;
  readonly include: readonly unknown[];
  readonly exclude: readonly unknown[];
  readonly require: readonly unknown[];
}

/** An application of Access, whosever it is. */
export interface Application {
  readonly id: string;
  readonly name: string;
  /** Hosts with paths, a star stands for anything; of a Worker as a whole its id. */
  readonly places: readonly string[];
  readonly settings: Readonly<Record<string, unknown>>;
  /** Names of its policies, in the order in which they are asked. */
  readonly policies: readonly string[];
}

/** What is read of Access. */
export interface FoundAccess {
  readonly providers: readonly Provider[];
  readonly tokens: readonly Token[];
  readonly policies: readonly Policy[];
  readonly applications: readonly Application[];
}

/** Ids of what is there, and of what is made on the way. */
export interface Ids {
  readonly tokens: Map<string, string>;
  readonly policies: Map<string, string>;
}
