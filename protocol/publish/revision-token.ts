/**
 * @module The revision token of Google's dialect: by it a phone shows later that published keys are its own, and says something else of them
 * (docs/spec/google.md §1.7, §2.5; docs/decisions/064). On the wire it is base64 in JSON and opaque, as Google's is; inside it is ours.
 *
 * | bytes of a token | |
 * |---|---|
 * | 0..11 | nonce: HMAC-SHA-256 of authority and content under a key of the day, cut |
 * | 12.. | AES-256-GCM of the content under another key of that day, then the tag; additional data: version and health authority |
 *
 * | bytes of an entry of the content | |
 * |---|---|
 * | 0..15 | key_data · 16..19: start, big-endian · 20: period · 21: report type, and what it was revised to, four bits each |
 *
 * Entries lie in the order of the keys, and zeros fill up the rest. A token's length is always the same, nothing in it tells it from random bytes to who
 * lacks the secret, and the same content has the same token on the same day. So a phone may hold random bytes in its place, and say the same.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { SECONDS_PER_DAY, SECONDS_PER_INTERVAL } from '../gaen/intervals.ts';
import { compareBytes, concatBytes, utf8 } from '../primitives/bytes.ts';
import { hmacSha256 } from '../primitives/hash.ts';
import type { KeyRing } from '../primitives/key-ring.ts';
import { CERTIFIED_REPORTS, type CertifiedReport } from './report-type.ts';

/** Two uploads as large as any may be (30 keys, docs/spec/google.md §2.1). Whose phone has more of them in 15 days gets the youngest. */
export const MOST_REVISABLE_KEYS = 60;
/** A key can be revised as long as it is published, 14 days after its end, and a day more: as Google's (`MAX_INTERVAL_AGE`, docs/spec/google.md §1.7). */
export const TOKEN_LIFETIME_DAYS = 15;

const VERSION_LABEL = 'exposure-edge/revision-token/v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 16;
const DAY_KEY_BYTES = 32;
const ENTRY_BYTES = KEY_BYTES + 6;
const CONTENT_BYTES = MOST_REVISABLE_KEYS * ENTRY_BYTES;
/** Length of every token. */
export const REVISION_TOKEN_BYTES = NONCE_BYTES + CONTENT_BYTES + TAG_BYTES;

/** A key that the token's holder may say something else of. */
export interface RevisableKey {
  /** 16 bytes. */
  readonly keyData: Uint8Array;
  /** As the phone sent it: ENIntervalNumber. */
  readonly rollingStartIntervalNumber: number;
  /** As the phone sent it: 1..144. */
  readonly rollingPeriod: number;
  /** As it was first certified. */
  readonly reportType: CertifiedReport;
  /** What it was certified as later, once in its life; null: it wasn't. */
  readonly revisedTo: CertifiedReport | null;
}

interface DayKeys {
  readonly content: Uint8Array;
  readonly nonce: Uint8Array;
}

/** Makes and opens the tokens of a deployment. */
export class RevisionTokens {
  /** Of each secret of the ring: the first one's make. */
  readonly #secrets: readonly [DaysOfSecret, ...DaysOfSecret[]];

  /** @param secrets held by `origin` alone: the first makes, all open (docs/rotation.md) */
  constructor({ current, others }: KeyRing) {
    this.#secrets = [new DaysOfSecret(current), ...others.map((secret) => new DaysOfSecret(secret))];
  }

  /**
   * @param authorityId whose certificates may use it
   * @param now Unix seconds
   * @param keys each once; of more than {@link MOST_REVISABLE_KEYS} the youngest, and none that has had its time
   * @returns {@link REVISION_TOKEN_BYTES}; the same for the same keys in any order on the same UTC day
   */
  seal(authorityId: string, now: number, keys: readonly RevisableKey[]): Uint8Array {
    const content = new Uint8Array(CONTENT_BYTES);
    const young = keys
      .filter((key) => isYoung(key, now))
      .toSorted((a, b) => endOf(b) - endOf(a) || compareBytes(a.keyData, b.keyData))
      .slice(0, MOST_REVISABLE_KEYS)
      .toSorted((a, b) => compareBytes(a.keyData, b.keyData));
    for (const [n, key] of young.entries()) writeEntry(content, n * ENTRY_BYTES, key);
    const keysOfDay = this.#secrets[0].keys(dayOf(now));
    const about = additionalData(authorityId);
    const nonce = hmacSha256(keysOfDay.nonce, about, content).subarray(0, NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', keysOfDay.content, nonce).setAAD(about);
    return concatBytes(nonce, cipher.update(content), cipher.final(), cipher.getAuthTag());
  }

  /**
   * @param authorityId whose certificate it came with
   * @param now Unix seconds
   * @param token any bytes
   * @returns keys that it names and that have not had their time; null for what is no token of this deployment and authority, or one that is too old
   */
  open(authorityId: string, now: number, token: Uint8Array): RevisableKey[] | null {
    if (token.length !== REVISION_TOKEN_BYTES) return null;
    const about = additionalData(authorityId);
    // One of tomorrow: clocks may have been set back. Sixteen tries a secret cost less than the transaction that follows.
    for (const secret of this.#secrets) {
      for (let day = dayOf(now) + 1; day >= dayOf(now) - TOKEN_LIFETIME_DAYS; day--) {
        const content = opened(secret.keys(day).content, about, token);
        if (content !== null) return readEntries(content).filter((key) => isYoung(key, now));
      }
    }
    return null;
  }
}

/** Keys of a secret's days. */
class DaysOfSecret {
  readonly #secret: Uint8Array;
  readonly #days = new Map<number, DayKeys>();

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  keys(day: number): DayKeys {
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    const derived = (use: string): Uint8Array =>
      new Uint8Array(hkdfSync('sha256', this.#secret, utf8(VERSION_LABEL), utf8(`${use} ${day}`), DAY_KEY_BYTES));
    const made = { content: derived('content'), nonce: derived('nonce') };
    for (const old of this.#days.keys()) if (Math.abs(old - day) > TOKEN_LIFETIME_DAYS + 1) this.#days.delete(old);
    this.#days.set(day, made);
    return made;
  }
}

const dayOf = (now: number): number => Math.floor(now / SECONDS_PER_DAY);

const endOf = ({ rollingStartIntervalNumber, rollingPeriod }: RevisableKey): number =>
  rollingStartIntervalNumber + rollingPeriod;

const isYoung = (key: RevisableKey, now: number): boolean =>
  endOf(key) * SECONDS_PER_INTERVAL + TOKEN_LIFETIME_DAYS * SECONDS_PER_DAY > now;

const additionalData = (authorityId: string): Uint8Array => utf8(`${VERSION_LABEL}\0${authorityId}`);

function opened(key: Uint8Array, about: Uint8Array, token: Uint8Array): Uint8Array | null {
  const decipher = createDecipheriv('aes-256-gcm', key, token.subarray(0, NONCE_BYTES));
  decipher.setAAD(about).setAuthTag(token.subarray(-TAG_BYTES));
  try {
    return concatBytes(decipher.update(token.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final());
  } catch {
    return null;
  }
}

function writeEntry(content: Uint8Array, at: number, key: RevisableKey): void {
  if (key.keyData.length !== KEY_BYTES) throw new RangeError(`key data: 16 bytes, got ${key.keyData.length}`);
  content.set(key.keyData, at);
  new DataView(content.buffer).setUint32(at + KEY_BYTES, key.rollingStartIntervalNumber);
  content[at + 20] = key.rollingPeriod;
  content[at + 21] = (codeOf(key.reportType) << 4) | (key.revisedTo === null ? 0 : codeOf(key.revisedTo));
}

function readEntries(content: Uint8Array): RevisableKey[] {
  const keys: RevisableKey[] = [];
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  for (let at = 0; at < CONTENT_BYTES; at += ENTRY_BYTES) {
    const types = content[at + 21]!;
    const reportType = CERTIFIED_REPORTS[(types >> 4) - 1];
    // No entry is without a type: the rest are zeros.
    if (reportType === undefined) break;
    keys.push({
      keyData: content.slice(at, at + KEY_BYTES),
      rollingStartIntervalNumber: view.getUint32(at + KEY_BYTES),
      rollingPeriod: content[at + 20]!,
      reportType,
      revisedTo: CERTIFIED_REPORTS[(types & 15) - 1] ?? null,
    });
  }
  return keys;
}

/** 1..4; part of what lies in phones, so {@link CERTIFIED_REPORTS} keeps its order. @returns where the type stands */
const codeOf = (type: CertifiedReport): number => CERTIFIED_REPORTS.indexOf(type) + 1;
