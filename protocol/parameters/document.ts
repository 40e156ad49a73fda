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

/** What is wrong with a document, in words an operator can act on. */
export interface Violation {
  /** Where: `v1.combinedRisk.riskClasses[1].min`; empty for the document as a whole. */
  readonly path: string;
  /** What stands there, as JSON, cut to 80 characters; `(absent)` if nothing does. */
  readonly value: string;
  readonly rule: string;
}

const MAX_VALUE_CHARACTERS = 80;

/** @returns `a.b[0].c` */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

/** @returns the value as an operator wrote it, cut to a line; NaN and infinities, which JSON lacks, by name */
export function valueText(value: unknown): string {
  if (value === undefined) return '(absent)';
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value);
  return text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS - 1)}…` : text;
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
    return issue.keys.map((key) => ({
      path: pathText([...issue.path, key]),
      value: valueText(valueAt(document, [...issue.path, key])),
      rule: 'is not a field of this document',
    }));
  }
  return [{ path: pathText(issue.path), value: valueText(valueAt(document, issue.path)), rule: ruleOf(issue) }];
}

const NAMES: Readonly<Record<string, string>> = {
  number: 'a finite number',
  int: 'a whole number',
  object: 'an object',
  array: 'a list',
  string: 'a text',
  boolean: 'true or false',
  tuple: 'a list',
};

/** zod's sentence, without what the value already says. */
function ruleOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_small') return `must be at least ${String(issue.minimum)}${unitOf(issue.origin)}`;
  if (issue.code === 'too_big') return `must be at most ${String(issue.maximum)}${unitOf(issue.origin)}`;
  if (issue.code === 'invalid_type') return `must be ${NAMES[issue.expected] ?? `a value of type ${issue.expected}`}`;
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map((v) => valueText(v)).join(', ')}`;
  if (issue.code === 'invalid_format' && issue.message.startsWith('Invalid')) return `must be a ${issue.format}`;
  return `must be ${issue.message}`;
}

function unitOf(origin: string): string {
  return origin === 'array' ? ' entries' : origin === 'string' ? ' characters' : '';
}

/** @returns one line: path, value, rule */
export function describeViolation({ path, value, rule }: Violation): string {
  return `${path === '' ? 'document' : path}: ${value} ${rule}`;
}
