/**
 * @module Miniflare's options for what was uploaded: a Worker of Miniflare for each version that runs, and one before them that passes requests on.
 */
import { type LegacyWorkerOptions, type Request, Response as MiniflareResponse } from 'miniflare';
import {
  mainVersionOf,
  type UploadedAccount,
  type UploadedBinding,
  type UploadedBucket,
  type UploadedVersion,
  type UploadedWorker,
} from './account.ts';
import { TARGET_HEADER } from './target-header.ts';

/** The first Worker. Phones speak TLS to the platform, so Workers see `https:`. */
const ENTRY = `export default {
  fetch(request, env) {
    const headers = new Headers(request.headers);
    const target = headers.get('${TARGET_HEADER}');
    headers.delete('${TARGET_HEADER}');
    const url = new URL(request.url);
    url.protocol = 'https:';
    url.port = '';
    return env[target].fetch(new Request(url, new Request(request, { headers, redirect: 'manual' })));
  },
};`;

/** Name of the Worker before the others. */
export const ENTRY_WORKER = 'uploaded-entry';

/**
 * @param bucket any
 * @returns its name within one Miniflare: a name may be in two jurisdictions
 */
export const bucketId = ({ name, jurisdiction }: UploadedBucket): string =>
  jurisdiction === 'default' ? name : `${name}.${jurisdiction}`;

/**
 * @param worker whose
 * @param version that runs
 * @returns its name within Miniflare; objects live in the one that has the Worker's own name
 */
export const runtimeName = (worker: UploadedWorker, version: UploadedVersion): string =>
  mainVersionOf(worker).id === version.id ? worker.name : `${worker.name}~${version.id}`;

const MODULE_TYPES: Readonly<Record<string, 'ESModule' | 'CompiledWasm' | 'Text' | 'Data'>> = {
  'application/javascript+module': 'ESModule',
  'application/wasm': 'CompiledWasm',
  'text/plain': 'Text',
  'application/octet-stream': 'Data',
};

function modulesOf(account: UploadedAccount, version: UploadedVersion): LegacyWorkerOptions {
  const root = `/uploaded/${version.id}`;
  const modules = version.modules.flatMap(({ name, contentType, hash }) => {
    const type = MODULE_TYPES[contentType];
    // Source maps are of no use to workerd.
    return type === undefined ? [] : [{ type, path: `${root}/${name}`, contents: account.bytesOf(hash), name }];
  });
  // The first one is the main module.
  const sorted = modules.toSorted(
    (a, b) => Number(b.name === version.mainModule) - Number(a.name === version.mainModule),
  );
  return {
    modules: sorted.map(({ type, path, contents }) => ({
      type,
      path,
      contents: type === 'ESModule' || type === 'Text' ? new TextDecoder().decode(contents) : contents,
    })),
    modulesRoot: root,
  };
}

/** What a binding answers that leads nowhere here. */
const nowhere = (why: string) => async (): Promise<MiniflareResponse> =>
  new MiniflareResponse(`${why}\n`, { status: 530 });

const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])$/;

/** Workers call this machine and nobody else: a rehearsal sends nothing out. */
async function onlyHere(request: Request): Promise<MiniflareResponse> {
  const { hostname } = new URL(request.url);
  if (!LOOPBACK.test(hostname)) return nowhere(`${hostname} is not called in a rehearsal`)();
  const { method, headers } = request;
  const body = method === 'GET' || method === 'HEAD' ? null : await request.arrayBuffer();
  const response = await fetch(request.url, { method, headers: [...headers], body, redirect: 'manual' });
  return new MiniflareResponse(await response.arrayBuffer(), {
    status: response.status,
    headers: [...response.headers],
  });
}

interface Composed {
  readonly bindings: Record<string, unknown>;
  readonly r2Buckets: Record<string, string>;
  readonly durableObjects: Record<string, object>;
  readonly serviceBindings: Record<string, unknown>;
}

/** A field that is text, or isn't there. */
function textOf(binding: UploadedBinding, field: string): string | undefined {
  const value = binding[field];
  return typeof value === 'string' ? value : undefined;
}

function serviceOf(account: UploadedAccount, binding: UploadedBinding): unknown {
  const target = account.workers.find(({ name }) => name === binding['service']);
  const entrypoint = textOf(binding, 'entrypoint');
  if (target === undefined) return nowhere(`Worker ${textOf(binding, 'service')} is not deployed`);
  if (entrypoint === undefined) return target.name;
  // workerd starts none of them when one names what isn't there; the platform fails the call.
  if (!mainVersionOf(target).exports.includes(entrypoint)) {
    return nowhere(`Worker ${target.name} exports no ${entrypoint}`);
  }
  return { name: target.name, entrypoint };
}

function objectsOf(account: UploadedAccount, worker: UploadedWorker, own: boolean, binding: UploadedBinding): object {
  const owner = textOf(binding, 'script_name') ?? worker.name;
  const className = textOf(binding, 'class_name') ?? '';
  const { namespaceId, sqlite } = account.workers.find(({ name }) => name === owner)?.classes[className] ?? {
    namespaceId: `${owner}-${className}`,
    sqlite: true,
  };
  return {
    className,
    useSQLite: sqlite,
    // A class that a migration renames keeps its objects.
    unsafeUniqueKey: namespaceId,
    ...(own && owner === worker.name ? {} : { scriptName: owner }),
  };
}

function bind(account: UploadedAccount, worker: UploadedWorker, version: UploadedVersion): Composed {
  const made: Composed = { bindings: {}, r2Buckets: {}, durableObjects: {}, serviceBindings: {} };
  const own = runtimeName(worker, version) === worker.name;
  for (const binding of version.bindings) {
    const { name } = binding;
    switch (binding.type) {
      case 'plain_text':
      case 'secret_text':
        made.bindings[name] = binding['text'];
        break;
      case 'json':
        made.bindings[name] = binding['json'];
        break;
      case 'version_metadata':
        made.bindings[name] = { id: version.id, tag: version.tag, timestamp: version.createdOn };
        break;
      case 'r2_bucket':
        made.r2Buckets[name] = bucketId({
          name: textOf(binding, 'bucket_name') ?? '',
          jurisdiction: textOf(binding, 'jurisdiction') ?? 'default',
        });
        break;
      case 'durable_object_namespace':
        made.durableObjects[name] = objectsOf(account, worker, own, binding);
        break;
      case 'service':
        made.serviceBindings[name] = serviceOf(account, binding);
        break;
      case 'mtls_certificate':
        made.serviceBindings[name] = nowhere('no peer is called in a rehearsal');
        break;
      default:
        throw new Error(`${worker.name}: a binding of type ${binding.type} can't be run here`);
    }
  }
  return made;
}

function composeVersion(
  account: UploadedAccount,
  worker: UploadedWorker,
  version: UploadedVersion,
): LegacyWorkerOptions {
  return {
    name: runtimeName(worker, version),
    ...modulesOf(account, version),
    ...(version.compatibilityDate === undefined ? {} : { compatibilityDate: version.compatibilityDate }),
    compatibilityFlags: [...version.compatibilityFlags],
    ...bind(account, worker, version),
    outboundService: onlyHere,
    routes: [],
  } as LegacyWorkerOptions;
}

/**
 * @param account all that runs
 * @returns Miniflare's Workers, the one that passes on first
 * @throws Error for a binding that can't be run here
 */
export function composeUploaded(account: UploadedAccount): LegacyWorkerOptions[] {
  const versions = account.workers.flatMap((worker) =>
    worker.versions.map((version) => composeVersion(account, worker, version)),
  );
  const entry = {
    name: ENTRY_WORKER,
    modules: [{ type: 'ESModule', path: '/uploaded/entry.js', contents: ENTRY }],
    modulesRoot: '/uploaded',
    compatibilityDate: '2026-11-01',
    serviceBindings: Object.fromEntries(versions.map(({ name = '' }) => [name, name])),
    // All of them, so that they can be looked into whether a Worker has them or not.
    r2Buckets: Object.fromEntries(account.buckets.map((bucket) => [bucketId(bucket), bucketId(bucket)])),
  } as LegacyWorkerOptions;
  return [entry, ...versions];
}
