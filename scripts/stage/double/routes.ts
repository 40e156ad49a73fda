/**
 * @module All routes of the double.
 */
import type { Route } from './router.ts';
import { ACCOUNT_ROUTES } from './routes/account.ts';
import { BUCKET_ROUTES } from './routes/buckets.ts';
import { DOMAIN_ROUTES } from './routes/domains.ts';
import { SECRET_ROUTES } from './routes/secrets.ts';
import { SCRIPT_ROUTES } from './routes/scripts.ts';
import { VERSION_ROUTES } from './routes/versions.ts';

/** In no order: no two fit one call. */
export const ROUTES: readonly Route[] = [
  ...ACCOUNT_ROUTES,
  ...BUCKET_ROUTES,
  ...DOMAIN_ROUTES,
  ...SCRIPT_ROUTES,
  ...SECRET_ROUTES,
  ...VERSION_ROUTES,
];
