/**
 * @module What a phone's HTTP library adds to each request, Android's or iOS's.
 */
import { CLIENT_HEADERS } from '../../../scripts/support/client-headers.ts';

const CLIENTS = Object.values(CLIENT_HEADERS);

/** @returns headers of one of the apps' HTTP libraries, at random: half of the phones are of either kind */
export function clientHeaders(): Readonly<Record<string, string>> {
  return CLIENTS[Math.floor(Math.random() * CLIENTS.length)] ?? {};
}
