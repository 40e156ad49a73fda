/**
 * @module What binds a certificate to one set of keys: HMAC-SHA-256 over the keys in canonical form, by a secret of the phone's, which the certificate
 * carries as its claim `tekmac` (docs/spec/google.md §1.6; google/exposure-notifications-server, pkg/verification/utils.go).
 */
import { equalBytes, utf8 } from '../primitives/bytes.ts';
import { hmacSha256 } from '../primitives/hash.ts';

/** A key as it is sent. */
export interface SentKey {
  /** Base64 exactly as it was sent: the canonical form is over this text. */
  readonly key: string;
  /** ENIntervalNumber of the first interval. */
  readonly rollingStartNumber: number;
  /** In intervals. */
  readonly rollingPeriod: number;
  /** 0..8; 0 where it wasn't sent. */
  readonly transmissionRisk: number;
}

/** With the risk there are four segments a key, else three. */
export type TekmacForm = 'four-segment' | 'three-segment';

/**
 * Sorted by the key's text alone: sorting the finished entries is a mistake that was made, and shows where one key's text begins with another's
 * (google/exposure-notifications-android, #18).
 *
 * @param keys as they were sent, in any order
 * @param form see {@link TekmacForm}
 * @returns the text that is authenticated
 */
export function canonicalKeys(keys: readonly SentKey[], form: TekmacForm): string {
  return joined(sorted(keys), form);
}

const sorted = (keys: readonly SentKey[]): readonly SentKey[] =>
  keys.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));

function joined(keys: readonly SentKey[], form: TekmacForm): string {
  return keys
    .map(({ key, rollingStartNumber, rollingPeriod, transmissionRisk }) => {
      const entry = `${key}.${rollingStartNumber}.${rollingPeriod}`;
      return form === 'four-segment' ? `${entry}.${transmissionRisk}` : entry;
    })
    .join(',');
}

/**
 * @param keys as they were sent
 * @param hmacKey the phone's secret, any length
 * @param form see {@link TekmacForm}; phones send the first
 * @returns 32 bytes
 */
export function tekmacOf(keys: readonly SentKey[], hmacKey: Uint8Array, form: TekmacForm = 'four-segment'): Uint8Array {
  return macOf(sorted(keys), hmacKey, form);
}

const macOf = (sent: readonly SentKey[], hmacKey: Uint8Array, form: TekmacForm): Uint8Array =>
  hmacSha256(hmacKey, utf8(joined(sent, form)));

/**
 * Compares in constant time, and computes as many MACs whatever the first says.
 *
 * @param keys as they were sent
 * @param hmacKey the phone's secret, as it came with the keys
 * @param tekmac claim of the certificate
 * @returns whether the certificate is for these keys: by the form with risks, or, where every risk is 0, by the one without
 */
export function matchesTekmac(keys: readonly SentKey[], hmacKey: Uint8Array, tekmac: Uint8Array): boolean {
  const inOrder = sorted(keys);
  const withRisk = equalBytes(macOf(inOrder, hmacKey, 'four-segment'), tekmac);
  if (keys.some(({ transmissionRisk }) => transmissionRisk !== 0)) return withRisk;
  const without = equalBytes(macOf(inOrder, hmacKey, 'three-segment'), tekmac);
  return withRisk || without;
}
