/**
 * @module Other regions' status lists, fetched whole by the clock: at each hour for all regions whose tests are taken up here, whether or not anybody shows one, so that an issuer learns nothing of a credential's use.
 *
 * Durable writes: a list replaces the one before in one row. A crash in between leaves the former, which holds for a day.
 */
import { issuerEntry } from '../../domain/credential.ts';
import type { PeerList } from '../../durable-objects/credential-desk/status-ops.ts';
import { originOf, statusListUrl } from '../../protocol/credential/credential.ts';
import {
  MAX_STATUS_LIST_LENGTH,
  STATUS_LIST_MEDIA_TYPE,
  verifyStatusList,
} from '../../protocol/credential/status-list.ts';
import type { DirectoryEntry } from '../../protocol/directory/entry.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import { readBody } from '../shared/body.ts';

const TIMEOUT_MS = 20_000;

/** Asks a public address; the platform's `fetch`, or a test's. */
export type FetchList = (url: string) => Promise<Response>;

interface Desk {
  peerList(region: string): Promise<PeerList | null>;
  keepPeerList(region: string, list: PeerList): Promise<boolean>;
}

interface Refresh {
  readonly desk: Desk;
  readonly entries: readonly DirectoryEntry[];
  readonly peers: readonly string[];
  /** Unix seconds. */
  readonly now: number;
  readonly fetchList?: FetchList | undefined;
}

const fetchPublic: FetchList = (url) =>
  fetch(url, {
    headers: { accept: STATUS_LIST_MEDIA_TYPE },
    // workerd knows no 'error'; a redirection isn't a list.
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });

/** @returns regions of which no list that holds is known after it; none waits for another's trouble */
export async function fetchStatusLists({ peers, ...refresh }: Refresh): Promise<readonly string[]> {
  const known = await Promise.all(peers.map((region) => refreshed(region, { ...refresh, peers }).catch(() => false)));
  return peers.filter((_region, i) => known[i] !== true);
}

async function refreshed(
  region: string,
  { desk, entries, peers, now, fetchList = fetchPublic }: Refresh,
): Promise<boolean> {
  const kept = await desk.peerList(region);
  const listed = entries.find(({ regionId }) => regionId === region);
  const issuer = originOf(listed?.verificationUrl ?? '');
  if (issuer === null) return false;
  const entry = issuerEntry({ issuer, region }, entries, peers);
  if (!entry.ok) return false;
  const holds = kept !== null && kept.issuer === issuer && kept.expiresAt > now;
  if (holds && kept.askedHour >= hourOf(now)) return true;
  try {
    const response = await fetchList(statusListUrl(issuer));
    const body = response.status === 200 ? await readBody(response, MAX_STATUS_LIST_LENGTH) : null;
    if (body?.kind !== 'body') return holds;
    const list = await verifyStatusList(fromUtf8(body.bytes), issuer, entry.value.testingKeys, now);
    if (!list.ok) return holds;
    return (await desk.keepPeerList(region, { ...list.value, issuer, askedHour: hourOf(now) })) || holds;
  } catch {
    return holds;
  }
}
