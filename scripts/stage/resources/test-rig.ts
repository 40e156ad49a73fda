/** @module A stage as tests have it, an account on a double of the API, and hands that edit it as somebody would in the dashboard. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Double, type Fault, startDouble } from '../double/double.ts';
import { type Context, type Vault, openContext } from './context.ts';
import type { StageOfResources } from './stage-part.ts';

/** Everything that a stage can have: peers, codes, links. */
export const STAGE: StageOfResources = {
  name: 'demo',
  jurisdiction: 'eu',
  country: 'DE',
  regions: ['DE', 'EUR'],
  zone: 'example.org',
  hosts: {
    submission: 'submission.example.org',
    keys: 'keys.example.org',
    config: null,
    cards: null,
    verification: 'verification.example.org',
    laboratories: 'laboratories.example.org',
    peers: 'peers.example.org',
    portal: 'portal.example.org',
    codes: 'codes.example.org',
    links: 'en.example.org',
  },
  staff: {
    authorityName: 'Example Health Authority',
    authorityTelephone: '0800 555 0100',
    appName: 'Example Warn App',
    timeZone: 'Europe/Berlin',
    deploymentName: '',
    cardRoots: [],
  },
  download: 'worker',
  access: {
    team: 'example',
    staff: ['group Health office', '@health.example.org'],
    operators: ['anna@example.org', 'ben@example.org'],
    sessionHours: 12,
    rolesClaim: 'roles',
    providerClaim: 'provider',
    services: [{ name: 'nightly', person: 'anna@example.org' }],
  },
  laboratories: { listPublicKey: null, listKeyId: 'laboratories-v1', rootCertificates: [] },
  federation: {
    feeds: [],
    importRegions: [],
    peers: '',
    efgsSettings: '',
    directoryPolicy: '',
    clientRoots: [],
    certificates: [],
  },
  workers: { prefix: 'exposure-edge' },
};

/** Sealed texts by name and id; what they say, for tests that look whether nothing else does. */
export interface MemoryVault extends Vault {
  readonly sealed: ReadonlyMap<string, string>;
}

/** @returns a vault that keeps what it is given in this process */
export function memoryVault(): MemoryVault {
  const sealed = new Map<string, string>();
  return {
    sealed,
    has: (name, id) => Promise.resolve(sealed.has(`${name} ${id}`)),
    seal(name, id, text) {
      sealed.set(`${name} ${id}`, text);
      return Promise.resolve();
    },
  };
}

/** An account, and what a test does with it. */
export interface Rig extends AsyncDisposable {
  readonly double: Double;
  readonly vault: MemoryVault;
  /** @returns a context, with another token or stage where given */
  open(changes?: {
    readonly stage?: StageOfResources;
    readonly token?: string;
    readonly retries?: number;
  }): Promise<Context>;
}

/** Workers that hosts lead to; nothing here runs them. */
const WORKERS = ['upload', 'index', 'config', 'verification', 'laboratory', 'federation', 'portal'];

/** @returns an account with its zone and the names of Workers, on a free port */
export async function startRig(faults: readonly Fault[] = []): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'resources-'));
  const double = await startDouble({ state: folder, faults, zones: ['example.org'] });
  for (const worker of WORKERS) {
    double.store.account.workers[`exposure-edge-${worker}`] = { versions: [], deployments: [] } as never;
  }
  double.store.save();
  const vault = memoryVault();
  return {
    double,
    vault,
    open: ({ stage = STAGE, token = double.token, retries = 2 } = {}) =>
      openContext({ stage, account: { id: double.accountId, apiBase: double.apiBase, token }, vault, retries }),
    async [Symbol.asyncDispose]() {
      await double.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
