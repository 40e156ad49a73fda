import { it } from 'vitest';
import { encodeRiskLevel } from './keys/risk.ts';
import { recheckPart } from './publish-part.ts';
import type { PublishPart } from './rpc-publish.ts';

const PART: PublishPart = {
  authorityId: 'health-de',
  reportType: 'likely',
  token: null,
  expiresAt: 1_800_000_000,
  onsetDays: 3,
};
const keyOf = (level: number) => ({
  keyData: new Uint8Array(16).fill(level),
  rollingStartIntervalNumber: 2_900_000,
  rollingPeriod: 144,
  transmissionRiskLevel: level,
  ...encodeRiskLevel(level),
});

it('a part is handed on as it should be, and nothing else of it', ({ expect }) => {
  expect(recheckPart(PART, [3, 5, 6].map(keyOf))).toEqual(PART);
  expect(recheckPart({ ...PART, token: new Uint8Array(3), more: 'x' } as PublishPart, [keyOf(6)])).toEqual({
    ...PART,
    token: new Uint8Array(3),
  });
});

it.for<[name: string, part: unknown, level?: number]>([
  ['nothing', null],
  ['a text', 'likely'],
  ['another report type', { ...PART, reportType: 'recursive' }],
  ['an authority that is no text', { ...PART, authorityId: 7 }],
  ['a name as long as a letter', { ...PART, authorityId: 'x'.repeat(65) }],
  ['a token as text', { ...PART, token: 'AAAA' }],
  ['no token at all', { ...PART, token: undefined }],
  ['no end', { ...PART, expiresAt: Number.NaN }],
  ['an onset to come', { ...PART, onsetDays: -1 }],
  ['an onset long ago', { ...PART, onsetDays: 30 }],
  ['a level of confirmed tests', PART, 8],
  ['a level of reports of oneself', PART, 4],
])('%s is refused', ([, part, level = 6], { expect }) => {
  expect(recheckPart(part as PublishPart, [keyOf(3), keyOf(level)])).toBeNull();
});
