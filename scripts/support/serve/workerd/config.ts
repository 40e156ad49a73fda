/**
 * @module workerd's configuration (workerd.capnp) for all Workers of wrangler.toml, the gate in front of them, and the gateway to the buckets behind them. Text without a
 * secret: those come by the process's environment. Pure.
 */
import { LOCAL_ROUTES } from '../../../../local-edge/workers.ts';
import { ACCESS_HEADER, type GatePerson, type GateService } from '../gate/contract.ts';
import { BUCKET_HEADER } from '../store/gateway.ts';
import type { Deployment, WorkerBindings } from './bindings.ts';

/** What differs from one machine to another. */
export interface ConfigOptions {
  readonly deployment: Deployment;
  readonly vars: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Names of the secrets that there are. */
  readonly secretNames: ReadonlySet<string>;
  readonly people: readonly GatePerson[];
  readonly services: readonly GateService[];
  /** Folder of the Durable Objects. */
  readonly objects: string;
  /** `127.0.0.1:8787`. */
  readonly listen: string;
  readonly sockets: {
    readonly gateway: string;
    readonly control: string;
    readonly keepers: Readonly<Record<string, string>>;
  };
  /** For trials alone: the clock Worker of the local edge, whose hours can be moved; null: real time. */
  readonly clock: { readonly name: string; readonly entrypoint: string; readonly routes: readonly string[] } | null;
}

/** Workers with a host of their own and client certificates. */
export const KEEPERS = ['laboratory', 'federation', 'portal'] as const;
/** Who is on the phones' host, by paths. */
const PHONES = ['upload', 'config', 'verification'] as const;
/** Who speaks to others: the gateway for SMS, peers. No other Worker calls `fetch` by itself. */
const OUTGOING: ReadonlySet<string> = new Set(['verification', 'federation']);

/** Held while a key is changed, or with a gateway among the peers: wrangler.toml names them in comments alone. */
const OPTIONAL_SECRETS: Readonly<Record<string, readonly string[]>> = {
  origin: ['EXPORT_FORMER_SIGNING_KEY', 'CONFIG_FORMER_SIGNING_KEY', 'MANIFEST_FORMER_PUBLIC_KEY'],
  federation: ['EFGS_SIGNING_CERTIFICATE', 'EFGS_SIGNING_KEY'],
};

/** Name of a Worker's file beside the configuration. */
export const moduleFile = (worker: string): string => `${worker}.js`;
/** Under which name a secret stands in workerd's environment. */
export const secretVariable = (name: string): string => `SECRET_${name}`;

/** A text as capnp has it: JSON's escapes, but no \u. */
function quoted(value: string): string {
  // oxlint-disable-next-line no-control-regex -- a control character in a variable is a mistake, and capnp has no way to write it
  if (/[\u0000-\u0008\u000B-\u001F\u007F]/.test(value)) throw new Error('a variable has a control character');
  return JSON.stringify(value);
}

const list = (items: readonly string[]): string => `[\n${items.map((item) => `    ${item},\n`).join('')}  ]`;
const bound = (name: string, kind: string): string => `(name = ${quoted(name)}, ${kind})`;
const json = (name: string, value: unknown): string => bound(name, `json = ${quoted(JSON.stringify(value))}`);
const constantOf = (worker: string): string => `w${worker.replaceAll(/[^a-z]/g, '')}`;
const bucketService = (bucket: string): string => `bucket-${bucket}`;

function workerText(worker: string, own: WorkerBindings, options: ConfigOptions): string {
  const { deployment, clock } = options;
  const environmentOf = (script: string): string =>
    Object.keys(deployment.workers).find((one) => deployment.workers[one]?.name === script) ?? script;
  const vars = { ...own.vars, ...options.vars[worker] };
  const classes = own.migrations.flatMap(({ new_sqlite_classes: names }) => names);
  const bindings = [
    ...Object.entries(vars).map(([name, value]) => bound(name, `text = ${quoted(value)}`)),
    ...[
      ...own.secrets.required,
      ...(OPTIONAL_SECRETS[worker] ?? []).filter((name) => options.secretNames.has(name)),
    ].map((name) => bound(name, `fromEnvironment = ${quoted(secretVariable(name))}`)),
    ...own.services.map(({ binding, service, entrypoint }) =>
      bound(binding, `service = (name = ${quoted(environmentOf(service))}, entrypoint = ${quoted(entrypoint)})`),
    ),
    ...own.r2_buckets.map(({ binding, bucket_name: name }) =>
      bound(binding, `r2Bucket = ${quoted(bucketService(name.replace('exposure-edge-', '')))}`),
    ),
    ...own.durable_objects.bindings.map(({ name, class_name: className }) =>
      bound(name, `durableObjectNamespace = ${quoted(className)}`),
    ),
    ...(clock === null
      ? []
      : [bound('CLOCK', `service = (name = ${quoted(clock.name)}, entrypoint = ${quoted(clock.entrypoint)})`)]),
  ];
  const access =
    worker === 'portal'
      ? [
          `accessBlobHeader = ${quoted(ACCESS_HEADER)}`,
          'accessBindingService = (name = "gate", entrypoint = "Identity")',
        ]
      : [];
  return constant(worker, options, bindings, [
    `globalOutbound = "${OUTGOING.has(worker) ? 'internet' : 'nowhere'}"`,
    ...(classes.length === 0 ? [] : storage(own.name, classes)),
    ...access,
  ]);
}

/** The names of files and ids hang on these keys: they are Miniflare's, and stay. */
function storage(script: string, classes: readonly string[]): string[] {
  const namespaces = classes.map(
    (name) => `(className = ${quoted(name)}, uniqueKey = ${quoted(`${script}-${name}`)}, enableSql = true)`,
  );
  return [`durableObjectNamespaces = ${list(namespaces)}`, 'durableObjectStorage = (localDisk = "objects")'];
}

function constant(worker: string, options: ConfigOptions, bindings: string[], fields: string[]): string {
  return `const ${constantOf(worker)} :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed ${quoted(moduleFile(worker))})],
  compatibilityDate = ${quoted(options.deployment.compatibilityDate)},
  bindings = ${list(bindings)},
${fields.map((field) => `  ${field},\n`).join('')});
`;
}

function gateText(options: ConfigOptions): string {
  const { deployment, vars, people, services, clock } = options;
  const varOf = (worker: string, name: string): string =>
    vars[worker]?.[name] ?? deployment.workers[worker]?.vars[name] ?? '';
  const routes = Object.fromEntries(PHONES.map((worker) => [worker, (LOCAL_ROUTES[worker] ?? []).filter(isPath)]));
  return constant(
    'gate',
    options,
    [
      ...Object.keys(deployment.workers).map((worker) => bound(worker.toUpperCase(), `service = ${quoted(worker)}`)),
      ...(clock === null ? [] : [bound(clock.name.toUpperCase(), `service = ${quoted(clock.name)}`)]),
      json('ROUTES', clock === null ? routes : { ...routes, [clock.name]: clock.routes }),
      json('PEOPLE', people),
      json(
        'SERVICES',
        services.map(({ id, secretSha256 }) => ({ id, secretSha256 })),
      ),
      bound('ADMIN_API_HOST', `text = ${quoted(varOf('portal', 'ADMIN_API_HOST'))}`),
      bound('LINK_DOMAIN', `text = ${quoted(varOf('verification', 'LINK_DOMAIN'))}`),
    ],
    // Calls `scheduled` of its neighbours, which workerd counts among experiments.
    ['compatibilityFlags = ["service_binding_extra_handlers"]', 'globalOutbound = "nowhere"'],
  );
}

/** Of the local edge's patterns those that name hosts are told apart by the gate itself. */
const isPath = (pattern: string): boolean => pattern.startsWith('*/');

/**
 * @param options see {@link ConfigOptions}
 * @returns the file's text; what it embeds lies beside it under {@link moduleFile}
 * @throws Error for a variable that capnp can't write
 */
export function workerdConfig(options: ConfigOptions): string {
  const { deployment, sockets, listen, objects, clock } = options;
  const workers = Object.keys(deployment.workers);
  const buckets = new Set(
    Object.values(deployment.workers).flatMap((own) =>
      own.r2_buckets.map(({ bucket_name: name }) => name.replace('exposure-edge-', '')),
    ),
  );
  const services = [
    ...[...workers, 'gate'].map((worker) => bound(worker, `worker = .${constantOf(worker)}`)),
    ...(clock === null ? [] : [bound(clock.name, `worker = .${constantOf(clock.name)}`)]),
    ...[...buckets].map((bucket) =>
      bound(
        bucketService(bucket),
        `external = (address = ${quoted(`unix:${sockets.gateway}`)}, http = (injectRequestHeaders = [(name = ${quoted(BUCKET_HEADER)}, value = ${quoted(bucket)})]))`,
      ),
    ),
    bound('objects', `disk = (path = ${quoted(objects)}, writable = true)`),
    bound('internet', 'network = (allow = ["public"], tlsOptions = (trustBrowserCas = true))'),
    bound('nowhere', 'network = (allow = [])'),
  ];
  const listening = [
    `(name = "phones", address = ${quoted(listen)}, http = (), service = "gate")`,
    `(name = "control", address = ${quoted(`unix:${sockets.control}`)}, http = (), service = (name = "gate", entrypoint = "Control"))`,
    ...Object.entries(sockets.keepers).map(
      ([worker, path]) =>
        `(name = ${quoted(worker)}, address = ${quoted(`unix:${path}`)}, http = (), service = (name = "gate", entrypoint = "Keepers", props = (json = ${quoted(JSON.stringify({ worker }))})))`,
    ),
  ];
  return `# Made by npm run serve at each start (scripts/support/serve/workerd/config.ts). Secrets come by the environment.
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = ${list(services)},
  sockets = ${list(listening)},
);
${workers.map((worker) => workerText(worker, deployment.workers[worker]!, options)).join('')}${gateText(options)}${
    clock === null
      ? ''
      : constant(
          clock.name,
          options,
          [bound('CLOCK_STATE', 'durableObjectNamespace = "ClockState"')],
          storage(clock.name, ['ClockState']),
        )
  }`;
}
