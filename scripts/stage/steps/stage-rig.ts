/** @module For tests: a stage of its own on a double of its own, with real bundles, wrangler and the maker's library. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { loadSecrets } from '../../../local-edge/secrets.ts';
import { readEnvironments } from '../../../local-edge/workers.ts';
import { temporaryFolder } from '../../support/command-line/interrupt.ts';
import { type Double, startDouble } from '../double/double.ts';
import { stagePlaces, type StagePlaces } from '../file/places.ts';
import { readStage } from '../file/stage.ts';
import { clientOf } from '../resources/client.ts';
import type { Resource } from '../resources/resource.ts';
import type { Rollout } from './rollout.ts';

const TOML = `
account = "double"
jurisdiction = "eu"
country = "DE"
union = "EUR"
regions = ["DE", "EUR"]
zone = "example.org"
[hosts]
submission = "submission.example.org"
keys = "keys.example.org"
verification = "verification.example.org"
laboratories = "laboratories.example.org"
portal = "portal.example.org"
[access]
team = "example"
staff = ["@health.example.org"]
operators = ["anna@example.org", "ben@example.org"]
[laboratories]
list_key_id = "laboratories-v1"
[staff]
authority_name = "Example Health Authority"
authority_telephone = "0800 555 0100"
app_name = "Example Warn App"
[signing]
export_key_id = "262"
`;

/** A stage that tests bring up, change and break. */
export interface StageRig {
  readonly double: Double;
  readonly places: StagePlaces;
  /** Lines that runs have said. */
  readonly said: string[];
  /** Secrets by name, as the sealed file would have them; a test changes them. */
  readonly secrets: Record<string, string>;
  /** Resources of a run; a test sets them. */
  resources: readonly Resource[];
  edge: string | null;
  /** Changes the stage's file. */
  edit(from: string, to: string): void;
  /** Reads the file anew. @throws Error when it is wrong */
  rollout(commit?: string): Rollout;
  end(): Promise<void>;
}

/** @returns a stage `demo` whose account is empty but for its buckets */
export async function stageRig(): Promise<StageRig> {
  const folder = temporaryFolder('stage-rig');
  const places = stagePlaces('demo', folder.path);
  mkdirSync(dirname(places.file), { recursive: true });
  let toml = TOML;
  writeFileSync(places.file, toml);
  const drawn = join(folder.path, 'secrets');
  mkdirSync(drawn);
  const workers = readEnvironments();
  const secrets = { ...loadSecrets(drawn, workers) };
  const required = new Map(workers.map(({ environment, secrets: names }) => [environment, names]));
  const double = await startDouble({ state: places.double, zones: ['example.org'] });
  const said: string[] = [];
  const client = clientOf({ apiBase: double.apiBase, token: double.token }, 0);
  const rig: StageRig = {
    double,
    places,
    said,
    secrets,
    resources: [],
    edge: null,
    edit(from, to) {
      if (!toml.includes(from)) throw new Error(`the stage's file has no ${from}`);
      toml = toml.replace(from, to);
      writeFileSync(places.file, toml);
    },
    rollout(commit = '0123456789abcdef0123456789abcdef01234567') {
      const stage = readStage(places.file);
      if (!stage.ok) throw new Error(JSON.stringify(stage.error));
      const { accountId } = double;
      return {
        stage: stage.value,
        account: {
          id: accountId,
          zoneName: 'example.org',
          apiBase: double.apiBase,
          token: double.token,
          edge: rig.edge,
        },
        places,
        context: { stage: stage.value, accountId, client } as unknown as Rollout['context'],
        resources: rig.resources,
        secrets: {
          of: (worker) =>
            Object.fromEntries(
              (required.get(worker) ?? []).flatMap((name) =>
                secrets[name] === undefined ? [] : [[name, secrets[name]]],
              ),
            ),
          markKey: new Uint8Array(32).fill(7),
        },
        made: async () => ({}),
        commit,
        say: (line) => said.push(line),
      };
    },
    async end() {
      await double.stop();
      folder.remove();
    },
  };
  for (const name of ['public', 'private', 'feeds', 'directory']) {
    await client.r2.buckets.create({
      account_id: double.accountId,
      name: `exposure-edge-${name}`,
      'cf-r2-jurisdiction': 'eu',
    });
  }
  return rig;
}

/** What answers in place of deployed Workers, as the probes want it: it shows what an apply does with the answers. */
export interface EdgeStandIn {
  readonly url: string;
  /** `Cloudflare-Workers-Version-Overrides` of each request that had one. */
  readonly overrides: string[];
  /** Answers 500 to whoever asks for versions by name. */
  failsNewVersions: boolean;
  end(): Promise<void>;
}

const STATUS: Readonly<Record<string, number>> = {
  '/version/v1/tan': 201,
  '/version/v1/diagnosis-keys': 200,
  '/v1/publish': 401,
  '/api/v1/lab/results': 401,
  '/staff': 403,
};

/** @returns it, listening on loopback */
export async function edgeStandIn(): Promise<EdgeStandIn> {
  const server = createServer((request, response) => {
    const asked = request.headers['cloudflare-workers-version-overrides'];
    if (typeof asked === 'string') standIn.overrides.push(asked);
    response.statusCode = asked !== undefined && standIn.failsNewVersions ? 500 : (STATUS[request.url ?? ''] ?? 404);
    request.resume().once('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const standIn: EdgeStandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    overrides: [],
    failsNewVersions: false,
    async end() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return standIn;
}
