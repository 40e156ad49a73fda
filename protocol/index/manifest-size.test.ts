import { gzip } from 'pako';
import { describe, it } from 'vitest';
import { toBase64Url, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import { countBucket, MANIFEST_TYPE, type ManifestHead, parseManifestHead } from './manifest.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../signing.ts';
import { signDocument } from './signed-document.ts';

/** docs/architecture.md §6: a phone polls the head each hour, so its size is what an idle hour costs. */
const MOST_BYTES = 1536;
/** Keys in a chunk at 2,000 cases a day (docs/architecture.md §12). */
const KEYS_PER_HOUR = 1167;

const hash = (label: string): string => toBase64Url(sha256(utf8(label)));
const { raw } = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8('manifest size'))));

/** The largest head of a deployment at 2,000 cases a day: 14 days old, with the last hour of the running day, and something revoked. */
function headAtDay14(region: string): ManifestHead {
  const midnight = Date.UTC(2026, 10, 25) / 3_600_000;
  const hours = Array.from({ length: 24 }, (_, i) => ({
    hour: midnight + i,
    file: 1,
    of: 1,
    size: 18_000 + ((i * 7919) % 6000),
    keys: countBucket(KEYS_PER_HOUR),
    sha256: hash(`${region} chunk ${i}`),
  }));
  const issuedAt = (midnight + 24) * 3600;
  return {
    region,
    sequence: 14 * 24,
    previous: hash(`${region} previous`),
    issuedAt,
    validUntil: issuedAt + 4 * 3600,
    hours,
    pages: [{ sha256: hash(`${region} page`), from: '2026-11-11', to: '2026-11-24' }],
    revocations: hash(`${region} revocations`),
  };
}

describe('the polled head (docs/architecture.md §6)', () => {
  it.for(['DE', 'EUR'])(
    '%s at day 14, with all 24 hours: at most 1.5 KB as a CDN compresses it',
    (region, { expect }) => {
      const head = headAtDay14(region);
      expect(parseManifestHead(head)).toMatchObject({ ok: true });
      const text = signDocument(MANIFEST_TYPE, 'manifest-v1', head, raw);
      expect(gzip(utf8(text)).length).toBeLessThanOrEqual(MOST_BYTES);
    },
  );
});
