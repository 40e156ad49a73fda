/**
 * @module Two peers of a whole deployment for pictures, and for what axe sees: NL, whose feed is in memory and is really polled, verified and imported; IT, which doesn't answer. Their certificates' bindings are functions
 * of this process.
 */
import type { LegacyWorkerOptions } from 'miniflare';
import { runCrons } from '../../local-edge/crons.ts';
import { readEnvironments } from '../../local-edge/workers.ts';
import { moveClock } from '../../scripts/support/operator.ts';
import { PEER_URL, PeerFeed, peerKeys } from '../support/peer-feed.ts';
import { testKeyPem } from '../support/secrets.ts';
import type { Portal } from './portal-rig.ts';

const FEDERATION = 'exposure-edge-federation';
const ORIGIN = 'exposure-edge-origin';
/** One key beyond what a batch may have (domain/federation/breaker.ts). */
const TOO_MANY = 200_001;

/** @param now Unix seconds of the first poll @returns the feed of NL, and what puts both peers into an edge */
export function twoPeers(now: number) {
  const feed = new PeerFeed('NL', testKeyPem('peer of pictures'), now);
  const peer = { ReplicationType: 'a2a', Format: 'exposure-edge', VerificationKeys: [feed.verificationKey] };
  const PEERS = JSON.stringify([
    { RegionID: 'NL', RemoteRegionURL: PEER_URL, ...peer, TLSConsumerCertificate: 'NL_CERTIFICATE' },
    { RegionID: 'IT', RemoteRegionURL: 'https://feeds.it.example', ...peer, TLSConsumerCertificate: 'IT_CERTIFICATE' },
  ]);
  const adapt = (workers: LegacyWorkerOptions[]): LegacyWorkerOptions[] =>
    workers.map((worker) => {
      const given = worker.bindings as object;
      if (worker.name === ORIGIN) return { ...worker, bindings: { ...given, IMPORT_REGIONS: 'NL,IT' } };
      if (worker.name !== FEDERATION) return worker;
      const bindings = { ...given, PEERS };
      const serviceBindings = {
        ...(worker.serviceBindings as object),
        NL_CERTIFICATE: async ({ url }: { readonly url: string }) => feed.fetch(new Request(url)),
        IT_CERTIFICATE: async () => new Response(null, { status: 503 }),
      };
      return { ...worker, bindings, serviceBindings };
    });
  return { feed, adapt };
}

/**
 * Plays it; the clock stands an hour before `now`, and at `now` afterwards. NL has sent two batches that were imported, and one that is set aside; IT has failed three times.
 *
 * @param now Unix seconds
 */
export async function playPeers({ edge }: Portal, feed: PeerFeed, now: number): Promise<void> {
  const federation = readEnvironments().filter(({ name }) => name === FEDERATION);
  const at = async (seconds: number): Promise<void> => {
    await moveClock(edge.url, seconds);
    feed.now = seconds;
    await runCrons(edge.miniflare, federation);
  };
  feed.seal(peerKeys(1, 280, now));
  const late = peerKeys(1000, 3, now).map((key) => ({
    ...key,
    rollingStartIntervalNumber: key.rollingStartIntervalNumber + 10_000,
  }));
  feed.seal([...peerKeys(400, 140, now), ...late]);
  await at(now - 3700);
  feed.seal(peerKeys(10_000, TOO_MANY, now));
  for (const before of [2000, 1000, 0]) await at(now - before);
}
