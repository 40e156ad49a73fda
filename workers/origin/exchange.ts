/**
 * @module RPC entrypoint of `origin` for `federation` (docs/architecture.md §2, §9): batches of peers' keys come in by it. No request, header or certificate gets here; `federation` has verified who signed, and is trusted in
 * nothing else: each key is judged again, and which regions there are (`IMPORT_REGIONS`) and how many keys an hour each may bring (durable-objects/submission-buffer/remote-ops.ts) is decided here.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import { isGatewayBatch } from '../../domain/federation/gateway-batch.ts';
import { recheckBatch } from '../../domain/federation/packed-batch.ts';
import type {
  ExchangeRpc,
  ImportReply,
  PeerBatch,
  PeerBatchUndo,
  PeerBatchUndone,
} from '../../domain/rpc-federation.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { createHourlyCounts, type HourlyCounts } from '../shared/hourly-counts.ts';
import { logLine } from '../shared/log.ts';
import { importRegions, originObjects, type OriginEnv, type OriginObjects } from './bindings.ts';
import { untilIdle } from './rollback.ts';

/**
 * @param clock Unix seconds: real, or the local edge's
 * @param counts of batches that were refused, or that came when their peer's hour was full: a line of them is an alert
 * @returns the class `federation` binds
 */
export function createExchange(clock: Clock, counts: HourlyCounts = createHourlyCounts(logLine)) {
  return class Exchange extends WorkerEntrypoint<OriginEnv & Cloudflare.Env> implements ExchangeRpc {
    async importBatch(given: PeerBatch): Promise<ImportReply> {
      const now = await clock();
      counts.report(hourOf(now));
      const checked = recheckBatch(given, importRegions(this.env), now);
      if (checked === null) {
        counts.count('exchange-refused', hourOf(now));
        return { kind: 'refused' };
      }
      const reply = await originObjects(this.env).buffer.importBatch(checked.batch);
      if (reply.kind === 'refused' || reply.kind === 'full') counts.count(`exchange-${reply.kind}`, hourOf(now));
      if (!('counts' in reply)) return reply;
      return { kind: reply.kind, counts: { ...reply.counts, left: reply.counts.left + checked.dropped } };
    }
  };
}

/**
 * Undoes a peer's batch, or a gateway's in every country in one act: what waits is dropped, what is published is taken back. Each step is idempotent by the request's id, so a crash between them is mended by asking again.
 *
 * @throws RangeError for every peer's batch of a name that is no gateway's: names of feeds are numbers, which all of them have
 */
export async function undoPeerBatch(
  { buffer, publisher }: OriginObjects,
  { id, peer, batch }: PeerBatchUndo,
): Promise<PeerBatchUndone> {
  if (peer === null && !isGatewayBatch(batch)) throw new RangeError('only a gateway’s batch is of many peers');
  const { dropped, frozen, newestSet, journalled } = await buffer.dropWaiting({ id, peerBatch: { peer, batch } });
  if (frozen > 0) await untilIdle(publisher);
  const taken = await publisher.takeBackPeerBatch({ id, peer, batch, throughSet: frozen > 0 ? newestSet : 0 });
  // Done is what no restore brings back.
  const state = taken.kind === 'kept' && journalled ? 'done' : 'sealing';
  return { state, dropped, taken: taken.kind === 'kept' ? taken.rows : 0 };
}
