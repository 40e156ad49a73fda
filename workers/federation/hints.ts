/**
 * @module Who calls us (docs/spec/europe.md §2.1, §3.6): a peer says that its feed has a batch, the European gateway that it has one. Nothing of a call is believed but that somebody who may call did: it brings the next poll of the
 * caller's own desk forward (durable-objects/peer-desk/hint-ops.ts). Whether it did is told to nobody.
 */
import { CALLBACK_PATH, readHint } from '../../domain/federation/efgs/callback.ts';
import { HINT_PATH, isSameBase, MAX_HINT_BYTES, parseHint } from '../../domain/federation/hint.ts';
import { parsePeers, type PeerConfig } from '../../domain/federation/peer.ts';
import { gatewayCallers } from '../../durable-objects/peer-desk/config.ts';
import { readBody } from '../shared/body.ts';
import { ConfigError, country, parsedOnce } from '../shared/env.ts';
import { readError } from '../shared/read-error.ts';
import type { DesksEnv } from './desks.ts';

/** A hint is one packet; who sends it by the byte is none of ours. */
const MOST_SECONDS = 5;

/** Whom we read, and who may call in the gateway's name. */
interface Callers {
  readonly peers: readonly PeerConfig[];
  readonly gateway: readonly string[];
}

const callersOf = parsedOnce(({ HOME_COUNTRY, PEERS, EFGS_SETTINGS }: DesksEnv): Callers => {
  const peers = parsePeers(PEERS, country({ HOME_COUNTRY }, 'HOME_COUNTRY'));
  if (!peers.ok) throw new ConfigError('PEERS', peers.error);
  return { peers: peers.value, gateway: gatewayCallers({ EFGS_SETTINGS }) };
});

/** What became of a call, for the counts. */
export interface Heard {
  readonly answer: Response;
  readonly taken: boolean;
}

const NO_STORE = { 'cache-control': 'no-store' } as const;
const taken = (): Heard => ({ answer: new Response(null, { status: 204, headers: NO_STORE }), taken: true });
const refused = (answer: Response): Heard => ({ answer, taken: false });

/** @returns whether a path is the gateway's, whose certificate stands in a setting and not in the directory */
export const isGatewayPath = (pathname: string): boolean => pathname === CALLBACK_PATH;
/** @returns whether a path is for peers' hints */
export const isHintPath = (pathname: string): boolean => pathname === HINT_PATH;

/**
 * @param request of whoever showed the certificate
 * @param fingerprint of the verified client certificate
 */
export async function gatewayCalls(request: Request, fingerprint: string, env: DesksEnv): Promise<Heard> {
  const { peers, gateway } = callersOf(env);
  const peer = peers.find(({ Format }) => Format === 'efgs');
  if (peer === undefined || !gateway.includes(fingerprint)) {
    return refused(readError(403, 'This certificate is no gateway’s.'));
  }
  if (request.method !== 'GET') return refused(readError(405, 'A gateway calls by GET.', { allow: 'GET' }));
  const tag = readHint(new URL(request.url));
  if (tag === null) return refused(readError(400, 'batchTag and its date are expected, and nothing else.'));
  await env.PEER_DESK.getByName(peer.RegionID).hint(peer.RegionID, tag);
  return taken();
}

/**
 * @param request of a peer
 * @param region whose certificate it showed, by the directory
 */
export async function peerCalls(request: Request, region: string, env: DesksEnv): Promise<Heard> {
  if (request.method !== 'POST') return refused(readError(405, 'Hints come by POST.', { allow: 'POST' }));
  if (request.url.includes('?')) return refused(readError(400, 'Query strings are refused.'));
  const peer = callersOf(env).peers.find(({ RegionID }) => RegionID === region);
  if (peer === undefined) return refused(readError(403, 'Nothing is read of this region.'));
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  const body = type === 'application/json' ? await readBody(request, MAX_HINT_BYTES, MOST_SECONDS) : null;
  const hint = body?.kind === 'body' ? parseHint(body.bytes) : null;
  if (hint === null || !isSameBase(hint.baseURL, peer.RemoteRegionURL)) {
    return refused(readError(400, 'JSON with batchId and the baseURL that is read is expected, and nothing else.'));
  }
  await env.PEER_DESK.getByName(region).hint(region, String(hint.batchId));
  return taken();
}
