/**
 * @module Scripts and stylesheet with their integrity: a page names the hash of what it wants, so nothing between the Worker
 * and the browser can swap them, and the name changes with the content.
 */
import { toBase64, toHex, utf8 } from '../../../protocol/primitives/bytes.ts';
import { sha256 } from '../../../protocol/primitives/hash.ts';
import { BULK_SCRIPT } from './bulk-script.ts';
import { SCRIPT, SHEET_SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** A file the portal serves. */
export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly text: string;
  /** Subresource integrity. */
  readonly integrity: string;
}

function asset(name: string, extension: string, type: string, text: string): Asset {
  const digest = sha256(utf8(text));
  return {
    path: `/staff/assets/${name}.${toHex(digest).slice(0, 16)}.${extension}`,
    type,
    text,
    integrity: `sha256-${toBase64(digest)}`,
  };
}

export const SCRIPT_ASSET = asset('portal', 'js', 'text/javascript; charset=utf-8', SCRIPT);
export const SHEET_SCRIPT_ASSET = asset('sheet', 'js', 'text/javascript; charset=utf-8', SHEET_SCRIPT);
export const BULK_SCRIPT_ASSET = asset('bulk', 'js', 'text/javascript; charset=utf-8', BULK_SCRIPT);
export const STYLE_ASSET = asset('portal', 'css', 'text/css; charset=utf-8', STYLE);
/** All of them. */
export const ASSETS: readonly Asset[] = [SCRIPT_ASSET, SHEET_SCRIPT_ASSET, BULK_SCRIPT_ASSET, STYLE_ASSET];
