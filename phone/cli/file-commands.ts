/**
 * @module Commands on export files: each reads files, asks the library, prints text or JSON.
 */
import { readFile } from 'node:fs/promises';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { describeExportError, type ExportFile, readExportZip } from '../../protocol/export/export-reader.ts';
import { DAYS_SINCE_ONSET_UNKNOWN, REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import { matchKeys, type Match } from '../matching/match.ts';
import { parseSightings } from '../radio/sightings-file.ts';
import type { Sighting } from '../radio/sighting.ts';
import { verifyFile } from '../download/verify.ts';
import {
  allow,
  EXIT,
  type Io,
  isoOf,
  messageOf,
  type Options,
  positional,
  required,
  toJson,
  UnreadableError,
  UsageError,
} from './calling.ts';

/**
 * `phone verify FILE.zip --public-key P.pem`
 *
 * @param files exactly one
 * @param options `public-key` is needed
 * @param io where the verdict goes
 * @returns {@link EXIT}.done or .refused
 * @throws {UsageError | UnreadableError}
 */
export async function verify(files: readonly string[], options: Options, io: Io): Promise<number> {
  allow('verify', options, ['public-key', 'key-id', 'key-version']);
  const [file] = positional('verify', files, ['FILE.zip']);
  const spki = await publicKey(required('verify', 'public-key', options['public-key']));
  const verdict = verifyFile(await readBytes(file), {
    publicKeySpki: spki,
    keyId: options['key-id'] ?? null,
    keyVersion: options['key-version'] ?? null,
  });
  if (!verdict.accepted) return refuse(file, verdict.reason, verdict.error, options, io);
  const { exportFile, pinned, signature, signatures } = verdict;
  const { keyId, keyVersion } = pinned;
  const summary = { ...summaryOf(exportFile), keyId, keyVersion, signature, signatures };
  const text = `${file}: accepted, ${describe(exportFile)}, signed by ${keyId}-${keyVersion}${among(signature, signatures)}\n`;
  io.out(options.json === true ? toJson({ accepted: true, ...summary }) : text);
  return EXIT.done;
}

/**
 * `phone keys FILE.zip`
 *
 * @param files exactly one
 * @param options see {@link Options}
 * @param io where the keys go
 * @returns {@link EXIT}.done or .refused
 * @throws {UsageError | UnreadableError}
 */
export async function keys(files: readonly string[], options: Options, io: Io): Promise<number> {
  allow('keys', options, []);
  const [file] = positional('keys', files, ['FILE.zip']);
  const read = readExportZip(await readBytes(file), null);
  if (!read.ok) return refuse(file, describeExportError(read.error), read.error, options, io);
  const { header, keys: listed, revisedKeys } = read.exportFile;
  if (options.json === true) {
    io.out(toJson({ header, keys: listed.map(keyRow), revisedKeys: revisedKeys.map(keyRow) }));
    return EXIT.done;
  }
  io.out(`${file}: ${describe(read.exportFile)} (not verified)\n`);
  io.out(`${[KEY_COLUMNS, ...listed.map(keyLine), ...revisedKeys.map(keyLine)].join('\n')}\n`);
  return EXIT.done;
}

/**
 * `phone match FILE.zip... --sightings S.json`
 *
 * @param files one or more
 * @param options `sightings` is needed; with `public-key` each file is verified first
 * @param io where the matches go
 * @returns {@link EXIT}.done, also when nothing matched, or .refused
 * @throws {UsageError | UnreadableError}
 */
export async function match(files: readonly string[], options: Options, io: Io): Promise<number> {
  allow('match', options, ['public-key', 'key-id', 'key-version', 'sightings']);
  if (files.length === 0) throw new UsageError('match: no FILE.zip given');
  const sightings = await readSightings(required('match', 'sightings', options.sightings));
  const pem = options['public-key'];
  const spki = pem === undefined ? null : await publicKey(pem);
  const results: { file: string; verified: boolean; keys: number; matches: Match[] }[] = [];
  const revoked = new Set<string>();
  for (const file of files) {
    const zip = await readBytes(file);
    const read = openExport(zip, spki, options);
    if (!read.ok) return refuse(file, describeExportError(read.error), read.error, options, io);
    const found = matchKeys(read.exportFile.keys, sightings);
    for (const key of read.exportFile.revisedKeys) {
      if (key.reportType === REPORT_TYPE.REVOKED) revoked.add(toHex(key.keyData));
    }
    results.push({ file, verified: spki !== null, keys: read.exportFile.keys.length, matches: found });
  }
  // Whichever file says so: a key that is taken back was met by nobody.
  for (const result of results) {
    result.matches = result.matches.filter(({ key }) => !revoked.has(toHex(key.keyData)));
  }
  if (options.json === true) {
    io.out(toJson({ files: results.map((result) => ({ ...result, matches: result.matches.map(matchRow) })) }));
    return EXIT.done;
  }
  for (const result of results) {
    const how = result.verified ? 'verified' : 'not verified';
    io.out(`${result.file}: ${result.keys} keys (${how}), ${result.matches.length} met\n`);
    for (const found of result.matches) io.out(`${matchLine(found)}\n`);
  }
  return EXIT.done;
}

function openExport(zip: Uint8Array, spki: Uint8Array | null, options: Options) {
  if (spki === null) return readExportZip(zip, null);
  const keyId = options['key-id'] ?? null;
  const keyVersion = options['key-version'] ?? null;
  const verdict = verifyFile(zip, { publicKeySpki: spki, keyId, keyVersion });
  return verdict.accepted
    ? { ok: true as const, exportFile: verdict.exportFile }
    : { ok: false as const, error: verdict.error };
}

/** Phones differ in how many signatures they look at (docs/spec/gaen.md §4.3). */
function among(signature: number, signatures: number): string {
  if (signatures === 1) return '';
  const ios = signature === 1 ? 'iOS takes it' : 'iOS looks at the first alone';
  return ` (signature ${signature} of ${signatures}: Android takes it, ${ios}, microG wants all of them by the key it pins)`;
}

function refuse(file: string, reason: string, error: { kind: string }, options: Options, io: Io): number {
  if (options.json === true) io.out(toJson({ accepted: false, file, reason, error }));
  else io.err(`${file}: refused, ${reason}\n`);
  return EXIT.refused;
}

function summaryOf(exportFile: ExportFile) {
  const { header, keys: listed, revisedKeys } = exportFile;
  const { region, startTimestamp, endTimestamp } = header;
  return { region, startTimestamp, endTimestamp, keys: listed.length, revisedKeys: revisedKeys.length };
}

function describe(exportFile: ExportFile): string {
  const { region, startTimestamp, endTimestamp, keys: count, revisedKeys } = summaryOf(exportFile);
  const span = `${isoOf(startTimestamp)} to ${isoOf(endTimestamp)}`;
  return `region ${region}, ${span}, ${count} keys, ${revisedKeys} revised`;
}

const KEY_COLUMNS = 'key_data                          start    period  risk  report  onset';

/** Days since onset, null where the file has none. */
function onsetOf(key: TemporaryExposureKey): number | null {
  return key.daysSinceOnsetOfSymptoms === DAYS_SINCE_ONSET_UNKNOWN ? null : key.daysSinceOnsetOfSymptoms;
}

function keyRow(key: TemporaryExposureKey) {
  return { ...key, keyData: toHex(key.keyData), daysSinceOnsetOfSymptoms: onsetOf(key) };
}

function keyLine(key: TemporaryExposureKey): string {
  const columns: [number | string, number][] = [
    [key.rollingStartIntervalNumber, 8],
    [key.rollingPeriod, 6],
    [key.transmissionRiskLevel, 4],
    [key.reportType, 6],
    [onsetOf(key) ?? '-', 5],
  ];
  return [toHex(key.keyData), ...columns.map(([value, width]) => String(value).padStart(width))].join('  ');
}

function matchRow(found: Match) {
  return { key: keyRow(found.key), sightings: found.sightings };
}

function matchLine(found: Match): string {
  const first = found.sightings[0];
  const at = first === undefined ? '' : `, first ${isoOf(first.timestamp)}`;
  const nearest = Math.min(...found.sightings.map((sighting) => sighting.attenuation));
  return `  ${toHex(found.key.keyData)}: ${found.sightings.length} sightings${at}, nearest ${nearest} dB`;
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return Uint8Array.from(await readFile(path));
  } catch (error) {
    throw new UnreadableError(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** @param path of a PEM file @returns SubjectPublicKeyInfo @throws {UnreadableError} when it can't be read or is none */
export async function publicKey(path: string): Promise<Uint8Array> {
  const pem = new TextDecoder().decode(await readBytes(path));
  try {
    return spkiFromPem(pem);
  } catch (error) {
    throw new UnreadableError(`${path} is no P-256 public key: ${messageOf(error)}`, { cause: error });
  }
}

async function readSightings(path: string): Promise<Sighting[]> {
  const text = new TextDecoder().decode(await readBytes(path));
  const parsed = parseSightings(text);
  if (!parsed.ok) throw new UnreadableError(`${path}: ${parsed.error}`);
  return parsed.value;
}
