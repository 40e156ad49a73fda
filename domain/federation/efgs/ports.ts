/**
 * @module What the steps of the gateway's client are given: settings, a clock, and a `fetch` that shows our certificate. Nothing here
 * knows where state is kept: a step takes the state and returns the next one, and whoever calls it writes that down in the same
 * transaction as what came with it (keys imported, keys settled). So a crash between any two steps leaves a state from which the
 * same step is taken again.
 *
 * - download.ts: `downloadStep(state, ports)` → state, and a batch to import or to set aside
 * - outbox.ts: `outboxStep(state, ports, feed, visitedCountries)` → state; uploads what the feed of local keys has, by
 *   upload.ts: `uploadStep(state, ports, outbox)` → state, and which keys of the outbox are done with
 * - callback.ts: `callbackStep(state, ports)`, `readHint(url)`
 * - keys.ts: between our keys and the gateway's
 */
import { type BatchSigner, type EfgsCertificate, readEfgsCertificate } from '../../../protocol/efgs/certificate.ts';
import { type Result, err, ok } from '../../../protocol/primitives/result.ts';

/** One gateway, and we at it. Another gateway is other settings and nothing else. */
export interface EfgsSettings {
  /** `https://…`, without a slash at the end; paths begin with /diagnosiskeys. */
  readonly baseUrl: string;
  /** ISO 3166-1 alpha-2: the C of our certificates. */
  readonly country: string;
  /** Certificate of the gateway's offline trust anchor, got from its operator by hand. */
  readonly anchor: EfgsCertificate;
  /** Fingerprints of signing certificates that count no more, 64 lowercase hex digits. */
  readonly revoked: ReadonlySet<string>;
  /** Days that the gateway keeps batches (docs/spec/europe.md §3.6: 2). */
  readonly maxAgeDays: number;
}

export interface EfgsPorts {
  readonly settings: EfgsSettings;
  /** Unix seconds. */
  readonly now: () => number;
  /**
   * Sends with our client certificate (in a Worker: an mTLS binding's). It ends by itself: who calls gives the request a deadline
   * that holds for the answer's body too.
   */
  readonly fetch: (asked: Request) => Promise<Response>;
}

/** Ports of an upload. */
export interface UploadPorts extends EfgsPorts {
  readonly signer: BatchSigner;
}

/** Settings as an operator writes them. */
export interface EfgsSettingsText {
  readonly baseUrl: string;
  readonly country: string;
  /** PEM. */
  readonly anchor: string;
  readonly revoked: readonly string[];
  readonly maxAgeDays: number;
}

const MAX_AGE_DAYS = 14;

/** @returns the settings, or the name of the first that is none */
export function readSettings(text: EfgsSettingsText): Result<EfgsSettings, keyof EfgsSettingsText> {
  const anchor = readEfgsCertificate(text.anchor);
  if (!URL.canParse(text.baseUrl) || !isBase(text.baseUrl)) return err('baseUrl');
  if (!/^[A-Z]{2}$/.test(text.country)) return err('country');
  if (anchor === null || anchor.publicKey === null || anchor.signatureHash === null) return err('anchor');
  if (text.revoked.some((thumbprint) => !/^[0-9a-f]{64}$/.test(thumbprint))) return err('revoked');
  if (!Number.isInteger(text.maxAgeDays) || text.maxAgeDays < 1 || text.maxAgeDays > MAX_AGE_DAYS)
    return err('maxAgeDays');
  return ok({ ...text, anchor, revoked: new Set(text.revoked) });
}

function isBase(text: string): boolean {
  const { protocol, search, hash, username } = new URL(text);
  return protocol === 'https:' && search === '' && hash === '' && username === '' && !text.endsWith('/');
}
