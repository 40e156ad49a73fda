/**
 * @module Whether a parameter document may be published: its structure, then how its values fit together. Nothing that
 * fails here reaches a phone; the last good document stays (issue "Health authorities steer the phones").
 */
import { type Parameters, parseParameters } from '../../protocol/parameters/document.ts';
import type { Rule, Violation } from '../../protocol/parameters/violation.ts';
import { type Result, err, ok } from '../../protocol/primitives/result.ts';
import { type JsonError, type JsonLimits, parseStrictJson } from '../strict-json.ts';
import { cwaAppsRules } from './cwa-apps-rules.ts';
import { keyDownloadRules, scheduleRules, versionRules } from './operations-rules.ts';
import { riskCalculationRules, v1Rules, v2Rules, weightedSumRules } from './scoring-rules.ts';

/** A document is a few kilobytes; what is larger was made by mistake. */
export const MAX_DOCUMENT_CHARACTERS = 262_144;
const JSON_LIMITS: JsonLimits = { depth: 16, members: 20_000 };

/**
 * @param document parsed JSON
 * @returns the document, or every violation: of its structure, or else of the rules between values
 */
export function validateParameters(document: unknown): Result<Parameters, readonly Violation[]> {
  const parsed = parseParameters(document);
  if (!parsed.ok) return parsed;
  const parameters = parsed.value;
  const found = [
    ...v1Rules(parameters),
    ...v2Rules(parameters),
    ...riskCalculationRules('riskCalculation', parameters.riskCalculation),
    ...riskCalculationRules('legacyRiskCalculation', parameters.legacyRiskCalculation),
    ...weightedSumRules(parameters),
    ...versionRules(parameters),
    ...keyDownloadRules(parameters),
    ...scheduleRules(parameters),
    ...cwaAppsRules(parameters),
  ];
  return found.length === 0 ? ok(parameters) : err(found);
}

/**
 * @param text a document as an operator wrote it
 * @returns as {@link validateParameters}; JSON that can't be read is a violation of the document as a whole
 */
export function validateParametersText(text: string): Result<Parameters, readonly Violation[]> {
  if (text.length > MAX_DOCUMENT_CHARACTERS) {
    return refuse(text, 'must be at most {limit} characters', MAX_DOCUMENT_CHARACTERS);
  }
  const json = parseStrictJson(text, JSON_LIMITS);
  if (json.ok) return validateParameters(json.value);
  return refuse(text, jsonRule(json.error), 'limit' in json.error ? json.error.limit : null);
}

function jsonRule(error: JsonError): Rule {
  switch (error.kind) {
    case 'malformed':
      return 'must be JSON';
    case 'duplicate-name':
      return 'names a field twice in one object';
    case 'too-deep':
      return 'must nest at most {limit} deep';
    case 'too-many-members':
      return 'must have at most {limit} values';
  }
}

function refuse(text: string, rule: Rule, limit: number | null): Result<never, readonly Violation[]> {
  const values: Violation['values'] = limit === null ? {} : { limit };
  return err([{ path: '', value: `${text.length} characters`, rule, values }]);
}
