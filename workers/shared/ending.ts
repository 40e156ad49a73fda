/**
 * @module The end of a deployment, as a Worker brings it to its objects (docs/sunset.md). Each call can be repeated; what fails doesn't keep the rest.
 */
import type { ObjectRemains } from '../../domain/sunset.ts';

/** An object that can be ended (durable-objects/endable-object.ts). */
interface Endable {
  stopForGood(hour: number): Promise<void>;
  purgeForGood(hour: number): Promise<void>;
  remains(object: string): Promise<ObjectRemains>;
}

/** A Worker's objects by the names that an operator reads. */
type Endables = Readonly<Record<string, Endable>>;

/** @param hour since the Unix epoch @throws what the first of them threw, after all were asked */
export async function stopAll(objects: Endables, hour: number): Promise<void> {
  await allOf(Object.values(objects).map((object) => object.stopForGood(hour)));
}

/** @param hour since the Unix epoch @throws what the first of them threw, after all were asked */
export async function purgeAll(objects: Endables, hour: number): Promise<void> {
  await allOf(Object.values(objects).map((object) => object.purgeForGood(hour)));
}

/** @returns what each of them holds @throws when one isn't reached: a proof must not leave it out */
export async function remainsOf(objects: Endables): Promise<ObjectRemains[]> {
  const told = await Promise.all(Object.entries(objects).map(([name, object]) => object.remains(name)));
  // Copies: an RPC's result comes with a disposer.
  return told.map((one) => ({ ...one, tables: { ...one.tables } }));
}

async function allOf(asked: readonly Promise<void>[]): Promise<void> {
  for (const one of await Promise.allSettled(asked)) if (one.status === 'rejected') throw one.reason as Error;
}
