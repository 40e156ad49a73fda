/**
 * @module What is said about waiting rows beside their keys: regions, consent, origin, whether decoys, issue id. A combination
 * may be one person's, so it lies encrypted under the key of the rows' hour (row-cipher.ts), once an hour, and rows name it
 * by its label. In the clear it is written nowhere but into the private record, for a whole set.
 */
import { groupIssues, type IssueGroup } from '../../domain/publication/issue-groups.ts';
import type { Provenance } from '../../domain/publication/packed-keys.ts';
import type { BufferConfig } from './config.ts';
import type { Ciphers } from './hour-keys.ts';
import { issuesInSet } from './issue-counts.ts';
import type { HourCipher, SealedLabel } from './row-cipher.ts';
import type { UploadTally } from './upload-tally.ts';

/** What rows of one label have in common. */
export interface RowLabel extends Provenance {
  readonly issueId: string | null;
  /** Number that a row from before migration 3 had: a record that was begun before it is finished with the same. */
  readonly provenanceId?: number;
}

/** Stores what is said about rows of an hour, once. @param tally of the transaction, if it has one @returns the label that the rows name; runs inside a transaction */
export function putLabel(
  sql: SqlStorage,
  cipher: HourCipher,
  hour: number,
  about: RowLabel,
  tally: UploadTally | null = null,
): number {
  const { regions, consentToFederation, origin, synthetic, issueId, provenanceId, reserve, batch } = about;
  const fields = [regions, consentToFederation, origin, synthetic, issueId, provenanceId ?? null];
  const text = JSON.stringify(
    batch !== undefined ? [...fields, null, batch] : reserve === true ? [...fields, reserve] : fields,
  );
  const { label, sealed } = cipher.sealLabel(text);
  const isWritten = tally?.isFirstWith(hour, label) === false;
  if (!isWritten) sql.exec('INSERT OR IGNORE INTO row_label VALUES (?, ?, ?)', hour, label, sealed);
  return label;
}

/** @returns the labels of an hour that its key opens; none when the key is gone */
export function labelsOf(sql: SqlStorage, ciphers: Ciphers, hour: number): Map<number, RowLabel> {
  const labels = new Map<number, RowLabel>();
  const cipher = ciphers.cipher(hour);
  if (cipher === null) return labels;
  for (const { label, sealed } of sql.exec<{ label: number; sealed: ArrayBuffer }>(
    'SELECT label, sealed FROM row_label WHERE release_hour = ?',
    hour,
  )) {
    const text = cipher.openLabel({ label, sealed: new Uint8Array(sealed) } satisfies SealedLabel);
    if (text !== null) labels.set(label, parse(text));
  }
  return labels;
}

function parse(text: string): RowLabel {
  const [regions, consentToFederation, origin, synthetic, issueId, provenanceId, reserve, batch] = JSON.parse(text) as [
    string[],
    boolean,
    string,
    boolean,
    string | null,
    number | null,
    true | null | undefined,
    string | undefined,
  ];
  const more = { ...(reserve === true ? ({ reserve } as const) : {}), ...(batch === undefined ? {} : { batch }) };
  const label = { regions, consentToFederation, origin, synthetic, issueId, ...more };
  return provenanceId === null ? label : { ...label, provenanceId };
}

/** How the rows of a set are numbered in its record. */
export interface SetLabels {
  readonly provenances: Readonly<Record<number, Provenance>>;
  readonly issueGroups: readonly IssueGroup[];
  /** @returns number of the provenance, and of the group of issue ids + 1, or 0; null for a label that nobody can open */
  numbers(hour: number, label: number): { readonly provenance: number; readonly group: number } | null;
}

/**
 * Numbers provenances and groups of issue ids of a set: a function of the set alone, so that a record that is written again is the same.
 *
 * @param hours release hours of the set
 */
export function numberLabels(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  hours: readonly number[],
): SetLabels {
  const byHour = new Map(hours.map((hour) => [hour, labelsOf(sql, ciphers, hour)]));
  const all = [...byHour.values()].flatMap((labels) => [...labels.values()]);
  const nameOf = ({ regions, consentToFederation, origin, synthetic, reserve, batch }: Provenance) =>
    JSON.stringify([
      regions,
      consentToFederation,
      origin,
      synthetic,
      ...(reserve === true ? [reserve] : []),
      ...(batch === undefined ? [] : [batch]),
    ]);
  const ids = new Map(
    all.flatMap((label) => (label.provenanceId === undefined ? [] : [[nameOf(label), label.provenanceId]])),
  );
  let last = Math.max(0, ...ids.values());
  const provenances: Record<number, Provenance> = {};
  for (const name of [...new Set(all.map(nameOf))].toSorted()) if (!ids.has(name)) ids.set(name, (last += 1));
  for (const label of all) {
    const { regions, consentToFederation, origin, synthetic, reserve, batch } = label;
    const more = { ...(reserve === true ? { reserve } : {}), ...(batch === undefined ? {} : { batch }) };
    provenances[ids.get(nameOf(label))!] = { regions, consentToFederation, origin, synthetic, ...more };
  }
  const issueIds = [...new Set(all.flatMap(({ issueId }) => issueId ?? []))].toSorted();
  const issueGroups = groupIssues(config.policy, issuesInSet(sql, config, issueIds, hours));
  const groupOf = new Map(issueGroups.flatMap((group, n) => group.map((id) => [id, n + 1])));
  const numbers = new Map(
    [...byHour].map(([hour, labels]) => [
      hour,
      new Map(
        [...labels].map(([label, about]) => [
          label,
          {
            provenance: ids.get(nameOf(about))!,
            group: about.issueId === null ? 0 : groupOf.get(about.issueId)!,
          },
        ]),
      ),
    ]),
  );
  return { provenances, issueGroups, numbers: (hour, label) => numbers.get(hour)?.get(label) ?? null };
}
