/**
 * @module Reads an export between backends (docs/spec/europe.md §2.1): the same file, whose keys the reader judges one by one, since a phone's refusal of all for one would lose thousands of people's. Never throws on any bytes.
 */
import { gaen } from '../generated/gaen-export.js';
import type { TemporaryExposureKey } from '../gaen/keys.ts';
import { decodeMessage, sifted, topFields } from '../primitives/protobuf-read.ts';
import { type Result, err, ok } from '../primitives/result.ts';
import type { ExportError } from './export-error.ts';
import { EXPORT_BIN, type ExportHeader } from './export-file.ts';
import { encodedIn, type ExportPart, headerOf, keyOf, openZip, partOf, type PinnedKey } from './export-reader.ts';

/** Between backends: what `origin` takes of a region in an hour (durable-objects/submission-buffer/remote-ops.ts). Judged they are 45 MB above what was there before (600 bytes a key as objects, 2026-11-26), of 128 that all peers share. */
export const MAX_FEED_KEYS = 400_000;

/** One of a feed's keys, as it was sent. */
interface FeedKey {
  readonly key: TemporaryExposureKey;
  /** Whether it is a status change of a key that was published before. */
  readonly revised: boolean;
}

/** A file between backends. */
export interface FeedFile {
  readonly header: ExportHeader;
  /** The reader puts parts together. */
  readonly part: ExportPart;
  /** How many keys there are, status changes included. */
  readonly count: number;
  /** Each is read as it is asked for: 200,000 of them as objects would be as much as an isolate holds. */
  readonly keys: Iterable<FeedKey>;
}

/**
 * @param zip the whole file
 * @param pinned key that must have signed it
 * @returns its content
 */
export function readFeedZip(zip: Uint8Array, pinned: PinnedKey): Result<FeedFile, ExportError> {
  const opened = openZip(zip, pinned);
  if (!opened.ok) return opened;
  const { exportBin, signatures } = opened.value;
  const bin = readFeedBin(exportBin);
  if (!bin.ok) return bin;
  return bin.value.infos === signatures.length
    ? ok(bin.value.file)
    : err({ kind: 'signature-count', infos: bin.value.infos, signatures: signatures.length });
}

/** Fields of protocol/proto/gaen-export.proto. */
const KEYS = 7;
const REVISED_KEYS = 8;

function readFeedBin(exportBin: Uint8Array): Result<{ file: FeedFile; infos: number }, ExportError> {
  const encoded = encodedIn(exportBin, MAX_FEED_KEYS);
  if (!encoded.ok) return encoded;
  const numbers = [KEYS, REVISED_KEYS];
  const parts = sifted(encoded.value, numbers, gaen.TemporaryExposureKey);
  const message = parts === null ? null : decodeMessage(gaen.TemporaryExposureKeyExport, parts.rest);
  if (parts === null || message === null) return err({ kind: 'malformed-protobuf', name: EXPORT_BIN });
  const part = partOf(message);
  if (!part.ok) return part;
  const { count } = parts;
  if (count > MAX_FEED_KEYS) return err({ kind: 'too-many-keys', count, limit: MAX_FEED_KEYS });
  const keys: Iterable<FeedKey> = {
    *[Symbol.iterator]() {
      for (const { number, content } of topFields(encoded.value, numbers)) {
        const wire = decodeMessage(gaen.TemporaryExposureKey, content)!;
        yield { key: keyOf(wire), revised: number === REVISED_KEYS };
      }
    },
  };
  return ok({
    file: { header: headerOf(message), part: part.value, count, keys },
    infos: message.signatureInfos.length,
  });
}
