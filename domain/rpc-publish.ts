/**
 * @module What `origin` is told of an upload of Google's dialect beside its keys, and what it answers (docs/spec/google.md §1.3, §1.4, §2.5): part of the
 * contract in rpc.ts.
 */
import type { ShownStats } from './publish-stats.ts';
import type { CertifiedReport } from '../protocol/publish/report-type.ts';

/** What a verified certificate says, as far as it counts for what may become of keys. The permit's MAC is over it (intake-permit.ts), so that `upload` says nothing else. */
export interface Certified {
  /** Of the document of authorities. */
  readonly authorityId: string;
  readonly reportType: CertifiedReport;
  /** End of the certificate, Unix seconds: so long the answer is remembered, to be given again. */
  readonly expiresAt: number;
}

/** Goes with the keys of an upload of Google's dialect. */
export interface PublishPart extends Certified {
  /** As the phone sent it, decoded; null: none. Of any bytes: what is no token of ours is as good as none. */
  readonly token: Uint8Array | null;
  /** Whole UTC days since the onset of symptoms, 0..28, to be counted and not kept; null: nobody said. */
  readonly onsetDays: number | null;
}

/** What the phone hears; the same each time. */
export interface Published {
  /** Keys that this upload has stored, 0..30. */
  readonly inserted: number;
  /** Keys that it said something else of, 0..30. */
  readonly revised: number;
  /** Always REVISION_TOKEN_BYTES (protocol/publish/revision-token.ts), whatever it names. */
  readonly token: Uint8Array;
}

/** Codes of docs/spec/google.md §1.4 that depend on what `origin` knows. */
export type PublishRefusal =
  | 'missing_revision_token'
  | 'invalid_revision_token'
  | 'key_already_revised'
  | 'invalid_report_type_transition';

/** A part of origin#Intake. */
export interface PublishRpc {
  /**
   * For a certificate that was used (`ReserveReply` committed): it authorises one set of keys, so whoever comes with it and them comes again.
   *
   * @param uploadId `origin`'s, of the reservation that used it
   * @param idNonce its nonce
   * @returns what was answered then, as long as the certificate lives; null when that isn't remembered
   */
  replayed(uploadId: string, idNonce: string): Promise<Published | null>;
}

/** A part of origin#Intake, beside IntakeRpc. */
export interface StatsRpc {
  /**
   * @param authorization of the request, whole: a taken-over `upload` reads no statistics without a token
   * @returns days of the authority whose token it is, ascending; null: nobody's
   */
  stats(authorization: string): Promise<readonly ShownStats[] | null>;
}
