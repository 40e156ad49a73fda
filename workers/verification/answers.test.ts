/**
 * @module What an encoder on the way would make of the answers. None may encode them (`no-transform`), and none in our reach does
 * (test/integration/wire-size.long.test.ts); should one do it all the same, the padding leaves it next to nothing to tell.
 */
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, it } from 'vitest';
import { MAX_CREDENTIAL_LENGTH } from '../../protocol/credential/credential.ts';
import { type Answer, ANSWER_BODY_BYTES, paddedAnswer, padding, refusal } from './answers.ts';

const UUID = (): string => crypto.randomUUID();
const ANSWERS: Readonly<Record<string, () => Answer>> = {
  pending: () => ({ status: 200, body: { testResult: 0, sc: 1_781_524_800 } }),
  result: () => ({ status: 200, body: { testResult: 2, sc: 1_781_520_000, labId: 'lab-1' } }),
  'result, longest': () => ({
    status: 200,
    body: { testResult: 2, sc: 1_781_520_000, labId: `${UUID()}${UUID()}`.slice(0, 64) },
  }),
  token: () => ({ status: 201, body: { registrationToken: UUID() } }),
  TAN: () => ({ status: 201, body: { tan: UUID() } }),
  forgotten: () => ({ status: 200, body: { forgotten: true } }),
  refused: () => refusal(400),
  'credential refused': () => ({ status: 400, body: { refused: 'signature' } }),
  'credential, feigned': () => ({ status: 201, body: { credential: padding(MAX_CREDENTIAL_LENGTH) } }),
};
const brotli = (quality: number) => (body: Uint8Array) =>
  brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
const DRAWS = 400;
/** What a laboratory's id of 64 hex digits is denser or thinner by than padding; without one it is 1 behind gzip. */
const MOST_BYTES = 8;

/** Median size of each kind of answer behind an encoder. */
async function medians(encode: (body: Uint8Array) => Uint8Array, repad: (text: string) => string): Promise<number[]> {
  return Promise.all(
    Object.values(ANSWERS).map(async (answer) => {
      const sizes = await Promise.all(
        Array.from({ length: DRAWS }, async () => {
          const text = await paddedAnswer(answer(), true).text();
          return encode(Buffer.from(repad(text))).length;
        }),
      );
      return sizes.toSorted((a, b) => a - b)[DRAWS / 2] ?? 0;
    }),
  );
}
const spread = (sizes: readonly number[]): number => Math.max(...sizes) - Math.min(...sizes);

describe('an answer of verification', () => {
  it('is never stored, encoded or sniffed, and has its one length', async ({ expect }) => {
    for (const answer of Object.values(ANSWERS)) {
      const { headers } = paddedAnswer(answer(), true);
      expect(headers.get('cache-control')).toBe('no-store, no-transform');
      expect(headers.get('content-encoding')).toBe('identity');
      expect(headers.get('content-length')).toBe(String(ANSWER_BODY_BYTES));
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect((await paddedAnswer(answer(), true).arrayBuffer()).byteLength).toBe(ANSWER_BODY_BYTES);
    }
  });

  // Cloudflare's encoders; brotli at 4, as for what is made on the spot (zlib's own default, 11, is for files).
  it.for([
    { name: 'gzip', encode: (body: Uint8Array) => gzipSync(body) },
    { name: 'brotli', encode: brotli(4) },
    { name: 'zstd', encode: (body: Uint8Array) => zstdCompressSync(body) },
  ])(
    'behind $name differs by 8 bytes at most in the median; padded with zeros by thirty and more',
    async (a, { expect }) => {
      expect(spread(await medians(a.encode, (text) => text))).toBeLessThanOrEqual(MOST_BYTES);
      const zeros = (text: string): string =>
        text.replace(/(?<="responsePadding":")[^"]*/, (p) => '0'.repeat(p.length));
      expect(spread(await medians(a.encode, zeros))).toBeGreaterThan(30);
    },
  );
});
