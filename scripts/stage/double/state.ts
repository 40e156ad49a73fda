/**
 * @module What the double knows of one account: JSON in one file, so that commands that run after one another see the same account, and the
 * bytes of uploaded modules beside it, named by their SHA-256. Written whole, by rename: a break leaves the state before, never half of one.
 * Secrets lie in it in clear, as what runs must have them; the folder belongs to its owner alone.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from './schemas/validate.ts';
import { endTurn, takeTurn } from './turn.ts';

/** A binding as it was uploaded; `type` and `name` always. */
export interface Binding extends Json {
  readonly type: string;
  readonly name: string;
}

/** One uploaded file of a Worker. */
export interface UploadedModule {
  readonly name: string;
  /** Content type of its part, e.g. `application/javascript+module`. */
  readonly contentType: string;
  /** SHA-256, hex; the file's name in `modules/`. */
  readonly hash: string;
}

/** One version of a Worker: code and bindings, never changed after its upload. */
export interface Version {
  readonly id: string;
  readonly number: number;
  readonly createdOn: string;
  readonly source: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** With the texts of secrets; `readable` leaves them out. */
  readonly bindings: readonly Binding[];
  readonly mainModule: string;
  readonly modules: readonly UploadedModule[];
  readonly compatibilityDate?: string;
  readonly compatibilityFlags: readonly string[];
  /** What else its metadata said: limits, cache_options, placement, … */
  readonly other: Json;
  /** Names that its main module exports. */
  readonly exports: readonly string[];
  /** Migration that was in force when it was uploaded; a version of another one can't be deployed any more. */
  readonly migrationTag: string | null;
}

/** Which versions get traffic. */
export interface Deployment {
  readonly id: string;
  readonly createdOn: string;
  readonly source: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** One or two; percentages sum up to 100. */
  readonly versions: readonly { readonly version_id: string; readonly percentage: number }[];
}

/** A Durable Object's class that a migration made. */
interface ObjectClass {
  readonly namespaceId: string;
  readonly sqlite: boolean;
}

/** A Worker. */
export interface Worker {
  readonly tag: string;
  readonly createdOn: string;
  modifiedOn: string;
  migrationTag: string | null;
  classes: Record<string, ObjectClass>;
  /** Newest first. */
  versions: Version[];
  /** Newest first. */
  deployments: Deployment[];
  schedules: { readonly cron: string; readonly created_on: string; readonly modified_on: string }[];
  subdomain: { enabled: boolean; previews_enabled: boolean };
  /** What isn't of a version: logpush, observability, tags, tail_consumers. */
  settings: Json;
}

/** A bucket; names are unique within a jurisdiction. */
export interface Bucket {
  readonly name: string;
  readonly jurisdiction: string;
  readonly location: string;
  readonly storage_class: string;
  readonly creation_date: string;
  managedDomain: boolean;
  lifecycleRules?: Json[];
  lockRules?: Json[];
  customDomains: Json[];
}

/** A custom domain of a Worker. */
export interface CustomDomain {
  readonly id: string;
  readonly hostname: string;
  service: string;
  readonly environment: string;
  readonly zone_id: string;
  readonly zone_name: string;
  cert_id: string;
  enabled: boolean;
  previews_enabled: boolean;
}

/** A zone and what was set up in it. */
export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly createdOn: string;
  routes: { readonly id: string; pattern: string; script?: string }[];
  rulesets: Json[];
  managedTransforms: Json;
  /** `on` or `off`. */
  tieredCaching: string;
  smartTieredCache: string | null;
  hostnameAssociations: { readonly hostnames: string[]; readonly mtls_certificate_id: string | null }[];
  /** DNS records that somebody made by hand, for tests: they stand in a custom domain's way. */
  dnsRecords: Json[];
}

/** The account. */
export interface Account {
  readonly format: 1;
  readonly id: string;
  readonly name: string;
  readonly createdOn: string;
  /** Token → rights; `null`: all. */
  tokens: Record<string, readonly string[] | null>;
  subdomain: string;
  zones: Zone[];
  workers: Record<string, Worker>;
  buckets: Bucket[];
  domains: CustomDomain[];
  mtlsCertificates: Json[];
  accessApplications: Json[];
  accessPolicies: Json[];
  accessServiceTokens: Json[];
  accessCertificates: Json[];
  accessCertificateSettings: Json[];
  /** The Zero Trust organization's identity providers, which the operator made in the dashboard. */
  identityProviders: Json[];
}

/** @returns 32 hex digits, the form of Cloudflare's ids */
export const newId = (): string => randomBytes(16).toString('hex');
/** @returns a UUID, the form of ids of versions and deployments */
export const newUuid = (): string => randomUUID();
/** @returns now, as the API writes times */
export const timestamp = (): string => new Date().toISOString();

const EMPTY_ZONE = {
  routes: [],
  rulesets: [],
  managedTransforms: {},
  tieredCaching: 'off',
  smartTieredCache: null,
  hostnameAssociations: [],
  dnsRecords: [],
};

function newAccount(): Account {
  return {
    format: 1,
    id: newId(),
    name: 'double',
    createdOn: timestamp(),
    tokens: { [randomBytes(30).toString('base64url')]: null },
    subdomain: 'double',
    zones: [],
    workers: {},
    buckets: [],
    domains: [],
    mtlsCertificates: [],
    accessApplications: [],
    accessPolicies: [],
    accessServiceTokens: [],
    accessCertificates: [],
    accessCertificateSettings: [],
    // An account's first: a code by e-mail; and one of the operator's, whose groups policies may name.
    identityProviders: [
      { id: newUuid(), type: 'onetimepin', name: '' },
      { id: newUuid(), type: 'oidc', name: 'directory of the authority' },
    ],
  };
}

const LOCK = 'account.lock';

/** The account on disk. */
export class Store {
  /** Changed in place by routes; `save` makes it last. */
  readonly account: Account;
  readonly #folder: string;
  #saved: string;

  /**
   * @param folder made if missing
   * @throws Error when the file is there and isn't the double's
   */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(join(folder, 'modules'), { recursive: true, mode: 0o700 });
    const file = this.#file();
    this.#saved = existsSync(file) ? readFileSync(file, 'utf8') : '';
    this.account = this.#saved === '' ? newAccount() : (JSON.parse(this.#saved) as Account);
    if (this.account.format !== 1) throw new Error(`${file}: format ${String(this.account.format)} isn't 1`);
    this.save();
  }

  #file(): string {
    return join(this.#folder, 'account.json');
  }

  /** Zones that the operator has at Cloudflare before anything is deployed. */
  ensureZones(names: readonly string[]): void {
    for (const name of names) {
      if (this.account.zones.some((zone) => zone.name === name)) continue;
      this.account.zones.push({ ...structuredClone(EMPTY_ZONE), id: newId(), name, createdOn: timestamp() });
    }
    this.save();
  }

  /** Writes what changed. A break before the rename leaves the state before, and a file `account.json.new` that the next one writes over. */
  save(): void {
    const text = `${JSON.stringify(this.account, null, 1)}\n`;
    if (text === this.#saved) return;
    const temporary = `${this.#file()}.new`;
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, this.#file());
    this.#saved = text;
  }

  /** Takes the account for one call, as it is now: commands that run at once on one folder, each with a double of its own, change it by turns. */
  async open(): Promise<void> {
    await takeTurn(join(this.#folder, LOCK));
    const text = readFileSync(this.#file(), 'utf8');
    if (text === this.#saved) return;
    this.#saved = text;
    this.revert();
  }

  /** Gives it back. */
  close(): void {
    endTurn(join(this.#folder, LOCK));
  }

  /** @returns the account as it lies on disk, without what a call that is being answered has changed so far */
  lasting(): Account {
    return JSON.parse(this.#saved) as Account;
  }

  /** Takes back what a refused or broken call changed. */
  revert(): void {
    const before = JSON.parse(this.#saved) as Account;
    for (const key of Object.keys(this.account)) delete (this.account as unknown as Json)[key];
    Object.assign(this.account, before);
  }

  /**
   * @param bytes of a module
   * @returns their SHA-256, hex; they lie on disk when this returns, so no state names a module that isn't there
   */
  putModule(bytes: Uint8Array): string {
    const hash = createHash('sha256').update(bytes).digest('hex');
    const file = join(this.#folder, 'modules', hash);
    if (!existsSync(file)) {
      writeFileSync(`${file}.new`, bytes, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    }
    return hash;
  }

  /** @returns bytes of a module by its SHA-256 */
  getModule(hash: string): Uint8Array<ArrayBuffer> {
    return new Uint8Array(readFileSync(join(this.#folder, 'modules', hash)));
  }
}
