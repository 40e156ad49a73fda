/** @module What entrypoints check of what `portal` sends: it has judged it by its own rules; here the form counts. */
import { API_KEY_KINDS, type ApiKeyKind } from '../../domain/rpc-codes.ts';
import { badTarget, type RollbackTarget } from '../../domain/rollback.ts';

export const MAX_QUOTA_PER_HOUR = 10_000;
export const MAX_CODES_PER_DAY = 100_000;

/** @throws RangeError when a name or label is not 1..100 characters */
export function staffName(text: string): string {
  if (typeof text !== 'string' || text.length < 1 || text.length > 100) {
    throw new RangeError('issuer, provider and label: 1..100 characters are expected');
  }
  return text;
}

/** @throws RangeError when it is none */
export function apiKeyKind(kind: ApiKeyKind): ApiKeyKind {
  if (!API_KEY_KINDS.includes(kind)) throw new RangeError(`kind: one of ${API_KEY_KINDS.join(', ')} is expected`);
  return kind;
}

/** The portal has judged it by its clock; here the form counts. @throws RangeError naming the rule */
export function checkedTarget(target: RollbackTarget): RollbackTarget {
  const rule = badTarget(target, target.toDay);
  if (rule !== null) throw new RangeError(`target: ${rule}`);
  return target;
}
