/**
 * @module What an upload of a Worker must hold to, and the version that it becomes. Codes and words are the platform's where a public source
 * has them (its users' reports, wrangler's code); elsewhere 10021, its code for what it refuses in an upload.
 */
import { build } from 'esbuild';
import { applyMigrations, type Migrations } from './migrations.ts';
import { Refusal } from './refusal.ts';
import type { Json } from './schemas/validate.ts';
import {
  type Account,
  type Binding,
  newId,
  newUuid,
  type Store,
  timestamp,
  type UploadedModule,
  type Version,
  type Worker,
} from './state.ts';

/** The part `metadata` of an upload, as far as it is read here. */
interface Metadata extends Json {
  readonly main_module?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly bindings?: readonly Binding[];
  readonly keep_bindings?: readonly string[];
  readonly compatibility_date?: string;
  readonly compatibility_flags?: readonly string[];
  readonly migrations?: Migrations;
}

/** An upload. */
export interface Upload {
  readonly store: Store;
  /** The Worker's name. */
  readonly name: string;
  readonly metadata: unknown;
  readonly files: readonly File[];
  /** A version alone: it takes no migration, and no traffic. */
  readonly versionOnly: boolean;
  /** `bindings_inherit=strict`. */
  readonly strict: boolean;
}

/** The platform's code for what it refuses in an upload. */
const INVALID = 10_021;

// What isn't of a version lies with the Worker; the rest is read above.
const ELSEWHERE = new Set([
  'main_module',
  'annotations',
  'bindings',
  'keep_bindings',
  'compatibility_date',
  'compatibility_flags',
  'migrations',
  'logpush',
  'observability',
  'tags',
  'tail_consumers',
  'code_update_strategy',
]);

async function exportsOf(main: File): Promise<string[]> {
  try {
    const { metafile } = await build({
      stdin: { contents: await main.text(), loader: 'js' },
      format: 'esm',
      write: false,
      metafile: true,
      logLevel: 'silent',
    });
    return Object.values(metafile.outputs).flatMap((output) => output.exports);
  } catch (error) {
    throw new Refusal(400, INVALID, `Uncaught SyntaxError: ${String(error).split('\n')[1] ?? ''}`);
  }
}

async function storeModules(store: Store, files: readonly File[]): Promise<UploadedModule[]> {
  return Promise.all(
    files.map(async (file) => ({
      name: file.name,
      contentType: file.type,
      hash: store.putModule(new Uint8Array(await file.arrayBuffer())),
    })),
  );
}

/** `inherit` and `keep_bindings` take from the latest version, deployed or not. */
function resolveInherited(metadata: Metadata, latest: Version | undefined, strict: boolean): Binding[] {
  const before = new Map((latest?.bindings ?? []).map((binding) => [binding.name, binding]));
  const given = metadata.bindings ?? [];
  const missing = given.filter(({ type, name }) => type === 'inherit' && !before.has(name));
  if (strict && missing.length > 0) {
    // wrangler looks for these words (`handleMissingSecretsError`).
    throw new Refusal(
      400,
      10_057,
      ...missing.map(({ name }) => `inherit binding '${name}' is invalid: no such binding on the previous version`),
    );
  }
  const named = given.flatMap((binding) => {
    if (binding.type !== 'inherit') return [binding];
    const found = before.get(binding.name);
    return found === undefined ? [] : [found];
  });
  const names = new Set(given.map(({ name }) => name));
  const kept = [...before.values()].filter(
    ({ name, type }) => !names.has(name) && (metadata.keep_bindings ?? []).includes(type),
  );
  return [...named, ...kept];
}

interface Bound {
  readonly account: Account;
  readonly name: string;
  readonly worker: Worker;
  readonly exports: readonly string[];
}

function requireService(binding: Binding, { account, name, exports }: Bound): void {
  const service = String(binding['service']);
  const target = Object.hasOwn(account.workers, service) ? account.workers[service] : undefined;
  if (target === undefined && service !== name) {
    throw new Refusal(
      400,
      10_143,
      `Service binding '${binding.name}' references Worker '${service}' which was not found. Verify the Worker exists in your account and that the service name in your configuration is correct.`,
    );
  }
  const { entrypoint } = binding;
  const offered = service === name ? exports : (target?.versions[0]?.exports ?? []);
  if (typeof entrypoint === 'string' && !offered.includes(entrypoint)) {
    throw new Refusal(
      400,
      10_144,
      `Service binding '${binding.name}' references entrypoint '${entrypoint}', which Worker '${service}' does not export.`,
    );
  }
}

function requireBinding(binding: Binding, bound: Bound): void {
  const { account, worker } = bound;
  switch (binding.type) {
    case 'r2_bucket': {
      const jurisdiction = binding['jurisdiction'] ?? 'default';
      const found = account.buckets.some(
        (bucket) => bucket.name === binding['bucket_name'] && bucket.jurisdiction === jurisdiction,
      );
      if (found) return;
      const bucket = String(binding['bucket_name']);
      throw new Refusal(400, 10_085, `R2 bucket '${bucket}' not found. Please use a different name and try again.`);
    }
    case 'durable_object_namespace': {
      const script = binding['script_name'];
      const owner = typeof script === 'string' && script !== bound.name ? account.workers[script] : worker;
      const className = String(binding['class_name']);
      if (Object.hasOwn(owner?.classes ?? {}, className)) return;
      throw new Refusal(
        400,
        10_061,
        `Cannot create binding for class '${className}' because it is not currently configured to implement Durable Objects. Ensure a --new-class migration has been applied to it.`,
      );
    }
    case 'mtls_certificate': {
      const id = binding['certificate_id'];
      if (account.mtlsCertificates.some((certificate) => certificate['id'] === id)) return;
      throw new Refusal(400, INVALID, `binding ${binding.name} of type mtls_certificate: no certificate ${String(id)}`);
    }
    case 'service':
      return requireService(binding, bound);
    default:
  }
}

function requireMetadata(metadata: Metadata, versionOnly: boolean): void {
  const date = metadata.compatibility_date;
  if (date !== undefined && date > timestamp().slice(0, 10)) {
    throw new Refusal(400, INVALID, `Can't set compatibility date in the future: "${date}".`);
  }
  if (versionOnly && metadata.migrations !== undefined) {
    throw new Refusal(
      400,
      10_211,
      'Version upload failed. You attempted to upload a version of a Worker that includes a Durable Object migration, but migrations must be fully applied via a non-versioned deployment.',
    );
  }
  const names = (metadata.bindings ?? []).map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Refusal(400, INVALID, `binding name '${twice}' already in use`);
}

const newWorker = (): Worker => ({
  tag: newId(),
  createdOn: timestamp(),
  modifiedOn: timestamp(),
  migrationTag: null,
  classes: {},
  versions: [],
  deployments: [],
  schedules: [],
  subdomain: { enabled: false, previews_enabled: false },
  settings: { logpush: false, tags: [], tail_consumers: [] },
});

/**
 * Takes an upload in.
 *
 * @param upload see {@link Upload}
 * @returns the Worker, made if it is its first, with the version as its newest
 * @throws Refusal for what the platform refuses
 */
export async function takeUpload(upload: Upload): Promise<{ readonly worker: Worker; readonly version: Version }> {
  const { store, name, files, versionOnly } = upload;
  const metadata = upload.metadata as Metadata;
  requireMetadata(metadata, versionOnly);
  const main = files.find((file) => file.name === metadata.main_module);
  if (main === undefined)
    throw new Refusal(400, INVALID, `main_module ${metadata.main_module ?? ''} is not among the parts`);
  const exports = await exportsOf(main);
  const { account } = store;
  const worker = (account.workers[name] ??= newWorker());
  if (metadata.migrations !== undefined) applyMigrations(worker, metadata.migrations, exports);
  const lost = Object.keys(worker.classes).find((className) => !exports.includes(className));
  if (lost !== undefined) {
    throw new Refusal(
      400,
      10_064,
      `New version of script does not export class '${lost}' which is depended on by existing Durable Objects. If you want to delete these Durable Objects, you will need to use a --delete-class migration.`,
    );
  }
  const bindings = resolveInherited(metadata, worker.versions[0], upload.strict);
  for (const binding of bindings) requireBinding(binding, { account, name, worker, exports });
  const version: Version = {
    id: newUuid(),
    number: (worker.versions[0]?.number ?? 0) + 1,
    createdOn: timestamp(),
    source: 'wrangler',
    annotations: { ...metadata.annotations, 'workers/triggered_by': versionOnly ? 'version_upload' : 'upload' },
    bindings,
    mainModule: main.name,
    modules: await storeModules(store, files),
    ...(metadata.compatibility_date === undefined ? {} : { compatibilityDate: metadata.compatibility_date }),
    compatibilityFlags: metadata.compatibility_flags ?? [],
    other: Object.fromEntries(Object.entries(metadata).filter(([key]) => !ELSEWHERE.has(key))),
    exports,
    migrationTag: worker.migrationTag,
  };
  worker.versions.unshift(version);
  worker.modifiedOn = timestamp();
  if (!versionOnly) keepSettings(worker, metadata);
  return { worker, version };
}

function keepSettings(worker: Worker, metadata: Metadata): void {
  for (const key of ['logpush', 'observability', 'tags', 'tail_consumers']) {
    if (metadata[key] !== undefined) worker.settings[key] = metadata[key];
  }
}

const SECRET_TYPES = new Set(['secret_text', 'secret_key']);

/** @param binding of a version; @returns whether it is a secret */
export const isSecret = ({ type }: Binding): boolean => SECRET_TYPES.has(type);

/**
 * @param bindings of a version
 * @returns as anybody may read them: secrets by name and type
 */
export const readable = (bindings: readonly Binding[]): Binding[] =>
  bindings.map((binding) => (isSecret(binding) ? { type: binding.type, name: binding.name } : binding));
