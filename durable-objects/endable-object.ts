/**
 * @module What every object has of the end of a deployment (docs/sunset.md, docs/decisions/044): to be stopped, to be purged, and to tell what is
 * left. `closesAtEnd` closes all of a class's methods at once, so that one that is added later is closed too.
 *
 * Durable writes: the row `deployment_end`. A crash before `stopped` leaves the object open, and the command is given again. `purged`: the
 * storage is deleted and the row written without an await in between, which the platform commits together; a crash before leaves
 * everything and `stopped`. Both are idempotent.
 */
import { DurableObject } from 'cloudflare:workers';
import { ENDED_MESSAGE, type EndPhase, MOST_COUNTED, type ObjectRemains } from '../domain/sunset.ts';
import { type EndMarker, endMarker, markEnd } from './end-marker.ts';

/** Called on an object that has ended. Its message crosses RPC; nothing else of it does. */
class DeploymentEnded extends Error {
  override readonly name = 'DeploymentEnded';

  constructor() {
    super(ENDED_MESSAGE);
  }
}

/** An answer of {@link closesAtEnd}. @throws DeploymentEnded */
export function refuseEnded(): never {
  throw new DeploymentEnded();
}

/** Class of all objects. */
export class EndableObject<Env = Cloudflare.Env> extends DurableObject<Env> {
  #marker: EndMarker;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#marker = endMarker(ctx.storage.sql);
  }

  /** Nothing new is taken in any more. @param hour since the Unix epoch */
  async stopForGood(hour: number): Promise<void> {
    if (this.#marker.phase === 'open') this.#mark({ phase: 'stopped', since: hour, kept: null });
  }

  /**
   * Destroys everything that the object holds, for good.
   *
   * @param hour since the Unix epoch
   * @throws Error unless it was stopped before
   */
  async purgeForGood(hour: number): Promise<void> {
    if (this.#marker.phase === 'purged') return;
    if (this.#marker.phase === 'open') throw new Error('an object is stopped before it is purged');
    const kept = this.keptAtEnd();
    const { storage } = this.ctx;
    await storage.deleteAlarm();
    const deleted = storage.deleteAll();
    this.#mark({ phase: 'purged', since: hour, kept });
    await deleted;
    await storage.sync();
  }

  /** @param object its name for an operator @returns what it holds; reads only */
  async remains(object: string): Promise<ObjectRemains> {
    const { storage } = this.ctx;
    const names = storage.sql.exec<{ name: string }>(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
       AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY name`,
    );
    const count = (table: string): number =>
      storage.sql
        .exec<{ rows: number }>(`SELECT count(*) AS rows FROM (SELECT 1 FROM "${table}" LIMIT ${MOST_COUNTED})`)
        .one().rows;
    const tables = Object.fromEntries(names.toArray().map(({ name }) => [name, count(name)]));
    const values = (await storage.list({ limit: 1_000 })).size;
    return {
      object,
      phase: this.#marker.phase,
      since: this.#marker.since,
      bytes: storage.sql.databaseSize,
      tables: values === 0 ? tables : { ...tables, '(values)': values },
      hasAlarm: (await storage.getAlarm()) !== null,
    };
  }

  /** What stays of the object when it is purged, as JSON: it concerns nobody. */
  protected keptAtEnd(): string | null {
    return null;
  }

  /** How far the object's end is. */
  protected get ending(): EndMarker {
    return this.#marker;
  }

  /** For {@link closesAtEnd}. */
  static phaseOf(object: EndableObject<unknown>): EndPhase {
    return object.#marker.phase;
  }

  /** For {@link closesAtEnd}: an alarm that was set before the end, or meanwhile. */
  static async dropAlarm(object: EndableObject<unknown>): Promise<void> {
    await object.ctx.storage.deleteAlarm();
  }

  #mark(marker: EndMarker): void {
    markEnd(this.ctx.storage.sql, marker);
    this.#marker = marker;
  }
}

type Method = (...given: never[]) => unknown;

/** What methods answer from a phase on, instead of what they do. */
type Answers<T> = {
  readonly [K in keyof T]?: T[K] extends Method ? (...given: Parameters<T[K]>) => ReturnType<T[K]> : never;
};

interface Closing<T> {
  /** From `stopped` on; the other methods go on. */
  readonly stopped?: Answers<T>;
  /** From `purged` on, when every other method throws {@link DeploymentEnded} and the alarm is dropped. */
  readonly purged?: Answers<T>;
  /** Methods that go on for good. */
  readonly open?: readonly (keyof T & string)[];
}

/**
 * Closes a class's methods at the end of the deployment.
 *
 * @param target class of objects
 * @param closing what is answered instead
 */
export function closesAtEnd<T extends EndableObject<unknown>>(
  target: { readonly prototype: T },
  closing: Closing<T> = {},
): void {
  const { stopped = {}, purged = {}, open = [] } = closing;
  const answers: Record<EndPhase, Readonly<Record<string, Method | undefined>>> = {
    open: {},
    stopped,
    purged: { ...stopped, ...purged },
  };
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(target.prototype))) {
    const original: unknown = descriptor.value;
    if (typeof original !== 'function' || name in EndableObject.prototype || (open as string[]).includes(name))
      continue;
    Object.defineProperty(target.prototype, name, {
      ...descriptor,
      value(this: T, ...given: never[]) {
        const phase = EndableObject.phaseOf(this);
        const answer = answers[phase][name];
        if (answer !== undefined) return answer.apply(this, given);
        if (phase !== 'purged') return (original as Method).apply(this, given);
        if (name === 'alarm') return EndableObject.dropAlarm(this);
        throw new DeploymentEnded();
      },
    });
  }
}
