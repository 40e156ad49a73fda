/**
 * @module Where Workers answer: custom domains and routes.
 */
import { paged, Refusal, type Reply, required, workerNamed } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import { type Account, type CustomDomain, newId, type Zone } from '../state.ts';
import { zoneOf } from './account.ts';

const DOMAINS = '/accounts/:account_id/workers/domains';
const ROUTES_PATH = '/zones/:zone_id/workers/routes';
const right = RIGHTS.workers;

interface DomainBody {
  readonly hostname: string;
  readonly service: string;
  readonly zone_id?: string;
  readonly zone_name?: string;
}

function zoneFor(account: Account, { hostname, zone_id: id, zone_name: name }: DomainBody): Zone {
  const zone = account.zones.find(
    (found) =>
      (id ?? found.id) === found.id &&
      (name ?? found.name) === found.name &&
      (hostname === found.name || hostname.endsWith(`.${found.name}`)),
  );
  return required(zone, new Refusal(400, 100_114, `Hostname '${hostname}' is in no zone of this account.`));
}

// A hostname with a record that somebody made is refused (https://github.com/cloudflare/workers-sdk/issues/9878: 409, 100117).
function requireFree(account: Account, zone: Zone, hostname: string): void {
  const records = zone.dnsRecords.some(({ name }) => name === hostname);
  const ofBucket = account.buckets.some(({ customDomains }) => customDomains.some(({ domain }) => domain === hostname));
  if (!records && !ofBucket) return;
  throw new Refusal(
    409,
    100_117,
    `Hostname '${hostname}' already has externally managed DNS records (A, CNAME, etc). Delete them first or try a different hostname.`,
  );
}

function attach({ account, body: sent }: Context): CustomDomain {
  const body = sent as DomainBody;
  workerNamed(account.workers, body.service);
  const zone = zoneFor(account, body);
  const before = account.domains.find(({ hostname }) => hostname === body.hostname);
  if (before !== undefined && before.service !== body.service) {
    throw new Refusal(409, 100_116, `Hostname '${body.hostname}' is already in use by Worker '${before.service}'.`);
  }
  if (before !== undefined) return before;
  requireFree(account, zone, body.hostname);
  const domain: CustomDomain = {
    id: newId(),
    hostname: body.hostname,
    service: body.service,
    environment: 'production',
    zone_id: zone.id,
    zone_name: zone.name,
    cert_id: crypto.randomUUID(),
    enabled: true,
    previews_enabled: false,
  };
  account.domains.push(domain);
  return domain;
}

function listDomains({ account, query }: Context): Reply {
  const found = account.domains.filter((domain) =>
    (['hostname', 'service', 'zone_id', 'zone_name', 'environment'] as const).every(
      (name) => (query[name] ?? domain[name]) === domain[name],
    ),
  );
  return paged(found, {});
}

const domainOf = ({ account, params }: Context): CustomDomain =>
  required(
    account.domains.find(({ id }) => id === params['domain']),
    new Refusal(404, 100_115, 'The domain does not exist.'),
  );

interface RouteBody {
  readonly pattern: string;
  readonly script?: string;
}

function requireRoute(context: Context, { pattern, script }: RouteBody, zone: Zone, id?: string): void {
  if (script !== undefined) workerNamed(context.account.workers, script);
  const [host = ''] = pattern.split('/');
  if (!host.endsWith(zone.name)) {
    throw new Refusal(400, 10_022, `workers.api.error.invalid_route_script: ${pattern} is not in zone ${zone.name}`);
  }
  if (zone.routes.some((route) => route.pattern === pattern && route.id !== id)) {
    throw new Refusal(409, 10_020, 'A route with the same pattern already exists.');
  }
}

function addRoute(context: Context): object {
  const zone = zoneOf(context);
  const body = context.body as RouteBody;
  requireRoute(context, body, zone);
  const route = { id: newId(), ...body };
  zone.routes.push(route);
  return route;
}

const routeOf = (context: Context): Zone['routes'][number] =>
  required(
    zoneOf(context).routes.find(({ id }) => id === context.params['route']),
    new Refusal(404, 10_008, 'The route does not exist.'),
  );

/** Custom domains and routes, as the library asks for them; a stage declares neither in wrangler's configuration. */
export const DOMAIN_ROUTES: readonly Route[] = [
  { method: 'GET', path: DOMAINS, right, params: 'DomainListParams', handle: listDomains },
  { method: 'PUT', path: DOMAINS, right, params: 'DomainUpdateParams', handle: attach },
  { method: 'GET', path: `${DOMAINS}/:domain`, right, handle: domainOf },
  {
    method: 'DELETE',
    path: `${DOMAINS}/:domain`,
    right,
    handle: (context) => {
      const gone = domainOf(context);
      context.account.domains = context.account.domains.filter((domain) => domain !== gone);
      return null;
    },
  },
  {
    method: 'GET',
    path: ROUTES_PATH,
    right: RIGHTS.routes,
    params: { query: ['page', 'per_page'] },
    handle: (context) => paged(zoneOf(context).routes, context.query),
  },
  { method: 'POST', path: ROUTES_PATH, right: RIGHTS.routes, params: 'RouteCreateParams', handle: addRoute },
  { method: 'GET', path: `${ROUTES_PATH}/:route`, right: RIGHTS.routes, handle: routeOf },
  {
    method: 'PUT',
    path: `${ROUTES_PATH}/:route`,
    right: RIGHTS.routes,
    params: 'RouteUpdateParams',
    handle: (context) => {
      const route = routeOf(context);
      requireRoute(context, context.body as RouteBody, zoneOf(context), route.id);
      return Object.assign(route, context.body);
    },
  },
  {
    method: 'DELETE',
    path: `${ROUTES_PATH}/:route`,
    right: RIGHTS.routes,
    handle: (context) => {
      const gone = routeOf(context);
      const zone = zoneOf(context);
      zone.routes = zone.routes.filter((route) => route !== gone);
      return { id: gone.id };
    },
  },
];
