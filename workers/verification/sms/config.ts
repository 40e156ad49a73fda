/**
 * @module What `verification` is given for SMS that bring codes (docs/spec/google.md §5.6): templates, a gateway that is told of each message by a signed webhook, the
 * key that authenticates them to phones. Without a gateway's address none is sent.
 */
import { MAX_TEMPLATE_LENGTH, templateFault } from '../../../protocol/sms/template.ts';
import { MAX_RING_KEYS } from '../../../protocol/primitives/key-ring.ts';
import { type Signer, signerFromPkcs8Pem } from '../../../protocol/signing.ts';
import { ConfigError, country, text } from '../../shared/env.ts';

/** Bindings and variables as the platform hands them over. */
export interface SmsEnv {
  readonly HOME_COUNTRY: string;
  /** Where messages are posted to, `https://…`; empty: nowhere. */
  readonly SMS_WEBHOOK_URL: string;
  /** What signs each post; 12 characters or more. While it is being changed a ring: comma separated, the first one signs, and a gateway that refuses that one is asked with the next (docs/rotation.md). */
  readonly SMS_WEBHOOK_SECRET: string;
  /** JSON, label → template; the first one is the default. */
  readonly SMS_TEMPLATES: string;
  /** Names the key below, for phones; empty: messages aren't authenticated. */
  readonly SMS_KEY_ID: string;
  /** PKCS#8, P-256. */
  readonly SMS_SIGNING_KEY: string;
  /** Domain below which each region has a host with `/v`; empty: links are `ens://`. */
  readonly LINK_DOMAIN: string;
}

/** The variables, parsed and checked. */
export interface SmsConfig {
  /** null: nothing is sent. */
  readonly gateway: { readonly url: string; readonly secrets: readonly string[] } | null;
  /** Label → template, in their order; at least one. */
  readonly templates: ReadonlyMap<string, string>;
  /** null: messages aren't authenticated. */
  readonly key: { readonly id: string; readonly der: Signer } | null;
  readonly region: string;
  readonly linkDomain: string;
}

/** As the signature's reader splits it: no colon. */
const KEY_ID = /^[A-Za-z0-9._-]{1,32}$/;
const MIN_SECRET = 12;
/** Label of the template for codes that people asked for themselves, where there is one; so Google's server names it. */
export const USER_REPORT_TEMPLATE = 'User Report';
const MAX_LABEL = 100;
const DOMAIN = /^(?=.{1,200}$)[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;

/** @param env see {@link SmsEnv} @returns see {@link SmsConfig} @throws ConfigError naming the variable */
export function parseSmsConfig(env: SmsEnv): SmsConfig {
  const { LINK_DOMAIN: linkDomain } = env;
  if (linkDomain !== '' && !DOMAIN.test(linkDomain)) {
    throw new ConfigError('LINK_DOMAIN', `a domain in lower case is expected, or nothing, got "${linkDomain}"`);
  }
  return {
    gateway: env.SMS_WEBHOOK_URL === '' ? null : gatewayIn(env),
    templates: templatesIn(env.SMS_TEMPLATES),
    key: env.SMS_KEY_ID === '' ? null : keyIn(env),
    region: country({ ...env }, 'HOME_COUNTRY'),
    linkDomain,
  };
}

function gatewayIn(env: SmsEnv): { url: string; secrets: readonly string[] } {
  const url = URL.parse(env.SMS_WEBHOOK_URL);
  // In the clear anybody on the way would read code and number.
  if (url?.protocol !== 'https:' || url.username !== '' || url.hash !== '') {
    throw new ConfigError('SMS_WEBHOOK_URL', `https://… is expected, or nothing, got "${env.SMS_WEBHOOK_URL}"`);
  }
  const secrets = text({ ...env }, 'SMS_WEBHOOK_SECRET').split(',');
  if (secrets.some(({ length }) => length < MIN_SECRET)) {
    throw new ConfigError('SMS_WEBHOOK_SECRET', `${MIN_SECRET} characters are needed, of each one between commas`);
  }
  if (secrets.length > MAX_RING_KEYS || new Set(secrets).size < secrets.length) {
    throw new ConfigError('SMS_WEBHOOK_SECRET', `at most ${MAX_RING_KEYS} different ones are expected`);
  }
  return { url: url.href, secrets };
}

function templatesIn(json: string): ReadonlyMap<string, string> {
  let read: unknown;
  try {
    read = JSON.parse(json);
  } catch {
    read = null;
  }
  const entries = typeof read === 'object' && read !== null && !Array.isArray(read) ? Object.entries(read) : [];
  if (entries.length === 0) throw new ConfigError('SMS_TEMPLATES', 'a JSON object of label and template is expected');
  for (const [label, template] of entries as [string, unknown][]) {
    const fault = typeof template === 'string' ? templateFault(template) : 'no text';
    if (fault !== null || label.length < 1 || label.length > MAX_LABEL) {
      const rules = `at most ${MAX_TEMPLATE_LENGTH} characters, a code or link, no unknown variable`;
      throw new ConfigError('SMS_TEMPLATES', `"${label}": ${fault ?? 'its label'}; expected: ${rules}`);
    }
  }
  return new Map(entries as [string, string][]);
}

function keyIn(env: SmsEnv): { id: string; der: Signer } {
  if (!KEY_ID.test(env.SMS_KEY_ID)) throw new ConfigError('SMS_KEY_ID', '1..32 letters, digits, . _ - are expected');
  try {
    return { id: env.SMS_KEY_ID, der: signerFromPkcs8Pem(text({ ...env }, 'SMS_SIGNING_KEY')).der };
  } catch {
    throw new ConfigError('SMS_SIGNING_KEY', 'a P-256 private key in PEM (PKCS#8) is expected');
  }
}
