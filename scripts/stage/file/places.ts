/**
 * @module Where what belongs to a stage lies. `stages/` is committed (what a person decided, what is sealed, public halves); `.stage/` is this machine's (generated configuration,
 * the journal of an apply, release files, the double's account) and in no repository.
 */
import { join } from 'node:path';
import { ROOT } from '../../../local-edge/workers.ts';

/** A stage's name, as it is typed. */
export const STAGE_NAME = /^[a-z][a-z0-9-]{0,30}$/;

/** Absolute paths of one stage. */
export interface StagePlaces {
  readonly name: string;
  /** `stages/<name>.toml`. */
  readonly file: string;
  /** Secrets that Workers hold, sealed to the operator. */
  readonly secrets: string;
  /** A folder: what no Worker holds, each sealed to its keepers. */
  readonly offline: string;
  /** A folder: public halves, PEM. */
  readonly public: string;
  /** How far each rotation is; fingerprints, no secret. */
  readonly rotations: string;
  /** A folder of this machine's alone: `.stage/<name>`. */
  readonly work: string;
  /** Opens {@link secrets} where the account is the double. */
  readonly identity: string;
  /** A folder: the double's account. */
  readonly double: string;
}

/**
 * @param name see {@link STAGE_NAME}
 * @param root the folder that holds `stages/` and `.stage/`: the repository, unless stages are kept elsewhere
 * @returns where what belongs to it lies, whether it is there or not
 */
export function stagePlaces(name: string, root: string = ROOT): StagePlaces {
  const stages = join(root, 'stages');
  const work = join(root, '.stage', name);
  return {
    name,
    file: join(stages, `${name}.toml`),
    secrets: join(stages, `${name}.secrets.age`),
    offline: join(stages, name, 'offline'),
    public: join(stages, name, 'public'),
    rotations: join(stages, `${name}.rotations.json`),
    work,
    identity: join(work, 'identity.txt'),
    double: join(work, 'double'),
  };
}
