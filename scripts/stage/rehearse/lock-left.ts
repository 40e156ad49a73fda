/** @module The lock as a killed apply leaves it. */
import type { Context } from '../resources/context.ts';
import { takeLock } from '../steps/lock.ts';

/** Takes it and never gives it back. */
export async function lockLeft(context: Context): Promise<void> {
  await takeLock({ context, stage: context.stage } as Parameters<typeof takeLock>[0], 'apply');
}
