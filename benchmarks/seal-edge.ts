/**
 * @module The edge that `bench:seal` and `bench:midnight` measure: keys straight into the SubmissionBuffer, and a Publisher
 * that takes a step when it is told to.
 */
import { packUpload, type PackedUpload } from '../domain/packed-upload.ts';
import type { OriginBackOfficeRpc } from '../domain/rpc.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { temporaryFolder } from '../scripts/support/command-line/interrupt.ts';
import { startLocalEdge, type LocalEdge } from '../local-edge/local-edge.ts';

export const ORIGIN = 'exposure-edge-origin';
/** Keys of one call when the buffer is filled, as many as one of its statements takes: the fill isn't measured. */
const KEYS_A_CALL = 99;
const CALLS_AT_ONCE = 32;

/**
 * Fills in one process and measures in another, so that what is measured begins in one that has done nothing yet.
 *
 * @param fill brings the state about
 * @param measure what is measured
 * @param feeds for peers, as PEER_FEEDS has them; empty: none
 * @returns what `measure` gives
 */
export async function inTwoProcesses<T>(
  fill: (edge: LocalEdge) => Promise<void>,
  measure: (edge: LocalEdge, state: string) => Promise<T>,
  feeds = '',
): Promise<T> {
  const state = temporaryFolder('seal');
  // Minima off: the data set's uploads are packed into few calls.
  const peers = { PEER_FEEDS: feeds, FEED_URL: 'https://peers.example' };
  const options = { state: state.path, inspect: true, vars: { origin: { MIN_KEYS: '0', MIN_UPLOADS: '0', ...peers } } };
  const run = async <R>(work: (edge: LocalEdge, folder: string) => Promise<R>): Promise<R> => {
    const edge = await startLocalEdge(options);
    try {
      return await work(edge, state.path);
    } finally {
      await edge.dispose();
    }
  };
  try {
    await run(fill);
    return await run(measure);
  } finally {
    state.remove();
  }
}

/** @param name tells the calls from those of another fill @param issueIdOf who vouched for the keys of the nth call; left out: nobody */
export async function accept(
  edge: LocalEdge,
  keys: readonly TemporaryExposureKey[],
  name: string,
  issueIdOf: (call: number) => string | null = () => null,
): Promise<void> {
  const namespace = await edge.miniflare.getDurableObjectNamespace('SUBMISSION_BUFFER', ORIGIN);
  const buffer = namespace.get(namespace.idFromName('buffer')) as unknown as {
    accept(uploadId: string, upload: PackedUpload): Promise<unknown>;
  };
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < keys.length) {
      const from = next;
      next += KEYS_A_CALL;
      const part = keys.slice(from, next);
      const issueId = issueIdOf(from / KEYS_A_CALL);
      const upload = { keys: part, regions: ['DE'], consentToFederation: true, origin: 'DE', issueId };
      await buffer.accept(`${name}-${from}`, packUpload(upload));
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, client));
}

/** @returns the Publisher, awake */
export async function publisherOf(edge: LocalEdge): Promise<OriginBackOfficeRpc> {
  const namespace = await edge.miniflare.getDurableObjectNamespace('PUBLISHER', ORIGIN);
  const publisher = namespace.get(namespace.idFromName('publisher')) as unknown as OriginBackOfficeRpc;
  await publisher.status();
  return publisher;
}
