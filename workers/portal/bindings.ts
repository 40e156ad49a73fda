/**
 * @module What `portal` is given (wrangler.toml, docs/architecture.md §2): back offices by RPC, an object of its own for staff.
 */
import { X509Certificate } from 'node:crypto';
import type { LaboratoryBackOfficeRpc, OriginBackOfficeRpc, VerificationBackOfficeRpc } from '../../domain/rpc.ts';
import type { StaffRoom } from '../../durable-objects/staff-room/staff-room.ts';
import { ConfigError, text } from '../shared/env.ts';

/** Bindings as the platform hands them over. */
export interface PortalEnv {
  readonly VERIFICATION: VerificationBackOfficeRpc;
  readonly ORIGIN: OriginBackOfficeRpc;
  readonly LABORATORY: LaboratoryBackOfficeRpc;
  readonly STAFF_ROOM: DurableObjectNamespace<StaffRoom>;
  readonly STAFF_ROLES_CLAIM: string;
  readonly STAFF_PROVIDER_CLAIM: string;
  readonly OPERATOR_SERVICES: string;
  readonly STAFF_ROOTS: string;
}

/** The variables, parsed and checked. */
export interface PortalConfig {
  /** Dotted path of the roles in Access's identity. */
  readonly rolesClaim: string;
  /** Dotted path of the provider's name in Access's identity. */
  readonly providerClaim: string;
  /** Subjects of Access service tokens that may give operator commands. */
  readonly operatorServices: readonly string[];
  /** Roots of professionals' certificates; none: nobody gets in by certificate. */
  readonly staffRoots: readonly X509Certificate[];
}

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** @param env see {@link PortalEnv} @returns see {@link PortalConfig} @throws ConfigError naming the variable */
export function parsePortalConfig(env: PortalEnv): PortalConfig {
  const variables = { ...env };
  return {
    rolesClaim: text(variables, 'STAFF_ROLES_CLAIM'),
    providerClaim: text(variables, 'STAFF_PROVIDER_CLAIM'),
    operatorServices: env.OPERATOR_SERVICES.split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
    staffRoots: rootsIn(env.STAFF_ROOTS),
  };
}

function rootsIn(pems: string): X509Certificate[] {
  if (pems.trim() === '') return [];
  const blocks = pems.match(PEM) ?? [];
  try {
    const roots = blocks.map((pem) => new X509Certificate(pem));
    if (roots.length > 0 && roots.every((root) => root.ca)) return roots;
  } catch {
    // Said below.
  }
  throw new ConfigError('STAFF_ROOTS', 'certificates of authorities in PEM are expected, or nothing');
}
