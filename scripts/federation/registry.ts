/**
 * @module The directory of a federation on this machine: entries and revocations as their authors sign them, the log's operator and both
 * witnesses, one after the other. In the world each is another party (docs/directory.md).
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseNoteSecret, type NoteSecret } from '../../protocol/directory/note.ts';
import { type DirectoryPolicy, parsePolicy } from '../../protocol/directory/policy.ts';
import { foldLeaves } from '../../protocol/directory/fold.ts';
import { certificateText } from '../../protocol/directory/statement.ts';
import { toBase64, toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import { COSIGNATURES_FOLDER, folderReader, PENDING_FOLDER, writeDurably } from '../support/directory/folder.ts';
import { openLog, publish } from '../support/directory/publish.ts';
import { chainFromPem, newEntry, newRevocation, type StatementSigner } from '../support/directory/statements.ts';
import { witness } from '../support/directory/witness.ts';
import { type BackendPlan, backendFiles, directoryFiles, readIssued } from './plan.ts';

/** What a backend says of itself once it runs. */
export interface RunningBackend {
  readonly plan: BackendPlan;
  /** Of the local edge. */
  readonly url: string;
  /** Of its TLS front. */
  readonly feedUrl: string;
  /** Of its exports. */
  readonly verificationKey: { readonly keyId: string; readonly keyVersion: string; readonly publicPem: string };
  /** Of its manifests' heads, PEM. */
  readonly manifestPem: string;
  /** What its feed can be read as. */
  readonly formats: readonly string[];
}

/** wrangler.toml's. */
const MANIFEST_KEY_ID = 'manifest-v1';
/** As in wrangler.toml. */
const CREDENTIAL_KEY = { keyId: 'credential', keyVersion: 'v1' } as const;
/** As long as the client certificate, so that no entry ends before who it names. */
const ENTRY_DAYS = 398;

/** The directory of a folder. */
export class Registry {
  readonly #files: ReturnType<typeof directoryFiles>;
  readonly #policy: DirectoryPolicy;

  /** @param dir of the plan @throws Error when its policy is none */
  constructor(dir: string) {
    this.#files = directoryFiles(dir);
    const parsed = parsePolicy(readFileSync(this.#files.policy, 'utf8'));
    if (!parsed.ok) throw new Error(parsed.error);
    this.#policy = parsed.value;
  }

  /**
   * Signs an entry for each backend whose entry isn't as it should be, and makes the log public.
   *
   * @param now Unix seconds
   */
  async enter(backends: readonly RunningBackend[], now: number): Promise<void> {
    const { entries } = foldLeaves(this.#leaves(), this.#policy.roots, now);
    for (const backend of backends) {
      const { id } = backend.plan;
      const wanted = fieldsOf(backend);
      const found = entries.find(({ regionId }) => regionId === id);
      const isSame = found?.feedUrl === wanted.feedUrl && found.publicUrl === wanted.publicUrl;
      // One of before there were manifest keys, or a role for testing, is entered anew.
      if (isSame && found.manifestKeys !== undefined && found.testingKeys.length > 0) continue;
      this.#put(newEntry(wanted, signerOf(backendFiles(backend.plan).region), this.#moment(now), ENTRY_DAYS));
    }
    await this.publish(now);
  }

  /**
   * Takes a backend's client certificate back, as its own operator does.
   *
   * @param now Unix seconds
   * @returns the fingerprint
   */
  async revoke(plan: BackendPlan, now: number): Promise<string> {
    const files = backendFiles(plan);
    const fingerprint = fingerprintOf(`${files.client}.pem`);
    const taken = {
      regionId: plan.id,
      cluster: plan.cluster,
      tlsFingerprints: [fingerprint],
      verificationKeys: [],
      certificates: [],
      removed: false,
    };
    this.#put(newRevocation(taken, signerOf(files.region), this.#moment(now)));
    await this.publish(now);
    return fingerprint;
  }

  /**
   * Takes in what waits, has it cosigned and makes it public; with nothing new, cosigns anew.
   *
   * @param now Unix seconds
   * @throws Error when a statement is refused or a witness doesn't cosign
   */
  async publish(now: number): Promise<void> {
    const { log: folder, logSecret, witnesses } = this.#files;
    const options = { folder, policy: this.#policy, secret: secretIn(logSecret), now };
    const { refused } = await publish(options);
    const [first] = refused;
    if (first !== undefined) throw new Error(`${first.file}: ${first.why}`);
    for (const { secret: file, state } of witnesses) {
      const { origin, logKeys } = this.#policy;
      const secret = secretIn(file);
      const seen = witness({ state, secret, origin, logKeys, read: folderReader(folder), now });
      if (!seen.ok) throw new Error(`${secret.name}: ${seen.why}`);
      writeDurably(join(folder, COSIGNATURES_FOLDER, toHex(secret.id)), seen.line);
    }
    const { waiting } = await publish(options);
    if (waiting !== null) throw new Error(`the directory waits: ${waiting.why}`);
  }

  #leaves(): readonly Uint8Array[] {
    return openLog(this.#files.log, this.#policy).leaves;
  }

  #moment(now: number) {
    return { leaves: this.#leaves(), roots: this.#policy.roots, now };
  }

  #put(leaf: Uint8Array): void {
    writeDurably(join(this.#files.log, PENDING_FOLDER, `${toHex(sha256(leaf)).slice(0, 16)}.json`), leaf);
  }
}

/** @param file PEM @returns SHA-256 of the first certificate's DER, 64 lowercase hex digits */
export const fingerprintOf = (file: string): string =>
  new X509Certificate(readFileSync(file)).fingerprint256.replaceAll(':', '').toLowerCase();

function fieldsOf({ plan, url, feedUrl, verificationKey, manifestPem, formats }: RunningBackend) {
  const { keyId, keyVersion, publicPem } = verificationKey;
  const credentialPem = readFileSync(join(backendFiles(plan).state, 'credential-public.pem'), 'utf8');
  const [client] = chainFromPem(readFileSync(`${backendFiles(plan).client}.pem`, 'utf8'));
  return {
    regionId: plan.id,
    vendor: 'exposure-edge',
    cluster: plan.cluster,
    phase: 2,
    feedUrl: `${feedUrl}/`,
    publicUrl: `${url}/`,
    verificationUrl: `${url}/`,
    formats,
    tlsCertificates: client === undefined ? [] : [certificateText(client)],
    verificationKeys: [{ keyId, keyVersion, spki: toBase64(spkiFromPem(publicPem)) }],
    manifestKeys: [{ keyId: MANIFEST_KEY_ID, spki: toBase64(spkiFromPem(manifestPem)) }],
    testing: { keys: [{ ...CREDENTIAL_KEY, spki: toBase64(spkiFromPem(credentialPem)) }] },
  };
}

const signerOf = (base: string): StatementSigner => {
  const { chain, key } = readIssued(base);
  return { chain: chainFromPem(chain), key };
};

function secretIn(file: string): NoteSecret {
  const secret = parseNoteSecret(readFileSync(file, 'utf8'));
  if (secret === null) throw new Error(`${file}: is no key`);
  return secret;
}
