/** @module Opens a stage's account: Cloudflare's with the operator's token, or the double on this machine, for as long as a command runs. */
import type { Fault } from '../double/faults.ts';
import { startDouble } from '../double/double.ts';
import { type Account, CLOUDFLARE_API } from '../account.ts';
import { isDouble } from '../file/stage.ts';
import { RESOURCES } from '../resources/resources.ts';
import type { NamedStage } from './stage-file.ts';

/** The one variable with which a token is given: it is never an argument, which other users of a machine can read. */
export const TOKEN_VARIABLE = 'CLOUDFLARE_API_TOKEN';

/** What a stage's token may do beside what its resources need: Workers, their secrets, versions and traffic. */
const WORKER_RIGHTS = ['Account: Workers Scripts Write', 'Account: Account Settings Read', 'Zone: Zone Read'] as const;

/** An account, and what closes it. */
export interface OpenAccount {
  readonly account: Account;
  /** Ends the double; Cloudflare's stays. */
  readonly close: () => Promise<void>;
}

/** @returns each permission that a stage's token needs, as the dashboard names them, sorted */
function neededRights(): readonly string[] {
  return [...new Set([...WORKER_RIGHTS, ...RESOURCES.flatMap(({ rights }) => rights)])].toSorted((a, b) =>
    a < b ? -1 : 1,
  );
}

/**
 * @param named whose account
 * @param token what {@link TOKEN_VARIABLE} says
 * @returns the token; of the double none, which has its own
 * @throws Error naming the variable and the permissions, when the account is Cloudflare's and there is no token
 */
export function requireToken({ stage }: Pick<NamedStage, 'stage'>, token = ''): string {
  if (!isDouble(stage) && token === '') throw new Error(tokenMissing(stage.account));
  return token;
}

/**
 * @param named whose account
 * @param token what {@link TOKEN_VARIABLE} says
 * @param faults of the double: what is to fail, in a rehearsal
 * @returns the account
 * @throws Error naming the variable and the permissions, when the account is Cloudflare's and there is no token
 */
export async function openAccount(
  { stage, places }: NamedStage,
  token: string | undefined,
  faults: readonly Fault[] = [],
): Promise<OpenAccount> {
  if (!isDouble(stage)) {
    const account = {
      id: stage.account,
      zoneName: stage.zone,
      apiBase: CLOUDFLARE_API,
      token: requireToken({ stage }, token),
      edge: null,
    };
    return { account, close: () => Promise.resolve() };
  }
  const double = await startDouble({ state: places.double, zones: [stage.zone], faults });
  const { accountId: id, apiBase, edge } = double;
  return { account: { id, zoneName: stage.zone, apiBase, token: double.token, edge }, close: () => double.stop() };
}

const tokenMissing = (account: string): string =>
  [
    `${TOKEN_VARIABLE} is not set: the account ${account} is Cloudflare's, and without a token nothing of it can be read. Make an API token (dash.cloudflare.com → Manage Account → API tokens) with`,
    ...neededRights().map((right) => `  ${right}`),
    `and set it for this command alone. To try a stage without an account: account = "double" in its file.`,
  ].join('\n');
