import { describe, it } from 'vitest';
import {
  type Audience,
  type ConfigHead,
  EVERYONE,
  chooseDocument,
  configDocumentPath,
  documentName,
  parseConfigHead,
  shareOf,
} from './config-head.ts';

const STABLE = documentName('stable');
const NEXT = documentName('next');

const head = (audience: Audience): ConfigHead => ({
  version: 3,
  issuedAt: 1000,
  validUntil: 2000,
  documents: [
    { sha256: NEXT, size: 10, audience },
    { sha256: STABLE, size: 10, audience: EVERYONE },
  ],
});

/** A phone's secret from its number. */
const secret = (n: number): Uint8Array => {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(12, n);
  return bytes;
};
const android = { platform: 'android', version: 100 } as const;

describe('head', () => {
  const good = head(EVERYONE);
  const cases: { name: string; payload: unknown; says: string }[] = [
    { name: 'an unknown field', payload: { ...good, extra: 1 }, says: 'extra' },
    { name: 'no documents', payload: { ...good, documents: [] }, says: 'documents' },
    { name: 'a version of 0', payload: { ...good, version: 0 }, says: 'version' },
    { name: 'an end before its beginning', payload: { ...good, validUntil: 1000 }, says: 'after issuedAt' },
    { name: 'a share of 0', payload: head({ ...EVERYONE, percentage: 0 }), says: 'percentage' },
    {
      name: 'phones without a document',
      payload: { ...good, documents: [{ sha256: NEXT, size: 2, audience: { ...EVERYONE, ios: 'none' } }] },
      says: 'must be for everyone',
    },
    {
      name: 'a name that is no hash',
      payload: { ...good, documents: [{ ...good.documents[1], sha256: '../x' }] },
      says: 'sha256',
    },
  ];
  it.for(cases)('refuses $name', ({ payload, says }, { expect }) => {
    const result = parseConfigHead(payload);
    expect(result.ok ? '' : result.error).toContain(says);
  });

  it('reads its own JSON', ({ expect }) => {
    expect(parseConfigHead(JSON.parse(JSON.stringify(good)))).toEqual({ ok: true, value: good });
  });

  it('names documents by their hash, in paths that can hold nothing else', ({ expect }) => {
    expect(configDocumentPath(NEXT)).toBe(`v1/config/documents/${NEXT}.json`);
    expect(() => configDocumentPath('../head')).toThrow('base64url');
  });
});

describe('staged roll-out without tracking', () => {
  const share = (percentage: number): number => {
    const staged = head({ ...EVERYONE, percentage });
    const took = Array.from({ length: 4000 }, (_, n) => chooseDocument(staged, android, secret(n)).sha256 === NEXT);
    return took.filter(Boolean).length / took.length;
  };

  it('reaches about the share of phones it says', ({ expect }) => {
    expect(share(10)).toBeGreaterThan(0.08);
    expect(share(10)).toBeLessThan(0.12);
    expect(share(50)).toBeGreaterThan(0.47);
    expect(share(50)).toBeLessThan(0.53);
    expect(share(100)).toBe(1);
  });

  it('only adds phones as the percentage grows, and picks others for the next document', ({ expect }) => {
    const shares = Array.from({ length: 500 }, (_, n) => [shareOf(secret(n), NEXT), shareOf(secret(n), STABLE)]);
    const early = shares.filter(([next]) => next! < 10);
    expect(early.length).toBeGreaterThan(20);
    // Of those that came first, the next document would take about a tenth first again.
    expect(early.filter(([, stable]) => stable! < 10).length).toBeLessThan(early.length / 2);
  });

  it('goes by app version, both ends included', ({ expect }) => {
    const staged = head({ percentage: 100, android: { min: 90, max: 100 }, ios: { min: '1.9.0', max: '1.10.2' } });
    const takes = (platform: 'android' | 'ios', version: number | string): boolean =>
      chooseDocument(staged, { platform, version }, secret(1)).sha256 === NEXT;
    expect([89, 90, 100, 101].map((version) => takes('android', version))).toEqual([false, true, true, false]);
    expect(['1.8.9', '1.9.0', '1.10.2', '1.10.3'].map((version) => takes('ios', version))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    const onlyIos = head({ ...EVERYONE, android: 'none' });
    expect(chooseDocument(onlyIos, android, secret(1)).sha256).toBe(STABLE);
  });
});
