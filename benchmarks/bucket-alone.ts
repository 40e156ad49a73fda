/**
 * @module What the simulated R2 costs by itself: a Worker that does nothing but put objects of given sizes, out of one
 * buffer, and read them back. The rest of a resident set that a benchmark of ours shows is ours.
 */
import { startLocalEdge } from '../local-edge/local-edge.ts';
import { watchResidentSet } from './workerd-process.ts';

const WORKER = `
let memory = new Uint8Array(0);
export default {
  async fetch(request, { BUCKET }) {
    const { put, get } = await request.json();
    const size = Math.max(0, ...put.map(([, bytes]) => bytes));
    if (memory.length < size) memory = new Uint8Array(size);
    for (const [name, bytes] of put) await BUCKET.put(name, memory.subarray(0, bytes));
    let window = new Uint8Array(1 << 20);
    for (const name of get) {
      const reader = (await BUCKET.get(name)).body.getReader({ mode: 'byob' });
      for (;;) {
        const { value, done } = await reader.readAtLeast(window.length, window);
        window = new Uint8Array(value.buffer);
        if (done) break;
      }
    }
    return new Response(null);
  },
};`;

/** Objects of one step: name and bytes of what is put, then names of what is read. */
export interface BucketStep {
  readonly put: readonly (readonly [name: string, bytes: number])[];
  readonly get: readonly string[];
}

/** @returns peak of the resident set above idle, MiB, over all steps */
export async function bucketAlone(steps: readonly BucketStep[]): Promise<number> {
  const worker = {
    name: 'alone',
    modules: true,
    script: WORKER,
    r2Buckets: ['BUCKET'],
    compatibilityDate: '2026-01-01',
  };
  const edge = await startLocalEdge({ adapt: () => [worker] });
  try {
    const ask = async (step: BucketStep): Promise<void> => {
      const reply = await fetch(edge.url, { method: 'POST', body: JSON.stringify(step) });
      if (!reply.ok) throw new Error(`bucket alone: ${reply.status}`);
    };
    await ask({ put: [['warm', 1]], get: ['warm'] });
    const peak = watchResidentSet();
    for (const step of steps) await ask(step);
    return peak();
  } finally {
    await edge.dispose();
  }
}
