/**
 * @module Names of the API token permissions that calls need, as Cloudflare's page "API token permissions" has them
 * (developers.cloudflare.com/fundamentals/api/reference/permissions). Reading with a right to write is allowed; the double asks for the one
 * that a stage's token must have anyway.
 */
export const RIGHTS = {
  workers: 'Account: Workers Scripts Write',
  buckets: 'Account: Workers R2 Storage Write',
  account: 'Account: Account Settings Read',
  accountCertificates: 'Account: SSL and Certificates Write',
  accessApps: 'Account: Access: Apps and Policies Write',
  accessTokens: 'Account: Access: Service Tokens Write',
  accessCertificates: 'Account: Access: Mutual TLS Certificates Write',
  accessOrganization: 'Account: Access: Organizations, Identity Providers, and Groups Read',
  routes: 'Zone: Workers Routes Write',
  zone: 'Zone: Zone Read',
  dns: 'Zone: DNS Read',
  waf: 'Zone: Zone WAF Write',
  transforms: 'Zone: Transform Rules Write',
  managedHeaders: 'Zone: Managed Headers Write',
  cacheRules: 'Zone: Cache Settings Write',
  configRules: 'Zone: Config Settings Write',
  zoneSettings: 'Zone: Zone Settings Write',
  certificates: 'Zone: SSL and Certificates Write',
} as const;
