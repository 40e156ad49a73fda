/**
 * @module What an operator asks of a restore, and what it answers (docs/restore.md): types alone, for portal, `origin` and the command.
 */

/** One call does a bounded piece of the work; the same is called again until it answers `restored`. */
export interface RestoreRequest {
  /** False: says what it would do. */
  readonly confirm: boolean;
  /** What opens the journal that lies there, 32 bytes in base64url (domain/sealed-pages.ts, `secretOf`); null: not at hand. */
  readonly journalSecret: string | null;
  /** True: goes on without the journal, whose keys are lost then. */
  readonly withoutJournal: boolean;
  /** SPKI PEM of former keys of the event log, whose entries are still kept. */
  readonly logKeys: readonly string[];
}

/** Why nothing is restored. */
export interface RestoreFinding {
  /** Name of the object of a bucket, or of a Durable Object. */
  readonly object: string;
  readonly what: string;
}

/** What there is to restore, or was restored. Hours since the Unix epoch. */
export interface RestoreFacts {
  /** Last head of each region. */
  readonly regions: readonly { readonly region: string; readonly sequence: number; readonly hour: number | null }[];
  /** The last hour that was recorded. */
  readonly recordedHour: number | null;
  /** Published or recorded keys, decoys among them, that are accepted from nobody again. */
  readonly knownKeys: number;
  /** When the journal was written, and how many keys waited; null: there is none, or it is left out. */
  readonly journal: { readonly hour: number; readonly keys: number } | null;
  /** Keys of a set that was recorded and not logged: those that the journal lacks wait again, too. */
  readonly unloggedKeys: number;
}

/** What a restore has come to. */
export type RestorePhase = 'known keys' | 'waiting keys' | 'publisher';

export type RestoreReply =
  /** Nothing is lost; `parameters`: their object alone was, and is restored, or would be. */
  | { readonly kind: 'nothing-lost'; readonly parameters: number | null }
  | { readonly kind: 'refused'; readonly findings: readonly RestoreFinding[] }
  /** The holder of the restore key makes the secret of it: the journal's first bytes, base64url. */
  | { readonly kind: 'needs-secret'; readonly journalHeader: string }
  | { readonly kind: 'would-restore'; readonly facts: RestoreFacts }
  | { readonly kind: 'going-on'; readonly phase: RestorePhase; readonly done: number; readonly total: number }
  | {
      readonly kind: 'restored';
      readonly facts: RestoreFacts;
      /** Version of the parameters, 0 before the first. */
      readonly parameters: number;
    };

/** What `origin` offers to the portal. */
export interface RestoreRpc {
  /** A piece of a restore; called again until it says that it is done. */
  restore(request: RestoreRequest): Promise<RestoreReply>;
}
