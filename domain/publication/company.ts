/**
 * @module With what company keys are taken back (decision 040): no list of revocations is smaller than a chunk may be, in any region, and whoever subtracts what it knows of one (a forger its own keys, a
 * person theirs) is left with at least as much. Pure.
 */
import type { ChunkPolicy } from '../chunk-policy.ts';
import { MAX_KEYS_PER_UPLOAD } from '../keys/limits.ts';

/** Keys by region. */
type RegionKeys = Readonly<Record<string, number>>;

/** Rows that are asked for, as far as they can be taken back. */
export interface AskedRows {
  /** That publish them. */
  readonly regions: readonly string[];
  readonly keys: number;
  /** A peer's, which it subtracts: they are nobody's company. Left out: they aren't. */
  readonly isRemote?: boolean;
}

/** What one hour set aside and nobody has used. */
export interface HourReserve {
  readonly hour: number;
  /** What of it is still published then. */
  readonly keys: RegionKeys;
  /** Of how many uploads these are at least, by region. */
  readonly uploads: RegionKeys;
}

/** What {@link chooseCompany} decides by. */
export interface CompanyQuestion {
  readonly policy: Pick<ChunkPolicy, 'minKeys' | 'minUploads'>;
  readonly asked: readonly AskedRows[];
  /** In the order in which it is used up. */
  readonly stock: readonly HourReserve[];
  /** Hours that keys which are asked for were published in: who keeps each hour's keys knows which hour a key is of, so their reserve goes wholly. */
  readonly touched: ReadonlySet<number>;
  /** What was asked for has waited long enough to be company itself. */
  readonly isLate: boolean;
}

export interface Company {
  /** Whose reserve goes too, ascending. */
  readonly hours: readonly number[];
  /** Regions whose list would be too small: rows that they publish wait, whatever other region has them too. */
  readonly waiting: readonly string[];
}

/**
 * @returns whose reserve goes with the rows, and which rows wait; null when all of them do
 */
export function chooseCompany(question: CompanyQuestion): Company | null {
  const apart = choose(question, false);
  if (!question.isLate || apart?.waiting.length === 0) return apart;
  // What the reserve alone can't hide goes when it is late, if all of the list together is as much as a chunk: beside what the reserve hides, or who takes back something each hour would keep it waiting.
  const late = isAllRemote(question.asked) ? { hours: [], waiting: [] } : choose(question, true);
  if (apart === null || late === null) return late;
  return { hours: [...new Set([...apart.hours, ...late.hours])].toSorted((a, b) => a - b), waiting: late.waiting };
}

/** Where there is nothing but peers' rows, which everybody can read there, nobody is to be hidden. */
const isAllRemote = (asked: readonly AskedRows[]): boolean => asked.every(({ isRemote }) => isRemote === true);

/**
 * @param asked rows that are late
 * @returns whether they all go, whatever else is asked for or set aside, also when those went before whose regions had company: those of each region are as much as a chunk wherever they are published
 */
export function goesLate(policy: CompanyQuestion['policy'], asked: readonly AskedRows[]): boolean {
  if (isAllRemote(asked)) return true;
  return asked
    .flatMap(({ regions }) => regions)
    .every((region) => {
      const rows = asked.filter(({ regions, keys }) => keys > 0 && regions.includes(region));
      return new ListOf(policy, rows, true).lacking().length === 0;
    });
}

/** @param isOwnCompany what is asked for counts as its own company */
function choose({ policy, asked, stock, touched }: CompanyQuestion, isOwnCompany: boolean): Company | null {
  const waiting = new Set<string>();
  const isWaiting = (region: string): boolean => waiting.has(region);
  for (;;) {
    const rows = asked.filter(({ regions, keys }) => keys > 0 && !regions.some(isWaiting));
    const usable = stock.filter(({ keys }) => !Object.keys(keys).some(isWaiting));
    if (rows.length === 0) return null;
    const list = new ListOf(policy, rows, isOwnCompany);
    for (const reserve of usable) list.add(reserve);
    const lacking = list.lacking();
    // With all that there is no region lacks anything, so taking one hour after the other ends there at the latest.
    if (lacking.length === 0) {
      const hours = fewest(new ListOf(policy, rows, isOwnCompany), usable, touched);
      const regions = new Set(asked.flatMap((one) => one.regions));
      return { hours: hours.toSorted((a, b) => a - b), waiting: [...waiting].filter((region) => regions.has(region)) };
    }
    for (const region of lacking) waiting.add(region);
  }
}

/** @returns hours of the reserve with which no region lacks anything: those touched, then the first that bring no further region into the list */
function fewest(list: ListOf, usable: readonly HourReserve[], touched: ReadonlySet<number>): number[] {
  const chosen: number[] = [];
  const left: HourReserve[] = [];
  const take = (reserve: HourReserve): void => {
    list.add(reserve);
    chosen.push(reserve.hour);
  };
  for (const reserve of usable) {
    if (touched.has(reserve.hour)) take(reserve);
    else left.push(reserve);
  }
  for (const isAny of [false, true]) {
    for (const reserve of left) {
      if (list.lacking().length === 0) return chosen;
      if (!chosen.includes(reserve.hour) && (isAny || list.knows(reserve))) take(reserve);
    }
  }
  return chosen;
}

/** What each region would list. */
class ListOf {
  readonly #policy: CompanyQuestion['policy'];
  readonly #isOwnCompany: boolean;
  readonly #asked = new Set<string>();
  /** What is asked for and can be company. */
  readonly #own = new Map<string, number>();
  readonly #reserve = new Map<string, { keys: number; uploads: number }>();

  constructor(policy: CompanyQuestion['policy'], rows: readonly AskedRows[], isOwnCompany: boolean) {
    this.#policy = policy;
    this.#isOwnCompany = isOwnCompany;
    for (const { regions, keys, isRemote = false } of rows) {
      for (const region of regions) {
        this.#asked.add(region);
        if (!isRemote) this.#own.set(region, (this.#own.get(region) ?? 0) + keys);
      }
    }
  }

  add({ keys, uploads }: HourReserve): void {
    for (const [region, count] of Object.entries(keys)) {
      const held = this.#reserve.get(region) ?? { keys: 0, uploads: 0 };
      this.#reserve.set(region, { keys: held.keys + count, uploads: held.uploads + (uploads[region] ?? 0) });
    }
  }

  /** @returns whether it brings no region that lists nothing so far */
  knows({ keys }: HourReserve): boolean {
    return Object.keys(keys).every((region) => this.#asked.has(region) || this.#reserve.has(region));
  }

  /** @returns regions whose list would be smaller than a chunk may be */
  lacking(): string[] {
    return [...new Set([...this.#asked, ...this.#reserve.keys()])].filter((region) => {
      const own = this.#isOwnCompany ? (this.#own.get(region) ?? 0) : 0;
      const { keys, uploads } = this.#reserve.get(region) ?? { keys: 0, uploads: 0 };
      return own + keys < this.#policy.minKeys || certainUploads(own) + uploads < this.#policy.minUploads;
    });
  }
}

/** @returns how many keys are of so many uploads at least, whosever they are */
export const certainKeys = (uploads: number): number => Math.max(0, MAX_KEYS_PER_UPLOAD * (uploads - 1) + 1);

/** @returns of how many uploads keys are at least: nobody knows whose they are */
export const certainUploads = (keys: number): number => Math.ceil(keys / MAX_KEYS_PER_UPLOAD);
