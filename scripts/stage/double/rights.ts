/**
 * @module Names of the API token permissions that calls need, as Cloudflare's page "API token permissions" has them
 * (developers.cloudflare.com/fundamentals/api/reference/permissions). Reading with a right to write is allowed; the double asks for the one
 * that a stage's token must have anyway.
 */
export const RIGHTS = {
  workers: 'Workers Scripts Write',
  routes: 'Workers Routes Write',
  buckets: 'Workers R2 Storage Write',
  account: 'Account Settings Read',
  zone: 'Zone Read',
  dns: 'DNS Read',
  waf: 'Zone WAF Write',
  transforms: 'Transform Rules Write',
  cacheRules: 'Cache Rules Write',
  zoneSettings: 'Zone Settings Write',
  certificates: 'SSL and Certificates Write',
  accountCertificates: 'Account: SSL and Certificates Write',
  accessApps: 'Access: Apps and Policies Write',
  accessTokens: 'Access: Service Tokens Write',
  accessCertificates: 'Access: Mutual TLS Certificates Write',
  accessOrganization: 'Access: Organizations, Identity Providers, and Groups Read',
} as const;
