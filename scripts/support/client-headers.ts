/**
 * @module What the HTTP libraries of Corona-Warn-App's apps send unasked (docs/spec/cwa.md §1.3): load, benchmarks and tests of sizes send
 * it too, for what a client takes decides what a front may do with an answer.
 */

/** okhttp 4.9.0 takes gzip and undoes it unseen. */
const ANDROID = { 'accept-encoding': 'gzip', 'user-agent': 'okhttp/4.9.0' } as const;
/** CFNetwork, as URLSession uses it; the version is one of many. */
const IOS = {
  accept: '*/*',
  'accept-encoding': 'gzip, deflate, br',
  'accept-language': 'de-DE,de;q=0.9',
  'user-agent': 'ENA/1 CFNetwork/1240.0.4 Darwin/20.6.0',
} as const;

/** Headers of one app each, lower-case names. */
export const CLIENT_HEADERS = { Android: ANDROID, iOS: IOS } as const;
