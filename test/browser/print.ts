/** @module What came out of the printer: the text of a PDF, and the QR codes on a rendered page. */
import { execFileSync } from 'node:child_process';
import jsQR from 'jsqr';
import { PNG } from 'pngjs';
import type { Page } from 'playwright-core';
import { requirePdftotext } from '../../scripts/support/chromium.ts';

/** @param pdf a PDF file @returns its text by `pdftotext` (poppler-utils) and its number of pages */
export function textOfPdf(pdf: Buffer): { readonly text: string; readonly pages: number } {
  const text = execFileSync(requirePdftotext(), ['-layout', '-', '-'], { input: pdf, encoding: 'utf8' });
  return { text, pages: text.split('\f').length - 1 };
}

/** @returns what the QR code of an element says, seen as a camera sees it; null when it can't be read */
export async function qrOn(page: Page, selector: string, index = 0): Promise<string | null> {
  const { data, width, height } = PNG.sync.read(await page.locator(selector).nth(index).screenshot({ scale: 'css' }));
  return jsQR(new Uint8ClampedArray(data), width, height)?.data ?? null;
}
