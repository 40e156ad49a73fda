/**
 * @module What goes wrong in the story: a backend loses its power while it imports, a peer's operator alters a sealed batch, a certificate is taken back. What came of each is read from outside.
 */
import { ALL_TO_ALL, feedKey, feedPath } from '../../../protocol/feed/names.ts';
import type { Federation, Member } from '../../federation/federation.ts';
import { statusOf } from './feeds.ts';

/**
 * Kills a reader the moment that a peer has served it a batch: what it read is verified or half imported then.
 *
 * @returns how often the peer served that batch to whoever asked, by the time the reader has asked again: more than once where the import was cut off
 */
export async function killWhileImporting(reader: Member, producer: Member): Promise<number> {
  let served = 0;
  const batch = feedPath({ feed: ALL_TO_ALL, view: 'keys', batch: 1 });
  const stop = producer.process.onAnswered(({ path, status }) => {
    if (path === batch && status === 200) served += 1;
  });
  const read = producer.process.hasAnswered(({ path, status }) => path === batch && status === 200);
  const dies = reader.process.poll().then(
    () => false,
    () => true,
  );
  await read;
  await reader.process.kill();
  if (!(await dies)) throw new Error(`${reader.plan.id} was done before it was killed`);
  await reader.process.start();
  await reader.process.poll();
  stop();
  return served;
}

/** What came of an altered batch. */
export interface Altered {
  /** What the reader's consumer says is wrong; null: it saw nothing. */
  readonly fault: string | null;
  /** Whether it went on to it all the same. */
  readonly taken: boolean;
}

/**
 * Alters a batch of all-to-all that is sealed already, and has a reader ask.
 *
 * @param ask has the reader poll, whenever it is due
 */
export async function alterBatch(
  producer: Member,
  reader: Member,
  batch: number,
  ask: () => Promise<void>,
): Promise<Altered> {
  const deskOf = async () => (await reader.process.peers()).find(({ config }) => config.RegionID === producer.plan.id);
  const before = (await deskOf())?.state.lastBatchID;
  await producer.process.tamper(feedKey(ALL_TO_ALL, 'keys', batch));
  await ask();
  const after = await deskOf();
  return { fault: after?.fault ?? null, taken: after?.state.lastBatchID !== before };
}

/** Takes a member's client certificate back. @returns what it gets of each other: before, after */
export async function takeCertificateBack(
  { members, registry, settled }: Federation,
  whose: Member,
  now: number,
): Promise<{ readonly before: readonly number[]; readonly after: readonly number[] }> {
  const others = members.filter((one) => one !== whose);
  const ask = (): Promise<number[]> => Promise.all(others.map((other) => statusOf(whose, other, whose.plan.id)));
  const before = await ask();
  await registry.revoke(whose.plan, now);
  await settled();
  return { before, after: await ask() };
}
