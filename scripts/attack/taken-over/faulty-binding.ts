/**
 * @module The fault put there on purpose for a Worker that reaches nothing: it is bound to the door of `upload`, which the attack must find.
 */
import { startLocalEdge } from '../../../local-edge/local-edge.ts';
import type { Verdict } from '../attack.ts';
import { type Adapt, type EdgeWorkers, type Puppet, puppetOf, withPuppet } from '../puppet.ts';

/**
 * @param victim short name of the Worker
 * @param binding of it, that leads to `verification#Redeem` now
 * @param methods of that door that must be reached
 * @param reached the attack: names what it reaches, `BINDING.method`
 * @returns the verdict
 */
export async function boundToUploadsDoor(
  victim: string,
  binding: string,
  methods: readonly string[],
  reached: (puppet: Puppet) => Promise<readonly string[]>,
): Promise<Verdict> {
  const adapt: Adapt = (workers) => {
    const faulty = workers.map((worker): EdgeWorkers[number] => {
      if (worker.name !== `exposure-edge-${victim}`) return worker;
      const { serviceBindings } = worker as { readonly serviceBindings?: object };
      const door = { name: 'exposure-edge-verification', entrypoint: 'Redeem' };
      return { ...worker, serviceBindings: { ...serviceBindings, [binding]: door } };
    });
    return withPuppet(victim)(faulty);
  };
  const edge = await startLocalEdge({ adapt, onLog: () => undefined });
  try {
    const found = await reached(puppetOf(edge.url));
    return {
      what: 'fault put there: bound to the door of upload; methods reached',
      figure: found.join(', ') || 'none',
      bound: `found: ${binding}.${methods.join(', ')}`,
      holds: methods.every((method) => found.includes(`${binding}.${method}`)),
    };
  } finally {
    await edge.dispose();
  }
}
