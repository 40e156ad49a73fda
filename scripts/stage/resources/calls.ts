/** @module Answers that are none: what isn't there. */
import { NotFoundError } from 'cloudflare';

/** @param call that reads one thing @returns it; null where it isn't there */
export async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

/** @param call that deletes: what is gone already, by a call whose answer was lost or by somebody else, is gone */
export async function gone(call: Promise<unknown>): Promise<void> {
  await orNull(call);
}
