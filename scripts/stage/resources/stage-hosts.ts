/** @module Which host of a stage leads to which Worker. Pure. */
import type { StageOfResources } from './stage-part.ts';
import { type RoutedWorker, workerName } from './names.ts';
import { CONFIG_PREFIXES } from './paths.ts';

type Hosts = Pick<StageOfResources, 'hosts' | 'country'>;

/** @returns the host of links: `https://<country>.<links>/v` */
export const linkHost = ({ hosts, country }: Hosts): string | null =>
  hosts.links === null ? null : `${country.toLowerCase()}.${hosts.links}`;

/** @returns each host that answers, by its field in the stage's file */
export function hostFields(stage: Hosts): [field: keyof StageOfResources['hosts'], host: string][] {
  const fields = { ...stage.hosts, links: linkHost(stage) };
  return Object.entries(fields).flatMap(([field, host]): [keyof typeof fields, string][] =>
    host === null ? [] : [[field as keyof typeof fields, host]],
  );
}

/** @returns hosts that phones, laboratories, peers and servers of others come to: no sign-in may stand before them */
export const openHosts = (stage: Hosts): string[] =>
  hostFields(stage).flatMap(([field, host]) => (field === 'portal' ? [] : [host]));

const WORKER_OF: Readonly<Record<keyof StageOfResources['hosts'], RoutedWorker>> = {
  submission: 'upload',
  keys: 'index',
  config: 'config',
  verification: 'verification',
  laboratories: 'laboratory',
  peers: 'federation',
  portal: 'portal',
  // By a professional's card instead of Access.
  cards: 'portal',
  // The same Worker as the portal's: by this host the administrators' API alone answers (docs/verification-codes.md).
  codes: 'portal',
  links: 'verification',
};

/** Workers that hosts lead to. */
export const ROUTED_WORKERS: readonly RoutedWorker[] = [...new Set(Object.values(WORKER_OF))];

/** @returns hosts that are custom domains of a Worker → its name; the host of keys isn't, where the bucket serves by itself */
export function workerDomains(stage: StageOfResources): Map<string, string> {
  const fields = hostFields(stage).filter(([field]) => field !== 'keys' || stage.download === 'worker');
  return new Map(fields.map(([field, host]) => [host, workerName(stage, WORKER_OF[field])]));
}

/** @returns routes of `config` on the host of keys: both apps of CWA's kind know one distribution host */
export function configRoutes(stage: StageOfResources): Map<string, string> {
  const { keys, config } = stage.hosts;
  if (config !== null) return new Map();
  return new Map(CONFIG_PREFIXES.map((prefix) => [`${keys}${prefix}*`, workerName(stage, 'config')]));
}
