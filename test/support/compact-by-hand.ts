/**
 * @module A second reader of compact chunks, made from docs/compact-chunk.md alone: slow, with big numbers and texts of bits, and nothing of protocol/compact in it, so that what both read alike is what the document says.
 */

const HEADER = new TextEncoder().encode('EK Export v1    ');
const LISTS = [0x3a, 0x42];

const varint = (value: number): number[] => {
  const bytes: number[] = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
};

/** @param bytes a compact chunk that holds to the document @returns both files of its ZIP */
export function expandByHand(bytes: Uint8Array): { exportBin: Uint8Array; exportSig: Uint8Array } {
  let at = 4;
  const number = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(bytes[at++] ?? 0);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return Number(value);
    }
  };
  const block = (length: number): number[] => [...bytes.subarray(at, (at += length))];
  const head = block(number());
  const exportSig = block(number());
  const cells = LISTS.flatMap((tag) => {
    const columns = Array.from({ length: number() }, () => block(4));
    let start = 0;
    return Array.from({ length: number() }, () => {
      start += number();
      const counts = columns.map(() => number());
      return columns.map((column, n) => ({ tag, start, column, count: counts[n]! }));
    }).flat();
  }).filter(({ count }) => count > 0);
  const split = cells.map((cell) => {
    const rankBits = (cell.count - 1).toString(2).replace(/^0$/, '').length;
    return { ...cell, rankBits, headBytes: Math.ceil(rankBits / 8) };
  });
  const tails = split.map(({ count, headBytes }) => Array.from({ length: count }, () => block(16 - headBytes)));
  let bits = [...bytes.subarray(at)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const bin = [...HEADER, ...head];
  for (const [n, { tag, start, column, count, rankBits, headBytes }] of split.entries()) {
    const [period = 0, level = 0, reportType = 0, onset = 0] = column;
    let rank = 0n;
    for (let key = 0; key < count; key++) {
      let first: number[] = [];
      if (rankBits > 0) {
        const more = bits.indexOf('1');
        rank += BigInt(more);
        const rest = bits.slice(more + 1, more + 1 + headBytes * 8 - rankBits);
        bits = bits.slice(more + 1 + rest.length);
        const text = rank.toString(2).padStart(rankBits, '0') + rest;
        first = Array.from({ length: headBytes }, (_, i) => Number.parseInt(text.slice(i * 8, i * 8 + 8), 2));
      }
      const fields = [
        [0x0a, 16, ...first, ...tails[n]![key]!],
        [0x10, level, 0x18, ...varint(start), 0x20, ...varint(period), 0x28, reportType, 0x30, onset],
      ].flat();
      bin.push(tag, fields.length, ...fields);
    }
  }
  return { exportBin: Uint8Array.from(bin), exportSig: Uint8Array.from(exportSig) };
}
