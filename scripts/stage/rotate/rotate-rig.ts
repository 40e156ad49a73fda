/** @module For tests: operators with files of their own, and an account whose Workers hold what was deployed; any step can be the last. */
import { randomBytes } from 'node:crypto';
import { drawKeyPair, drawSecret, publicPem } from '../../../local-edge/draw-secrets.ts';
import { readEnvironments } from '../../../local-edge/workers.ts';
import type { RotatePorts, RotateReply, RotateRequest } from './rotate.ts';
import { rotate, rotationVariables } from './rotate.ts';
import type { Holder } from './rule.ts';
import { ruleOf } from './rules.ts';
import type { RotationState } from './state.ts';

const MARK_KEY = new Uint8Array(32).fill(5);
const FIRST: RotationState = { format: 1, stage: 'demo', variables: {}, secrets: {} };

interface Deployed {
  readonly version: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
}

/** What an operator has checked out. */
interface Files {
  state: RotationState;
  secrets: Readonly<Record<string, string>>;
}

/** Thrown where a test ends a run. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/** An account. */
export class World {
  now = Date.parse('2026-11-26T12:00:00Z') / 1000;
  readonly deployed = new Map<Holder, Deployed>();
  /** Number of steps that still run; the next one throws. */
  stepsLeft = Number.POSITIVE_INFINITY;
  readonly steps: string[] = [];
  #versions = 0;

  step(name: string): void {
    this.stepsLeft -= 1;
    if (this.stepsLeft < 0) throw new Killed(name);
    this.steps.push(name);
  }

  put(holder: Holder, { state, secrets }: Files): void {
    const variables = rotationVariables(state, secrets, MARK_KEY);
    const former = this.deployed.get(holder);
    if (former !== undefined && same(former, givenOf(secrets), variables)) return;
    this.#versions += 1;
    this.deployed.set(holder, {
      version: `v${this.#versions}`,
      secrets: givenOf(secrets),
      variables: { ...variables },
    });
  }
}

/** No Worker is given what is announced. */
const givenOf = (secrets: Files['secrets']): Record<string, string> =>
  Object.fromEntries(Object.entries(secrets).filter(([name]) => !name.startsWith('NEXT_')));

/** Of a holder's own secrets nothing else is asked here, so all count: whoever has other files differs. */
const same = (deployed: Deployed, secrets: Files['secrets'], variables: Readonly<Record<string, string>>): boolean =>
  JSON.stringify([sorted(deployed.secrets), sorted(deployed.variables)]) ===
  JSON.stringify([sorted(secrets), sorted(variables)]);

const sorted = (values: Readonly<Record<string, string>>): unknown =>
  Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Whoever operates, with files of their own. */
export class Operator {
  files: Files;
  readonly #world: World;

  constructor(world: World, files: Files) {
    this.#world = world;
    this.files = files;
  }

  /** As from the repository. */
  clone(): Operator {
    return new Operator(this.#world, { ...this.files });
  }

  rotate(secret: string, more: Partial<RotateRequest> = {}): Promise<RotateReply> {
    const request = { secret, dryRun: false, told: true, leaked: false, confirm: null, ...more };
    return rotate(request, this.#ports());
  }

  #ports(): RotatePorts {
    const world = this.#world;
    return {
      now: () => world.now,
      readState: () => this.files.state,
      writeState: (state) => {
        world.step('before the state');
        this.files = { ...this.files, state };
        world.step('after the state');
      },
      readSecrets: async () => ({ secrets: this.files.secrets, markKey: MARK_KEY }),
      writeSecrets: async (secrets) => {
        world.step('before the secrets');
        this.files = { ...this.files, secrets };
        world.step('after the secrets');
      },
      draw: async (secret) => drawn(secret),
      variable: (name) => VARIABLES.get(name) ?? '',
      standing: async (holders) =>
        new Map(
          holders.map((holder) => {
            const has = world.deployed.get(holder);
            const variables = rotationVariables(this.files.state, this.files.secrets, MARK_KEY);
            const isAsFiles = has !== undefined && same(has, givenOf(this.files.secrets), variables);
            return [holder, { version: has?.version ?? null, isAsFiles }];
          }),
        ),
      deploy: async (holders) => {
        for (const holder of holders) {
          world.step(`before ${holder}`);
          world.put(holder, this.files);
          world.step(`after ${holder}`);
        }
      },
      publish: () => world.step('public halves'),
    };
  }
}

const VARIABLES = new Map(readEnvironments().flatMap(({ vars }) => Object.entries(vars)));

function drawn(secret: string): string {
  if (secret.endsWith('PUBLIC_KEY')) return publicPem(drawKeyPair());
  return secret.startsWith('EFGS_') ? randomBytes(8).toString('hex') : drawSecret(secret);
}

/** @param secrets that the stage has @returns an account with all holders deployed, and who did it */
export function stageOf(...secrets: string[]): { readonly world: World; readonly operator: Operator } {
  const world = new World();
  const files = { state: FIRST, secrets: Object.fromEntries(secrets.map((secret) => [secret, drawn(secret)])) };
  for (const secret of secrets) for (const holder of ruleOf(secret)?.holders ?? []) world.put(holder, files);
  return { world, operator: new Operator(world, files) };
}
