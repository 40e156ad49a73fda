/**
 * @module The edge that `npm run bench:upload` measures: the entry files that are deployed (the local ones ask the clock
 * Worker for the time, an RPC a question), but that `upload` may answer without a deadline, and a socket of `upload`'s own, since Miniflare's router in front of all
 * Workers costs 0.2 ms a request that no deployment pays.
 */
import { startLocalEdge, type LocalEdge } from '../local-edge/local-edge.ts';

const UPLOAD = 'exposure-edge-upload';

/** @param deadlineMs of each answer; 0: none @param state directory that is kept; left out: a temporary one @returns the edge, with `url` leading to `upload` and nothing else */
export async function startUploadEdge(deadlineMs: number, state?: string): Promise<LocalEdge> {
  const edge = await startLocalEdge({
    ...(state === undefined ? {} : { state }),
    entries: 'benchmark',
    vars: { upload: { ANSWER_DEADLINE_MS: String(deadlineMs) } },
    adapt: (workers) =>
      workers.map((worker) =>
        worker.name === UPLOAD ? { ...worker, unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] } : worker,
      ),
  });
  const { origin } = await edge.miniflare.unsafeGetDirectURL(UPLOAD);
  return { ...edge, url: origin };
}
