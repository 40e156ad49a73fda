import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { createHash } from 'node:crypto';
import { generateTeleTan, parseTeleTan, TELETAN_ALPHABET, teleTanCheckCharacter } from './teletan.ts';

/** A deterministic byte source: SHA-256 in counter mode. */
const bytesFrom = (seed: string) => {
  let counter = 0;
  return (length: number) => {
    const out = new Uint8Array(length);
    for (let offset = 0; offset < length; offset += 32) {
      out.set(
        createHash('sha256')
          .update(`${seed}/${counter++}`)
          .digest()
          .subarray(0, length - offset),
        offset,
      );
    }
    return out;
  };
};

describe('teleTAN', () => {
  it('check character is the first hex digit of SHA-256 with 0 → G and 1 → H', ({ expect }) => {
    const seen = new Set<string>();
    const random = bytesFrom('check');
    for (let i = 0; i < 500; i++) {
      const code = generateTeleTan(random);
      const digit = createHash('sha256').update(code.slice(0, 9)).digest('hex').charAt(0);
      const expected = { '0': 'G', '1': 'H' }[digit] ?? digit.toUpperCase();
      expect(code.charAt(9)).toBe(expected);
      seen.add(code.charAt(9));
    }
    expect([...seen].toSorted().join('')).toBe('23456789ABCDEFGH');
  });

  it('what is generated parses, however a person types it', ({ expect }) => {
    const random = bytesFrom('typed');
    for (let i = 0; i < 200; i++) {
      const code = generateTeleTan(random);
      expect(parseTeleTan(code)).toBe(code);
      expect(parseTeleTan(` ${code.slice(0, 3)}-${code.slice(3, 6)} ${code.slice(6).toLowerCase()}\n`)).toBe(code);
    }
  });

  it('characters are uniform: chi-square over 27,000 draws', ({ expect }) => {
    const counts = new Map<string, number>();
    const random = bytesFrom('uniform');
    for (let i = 0; i < 3000; i++) {
      for (const c of generateTeleTan(random).slice(0, 9)) counts.set(c, (counts.get(c) ?? 0) + 1);
    }
    const expected = 27_000 / TELETAN_ALPHABET.length;
    const chi = Array.from(TELETAN_ALPHABET).reduce(
      (sum, c) => sum + ((counts.get(c) ?? 0) - expected) ** 2 / expected,
      0,
    );
    expect(chi).toBeLessThan(59.7); // 30 degrees of freedom, p = 0.001
  });

  it('one wrong character is caught 15 times of 16 before storage is touched', ({ expect }) => {
    const random = bytesFrom('slip');
    let caught = 0;
    for (let i = 0; i < 2000; i++) {
      const code = generateTeleTan(random);
      const at = i % 9;
      const other = TELETAN_ALPHABET.charAt((TELETAN_ALPHABET.indexOf(code.charAt(at)) + 1 + (i % 29)) % 31);
      if (parseTeleTan(code.slice(0, at) + other + code.slice(at + 1)) === null) caught++;
    }
    expect(caught / 2000).toBeGreaterThan(0.91);
  });

  it('no text throws, and what parses has a right check character', ({ expect }) => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        const code = parseTeleTan(text);
        if (code !== null) expect(teleTanCheckCharacter(code.slice(0, 9))).toBe(code.charAt(9));
      }),
      { seed: 1, numRuns: 500 },
    );
    for (const bad of ['', 'AAAA', '0123456789', 'ABCDEFGHJKM', 'I'.repeat(10), 'A'.repeat(100_000)])
      expect(parseTeleTan(bad)).toBeNull();
  });
});
