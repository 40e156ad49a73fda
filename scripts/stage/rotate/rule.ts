/** @module What a rotation must know of a secret: how its value changes, who holds it, how long the former key is wanted, whom a person must tell, what an emergency costs. */
import type { Life } from './lives.ts';

/** Workers, by their environment in wrangler.toml. */
export type Holder = 'laboratory' | 'origin' | 'verification' | 'federation' | 'upload' | 'portal';

/** In which order they are deployed: who is called comes first. Within a phase any order is good, since a phase makes nothing that the phase before doesn't accept. */
export const HOLDER_ORDER: readonly Holder[] = [
  'laboratory',
  'origin',
  'verification',
  'federation',
  'upload',
  'portal',
];

/** What a person does outside of this repository before a phase may begin; nobody but them knows whether it is done. */
type Outside = Readonly<Partial<Record<PhaseName, readonly string[]>>>;

/** announce: others learn of the new key. accept: holders take it, and make with the old one. make: they make with it. drop: the old one is gone. */
export type PhaseName = 'announce' | 'accept' | 'make' | 'drop';

/** In place of a variable: the UTC day on which the former key signs no more. */
export const UNTIL = 'until';

interface Common {
  /** As wrangler.toml has it. */
  readonly secret: string;
  readonly holders: readonly Holder[];
  /** What it makes, for a person. */
  readonly makes: string;
  /** From `make` to `drop`. */
  readonly life: Life;
  readonly outside: Outside;
  /** What is lost where the old key is dropped at once, since it leaked. */
  readonly cost: string;
}

/** `key[,key[,key]]`: the first makes, all are accepted. */
export interface RingRule extends Common {
  readonly kind: 'ring';
}

/** A private key whose public half others hold, by an id. */
export interface SigningRule extends Common {
  readonly kind: 'signing';
  /** Variable whose value names the key, with a number at its end: the next key has the next number. Null: nobody reads a name. */
  readonly idVariable: string | null;
  /** What is kept of the former key while it is wanted, and as what; null: nothing. */
  readonly former: {
    /** A secret. */
    readonly secret: string;
    readonly keeps: 'private' | 'public';
    /** Variable → the one whose former value it takes, or {@link UNTIL}: the UTC day on which the former key signs no more. */
    readonly variables: Readonly<Record<string, string>>;
  } | null;
  /** A variable that lists public keys beside the one that signs, `id=SPKI in base64`: the next one from `announce` on, the former one up to `drop`. */
  readonly otherKeysVariable: string | null;
}

/** A public key whose private half is offline. */
export interface OfflineRule extends Common {
  readonly kind: 'offline';
}

/** A secret that somebody outside issues: a person brings its values, all together. */
export interface BroughtRule extends Common {
  readonly kind: 'brought';
  /** Changed together with it, by one command. */
  readonly with: readonly string[];
}

export type RotationRule = RingRule | SigningRule | OfflineRule | BroughtRule;

/** Secrets that a rotation of another one sets and takes away. */
export type PartOfAnother = Readonly<Record<string, string>>;
