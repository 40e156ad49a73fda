/**
 * @module Which form a batch has: protobuf or JSON, with a version that is compared to the letter (docs/spec/europe.md §3.1).
 */
import * as z from 'zod';
import { decodeBatch, type EfgsKey, encodeBatch, PROTOBUF_MEDIA_TYPE } from '../../protocol/efgs/batch.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { fromBase64, fromUtf8, toBase64, utf8 } from '../../protocol/primitives/bytes.ts';

export type Form = 'protobuf' | 'json';

export const JSON_MEDIA_TYPE = 'application/json; version=1.0';
const VERSION = '1.0';

/** What a header asks for, or why it can't be had. */
export type Negotiated = Form | 'unknown' | 'no-version' | 'other-version';

/** @param header one media type, as it was sent @returns the form, or what is wrong with it */
export function negotiate(header: string): Negotiated {
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  const forms: Readonly<Record<string, Form>> = { 'application/protobuf': 'protobuf', 'application/json': 'json' };
  const form = forms[type];
  if (form === undefined) return 'unknown';
  const version = parameters.find((parameter) => parameter.startsWith('version='))?.slice('version='.length);
  if (version === undefined) return 'no-version';
  return version === VERSION ? form : 'other-version';
}

const REPORT_TYPES = Object.keys(REPORT_TYPE) as (keyof typeof REPORT_TYPE)[];
const number = z.int().default(0);
const jsonBatch = z.object({
  keys: z
    .array(
      z.object({
        keyData: z.string().default(''),
        rollingStartIntervalNumber: number,
        rollingPeriod: number,
        transmissionRiskLevel: number,
        visitedCountries: z.array(z.string()).default([]),
        origin: z.string().default(''),
        reportType: z
          .union([z.enum(REPORT_TYPES).transform((name) => REPORT_TYPE[name]), z.int()])
          .default(REPORT_TYPE.UNKNOWN),
        days_since_onset_of_symptoms: number,
      }),
    )
    .default([]),
});

/**
 * @param body of an upload
 * @returns its keys, or null when it is no batch; more than the gateway takes are read too, since each is looked at first
 */
export function readBatch(form: Form, body: Uint8Array): readonly EfgsKey[] | null {
  if (form === 'protobuf') {
    const batch = decodeBatch(body, Infinity);
    return batch.ok ? batch.value : null;
  }
  try {
    return jsonBatch
      .parse(JSON.parse(fromUtf8(body)))
      .keys.map(({ keyData, days_since_onset_of_symptoms: daysSinceOnsetOfSymptoms, ...key }) => ({
        ...key,
        keyData: fromBase64(keyData),
        daysSinceOnsetOfSymptoms,
      }));
  } catch {
    return null;
  }
}

/** @returns media type and body */
export function writeBatch(form: Form, keys: readonly EfgsKey[]): { readonly type: string; readonly body: Uint8Array } {
  if (form === 'protobuf') return { type: PROTOBUF_MEDIA_TYPE, body: encodeBatch(keys) };
  const inJson = keys.map(({ keyData, reportType, daysSinceOnsetOfSymptoms, ...key }) => ({
    keyData: toBase64(keyData),
    ...key,
    reportType: REPORT_TYPES.find((name) => REPORT_TYPE[name] === reportType) ?? reportType,
    days_since_onset_of_symptoms: daysSinceOnsetOfSymptoms,
  }));
  return { type: JSON_MEDIA_TYPE, body: utf8(JSON.stringify({ keys: inJson })) };
}
