/**
 * @module The deployment in which the story of a release is played (before.ts, after.ts): small minima, feeds for peers, and a peer, NL, whose feed is in this process and is really polled, verified and imported.
 */
import type { LegacyWorkerOptions } from 'miniflare';
import { runCrons } from '../../../local-edge/crons.ts';
import type { LocalEdge, LocalEdgeOptions } from '../../../local-edge/local-edge.ts';
import { readEnvironments } from '../../../local-edge/workers.ts';
import { advanceUntilIdle } from '../../../scripts/support/operator.ts';
import { PEER_URL, PeerFeed, peerKeys } from '../peer-feed.ts';
import { testKeyPem } from '../secrets.ts';

/** A Tuesday, 21:20 UTC: the first hour that is sealed is 21 o'clock's, and midnight is near. */
export const BEGIN = Date.UTC(2026, 10, 24, 21, 20) / 1000;
/** 02:10 UTC on the next day: the day before is cut. Who shares now has keys that ended yesterday, which come out with the next hour. */
export const BREAK = Date.UTC(2026, 10, 25, 2, 10) / 1000;

/** Keys of one batch of the peer: two batches of the story have none in common. */
const PEER_BATCH = 140;

const FEDERATION = 'exposure-edge-federation';
const CERTIFICATE = 'NL_CERTIFICATE';
const FEEDS = { PEER_FEEDS: 'a2a', FEED_URL: 'https://peers.example' };

/** @returns a peer that has sealed nothing yet; the same key at each call */
export const newPeer = (): PeerFeed => new PeerFeed('NL', testKeyPem('peer of releases'), BEGIN);

/** @param batch number, 1 first @returns its keys: the same for who plays on */
export const batchOf = (batch: number) => peerKeys(batch * 1_000, PEER_BATCH, BREAK);

/** @param peer see {@link newPeer} @returns variables of the scene */
export function sceneVars(peer: PeerFeed): NonNullable<LocalEdgeOptions['vars']> {
  const config = {
    RegionID: peer.region,
    RemoteRegionURL: PEER_URL,
    ReplicationType: 'a2a',
    Format: 'exposure-edge',
    VerificationKeys: [peer.verificationKey],
    TLSConsumerCertificate: CERTIFICATE,
  };
  return {
    upload: { ANSWER_DEADLINE_MS: '0' },
    verification: { ANSWER_DEADLINE_MS: '0' },
    origin: { MIN_KEYS: '20', MIN_UPLOADS: '3', IMPORT_REGIONS: 'NL', ...FEEDS },
    federation: { PEERS: JSON.stringify([config]), ...FEEDS },
  };
}

/** @param peer answers in place of a peer's host @returns puts it on the wire of every Worker that polls */
export function withPeer(peer: PeerFeed): (workers: LegacyWorkerOptions[]) => LegacyWorkerOptions[] {
  const answer = async ({ url }: { readonly url: string }): Promise<Response> => peer.fetch(new Request(url));
  return (workers) =>
    workers.map((worker) => {
      if (worker.name?.startsWith(FEDERATION) !== true) return worker;
      return { ...worker, serviceBindings: { ...(worker.serviceBindings as object), [CERTIFICATE]: answer } };
    });
}

/** Polls the peer, by the cron, and takes in what it has to its end, as the operator asks for it. @param now Unix seconds of the edge's clock */
export async function pollPeer({ miniflare, url }: LocalEdge, peer: PeerFeed, now: number): Promise<void> {
  peer.now = now;
  await runCrons(
    miniflare,
    readEnvironments().filter(({ name }) => name === FEDERATION),
  );
  await advanceUntilIdle(url, true);
}
