/**
 * @module The text of an SMS with a verification code, as a template of the health authority's (docs/spec/google.md §5.6): its
 * variables, what a template must have, and the text that comes of it.
 */

/** What a template may name, in brackets. */
const VARIABLES = ['region', 'code', 'expires', 'longcode', 'longexpires', 'enslink'] as const;
type SmsVariable = (typeof VARIABLES)[number];

/** Characters of a template. */
export const MAX_TEMPLATE_LENGTH = 800;
/** Characters of the text that is sent: six SMS of 153. */
export const MAX_SMS_LENGTH = 918;

/** A template's place in the list, and its text. */
export type TemplateError = 'too-long' | 'unknown-variable' | 'no-code' | 'control-character';

/** What the variables of one message stand for. */
export interface SmsValues {
  /** Region of the app, e.g. `DE`. */
  readonly region: string;
  /** Short code. */
  readonly code: string;
  /** Long code, or null where none was made: the link leads to the short one then. */
  readonly longCode: string | null;
  /** Minutes for which the short code is good, at least 1. */
  readonly minutes: number;
  /** Hours for which the long code, or else the short one, is good, at least 1. */
  readonly hours: number;
  /** Domain below which each region has a host that sends links on to the app, e.g. `en.example`; empty: none, links are `ens://`. */
  readonly linkDomain: string;
}

/**
 * @param values of a message
 * @returns the link that opens the app: `https://de.en.example/v?c=…`, or `ens://v?r=DE&c=…` where nothing answers by HTTPS
 */
export function enxLink({ region, code, longCode, linkDomain }: Omit<SmsValues, 'minutes' | 'hours'>): string {
  const c = longCode ?? code;
  return linkDomain === ''
    ? `ens://v?r=${region.toUpperCase()}&c=${c}`
    : `https://${region.toLowerCase()}.${linkDomain}/v?c=${c}`;
}

/** @param template as somebody configured it @returns why nothing may be sent by it, or null */
export function templateFault(template: string): TemplateError | null {
  if (template.length > MAX_TEMPLATE_LENGTH) return 'too-long';
  if (/[^\P{C}\n]/u.test(template)) return 'control-character';
  const named = [...template.matchAll(/\[([^\]]*)\]/g)].map(([, name = '']) => name);
  if (named.some((name) => !VARIABLES.includes(name as SmsVariable))) return 'unknown-variable';
  // A message without one of these says that there is a code, and not which.
  return named.some((name) => ['code', 'longcode', 'enslink'].includes(name)) ? null : 'no-code';
}

/**
 * @param template one without a fault
 * @param values see {@link SmsValues}
 * @returns the text; null when it is longer than {@link MAX_SMS_LENGTH}
 */
export function expandTemplate(template: string, values: SmsValues): string | null {
  const said: Readonly<Record<SmsVariable, string>> = {
    region: values.region,
    code: values.code,
    expires: `${values.minutes}`,
    longcode: values.longCode ?? values.code,
    longexpires: `${values.hours}`,
    enslink: enxLink(values),
  };
  const text = template.replaceAll(/\[([a-z]+)\]/g, (_, name: SmsVariable) => said[name]);
  return text.length > MAX_SMS_LENGTH ? null : text;
}
