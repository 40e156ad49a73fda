/**
 * @module What a stage consists of beside its Workers: a resource can be read from the account, compared with the stage's file, brought to it and taken away. The order is in
 * resources.ts, what calls them in bring.ts (decision 073).
 */
import type { Context } from './context.ts';
import { told } from './failure.ts';

/** A field that is other than the stage's file says. Values are as the API has them; none is a secret. */
export interface Field {
  readonly name: string;
  /** What the account has; null: nothing. */
  readonly from: unknown;
  /** What the stage's file wants; null: nothing. */
  readonly to: unknown;
}

/** What an apply would do, or leave, of one thing in the account. */
export interface Difference {
  /** Names it for a person, the same each time: "rate limit: uploads, submission.example.org". */
  readonly resource: string;
  readonly action: 'create' | 'change' | 'delete' | 'keep';
  readonly fields: readonly Field[];
  /** In the account, and not of this stage: told and never touched. With another action than `keep` it is in the way, and an apply refuses. */
  readonly foreign?: boolean;
}

/** A line for a person. */
export type Progress = (line: string) => void;

/** When a resource is brought: what guards a host stands before the host answers, and a host leads to a Worker that exists. */
export type Phase = 'before-workers' | 'after-workers';

/** One kind of thing in the account. */
export interface Resource<Found = unknown> {
  readonly name: string;
  readonly phase: Phase;
  /** What a break in the midst of it leaves, and how to go on. */
  readonly afterBreak: string;
  /** Permissions of the API token that it needs, as the dashboard names them; "Account" or "Zone" first. */
  readonly rights: readonly string[];
  /** @returns what the account has, ours and what stands in the same place */
  read(context: Context): Promise<Found>;
  /** @returns what differs, and what is kept, in the order in which it is done; pure */
  plan(context: Context, found: Found): readonly Difference[];
  /**
   * Does what was planned and still has to be done: reads the account anew, so that what changed meanwhile isn't done on an old picture.
   *
   * @throws ResourceError naming what failed; everything before it is done and stays
   */
  apply(context: Context, differences: readonly Difference[], progress: Progress): Promise<void>;
  /** Takes away what is this stage's, and nothing else. @throws ResourceError as `apply` */
  destroy(context: Context, progress: Progress): Promise<void>;
}

/** A difference, and what brings it about. Something with an action other than `keep`, foreign, and a reason to refuse: somebody else's thing is in the way. */
export interface Work {
  readonly difference: Difference;
  /** Absent where nothing is to be done: what is kept, or foreign. */
  readonly run?: () => Promise<unknown>;
  /** Why an apply refuses this resource before it does anything; with it there is no `run`. */
  readonly refuse?: string;
}

/** What a resource is made of. */
export interface Definition<Found> extends Pick<Resource<Found>, 'name' | 'phase' | 'afterBreak' | 'rights' | 'read'> {
  /** @returns everything to do and to keep, in order; makes no call by itself */
  readonly work: (context: Context, found: Found) => readonly Work[];
  /** @returns what takes it away, in order; without a `run`: what stays, and why */
  readonly remove: (context: Context, found: Found) => readonly Work[];
}

/** @param definition of one resource @returns it, with errors that say what they leave */
export function resource<Found>(definition: Definition<Found>): Resource<Found> {
  const { name, phase, afterBreak, rights, work, remove } = definition;
  const tell = <T>(what: string, run: () => Promise<T>): Promise<T> =>
    told({ resource: what, afterBreak, rights }, run);
  const read = (context: Context): Promise<Found> =>
    told({ resource: `${name}: reading`, afterBreak: 'nothing was changed by reading', rights }, () =>
      definition.read(context),
    );
  const perform = async (works: readonly Work[], progress: Progress): Promise<void> => {
    for (const { difference, run } of works) {
      progress(`${difference.action}: ${difference.resource}`);
      if (run === undefined) continue;
      // One after the other: what guards comes before what is guarded, and a break leaves a beginning, never a middle.
      await tell(difference.resource, run);
    }
  };
  return {
    name,
    phase,
    afterBreak,
    rights,
    read,
    plan: (context, found) => work(context, found).map(({ difference }) => difference),
    async apply(context, differences, progress) {
      const planned = new Set(differences.map(keyOf));
      const works = work(context, await read(context));
      await tell(name, async () => refuse(works));
      await perform(
        works.filter(({ difference, run }) => run !== undefined && planned.has(keyOf(difference))),
        progress,
      );
    },
    async destroy(context, progress) {
      await perform(remove(context, await read(context)), progress);
    },
  };
}

const keyOf = ({ action, resource: what }: Difference): string => `${action} ${what}`;

function refuse(works: readonly Work[]): void {
  const reasons = works.flatMap(({ difference, refuse: why }) =>
    why === undefined ? [] : [`${difference.resource}: ${why}`],
  );
  if (reasons.length > 0) throw new Error(`nothing was changed: ${reasons.join('; ')}`);
}

/** @param field of a difference @returns it for a person: both values */
export function fieldText({ name, from, to }: Field): string {
  return `${name}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`;
}
