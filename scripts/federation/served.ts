/** @module A backend of a federation as whoever is outside sees it: where it answers, and by which keys it is believed. */
import type { Ready } from './orders.ts';
import type { BackendPlan } from './plan.ts';
import type { RunningBackend } from './registry.ts';
import { EXPORT_KEY_VERSION, exportKeyId } from './settings.ts';

/** One that answers. */
export interface Served extends RunningBackend, Ready {}

/** @param ready what it says of itself @returns it, with what its entry in the directory says */
export function served(plan: BackendPlan, ready: Ready): Served {
  const { publicPem } = ready;
  const verificationKey = { keyId: exportKeyId(plan), keyVersion: EXPORT_KEY_VERSION, publicPem };
  return { ...ready, plan, verificationKey, formats: ['exposure-edge', 'dp3t'] };
}
