/** @module The stage that a command is about: its name, its places and what its file says. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { nearMiss } from '../file/near-miss.ts';
import { stagePlaces, type StagePlaces } from '../file/places.ts';
import { StageFileError, type StageProblem } from '../file/problem.ts';
import { readStage, type Stage } from '../file/stage.ts';

/** A stage that can be used, and where what belongs to it lies. */
export interface NamedStage {
  readonly stage: Stage;
  readonly places: StagePlaces;
}

/**
 * @param name as it is typed
 * @param root holds `stages/` and `.stage/`; null: the repository
 * @returns the stage
 * @throws StageFileError with everything that is wrong with the file
 */
export function namedStage(name: string, root: string | null): NamedStage {
  const places = root === null ? stagePlaces(name) : stagePlaces(name, root);
  if (!existsSync(places.file)) throw new StageFileError(places.file, [noFile(name, dirname(places.file))]);
  const read = readStage(places.file);
  if (!read.ok) throw new StageFileError(places.file, read.error);
  return { stage: read.value, places };
}

function noFile(name: string, folder: string): StageProblem {
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.toml')) : [];
  const rule = 'there is no such file: a copy of stages/demo.toml is a beginning (docs/deploy.md)';
  return {
    field: '',
    value: null,
    rule,
    near: nearMiss(
      name,
      files.map((file) => file.slice(0, -'.toml'.length)),
    ),
  };
}
