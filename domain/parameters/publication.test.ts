import { describe, it } from 'vitest';
import defaults from '../../parameters/default.json' with { type: 'json' };
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { type Audience, EVERYONE, documentName } from '../../protocol/parameters/config-head.ts';
import type { Parameters } from '../../protocol/parameters/document.ts';
import { type NewPlan, type Plan, type PublishRequest, planPublish, planRollback } from './publication.ts';

const text = (change: Partial<Parameters> = {}): string => JSON.stringify({ ...defaults, ...change }, null, 2);
const request = (document: string, audience: Audience | null = null): PublishRequest => ({
  document,
  audience,
  dryRun: false,
});
const TENTH: Audience = { ...EVERYONE, percentage: 10 };

function planned(result: ReturnType<typeof planPublish>): NewPlan {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const first = planned(planPublish(null, request(text()), 0));
const other = text({ comment: 'another' });

describe('publish', () => {
  it('makes version 1 of the first document, for everyone', ({ expect }) => {
    expect(first.version).toBe(1);
    expect(first.documents.map((entry) => entry.audience)).toEqual([EVERYONE]);
    const [[name, canonical]] = [...first.texts] as [[string, string]];
    expect(name).toBe(documentName(canonical));
    expect(first.documents[0]).toMatchObject({ sha256: name, size: utf8(canonical).length });
  });

  it('names equal parameters equally, however the file is laid out', ({ expect }) => {
    const reordered = JSON.stringify(Object.fromEntries(Object.entries(defaults).toReversed()));
    expect(planned(planPublish(null, request(reordered), 0)).documents).toEqual(first.documents);
    expect([...first.texts.values()][0]).not.toContain('$schema');
  });

  it('refuses a version that is not the one the operator has seen', ({ expect }) => {
    expect(planPublish(first, request(other), 0)).toEqual({ ok: false, error: { kind: 'conflict', version: 1 } });
    expect(planPublish(null, request(other), 3)).toEqual({ ok: false, error: { kind: 'conflict', version: 0 } });
  });

  it('says when nothing would change', ({ expect }) => {
    expect(planPublish(first, request(text()), 1)).toEqual({ ok: false, error: { kind: 'unchanged', version: 1 } });
  });

  it('refuses an invalid document with its violations', ({ expect }) => {
    const result = planPublish(first, request(text({ regions: [] })), 1);
    expect(result.ok ? null : result.error).toMatchObject({ kind: 'invalid', violations: [{ path: 'regions' }] });
  });

  it('in stages: some get the new document, the others keep the one for everyone', ({ expect }) => {
    const staged = planned(planPublish(first, request(other, TENTH), 1));
    expect(staged.documents.map((entry) => entry.audience)).toEqual([TENTH, EVERYONE]);
    expect(staged.documents[1]).toEqual(first.documents[0]);
    const half = planned(planPublish(staged, request(other, { ...TENTH, percentage: 50 }), 2));
    expect(half.documents).toHaveLength(2);
    expect(half.documents[0]?.sha256).toBe(staged.documents[0]?.sha256);
    const all = planned(planPublish(half, request(other), 3));
    expect(all).toMatchObject({ version: 4, documents: [{ sha256: staged.documents[0]?.sha256 }] });
    expect(all.documents).toHaveLength(1);
  });

  const bad: { name: string; current: Plan | null; audience: Audience; says: string }[] = [
    { name: 'the first document in stages', current: null, audience: TENTH, says: 'must be for everyone' },
    { name: 'a share of 0', current: first, audience: { ...TENTH, percentage: 0 }, says: 'percentage' },
    {
      name: 'versions upside down',
      current: first,
      audience: { ...TENTH, ios: { min: '2.0.0', max: '1.9.9' } },
      says: 'min must not be above max',
    },
  ];
  it.for(bad)('refuses $name', ({ current, audience, says }, { expect }) => {
    const result = planPublish(current, request(other, audience), current?.version ?? 0);
    expect(JSON.stringify(result)).toContain(says);
    expect(result.ok).toBe(false);
  });

  it('refuses to stage what everyone has', ({ expect }) => {
    expect(JSON.stringify(planPublish(first, request(text(), TENTH), 1))).toContain('everyone has this document');
  });
});

describe('rollback', () => {
  const second = planned(planPublish(first, request(other), 1));
  const history = [second, first];
  const textOf = (name: string): string | null => first.texts.get(name) ?? second.texts.get(name) ?? null;
  const rollback = (toVersion: number | null, expected = 2, texts = textOf) =>
    planRollback(history, { toVersion, dryRun: false }, expected, texts);

  it('gives the former documents a new version', ({ expect }) => {
    for (const result of [rollback(null), rollback(1)]) {
      expect(planned(result)).toMatchObject({ version: 3, documents: first.documents });
    }
  });

  it('refuses what is not there, not kept, not seen, or the current one', ({ expect }) => {
    expect(JSON.stringify(rollback(7))).toContain('no such earlier version');
    expect(JSON.stringify(rollback(1, 2, () => null))).toContain('is not kept');
    expect(JSON.stringify(rollback(1, 1))).toContain('conflict');
    expect(JSON.stringify(rollback(2))).toContain('unchanged');
    expect(planRollback([], { toVersion: null, dryRun: false }, 0, textOf).ok).toBe(false);
  });

  it('refuses a document that today’s rules forbid', ({ expect }) => {
    const result = rollback(1, 2, () => text({ regions: [] }));
    expect(JSON.stringify(result)).toContain('regions');
  });
});
