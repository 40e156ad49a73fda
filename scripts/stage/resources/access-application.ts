/** @module The application on the portal's host, and that no other one stands before a host of ours. */
import type { Application, FoundAccess, Ids } from './access-found.ts';
import { wantedPolicies } from './access-policies.ts';
import { gone } from './calls.ts';
import { differing } from './compare.ts';
import type { Context } from './context.ts';
import type { StageOfResources } from './stage-part.ts';
import { everything } from './lists.ts';
import { tagOf, tagsOf } from './names.ts';
import type { Work } from './resource.ts';
import { covers } from './routes.ts';
import { openHosts } from './stage-hosts.ts';

/** What the API has of an application; the library's union has a form for each kind of it. */
interface Listed {
  readonly id?: string;
  readonly name?: string;
  readonly domain?: string;
  readonly self_hosted_domains?: readonly string[];
  readonly destinations?: readonly { readonly type?: string; readonly uri?: string; readonly worker_id?: string }[];
  readonly policies?: readonly { readonly id?: string; readonly name?: string; readonly precedence?: number }[];
}

/** @returns all applications of the account: one of somebody else's may stand before a host of ours */
export async function readApplications({ client, accountId }: Context): Promise<Application[]> {
  const listed = await everything('applications of Access', (options) =>
    client.zeroTrust.access.applications.list({ account_id: accountId }, options),
  );
  return (listed as readonly Listed[]).flatMap((one) => {
    const { id, name = '', domain, self_hosted_domains: domains = [], destinations = [], policies = [] } = one;
    if (id === undefined) return [];
    const uris = destinations.flatMap(({ uri, worker_id: worker }) => uri ?? worker ?? []);
    const ordered = policies.toSorted((a, b) => (a.precedence ?? 0) - (b.precedence ?? 0));
    return [
      {
        id,
        name,
        places: [...new Set([...(domain === undefined ? [] : [domain]), ...domains, ...uris])],
        settings: { ...one },
        policies: ordered.map((policy) => policy.name ?? policy.id ?? ''),
      },
    ];
  });
}

function settingsOf({ hosts, access }: StageOfResources) {
  return {
    type: 'self_hosted' as const,
    domain: hosts.portal,
    // By host, not by Worker: the portal's Worker answers on the host of codes, too, which Access must not stand before.
    destinations: [{ type: 'public' as const, uri: hosts.portal }],
    session_duration: `${access.sessionHours}h`,
    app_launcher_visible: false,
    http_only_cookie_attribute: true,
    // A scripted call without a good token is told so, and not sent to a page.
    service_auth_401_redirect: true,
  };
}

/** @returns what is to be done about applications: ours on the portal, one of ours that isn't wanted, and what stands before our hosts */
export function applicationWorks(
  { client, accountId, stage }: Context,
  { applications }: FoundAccess,
  ids: Ids,
  isWanted = true,
): { readonly wanted: Work[]; readonly unwanted: Work[] } {
  const tag = tagOf(stage, 'portal');
  const there = applications.find(({ name }) => name === tag);
  const names = wantedPolicies(stage);
  const settings = settingsOf(stage);
  const comparable = { ...settings, policies: names.map((name) => tagOf(stage, name)) };
  const body = () => ({
    account_id: accountId,
    name: tag,
    ...settings,
    policies: names.map((name, at) => ({ id: idOf(ids, name), precedence: at + 1 })),
  });
  const found = there === undefined ? null : { ...there.settings, policies: there.policies };
  const fields = differing(found, comparable);
  const what = `Access application on ${stage.hosts.portal}`;
  const wanted: Work[] = [];
  if (isWanted && there === undefined) {
    wanted.push({
      difference: { resource: what, action: 'create', fields },
      run: () => client.zeroTrust.access.applications.create(body()),
    });
  } else if (isWanted && there !== undefined && fields.length > 0) {
    wanted.push({
      difference: { resource: what, action: 'change', fields },
      run: () => client.zeroTrust.access.applications.update(there.id, body()),
    });
  } else if (isWanted) wanted.push({ difference: { resource: what, action: 'keep', fields } });
  const kept = isWanted ? there?.id : undefined;
  const unwanted = applications.flatMap(({ id, name, places }): Work[] => {
    if (id === kept) return [];
    if (name.startsWith(tagsOf(stage))) {
      return [
        {
          difference: { resource: `Access application ${name} (${id})`, action: 'delete', fields: [] },
          run: () => gone(client.zeroTrust.access.applications.delete(id, { account_id: accountId })),
        },
      ];
    }
    return inTheWay(stage, name, places);
  });
  return { wanted, unwanted };
}

const idOf = ({ policies }: Ids, name: string): string => {
  const id = policies.get(name);
  if (id === undefined) throw new Error(`the policy ${name} isn't there`);
  return id;
};

/** Of somebody else: before an open host it locks everybody out, and on a path of the portal's it may let anybody in. */
function inTheWay(stage: StageOfResources, name: string, places: readonly string[]): Work[] {
  const hosts = openHosts(stage).filter((host) => places.some((place) => covers(place, host)));
  // On the portal's host by name; before a wildcard of somebody's our own application comes first.
  const portal = places.filter((place) => place.split('/')[0] === stage.hosts.portal);
  if (hosts.length === 0 && portal.length === 0) return [];
  return [
    {
      difference: {
        resource: `Access application of somebody else: ${name}`,
        action: 'change',
        fields: differing({ places }, null),
        foreign: true,
      },
      refuse: `it isn't this stage's and stands before ${[...hosts, ...portal].join(', ')}; take these hosts out of it first`,
    },
  ];
}
