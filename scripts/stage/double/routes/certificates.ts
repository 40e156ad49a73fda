/**
 * @module Certificate authorities of clients, for mTLS in the zone, and certificates that Workers call others with.
 */
import { X509Certificate } from 'node:crypto';
import { paged, Refusal, required } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import type { Json } from '../schemas/validate.ts';
import { newUuid, timestamp } from '../state.ts';

const CERTIFICATES = '/accounts/:account_id/mtls_certificates';
const right = RIGHTS.accountCertificates;

/**
 * @param pem a certificate, or a chain whose first counts
 * @param field for the refusal
 * @returns it, read
 * @throws Refusal when it isn't one
 */
export function readCertificate(pem: string, field: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new Refusal(400, 1408, `${field}: the certificate can't be read`);
  }
}

function upload({ account, body }: Context): Json {
  const sent = body as {
    readonly ca: boolean;
    readonly certificates: string;
    readonly name?: string;
    readonly private_key?: string;
  };
  const certificate = readCertificate(sent.certificates, 'certificates');
  if (sent.ca && !certificate.ca) throw new Refusal(400, 1408, 'certificates: it is no authority’s certificate');
  if (!sent.ca && sent.private_key === undefined) throw new Refusal(400, 1408, 'private_key: a leaf needs its key');
  const twin = account.mtlsCertificates.find((known) => known['certificates'] === sent.certificates);
  if (twin !== undefined) throw new Refusal(409, 1406, `the certificate was uploaded before, as ${String(twin['id'])}`);
  const made: Json = {
    id: newUuid(),
    name: sent.name,
    ca: sent.ca,
    certificates: sent.certificates,
    issuer: certificate.issuer,
    signature: 'SHA256',
    serial_number: certificate.serialNumber,
    expires_on: new Date(certificate.validTo).toISOString(),
    uploaded_on: timestamp(),
  };
  account.mtlsCertificates.push(made);
  return made;
}

const find = ({ account, params }: Context): Json =>
  required(
    account.mtlsCertificates.find(({ id }) => id === params['certificate']),
    new Refusal(404, 1404, 'the certificate does not exist'),
  );

const associations = ({ account, params }: Context): object[] => {
  const id = params['certificate'];
  const hosts = account.zones.flatMap(({ hostnameAssociations }) =>
    hostnameAssociations.filter((association) => association.mtls_certificate_id === id),
  );
  const bound = Object.values(account.workers).filter(({ versions }) =>
    versions[0]?.bindings.some((binding) => binding['certificate_id'] === id),
  );
  return [
    ...(hosts.length > 0 ? [{ service: 'api_shield', status: 'active' }] : []),
    ...(bound.length > 0 ? [{ service: 'workers', status: 'active' }] : []),
  ];
};

function remove(context: Context): Json {
  const gone = find(context);
  if (associations(context).length > 0) {
    throw new Refusal(400, 1415, 'the certificate is in use; remove its associations first');
  }
  context.account.mtlsCertificates = context.account.mtlsCertificates.filter((certificate) => certificate !== gone);
  return gone;
}

/** Certificates of mTLS. */
export const CERTIFICATE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: CERTIFICATES,
    right,
    params: { query: ['page', 'per_page'] },
    handle: ({ account, query }) => paged(account.mtlsCertificates, query),
  },
  { method: 'POST', path: CERTIFICATES, right, params: 'MTLSCertificateCreateParams', handle: upload },
  { method: 'GET', path: `${CERTIFICATES}/:certificate`, right, handle: find },
  { method: 'DELETE', path: `${CERTIFICATES}/:certificate`, right, handle: remove },
  {
    method: 'GET',
    path: `${CERTIFICATES}/:certificate/associations`,
    right,
    handle: (context) => {
      find(context);
      return associations(context);
    },
  },
];
