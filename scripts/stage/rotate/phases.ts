/**
 * @module The phases of a rotation, each a deployment of all holders: what the new key makes is made only after everybody accepts it, and the old key goes only after what it made is
 * over. So a Worker and another may be a phase apart, which is what a deployment that was cut off leaves, and nothing is lost by it.
 */
import type { Life } from './lives.ts';
import { HOLDER_ORDER, type Holder, type PhaseName, type RotationRule } from './rule.ts';
import { ROTATIONS } from './rules.ts';

/** One phase of a secret's rotation. */
export interface Phase {
  readonly name: PhaseName;
  /** What it does, for a person. */
  readonly does: string;
  /** Who is deployed, in this order; nobody, where it is a person's business alone. */
  readonly holders: readonly Holder[];
  /** How long after the phase before it may begin; null: at once. */
  readonly after: Life | null;
  /** What a person has done outside before it begins. */
  readonly outside: readonly string[];
  /** What a break in the midst of it leaves; the same command goes on. */
  readonly leaves: string;
}

const inOrder = (holders: readonly Holder[]): Holder[] => HOLDER_ORDER.filter((holder) => holders.includes(holder));

/**
 * @param secret its name, or its rule
 * @returns its phases in order
 * @throws RangeError when it has no rotation of its own
 */
export function phasesOf(secret: string | RotationRule): readonly Phase[] {
  const rule = typeof secret === 'string' ? ROTATIONS.find((one) => one.secret === secret) : secret;
  if (rule === undefined)
    throw new RangeError(`${typeof secret === 'string' ? secret : secret.secret} has no rotation of its own`);
  switch (rule.kind) {
    case 'ring':
      return ringPhases(rule);
    case 'signing':
      return signingPhases(rule);
    case 'offline':
      return offlinePhases(rule);
    case 'brought':
      return broughtPhases(rule);
  }
}

/** `origin signs`, `origin and verification sign`. */
const who = (holders: readonly Holder[], verb: string): string =>
  `${inOrder(holders).join(' and ')} ${verb}${holders.length === 1 ? 's' : ''}`;

function phase(
  rule: RotationRule,
  name: PhaseName,
  does: string,
  more: Partial<Pick<Phase, 'after' | 'leaves' | 'holders'>> = {},
): Phase {
  const { after = null, leaves = MIXED, holders = inOrder(rule.holders) } = more;
  return { name, does, holders, after, outside: rule.outside[name] ?? [], leaves };
}

const MIXED = 'some holders in this phase and some in the one before, which go together';
const NOTHING_DEPLOYED = 'nothing that is deployed; the files are written anew';

function ringPhases(rule: RotationRule): readonly Phase[] {
  const { life } = rule;
  return [
    phase(rule, 'accept', `a new key is drawn; ${who(rule.holders, 'take')} it beside the old one, which makes`),
    phase(rule, 'make', `${who(rule.holders, 'make')} with the new key, and the old one’s are taken`),
    phase(rule, 'drop', `the old key is gone`, { after: life }),
  ];
}

function signingPhases(rule: Extract<RotationRule, { kind: 'signing' }>): readonly Phase[] {
  const { former, otherKeysVariable, life } = rule;
  const isDeployed = otherKeysVariable !== null;
  const announced = phase(
    rule,
    'announce',
    `the next key is drawn and sealed; its public half lies in public/${isDeployed ? `, and ${who(rule.holders, 'say')} it` : ''}`,
    isDeployed ? {} : { holders: [], leaves: NOTHING_DEPLOYED },
  );
  const makes = phase(
    rule,
    'make',
    `${who(rule.holders, 'sign')} with the next key, under the next id${keptText(former)}`,
  );
  const keepsMore = former !== null || isDeployed;
  const dropped = phase(
    rule,
    'drop',
    keepsMore ? 'the former key is gone' : 'the former key is nobody’s any more; nothing is deployed',
    keepsMore ? { after: dropAfter(rule) } : { after: life, holders: [], leaves: NOTHING_DEPLOYED },
  );
  return [announced, makes, dropped];
}

const keptText = (former: Extract<RotationRule, { kind: 'signing' }>['former']): string =>
  former === null
    ? ''
    : former.keeps === 'private'
      ? '; the former one signs beside it until its day'
      : '; the former one’s public half stays';

/** A key that signs until a day is kept for one day more (docs/decisions/068). */
function dropAfter({ former, life }: Extract<RotationRule, { kind: 'signing' }>): Life {
  if (former?.keeps !== 'private') return life;
  // The day begins up to 24 hours late: the whole life has passed by then.
  return { seconds: life.seconds + 2 * 86_400, source: `${life.source}; it is kept for a day after its last one` };
}

function offlinePhases(rule: RotationRule): readonly Phase[] {
  return [
    phase(
      rule,
      'make',
      `a new pair is drawn, its private half sealed to the keepers; ${who(rule.holders, 'take')} the public one`,
    ),
    phase(rule, 'drop', 'nothing is deployed', { after: rule.life, holders: [], leaves: NOTHING_DEPLOYED }),
  ];
}

function broughtPhases(rule: Extract<RotationRule, { kind: 'brought' }>): readonly Phase[] {
  const together = [rule.secret, ...rule.with].join(' and ');
  return [
    phase(rule, 'make', `${who(rule.holders, 'use')} the new ${together}, which were brought`),
    phase(rule, 'drop', 'nothing is deployed', { after: rule.life, holders: [], leaves: NOTHING_DEPLOYED }),
  ];
}
