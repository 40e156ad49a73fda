/**
 * @module The portal as this page reaches it, where it serves the page: what is in force, and publishing (docs/parameters.md).
 * Every answer is parsed as what it may be; nothing of it is markup.
 */
import type { Violation } from '../protocol/parameters/violation.ts';

const CONFIG_PATH = '/operator/config';

/** What is in force. */
export interface InForce {
  /** 0: nothing yet. */
  readonly version: number;
  /** The document that is for everyone, as text; null before the first. */
  readonly text: string | null;
  /** Share of the phones that have another document; null while none has. */
  readonly stage: number | null;
}

/** What the portal answered to a publication; `refused` is anything that isn't an outcome. */
export type Answer =
  | {
      readonly kind: 'published' | 'accepted' | 'unchanged' | 'would-publish' | 'needs-second-person';
      readonly version: number;
    }
  | { readonly kind: 'conflict'; readonly version: number }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] }
  | { readonly kind: 'proposed' | 'refused' };

const OUTCOMES = ['published', 'accepted', 'unchanged', 'would-publish', 'needs-second-person', 'conflict'] as const;

interface Status {
  readonly version: number;
  readonly history: readonly {
    readonly documents: readonly { readonly sha256: string; readonly audience: { readonly percentage: number } }[];
  }[];
}

/** @returns true if the portal serves this page */
export function isServedByPortal(location: Location): boolean {
  return location.pathname.startsWith('/operator/');
}

async function get(path: string): Promise<Response> {
  const response = await fetch(`${CONFIG_PATH}${path}`);
  if (!response.ok) throw new Error(`the portal answered ${response.status}`);
  return response;
}

/** @throws Error when the portal isn't reached or refuses */
export async function inForce(): Promise<InForce> {
  const { version, history } = (await (await get('')).json()) as Status;
  const documents = history[0]?.documents ?? [];
  const everyones = documents.at(-1);
  if (everyones === undefined) return { version, text: null, stage: null };
  const text = await (await get(`/documents/${everyones.sha256}`)).text();
  return { version, text, stage: documents.length > 1 ? documents[0]!.audience.percentage : null };
}

/**
 * @param text the document
 * @param expectedVersion what its changes were made of
 * @param percentage of the phones; 100: everyone
 * @throws Error when the portal isn't reached
 */
export async function publish(
  text: string,
  expectedVersion: number,
  percentage: number,
  dryRun: boolean,
): Promise<Answer> {
  const audience = percentage === 100 ? null : { percentage, android: 'all', ios: 'all' };
  const response = await fetch(`${CONFIG_PATH}/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ document: text, expectedVersion, audience, dryRun }),
  });
  const { kind, version, violations } = (await response.json()) as {
    readonly kind?: string;
    readonly version?: number;
    readonly violations?: readonly Violation[];
  };
  const outcome = OUTCOMES.find((one) => one === kind);
  if (outcome !== undefined && typeof version === 'number') return { kind: outcome, version };
  if (kind === 'invalid') return { kind, violations: violations ?? [] };
  return { kind: kind === 'proposed' ? kind : 'refused' };
}
