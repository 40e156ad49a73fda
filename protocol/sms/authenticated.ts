/**
 * @module Authenticated SMS (docs/spec/google.md §5.6): a signature at the end of the text, by which a phone knows that the health
 * authority sent it, to this number, on this day.
 */
import { fromBase64, toBase64, utf8 } from '../primitives/bytes.ts';
import type { Signer } from '../signing.ts';

/** What a message is for, as it is signed: staff or a laboratory sent a code, or a person asked for their own. */
type SmsPurpose = 'EN Report' | 'User Report';

/** Between the text and what authenticates it; signed with the text. */
const PREFIX = ' \nAuthentication:';

/** What a signature is over beside the text. */
export interface SmsOccasion {
  readonly purpose: SmsPurpose;
  /** E.164. */
  readonly phone: string;
  /** Unix seconds; the UTC day counts. */
  readonly now: number;
}

const dayOf = (now: number): string => new Date(now * 1000).toISOString().slice(0, 10);

/** @returns the bytes whose SHA-256 is signed: `<purpose>.<phone>.<YYYY-MM-DD>.<text and prefix>` */
const signedBytes = (text: string, { purpose, phone, now }: SmsOccasion): Uint8Array =>
  utf8(`${purpose}.${phone}.${dayOf(now)}.${text}${PREFIX}`);

/**
 * @param text whole, with codes and links
 * @param occasion see {@link SmsOccasion}
 * @param key signer in DER, and the name by which phones know its public half
 * @returns the text that is sent: `… \nAuthentication:MMDD:<key id>:<base64 without padding>`
 */
export function authenticateSms(
  text: string,
  occasion: SmsOccasion,
  key: { readonly id: string; readonly der: Signer },
): string {
  const signature = toBase64(key.der.sign(signedBytes(text, occasion))).replace(/=+$/, '');
  const monthAndDay = dayOf(occasion.now).slice(5).replace('-', '');
  return `${text}${PREFIX}${monthAndDay}:${key.id}:${signature}`;
}

/** The parts of an authenticated message, for whoever checks it. */
export interface AuthenticatedSms {
  readonly text: string;
  /** MMDD. */
  readonly day: string;
  readonly keyId: string;
  /** DER. */
  readonly signature: Uint8Array;
  /** What is signed. */
  readonly signed: Uint8Array;
}

/**
 * @param message as it came
 * @param occasion to whom it came, and when
 * @returns its parts, of which the signature is still to be verified; null when it isn't authenticated
 */
export function readAuthenticatedSms(message: string, occasion: SmsOccasion): AuthenticatedSms | null {
  const [, text, day = '', keyId = '', base64 = ''] =
    /^([\s\S]*) \nAuthentication:(\d{4}):([^:]+):([A-Za-z0-9+/]+)$/.exec(message) ?? [];
  if (text === undefined) return null;
  try {
    const signature = fromBase64(base64 + '='.repeat((4 - (base64.length % 4)) % 4));
    return { text, day, keyId, signature, signed: signedBytes(text, occasion) };
  } catch {
    return null;
  }
}
