/**
 * @module What an operator can do with the parameter document, as contract between `portal` and `origin`, and the rules
 * of it: one document or two in stages, a version that only grows, nothing invalid, nobody overwritten unseen.
 */
import {
  type Audience,
  type DocumentEntry,
  EVERYONE,
  audienceSchema,
  documentName,
  isEveryone,
} from '../../protocol/parameters/config-head.ts';
import type { Parameters } from '../../protocol/parameters/document.ts';
import { RULES, type Rule, type Violation, violation } from '../../protocol/parameters/violation.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { type Result, err, ok } from '../../protocol/primitives/result.ts';
import { validateParametersText } from './validate.ts';

export interface PublishRequest {
  /** The document's text, as the operator's file has it. */
  readonly document: string;
  /** Which phones get it; null is everyone. In stages the others keep the document that is for everyone now. */
  readonly audience: Audience | null;
  /** True: says what would happen, changes nothing. */
  readonly dryRun: boolean;
}

export interface RollbackRequest {
  /** Version whose documents come back; null is the one before the current. */
  readonly toVersion: number | null;
  readonly dryRun: boolean;
}

/**
 * published: phones can fetch it. accepted: it is decided and durable, but the bucket didn't take it yet; the object
 * goes on by itself. unchanged: these documents are the current ones. would-publish: a dry run.
 * conflict: somebody published in between; `version` is the current one. invalid: nothing changed.
 * needs-second-person: the document in force wants one for more than this share of the phones; nothing changed.
 */
export type PublishReply =
  | { readonly kind: 'published' | 'accepted' | 'would-publish' | 'unchanged'; readonly version: number }
  | { readonly kind: 'conflict'; readonly version: number }
  | NeedsSecondPerson
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] };

/** `version` is the one that it would become. */
interface NeedsSecondPerson {
  readonly kind: 'needs-second-person';
  readonly version: number;
  readonly abovePercentage: number;
}

export interface PublishedVersion {
  readonly version: number;
  readonly action: 'publish' | 'rollback';
  /** Hours since the Unix epoch in which it was decided. */
  readonly hour: number;
  readonly documents: readonly DocumentEntry[];
}

export interface ParameterStatus {
  /** 0 before the first. */
  readonly version: number;
  /** True when phones can fetch that version. */
  readonly published: boolean;
  /** Unix seconds, of the head; null before the first. */
  readonly issuedAt: number | null;
  readonly validUntil: number | null;
  /** Newest first. */
  readonly history: readonly PublishedVersion[];
}

/** The part of origin#BackOffice that concerns parameters; bound by `portal` alone. */
export interface ParameterBackOfficeRpc {
  /**
   * @param expectedVersion the version the operator has seen; another one is a conflict. 0: nothing published yet
   * @param persons how many agreed, as `portal` knows them; left out: one
   */
  publishParameters(request: PublishRequest, expectedVersion: number, persons?: number): Promise<PublishReply>;
  rollbackParameters(request: RollbackRequest, expectedVersion: number, persons?: number): Promise<PublishReply>;
  parameterStatus(): Promise<ParameterStatus>;
  /** @returns a document's text, null if there is none of this name */
  parameterDocument(name: string): Promise<string | null>;
}

/** What a version consists of. */
export interface Plan {
  readonly version: number;
  readonly documents: readonly DocumentEntry[];
}

/** A version to be, with the text of its new document. */
export interface NewPlan extends Plan {
  /** By name, what isn't kept already. */
  readonly texts: ReadonlyMap<string, string>;
}

export type PlanError =
  | { readonly kind: 'conflict'; readonly version: number }
  | { readonly kind: 'unchanged'; readonly version: number }
  | NeedsSecondPerson
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] };

const refused = (
  path: string,
  value: unknown,
  rule: Rule,
  values: Violation['values'] = {},
): Result<never, PlanError> => err({ kind: 'invalid', violations: [violation(path, value, rule, values)] });

/**
 * Decides what a publication makes of the current state.
 * @param current null before the first
 * @param expectedVersion what the operator has seen
 * @param consent whether enough people agreed
 */
export function planPublish(
  current: Plan | null,
  request: PublishRequest,
  expectedVersion: number,
  consent: Consent,
): Result<NewPlan, PlanError> {
  const version = current?.version ?? 0;
  if (expectedVersion !== version) return err({ kind: 'conflict', version });
  const checked = validateParametersText(request.document);
  if (!checked.ok) return err({ kind: 'invalid', violations: checked.error });
  const audience = request.audience ?? EVERYONE;
  const wellFormed = audienceSchema.safeParse(audience);
  if (!wellFormed.success) {
    const [issue] = wellFormed.error.issues;
    const rule = RULES.find((one) => one === issue?.message) ?? 'must be an audience';
    return refused(['audience', ...(issue?.path ?? [])].join('.'), audience, rule);
  }
  const text = canonicalText(checked.value);
  const entry: DocumentEntry = { sha256: documentName(text), size: utf8(text).length, audience };
  const texts = new Map([[entry.sha256, text]]);
  if (isEveryone(audience)) return agreed(next(current, [entry], texts), current, consent);
  const stable = current?.documents.at(-1);
  if (stable === undefined) return refused('audience', audience, 'the first document must be for everyone');
  if (stable.sha256 === entry.sha256) return refused('audience', audience, 'everyone has this document already');
  return agreed(next(current, [entry, stable], texts), current, consent);
}

/**
 * Decides what a rollback makes of the history. Versions only grow: an older set of documents gets a new version.
 * @param history newest first
 * @param textOf a document's text; an older document must pass today's rules too
 * @param consent whether enough people agreed; to the version before one may go back alone: it is the brake
 */
export function planRollback(
  history: readonly Plan[],
  request: RollbackRequest,
  expectedVersion: number,
  textOf: (name: string) => string | null,
  consent: Consent,
): Result<NewPlan, PlanError> {
  const [current, before] = history;
  const version = current?.version ?? 0;
  if (expectedVersion !== version) return err({ kind: 'conflict', version });
  const target = request.toVersion === null ? before : history.find((plan) => plan.version === request.toVersion);
  if (target === undefined) return refused('toVersion', request.toVersion, 'there is no such earlier version');
  for (const { sha256: name } of target.documents) {
    const text = textOf(name);
    if (text === null) return refused('toVersion', target.version, 'its document {name} is not kept', { name });
    const checked = validateParametersText(text);
    if (!checked.ok) return err({ kind: 'invalid', violations: checked.error });
  }
  const plan = next(current ?? null, target.documents, new Map());
  return target === before ? plan : agreed(plan, current ?? null, consent);
}

/** How many agree, and what the document that is for everyone now says about that. */
export interface Consent {
  readonly persons: number;
  /** Null before the first document: there is nothing that could ask for a second person. */
  readonly inForce: Parameters | null;
}

/**
 * The share that is asked about is the largest that a new or changed document goes to. A document that is for everyone already
 * asks nobody again.
 */
function agreed(plan: Result<NewPlan, PlanError>, current: Plan | null, consent: Consent): Result<NewPlan, PlanError> {
  if (!plan.ok || consent.inForce === null || consent.persons >= 2) return plan;
  const abovePercentage = consent.inForce.publication.secondPersonAbovePercentage;
  const stable = current?.documents.at(-1)?.sha256;
  const shares = plan.value.documents
    .filter(({ sha256 }) => sha256 !== stable)
    .map(({ audience }) => audience.percentage);
  if (Math.max(0, ...shares) <= abovePercentage) return plan;
  return err({ kind: 'needs-second-person', version: plan.value.version, abovePercentage });
}

/**
 * The one text of a document, whatever file it came from: fields in the schema's order, no space, no `$schema`. So equal
 * parameters have one name, and phones load a third of the bytes.
 */
function canonicalText(parameters: Parameters): string {
  const { $schema: _, ...published } = parameters;
  return JSON.stringify(published);
}

function next(
  current: Plan | null,
  documents: readonly DocumentEntry[],
  texts: ReadonlyMap<string, string>,
): Result<NewPlan, PlanError> {
  if (current !== null && JSON.stringify(current.documents) === JSON.stringify(documents)) {
    return err({ kind: 'unchanged', version: current.version });
  }
  return ok({ version: (current?.version ?? 0) + 1, documents, texts });
}
