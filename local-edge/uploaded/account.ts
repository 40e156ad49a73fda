/**
 * @module What an account has deployed, as far as running it goes, and which version a request is for.
 */

/** A binding as it was uploaded. */
export interface UploadedBinding {
  readonly type: string;
  readonly name: string;
  readonly [field: string]: unknown;
}

/** A version that has traffic, or may be asked for by name. */
export interface UploadedVersion {
  readonly id: string;
  /** Counts a Worker's versions from 1. */
  readonly number: number;
  /** Given with the upload; empty: none. */
  readonly tag: string;
  readonly createdOn: string;
  /** Of the Worker's requests, 0 to 100. */
  readonly percentage: number;
  readonly mainModule: string;
  readonly modules: readonly { readonly name: string; readonly contentType: string; readonly hash: string }[];
  readonly compatibilityDate: string | undefined;
  readonly compatibilityFlags: readonly string[];
  readonly bindings: readonly UploadedBinding[];
  /** Names that its main module exports. */
  readonly exports: readonly string[];
}

/** A Worker with a deployment. */
export interface UploadedWorker {
  readonly name: string;
  readonly versions: readonly UploadedVersion[];
  readonly classes: Readonly<Record<string, { readonly namespaceId: string; readonly sqlite: boolean }>>;
  readonly crons: readonly string[];
}

/** A bucket. */
export interface UploadedBucket {
  readonly name: string;
  readonly jurisdiction: string;
}

/** All that runs. */
export interface UploadedAccount {
  readonly workers: readonly UploadedWorker[];
  readonly buckets: readonly UploadedBucket[];
  /** Custom domains of Workers. */
  readonly hosts: readonly { readonly hostname: string; readonly worker: string }[];
  /** Routes: `host/path*`; no Worker: what the pattern fits goes to none. */
  readonly routes: readonly { readonly pattern: string; readonly worker: string | null }[];
  /** Custom domains of buckets. */
  readonly bucketHosts: readonly { readonly hostname: string; readonly bucket: UploadedBucket }[];
  /** @returns bytes of a module */
  readonly bytesOf: (hash: string) => Uint8Array<ArrayBuffer>;
}

/** How to run it. */
export interface UploadedOptions {
  /** Directory of objects and buckets, made if missing and kept. */
  readonly state: string;
  /** On 127.0.0.1; 0 (the default) takes a free one. */
  readonly port?: number;
  /** @returns what is deployed now */
  readonly read: () => UploadedAccount;
  /** Gets every line that a Worker prints. */
  readonly onLog: (line: string) => void;
}

/** An object in a bucket. */
export interface ListedObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
  readonly uploaded: Date;
}

/** Where a request goes. */
export type Target =
  | { readonly kind: 'worker'; readonly worker: UploadedWorker; readonly version: UploadedVersion }
  | { readonly kind: 'bucket'; readonly bucket: UploadedBucket }
  | { readonly kind: 'nobody' };

/**
 * @param worker with a deployment
 * @returns the version in which its objects live and which other Workers call: that with the most traffic, the newer of two alike
 */
export const mainVersionOf = ({ name, versions }: UploadedWorker): UploadedVersion => {
  const [first] = versions.toSorted((a, b) => b.percentage - a.percentage || b.number - a.number);
  if (first === undefined) throw new Error(`${name} has no deployment`);
  return first;
};

const fits = (pattern: string, address: string): boolean =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((text) => text.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join('.*')}$`,
  ).test(address);

/** Routes come before custom domains, and of routes the most specific (developers.cloudflare.com/workers/configuration/routing). */
function workerFor(account: UploadedAccount, host: string, path: string): string | null {
  const [route] = account.routes
    .filter(({ pattern }) => fits(pattern, `${host}${path}`))
    .toSorted((a, b) => b.pattern.length - a.pattern.length);
  if (route !== undefined) return route.worker;
  return account.hosts.find(({ hostname }) => hostname === host)?.worker ?? null;
}

/** `name="id", name="id"`: only versions of the current deployment can be asked for; others are passed over, as on the platform. */
function overridden(worker: UploadedWorker, header: string): UploadedVersion | undefined {
  const pairs = [...header.matchAll(/([\w-]+)="([^"]*)"/g)];
  const id = pairs.find(([, name]) => name === worker.name)?.[2];
  return worker.versions.find((version) => version.id === id);
}

function byPercentage({ versions }: UploadedWorker, draw: number): UploadedVersion | undefined {
  let rest = draw;
  for (const version of versions) {
    rest -= version.percentage;
    if (rest < 0) return version;
  }
  return versions.at(-1);
}

/** A request, as far as it decides where it goes. */
export interface Asked {
  /** Without a port, lower case. */
  readonly host: string;
  readonly path: string;
  /** `Cloudflare-Workers-Version-Overrides`; empty: none. */
  readonly overrides: string;
  /** Drawn, 0 to below 100. */
  readonly draw: number;
}

/**
 * @param account all that runs
 * @param asked the request
 * @returns who answers
 */
export function chooseTarget(account: UploadedAccount, asked: Asked): Target {
  const name = workerFor(account, asked.host, asked.path);
  const worker = account.workers.find((candidate) => candidate.name === name);
  if (worker === undefined) {
    const bucket = account.bucketHosts.find(({ hostname }) => hostname === asked.host)?.bucket;
    return bucket === undefined ? { kind: 'nobody' } : { kind: 'bucket', bucket };
  }
  const version = overridden(worker, asked.overrides) ?? byPercentage(worker, asked.draw);
  return version === undefined ? { kind: 'nobody' } : { kind: 'worker', worker, version };
}
