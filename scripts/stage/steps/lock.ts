/**
 * @module One apply at a time in an account: a bucket that only one can create. Whoever comes second is told who has it and since when.
 *
 * Left behind by a crash: the bucket, until `npm run stage -- unlock NAME`; killed before its note is in it, it says since when, not who.
 */
import { hostname, userInfo } from 'node:os';
import { NotFoundError } from 'cloudflare';
import { ResourceError, told } from '../resources/failure.ts';
import type { Rollout } from './rollout.ts';

/**
 * Who has the lock stands in the bucket as the name of a lifecycle rule that is off: a bucket with an object in it couldn't be deleted by one call, and would be left half taken away.
 */
const NOTE = /^(\S+@\S+) runs (\S+)$/;
const RIGHTS = ['Account: Workers R2 Storage Write'];
const CONFLICT = 409;
/** Longest name of a rule, characters. */
const MAX_NOTE = 255;

/** Who has the lock. */
export interface LockNote {
  /** `user@machine`; null: killed before it was written. */
  readonly by: string | null;
  /** `apply`, `rollback`, … */
  readonly command: string | null;
  /** ISO 8601, of the account's clock. */
  readonly since: string | null;
}

type Locked = Pick<Rollout, 'context' | 'stage'>;

/** @returns the bucket's name, e.g. `exposure-edge-apply-lock` */
const lockName = ({ stage }: Pick<Rollout, 'stage'>): string => `${stage.workers.prefix}-apply-lock`;

/**
 * @param rollout whose account
 * @param command for the note
 * @returns gives it back; to be called whatever happens but a crash
 * @throws Error naming who has it, since when, and what takes it away; ResourceError naming the permission that the token lacks
 */
export async function takeLock(rollout: Locked, command: string): Promise<() => Promise<void>> {
  const { client, accountId } = rollout.context;
  const name = lockName(rollout);
  try {
    await told(
      {
        resource: `lock ${name}`,
        afterBreak: `it may be taken or not, nothing else was done. ${unlockText(rollout)}`,
        rights: RIGHTS,
      },
      () => client.r2.buckets.create({ account_id: accountId, name }),
    );
  } catch (error) {
    if (!(error instanceof ResourceError) || error.status !== CONFLICT) throw error;
    throw new Error(heldText(rollout, await readLock(rollout)), { cause: error });
  }
  try {
    const id = `${userInfo().username}@${hostname()} runs ${command}`.slice(0, MAX_NOTE);
    const rules = [{ id, conditions: { prefix: '' }, enabled: false }];
    await client.r2.buckets.lifecycle.update(name, { account_id: accountId, rules });
  } catch {
    // The lock holds without it.
  }
  return () => removeLock(rollout);
}

/** @returns who has the lock, or null: nobody @throws the library's errors */
export async function readLock(rollout: Locked): Promise<LockNote | null> {
  const { client, accountId } = rollout.context;
  const name = lockName(rollout);
  let since: string | null;
  try {
    since = (await client.r2.buckets.get(name, { account_id: accountId })).creation_date ?? null;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
  const rules = await client.r2.buckets.lifecycle.get(name, { account_id: accountId }).catch(() => null);
  const [, by = null, command = null] =
    rules?.rules?.map(({ id }) => NOTE.exec(id)).find((note) => note !== null) ?? [];
  return { by, command, since };
}

/** Takes the lock away, whoever has it. @throws the library's errors */
export async function removeLock(rollout: Locked): Promise<void> {
  const { client, accountId } = rollout.context;
  try {
    await client.r2.buckets.delete(lockName(rollout), { account_id: accountId });
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
}

const unlockText = ({ stage }: Pick<Rollout, 'stage'>): string =>
  `When you know that nobody is applying: npm run stage -- unlock ${stage.name}`;

/** @returns a lock that is held, for a person who can't go on because of it */
export const heldText = (rollout: Pick<Rollout, 'stage'>, note: LockNote | null): string =>
  `${holderText(note)} ${unlockText(rollout)}`;

/** @returns who holds a lock, for a person who is about to take it away */
export function holderText(note: LockNote | null): string {
  const who = note?.by ?? 'somebody, whose run ended before it said who';
  const what = note?.command ?? 'an apply';
  const since = note?.since === null || note === null ? '' : ` since ${note.since}`;
  return `The stage is locked: ${who} runs ${what}${since}. Two at once would undo each other.`;
}
