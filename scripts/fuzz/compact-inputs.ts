/**
 * @module Compact chunks of `npm run fuzz` (docs/compact-chunk.md), which no route takes and phones read: bent at the level of their numbers and tables and at that of their bytes, and handed to the reader in this process.
 */
import { writeCompact } from '../../protocol/compact/compact-writer.ts';
import { readCompact } from '../../protocol/compact/compact-reader.ts';
import { ExportWriter } from '../../protocol/export/export-file.ts';
import { compareKeys } from '../../protocol/export/tek-order.ts';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import type { Draw } from './inputs.ts';

const START = 2_992_608;
const HEADER = {
  startTimestamp: 1_795_564_800,
  endTimestamp: 1_795_568_400,
  region: 'DE',
  keyId: '262',
  keyVersion: 'v1',
};
/** What a key may take more in export.bin than here, and what every file has besides. */
const MOST_TIMES = 3;
const BESIDE = 100;

/** A whole one, of as many keys as are drawn. */
function whole(draw: Draw): Uint8Array {
  const count = draw.pick([0, 1, 2, 15, 60]);
  const keys = Array.from({ length: count }, () => ({
    keyData: draw.bytes(16),
    transmissionRiskLevel: 3 + draw.below(6),
    rollingStartIntervalNumber: START + 144 * draw.below(14),
    rollingPeriod: draw.pick([144, 144, 144, 7]),
    reportType: 1 as const,
    daysSinceOnsetOfSymptoms: draw.below(3),
  })).toSorted(compareKeys);
  const writer = new ExportWriter(HEADER, count);
  for (const key of keys) writer.add(key);
  const written = writeCompact(writer.finish(), draw.bytes(70));
  if (written === null) throw new Error('a file of ours has a compact form');
  return written;
}

/** @returns a compact chunk that was bent in up to four places */
function bent(draw: Draw): Uint8Array {
  let bytes = whole(draw);
  for (let times = draw.below(4); times >= 0; times--) {
    const at = draw.below(bytes.length + 1);
    bytes = draw.pick([
      () => bytes.with(Math.min(at, bytes.length - 1), draw.below(256)),
      () => bytes.subarray(0, Math.max(1, at)),
      () => concatBytes(bytes.subarray(0, at), draw.bytes(draw.below(6)), bytes.subarray(at)),
      // A number that promises more than there is.
      () => concatBytes(bytes.subarray(0, at), Uint8Array.of(255, 255, 255, 127), bytes.subarray(at + 1)),
    ])();
  }
  return bytes;
}

/** @returns what is wrong with how one bent chunk was read, or null */
export function compactProblem(draw: Draw): string | null {
  const bytes = bent(draw);
  try {
    const read = readCompact(bytes);
    if (!read.ok) return null;
    const length = read.value.exportBin.length + read.value.exportSig.length;
    return length > MOST_TIMES * bytes.length + BESIDE ? `${bytes.length} bytes became ${length}` : null;
  } catch (error) {
    return String(error);
  }
}
