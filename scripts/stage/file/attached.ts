/** @module Files beside a stage's file, by the fields that name them: read, checked, and from then on part of the stage. */
import { parsePeers } from '../../../domain/federation/peer.ts';
import { readCertificate } from '../../../protocol/certificates/certificate.ts';
import { parsePolicy } from '../../../protocol/directory/policy.ts';
import { err, ok, type Result } from '../../../protocol/primitives/result.ts';
import { spkiFromPem } from '../../../protocol/signing.ts';
import type { StageProblem } from './problem.ts';
import type { StageTable } from './schema.ts';

/** A certificate's file, or a few in one. */
interface PemFile {
  /** As the stage names it. */
  readonly file: string;
  /** Certificates in PEM. */
  readonly pem: string;
}

/** The parts of a stage that come out of files beside it. */
export interface Attached {
  readonly laboratories: {
    /** SPKI PEM; null: `init` draws the pair. */
    readonly listPublicKey: string | null;
    readonly listKeyId: string;
    /** Authorities of laboratories' client certificates. */
    readonly rootCertificates: readonly PemFile[];
  };
  readonly authorities: {
    /** The signed document's text; null: none. */
    readonly document: string | null;
  };
  readonly staff: {
    readonly authorityName: string;
    readonly authorityTelephone: string;
    readonly appName: string;
    readonly timeZone: string;
    readonly deploymentName: string;
    /** Authorities of professionals' cards. */
    readonly cardRoots: readonly PemFile[];
  };
  readonly federation: {
    readonly feeds: readonly string[];
    readonly importRegions: readonly string[];
    /** JSON; empty: none. */
    readonly peers: string;
    readonly efgsSettings: string;
    readonly directoryPolicy: string;
    /** Authorities of peers' client certificates. */
    readonly clientRoots: readonly PemFile[];
    readonly certificates: readonly { readonly binding: string; readonly id: string }[];
  };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * @param table a file whose fields are each right for themselves
 * @param read a file's text by the name in the table; null: it isn't there
 * @returns the parts, or which field names a file that is missing or isn't what it must be
 */
export function attach(table: StageTable, read: (file: string) => string | null): Result<Attached, StageProblem[]> {
  const problems: StageProblem[] = [];
  const take = (field: string, file: string, fault: (text: string) => string | null): string => {
    const text = read(file);
    const rule = text === null ? 'must be a file beside this one: there is none' : fault(text);
    if (rule !== null) problems.push({ field, value: file, rule, near: null });
    return text ?? '';
  };
  const pems = (field: string, files: readonly string[]): PemFile[] =>
    files.map((file, n) => ({ file, pem: take(`${field}[${n}]`, file, certificateFault) }));
  const optional = (field: string, file: string | null, fault: (text: string) => string | null): string =>
    file === null ? '' : take(field, file, fault).trim();
  const { laboratories, authorities, staff, federation, country } = table;
  const value: Attached = {
    laboratories: {
      listPublicKey: optional('laboratories.list_public_key', laboratories.list_public_key, publicKeyFault) || null,
      listKeyId: laboratories.list_key_id,
      rootCertificates: pems('laboratories.root_certificates', laboratories.root_certificates),
    },
    authorities: { document: optional('authorities.document', authorities.document, jsonFault) || null },
    staff: {
      authorityName: staff.authority_name,
      authorityTelephone: staff.authority_telephone,
      appName: staff.app_name,
      timeZone: staff.time_zone,
      deploymentName: staff.deployment_name,
      cardRoots: pems('staff.card_roots', staff.card_roots),
    },
    federation: {
      feeds: federation.feeds,
      importRegions: federation.import_regions,
      peers: optional('federation.peers', federation.peers, (text) => faultIn(parsePeers(text, country))),
      efgsSettings: optional('federation.efgs_settings', federation.efgs_settings, jsonFault),
      directoryPolicy: optional('federation.directory_policy', federation.directory_policy, (text) =>
        faultIn(parsePolicy(text)),
      ),
      clientRoots: pems('federation.client_roots', federation.client_roots),
      certificates: federation.certificates,
    },
  };
  return problems.length === 0 ? ok(value) : err(problems);
}

const faultIn = (result: Result<unknown, string>): string | null =>
  result.ok ? null : `names a file where: ${result.error}`;

function certificateFault(text: string): string | null {
  if (/PRIVATE KEY/.test(text)) return 'names a file with a private key: certificates alone belong into it';
  const found = text.match(CERTIFICATE) ?? [];
  const isGood = found.length > 0 && found.every((pem) => readCertificate(pem) !== null);
  return isGood ? null : 'must be a file of certificates in PEM';
}

function publicKeyFault(text: string): string | null {
  try {
    spkiFromPem(text);
    return null;
  } catch {
    return 'must be a file with a P-256 public key in SPKI PEM';
  }
}

function jsonFault(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch {
    return 'must be a file of JSON';
  }
}
