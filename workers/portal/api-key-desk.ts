/**
 * @module What operators do about API keys, by page or by command: make one, revoke one. Each is in the audit log before it is done; a key's text is shown once, and in no log.
 */
import type { ApiKeyKind, CreatedApiKey } from '../../domain/rpc-codes.ts';
import { audit, type StaffContext } from './staff-context.ts';

/** What a key is named by. */
export const API_KEY_ID = /^[0-9a-f]{32}$/;
const NAME = /^[^\p{C}]{1,100}$/u;

/** @returns a name that a key may have, trimmed; or null */
export function apiKeyName(text: string): string | null {
  const name = text.trim();
  return NAME.test(name) ? name : null;
}

/** @param request the order of a form (decision 033), or undefined @returns the key, told once */
export async function makeApiKey(
  c: StaffContext,
  kind: ApiKeyKind,
  name: string,
  request?: string,
): Promise<CreatedApiKey> {
  await audit(c, 'api-key.make', `${kind} ${name}`);
  const { apiKey, text } = await c.env.VERIFICATION.createApiKey(kind, name, request);
  return { apiKey: { ...apiKey }, text };
}

/** @returns false when there is no such key */
export async function revokeApiKey(c: StaffContext, id: string): Promise<boolean> {
  await audit(c, 'api-key.revoke', id);
  return c.env.VERIFICATION.revokeApiKey(id);
}
