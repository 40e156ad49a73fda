/**
 * @module The parameter document: everything a health authority can set on phones, in one file of the operator's
 * repository. From this schema come the TypeScript types, the structural checks and `parameters.schema.json` for editors
 * (`npm run parameters:schema`). What a schema can't say is in domain/parameters.
 */
import * as z from 'zod';
import { type Result, err, ok } from '../primitives/result.ts';
import { CWA_APPS_DEFAULTS, cwaAppsSchema } from './cwa-apps.ts';
import { combinedRiskSchema, exposureConfigurationSchema } from './exposure-configuration.ts';
import {
  dailySummariesConfigSchema,
  diagnosisKeysDataMappingSchema,
  iosExposureConfigurationSchema,
} from './exposure-window-mode.ts';
import {
  appFeatureSchema,
  appVersionsSchema,
  coverTrafficSchema,
  exposureDetectionSchema,
  keyDownloadSchema,
  pollingSchema,
  publicationSchema,
  regionsSchema,
  supportedCountriesSchema,
} from './operations.ts';
import { riskCalculationParametersSchema } from './risk-calculation.ts';
import { formRule, type Rule, valueText, type Violation, violation } from './violation.ts';
import { weightedSumModelSchema } from './weighted-sum.ts';

/** Changes when a document of an older code can no longer be read. */
const DOCUMENT_FORMAT = 'exposure-edge/parameters/v1';

export const parametersSchema = z
  .strictObject({
    $schema: z.string().optional().describe('Where editors find this schema; phones ignore it'),
    format: z.literal(DOCUMENT_FORMAT),
    comment: z.string().max(500).optional().describe('Why this version exists; public, phones ignore it'),
    v1: z.strictObject({ exposureConfiguration: exposureConfigurationSchema, combinedRisk: combinedRiskSchema }),
    v2: z.strictObject({
      diagnosisKeysDataMapping: diagnosisKeysDataMappingSchema,
      dailySummaries: dailySummariesConfigSchema,
      iosExposureConfiguration: iosExposureConfigurationSchema,
    }),
    riskCalculation: riskCalculationParametersSchema,
    legacyRiskCalculation: riskCalculationParametersSchema.describe(
      'What /version/v1/app_config_* carries for apps that predate /version/v2',
    ),
    weightedSum: weightedSumModelSchema,
    keyDownload: keyDownloadSchema,
    exposureDetection: exposureDetectionSchema,
    coverTraffic: coverTrafficSchema,
    polling: pollingSchema,
    regions: regionsSchema.describe('Regions whose exports phones fetch'),
    supportedCountries: supportedCountriesSchema,
    appVersions: appVersionsSchema,
    appFeatures: z.array(appFeatureSchema).max(50),
    publication: publicationSchema,
    cwaApps: cwaAppsSchema.default(CWA_APPS_DEFAULTS),
  })
  .describe('Parameters of exposure notifications');

export type Parameters = z.infer<typeof parametersSchema>;

/** @returns `a.b[0].c` */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined,
    document,
  );
}

/**
 * Checks the structure of a document: fields, types, ranges of single values. A phone stops here; before publication
 * domain/parameters looks at how the values fit together.
 * @param document parsed JSON
 * @returns the typed document, or every violation found
 */
export function parseParameters(document: unknown): Result<Parameters, readonly Violation[]> {
  const result = parametersSchema.safeParse(document);
  if (result.success) return ok(result.data);
  return err(result.error.issues.flatMap((issue) => toViolations(issue, document)));
}

function toViolations(issue: z.core.$ZodIssue, document: unknown): Violation[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return violation(pathText(path), valueAt(document, path), 'is not a field of this document');
    });
  }
  const { rule, values } = ruleOf(issue);
  return [violation(pathText(issue.path), valueAt(document, issue.path), rule, values)];
}

const TYPE_RULES: Readonly<Record<string, Rule>> = {
  number: 'must be a finite number',
  int: 'must be a whole number',
  object: 'must be an object',
  array: 'must be a list',
  string: 'must be a text',
  boolean: 'must be true or false',
  tuple: 'must be a list',
};

/** zod's issue as one of our rules, without what the value already says. */
function ruleOf(issue: z.core.$ZodIssue): Pick<Violation, 'rule' | 'values'> {
  const of = (rule: Rule): Pick<Violation, 'rule' | 'values'> => ({ rule, values: {} });
  if (issue.code === 'too_small') {
    return { rule: `must be at least {limit}${unitOf(issue.origin)}`, values: { limit: Number(issue.minimum) } };
  }
  if (issue.code === 'too_big') {
    return { rule: `must be at most {limit}${unitOf(issue.origin)}`, values: { limit: Number(issue.maximum) } };
  }
  if (issue.code === 'invalid_type') return of(TYPE_RULES[issue.expected] ?? 'must be something else');
  if (issue.code === 'invalid_value') {
    return { rule: 'must be one of {values}', values: { values: issue.values.map((v) => valueText(v)).join(', ') } };
  }
  if (issue.code === 'invalid_format' && issue.message.startsWith('Invalid')) return of(formRule(`a ${issue.format}`));
  return of(formRule(issue.message));
}

function unitOf(origin: string): '' | ' entries' | ' characters' {
  return origin === 'array' ? ' entries' : origin === 'string' ? ' characters' : '';
}
