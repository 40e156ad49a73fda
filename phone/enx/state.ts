/**
 * @module What an Exposure Notifications Express app remembers. Keys, their secret and their certificate are kept before they are sent: whose answer is lost sends the same again, and is answered as the first time.
 */
import type { SentKey } from '../../protocol/publish/tekmac.ts';
import type { RandomBytes } from '../random.ts';

/** One set of keys on its way. */
export interface Sharing {
  /** In the order and the base64 in which they are sent, each time. */
  readonly keys: readonly SentKey[];
  /** Secret that binds the certificate to them. */
  readonly hmacKey: Uint8Array;
  /** null: not certified yet. */
  readonly certificate: string | null;
  /** ENIntervalNumber; 0: what the certificate says. */
  readonly symptomOnsetInterval: number;
}

/** What a code was verified to. */
interface Claim {
  /** Of `/api/verify`: good for one set of keys, and for one more on the next UTC day. */
  readonly token: string;
  readonly testType: string;
  /** Whether keys were shared by it: it is for the next day's alone then. */
  readonly isUsed: boolean;
}

export interface EnxState {
  /** The one that came last. Before the first it is random bytes, as many, so that neither a backup of the phone nor a request shows whether its owner shared keys. */
  readonly revisionToken: Uint8Array;
  /** Shown with the code that comes after a report by oneself; null: there was none. */
  readonly nonce: Uint8Array | null;
  readonly claim: Claim | null;
  readonly sharing: Sharing | null;
  /** Base64 of keys that were shared. */
  readonly shared: readonly string[];
}

/** A token of this deployment (docs/decisions/064). Others' are shorter; a phone can't know theirs before it has one. */
export const REVISION_TOKEN_BYTES = 1_348;

/** @param random source of bytes @returns what a new phone has */
export function newEnxState(random: RandomBytes): EnxState {
  const revisionToken = Uint8Array.from(random(REVISION_TOKEN_BYTES));
  return { revisionToken, nonce: null, claim: null, sharing: null, shared: [] };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isSentKey = (value: unknown): boolean =>
  isObject(value) &&
  typeof value['key'] === 'string' &&
  ['rollingStartNumber', 'rollingPeriod', 'transmissionRisk'].every((name) => Number.isInteger(value[name]));
const areSentKeys = (value: unknown): boolean => Array.isArray(value) && value.every(isSentKey);

const isClaim = (value: unknown): boolean =>
  isObject(value) &&
  typeof value['token'] === 'string' &&
  typeof value['testType'] === 'string' &&
  typeof value['isUsed'] === 'boolean';

const isSharing = (value: unknown): boolean =>
  isObject(value) &&
  areSentKeys(value['keys']) &&
  value['hmacKey'] instanceof Uint8Array &&
  (value['certificate'] === null || typeof value['certificate'] === 'string') &&
  Number.isInteger(value['symptomOnsetInterval']);

/** @param value what was read from disk @returns whether it is an {@link EnxState} */
export function isEnxState(value: unknown): value is EnxState {
  if (!isObject(value)) return false;
  const { revisionToken, nonce, claim, sharing, shared } = value;
  return (
    revisionToken instanceof Uint8Array &&
    (nonce === null || nonce instanceof Uint8Array) &&
    (claim === null || isClaim(claim)) &&
    (sharing === null || isSharing(sharing)) &&
    Array.isArray(shared) &&
    shared.every((key) => typeof key === 'string')
  );
}
