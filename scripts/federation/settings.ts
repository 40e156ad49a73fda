/**
 * @module What a backend of a federation on this machine is started with: variables by which it differs from wrangler.toml's, and what its
 * consumer shows to whom.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backendFiles, type BackendPlan, directoryFiles, type FederationPlan, readIssued } from './plan.ts';
import { HINT_PATH } from '../../domain/federation/hint.ts';
import { ALL_TO_ALL } from '../../protocol/feed/names.ts';

/** Variables: environment → name → value. */
type Vars = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Of one backend, as its process reads them. */
export interface BackendSettings {
  readonly id: string;
  /** Absolute. */
  readonly state: string;
  readonly port: number;
  readonly vars: Vars;
  readonly front: {
    readonly port: number;
    readonly certificate: string;
    readonly key: string;
    readonly clientRoots: string;
  };
  /** By the name of its certificate binding. */
  readonly certificates: Readonly<
    Record<string, { readonly cert: string; readonly key: string; readonly ca?: string }>
  >;
  /** The log's folder, which its bucket has a copy of. */
  readonly directory: string;
  /** Workers that its parent has bundled. */
  readonly bundles: string;
  /** Regions that its consumer reads. */
  readonly peers: readonly string[];
  /** How often its consumer is asked whether a peer is due; null: by its alarms, on real time, and its parent alone. */
  readonly pollMs: number | null;
}

/** Name of the certificate binding with which a backend calls its peers. */
const CERTIFICATE_BINDING = 'PEER_CERTIFICATE';
/** The same for the European gateway, and its name among the peers: that of no country. */
const GATEWAY_BINDING = 'EFGS_CERTIFICATE';
const GATEWAY = 'EU';
/** As in wrangler.toml. */
export const EXPORT_KEY_VERSION = 'v1';

/** A gateway that the backends shall use: ours (`npm run efgs-gateway`) or another. */
interface GatewaySettings {
  /** Base of its paths, without a slash at the end. */
  readonly url: string;
  /** With files named as `npm run efgs-gateway` names them; a region without them there isn't a member. */
  readonly folder: string;
  /** Days that it keeps batches. */
  readonly maxAgeDays: number;
}

/** What makes a backend differ from one that has nothing but its peers. */
export interface MoreSettings {
  readonly vars?: Vars;
  readonly gateway?: GatewaySettings;
  /** Alarms run on real time, so that a local clock that is moved brings no poll; this does. Default: nothing does. */
  readonly pollMs?: number;
}

/** @returns the id under which a region's exports are signed */
export const exportKeyId = ({ id }: Pick<BackendPlan, 'id'>): string => `gaen.${id.toLowerCase()}`;

/** A peer as the consumer is configured (domain/federation/peer.ts); its keys are those of the directory, asked at each poll. */
const peerConfig = (own: BackendPlan, { id, cluster, feedPort }: BackendPlan) => ({
  RegionID: id,
  RemoteRegionURL: `https://127.0.0.1:${feedPort}`,
  ReplicationType: cluster === own.cluster ? 'a2a' : 'partial',
  // Whoever is of another cluster is of another vendor: what both speak is DP-3T's.
  Format: cluster === own.cluster ? 'exposure-edge' : 'dp3t',
  VerificationKeys: null,
  TLSConsumerCertificate: CERTIFICATE_BINDING,
  HintURL: `https://127.0.0.1:${feedPort}${HINT_PATH}`,
});

/** @returns how a backend is configured with the gateway (durable-objects/peer-desk/config.ts); null: it isn't a member there */
function memberAt({ url, folder, maxAgeDays }: GatewaySettings, { id }: BackendPlan, others: readonly BackendPlan[]) {
  const file = (name: string): string => join(folder, name);
  const pem = (name: string): string => readFileSync(file(name), 'utf8');
  if (!existsSync(file(`${id}-authentication.pem`))) return null;
  // A gateway whose certificate authorities everybody trusts has no such file.
  const ca = existsSync(file('server.pem')) ? { ca: pem('server.pem') } : {};
  const settings = {
    anchor: pem('trust-anchor.pem'),
    maxAgeDays,
    visitedCountries: others.map((other) => other.id),
  };
  return {
    peers: [
      {
        RegionID: GATEWAY,
        RemoteRegionURL: url,
        ReplicationType: 'partial',
        Format: 'efgs',
        VerificationKeys: null,
        TLSConsumerCertificate: GATEWAY_BINDING,
      },
    ],
    vars: {
      EFGS_SETTINGS: JSON.stringify(settings),
      EFGS_SIGNING_CERTIFICATE: pem(`${id}-signing.pem`),
      EFGS_SIGNING_KEY: pem(`${id}-signing-key.pem`),
    },
    certificates: {
      [GATEWAY_BINDING]: { cert: pem(`${id}-authentication.pem`), key: pem(`${id}-authentication-key.pem`), ...ca },
    },
  };
}

/**
 * @param plan of all
 * @param own of whom
 * @param more see {@link MoreSettings}
 * @returns see {@link BackendSettings}
 */
export function settingsOf(
  { dir, backends }: FederationPlan,
  own: BackendPlan,
  { vars: more = {}, gateway, pollMs }: MoreSettings = {},
): BackendSettings {
  const files = backendFiles(own);
  const others = backends.filter(({ id }) => id !== own.id);
  const feedUrl = `https://127.0.0.1:${own.feedPort}`;
  const feeds = [
    ...(others.some(({ cluster }) => cluster === own.cluster) ? [ALL_TO_ALL] : []),
    ...others.map(({ id }) => id),
  ].join(',');
  const policy = JSON.stringify(JSON.parse(readFileSync(directoryFiles(dir).policy, 'utf8')));
  const member = gateway === undefined ? null : memberAt(gateway, own, others);
  const home = { HOME_COUNTRY: own.id };
  const vars: Record<string, Readonly<Record<string, string>>> = {
    upload: home,
    config: home,
    index: { REGIONS: `${own.id},EUR` },
    origin: {
      ...home,
      EXPORT_KEY_ID: exportKeyId(own),
      EXPORT_KEY_VERSION,
      PEER_FEEDS: feeds,
      // A gateway's countries are the same backends.
      IMPORT_REGIONS: others.map(({ id }) => id).join(','),
      FEED_URL: feedUrl,
    },
    // Phase II with each: positive tests of people of one region, made in another (docs/credential.md).
    verification: {
      ...home,
      VERIFICATION_URL: `http://127.0.0.1:${own.port}`,
      CREDENTIAL_PEERS: others.map(({ id }) => id).join(','),
      DIRECTORY_POLICY: policy,
    },
    federation: {
      ...home,
      PEER_FEEDS: feeds,
      FEED_URL: feedUrl,
      PEERS: JSON.stringify([...others.map((peer) => peerConfig(own, peer)), ...(member?.peers ?? [])]),
      ...member?.vars,
      DIRECTORY_POLICY: policy,
    },
  };
  for (const [environment, values] of Object.entries(more)) vars[environment] = { ...vars[environment], ...values };
  const server = readIssued(files.server);
  const client = readIssued(files.client);
  return {
    id: own.id,
    state: files.state,
    port: own.port,
    vars,
    front: {
      port: own.feedPort,
      certificate: server.chain,
      key: server.key,
      clientRoots: readIssued(directoryFiles(dir).root).chain,
    },
    certificates: {
      [CERTIFICATE_BINDING]: {
        cert: client.chain,
        key: client.key,
        ca: others.map((one) => readIssued(backendFiles(one).server).chain).join(''),
      },
      ...member?.certificates,
    },
    directory: directoryFiles(dir).log,
    bundles: directoryFiles(dir).bundles,
    peers: [...others.map(({ id }) => id), ...(member === null ? [] : [GATEWAY])],
    pollMs: pollMs ?? null,
  };
}
