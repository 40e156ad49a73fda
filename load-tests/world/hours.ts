/**
 * @module When a backend publishes: an hour is published, held or filled (docs/architecture.md §5.3) while uploads come evenly. The chances of each, hour by hour over a day that repeats; nothing is drawn.
 */
import type { ChunkPolicy } from '../../domain/chunk-policy.ts';
import { REST_HOUR } from '../../domain/received.ts';

/** What decides over an hour. */
export interface HoursInput {
  /** Uploads a day. */
  readonly uploads: number;
  readonly keysPerUpload: number;
  readonly policy: Pick<ChunkPolicy, 'minKeys' | 'minUploads' | 'maxHoldHours' | 'reserveUploads'>;
}

/** A kind of set that is published. */
export interface Closing {
  /** How many such sets a day has. */
  readonly sets: number;
  readonly uploads: number;
  /** It had waited as long as it may. */
  readonly padded: boolean;
  /** It covers the hour in which keys go out that decoys left the day before, and there are such keys. */
  readonly overRest: boolean;
  /** Of the hours as of which its decoys come, those whose next day's key doesn't go out with the set itself: the share in which uploads came that day. */
  readonly leaves: number;
}

export interface HoursDay {
  readonly closings: readonly Closing[];
  /** Keys of people that age out while they wait. */
  readonly aged: number;
}

/** What waits. */
interface State {
  chance: number;
  /** Uploads of these that came before midnight, times the chance. */
  before: number;
  /** Hours that it has waited; −1: nothing waits. */
  readonly age: number;
  readonly uploads: number;
  readonly overRest: boolean;
}

const HOURS = 24;
/** Days until one is like the one before. */
const ROUNDS = 5;
const NEGLIGIBLE = 1e-10;
const FULL_HISTORY = 14;

/**
 * @param restChance that a key of a decoy waits for the hour of rests
 * @returns the day's expectations
 */
export function hoursOfDay(input: HoursInput, restChance: number): HoursDay {
  const arrivals = poisson(input.uploads / HOURS);
  let states: State[] = [{ chance: 1, before: 0, age: -1, uploads: 0, overRest: false }];
  let day = new DayOfClosings(input);
  for (let round = 0; round < ROUNDS; round++) {
    day = new DayOfClosings(input);
    for (let hour = 0; hour < HOURS; hour++) {
      if (hour === 0) for (const state of states) state.before = state.chance * state.uploads;
      const came = states.flatMap((state) => arrivals.map(([uploads, chance]) => grown(state, chance, uploads, false)));
      const all = hour === REST_HOUR ? came.flatMap((state) => withRest(state, restChance)) : came;
      states = merged(all.filter(({ chance }) => chance > NEGLIGIBLE).map((state) => day.close(state, hour)));
    }
  }
  return day.result();
}

/** Publishes what is to be published. */
class DayOfClosings {
  readonly #input: HoursInput;
  readonly #enough: number;
  readonly #closings = new Map<string, Closing>();
  #aged = 0;

  constructor(input: HoursInput) {
    this.#input = input;
    this.#enough = Math.max(input.policy.minUploads, Math.ceil(input.policy.minKeys / input.keysPerUpload));
  }

  /** @returns what waits after the hour */
  close(state: State, hour: number): State {
    const { chance, uploads, overRest } = state;
    if (uploads === 0 && !overRest) return state;
    const age = state.age + 1;
    const padded = uploads < this.#enough;
    if (padded && age < this.#input.policy.maxHoldHours) return { ...state, age };
    const name = `${uploads} ${padded} ${overRest}`;
    const there = this.#closings.get(name);
    const sets = (there?.sets ?? 0) + chance;
    const late = hour < REST_HOUR || uploads === 0 ? 0 : state.before / (chance * uploads);
    const leaves = ((there?.sets ?? 0) * (there?.leaves ?? 0) + chance * (1 - late)) / sets;
    this.#closings.set(name, { sets, uploads, padded, overRest, leaves });
    // The oldest key of a full history ends with the day of its upload (domain/embargo.ts).
    if (this.#input.keysPerUpload === FULL_HISTORY) this.#aged += hour === HOURS - 1 ? chance * uploads : state.before;
    return { chance, before: 0, age: -1, uploads: 0, overRest: false };
  }

  result(): HoursDay {
    return { closings: [...this.#closings.values()], aged: this.#aged };
  }
}

const grown = (state: State, chance: number, uploads: number, overRest: boolean): State => ({
  chance: state.chance * chance,
  before: state.before * chance,
  age: state.age,
  uploads: state.uploads + uploads,
  overRest: state.overRest || overRest,
});

const withRest = (state: State, chance: number): State[] => [
  grown(state, chance, 0, true),
  grown(state, 1 - chance, 0, false),
];

function merged(states: readonly State[]): State[] {
  const found = new Map<string, State>();
  for (const state of states) {
    const name = `${state.age} ${state.uploads} ${state.overRest}`;
    const there = found.get(name);
    if (there === undefined) found.set(name, { ...state });
    else {
      there.chance += state.chance;
      there.before += state.before;
    }
  }
  return [...found.values()];
}

/** @returns numbers and their chances, those that matter */
function poisson(mean: number): [number, number][] {
  if (mean === 0) return [[0, 1]];
  const from = Math.max(0, Math.floor(mean - 8 * Math.sqrt(mean)));
  const to = Math.ceil(mean + 8 * Math.sqrt(mean) + 8);
  let logFactorial = 0;
  for (let n = 2; n < from; n++) logFactorial += Math.log(n);
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const n = from + index;
    if (n > 1) logFactorial += Math.log(n);
    return [n, Math.exp(n * Math.log(mean) - mean - logFactorial)];
  });
}
