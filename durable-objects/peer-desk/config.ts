/** @module What a desk is given by the environment of `federation`, parsed at its first use. */
import { type EfgsSettings, readSettings } from '../../domain/federation/efgs/ports.ts';
import { isCallbackUrl } from '../../domain/federation/efgs/callback.ts';
import { parsePeers, type PeerConfig } from '../../domain/federation/peer.ts';
import { type DirectoryPolicy, parsePolicy } from '../../protocol/directory/policy.ts';
import { type BatchSigner, readBatchSigner } from '../../protocol/efgs/certificate.ts';
import * as z from 'zod';

const gatewaySchema = z.strictObject({
  /** PEM of the trust anchor's certificate. */
  anchor: z.string(),
  revoked: z.array(z.string()).default([]),
  maxAgeDays: z.number().default(2),
  /** The same for every key. */
  visitedCountries: z.array(z.string().regex(/^[A-Z]{2}$/)).max(64),
  callbackUrl: z.string().refine(isCallbackUrl).nullable().default(null),
  /** SHA-256 of the DER of the certificates by which the gateway shows itself when it calls, 64 lowercase hex digits. */
  callbackFingerprints: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .max(2)
    .default([]),
});

/** What of the gateway isn't in a {@link PeerConfig}. */
export interface GatewayConfig {
  readonly settings: EfgsSettings;
  readonly signer: BatchSigner;
  readonly visitedCountries: readonly string[];
  readonly callbackUrl: string | null;
}

export interface DeskConfig {
  readonly homeCountry: string;
  readonly peers: readonly PeerConfig[];
  /** null: the directory isn't read, and only peers with configured keys are. */
  readonly policy: DirectoryPolicy | null;
}

/** @param env of `federation` @throws Error naming the variable and the rule */
export function parseDeskConfig(env: Readonly<Record<string, unknown>>): DeskConfig {
  const text = (name: string): string => (typeof env[name] === 'string' ? env[name] : '');
  const homeCountry = text('HOME_COUNTRY');
  const peers = parsePeers(text('PEERS'), homeCountry);
  if (!peers.ok) throw new Error(`PEERS: ${peers.error}`);
  const policy = text('DIRECTORY_POLICY') === '' ? null : parsePolicy(text('DIRECTORY_POLICY'));
  if (policy?.ok === false) throw new Error(`DIRECTORY_POLICY: ${policy.error}`);
  return { homeCountry, peers: peers.value, policy: policy?.value ?? null };
}

/** @param env of `federation` @returns by which certificates the gateway may call: none where it isn't asked to, or the setting is wrong, which a poll says */
export function gatewayCallers(env: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    const { callbackUrl, callbackFingerprints } = gatewaySchema.parse(JSON.parse(String(env['EFGS_SETTINGS'])));
    return callbackUrl === null ? [] : callbackFingerprints;
  } catch {
    return [];
  }
}

/** @param env of `federation`: EFGS_SETTINGS, and two secrets @throws Error naming the variable and the rule; never a byte of the key */
export function parseGateway(env: Readonly<Record<string, unknown>>, peer: PeerConfig, country: string): GatewayConfig {
  const read = gatewaySchema.safeParse(
    JSON.parse(typeof env['EFGS_SETTINGS'] === 'string' ? env['EFGS_SETTINGS'] : '{}'),
  );
  if (!read.success) throw new Error(`EFGS_SETTINGS: ${read.error.issues[0]?.path.join('.') ?? ''}`);
  const { visitedCountries, callbackUrl, callbackFingerprints, ...rest } = read.data;
  // A gateway that is refused forgets the subscription, and nobody notices.
  if (callbackUrl !== null && callbackFingerprints.length === 0) throw new Error('EFGS_SETTINGS: callbackFingerprints');
  const settings = readSettings({ ...rest, baseUrl: peer.RemoteRegionURL, country });
  if (!settings.ok) throw new Error(`EFGS_SETTINGS: ${settings.error}`);
  const signer = readBatchSigner(String(env['EFGS_SIGNING_CERTIFICATE']), String(env['EFGS_SIGNING_KEY']));
  if (!signer.ok) throw new Error(`EFGS_SIGNING_CERTIFICATE, EFGS_SIGNING_KEY: ${signer.error}`);
  return { settings: settings.value, signer: signer.value, visitedCountries, callbackUrl };
}
