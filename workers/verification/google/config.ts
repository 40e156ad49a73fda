/** @module What `verification` is given for apps of Google's dialect (docs/verification.md): with which key it vouches for keys, and where links to apps lead. */
import type { CodeStore } from '../../../durable-objects/code-store/code-store.ts';
import type { CertificateHead } from '../../../protocol/publish/issued-certificate.ts';
import { pointFromSpki, type SigningKey, signerFromPkcs8Pem } from '../../../protocol/signing.ts';
import { ConfigError, country, text } from '../../shared/env.ts';
import { KEY_ID, namedKeys } from '../../shared/named-keys.ts';

/** Bindings and variables as the platform hands them over. */
export interface GoogleEnv {
  readonly CODE_STORE: DurableObjectNamespace<CodeStore>;
  readonly HOME_COUNTRY: string;
  /** PKCS#8, P-256. */
  readonly CERTIFICATE_SIGNING_KEY: string;
  /** `kid` of certificates. */
  readonly CERTIFICATE_KEY_ID: string;
  readonly CERTIFICATE_ISSUER: string;
  readonly CERTIFICATE_AUDIENCE: string;
  /** Public keys beside it, `kid=SPKI` in base64, comma separated: the next one before it signs, the last one after. */
  readonly CERTIFICATE_OTHER_KEYS: string;
  /** Links are `https://<region>.<this>/v?c=…`; empty: there are none. */
  readonly LINK_DOMAIN: string;
  /** Apps that open links: `TEAMID.bundle.id`, comma separated. */
  readonly APPLE_APPS: string;
  /** `package=SHA-256 of its certificate`, hex with or without colons, comma separated. */
  readonly ANDROID_APPS: string;
}

/** A public key as a key server imports it. */
export interface PublishedKey {
  readonly kid: string;
  /** Uncompressed point, 65 bytes. */
  readonly point: Uint8Array;
}

interface AndroidApp {
  readonly packageName: string;
  /** Pairs of upper-case hex digits, joined by colons. */
  readonly fingerprint: string;
}

/** Where links to apps lead. */
export interface LinkConfig {
  /** Host names in lower case. */
  readonly host: string;
  /** As apps name it: two capital letters. */
  readonly region: string;
  readonly appleApps: readonly string[];
  readonly androidApps: readonly AndroidApp[];
}

export interface GoogleConfig {
  readonly signingKey: SigningKey;
  readonly head: CertificateHead;
  readonly publishedKeys: readonly PublishedKey[];
  /** Last part but one of API keys. */
  readonly realm: string;
  /** null: there are no links. */
  readonly links: LinkConfig | null;
}

/** Both stand in each certificate, and an answer has one size. */
const MAX_PARTY_LENGTH = 100;
const DOMAIN = /^(?=.{1,200}$)[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;
const APPLE_APP = /^[A-Z0-9]{10}\.[A-Za-z0-9.-]{1,155}$/;
const PACKAGE = /^[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+$/;
const FINGERPRINT = /^[0-9A-F]{64}$/;

/** @param env see {@link GoogleEnv} @returns see {@link GoogleConfig} @throws ConfigError naming the variable */
export function parseGoogleConfig(env: GoogleEnv): GoogleConfig {
  const variables = { ...env };
  let signingKey: SigningKey;
  try {
    signingKey = signerFromPkcs8Pem(env.CERTIFICATE_SIGNING_KEY);
  } catch {
    throw new ConfigError('CERTIFICATE_SIGNING_KEY', 'a P-256 private key in PEM (PKCS#8) is expected');
  }
  const kid = text(variables, 'CERTIFICATE_KEY_ID');
  if (!KEY_ID.test(kid))
    throw new ConfigError('CERTIFICATE_KEY_ID', '1..32 letters, digits, dots, hyphens are expected');
  const own = { kid, point: pointFromSpki(signingKey.publicKeySpki) };
  const others = namedKeys(env.CERTIFICATE_OTHER_KEYS, 'CERTIFICATE_OTHER_KEYS', kid).map(({ id, spki }) => ({
    kid: id,
    point: pointFromSpki(spki),
  }));
  return {
    signingKey,
    head: { kid, iss: party(variables, 'CERTIFICATE_ISSUER'), aud: party(variables, 'CERTIFICATE_AUDIENCE') },
    publishedKeys: [own, ...others],
    realm: country(variables, 'HOME_COUNTRY').toLowerCase(),
    links: parseLinks(env),
  };
}

const listOf = (value: string): string[] => (value === '' ? [] : value.split(',').map((one) => one.trim()));

function party(variables: Readonly<Record<string, unknown>>, name: string): string {
  const value = text(variables, name);
  if (!/^[\x21-\x7e]+$/.test(value) || value.length > MAX_PARTY_LENGTH || /["\\]/.test(value)) {
    throw new ConfigError(name, `1..${MAX_PARTY_LENGTH} printable characters without spaces are expected`);
  }
  return value;
}

function parseLinks(env: GoogleEnv): LinkConfig | null {
  const region = env.HOME_COUNTRY;
  const domain = env.LINK_DOMAIN;
  const appleApps = listOf(env.APPLE_APPS);
  if (!appleApps.every((app) => APPLE_APP.test(app))) {
    throw new ConfigError('APPLE_APPS', 'TEAMID.bundle.id is expected, comma separated');
  }
  const androidApps = listOf(env.ANDROID_APPS).map(androidApp);
  if (domain === '') return null;
  if (!DOMAIN.test(domain)) throw new ConfigError('LINK_DOMAIN', 'a domain in lower case is expected');
  return { host: `${region.toLowerCase()}.${domain}`, region, appleApps, androidApps };
}

function androidApp(entry: string): AndroidApp {
  const [packageName = '', print = ''] = entry.split('=');
  const digits = print.replaceAll(':', '').toUpperCase();
  if (!PACKAGE.test(packageName) || !FINGERPRINT.test(digits)) {
    throw new ConfigError('ANDROID_APPS', 'package=SHA-256 fingerprint is expected, comma separated');
  }
  return { packageName, fingerprint: digits.replaceAll(/(..)(?=.)/g, '$1:') };
}
