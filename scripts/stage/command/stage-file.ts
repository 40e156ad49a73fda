/** @module The stage that a command is about: its name, its places and what its file says. */
import { stagePlaces, type StagePlaces } from '../file/places.ts';
import { StageFileError } from '../file/problem.ts';
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
  const read = readStage(places.file);
  if (!read.ok) throw new StageFileError(places.file, read.error);
  return { stage: read.value, places };
}
