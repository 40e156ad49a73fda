/**
 * @module What `portal` is given (wrangler.toml, docs/architecture.md §2): back offices by RPC, an object of its own for staff.
 */
import type { LaboratoryBackOfficeRpc, OriginBackOfficeRpc, VerificationBackOfficeRpc } from '../../domain/rpc.ts';
import type { CodesBackOfficeRpc } from '../../domain/rpc-codes.ts';
import type { FederationBackOfficeRpc } from '../../domain/rpc-federation.ts';
import type { SmsBackOfficeRpc } from '../../domain/rpc-sms.ts';
import type { DeskBatch, PeerStatus, ReleaseReply } from '../../durable-objects/peer-desk/contract.ts';
import type { StaffRoom } from '../../durable-objects/staff-room/staff-room.ts';
import { type Certificate, readCertificate } from '../../protocol/certificates/certificate.ts';
import { validateAuthority } from '../../protocol/certificates/path.ts';
import { ConfigError, text } from '../shared/env.ts';
import { isTimeZone } from './local-time.ts';

/** Bindings as the platform hands them over. */
export interface PortalEnv {
  readonly VERIFICATION: VerificationBackOfficeRpc & CodesBackOfficeRpc & SmsBackOfficeRpc;
  readonly ORIGIN: OriginBackOfficeRpc;
  readonly LABORATORY: LaboratoryBackOfficeRpc;
  readonly FEDERATION: FederationBackOfficeRpc<PeerStatus, ReleaseReply, DeskBatch>;
  readonly STAFF_ROOM: DurableObjectNamespace<StaffRoom>;
  readonly STAFF_ROLES_CLAIM: string;
  readonly STAFF_PROVIDER_CLAIM: string;
  readonly OPERATOR_SERVICES: string;
  readonly STAFF_ROOTS: string;
  readonly STAFF_TIME_ZONE: string;
  readonly AUTHORITY_NAME: string;
  readonly AUTHORITY_TELEPHONE: string;
  readonly APP_NAME: string;
  readonly DEPLOYMENT_NAME: string;
  readonly ADMIN_API_HOST: string;
}

/** Whom a card or flyer names: what a patient needs who finds it in a drawer. */
export interface Imprint {
  /** The health authority, 1 to 60 characters. */
  readonly authority: string;
  /** Where its hotline is reached, as people write numbers. */
  readonly telephone: string;
  /** The app's name, as stores have it, 1 to 30 characters. */
  readonly app: string;
}

/** The variables, parsed and checked. */
export interface PortalConfig {
  /** Dotted path of the roles in Access's identity. */
  readonly rolesClaim: string;
  /** Dotted path of the provider's name in Access's identity. */
  readonly providerClaim: string;
  /** Subject of each Access service token that may give operator commands → e-mail address of the person whose it is. */
  readonly operatorServices: ReadonlyMap<string, string>;
  /** Roots of professionals' certificates; none: nobody gets in by certificate. */
  readonly staffRoots: readonly Certificate[];
  /** IANA name of the zone whose times staff read. */
  readonly timeZone: string;
  readonly imprint: Imprint;
  /** What two persons type before anything is destroyed (docs/sunset.md); empty: nothing can be. */
  readonly deployment: string;
  /** Host of the administrators' API, without a port; null: there is none. */
  readonly adminApiHost: string | null;
}

/** What fits a card: two lines of small print, and one beside the code. */
const MAX_AUTHORITY = 60;
const MAX_APP = 30;
/** Digits as people group them, at least three of them (112). */
const TELEPHONE = /^(?=(?:\D*\d){3})\+?[0-9 ()/.–-]{3,30}$/;

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** @param env see {@link PortalEnv} @returns see {@link PortalConfig} @throws ConfigError naming the variable */
export function parsePortalConfig(env: PortalEnv): PortalConfig {
  const variables = { ...env };
  return {
    rolesClaim: text(variables, 'STAFF_ROLES_CLAIM'),
    providerClaim: text(variables, 'STAFF_PROVIDER_CLAIM'),
    operatorServices: servicesIn(env.OPERATOR_SERVICES),
    staffRoots: rootsIn(env.STAFF_ROOTS),
    timeZone: checked(variables, 'STAFF_TIME_ZONE', isTimeZone, 'the name of a time zone (IANA) is expected'),
    imprint: {
      authority: printed(variables, 'AUTHORITY_NAME', MAX_AUTHORITY),
      telephone: checked(
        variables,
        'AUTHORITY_TELEPHONE',
        (value) => TELEPHONE.test(value),
        'a telephone number is expected: digits, spaces and ( ) / . -, 3 to 30 characters',
        // No line ends within it.
      ).replaceAll(' ', '\u00a0'),
      app: printed(variables, 'APP_NAME', MAX_APP),
    },
    deployment: deploymentName(env.DEPLOYMENT_NAME),
    adminApiHost: env.ADMIN_API_HOST === '' ? null : hostIn(env.ADMIN_API_HOST),
  };
}

const HOST = /^(?=.{1,253}$)[a-z0-9-]+(\.[a-z0-9-]+)*$/;

function hostIn(host: string): string {
  if (HOST.test(host)) return host;
  throw new ConfigError('ADMIN_API_HOST', `a host name in lower case is expected, or nothing, got "${host}"`);
}

/** A name that can be typed, and is told apart from another stage's. */
const DEPLOYMENT = /^[A-Za-z0-9][A-Za-z0-9 ._-]{2,59}$/;

function deploymentName(name: string): string {
  if (name === '' || DEPLOYMENT.test(name)) return name;
  throw new ConfigError(
    'DEPLOYMENT_NAME',
    `3 to 60 letters, digits, spaces, . _ - are expected, or nothing, got "${name}"`,
  );
}

/** An e-mail address as Access has it, at most as long as an issuer's name. */
const ADDRESS = /^(?=.{3,100}$)[^\s=,@]+@[^\s=,@]+$/;
const SERVICE = /^([^\s=]{1,100})\s*=\s*(\S+)$/;

/** @returns whether it names a person: an e-mail address */
export const isAddress = (given: string): boolean => ADDRESS.test(given);

function servicesIn(value: string): ReadonlyMap<string, string> {
  const services = new Map<string, string>();
  for (const item of value.split(',').map((one) => one.trim())) {
    if (item === '') continue;
    const [, subject = '', person = ''] = SERVICE.exec(item) ?? [];
    if (!isAddress(person) || services.has(subject)) {
      throw new ConfigError(
        'OPERATOR_SERVICES',
        `subject=e-mail address of its owner is expected, each subject once, got "${item}"`,
      );
    }
    services.set(subject, person);
  }
  return services;
}

type Variables = Readonly<Record<string, unknown>>;

function checked(variables: Variables, name: string, isGood: (value: string) => boolean, rule: string): string {
  const value = text(variables, name);
  if (!isGood(value)) throw new ConfigError(name, `${rule}, got "${value}"`);
  return value;
}

/** What is printed in a line of a card. */
const printed = (variables: Variables, name: string, max: number): string =>
  checked(
    variables,
    name,
    (value) => value.trim() === value && value.length <= max && !/\p{C}/u.test(value),
    `1 to ${max} characters are expected, no control characters, no space at either end`,
  );

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
