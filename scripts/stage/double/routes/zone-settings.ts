/**
 * @module What a zone has one of: managed transforms, tiered cache, hosts that ask for client certificates.
 */
import { Refusal, required } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import { timestamp } from '../state.ts';
import { zoneOf } from './account.ts';

/** Names that the platform has (developers.cloudflare.com/rules/transform/managed-transforms/reference). */
const REQUEST_TRANSFORMS = [
  'add_bot_protection_headers',
  'add_client_certificate_headers',
  'add_true_client_ip_headers',
  'add_visitor_location_headers',
  'add_waf_credential_check_status_header',
  'remove_visitor_ip_headers',
];
const RESPONSE_TRANSFORMS = ['add_security_headers', 'remove_x-powered-by_header'];
/** Of these two the platform lets one be on. */
const CONFLICT = ['add_true_client_ip_headers', 'remove_visitor_ip_headers'];

interface Transform {
  readonly id: string;
  readonly enabled: boolean;
}

const describeTransforms = (context: Context): object => {
  const { managedTransforms } = zoneOf(context);
  const isOn = (id: string): boolean => managedTransforms[id] === true;
  const of = (id: string): object => ({
    id,
    enabled: isOn(id),
    has_conflict: CONFLICT.includes(id) && CONFLICT.some((other) => other !== id && isOn(other)),
  });
  return {
    managed_request_headers: REQUEST_TRANSFORMS.map(of),
    managed_response_headers: RESPONSE_TRANSFORMS.map(of),
  };
};

function changeTransforms(context: Context): object {
  const { managedTransforms } = zoneOf(context);
  const body = context.body as {
    readonly managed_request_headers?: readonly Transform[];
    readonly managed_response_headers?: readonly Transform[];
  };
  const known = [...REQUEST_TRANSFORMS, ...RESPONSE_TRANSFORMS];
  for (const { id, enabled } of [...(body.managed_request_headers ?? []), ...(body.managed_response_headers ?? [])]) {
    if (!known.includes(id)) throw new Refusal(400, 20_016, `there is no managed transform ${id}`);
    managedTransforms[id] = enabled;
  }
  if (CONFLICT.every((id) => managedTransforms[id] === true)) {
    throw new Refusal(400, 20_016, `${CONFLICT.join(' and ')} exclude one another`);
  }
  return describeTransforms(context);
}

const setting = (id: string, value: string): object => ({ id, value, editable: true, modified_on: timestamp() });

const SMART = '/zones/:zone_id/cache/tiered_cache_smart_topology_enable';
const TIERED = '/zones/:zone_id/argo/tiered_caching';
const ASSOCIATIONS = '/zones/:zone_id/certificate_authorities/hostname_associations';

const certificateIdOf = ({ query }: Context): string | null => query['mtls_certificate_id'] ?? null;

function associate(context: Context): object {
  const { account } = context;
  const zone = zoneOf(context);
  const { hostnames = [], mtls_certificate_id: id = null } = context.body as {
    readonly hostnames?: string[];
    readonly mtls_certificate_id?: string | null;
  };
  const foreign = hostnames.find((name) => name !== zone.name && !name.endsWith(`.${zone.name}`));
  if (foreign !== undefined) throw new Refusal(400, 1440, `${foreign} is not in zone ${zone.name}`);
  if (id !== null && !account.mtlsCertificates.some((certificate) => certificate['id'] === id)) {
    throw new Refusal(400, 1441, `there is no certificate ${id}`);
  }
  const others = zone.hostnameAssociations.filter((association) => association.mtls_certificate_id !== id);
  zone.hostnameAssociations = hostnames.length === 0 ? others : [...others, { hostnames, mtls_certificate_id: id }];
  return { hostnames };
}

/** Settings of a zone. */
export const ZONE_SETTING_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/zones/:zone_id/managed_headers', right: RIGHTS.managedHeaders, handle: describeTransforms },
  {
    method: 'PATCH',
    path: '/zones/:zone_id/managed_headers',
    right: RIGHTS.managedHeaders,
    params: 'ManagedTransformEditParams',
    handle: changeTransforms,
  },
  {
    method: 'GET',
    path: TIERED,
    right: RIGHTS.zoneSettings,
    handle: (context) => setting('tiered_caching', zoneOf(context).tieredCaching),
  },
  {
    method: 'PATCH',
    path: TIERED,
    right: RIGHTS.zoneSettings,
    params: 'TieredCachingEditParams',
    handle: (context) => {
      const zone = zoneOf(context);
      zone.tieredCaching = (context.body as { value: string }).value;
      return setting('tiered_caching', zone.tieredCaching);
    },
  },
  {
    method: 'GET',
    path: SMART,
    right: RIGHTS.zoneSettings,
    handle: (context) =>
      setting(
        'tiered_cache_smart_topology_enable',
        required(
          zoneOf(context).smartTieredCache ?? undefined,
          new Refusal(
            404,
            1142,
            'Unable to retrieve tiered_cache_smart_topology_enable setting value. The zone setting does not exist.',
          ),
        ),
      ),
  },
  ...(['POST', 'PATCH'] as const).map((method): Route => ({
    method,
    path: SMART,
    right: RIGHTS.zoneSettings,
    params: 'SmartTieredCacheEditParams',
    handle: (context) => {
      const zone = zoneOf(context);
      zone.smartTieredCache = (context.body as { value: string }).value;
      return setting('tiered_cache_smart_topology_enable', zone.smartTieredCache);
    },
  })),
  {
    method: 'DELETE',
    path: SMART,
    right: RIGHTS.zoneSettings,
    handle: (context) => {
      zoneOf(context).smartTieredCache = null;
      return { id: 'tiered_cache_smart_topology_enable', editable: true, modified_on: timestamp() };
    },
  },
  {
    method: 'GET',
    path: ASSOCIATIONS,
    right: RIGHTS.certificates,
    params: { query: ['mtls_certificate_id'] },
    handle: (context) => ({
      hostnames:
        zoneOf(context).hostnameAssociations.find(({ mtls_certificate_id: id }) => id === certificateIdOf(context))
          ?.hostnames ?? [],
    }),
  },
  {
    method: 'PUT',
    path: ASSOCIATIONS,
    right: RIGHTS.certificates,
    params: 'HostnameAssociationUpdateParams',
    handle: associate,
  },
];
