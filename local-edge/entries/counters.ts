/**
 * @module Counts how often a Worker, its bucket and its objects are reached: for the load tests, which assert that the
 * number of phones doesn't matter (docs/architecture.md §6). Only entries in this folder import it, and none of them is deployed.
 */

const counts = new Map<string, number>();

/** @param name what was reached, e.g. `index`, `r2.get`, `SubmissionBuffer.accept` */
export function count(name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** @returns the counters since this isolate began, as JSON: `{"r2.get": 12}` */
export function countersResponse(): Response {
  return Response.json(Object.fromEntries(counts), { headers: { 'cache-control': 'no-store' } });
}

/** Path of the counters at a local edge. */
export const COUNTERS_PATH = '/local/counters';

/**
 * Wraps a binding so that each call of a method is counted.
 *
 * @param name of the binding, the first half of the counters' names
 * @param binding a bucket or a service
 * @returns the binding, counted
 */
export function counted<T extends object>(name: string, binding: T): T {
  return new Proxy(binding, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== 'function' || typeof property !== 'string') return member;
      return (...args: unknown[]) => {
        count(`${name}.${property}`);
        return (member as (...given: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

/**
 * Counts each call of an object's methods, by RPC, alarm or fetch.
 *
 * @param name of the class, the first half of the counters' names
 * @param deployed the class as it is deployed
 */
export function countCalls(name: string, deployed: { readonly prototype: object }): void {
  for (const [method, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(deployed.prototype))) {
    const original: unknown = descriptor.value;
    if (method === 'constructor' || typeof original !== 'function') continue;
    Object.defineProperty(deployed.prototype, method, {
      ...descriptor,
      value(this: unknown, ...args: unknown[]) {
        count(`${name}.${method}`);
        return (original as (...given: unknown[]) => unknown).apply(this, args);
      },
    });
  }
}

/** A Worker's handler, as far as it is wrapped here. */
interface Handler<E> {
  fetch(request: Request, env: E, context: ExecutionContext): Response | Promise<Response>;
}

/**
 * A Worker whose invocations and bindings are counted, and which tells its counters.
 *
 * @param name of the Worker
 * @param handler as it is composed otherwise
 * @param bindings names of the bindings to count: counter name → binding
 * @returns a handler to export
 */
export function countedWorker<E extends object>(
  name: string,
  handler: Handler<E>,
  bindings: Readonly<Record<string, keyof E & string>> = {},
): Handler<E> {
  return {
    fetch(request, env, context) {
      if (new URL(request.url).pathname === COUNTERS_PATH) return countersResponse();
      count(name);
      const wrapped = Object.entries(bindings).map(([as, binding]) => [binding, counted(as, env[binding] as object)]);
      return handler.fetch(request, { ...env, ...Object.fromEntries(wrapped) } as E, context);
    },
  };
}
