/**
 * @module A Worker as the stage wants it beside the Worker in the account, field by field: what a plan prints, and what `check` calls drift. Pure. Values of secrets are in neither.
 */
import type { Field } from '../resources/resource.ts';
import type { FoundBinding, FoundWorker } from './account-workers.ts';
import type { Configuration } from './configuration.ts';
import { readTag } from './fingerprint.ts';

/** What a stage wants of one Worker. */
export interface WantedWorker {
  readonly configuration: Configuration;
  /** Of code, configuration and marks of secrets (fingerprint.ts). */
  readonly fingerprint: string;
  /** Names of secrets. */
  readonly secrets: readonly string[];
}

/**
 * @param wanted by the stage
 * @param found in the account
 * @returns fields of the version that differ: a new version is needed where there are any
 */
export function versionFields({ configuration, fingerprint, secrets }: WantedWorker, found: FoundWorker): Field[] {
  const { active } = found;
  if (active === null) return [{ name: 'code', from: null, to: 'this commit’s' }];
  const there = new Map(active.bindings.map((binding) => [binding.name, textOf(binding)]));
  const here = new Map([...bindingsOf(configuration), ...secrets.map((name): [string, string] => [name, 'secret'])]);
  const fields: Field[] = [...new Set([...here.keys(), ...there.keys()])]
    .toSorted()
    .flatMap((name) => differing(name, there.get(name) ?? null, here.get(name) ?? null));
  fields.push(
    ...differing('compatibility_date', active.compatibilityDate, configuration.compatibility_date),
    ...differing('limits.cpu_ms', active.cpuMs, configuration.limits?.cpu_ms ?? null),
  );
  if (fields.length > 0) return fields;
  const tag = readTag(active.tag);
  if (tag === null) return [{ name: 'made by', from: makerOf(active), to: 'an apply of this stage' }];
  return tag.fingerprint === fingerprint
    ? []
    : [{ name: 'code or a secret', from: `of commit ${tag.commit}`, to: 'this commit’s' }];
}

/**
 * @param wanted by the stage
 * @param found in the account
 * @returns fields that no version has and that differ: logging, cron expressions, addresses beside the stage's hosts
 */
export function settingFields({ configuration }: Pick<WantedWorker, 'configuration'>, found: FoundWorker): Field[] {
  const { settings } = found;
  const observability = (settings.observability ?? {}) as Readonly<Record<string, unknown>>;
  const beside = found.traffic.filter(({ versionId }) => versionId !== found.active?.id);
  return [
    ...beside.map(({ versionId, percentage }) => ({
      name: 'traffic',
      from: `${percentage} % to version ${versionId} beside it`,
      to: 'all of it to one version',
    })),
    ...observed('observability', configuration.observability, observability),
    ...differing('logpush', settings.logpush, configuration.logpush),
    ...differing('tail_consumers', settings.tailConsumers.join(), ''),
    ...differing('crons', found.crons.toSorted().join(), [...configuration.triggers.crons].toSorted().join()),
    ...differing('workers_dev', found.workersDev, false),
    ...differing('preview_urls', found.previewUrls, false),
  ];
}

/** Which of {@link settingFields} wrangler's triggers bring; the others come with a deployment of versions. */
export const TRIGGER_FIELDS: ReadonlySet<string> = new Set(['crons', 'workers_dev', 'preview_urls']);

/** @param version that isn't tagged by us @returns who made it, as far as the platform says */
export function makerOf({ source, triggeredBy, createdOn }: NonNullable<FoundWorker['active']>): string {
  const why = triggeredBy === 'secret' ? 'a secret that was changed by hand' : (triggeredBy ?? 'somebody');
  return `${why}, by ${source}${createdOn === null ? '' : `, ${createdOn}`}`;
}

function differing(name: string, from: unknown, to: unknown): Field[] {
  return from === to ? [] : [{ name, from, to }];
}

/** What wrangler.toml sets must be set so; what the platform adds to it is its own. */
function observed(
  path: string,
  wanted: Readonly<Record<string, unknown>>,
  found: Readonly<Record<string, unknown>>,
): Field[] {
  return Object.entries(wanted).flatMap(([name, value]) => {
    const [at, there] = [`${path}.${name}`, found[name]];
    if (typeof value !== 'object' || value === null) return differing(at, there ?? null, value);
    return observed(at, value as Readonly<Record<string, unknown>>, (there ?? {}) as Readonly<Record<string, unknown>>);
  });
}

/** Bindings but secrets, each as one text: what is compared, and what a person reads. */
function bindingsOf(configuration: Configuration): [string, string][] {
  const {
    vars,
    r2_buckets: buckets = [],
    services = [],
    durable_objects: objects,
    mtls_certificates: certificates = [],
  } = configuration;
  return [
    ...Object.entries(vars).map(([name, text]): [string, string] => [name, JSON.stringify(text)]),
    ...buckets.map(({ binding, bucket_name: name, jurisdiction }): [string, string] => [
      binding,
      bucketText(name, jurisdiction),
    ]),
    ...services.map(({ binding, service, entrypoint }): [string, string] => [binding, `${service}#${entrypoint}`]),
    ...(objects?.bindings ?? []).map(({ name, class_name: of }): [string, string] => [name, `objects of ${of}`]),
    ...certificates.map(({ binding, certificate_id: id }): [string, string] => [binding, `certificate ${id}`]),
  ];
}

const bucketText = (name: string, jurisdiction?: string): string =>
  `bucket ${name}${jurisdiction === undefined ? '' : ` (${jurisdiction})`}`;

/** A binding of a version, as {@link bindingsOf} says it; whatever a stage never has is named by its type. */
function textOf(binding: FoundBinding): string {
  const field = (name: string): string => String(binding[name]);
  switch (binding.type) {
    case 'plain_text':
      return JSON.stringify(binding['text']);
    case 'secret_text':
      return 'secret';
    case 'r2_bucket': {
      const { jurisdiction } = binding as { readonly jurisdiction?: string };
      return bucketText(field('bucket_name'), jurisdiction);
    }
    case 'service':
      return `${field('service')}#${field('entrypoint')}`;
    case 'durable_object_namespace':
      return `objects of ${field('class_name')}`;
    case 'mtls_certificate':
      return `certificate ${field('certificate_id')}`;
    default:
      return `a binding of type ${binding.type}`;
  }
}
