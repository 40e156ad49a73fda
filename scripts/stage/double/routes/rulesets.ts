/**
 * @module Rules of a zone: one set of rules a phase, its entry point. Expressions are kept as they are, and not read: the language's parser is
 * the platform's alone.
 */
import { Refusal, Reply, required } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import type { Json } from '../schemas/validate.ts';
import { newId, timestamp, type Zone } from '../state.ts';
import { zoneOf } from './account.ts';

const RULESETS = '/zones/:zone_id/rulesets';
const ENTRY = '/zones/:zone_id/rulesets/phases/:phase/entrypoint';

/** Phase → permission, and the actions it has (developers.cloudflare.com/ruleset-engine/rules-language/actions). */
const PHASES: Readonly<Record<string, { readonly right: string; readonly actions: readonly string[] }>> = {
  http_request_firewall_custom: {
    right: RIGHTS.waf,
    actions: ['block', 'skip', 'log', 'challenge', 'js_challenge', 'managed_challenge', 'execute'],
  },
  http_ratelimit: { right: RIGHTS.waf, actions: ['block', 'log', 'challenge', 'js_challenge', 'managed_challenge'] },
  http_request_cache_settings: { right: RIGHTS.cacheRules, actions: ['set_cache_settings'] },
  http_request_transform: { right: RIGHTS.transforms, actions: ['rewrite'] },
  http_request_late_transform: { right: RIGHTS.transforms, actions: ['rewrite'] },
  http_response_headers_transform: { right: RIGHTS.transforms, actions: ['rewrite'] },
  http_config_settings: { right: RIGHTS.configRules, actions: ['set_config'] },
};

interface Rule extends Json {
  readonly id: string;
}

interface Ruleset extends Json {
  readonly id: string;
  readonly phase: string;
  rules: Rule[];
}

const rulesetsOf = (zone: Zone): Ruleset[] => zone.rulesets as Ruleset[];

const phaseNamed = (name: string): (typeof PHASES)[string] =>
  required(PHASES[name], new Refusal(400, 20_016, `the phase ${name} is not one that the double knows`));

const notFound = (): Refusal => new Refusal(404, 10_000, 'could not find ruleset');

const find = (context: Context): Ruleset =>
  required(
    rulesetsOf(zoneOf(context)).find(({ id }) => id === context.params['ruleset']),
    notFound(),
  );

// Who asks for what isn't there needs any of the rights; the phase isn't known then.
function rightOf(context: Context): string {
  const named = context.params['phase'] ?? (context.body as { phase?: string } | undefined)?.phase;
  const { zones } = context.account;
  const ruleset = zones
    .flatMap(rulesetsOf)
    .find(({ id, phase }) => id === context.params['ruleset'] || (named !== undefined && phase === named));
  return phaseNamed(named ?? ruleset?.phase ?? 'http_request_firewall_custom').right;
}

function newRule(phase: string, sent: Json, before?: Rule): Rule {
  const { actions } = phaseNamed(phase);
  const action = String(sent['action']);
  if (!actions.includes(action)) {
    throw new Refusal(400, 20_016, `the action '${action}' is not allowed in the phase '${phase}'`);
  }
  if (phase === 'http_ratelimit' && sent['ratelimit'] === undefined) {
    throw new Refusal(400, 20_019, "rules in the phase 'http_ratelimit' must have a rate limit configuration");
  }
  if (phase !== 'http_ratelimit' && sent['ratelimit'] !== undefined) {
    throw new Refusal(400, 20_019, `rules in the phase '${phase}' must not have a rate limit configuration`);
  }
  if (typeof sent['expression'] !== 'string' || sent['expression'] === '') {
    throw new Refusal(400, 20_127, 'a rule needs an expression');
  }
  const { position: _, ...fields } = sent;
  const id = before?.id ?? newId();
  return {
    ref: before?.['ref'] ?? id,
    enabled: true,
    ...fields,
    id,
    version: String(Number(before?.['version'] ?? 0) + 1),
    last_updated: timestamp(),
  };
}

function requireRefs(rules: readonly Rule[]): void {
  const refs = rules.map(({ ref }) => JSON.stringify(ref));
  const twice = refs.find((ref, index) => refs.indexOf(ref) !== index);
  if (twice !== undefined) throw new Refusal(400, 20_120, `duplicate rule ref ${twice}`);
}

function touch(ruleset: Ruleset): Ruleset {
  requireRefs(ruleset.rules);
  return Object.assign(ruleset, { version: String(Number(ruleset['version'] ?? 0) + 1), last_updated: timestamp() });
}

function make(zone: Zone, phase: string, body: Json): Ruleset {
  if (rulesetsOf(zone).some((ruleset) => ruleset.phase === phase)) {
    throw new Refusal(
      400,
      20_217,
      `'zone' is not a valid value for kind because exceeded maximum number of zone rulesets for phase ${phase}: 1`,
    );
  }
  const rules = ((body['rules'] ?? []) as Json[]).map((rule) => newRule(phase, rule));
  const ruleset: Ruleset = {
    id: newId(),
    name: body['name'] ?? 'default',
    description: body['description'] ?? '',
    kind: 'zone',
    phase,
    rules,
  };
  zone.rulesets.push(touch(ruleset));
  return ruleset;
}

function create(context: Context): Ruleset {
  const body = context.body as Json;
  if (body['kind'] !== 'zone') throw new Refusal(400, 20_016, 'a zone has rulesets of the kind zone');
  return make(zoneOf(context), String(body['phase']), body);
}

function replace(ruleset: Ruleset, body: Json): Ruleset {
  const before = new Map(ruleset.rules.map((rule) => [rule.id, rule]));
  const rules = ((body['rules'] ?? []) as Json[]).map((rule) =>
    newRule(ruleset.phase, rule, before.get(String(rule['id']))),
  );
  const { name = ruleset['name'], description = ruleset['description'] } = body;
  return touch(Object.assign(ruleset, { name, description, rules }));
}

const entryOf = (context: Context): Ruleset | undefined =>
  rulesetsOf(zoneOf(context)).find(({ phase }) => phase === context.params['phase']);

function addRule(context: Context): Ruleset {
  const ruleset = find(context);
  const body = context.body as Json;
  const made = newRule(ruleset.phase, body);
  const position = body['position'] as { before?: string; after?: string; index?: number } | undefined;
  ruleset.rules.splice(placeAt(ruleset, position), 0, made);
  return touch(ruleset);
}

function placeAt({ rules }: Ruleset, position?: { before?: string; after?: string; index?: number }): number {
  if (position?.index !== undefined) return position.index - 1;
  if (position?.before === '') return 0;
  if (position?.before !== undefined)
    return Math.max(
      0,
      rules.findIndex(({ id }) => id === position.before),
    );
  if (position?.after !== undefined && position.after !== '') {
    return rules.findIndex(({ id }) => id === position.after) + 1;
  }
  return rules.length;
}

const ruleOf = (ruleset: Ruleset, context: Context): Rule =>
  required(
    ruleset.rules.find(({ id }) => id === context.params['rule']),
    new Refusal(404, 10_000, 'could not find rule'),
  );

function changeRule(context: Context): Ruleset {
  const ruleset = find(context);
  const before = ruleOf(ruleset, context);
  const changed = newRule(ruleset.phase, context.body as Json, before);
  ruleset.rules = ruleset.rules.map((rule) => (rule === before ? changed : rule));
  return touch(ruleset);
}

function removeRule(context: Context): Ruleset {
  const ruleset = find(context);
  const gone = ruleOf(ruleset, context);
  ruleset.rules = ruleset.rules.filter((rule) => rule !== gone);
  return touch(ruleset);
}

const right = rightOf;

/** Sets of rules, and the rules in them. */
export const RULESET_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: RULESETS,
    right,
    params: 'RulesetListParams',
    handle: (context) =>
      new Reply(
        rulesetsOf(zoneOf(context)).map((ruleset) => ({ ...ruleset, rules: undefined })),
        { result_info: { cursors: {} } },
      ),
  },
  { method: 'POST', path: RULESETS, right, params: 'RulesetCreateParams', handle: create },
  {
    method: 'GET',
    path: ENTRY,
    right,
    handle: (context) =>
      required(
        entryOf(context),
        new Refusal(404, 10_003, `could not find entrypoint ruleset in the ${context.params['phase']} phase`),
      ),
  },
  {
    method: 'PUT',
    path: ENTRY,
    right,
    params: 'PhaseUpdateParams',
    handle: (context) => {
      const entry = entryOf(context);
      const body = context.body as Json;
      return entry === undefined ? make(zoneOf(context), context.params['phase'] ?? '', body) : replace(entry, body);
    },
  },
  { method: 'GET', path: `${RULESETS}/:ruleset`, right, handle: find },
  {
    method: 'PUT',
    path: `${RULESETS}/:ruleset`,
    right,
    params: 'RulesetUpdateParams',
    handle: (context) => replace(find(context), context.body as Json),
  },
  {
    method: 'DELETE',
    path: `${RULESETS}/:ruleset`,
    right,
    handle: (context) => {
      const gone = find(context);
      const zone = zoneOf(context);
      zone.rulesets = zone.rulesets.filter(({ id }) => id !== gone.id);
      return new Reply(null, {}, 204);
    },
  },
  { method: 'POST', path: `${RULESETS}/:ruleset/rules`, right, params: 'RuleCreateParams', handle: addRule },
  { method: 'PATCH', path: `${RULESETS}/:ruleset/rules/:rule`, right, params: 'RuleEditParams', handle: changeRule },
  { method: 'DELETE', path: `${RULESETS}/:ruleset/rules/:rule`, right, handle: removeRule },
];
