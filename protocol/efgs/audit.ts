/**
 * @module What the gateway says of who signed a batch (docs/spec/europe.md §3.6), and whether it is true. A batch for download joins
 * whole uploads; the audit names each with its signature, its number of keys and its certificate, which the gateway's offline trust
 * anchor has signed. So a gateway that is taken over can neither add a key nor change one: it can only withhold.
 *
 * The keys of an upload are all of its country, so each country's keys, in the order they came, are cut by the amounts of that
 * country's entries. Cutting the whole batch by amount is the same where uploads lie one after the other, and wrong where the
 * gateway stored two at the same time.
 */
import * as z from 'zod';
import { SECONDS_PER_DAY } from '../gaen/intervals.ts';
import { type EfgsKey, GATEWAY_BATCH_LIMIT } from './batch.ts';
import { type SignatureFault, verifyBatch } from './batch-signature.ts';
import { type EfgsCertificate, isListedByAnchor, readEfgsCertificate } from './certificate.ts';

/** A PEM certificate of 4,096 bits is 2 KB. */
const certificateText = z.string().max(16_384);
const auditSchema = z
  .array(
    z.object({
      country: z.string().max(8),
      uploadedTime: z.string().max(64),
      // Null where the gateway doesn't list the certificate any more.
      signingCertificate: certificateText.nullish(),
      uploaderSigningThumbprint: z.string().max(128),
      signingCertificateOperatorSignature: z.string().max(4096).nullish(),
      amount: z.int().min(1).max(GATEWAY_BATCH_LIMIT),
      batchSignature: z.string().max(16_384),
    }),
  )
  .max(GATEWAY_BATCH_LIMIT);

/** One upload of a batch, as the gateway tells it; what else it tells isn't read. */
export type AuditEntry = z.infer<typeof auditSchema>[number];

/** Longest time between an upload and its reading: what the gateway keeps at most (14 days in its tests), and a day. */
const MAX_UPLOAD_AGE_SECONDS = 15 * SECONDS_PER_DAY;
/** By which the gateway's clock may be ahead. */
const MAX_SKEW_SECONDS = 300;

/** What an audit is judged by. */
export interface AuditTrust {
  /** Own keys aren't sent back, so entries of this country are passed over. */
  readonly homeCountry: string;
  readonly anchor: EfgsCertificate;
  /** Fingerprints that count no more, 64 lowercase hex digits, whatever the anchor signed. */
  readonly revoked: ReadonlySet<string>;
  /** Unix seconds. */
  readonly now: number;
}

/** Keys of one upload whose signature holds. */
interface AuditedPart {
  readonly country: string;
  readonly keys: readonly EfgsKey[];
}

/** What an audit comes to. Countries are judged apart: what one signed wrongly says nothing of another's keys. */
export interface AuditOutcome {
  /** Uploads of the countries of which everything holds. */
  readonly parts: readonly AuditedPart[];
  /** All that doesn't hold. A country that is named here has no part: its keys may have been moved between its uploads. */
  readonly faults: readonly AuditFault[];
}

/** What doesn't hold, for the operator who decides on the batch. */
export interface AuditFault {
  readonly country: string;
  readonly fault:
    | SignatureFault
    /** The entry's certificate isn't there, isn't one, or isn't the one of the signature. */
    | 'certificate'
    /** The certificate is made for TLS, or for no signatures: the anchor listed it for something else. */
    | 'usage'
    /** The trust anchor didn't sign the certificate's text. */
    | 'anchor'
    /** The amounts of the country's entries aren't the number of its keys. */
    | 'amount';
}

/** @param text the answer's body @returns its entries, or null when it is no audit */
export function readAudit(text: string): AuditEntry[] | null {
  try {
    return auditSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/**
 * @param keys of a batch, in the order they came
 * @param audit the batch's entries
 * @param trust what it is judged by
 * @returns the uploads that hold, of countries without a fault, and every fault
 */
export function auditBatch(keys: readonly EfgsKey[], audit: readonly AuditEntry[], trust: AuditTrust): AuditOutcome {
  const foreign = audit.filter(({ country }) => country !== trust.homeCountry);
  const parts: AuditedPart[] = [];
  const faults: AuditFault[] = [];
  for (const country of new Set([...foreign.map((entry) => entry.country), ...keys.map(({ origin }) => origin)])) {
    const own = keys.filter(({ origin }) => origin === country);
    const entries = foreign.filter((entry) => entry.country === country);
    let total = 0;
    for (const { amount } of entries) total += amount;
    if (total !== own.length) {
      faults.push({ country, fault: 'amount' });
      continue;
    }
    let at = 0;
    for (const entry of entries) {
      const part = own.slice(at, at + entry.amount);
      at += entry.amount;
      const fault = faultOfEntry(part, entry, trust);
      if (fault === null) parts.push({ country, keys: part });
      else faults.push({ country, fault });
    }
  }
  const faulty = new Set(faults.map(({ country }) => country));
  return { parts: parts.filter(({ country }) => !faulty.has(country)), faults };
}

/**
 * @param keys of the upload
 * @param entry what the audit says of it
 * @returns the first thing that doesn't hold, or null
 */
export function faultOfEntry(
  keys: readonly EfgsKey[],
  entry: AuditEntry,
  trust: AuditTrust,
): AuditFault['fault'] | null {
  const { signingCertificate, signingCertificateOperatorSignature, country, batchSignature } = entry;
  const listed = readEfgsCertificate(signingCertificate ?? '');
  if (listed === null) return 'certificate';
  if (!isListedByAnchor(signingCertificate ?? '', signingCertificateOperatorSignature ?? '', trust.anchor))
    return 'anchor';
  if (!listed.mayIdentifySigner) return 'usage';
  const signed = verifyBatch(keys, batchSignature, {
    at: uploadedAt(entry, trust.now),
    standing: ({ thumbprint }) => {
      if (thumbprint !== listed.thumbprint) return 'unlisted';
      return trust.revoked.has(thumbprint) ? 'revoked' : 'listed';
    },
  });
  if (!signed.ok) return signed.error;
  return signed.value.country === country ? null : 'country';
}

/**
 * A certificate that ran out since it signed is still good for what it signed, as the gateway judged it; the gateway's word for the
 * time counts no further back than a batch can wait.
 */
function uploadedAt({ uploadedTime }: AuditEntry, now: number): number {
  const at = Date.parse(uploadedTime) / 1000;
  return at >= now - MAX_UPLOAD_AGE_SECONDS && at <= now + MAX_SKEW_SECONDS ? at : now;
}
