import { describe, it } from 'vitest';
import { versionOf } from './k6.ts';

describe('version of k6', () => {
  it.for([
    { text: 'k6 v1.8.1 (go1.26.8, linux/amd64)\n', version: '1.8.1' },
    { text: 'k6.exe v1.0.0 (commit/abc, go1.24, windows/amd64)', version: '1.0.0' },
    { text: 'k6 v0.57.0 (go1.23)', version: '0.57.0' },
    { text: 'npm package k6 0.0.0', version: null },
    { text: '', version: null },
  ])('$text is $version', ({ text, version }, { expect }) => {
    expect(versionOf(text)).toBe(version);
  });
});
