/**
 * @module QR codes as SVG (ISO/IEC 18004, by the library uqr): one path, no script, sharp at any size in print.
 */
import { encode } from 'uqr';

/** Modules of white around the code that a reader needs (ISO/IEC 18004 §5.3.8). */
const QUIET_ZONE = 4;

/** The text of a test's or card's QR code: the one form that Corona-Warn-App's apps take (docs/spec/cwa.md §3.1). */
const qrText = (guid: string): string => `https://localhost/?${guid}`;

/** @param guid what the code opens @param label what a screen reader says @returns an SVG with error correction M */
export function QrCode({ guid, label }: { readonly guid: string; readonly label: string }) {
  return <Qr text={qrText(guid)} label={label} />;
}

/** @param text of the code @param label what a screen reader says @returns an SVG with error correction M */
export function Qr({ text, label }: { readonly text: string; readonly label: string }) {
  const { data, size } = encode(text, { ecc: 'M', border: QUIET_ZONE });
  return (
    <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <path d={darkModules(data)} stroke="#000" />
    </svg>
  );
}

/**
 * Each run of dark modules is a line as thick as a module, and begins so far from where the last one ended: a sixth of the
 * characters that a square for each module would take.
 */
function darkModules(rows: readonly (readonly boolean[])[]): string {
  let path = 'M0 .5';
  let [atX, atY] = [0, 0];
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue;
      const from = x;
      while (row[x + 1]) x++;
      path += `m${from - atX} ${y - atY}h${x - from + 1}`;
      [atX, atY] = [x + 1, y];
    }
  }
  return path;
}
