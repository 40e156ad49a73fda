/**
 * @module What `portal` is given (wrangler.toml, docs/architecture.md §2): back offices by RPC, an object of its own for staff.
 */
import type { LaboratoryBackOfficeRpc, OriginBackOfficeRpc, VerificationBackOfficeRpc } from '../../domain/rpc.ts';
import type { StaffRoom } from '../../durable-objects/staff-room/staff-room.ts';
import { type Certificate, readCertificate } from '../shared/certificates/certificate.ts';
import { validateAuthority } from '../shared/certificates/path.ts';
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
  readonly staffRoots: readonly Certificate[];
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

/** @param pems certificates in PEM, one after the other @returns each of them, or null when one of them is none */
export function certificatesInPem(pems: string): Certificate[] | null {
  const certificates = (pems.match(PEM) ?? []).map((pem) => readCertificate(pem));
  return certificates.includes(null) ? null : certificates.filter((one) => one !== null);
}

function rootsIn(pems: string): Certificate[] {
  if (pems.trim() === '') return [];
  const roots = certificatesInPem(pems) ?? [];
  // Valid when it began: whether it still is, is asked at each sign-in.
  const isAuthority = (root: Certificate) =>
    validateAuthority(root, { intermediates: [], roots, now: root.notBefore }).ok;
  if (roots.length > 0 && roots.every((root) => isAuthority(root))) return roots;
  throw new ConfigError('STAFF_ROOTS', 'certificates of authorities in PEM are expected, or nothing');
}
