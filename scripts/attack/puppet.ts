/**
 * @module A Worker that has been taken over: it holds the very bindings and secrets of its victim, and does what the attack
 * says, call by call. The victim stays beside it, so that honest phones go on.
 */
import type { LocalEdgeOptions } from '../../local-edge/local-edge.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';

/** What puts other Workers beside those of the edge. */
export type Adapt = NonNullable<LocalEdgeOptions['adapt']>;
export type EdgeWorkers = Parameters<Adapt>[0];

const NAME = 'puppet';
const PATH = '/local/puppet';

/** Calls what it is told to, on what its victim is bound to; bytes travel as `{ "$hex": "00ff" }`. */
const SCRIPT = `
const revive = (value) => {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.$hex === 'string') return Uint8Array.from(value.$hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, revive(inner)]));
};
export default {
  async fetch(request, env) {
    const { binding, object, method, args } = await request.json();
    try {
      const target = object === null ? env[binding] : env[binding].getByName(object);
      const value = await target[method](...revive(args));
      return Response.json({ value: value === undefined ? null : JSON.parse(JSON.stringify(value)) });
    } catch (error) {
      return Response.json({ thrown: String(error) });
    }
  },
};`;

/**
 * Puts a puppet beside the Worker that is taken over.
 *
 * @param victim short name, e.g. `upload`
 * @returns for `startLocalEdge`'s `adapt`
 */
export function withPuppet(victim: string): Adapt {
  return (workers) => {
    const target = workers.find(({ name }) => name === `exposure-edge-${victim}`);
    if (target === undefined) throw new Error(`no Worker exposure-edge-${victim}`);
    const { bindings, serviceBindings, r2Buckets } = target as unknown as Record<string, unknown>;
    const puppet = {
      name: NAME,
      modules: [{ type: 'ESModule', path: `${NAME}.js`, contents: SCRIPT }],
      compatibilityDate: target.compatibilityDate,
      bindings,
      serviceBindings,
      ...(r2Buckets === undefined ? {} : { r2Buckets }),
      durableObjects: objectsOf(target),
      routes: [`*${PATH}`],
    };
    return [...workers, puppet] as unknown as EdgeWorkers;
  };
}

/** @returns the victim's Durable Objects, as another script binds them */
function objectsOf(target: EdgeWorkers[number]): Record<string, unknown> {
  const objects =
    (target as unknown as { durableObjects?: Record<string, { className: string }> }).durableObjects ?? {};
  const bound = Object.entries(objects).map(([binding, { className }]) => [
    binding,
    { className, scriptName: target.name, useSQLite: true },
  ]);
  return Object.fromEntries(bound) as Record<string, unknown>;
}

/** What a call came to. */
type Answer = { readonly value: unknown } | { readonly thrown: string };

/** Says a call to the puppet. */
export interface Puppet {
  /** @param object name of a Durable Object behind the binding, or null */
  call(binding: string, method: string, args: readonly unknown[], object?: string | null): Promise<Answer>;
}

/** @param url of the local edge @returns the puppet's strings */
export function puppetOf(url: string): Puppet {
  return {
    async call(binding, method, args, object = null) {
      const body = JSON.stringify({ binding, object, method, args }, (_name, value: unknown) =>
        value instanceof Uint8Array ? { $hex: toHex(value) } : value,
      );
      const response = await fetch(new URL(PATH, url), { method: 'POST', body });
      return (await response.json()) as Answer;
    },
  };
}
