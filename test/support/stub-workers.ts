/**
 * @module Neighbours of the Worker under test, as prebuilt inline Workers: real entrypoints over real RPC, with a memory
 * in place of storage. They exist so that a Worker's own tests start without the other Workers; what the real ones
 * do together is tested in test/integration.
 */

/** Shape that vitest-plugin hands to Miniflare (options of version 4). */
type StubWorker = {
  readonly name: string;
  readonly modules: true;
  readonly script: string;
  readonly compatibilityDate: string;
};

const COMPATIBILITY_DATE = '2026-11-01';

const stub = (name: string, script: string): StubWorker => ({
  name: `exposure-edge-${name}`,
  modules: true,
  script,
  compatibilityDate: COMPATIBILITY_DATE,
});

/** verification: every TAN is known and new; BackOffice issues placeholders. */
export const verificationStub = stub(
  'verification',
  `import { WorkerEntrypoint } from 'cloudflare:workers';
const held = new Map();
export class Redeem extends WorkerEntrypoint {
  reserve(tan, digest) {
    const row = held.get(tan);
    if (!row) { const uploadId = crypto.randomUUID(); held.set(tan, { digest, uploadId }); return { kind: 'reserved', uploadId, codeBatchId: null }; }
    if (row.digest !== digest) return { kind: row.committed ? 'used' : 'busy' };
    return row.committed ? { kind: 'committed' } : { kind: 'reserved', uploadId: row.uploadId, codeBatchId: null };
  }
  commit(tan, uploadId) { const row = held.get(tan); if (row?.uploadId === uploadId) row.committed = true; }
  release(tan, uploadId) { const row = held.get(tan); if (row?.uploadId === uploadId && !row.committed) held.delete(tan); }
}
export class BackOffice extends WorkerEntrypoint {
  issueTans({ count }) { return { tans: Array.from({ length: count }, () => crypto.randomUUID()) }; }
}
export default { fetch: () => new Response(null, { status: 404 }) };`,
);

/** origin: stores ids, never keys; BackOffice is always idle. */
export const originStub = stub(
  'origin',
  `import { WorkerEntrypoint } from 'cloudflare:workers';
const stored = new Set();
const dead = new Set();
export class Intake extends WorkerEntrypoint {
  accept(uploadId) { if (dead.has(uploadId)) return { kind: 'tombstone' }; stored.add(uploadId); return { kind: 'stored' }; }
  resolve(uploadId) { if (stored.has(uploadId)) return { kind: 'stored' }; dead.add(uploadId); return { kind: 'tombstone' }; }
}
export class BackOffice extends WorkerEntrypoint {
  advance() { return { idle: true }; }
  status() { return { regions: [], idle: true, counters: {} }; }
}
export default { fetch: () => new Response(null, { status: 404 }) };`,
);

/** laboratory: the result is the first hex digit of the id that is a code, so that a test chooses it; asking stores nothing. */
export const laboratoryStub = stub(
  'laboratory',
  `import { WorkerEntrypoint } from 'cloudflare:workers';
const forgotten = new Set();
export class Results extends WorkerEntrypoint {
  resultOf(id) {
    const result = forgotten.has(id) ? 0 : Number.parseInt(id.at(1), 10) || 0;
    return { result, sampleCollected: result ? 1790000000 : null, labId: result ? 'lab-1' : null, keptUntil: result ? 1800000000 : null };
  }
  forget(id) { forgotten.add(id); }
}
export class BackOffice extends WorkerEntrypoint {
  setLaboratories() { return { ok: true }; }
  laboratories() { return { version: 0, laboratories: [] }; }
}
export default { fetch: () => new Response(null, { status: 404 }) };`,
);
