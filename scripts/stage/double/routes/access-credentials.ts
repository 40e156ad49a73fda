/**
 * @module Cloudflare Access: service tokens, whose secret is told once, and authorities of client certificates.
 */
import { randomBytes } from 'node:crypto';
import { paged, Refusal } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import type { Json } from '../schemas/validate.ts';
import { timestamp } from '../state.ts';
import { ACCESS, changed, findIn, removeFrom, stamped } from './access-lists.ts';
import { readCertificate } from './certificates.ts';

const withoutSecret = (token: Json): Json => ({ ...token, client_secret: undefined });

function createToken({ account, body }: Context): Json {
  const { duration = '8760h' } = body as { readonly duration?: string };
  const made: Json = {
    ...stamped(body),
    duration,
    client_id: `${randomBytes(16).toString('hex')}.access`,
    expires_at: new Date(Date.now() + Number.parseInt(duration, 10) * 3_600_000).toISOString(),
  };
  account.accessServiceTokens.push(made);
  // Told once, and kept nowhere.
  return { ...made, client_secret: randomBytes(32).toString('hex') };
}

function refuseUsedToken({ account }: Context, gone: Json): void {
  const user = account.accessPolicies.find((policy) =>
    JSON.stringify(policy).includes(`"token_id":"${String(gone['id'])}"`),
  );
  if (user !== undefined) {
    throw new Refusal(
      400,
      12_130,
      `access.api.error.invalid_request: the token is used by policy ${String(user['name'])}`,
    );
  }
}

function createCertificate({ account, body }: Context): Json {
  const { certificate: pem, ...rest } = body as { readonly certificate: string } & Json;
  const certificate = readCertificate(pem, 'certificate');
  const made: Json = {
    ...stamped({ associated_hostnames: [], ...rest }),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    expires_on: new Date(certificate.validTo).toISOString(),
  };
  account.accessCertificates.push(made);
  return made;
}

function refuseHostnames(_: Context, gone: Json): void {
  if (((gone['associated_hostnames'] ?? []) as string[]).length > 0) {
    throw new Refusal(
      400,
      12_130,
      'access.api.error.invalid_request: the certificate has hostnames; remove them first',
    );
  }
}

function changeCertificate(context: Context): Json {
  return Object.assign(findIn('accessCertificates')(context), context.body, { updated_at: timestamp() });
}

function changeCertificateSettings({ account, body }: Context): Json[] {
  const { settings } = body as { readonly settings: Json[] };
  const hosts = new Set(settings.map(({ hostname }) => hostname));
  account.accessCertificateSettings = [
    ...account.accessCertificateSettings.filter(({ hostname }) => !hosts.has(hostname)),
    ...settings,
  ];
  return account.accessCertificateSettings;
}

const tokens = RIGHTS.accessTokens;
const certificates = RIGHTS.accessCertificates;

/** Service tokens and authorities. */
export const ACCESS_CREDENTIAL_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: `${ACCESS}/service_tokens`,
    right: tokens,
    params: 'ServiceTokenListParams',
    handle: ({ account, query }) =>
      paged(
        account.accessServiceTokens.filter(({ name }) => (query['name'] ?? name) === name),
        query,
      ),
  },
  {
    method: 'POST',
    path: `${ACCESS}/service_tokens`,
    right: tokens,
    params: 'ServiceTokenCreateParams',
    handle: createToken,
  },
  {
    method: 'GET',
    path: `${ACCESS}/service_tokens/:id`,
    right: tokens,
    handle: (context) => withoutSecret(findIn('accessServiceTokens')(context)),
  },
  {
    method: 'PUT',
    path: `${ACCESS}/service_tokens/:id`,
    right: tokens,
    params: 'ServiceTokenUpdateParams',
    handle: (context) => changed(findIn('accessServiceTokens')(context), context.body),
  },
  {
    method: 'DELETE',
    path: `${ACCESS}/service_tokens/:id`,
    right: tokens,
    handle: removeFrom('accessServiceTokens', refuseUsedToken),
  },
  {
    method: 'GET',
    path: `${ACCESS}/certificates`,
    right: certificates,
    params: { query: ['page', 'per_page'] },
    handle: ({ account, query }) => paged(account.accessCertificates, query),
  },
  {
    method: 'POST',
    path: `${ACCESS}/certificates`,
    right: certificates,
    params: 'CertificateCreateParams',
    handle: createCertificate,
  },
  {
    method: 'GET',
    path: `${ACCESS}/certificates/settings`,
    right: certificates,
    handle: ({ account }) => account.accessCertificateSettings,
  },
  {
    method: 'PUT',
    path: `${ACCESS}/certificates/settings`,
    right: certificates,
    params: 'SettingUpdateParams',
    handle: changeCertificateSettings,
  },
  { method: 'GET', path: `${ACCESS}/certificates/:id`, right: certificates, handle: findIn('accessCertificates') },
  {
    method: 'PUT',
    path: `${ACCESS}/certificates/:id`,
    right: certificates,
    params: 'CertificateUpdateParams',
    handle: changeCertificate,
  },
  {
    method: 'DELETE',
    path: `${ACCESS}/certificates/:id`,
    right: certificates,
    handle: removeFrom('accessCertificates', refuseHostnames),
  },
];
