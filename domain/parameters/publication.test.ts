import { describe, it } from 'vitest';
import defaults from '../../parameters/default.json' with { type: 'json' };
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { type Audience, EVERYONE, documentName } from '../../protocol/parameters/config-head.ts';
import { type Parameters, parametersSchema } from '../../protocol/parameters/document.ts';
import {
  type Consent,
  type NewPlan,
  type Plan,
  type PublishRequest,
  planPublish,
  planRollback,
} from './publication.ts';

const text = (change: Partial<Parameters> = {}): string => JSON.stringify({ ...defaults, ...change }, null, 2);
const request = (document: string, audience: Audience | null = null): PublishRequest => ({
  document,
  audience,
  dryRun: false,
});
/** Nothing in force that asks for a second person. */
const ALONE: Consent = { persons: 1, inForce: null };
const TENTH: Audience = { ...EVERYONE, percentage: 10 };

function planned(result: ReturnType<typeof planPublish>): NewPlan {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const first = planned(planPublish(null, request(text()), 0, ALONE));
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
    expect(planned(planPublish(null, request(reordered), 0, ALONE)).documents).toEqual(first.documents);
    expect([...first.texts.values()][0]).not.toContain('$schema');
  });

  it('refuses a version that is not the one the operator has seen', ({ expect }) => {
    expect(planPublish(first, request(other), 0, ALONE)).toEqual({
      ok: false,
      error: { kind: 'conflict', version: 1 },
    });
    expect(planPublish(null, request(other), 3, ALONE)).toEqual({ ok: false, error: { kind: 'conflict', version: 0 } });
  });

  it('says when nothing would change', ({ expect }) => {
    expect(planPublish(first, request(text()), 1, ALONE)).toEqual({
      ok: false,
      error: { kind: 'unchanged', version: 1 },
    });
  });

  it('refuses an invalid document with its violations', ({ expect }) => {
    const result = planPublish(first, request(text({ regions: [] })), 1, ALONE);
    expect(result.ok ? null : result.error).toMatchObject({ kind: 'invalid', violations: [{ path: 'regions' }] });
  });

  it('in stages: some get the new document, the others keep the one for everyone', ({ expect }) => {
    const staged = planned(planPublish(first, request(other, TENTH), 1, ALONE));
    expect(staged.documents.map((entry) => entry.audience)).toEqual([TENTH, EVERYONE]);
    expect(staged.documents[1]).toEqual(first.documents[0]);
    const half = planned(planPublish(staged, request(other, { ...TENTH, percentage: 50 }), 2, ALONE));
    expect(half.documents).toHaveLength(2);
    expect(half.documents[0]?.sha256).toBe(staged.documents[0]?.sha256);
    const all = planned(planPublish(half, request(other), 3, ALONE));
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
    const result = planPublish(current, request(other, audience), current?.version ?? 0, ALONE);
    expect(JSON.stringify(result)).toContain(says);
    expect(result.ok).toBe(false);
  });

  it('refuses to stage what everyone has', ({ expect }) => {
    expect(JSON.stringify(planPublish(first, request(text(), TENTH), 1, ALONE))).toContain(
      'everyone has this document',
    );
  });
});

describe('rollback', () => {
  const second = planned(planPublish(first, request(other), 1, ALONE));
  const history = [second, first];
  const textOf = (name: string): string | null => first.texts.get(name) ?? second.texts.get(name) ?? null;
  const rollback = (toVersion: number | null, expected = 2, texts = textOf) =>
    planRollback(history, { toVersion, dryRun: false }, expected, texts, ALONE);

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
    expect(planRollback([], { toVersion: null, dryRun: false }, 0, textOf, ALONE).ok).toBe(false);
  });

  it('refuses a document that today’s rules forbid', ({ expect }) => {
    const result = rollback(1, 2, () => text({ regions: [] }));
    expect(JSON.stringify(result)).toContain('regions');
  });
});

describe('a second person', () => {
  const asks = (secondPersonAbovePercentage: number, persons = 1): Consent => ({
    persons,
    inForce: parametersSchema.parse({ ...defaults, publication: { secondPersonAbovePercentage } }),
  });
  const kindOf = (result: ReturnType<typeof planPublish>): string => (result.ok ? 'planned' : result.error.kind);
  const needed = { kind: 'needs-second-person', version: 2, abovePercentage: 10 };

  it('is needed above the share that the document in force sets, whatever the new one says', ({ expect }) => {
    expect(planPublish(first, request(other), 1, asks(10))).toEqual({ ok: false, error: needed });
    expect(kindOf(planPublish(first, request(other, TENTH), 1, asks(10)))).toBe('planned');
    expect(kindOf(planPublish(first, request(other, TENTH), 1, asks(0)))).toBe('needs-second-person');
    expect(kindOf(planPublish(first, request(other), 1, asks(100)))).toBe('planned');
    const lax = text({ publication: { secondPersonAbovePercentage: 100 } });
    expect(kindOf(planPublish(first, request(lax), 1, asks(10)))).toBe('needs-second-person');
    expect(kindOf(planPublish(first, request(other), 1, asks(10, 2)))).toBe('planned');
  });

  it('is asked for after everything else was found right', ({ expect }) => {
    expect(kindOf(planPublish(first, request(other), 0, asks(10)))).toBe('conflict');
    expect(kindOf(planPublish(first, request(text({ regions: [] })), 1, asks(10)))).toBe('invalid');
    expect(kindOf(planPublish(first, request(text()), 1, asks(10)))).toBe('unchanged');
  });

  it('is not needed to end a stage, nor to go back to the version before: the brake is one person’s', ({ expect }) => {
    const staged = planned(planPublish(first, request(other, TENTH), 1, ALONE));
    expect(kindOf(planPublish(staged, request(text()), 2, asks(0)))).toBe('planned');
    const second = planned(planPublish(first, request(other), 1, ALONE));
    const third = planned(planPublish(second, request(text({ comment: 'third' })), 2, ALONE));
    const texts = new Map([...first.texts, ...second.texts, ...third.texts]);
    const back = (toVersion: number | null, consent: Consent) =>
      kindOf(
        planRollback(
          [third, second, first],
          { toVersion, dryRun: false },
          3,
          (name) => texts.get(name) ?? null,
          consent,
        ),
      );
    expect([back(null, asks(10)), back(2, asks(10)), back(1, asks(10)), back(1, asks(10, 2))]).toEqual([
      'planned',
      'planned',
      'needs-second-person',
      'planned',
    ]);
  });

  it('is asked for by a document of before there was this rule, above 10 %', ({ expect }) => {
    const { publication: _, ...before } = defaults;
    expect(parametersSchema.parse(before).publication).toEqual({ secondPersonAbovePercentage: 10 });
  });
});
