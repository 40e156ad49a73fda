/**
 * @module What each part of a backend's sets holds in a day: keys of people, and decoys by the rules for parts that peers can tell apart (docs/architecture.md §9, decision 052). Expectations over
 * hours.ts. Left out: that decoys which were added for a whole set don't fall evenly on its parts, nor travellers of one on regions.
 */
import { wantedKeys } from '../../domain/publication/part-size.ts';
import { fillBy, type DecoySizes } from './decoy-sizes.ts';
import { hoursOfDay, type Closing, type HoursDay, type HoursInput } from './hours.ts';

/** Uploads that go to the same feeds. */
export interface PartShare {
  /** Of all uploads: of all parts of the kind together. */
  readonly share: number;
  /** So many parts of the kind, one like the other. */
  readonly parts: number;
}

export interface PartsInput extends HoursInput {
  readonly kinds: readonly PartShare[];
  readonly sizes: DecoySizes;
}

/** Of one kind of part, a day: of all its parts together. */
export interface PartDay {
  /** Times that such a part has a key in a set. */
  readonly sets: number;
  /** Of these, with nothing but what decoys of the day before have left. */
  readonly byRest: number;
  /** Keys of people. */
  readonly people: number;
  readonly decoys: number;
  /** Keys of those decoys that may leave one for the next day. */
  readonly leaving: number;
}

export interface PartsDay {
  readonly sets: number;
  /** Of these. */
  readonly padded: number;
  /** Keys of people that age out while they wait; those of `kinds` are without them. */
  readonly aged: number;
  /** As the input has them. */
  readonly kinds: readonly PartDay[];
}

/** Days after which what decoys leave for the next day, and so how many there are, doesn't change any more; or so many. */
const DAYS = 60;
const SETTLED = 0.001;

/** @returns the day's expectations, once one is like the one before */
export function partsOfDay(input: PartsInput): PartsDay {
  const fill = fillBy(input.sizes);
  let rests = input.kinds.map(({ share, parts }) => share / parts);
  let hours = { any: -1, busy: [] as readonly BusyPart[], day: { closings: [], aged: 0 } as HoursDay };
  let found: PartsDay | null = null;
  for (let days = 0; days < DAYS; days++) {
    const any = 1 - rests.reduce((none, chance, index) => none * (1 - chance) ** input.kinds[index]!.parts, 1);
    if (Math.abs(any - hours.any) > 10 * SETTLED) {
      const day = hoursOfDay(input, any);
      hours = { any, day, busy: busyParts(input, day) };
    }
    const before = found;
    found = new DayOfParts(input, fill, { ...hours, rests }).result();
    if (before !== null && Math.abs(decoysOf(found) - decoysOf(before)) < SETTLED * decoysOf(found)) break;
    // A padded set leaves a key for the next day, of a kind as people's are, if its decoys leave none by themselves.
    const kept = 1 - Math.exp(-found.padded);
    rests = found.kinds.map((kind, index) => {
      const { parts, share } = input.kinds[index]!;
      return Math.max(restChance(input.sizes, kind, parts), (kept * share) / parts);
    });
  }
  return found!;
}

/** @returns the chance that one part of a kind has a key left by decoys: those of one set leave some or none together, people come to sets at any time, and what was left comes once a day */
function restChance({ mean, leavesRest }: DecoySizes, { sets, byRest, leaving }: PartDay, parts: number): number {
  if (sets === 0) return 0;
  const ofSet = 1 - Math.exp((-leaving / sets / mean) * leavesRest);
  return 1 - Math.exp((-(sets - byRest) / parts) * ofSet) * (1 - (byRest / parts) * ofSet);
}

const decoysOf = ({ kinds }: PartsDay): number => kinds.reduce((sum, { decoys }) => sum + decoys, 0);

/** In hours that have enough: how often one part of a kind has so many uploads. */
interface BusyPart {
  readonly index: number;
  readonly uploads: number;
  readonly sets: number;
  readonly overRest: boolean;
  readonly leaves: number;
}

function busyParts({ kinds }: PartsInput, { closings }: HoursDay): BusyPart[] {
  const found = new Map<string, BusyPart>();
  for (const { sets, padded, uploads: all, overRest, leaves } of closings) {
    if (padded) continue;
    for (const [index, { share, parts }] of kinds.entries()) {
      for (const [uploads, chance] of binomial(all, share / parts)) {
        const name = `${index} ${uploads} ${overRest}`;
        const before = found.get(name) ?? { sets: 0, leaves: 0 };
        const together = before.sets + sets * chance;
        const leaving = (before.sets * before.leaves + sets * chance * leaves) / together;
        found.set(name, { index, uploads, overRest, sets: together, leaves: leaving });
      }
    }
  }
  return [...found.values()];
}

/** What a day of parts follows from. */
interface Hours {
  readonly day: HoursDay;
  readonly busy: readonly BusyPart[];
  /** Chance that a key waits in the hour of rests: in one part of a kind, and in any part. */
  readonly rests: readonly number[];
  readonly any: number;
}

/** What one part of a set comes to. */
interface Counted {
  /** Chance that the set has the part. */
  readonly has: number;
  readonly people: number;
  /** What is set aside apart. */
  readonly decoys: number;
  readonly leaves: number;
}

class DayOfParts {
  readonly #input: PartsInput;
  readonly #hours: Hours;
  readonly #fill: ReturnType<typeof fillBy>;
  readonly #kinds: { -readonly [K in keyof PartDay]: PartDay[K] }[];

  constructor(input: PartsInput, fill: ReturnType<typeof fillBy>, hours: Hours) {
    this.#input = input;
    this.#hours = hours;
    this.#fill = fill;
    this.#kinds = input.kinds.map(() => ({ sets: 0, byRest: 0, people: 0, decoys: 0, leaving: 0 }));
    for (const part of hours.busy) this.#published(part);
    for (const closing of hours.day.closings) if (closing.padded) this.#padded(closing);
  }

  result(): PartsDay {
    const { closings, aged } = this.#hours.day;
    const people = this.#kinds.reduce((sum, kind) => sum + kind.people, 0);
    const left = people === 0 ? 1 : 1 - aged / people;
    return {
      sets: closings.reduce((sum, { sets }) => sum + sets, 0),
      padded: closings.reduce((sum, { sets, padded }) => sum + (padded ? sets : 0), 0),
      aged,
      kinds: this.#kinds.map((kind) => ({ ...kind, people: kind.people * left })),
    };
  }

  /** An hour with enough: each part by itself, filled to the minima. */
  #published({ index, uploads, sets, overRest, leaves }: BusyPart): void {
    const { kinds, policy, keysPerUpload } = this.#input;
    const has = uploads > 0 ? 1 : overRest ? this.#hours.rests[index]! : 0;
    const keys = uploads > 0 ? uploads * keysPerUpload : 1;
    const decoys = this.#fill(policy.minKeys - keys, policy.minUploads - Math.max(1, uploads)).keys;
    this.#count(index, sets * kinds[index]!.parts, { has, people: uploads * keysPerUpload, decoys, leaves });
  }

  /** One that waited as long as it may: filled as a whole, then each part until it has its minima and as large a share of decoys as the others. */
  #padded({ sets, uploads, overRest, leaves }: Closing): void {
    const { kinds, policy, keysPerUpload } = this.#input;
    const whole = this.#fill(policy.minKeys - uploads * keysPerUpload, policy.minUploads - uploads);
    for (const [counts, chance] of multinomial(
      uploads,
      kinds.map(({ share }) => share),
    )) {
      // Of several parts of a kind so many have an upload, on average, and each as many as the others.
      const held = counts.map((count, index) => heldBy(count, kinds[index]!.parts));
      const mine = counts.map((count, index) => (count === 0 ? 0 : count / held[index]!));
      const wanted = wantedKeys(
        policy.minKeys,
        mine.map((count, index) => ({ part: String(index), real: count * keysPerUpload })),
        true,
      );
      for (const [index, own] of mine.entries()) {
        if (own > 0) {
          const [keys, added] = [own * keysPerUpload, (whole.keys * own) / uploads];
          const more = this.#fill(
            wanted(String(index)) - keys - added,
            policy.minUploads - own - (whole.uploads * own) / uploads,
          );
          this.#count(index, sets * chance * held[index]!, { has: 1, people: keys, decoys: added + more.keys, leaves });
        }
        const others = kinds[index]!.parts - held[index]!;
        const rest = overRest ? this.#hours.rests[index]! / (uploads === 0 ? this.#hours.any : 1) : 0;
        const filled = this.#fill(policy.minKeys - 1, policy.minUploads - 1).keys;
        this.#count(index, sets * chance * others, { has: rest, people: 0, decoys: filled, leaves });
      }
    }
  }

  #count(index: number, sets: number, of: Counted): void {
    const kind = this.#kinds[index]!;
    kind.sets += sets * of.has;
    if (of.people === 0) kind.byRest += sets * of.has;
    kind.people += sets * of.people;
    const decoys = sets * of.has * (of.decoys + this.#input.policy.reserveUploads * this.#input.sizes.mean);
    kind.decoys += decoys;
    kind.leaving += decoys * of.leaves;
  }
}

/** @returns how many of some parts have an upload when each of some uploads is in any of them */
const heldBy = (uploads: number, parts: number): number => parts * (1 - (1 - 1 / parts) ** uploads);

/** @returns how many of some, and the chance of each, those that matter */
function binomial(of: number, chance: number): [number, number][] {
  if (chance === 0 || chance === 1) return [[of * chance, 1]];
  const found: [number, number][] = [];
  for (let n = 0, log = of * Math.log1p(-chance); n <= of; n++) {
    const now = Math.exp(log);
    if (now > 1e-9) found.push([n, now]);
    log += Math.log(of - n) - Math.log(n + 1) + Math.log(chance) - Math.log1p(-chance);
  }
  return found;
}

/** @param shares that add up to 1 @returns how many are of each, and the chance of it */
function multinomial(of: number, shares: readonly number[]): [number[], number][] {
  const [first = 1, ...others] = shares;
  if (others.length === 0) return [[[of], 1]];
  const left = 1 - first;
  return binomial(of, Math.min(1, first)).flatMap(([n, chance]) =>
    multinomial(of - n, left === 0 ? others.map(() => 0) : others.map((share) => share / left)).map(
      ([counts, part]): [number[], number] => [[n, ...counts], chance * part],
    ),
  );
}
