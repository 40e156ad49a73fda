/**
 * @module One apply at a time in an account: a bucket that only one can create. Whoever comes second is told who has it and since when.
 *
 * Left behind by a crash: the bucket, until `npm run stage -- unlock NAME`; killed before its note is in it, it says since when, not who.
 */
import { hostname, userInfo } from 'node:os';
import { APIError, ConflictError, NotFoundError } from 'cloudflare';
import type { Rollout } from './rollout.ts';

/** What lies in the bucket. */
const NOTE = 'who.json';

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
export const lockName = ({ stage }: Pick<Rollout, 'stage'>): string => `${stage.workers.prefix}-apply-lock`;

/**
 * @param rollout whose account
 * @param command for the note
 * @returns gives it back; to be called whatever happens but a crash
 * @throws Error naming who has it, since when, and what takes it away
 */
export async function takeLock(rollout: Locked, command: string): Promise<() => Promise<void>> {
  const { client, accountId } = rollout.context;
  const name = lockName(rollout);
  try {
    await client.r2.buckets.create({ account_id: accountId, name });
  } catch (error) {
    if (error instanceof ConflictError) throw new Error(heldText(rollout, await readLock(rollout)), { cause: error });
    if (error instanceof APIError && error.status === 403) throw error;
    throw new Error(
      `The lock ${name} may be taken or not: its answer was lost (${messageOf(error)}). Nothing else was done. ${unlockText(rollout)}`,
      { cause: error },
    );
  }
  try {
    const note = JSON.stringify({ by: `${userInfo().username}@${hostname()}`, command });
    await client.r2.buckets.objects.upload(NOTE, note, { account_id: accountId, bucket_name: name });
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
  const note = await client.r2.buckets.objects
    .get(NOTE, { account_id: accountId, bucket_name: name })
    .then(async (response) => (await response.json()) as Partial<LockNote>)
    .catch((): Partial<LockNote> => ({}));
  return { by: note.by ?? null, command: note.command ?? null, since };
}

/** Takes the lock away, whoever has it. A crash leaves it, with or without its note. @throws the library's errors */
export async function removeLock(rollout: Locked): Promise<void> {
  const { client, accountId } = rollout.context;
  const bucket = lockName(rollout);
  const ignoreAbsent = (error: unknown): void => {
    if (!(error instanceof NotFoundError)) throw error;
  };
  await client.r2.buckets.objects
    .delete(NOTE, { account_id: accountId, bucket_name: bucket })
    .then(() => undefined, ignoreAbsent);
  await client.r2.buckets.delete(bucket, { account_id: accountId }).then(() => undefined, ignoreAbsent);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const unlockText = ({ stage }: Pick<Rollout, 'stage'>): string =>
  `When you know that nobody is applying: npm run stage -- unlock ${stage.name}`;

/** @returns a lock that is held, for a person */
export function heldText(rollout: Pick<Rollout, 'stage'>, note: LockNote | null): string {
  const who = note?.by ?? 'somebody, whose run ended before it said who';
  const what = note?.command ?? 'an apply';
  const since = note?.since === null || note === null ? '' : ` since ${note.since}`;
  return `The stage is locked: ${who} runs ${what}${since}. Two at once would undo each other. ${unlockText(rollout)}`;
}
