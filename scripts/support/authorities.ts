/**
 * @module Health authorities over the portal's commands (workers/portal/authority-routes.ts), as the command line and a local edge use them.
 */
import type { AuthoritiesReply } from '../../domain/authority-list.ts';
import type { Authorities, HealthAuthority } from '../../protocol/publish/authorities.ts';
import { asPerson, command } from './operator.ts';

/** What the portal answers; proposed: a second person has to agree to the proposal of this id. */
export type SetReply =
  | AuthoritiesReply
  | { readonly kind: 'proposed'; readonly id: string; readonly abovePercentage: number };

/** What is in force, and what waits for a second person. */
export interface AuthoritiesStatus extends Authorities {
  readonly proposals: readonly {
    readonly id: string;
    readonly by: string;
    readonly at: number;
    readonly expectedVersion: number;
  }[];
}

const PATH = '/operator/authorities';
/** Outcomes that come with a status above 299 but are answers all the same. */
const ANSWERS = [409, 422];

/** The portal of a deployment. */
export class AuthorityPortal {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param url of the portal or of a local edge @param as at a local edge: the name to act under; null: as the local operator */
  constructor(url: string, as: string | null = null) {
    this.#url = url;
    this.#headers = asPerson(as, ['operator']);
  }

  /** @throws Error when the portal isn't reached or refuses */
  async status(): Promise<AuthoritiesStatus> {
    return (await command(this.#url, 'GET', PATH, undefined, [], this.#headers)) as AuthoritiesStatus;
  }

  /** @param authorities all that shall be in force @throws as {@link status} */
  async set(authorities: readonly HealthAuthority[], expectedVersion: number, dryRun = false): Promise<SetReply> {
    return (await this.#post(PATH, { authorities, expectedVersion, dryRun })) as SetReply;
  }

  /** As the second person. @param proposal its id @throws Error when there is none, or it is one's own */
  async agree(proposal: string): Promise<AuthoritiesReply> {
    return (await this.#post(`${PATH}/agree`, { proposal })) as AuthoritiesReply;
  }

  #post(path: string, body: unknown): Promise<unknown> {
    return command(this.#url, 'POST', path, body, ANSWERS, this.#headers);
  }
}

/** @returns what is in force with some in place of those of the same ids; new ones come last */
export function merged(inForce: readonly HealthAuthority[], some: readonly HealthAuthority[]): HealthAuthority[] {
  const kept = inForce.map((one) => some.find(({ id }) => id === one.id) ?? one);
  return [...kept, ...some.filter(({ id }) => !inForce.some((one) => one.id === id))];
}

/** Who agrees where a local edge's parameters ask for a second person. */
const SECOND_PERSON = 'second-local-operator';

/**
 * Brings authorities into force at a local edge, whose operators are whoever runs it.
 *
 * @param url of a local edge
 * @param authorities in place of those of the same ids; the others stay
 * @param without ids of authorities that shall not be in force
 * @throws Error when they aren't in force afterwards
 */
export async function importLocally(
  url: string,
  authorities: readonly HealthAuthority[],
  without: readonly string[] = [],
): Promise<void> {
  const portal = new AuthorityPortal(url);
  const { version, authorities: inForce } = await portal.status();
  const wanted = merged(inForce, authorities).filter(({ id }) => !without.includes(id));
  const said = await portal.set(wanted, version);
  const reply = said.kind === 'proposed' ? await new AuthorityPortal(url, SECOND_PERSON).agree(said.id) : said;
  if (reply.kind !== 'published' && reply.kind !== 'unchanged') {
    throw new Error(`the health authorities of the local edge are not in force: ${JSON.stringify(reply)}`);
  }
}
