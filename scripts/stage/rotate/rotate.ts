/**
 * @module `stage rotate NAME SECRET`: does the next phase of a secret's rotation if it is due, or says when it is. The same command, given again and again, brings a rotation to its end.
 *
 * Order of writes, and what a crash after each leaves (rotate.test.ts kills it there):
 * 1. for an offline key its private half, sealed to its keepers: files that nothing names; the next run draws another pair;
 * 2. the state says that the phase has begun, and what its values will be known by: secrets as before. The next run draws anew and says so again;
 * 3. the secrets are sealed: what is deployed is as before. The next run finds them to be those of the phase, and deploys;
 * 4. some holders are deployed: a phase goes together with the one before it. The next run deploys the rest, and all of it again where that changes nothing;
 * 5. the state says that it is done.
 *
 * Two operators: the lock of deployments keeps them apart while they work, and the second is refused where what the account has isn't what their files say (they have former ones), or where
 * a holder was deployed by another since their phase began.
 */
import { type Life } from './lives.ts';
import { phasesOf, type Phase } from './phases.ts';
import type { Holder, RotationRule } from './rule.ts';
import { ROTATIONS } from './rules.ts';
import { AT_REST, markOf, type OneRotation, type RotationState, variablesInForce } from './state.ts';
import { changed, replaced, RotationError, type Values } from './values.ts';

/** What a rotation works with. */
export interface RotatePorts {
  /** Unix seconds. */
  readonly now: () => number;
  readonly readState: () => RotationState;
  readonly writeState: (state: RotationState) => void;
  readonly readSecrets: () => Promise<{ readonly secrets: Values['secrets']; readonly markKey: Uint8Array }>;
  /** Durable when it returns. */
  readonly writeSecrets: (secrets: Values['secrets']) => Promise<void>;
  /** See `ChangeInput.draw`. */
  readonly draw: (secret: string) => Promise<string>;
  /** A variable of a holder, by the stage's file and wrangler.toml. */
  readonly variable: (name: string) => string;
  /** What the account has of each holder: its version, and whether that is what these files say. */
  readonly standing: (holders: readonly Holder[]) => Promise<ReadonlyMap<Holder, HolderStanding>>;
  /** Deploys these Workers and returns when their traffic is moved; does nothing for one that is so already. */
  readonly deploy: (holders: readonly Holder[]) => Promise<void>;
  /** Public halves, where people read them. */
  readonly publish: (secrets: Values['secrets']) => void;
}

/** See {@link RotatePorts.standing}. */
interface HolderStanding {
  readonly version: string | null;
  readonly isAsFiles: boolean;
}

/** What is asked. */
export interface RotateRequest {
  readonly secret: string;
  /** Says what it would do; nothing is drawn or written. */
  readonly dryRun: boolean;
  /** What a person does outside before this phase is done. */
  readonly told: boolean;
  /** The key leaked: none of its overlap is kept. */
  readonly leaked: boolean;
  /** With `leaked`: the secret's name, typed again by who has read the cost. */
  readonly confirm: string | null;
}

/** What the following phase needs. */
export interface NextPhase {
  readonly phase: string;
  readonly does: string;
  /** ISO 8601: not before. */
  readonly from: string;
  readonly why: string | null;
  readonly outside: readonly string[];
}

export type RotateReply =
  | {
      readonly kind: 'done' | 'would';
      readonly phase: string;
      readonly does: string;
      readonly holders: readonly Holder[];
      readonly next: NextPhase | null;
    }
  | { readonly kind: 'waits'; readonly next: NextPhase }
  | { readonly kind: 'outside'; readonly next: NextPhase }
  | { readonly kind: 'costs'; readonly cost: string; readonly holders: readonly Holder[] };

/**
 * @param stage its name
 * @param request see {@link RotateRequest}
 * @param ports see {@link RotatePorts}; the caller holds the lock
 * @returns what was done, or why not yet
 * @throws RotationError where a secret has no rotation, another one is cut off, or the files and the account don't go together; what a port throws
 */
export async function rotate(request: RotateRequest, ports: RotatePorts): Promise<RotateReply> {
  const rule = ROTATIONS.find(({ secret }) => secret === request.secret);
  if (rule === undefined) throw new RotationError(`${request.secret} has no rotation of its own`);
  const state = ports.readState();
  const one = state.secrets[rule.secret] ?? AT_REST;
  refuseTwo(state, rule);
  const { secrets, markKey } = await ports.readSecrets();
  const mark = markOf(rule, secrets, markKey);
  // A phase that was cut off isn't waited for where its key leaked.
  if (one.begun !== null && !(request.leaked && one.begun.phase !== 'replace'))
    return goOn(rule, state, one, { secrets, mark, markKey }, request, ports);
  const inForce = variablesInForce(state, ROTATIONS, secrets, markKey);
  if (request.leaked) {
    const holders = phasesOf(rule).find(({ name }) => name === 'make')!.holders;
    if (request.confirm !== rule.secret || request.dryRun) return { kind: 'costs', cost: rule.cost, holders };
    return begin(
      rule,
      replacement(rule, holders),
      { ...state, variables: { ...inForce } },
      { secrets, markKey, mark },
      ports,
    );
  }
  const phase = following(rule, one);
  const next = nextPhase(phase, one);
  if (Date.parse(next.from) / 1000 > ports.now()) return { kind: 'waits', next };
  if (phase.outside.length > 0 && !request.told) return { kind: 'outside', next };
  if (request.dryRun) return { kind: 'would', ...spoken(phase), next: afterwards(rule, phase, ports.now()) };
  return begin(rule, phase, state, { secrets, markKey, mark }, ports);
}

/** A phase, or the one step for a key that leaked. */
type Step = Omit<Phase, 'name'> & { readonly name: Phase['name'] | 'replace' };

const replacement = (rule: RotationRule, holders: readonly Holder[]): Step => ({
  name: 'replace',
  does: `${rule.secret} is another one; nothing that the former made is accepted`,
  holders,
  after: null,
  outside: [],
  leaves:
    'some holders with the leaked key and some with the new one: what the one makes the other refuses; give the same command again at once',
});

interface Opened {
  readonly secrets: Values['secrets'];
  readonly markKey: Uint8Array;
  readonly mark: string;
}

async function begin(
  rule: RotationRule,
  step: Step,
  state: RotationState,
  opened: Opened,
  ports: RotatePorts,
): Promise<RotateReply> {
  const standing = await ports.standing(step.holders);
  const strange = [...standing].filter(([, { isAsFiles }]) => !isAsFiles).map(([holder]) => holder);
  // What it was cut off in is neither.
  if (strange.length > 0 && (state.secrets[rule.secret]?.begun ?? null) === null) {
    throw new RotationError(
      `${strange.join(', ')}: the account has something else than these files say. Bring the newest files, or apply them, and begin then`,
    );
  }
  const at = ports.now();
  const values = { secrets: opened.secrets, variables: state.variables };
  const input = { at, draw: ports.draw, variable: ports.variable };
  const made =
    step.name === 'replace' ? await replaced(rule, values, input) : await changed(rule, step.name, values, input);
  const begun = {
    phase: step.name,
    at: isoOf(at),
    before: opened.mark,
    after: markOf(rule, made.secrets, opened.markKey),
    variables: { ...made.variables },
    versions: Object.fromEntries([...standing].map(([holder, { version }]) => [holder, version])),
  };
  const one = { ...(state.secrets[rule.secret] ?? AT_REST), begun };
  ports.writeState(withOne(state, rule, one));
  await ports.writeSecrets(made.secrets);
  return finish(rule, step, state, one, made, ports);
}

/** A phase that was cut off. */
async function goOn(
  rule: RotationRule,
  state: RotationState,
  one: OneRotation,
  opened: Opened,
  request: RotateRequest,
  ports: RotatePorts,
): Promise<RotateReply> {
  const begun = one.begun!;
  const phases: readonly Step[] = [...phasesOf(rule), replacement(rule, holdersOf(rule))];
  const step = phases.find(({ name }) => name === begun.phase)!;
  if (request.dryRun) return { kind: 'would', ...spoken(step), next: null };
  // A phase may change variables alone: then there is nothing to draw again.
  if (opened.mark === begun.before && begun.before !== begun.after)
    return begin(rule, step, withOne(state, rule, { ...one, begun: null }), opened, ports);
  if (opened.mark !== begun.after) {
    throw new RotationError(
      `${rule.secret}: phase “${begun.phase}” began, and the sealed secrets are neither those of before nor those that it makes: bring both files from the repository`,
    );
  }
  const standing = await ports.standing(step.holders);
  const others = [...standing]
    .filter(([holder, { version, isAsFiles }]) => !isAsFiles && version !== (begun.versions[holder] ?? null))
    .map(([holder]) => holder);
  if (others.length > 0) {
    throw new RotationError(
      `${others.join(', ')}: deployed by somebody else since phase “${begun.phase}” began. Bring their files`,
    );
  }
  return finish(rule, step, state, one, { secrets: opened.secrets, variables: begun.variables }, ports);
}

async function finish(
  rule: RotationRule,
  step: Step,
  state: RotationState,
  one: OneRotation,
  { secrets, variables }: Values,
  ports: RotatePorts,
): Promise<RotateReply> {
  ports.publish(secrets);
  if (step.holders.length > 0) await ports.deploy(step.holders);
  const now = ports.now();
  const isLast = step.name === 'replace' || step.name === phasesOf(rule).at(-1)!.name;
  const done: OneRotation = {
    phase: isLast ? null : step.name,
    at: isoOf(now),
    mark: one.begun!.after,
    begun: null,
  };
  ports.writeState({ ...withOne(state, rule, done), variables: { ...variables } });
  return { kind: 'done', ...spoken(step), next: isLast ? null : afterwards(rule, step, now) };
}

const holdersOf = (rule: RotationRule): readonly Holder[] =>
  phasesOf(rule).find(({ name }) => name === 'make')!.holders;

const withOne = (state: RotationState, { secret }: RotationRule, one: OneRotation): RotationState => ({
  ...state,
  secrets: { ...state.secrets, [secret]: one },
});

const spoken = ({ name, does, holders }: Step) => ({ phase: name, does, holders });

function refuseTwo({ secrets }: RotationState, { secret }: RotationRule): void {
  const other = Object.entries(secrets).find(([name, { begun }]) => begun !== null && name !== secret)?.[0];
  if (other === undefined) return;
  throw new RotationError(`a phase of ${other} was cut off: finish it first, by rotating ${other}`);
}

function following(rule: RotationRule, { phase }: OneRotation): Phase {
  const phases = phasesOf(rule);
  return phases[phases.findIndex(({ name }) => name === phase) + 1] ?? phases[0]!;
}

function nextPhase({ name, does, after, outside }: Phase, { at }: OneRotation): NextPhase {
  const since = at === null ? 0 : Date.parse(at) / 1000;
  return { phase: name, does, from: isoOf(since + secondsOf(after)), why: after?.source ?? null, outside };
}

function afterwards(rule: RotationRule, { name }: Step, now: number): NextPhase | null {
  const phases = phasesOf(rule);
  const phase = phases[phases.findIndex((one) => one.name === name) + 1];
  return phase === undefined ? null : nextPhase(phase, { ...AT_REST, at: isoOf(now) });
}

const secondsOf = (after: Life | null): number => after?.seconds ?? 0;
/** @param seconds Unix @returns ISO 8601, whole seconds */
export const isoOf = (seconds: number): string =>
  new Date(Math.ceil(seconds) * 1000).toISOString().replace('.000Z', 'Z');

/** @returns variables for whoever deploys, see {@link variablesInForce} */
export const rotationVariables = (
  state: RotationState,
  secrets: Values['secrets'],
  markKey: Uint8Array,
): Readonly<Record<string, string>> => variablesInForce(state, ROTATIONS, secrets, markKey);
