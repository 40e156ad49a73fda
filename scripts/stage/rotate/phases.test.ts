import { readFileSync } from 'node:fs';
import { describe, it } from 'vitest';
import { readEnvironments, ROOT } from '../../../local-edge/workers.ts';
import { phasesOf } from './phases.ts';
import { PART_OF, ROTATIONS } from './rules.ts';

/** Set by a rotation, or where a stage uses them: wrangler.toml can't require them. */
const OPTIONAL = [
  'EXPORT_FORMER_SIGNING_KEY',
  'CONFIG_FORMER_SIGNING_KEY',
  'MANIFEST_FORMER_PUBLIC_KEY',
  'EFGS_SIGNING_KEY',
  'EFGS_SIGNING_CERTIFICATE',
];

describe('every secret', () => {
  const holders = Map.groupBy(
    readEnvironments().flatMap(({ environment, secrets }) => secrets.map((secret) => ({ environment, secret }))),
    ({ secret }) => secret,
  );

  it('of wrangler.toml has a rotation, with its holders; and no rotation is of a secret that nobody has', ({
    expect,
  }) => {
    const known = [...ROTATIONS.map(({ secret }) => secret), ...Object.keys(PART_OF)];
    expect(known.toSorted()).toEqual([...holders.keys(), ...OPTIONAL].toSorted());
    for (const rule of ROTATIONS) {
      const required = holders.get(rule.secret)?.map(({ environment }) => environment);
      if (required !== undefined)
        expect([rule.secret, rule.holders.toSorted()]).toEqual([rule.secret, required.toSorted()]);
    }
  });

  it.for(ROTATIONS.map((rule) => [rule.secret, rule] as const))(
    '%s is changed in phases that follow each other',
    ([, rule], { expect }) => {
      const phases = phasesOf(rule);
      expect(phases.map(({ name }) => name).slice(-2)).toEqual(['make', 'drop']);
      // Only what the former key made is waited for.
      expect(phases.filter(({ after }) => after !== null).map(({ name }) => name)).toEqual(
        rule.life.seconds === 0 && phases.at(-1)!.after === null ? [] : ['drop'],
      );
      if (rule.kind === 'ring') {
        expect(phases.map(({ name }) => name)).toEqual(['accept', 'make', 'drop']);
        for (const { holders: deployed } of phases) expect(deployed.toSorted()).toEqual(rule.holders.toSorted());
      }
      const told = Object.keys(rule.outside);
      expect(told.filter((name) => !phases.some((phase) => phase.name === name))).toEqual([]);
      expect(rule.cost.length).toBeGreaterThan(20);
    },
  );

  it.for([['rotation.md'], ['privacy.md']] as const)('has a row in docs/%s', ([document], { expect }) => {
    const rows = readFileSync(`${ROOT}/docs/${document}`, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const named = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name));
    const wanted = document === 'privacy.md' ? [...holders.keys(), ...OPTIONAL] : ROTATIONS.map(({ secret }) => secret);
    expect(wanted.filter((secret) => !named.includes(secret))).toEqual([]);
  });
});
