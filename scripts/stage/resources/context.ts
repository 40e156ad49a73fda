/**
 * @module What every resource is given: the stage, the account's API, the zone, and where files and sealed secrets lie.
 */
import type Cloudflare from 'cloudflare';

/** What resources read of a stage's file (scripts/stage/file/stage.ts has all of it). */
export interface StageOfResources {
  /** Of the file: `stages/<name>.toml`. What is ours carries it. */
  readonly name: string;
  readonly jurisdiction: 'eu' | 'fedramp' | 'none';
  readonly country: string;
  readonly regions: readonly string[];
  readonly zone: string;
  readonly hosts: {
    readonly submission: string;
    readonly keys: string;
    readonly config: string | null;
    readonly verification: string;
    readonly laboratories: string;
    readonly peers: string | null;
    readonly portal: string;
    readonly codes: string | null;
    readonly links: string | null;
  };
  readonly download: 'worker' | 'bucket';
  readonly access: {
    readonly staff: readonly string[];
    readonly operators: readonly string[];
    readonly sessionHours: number;
    readonly services: readonly { readonly name: string; readonly person: string }[];
  };
  /** PEM files, paths beside the stage's file. */
  readonly laboratories: { readonly rootCertificates: readonly string[] };
  /** PEM files, paths beside the stage's file. */
  readonly federation: { readonly clientRoots: readonly string[] };
  readonly workers: { readonly prefix: string };
}

/** Where secrets that the API shows once are kept: sealed to the operator, never in clear. */
export interface Vault {
  /** @returns whether what belongs to this id is sealed here */
  has(name: string, id: string): Promise<boolean>;
  /** Seals a text and returns when it is durable. */
  seal(name: string, id: string, text: string): Promise<void>;
}

/** What a resource works with. */
export interface Context {
  readonly stage: StageOfResources;
  readonly accountId: string;
  readonly zone: { readonly id: string; readonly name: string };
  readonly client: Cloudflare;
  /** @returns the text of a file that lies beside the stage's */
  readBeside(path: string): Promise<string>;
  readonly vault: Vault;
  /** Unix milliseconds. */
  now(): number;
}
