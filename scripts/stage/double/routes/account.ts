/**
 * @module Who asks, which account and which zones there are.
 */
import { paged, Refusal, required } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import type { Account, Zone } from '../state.ts';

const describeAccount = ({ id, name, createdOn }: Account): object => ({
  id,
  name,
  type: 'standard',
  settings: { enforce_twofactor: true },
  created_on: createdOn,
});

const describeZone = ({ id, name, createdOn }: Zone, account: Account): object => ({
  id,
  name,
  status: 'active',
  paused: false,
  type: 'full',
  development_mode: 0,
  name_servers: ['a.ns.cloudflare.com', 'b.ns.cloudflare.com'],
  original_name_servers: null,
  created_on: createdOn,
  modified_on: createdOn,
  activated_on: createdOn,
  account: { id: account.id, name: account.name },
});

const membership = (account: Account): object => ({
  id: account.id,
  status: 'accepted',
  account: describeAccount(account),
  roles: ['Administrator'],
});

function listZones({ account, query }: Context): unknown {
  const id = query['account.id'];
  const zones = account.zones.filter(
    ({ name }) => (query['name'] ?? name) === name && (id === undefined || id === account.id),
  );
  return paged(
    zones.map((zone) => describeZone(zone, account)),
    query,
  );
}

/**
 * @param context with `zone_id` in the path
 * @returns the zone
 * @throws Refusal when the account has none of that id
 */
export const zoneOf = ({ account, params }: Context): Zone =>
  required(
    account.zones.find(({ id }) => id === params['zone_id']),
    new Refusal(404, 7003, 'Could not route to the zone, perhaps your object identifier is invalid?'),
  );

const verified = ({ account }: Context): object => ({ id: account.id, status: 'active' });

/** The account, its zones, and what wrangler asks about its token. */
export const ACCOUNT_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/user/tokens/verify', right: null, handle: verified },
  { method: 'GET', path: '/accounts/:account_id/tokens/verify', right: null, handle: verified },
  {
    method: 'GET',
    path: '/user',
    right: null,
    handle: ({ account }) => ({ id: account.id, email: 'operator@example.org' }),
  },
  {
    method: 'GET',
    path: '/memberships',
    right: null,
    params: { query: ['page', 'per_page', 'status'] },
    handle: ({ account, query }) => paged([membership(account)], query),
  },
  {
    method: 'GET',
    path: '/accounts',
    right: RIGHTS.account,
    params: 'AccountListParams',
    handle: ({ account, query }) => paged([describeAccount(account)], query),
  },
  {
    method: 'GET',
    path: '/accounts/:account_id',
    right: RIGHTS.account,
    handle: ({ account }) => describeAccount(account),
  },
  { method: 'GET', path: '/zones', right: RIGHTS.zone, params: 'ZoneListParams', handle: listZones },
  {
    method: 'GET',
    path: '/zones/:zone_id',
    right: RIGHTS.zone,
    handle: (context) => describeZone(zoneOf(context), context.account),
  },
  {
    method: 'GET',
    path: '/zones/:zone_id/dns_records',
    right: RIGHTS.dns,
    params: 'RecordListParams',
    handle: (context) => {
      const { query } = context;
      return paged(
        zoneOf(context).dnsRecords.filter(({ name }) => (query['name'] ?? query['name.exact'] ?? name) === name),
        query,
      );
    },
  },
];
