import { describe, it } from 'vitest';
import { utf8 } from '../primitives/bytes.ts';
import { googleFilePath, googleIndexPath, googleIndexText, parseGoogleIndex } from './google-index.ts';

describe('Google’s names (docs/spec/google.md §3.6)', () => {
  it('are start, end and five digits', ({ expect }) => {
    expect(googleIndexPath('DE')).toBe('v1/DE/exposure-keys/index.txt');
    const name = { start: 1_606_348_800, end: 1_606_363_200, n: 2 };
    expect(googleFilePath('EUR', name)).toBe('v1/EUR/exposure-keys/1606348800-1606363200-00002.zip');
  });

  it('stand in the list once each, ascending, from the folder on, without a newline at the end', ({ expect }) => {
    const keys = [3, 1, 2, 1].map((n) => googleFilePath('DE', { start: 1_606_348_800, end: 1_606_363_200, n }));
    const text = googleIndexText('DE', keys);
    expect(text).toBe([1, 2, 3].map((n) => `exposure-keys/1606348800-1606363200-0000${n}.zip`).join('\n'));
    expect(googleIndexText('DE', [])).toBe('');
    // As our own reader of such lists takes it, told the folder's address.
    expect(parseGoogleIndex(utf8(text), 'https://keys.example/v1/DE/exposure-keys')).toEqual({
      ok: true,
      value: [1, 2, 3].map((n) => `1606348800-1606363200-0000${n}.zip`),
    });
  });
});
