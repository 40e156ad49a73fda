/**
 * @module The portal's commands about the end of a deployment, over HTTP (workers/portal/sunset-routes.ts), and the certificate as anybody checks it.
 */
import {
  CERTIFICATE_TYPE,
  type BucketObject,
  type ObjectRemains,
  type OriginEnding,
  type Proof,
} from '../../domain/sunset.ts';
import { openDocument } from '../../protocol/index/signed-document.ts';
import { asPerson, command } from './operator.ts';

/** See workers/portal/sunset-desk.ts. */
export interface SunsetStatus {
  readonly deployment: string;
  readonly ending: OriginEnding;
  readonly objects: readonly ObjectRemains[];
  readonly buckets: Readonly<Record<string, { readonly objects: number; readonly bytes: number }>>;
}

/** See workers/portal/sunset-desk.ts. */
export type StepReply =
  | { readonly kind: 'would' | 'done'; readonly step: string; readonly status: SunsetStatus }
  | { readonly kind: 'waits'; readonly step: string; readonly by: string; readonly at: number }
  | { readonly kind: 'early'; readonly step: string; readonly first: string };

export type ProveReply =
  | { readonly kind: 'proved'; readonly certificate: string; readonly proof: Proof }
  | { readonly kind: 'left'; readonly what: readonly string[] };

/** Too early, or something is left: an answer. */
const CONFLICT = 409;

/** The portal of a deployment that ends. */
export class SunsetPortal {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /**
   * @param url of the portal or of a local edge
   * @param as at a local edge, whose portal believes it: the name to act under; null: `local-operator`
   */
  constructor(url: string, as: string | null = null) {
    this.#url = url;
    this.#headers = asPerson(as, ['operator']);
  }

  /** @throws Error when the portal isn't reached or refuses; so do the others */
  async status(): Promise<SunsetStatus> {
    return (await this.#call('GET', '')) as SunsetStatus;
  }

  /** @param deployment its name, as it was typed */
  async step(step: 'stop' | 'purge', deployment: string, dryRun: boolean): Promise<StepReply> {
    return (await this.#call('POST', `/${step}`, { deployment, dryRun })) as StepReply;
  }

  async prove(): Promise<ProveReply> {
    return (await this.#call('POST', '/prove', {})) as ProveReply;
  }

  #call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    return command(this.#url, method, `/operator/sunset${path}`, body, [CONFLICT], this.#headers);
  }
}

/**
 * @param text of a certificate
 * @param key the log's, SubjectPublicKeyInfo
 * @returns what it says, or null when that key didn't sign it
 */
export function readCertificate(text: string, key: Uint8Array): Proof | null {
  let id: unknown;
  try {
    ({ key: id } = JSON.parse(text) as { key: unknown });
  } catch {
    return null;
  }
  if (typeof id !== 'string') return null;
  const opened = openDocument(CERTIFICATE_TYPE, text, { [id]: key });
  return opened.ok ? (opened.value.payload as Proof) : null;
}

/** @param objects of buckets @returns a line each */
export const bucketLines = (objects: readonly BucketObject[]): string[] =>
  objects.map(
    ({ bucket, name, size, sha256 }) => `  ${bucket} ${name}: ${size} bytes, SHA-256 ${sha256 ?? 'not kept'}`,
  );
