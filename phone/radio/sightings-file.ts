/**
 * @module A phone's sightings as a JSON file: what `phone match` reads and a simulation writes.
 */
import { fromHex, toHex } from '../../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { METADATA_BYTES, RPI_BYTES } from '../../protocol/gaen/rpi.ts';
import type { Sighting } from './sighting.ts';

/**
 * @param sightings in any order
 * @returns JSON: a list of `{rpi, aem, timestamp, rssi, previousScan}`, bytes in hex
 */
export function formatSightings(sightings: readonly Sighting[]): string {
  return JSON.stringify(sightings.map((seen) => ({ ...seen, rpi: toHex(seen.rpi), aem: toHex(seen.aem) })));
}

/**
 * @param text JSON as {@link formatSightings} writes it; `previousScan` may be left out and is then 0 (unknown)
 * @returns the sightings, or what is wrong with which of them
 */
export function parseSightings(text: string): Result<Sighting[], string> {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return err('not JSON');
  }
  if (!Array.isArray(list)) return err('expected a list of sightings');
  const sightings: Sighting[] = [];
  for (const [index, entry] of list.entries()) {
    const sighting = parseSighting(entry);
    if (typeof sighting === 'string') return err(`sighting ${index}: ${sighting}`);
    sightings.push(sighting);
  }
  return ok(sightings);
}

function parseSighting(entry: unknown): Sighting | string {
  if (typeof entry !== 'object' || entry === null) return 'expected an object';
  const fields = entry as Record<string, unknown>;
  const rpi = bytesOf(fields['rpi'], RPI_BYTES);
  if (rpi === null) return `rpi must be ${RPI_BYTES} bytes in hex`;
  const aem = bytesOf(fields['aem'], METADATA_BYTES);
  if (aem === null) return `aem must be ${METADATA_BYTES} bytes in hex`;
  const { timestamp, rssi, previousScan = 0 } = fields;
  if (!isWhole(timestamp, 0, Number.MAX_SAFE_INTEGER)) return 'timestamp must be whole Unix seconds';
  if (!isWhole(rssi, -127, 126)) return 'rssi must be a whole number of dBm in −127..126';
  if (!isWhole(previousScan, 0, timestamp)) return 'previousScan must be whole Unix seconds, not after timestamp, or 0';
  return { rpi, aem, timestamp, rssi, previousScan };
}

function bytesOf(value: unknown, length: number): Uint8Array | null {
  if (typeof value !== 'string' || value.length !== 2 * length || !/^[0-9a-fA-F]*$/.test(value)) return null;
  return fromHex(value);
}

function isWhole(value: unknown, low: number, high: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high;
}
