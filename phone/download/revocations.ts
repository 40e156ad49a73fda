/**
 * @module What a phone takes as a revocation (docs/architecture.md §6, decision 043): the page that the head names by its hash, and exports
 * that hold `revised_keys` alone, with REVOKED or with the one report type that the page says, so that nothing else can come in by this way.
 */
import type { ExportFile } from '../../protocol/export/export-reader.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import {
  type ChunkEntry,
  parseRevocationPage,
  type RevocationEntry,
  type RevocationPage,
  revocationPagePath,
} from '../../protocol/index/manifest.ts';
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import type { HttpAnswer } from '../http.ts';
import { type DownloadError, type FileCheck, hasName } from './download.ts';
import { type Had, needsRevocation, withRevocation } from './had.ts';

/** A page of revocations as a phone keeps it: fetched once, however often a run breaks off. */
export interface KeptRevocations {
  /** base64url SHA-256 of the page. */
  readonly name: string;
  readonly page: RevocationPage;
  /** Names of files that were handed on, of an entry that isn't whole yet. */
  readonly files: readonly string[];
}

/** What the run of a download lends, to fetch revocations with. */
export interface RevocationPorts {
  readonly region: string;
  readonly state: () => { readonly had: Had; readonly revocations?: KeptRevocations };
  readonly save: (change: { readonly had?: Had; readonly revocations?: KeptRevocations }) => Promise<void>;
  readonly get: (path: string) => Promise<Result<HttpAnswer, DownloadError>>;
  /** Fetches a file, verifies it and hands it on. */
  readonly file: (chunk: ChunkEntry, check: FileCheck) => Promise<DownloadError | null>;
  /** Notes an error. Whether it makes sense to go on. */
  readonly failed: (error: DownloadError) => boolean;
}

/**
 * Fetches what was revoked among the files that the phone fetched, oldest first, and nothing else. A phone that dies after a file was
 * handed on fetches it again: to revoke twice changes nothing.
 *
 * @param name of the head's page; undefined: nothing is revoked
 * @param ports see {@link RevocationPorts}
 * @returns false when the run must end
 */
export async function fetchRevocations(name: string | undefined, ports: RevocationPorts): Promise<boolean> {
  if (name === undefined || !hasFetched(ports.state().had)) return true;
  const kept = await keptPage(name, ports);
  if (!kept.ok) return ports.failed(kept.error);
  let { files } = kept.value;
  const save = (change: { had?: Had } = {}): Promise<void> =>
    ports.save({ ...change, revocations: { ...kept.value, files } });
  for (const entry of kept.value.page.revocations) {
    if (!needsRevocation(ports.state().had, entry)) continue;
    let isWhole = true;
    for (const chunk of entry.chunks.filter(({ sha256 }) => !files.includes(sha256))) {
      const error = await ports.file(chunk, (path, file) =>
        revocationError(path, ports.region, file, entry.reportType),
      );
      if (error === null) {
        files = [...files, chunk.sha256];
        await save();
      } else if (ports.failed(error)) isWhole = false;
      else return false;
    }
    if (!isWhole) continue;
    files = files.filter((file) => !entry.chunks.some(({ sha256 }) => sha256 === file));
    await save({ had: withRevocation(ports.state().had, entry) });
  }
  return true;
}

async function keptPage(
  name: string,
  { region, state, get, save }: RevocationPorts,
): Promise<Result<KeptRevocations, DownloadError>> {
  const kept = state().revocations;
  if (kept?.name === name) return ok(kept);
  const path = revocationPagePath(region, name);
  const answer = await get(path);
  if (!answer.ok) return answer;
  const page = openPage(path, name, answer.value.bytes ?? new Uint8Array());
  if (!page.ok) return page;
  const listed = new Set(page.value.revocations.flatMap(({ chunks }) => chunks.map(({ sha256 }) => sha256)));
  const revocations = { name, page: page.value, files: (kept?.files ?? []).filter((file) => listed.has(file)) };
  await save({ revocations });
  return ok(revocations);
}

function openPage(path: string, name: string, bytes: Uint8Array): Result<RevocationPage, DownloadError> {
  if (!hasName(bytes, name)) return err({ kind: 'digest', path });
  try {
    return parseRevocationPage(JSON.parse(fromUtf8(bytes)));
  } catch {
    return err({ kind: 'bad-manifest', path, rule: 'must be JSON' });
  }
}

/** @returns why a verified file is no revocation of this region, or null */
function revocationError(
  path: string,
  region: string,
  { header, keys, revisedKeys }: ExportFile,
  said: RevocationEntry['reportType'],
): DownloadError | null {
  if (header.region !== region) return { kind: 'wrong-region', wanted: region, found: header.region };
  const refused = (rule: string): DownloadError => ({ kind: 'not-a-revocation', path, rule });
  if (keys.length > 0) return refused('hold revised_keys alone');
  if (revisedKeys.length === 0) return refused('hold keys');
  const wanted = said ?? REPORT_TYPE.REVOKED;
  const isWanted = revisedKeys.every(({ reportType }) => reportType === wanted);
  return isWanted ? null : refused(`hold keys of report type ${said ?? 'REVOKED'} alone`);
}

/** Whether any file was fetched of a day that is listed, so that a revocation may concern it. */
function hasFetched(had: Had): boolean {
  return Object.values(had).some(({ without }) => without !== null);
}

/** @param value what was read from disk @returns whether it is a {@link KeptRevocations} */
export function isKeptRevocations(value: unknown): value is KeptRevocations {
  if (typeof value !== 'object' || value === null) return false;
  const { name, page, files } = value as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    parseRevocationPage(page).ok &&
    Array.isArray(files) &&
    files.every((file) => typeof file === 'string')
  );
}
