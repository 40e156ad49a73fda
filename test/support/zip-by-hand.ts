/**
 * @module ZIP archives laid by hand, each field open to a lie: what the strict reader must refuse can't be made by a writer
 * that only writes good ones (APPNOTE 6.3 §4.3).
 */
import { deflateRaw } from 'pako';
import { concatBytes, utf8 } from '../../protocol/primitives/bytes.ts';
import { crc32 } from '../../protocol/export/crc32.ts';

export interface HandmadeEntry {
  readonly name: string;
  readonly data: Uint8Array;
  /** 8 deflated unless said. */
  readonly method?: 0 | 8 | 12;
  /** General purpose flags; bit 3 moves checksum and sizes behind the data. */
  readonly flags?: number;
  /** With bit 3: whether the descriptor has its optional signature (true unless said). */
  readonly descriptorSignature?: boolean;
  /** Extra field of the local header. */
  readonly extra?: Uint8Array;
  /** Replaces the checksum. */
  readonly crc?: number;
  /** Replaces the uncompressed size. */
  readonly size?: number;
  /** Replaces the name in the central directory. */
  readonly centralName?: string;
}

function bytes(length: number, fill: (view: DataView) => void): Uint8Array {
  const view = new DataView(new ArrayBuffer(length));
  fill(view);
  return new Uint8Array(view.buffer);
}

/**
 * @param entries in order
 * @param options comment at the end; `count` replaces the number of entries in the end record
 * @returns the archive
 */
export function zipByHand(
  entries: readonly HandmadeEntry[],
  options: { readonly comment?: string; readonly count?: number } = {},
): Uint8Array {
  const local: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const entry of entries) {
    const { name, data, method = 8, flags = 0, extra = new Uint8Array() } = entry;
    const packed = method === 0 ? data : deflateRaw(data);
    const crc = entry.crc ?? crc32(data);
    const size = entry.size ?? data.length;
    const descriptor = (flags & 8) !== 0;
    const write = (view: DataView, at: number, known: boolean): void => {
      view.setUint16(at, 20, true);
      view.setUint16(at + 2, flags, true);
      view.setUint16(at + 4, method, true);
      view.setUint32(at + 10, known ? crc : 0, true);
      view.setUint32(at + 14, known ? packed.length : 0, true);
      view.setUint32(at + 18, known ? size : 0, true);
    };
    const head = bytes(30, (view) => {
      view.setUint32(0, 0x04034b50, true);
      write(view, 4, !descriptor);
      view.setUint16(26, utf8(name).length, true);
      view.setUint16(28, extra.length, true);
    });
    const signature = entry.descriptorSignature === false ? [] : [bytes(4, (v) => v.setUint32(0, 0x08074b50, true))];
    const sizes = bytes(12, (view) => {
      view.setUint32(0, crc, true);
      view.setUint32(4, packed.length, true);
      view.setUint32(8, size, true);
    });
    const parts = [head, utf8(name), extra, packed, ...(descriptor ? [...signature, sizes] : [])];
    const centralName = utf8(entry.centralName ?? name);
    central.push(
      bytes(46, (view) => {
        view.setUint32(0, 0x02014b50, true);
        view.setUint16(4, 20, true);
        write(view, 6, true);
        view.setUint16(28, centralName.length, true);
        view.setUint32(42, offset, true);
      }),
      centralName,
    );
    local.push(...parts);
    offset += parts.reduce((sum, part) => sum + part.length, 0);
  }
  const comment = utf8(options.comment ?? '');
  const end = bytes(22, (view) => {
    view.setUint32(0, 0x06054b50, true);
    view.setUint16(8, entries.length, true);
    view.setUint16(10, options.count ?? entries.length, true);
    view.setUint32(
      12,
      central.reduce((sum, part) => sum + part.length, 0),
      true,
    );
    view.setUint32(16, offset, true);
    view.setUint16(20, comment.length, true);
  });
  return concatBytes(...local, ...central, end, comment);
}
