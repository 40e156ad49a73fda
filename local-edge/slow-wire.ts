/**
 * @module Slow RPC on the local edge: a Worker on the wire between `upload`, `verification`, its objects and their neighbours,
 * which hands each call on and lets one kind of them wait, on its way or on the way back. In a data centre calls take
 * microseconds and races hide; across the world they don't. For attacks and tests; nothing deployed knows it.
 */
import type { LegacyWorkerOptions } from 'miniflare';

/** Which calls wait, and how long. */
export interface Delay {
  /** `TanLedger.issue`, `Results.resultOf`: as {@link hopsSeen} names them. */
  readonly hop: string;
  readonly when: 'before' | 'after';
  readonly ms: number;
  /** Only every n-th call waits, so that others overtake it; 1: each does. */
  readonly every: number;
}

const NAME = 'slow-wire';
const PATH = '/local/slow-wire';
const VERIFICATION = 'exposure-edge-verification';

/** Methods of each object of `verification`. One that is missing here fails the call, and with it the test. */
const OBJECTS: Readonly<Record<string, { readonly binding: string; readonly methods: readonly string[] }>> = {
  TestSession: {
    binding: 'TEST_SESSION',
    methods: [
      'issue',
      'register',
      'isKnown',
      'lock',
      'guessBirthDate',
      'claim',
      'unclaim',
      'makeVoid',
      'peek',
      'open',
      'read',
      'keep',
      'takeTan',
      'beginForgetting',
      'forget',
      'grant',
      'granted',
      'grantedSessions',
      'revoke',
      'endCards',
      'batchUses',
    ],
  },
  TanLedger: {
    binding: 'TAN_LEDGER',
    methods: [
      'issue',
      'reserve',
      'reserveCertificate',
      'commit',
      'release',
      'status',
      'standing',
      'withdraw',
      'withdrawIssues',
      'forgetExpired',
    ],
  },
  CredentialDesk: {
    binding: 'CREDENTIAL_DESK',
    methods: [
      'take',
      'revoke',
      'revokeIssues',
      'revoked',
      'keepPeerList',
      'peerList',
      'directoryHead',
      'keepDirectoryHead',
    ],
  },
  CodeStore: {
    binding: 'CODE_STORE',
    methods: [
      'terms',
      'issue',
      'claim',
      'certify',
      'certificateSource',
      'ownCodes',
      'codeStatus',
      'expireCode',
      'cancelCode',
      'sentBefore',
      'beginSending',
      'markSent',
      'endIssues',
      'codeBook',
      'setQuota',
      'quotas',
      'addApiKey',
      'apiKeys',
      'holdingKey',
      'revokeApiKey',
      'failedGuesses',
    ],
  },
  CodeDesk: {
    binding: 'CODE_DESK',
    methods: [
      'bookTeleTan',
      'validTeleTan',
      'sessionOf',
      'markRevoked',
      'teleTansOf',
      'askBeyondQuota',
      'quotaRequests',
      'releaseQuota',
      'setQuota',
      'quotas',
      'bookBatch',
      'orderedBatch',
      'batchPage',
      'batch',
      'withdrawnFrom',
      'markWithdrawn',
      'issueOf',
      'issueOfToday',
      'isIssueOver',
      'batchesOf',
      'issuesOf',
      'sourcesOf',
      'endIssues',
      'countFailedGuesses',
      'failedGuesses',
    ],
  },
};

/** Methods of each entrypoint, by the Worker that is bound to it. */
const SERVICES: Readonly<
  Record<string, { readonly caller: string; readonly binding: string; readonly methods: readonly string[] }>
> = {
  Redeem: {
    caller: 'exposure-edge-upload',
    binding: 'REDEEM',
    methods: ['reserve', 'reserveCertificate', 'commit', 'release'],
  },
  Intake: {
    caller: 'exposure-edge-upload',
    binding: 'INTAKE',
    methods: ['accept', 'resolve', 'policy', 'known', 'withdraw'],
  },
  Policy: { caller: VERIFICATION, binding: 'POLICY', methods: ['policy'] },
  Results: { caller: VERIFICATION, binding: 'RESULTS', methods: ['resultOf', 'forget'] },
};

const SCRIPT = `import { RpcTarget, WorkerEntrypoint } from 'cloudflare:workers';
let delay = null;
let waiting = 0;
const seen = new Set();
async function over(hop, call) {
  seen.add(hop);
  const isSlow = delay !== null && delay.hop === hop && waiting++ % delay.every === 0;
  const { when, ms } = delay ?? {};
  const wait = () => new Promise((done) => setTimeout(done, ms));
  if (isSlow && when === 'before') await wait();
  const reply = await call();
  if (isSlow && when === 'after') await wait();
  return reply;
}
const real = Symbol('real');
function slowObject(name, methods) {
  class Slow extends RpcTarget {}
  for (const method of methods) {
    Slow.prototype[method] = function (...args) { return over(name + '.' + method, () => this[real][method](...args)); };
  }
  return (stub) => Object.assign(new Slow(), { [real]: stub });
}
function slowNamespace(name, binding, methods) {
  const around = slowObject(name, methods);
  return class extends WorkerEntrypoint {
    getByName(id) { return around(this.env[binding].getByName(id)); }
  };
}
function slowService(name, binding, methods) {
  const Service = class extends WorkerEntrypoint {};
  for (const method of methods) {
    Service.prototype[method] = function (...args) { return over(name + '.' + method, () => this.env[binding][method](...args)); };
  }
  return Service;
}
${Object.entries(OBJECTS)
  .map(
    ([name, { binding, methods }]) =>
      `export const ${name} = slowNamespace('${name}', '${binding}', ${JSON.stringify(methods)});`,
  )
  .join('\n')}
${Object.entries(SERVICES)
  .map(
    ([name, { binding, methods }]) =>
      `export const ${name} = slowService('${name}', '${binding}', ${JSON.stringify(methods)});`,
  )
  .join('\n')}
export default {
  async fetch(request) {
    if (request.method === 'PUT') { delay = await request.json(); waiting = 0; }
    return Response.json([...seen]);
  },
};`;

type Bindings = Readonly<Record<string, unknown>>;

/** @param worker options of one Worker @returns its bindings of a kind */
const bindingsOf = (worker: LegacyWorkerOptions, kind: 'serviceBindings' | 'durableObjects'): Bindings =>
  (worker as unknown as Record<string, Bindings | undefined>)[kind] ?? {};

/**
 * Puts the slow wire in, for `adapt` of the local edge.
 *
 * @param workers all Workers of the edge
 * @returns the same, one more
 */
export function withSlowWire(workers: LegacyWorkerOptions[]): LegacyWorkerOptions[] {
  const services: Record<string, unknown> = {};
  const adapted = workers.map((worker) => {
    const between: Record<string, unknown> = {};
    for (const [entrypoint, { caller, binding }] of Object.entries(SERVICES)) {
      if (worker.name !== caller) continue;
      services[binding] = bindingsOf(worker, 'serviceBindings')[binding];
      between[binding] = { name: NAME, entrypoint };
    }
    const serviceBindings = { ...bindingsOf(worker, 'serviceBindings'), ...between };
    if (worker.name !== VERIFICATION) return { ...worker, serviceBindings };
    const durableObjects = { ...bindingsOf(worker, 'durableObjects') };
    for (const [entrypoint, { binding }] of Object.entries(OBJECTS)) {
      // The Worker that has the class must name it; it calls it by the wire.
      durableObjects[`OWN_${binding}`] = durableObjects[binding];
      delete durableObjects[binding];
      Object.assign(serviceBindings, { [binding]: { name: NAME, entrypoint } });
    }
    return { ...worker, serviceBindings, durableObjects };
  });
  const wire = {
    name: NAME,
    modules: [{ type: 'ESModule', path: `${NAME}.js`, contents: SCRIPT }],
    compatibilityDate: workers[0]?.compatibilityDate,
    serviceBindings: services,
    durableObjects: Object.fromEntries(
      Object.entries(OBJECTS).map(([className, { binding }]) => [
        binding,
        { className, scriptName: VERIFICATION, useSQLite: true },
      ]),
    ),
    routes: [`*${PATH}`],
  };
  return [...adapted, wire] as LegacyWorkerOptions[];
}

/** @param url of the edge @param delay what waits from now on, or null */
export async function setDelay(url: string, delay: Delay | null): Promise<void> {
  await fetch(new URL(PATH, url), { method: 'PUT', body: JSON.stringify(delay) });
}

/** @param url of the edge @returns every kind of call that came over the wire since it was started, sorted */
export async function hopsSeen(url: string): Promise<string[]> {
  const answer = await fetch(new URL(PATH, url));
  return ((await answer.json()) as string[]).toSorted((a, b) => (a < b ? -1 : 1));
}
