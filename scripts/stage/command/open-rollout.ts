/** @module What a command works with, opened: the account, its zone, the stage's secrets, and who closes all of it. */
import { runChild } from '../../support/command-line/child.ts';
import { ROOT } from '../../../local-edge/workers.ts';
import type { Fault } from '../double/faults.ts';
import { readTokens } from '../resources/access-tokens.ts';
import { type Context, openContext } from '../resources/context.ts';
import { RESOURCES } from '../resources/resources.ts';
import { heldSecrets, openSealed, operatorIdentities } from '../secrets/sealed.ts';
import { stageVault } from '../secrets/vault.ts';
import { rotationVariables } from '../rotate/rotate.ts';
import { readRotations } from '../rotate/state.ts';
import type { Rollout } from '../steps/rollout.ts';
import { removeLeftBehind } from '../wrangler/secrets-file.ts';
import { openAccount, requireToken } from './open-account.ts';
import type { NamedStage } from './stage-file.ts';

/** How it is opened. */
export interface Opening {
  /** File of the operator's identity; null: the double's. */
  readonly identity: string | null;
  /** What CLOUDFLARE_API_TOKEN says. */
  readonly token: string | undefined;
  /** A line for a person. */
  readonly say: (line: string) => void;
  /** Of the double, in a rehearsal. */
  readonly faults?: readonly Fault[];
}

/**
 * @param named which stage
 * @param opening see {@link Opening}
 * @param use works with it; the account is closed when it has ended, however it ends
 * @returns what `use` returns
 * @throws SealError when the secrets can't be opened; ResourceError naming the permission that the token lacks, or what the zone is not; what `use` throws
 */
export async function withRollout<T>(
  named: NamedStage,
  opening: Opening,
  use: (rollout: Rollout) => Promise<T>,
): Promise<T> {
  const { stage, places } = named;
  const { identity, token, say, faults = [] } = opening;
  removeLeftBehind();
  requireToken(named, token);
  // Before anything is called: who can't open the secrets can't do anything with the account either.
  const sealed = await openSealed(stage, places, operatorIdentities(stage, places, identity));
  const { account, close } = await openAccount(named, token, faults);
  try {
    const context = await openContext({ stage, account, vault: stageVault(stage, places) });
    return await use({
      stage,
      account,
      places,
      context,
      resources: RESOURCES,
      secrets: heldSecrets(stage, sealed),
      made: async () => ({
        serviceSubjects: await serviceSubjects(context),
        rotation: rotationVariables(readRotations(places.rotations, stage.name), sealed.secrets, sealed.markKey),
      }),
      commit: await commitOf(ROOT),
      say,
    });
  } finally {
    await close();
  }
}

/** Access says who a service token is by its id; of the secret nobody here knows anything. */
async function serviceSubjects(context: Context): Promise<Readonly<Record<string, string>>> {
  const tokens = await readTokens(context);
  return Object.fromEntries(tokens.flatMap(({ service, id }) => (service === null ? [] : [[service, id]])));
}

async function commitOf(folder: string): Promise<string | null> {
  try {
    const { code, stdout } = await runChild('git', ['-C', folder, 'rev-parse', 'HEAD'], { output: 'kept' });
    return code === 0 ? stdout.trim() : null;
  } catch {
    return null; // an archive without git
  }
}
