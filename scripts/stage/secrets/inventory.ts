/** @module Which secrets a stage has: those that `wrangler.toml` requires of each Worker, those that a setting of the stage asks for, and the halves that no Worker ever holds. */
import { isPublicKey, otherHalfOf, secretFault } from '../../../local-edge/draw-secrets.ts';
import { readEnvironments } from '../../../local-edge/workers.ts';
import type { WorkerName } from '../file/vars.ts';
import type { Stage } from '../file/stage.ts';

/** Drawn by nobody here: others issue them. */
const BROUGHT = ['EFGS_SIGNING_CERTIFICATE', 'EFGS_SIGNING_KEY'] as const;
/** Set while a rotation is under way, and taken away after it; never drawn by `init`. */
const OPTIONAL: Readonly<Partial<Record<WorkerName, readonly string[]>>> = {
  origin: ['EXPORT_FORMER_SIGNING_KEY', 'CONFIG_FORMER_SIGNING_KEY', 'MANIFEST_FORMER_PUBLIC_KEY'],
};
/** Two of the public keys that Workers hold are of keys that are kept apart, one in shares. */
export const OFFLINE_KEYS = ['RESTORE_PUBLIC_KEY', 'UNDO_PUBLIC_KEY', 'LABORATORY_LIST_PUBLIC_KEY'] as const;
/** A gateway's secret is at least so long (workers/verification/sms/config.ts). */
const MIN_WEBHOOK_SECRET = 12;

/** Whose names are what `wrangler.toml` requires; `[env.<worker>]` → secrets. */
function requiredSecrets(): ReadonlyMap<WorkerName, readonly string[]> {
  return new Map(readEnvironments().map(({ environment, secrets }) => [environment as WorkerName, secrets]));
}

/**
 * @param stage see {@link Stage}
 * @returns every secret that its Workers need, in the order of `wrangler.toml`, each once
 */
export function neededSecrets(stage: Stage): readonly string[] {
  const required = [...requiredSecrets().values()].flat();
  return [...new Set([...required, ...(readsGateway(stage) ? BROUGHT : [])])];
}

const readsGateway = ({ federation }: Stage): boolean =>
  federation.peers !== '' &&
  (JSON.parse(federation.peers) as readonly { readonly Format: string }[]).some(({ Format }) => Format === 'efgs');

/** @param name of a secret @returns whether somebody else must give it */
export const isBrought = (name: string): boolean => BROUGHT.some((brought) => brought === name);

/**
 * @param stage see {@link Stage}
 * @param worker environment of wrangler.toml
 * @param all every secret of the stage, by name
 * @returns those that this Worker is given
 */
export function secretsOf(
  stage: Stage,
  worker: WorkerName,
  all: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const names = [
    ...(requiredSecrets().get(worker) ?? []),
    ...(OPTIONAL[worker] ?? []),
    ...(worker === 'federation' && readsGateway(stage) ? BROUGHT : []),
  ];
  return Object.fromEntries(names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
}

/** @param name of a secret @param value what somebody brings for it @returns the rule that it breaks, or null; never the value */
export function broughtFault(name: string, value: string): string | null {
  if (name === 'EFGS_SIGNING_CERTIFICATE')
    return /BEGIN CERTIFICATE/.test(value) ? null : 'must be a certificate in PEM';
  if (name === 'EFGS_SIGNING_KEY')
    return /BEGIN PRIVATE KEY/.test(value) ? null : 'must be a private key in PEM (PKCS#8)';
  if (name === 'SMS_WEBHOOK_SECRET') {
    const isRing = value.split(',').every(({ length }) => length >= MIN_WEBHOOK_SECRET);
    return isRing ? null : `must have ${MIN_WEBHOOK_SECRET} characters or more`;
  }
  return secretFault(name, value);
}

/** @param name `EXPORT_SIGNING_KEY` @returns the name of its public half's file, `export.pem`; null: it has none that anybody reads */
export function publicFileOf(name: string): string | null {
  if (name.startsWith('EFGS_') || name.includes('_FORMER_')) return null;
  const [, stem] = /^(.+?)(?:_LIST)?_(?:SIGNING|PUBLIC)_KEY$/.exec(name) ?? [];
  return stem === undefined ? null : `${stem.toLowerCase()}.pem`;
}

/** @param name of a public key that a Worker is given @returns files of its other half below `offline/`, one a keeper's share */
export function offlineFilesOf(name: (typeof OFFLINE_KEYS)[number]): readonly string[] {
  if (name === 'UNDO_PUBLIC_KEY') return ['undo-share-1.age', 'undo-share-2.age'];
  return [`${otherHalfOf(name).toLowerCase().replaceAll('_', '-')}.age`];
}

/** @param name of a secret @returns whether its other half is kept offline */
export const isOfflineKey = (name: string): name is (typeof OFFLINE_KEYS)[number] =>
  isPublicKey(name) && OFFLINE_KEYS.some((key) => key === name);
