/**
 * @module Rules in a phase of the zone that others write in too. Each call touches one rule of ours: rules of others are never sent, so they keep what they have, fields that this library
 * doesn't know among it, and their order. A rule is ours by its description, `exposure-edge:<stage>:<name> …`, or, where somebody rewrote that, by its reference.
 */
import type { BlockRule } from 'cloudflare/resources/rulesets/rules';
import type { PhaseParam } from 'cloudflare/resources/rulesets/rulesets';
import { gone, orNull } from './calls.ts';
import { type Fields, differing } from './compare.ts';
import type { Context } from './context.ts';
import type { StageOfResources } from './stage-part.ts';
import { tagOf, tagsOf } from './names.ts';
import { type Resource, type Work, resource } from './resource.ts';

/** A rule that a stage wants. */
export interface WantedRule {
  /** Within the phase: `laboratories-mtls`. */
  readonly name: string;
  /** What it does, for who reads the dashboard. */
  readonly title: string;
  readonly expression: string;
  readonly action: 'block' | 'set_cache_settings';
  readonly action_parameters?: object;
  readonly ratelimit?: BlockRule.Ratelimit;
}

/** What is read of a rule, whosever it is. */
interface FoundRule {
  readonly id?: string;
  readonly ref?: string;
  readonly description?: string;
  readonly enabled?: boolean;
  readonly action?: string;
  readonly expression?: string;
  readonly action_parameters?: unknown;
  readonly ratelimit?: unknown;
}

/** The phase as it is; no id: nobody has written in it yet. */
export interface FoundRules {
  readonly id: string | null;
  readonly rules: readonly FoundRule[];
}

/** What tells one phase's rules from another's. */
export interface RulesDefinition {
  /** What each rule is called: "WAF rule". */
  readonly kind: string;
  readonly phase: PhaseParam;
  readonly rights: readonly string[];
  readonly afterBreak: string;
  /** @returns what the stage wants, in order */
  readonly wanted: (stage: StageOfResources) => readonly WantedRule[];
}

/** @param definition of a phase's rules @returns the resource: the rules of ours in it */
export function sharedRules(definition: RulesDefinition): Resource<FoundRules> {
  const { kind, phase, rights, afterBreak, wanted } = definition;
  return resource({
    name: `${kind}s`,
    phase: 'before-workers',
    rights,
    afterBreak,
    read: ({ client, zone }) => readPhase(client.rulesets.phases.get(phase, { zone_id: zone.id })),
    work: (context, found) => work(context, found, definition, wanted(context.stage)),
    remove: (context, found) =>
      work(context, found, definition, []).filter(({ difference }) => difference.foreign !== true),
  });
}

async function readPhase(call: Promise<unknown>): Promise<FoundRules> {
  const ruleset = (await orNull(call)) as { readonly id?: string; readonly rules?: readonly FoundRule[] } | null;
  if (ruleset === null) return { id: null, rules: [] };
  if (typeof ruleset.id !== 'string') throw new Error('half an answer: a set of rules without its id');
  return { id: ruleset.id, rules: ruleset.rules ?? [] };
}

function work(
  { client, zone, stage }: Context,
  found: FoundRules,
  { kind, phase }: RulesDefinition,
  wanted: readonly WantedRule[],
): Work[] {
  // The phase's set of rules is made with the first rule.
  let rulesetId = found.id;
  const create = async (rule: BodyOfRule): Promise<void> => {
    if (rulesetId !== null) {
      await client.rulesets.rules.create(rulesetId, { zone_id: zone.id, ...rule });
      return;
    }
    // POST, not PUT of the entry point: if somebody has written here since, it is refused and nothing of theirs is lost.
    const made = await client.rulesets.create({
      zone_id: zone.id,
      kind: 'zone',
      name: 'default',
      phase,
      rules: [rule],
    });
    rulesetId = (made as { readonly id?: string } | null)?.id ?? null;
    if (rulesetId === null) throw new Error('half an answer: a set of rules without its id');
  };
  const remove = (id: string) => () =>
    gone(client.rulesets.rules.delete(id, { ruleset_id: rulesetId ?? '', zone_id: zone.id }));

  const left = new Set(found.rules);
  const works = wanted.map((rule): Work => {
    const body = bodyOf(stage, rule);
    const there = [...left].find((candidate) => isRule(stage, rule.name, candidate));
    const what = `${kind}: ${rule.name}`;
    if (there === undefined) {
      return {
        difference: { resource: what, action: 'create', fields: differing(null, comparable(body)) },
        run: () => create(body),
      };
    }
    left.delete(there);
    const fields = differing(comparable(there), comparable(body));
    const { id } = there;
    if (fields.length === 0 || id === undefined) return { difference: { resource: what, action: 'keep', fields } };
    return {
      difference: { resource: what, action: 'change', fields },
      // The whole rule: the API takes what isn't sent for taken away. Without a position it stays where it is.
      run: () => client.rulesets.rules.edit(id, { ruleset_id: rulesetId ?? '', zone_id: zone.id, ...body }),
    };
  });
  return [...works, ...[...left].map((rule): Work => restOf(stage, kind, rule, remove))];
}

/** What isn't wanted: ours goes, a former name or a second one of a name; what is others' is told. */
function restOf(
  stage: StageOfResources,
  kind: string,
  rule: FoundRule,
  remove: (id: string) => () => Promise<void>,
): Work {
  const { id, description, ref, action, enabled } = rule;
  const ours = description?.startsWith(tagsOf(stage)) === true || ref?.startsWith(refOf(stage, '')) === true;
  if (ours && id !== undefined) {
    return {
      difference: {
        resource: `${kind}: ${description ?? ref} (${id})`,
        action: 'delete',
        fields: differing(comparable(rule), null),
      },
      run: remove(id),
    };
  }
  const skips = action === 'skip' && enabled !== false ? ', which may skip rules after it, ours among them' : '';
  const label = `${kind} of somebody else: ${description ?? id} (${action}${skips})`;
  return { difference: { resource: label, action: 'keep', fields: [], foreign: true } };
}

const isRule = (stage: StageOfResources, name: string, { description, ref }: FoundRule): boolean =>
  description === tagOf(stage, name) ||
  description?.startsWith(`${tagOf(stage, name)} `) === true ||
  ref === refOf(stage, name);

/** Letters, digits, hyphens and underscores: whatever the API makes of other signs. */
const refOf = (stage: StageOfResources, name: string): string =>
  `exposure-edge_${stage.name.replaceAll(/[^A-Za-z0-9-]/g, '-')}_${name}`;

type BodyOfRule = ReturnType<typeof bodyOf>;

function bodyOf(stage: StageOfResources, { name, title, ...rule }: WantedRule) {
  return {
    ...rule,
    description: `${tagOf(stage, name)} ${title}`,
    enabled: true,
    ref: refOf(stage, name),
  };
}

/** What a stage decides of a rule. Where it stands among others, its version and its dates are not among it. */
const comparable = ({ action, expression, enabled, description, action_parameters, ratelimit }: FoundRule): Fields => ({
  action,
  expression,
  enabled: enabled ?? true,
  description,
  action_parameters,
  ratelimit,
});
