/** @module Rules between the fields of a stage's file. Pure. */
import { parseChunkPolicy } from '../../../domain/chunk-policy.ts';
import { parseFeeds } from '../../../domain/publication/feeds.ts';
import { shown, type StageProblem } from './problem.ts';
import { DOUBLE, type StageTable } from './schema.ts';

type Broken = readonly [field: string, value: unknown, rule: string];

/** @param table a file whose fields are each right for themselves @returns every rule that is broken between them */
export function rulesBroken(table: StageTable): StageProblem[] {
  const rules = [hostRules, regionRules, policyRules, keeperRules, signingRules, federationRules, personRules];
  return rules
    .flatMap((rule) => [...rule(table)])
    .map(([field, value, rule]) => ({ field, value: shown(value), rule, near: null }));
}

/** @returns every host name that a Worker or a bucket answers at, by its field */
function hostNames({ hosts, country }: Pick<StageTable, 'hosts' | 'country'>): [field: string, host: string][] {
  const { links, ...others } = hosts;
  const named = Object.entries(others).flatMap(([field, host]): [string, string][] =>
    host === null ? [] : [[field, host]],
  );
  return links === null ? named : [...named, ['links', `${country.toLowerCase()}.${links}`]];
}

function* hostRules(table: StageTable): Generator<Broken> {
  const { zone, hosts } = table;
  const taken = new Map<string, string>();
  for (const [field, host] of hostNames(table)) {
    if (host !== zone && !host.endsWith(`.${zone}`)) {
      yield [`hosts.${field}`, hosts[field as keyof typeof hosts], `must be in the zone ${zone}`];
    }
    const other = taken.get(host);
    if (field === 'config' && host === hosts.keys) {
      yield ['hosts.config', host, 'must be left out where it is the host of keys: its paths are routed there'];
    } else if (other !== undefined) {
      yield [`hosts.${field}`, host, `must be another than hosts.${other}: one host leads to one Worker`];
    }
    taken.set(host, taken.has(host) ? taken.get(host)! : field);
  }
}

function* regionRules({ country, union, regions, verification }: StageTable): Generator<Broken> {
  for (const [field, one] of Object.entries({ country, union })) {
    if (!regions.includes(one)) yield ['regions', regions, `must have ${one}, the ${field}`];
  }
  if (country === union) yield ['union', union, `must be another than the country: it holds all countries’ keys`];
  if (new Set(regions).size < regions.length) yield ['regions', regions, 'must name each region once'];
  if (verification.credential_peers.includes(country)) {
    yield [
      'verification.credential_peers',
      verification.credential_peers,
      `must be other regions: ${country} is ourselves`,
    ];
  }
  if (verification.credential_peers.length > 0 && !verification.credentials) {
    yield ['verification.credentials', false, 'must be true where credential_peers names any'];
  }
}

/** Variables of `origin` by which the chunk policy names a field → the file's. */
const POLICY_FIELDS: Readonly<Record<string, string>> = { RETENTION_DAYS: 'retention.days' };

function* policyRules({ policy, retention }: StageTable): Generator<Broken> {
  const result = parseChunkPolicy({
    ...Object.fromEntries(
      Object.entries(policy).map(([name, value]) => [name.toUpperCase(), value === null ? '' : String(value)]),
    ),
    RETENTION_DAYS: String(retention.days),
  });
  if (result.ok) return;
  const { field, value, rule } = result.error;
  const named = rule.replaceAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g, (name) => name.toLowerCase());
  yield [POLICY_FIELDS[field] ?? `policy.${field.toLowerCase()}`, value, named];
}

function* keeperRules({ account, keepers }: StageTable): Generator<Broken> {
  const { operator, restore, undo } = keepers;
  if (new Set(undo).size < undo.length)
    yield ['keepers.undo', undo, 'must be two people: neither share says anything alone'];
  if (undo.length !== 0 && undo.length !== 2)
    yield ['keepers.undo', undo, 'must be two recipients, one for each share'];
  // What is rehearsed is sealed to this machine where nobody is named.
  if (account === DOUBLE) return;
  if (operator === null)
    yield ['keepers.operator', undefined, 'is missing; it must be the recipient of age of whoever applies'];
  if (restore.length === 0) yield ['keepers.restore', restore, 'must be at least one recipient of age, better two'];
  if (undo.length === 0) yield ['keepers.undo', undo, 'must be two recipients of age'];
  if (operator !== null && undo.includes(operator)) {
    yield [
      'keepers.undo',
      operator,
      'must be another than keepers.operator: a share of the undo key is a second person’s',
    ];
  }
}

function* signingRules({ signing }: StageTable): Generator<Broken> {
  const { export_former_key_id: id, export_former_key_version: version, export_former_key_until: until } = signing;
  const former = { export_former_key_id: id, export_former_key_version: version, export_former_key_until: until };
  const given = Object.values(former).filter((value) => value !== null).length;
  if (given !== 0 && given !== 3) {
    const [missing] = Object.entries(former).find(([, value]) => value === null)!;
    yield [`signing.${missing}`, undefined, 'is missing; the three of a former key stand together'];
  }
}

function* federationRules({ country, hosts, federation }: StageTable): Generator<Broken> {
  const { feeds, import_regions: imported } = federation;
  try {
    parseFeeds(feeds.join(','), country);
  } catch {
    yield ['federation.feeds', feeds, 'must be a2a and other regions'];
  }
  if (imported.includes(country))
    yield ['federation.import_regions', imported, `must be other regions: ${country} is ourselves`];
  if (feeds.length > 0 && hosts.peers === null)
    yield ['hosts.peers', undefined, 'is missing; it is needed with federation.feeds'];
}

function* personRules({ access, federation, hosts, staff }: StageTable): Generator<Broken> {
  if (hosts.cards !== null && staff.card_roots.length === 0) {
    yield [
      'staff.card_roots',
      staff.card_roots,
      'must name an authority of cards, since hosts.cards is where they sign in',
    ];
  }
  if (hosts.cards === null && staff.card_roots.length > 0) {
    yield ['hosts.cards', undefined, 'is missing; it is needed with staff.card_roots'];
  }
  const { operators, services } = access;
  if (new Set(operators.map((one) => one.toLowerCase())).size < operators.length) {
    yield ['access.operators', operators, 'must name each person once: two are needed where two must agree'];
  }
  const twice = services.map(({ name }) => name).find((name, n, all) => all.indexOf(name) < n);
  if (twice !== undefined) yield ['access.services', twice, 'must name each service token once'];
  const bindings = federation.certificates.map(({ binding }) => binding);
  if (new Set(bindings).size < bindings.length)
    yield ['federation.certificates', bindings, 'must name each binding once'];
}
