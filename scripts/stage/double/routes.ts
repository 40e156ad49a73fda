/**
 * @module All routes of the double.
 */
import type { Route } from './router.ts';
import { ACCOUNT_ROUTES } from './routes/account.ts';
import { ACCESS_CREDENTIAL_ROUTES } from './routes/access-credentials.ts';
import { ACCESS_TOKEN_SECRET_ROUTES } from './routes/access-token-secrets.ts';
import { ACCESS_ROUTES } from './routes/access.ts';
import { BUCKET_RULE_ROUTES } from './routes/bucket-rules.ts';
import { BUCKET_ROUTES } from './routes/buckets.ts';
import { CERTIFICATE_ROUTES } from './routes/certificates.ts';
import { DOMAIN_ROUTES } from './routes/domains.ts';
import { RULESET_ROUTES } from './routes/rulesets.ts';
import { SECRET_ROUTES } from './routes/secrets.ts';
import { SCRIPT_ROUTES } from './routes/scripts.ts';
import { VERSION_ROUTES } from './routes/versions.ts';
import { ZONE_SETTING_ROUTES } from './routes/zone-settings.ts';

/** In no order: no two fit one call. */
export const ROUTES: readonly Route[] = [
  ...ACCOUNT_ROUTES,
  ...ACCESS_CREDENTIAL_ROUTES,
  ...ACCESS_TOKEN_SECRET_ROUTES,
  ...ACCESS_ROUTES,
  ...BUCKET_RULE_ROUTES,
  ...BUCKET_ROUTES,
  ...CERTIFICATE_ROUTES,
  ...DOMAIN_ROUTES,
  ...RULESET_ROUTES,
  ...SCRIPT_ROUTES,
  ...SECRET_ROUTES,
  ...VERSION_ROUTES,
  ...ZONE_SETTING_ROUTES,
];
