/**
 * @module A Worker on the wire between `upload` and its neighbours: it hands every RPC on to the real entrypoint, and makes one
 * of them fail, before it was made or after it had its effect. That is what a lost connection looks like to `upload`.
 */
import type { LegacyWorkerOptions } from 'miniflare';

/** The n-th call (from 0) since the plan was set fails. */
export interface Crash {
  readonly call: number;
  readonly when: 'before' | 'after';
}

const NAME = 'saboteur';
const PATH = '/sabotage';

const SCRIPT = `import { WorkerEntrypoint } from 'cloudflare:workers';
let plan = null;
let calls = [];
async function over(name, call) {
  const index = calls.push(name) - 1;
  const fails = (when) => plan !== null && plan.call === index && plan.when === when;
  if (fails('before')) throw new Error('not reached');
  const reply = await call();
  if (fails('after')) throw new Error('reply lost');
  return reply;
}
export class Redeem extends WorkerEntrypoint {
  reserve(...args) { return over('reserve', () => this.env.REDEEM.reserve(...args)); }
  reserveCertificate(...args) { return over('reserve', () => this.env.REDEEM.reserveCertificate(...args)); }
  commit(...args) { return over('commit', () => this.env.REDEEM.commit(...args)); }
  release(...args) { return over('release', () => this.env.REDEEM.release(...args)); }
}
export class Intake extends WorkerEntrypoint {
  accept(...args) { return over('accept', () => this.env.INTAKE.accept(...args)); }
  resolve(...args) { return over('resolve', () => this.env.INTAKE.resolve(...args)); }
  // Asked once a minute, whoever comes: no arrow of an upload, so it isn't counted.
  policy() { return this.env.INTAKE.policy(); }
  replayed(...args) { return over('replayed', () => this.env.INTAKE.replayed(...args)); }
  known(...args) { return over('known', () => this.env.INTAKE.known(...args)); }
}
export default {
  async fetch(request) {
    const seen = calls;
    if (request.method === 'PUT') { plan = await request.json(); calls = []; }
    return Response.json(seen);
  },
};`;

/**
 * Puts the saboteur between `upload` and its two neighbours.
 *
 * @param workers all Workers of the edge
 * @returns the same, one more
 */
export function withSaboteur(workers: LegacyWorkerOptions[]): LegacyWorkerOptions[] {
  const upload = workers.find(({ name }) => name === 'exposure-edge-upload');
  if (upload === undefined) throw new Error('no Worker exposure-edge-upload');
  const { REDEEM, INTAKE } = upload.serviceBindings as Record<string, unknown>;
  const between = {
    ...upload,
    serviceBindings: {
      ...(upload.serviceBindings as object),
      REDEEM: { name: NAME, entrypoint: 'Redeem' },
      INTAKE: { name: NAME, entrypoint: 'Intake' },
    },
  };
  const saboteur = {
    name: NAME,
    modules: [{ type: 'ESModule', path: `${NAME}.js`, contents: SCRIPT }],
    compatibilityDate: upload.compatibilityDate,
    serviceBindings: { REDEEM, INTAKE },
    routes: [`*${PATH}`],
  };
  return [...workers.map((worker) => (worker === upload ? between : worker)), saboteur] as LegacyWorkerOptions[];
}

/**
 * @param url of the edge
 * @param crash what shall fail from now on, or null
 * @returns the names of the calls since the last time this was asked
 */
export async function sabotage(url: string, crash: Crash | null): Promise<string[]> {
  const answer = await fetch(new URL(PATH, url), { method: 'PUT', body: JSON.stringify(crash) });
  return (await answer.json()) as string[];
}
