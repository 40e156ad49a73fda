/**
 * @module What `verification` is given for tests of roaming people (docs/credential.md): where it answers, with which key it speaks of tests, whose tests it takes up. Without an address there is none of it: phase I.
 */
import { parseCredentialPeers } from '../../domain/credential.ts';
import { credentialKeyName, issuerSchema } from '../../protocol/credential/credential.ts';
import { parsePolicy, type DirectoryPolicy } from '../../protocol/directory/policy.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { ConfigError, country, text } from '../shared/env.ts';
import { readOnly, type ReadOnlyBucket } from '../shared/read-only-bucket.ts';

/** Bindings and variables as the platform hands them over. */
export interface CredentialEnv {
  readonly HOME_COUNTRY: string;
  /** Origin at which phones reach this Worker, as in the directory; empty: phase I. */
  readonly VERIFICATION_URL: string;
  /** PKCS#8, P-256. */
  readonly CREDENTIAL_SIGNING_KEY: string;
  readonly CREDENTIAL_KEY_ID: string;
  readonly CREDENTIAL_KEY_VERSION: string;
  /** Regions whose tests are taken up here, comma separated: phase II with each. */
  readonly CREDENTIAL_PEERS: string;
  /** As in `[env.federation.vars]`. */
  readonly DIRECTORY_POLICY: string;
  /** The objects of the directory's log; never used but through `readOnly`. */
  readonly DIRECTORY: ReadOnlyBucket;
}

/** Whose tests are taken up here. */
interface TakingConfig {
  readonly peers: readonly string[];
  readonly directory: ReadOnlyBucket;
  readonly policy: DirectoryPolicy;
}

/** The variables, parsed and checked. */
export interface CredentialConfig {
  /** Issuer of ours, audience of others' proofs. */
  readonly origin: string;
  readonly region: string;
  readonly keyName: string;
  readonly signingKeyPem: string;
  /** null: nobody's tests. */
  readonly taking: TakingConfig | null;
}

/** Both stand in each credential. */
const KEY_NAME = /^[A-Za-z0-9._-]{1,16}$/;

/** @param env see {@link CredentialEnv} @returns see {@link CredentialConfig}; null in phase I @throws ConfigError naming the variable */
export function parseCredentialConfig(env: CredentialEnv): CredentialConfig | null {
  const { VERIFICATION_URL, CREDENTIAL_KEY_ID: keyId, CREDENTIAL_KEY_VERSION: keyVersion, CREDENTIAL_PEERS } = env;
  if (VERIFICATION_URL === '') {
    if (CREDENTIAL_PEERS !== '')
      throw new ConfigError('VERIFICATION_URL', 'is needed where CREDENTIAL_PEERS names any');
    return null;
  }
  const origin = issuerSchema.safeParse(VERIFICATION_URL);
  if (!origin.success) throw new ConfigError('VERIFICATION_URL', origin.error.issues[0]?.message ?? 'is none');
  for (const [name, value] of Object.entries({ CREDENTIAL_KEY_ID: keyId, CREDENTIAL_KEY_VERSION: keyVersion })) {
    if (!KEY_NAME.test(value)) throw new ConfigError(name, '1..16 letters, digits, dots, hyphens are expected');
  }
  const signingKeyPem = text({ ...env }, 'CREDENTIAL_SIGNING_KEY');
  try {
    signerFromPkcs8Pem(signingKeyPem);
  } catch {
    throw new ConfigError('CREDENTIAL_SIGNING_KEY', 'a P-256 private key in PEM (PKCS#8) is expected');
  }
  const region = country({ ...env }, 'HOME_COUNTRY');
  const keyName = credentialKeyName({ keyId, keyVersion });
  return { origin: origin.data, region, keyName, signingKeyPem, taking: takingOf(env, region) };
}

function takingOf(
  { CREDENTIAL_PEERS, DIRECTORY_POLICY, DIRECTORY }: CredentialEnv,
  region: string,
): TakingConfig | null {
  const peers = parseCredentialPeers(CREDENTIAL_PEERS, region);
  if (peers === null) throw new ConfigError('CREDENTIAL_PEERS', 'other regions are expected, comma separated');
  if (peers.length === 0) return null;
  const policy = parsePolicy(DIRECTORY_POLICY);
  if (!policy.ok) throw new ConfigError('DIRECTORY_POLICY', policy.error);
  if (DIRECTORY === undefined) throw new ConfigError('DIRECTORY', 'the R2 bucket of the directory must be bound');
  return { peers, directory: readOnly(DIRECTORY), policy: policy.value };
}
