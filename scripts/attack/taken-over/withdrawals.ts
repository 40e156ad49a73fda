/**
 * @module `upload`, taken over, takes back what isn't its own (docs/decisions/042): it sees every key and every hash pass, and the secrets of who withdraws. What it may do
 * is hand on what a person asked for; a flood may hold withdrawals up, and nothing else.
 */
import { randomUUID } from 'node:crypto';
import { originIdOf } from '../../../domain/intake-permit.ts';
import type { AcceptedKey } from '../../../domain/keys/uploaded.ts';
import { startLocalEdge, type LocalEdge } from '../../../local-edge/local-edge.ts';
import { SECONDS_PER_HOUR } from '../../../protocol/gaen/intervals.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { type Opening, WITHDRAWAL_SECRET_BYTES, withdrawalHash } from '../../../protocol/withdrawal.ts';
import { issueTans, moveClock, setClock } from '../../support/operator.ts';
import { type Counts, readHead, Reader } from '../../support/published.ts';
import type { Verdict } from '../attack.ts';
import { type Adapt, withPuppet } from '../puppet.ts';
import { ID_KEY, Rogue, START, VARS } from './rogue-upload.ts';
import { forgetful, tellTale, unpaced } from './withdrawal-faults.ts';

const REGION = 'DE';
/** Secrets that are tried a key. */
const GUESSES = 20;
const REPLAYS = 20;
/** Far beyond what is looked into at once, so that even a slow machine can't have them all looked into by the time they were sent. */
const FLOOD = 1_500;
/** What the buffer looks into (durable-objects/submission-buffer/withdrawal-pace.ts). */
const [AT_ONCE, A_SECOND] = [100, 20];

/** Keys that somebody shared, each with the secret that takes it back. */
interface Shared {
  readonly keys: readonly AcceptedKey[];
  readonly openings: readonly Opening[];
}

/** Whose hours are over, and whose keys wait. */
interface People {
  readonly published: Shared;
  readonly waiting: Shared;
}

const namesOf = (openings: readonly { readonly keyData: Uint8Array }[]): string[] =>
  openings.map(({ keyData }) => toHex(keyData));

/** Hands a person's upload on, as it came. @param secretOf draws their phone's secrets */
async function shared(rogue: Rogue, tan: string, keys: readonly AcceptedKey[]): Promise<Shared> {
  const openings = keys.map(({ keyData }) => ({ keyData, secret: rogue.bytes(WITHDRAWAL_SECRET_BYTES) }));
  const hashed = keys.map((key, n) => ({ ...key, withdrawalHash: withdrawalHash(openings[n]!) }));
  const reservation = randomUUID();
  const upload = rogue.upload(hashed);
  const { kind } = await rogue.accept(
    originIdOf(ID_KEY, reservation),
    upload,
    await rogue.permit(tan, reservation, upload, toHex(rogue.bytes(32))),
  );
  if (kind !== 'stored' && kind !== 'known') throw new Error(`an upload that the permit is for: ${kind}`);
  return { keys: hashed, openings };
}

/** Secrets that it makes up, and what it has seen pass: the hashes, and a key's own bytes. */
async function guess(rogue: Rogue, { keys }: Shared): Promise<void> {
  for (let n = 0; n < GUESSES; n++) {
    await rogue.withdraw(keys.map(({ keyData }) => ({ keyData, secret: rogue.bytes(WITHDRAWAL_SECRET_BYTES) })));
  }
  for (const seen of ['withdrawalHash', 'keyData'] as const) {
    const openings = keys.map((key) => {
      const secret = new Uint8Array(WITHDRAWAL_SECRET_BYTES);
      secret.set(key[seen] ?? key.keyData);
      return { keyData: key.keyData, secret };
    });
    await rogue.withdraw(openings);
  }
}

/** Secrets of keys of its own, beside others' keys; and others' keys sent again, under a TAN that passed, with hashes of its own. */
async function copy(rogue: Rogue, tans: readonly [string, string], { keys }: Shared): Promise<void> {
  const own = await shared(rogue, tans[0], rogue.invent(keys.length));
  await rogue.withdraw(own.openings.map(({ secret }, n) => ({ keyData: keys[n]!.keyData, secret })));
  const again = await shared(rogue, tans[1], keys);
  await rogue.withdraw(again.openings);
}

/** Of an opening that a person sent: it is sent again and again, and its secret beside the person's other keys. */
async function replay(rogue: Rogue, { openings }: Shared): Promise<void> {
  const [first] = openings;
  if (first === undefined) throw new Error('replay: nobody withdrew');
  for (let n = 0; n < REPLAYS; n++) await rogue.withdraw([first]);
  await rogue.withdraw(openings.slice(1).map(({ keyData }) => ({ keyData, secret: first.secret })));
}

/** What a phone reads now. */
async function read(edge: LocalEdge): Promise<{ readonly listed: Counts; readonly revoked: Counts }> {
  const reader = new Reader(edge, REGION);
  const seen = await readHead(edge, REGION);
  if (seen === null) throw new Error('no hour was sealed');
  return { listed: await reader.listed(seen.head), revoked: await reader.revoked(seen.head) };
}

/** Floods, while a person uploads. @returns how many were looked into, how many the pace lets through by then, and the upload's outcome */
async function flood(rogue: Rogue, tan: string) {
  const began = performance.now();
  const bogus = (): Opening => ({ keyData: rogue.bytes(16), secret: rogue.bytes(WITHDRAWAL_SECRET_BYTES) });
  const sent = Promise.all(Array.from({ length: FLOOD }, () => rogue.withdraw([bogus()])));
  const upload = await shared(rogue, tan, rogue.invent(12)).then(
    () => 'stored',
    (error: Error) => error.message,
  );
  const heard = (await sent).filter((reply) => reply === 'heard').length;
  const allowed = AT_ONCE + Math.ceil((A_SECOND * (performance.now() - began)) / 1_000);
  return { heard, allowed, upload };
}

/** Keys of others that ended, and what the replies tell, of an edge that may be broken. */
interface Tried {
  readonly people: People;
  readonly replies: ReadonlySet<string>;
  readonly before: Counts;
}

/** Everything but the flood; the first key of whose hour is over has been taken back by its owner. */
async function tryOthersKeys(rogue: Rogue, edge: LocalEdge): Promise<Tried> {
  const [one = '', two = '', three = '', four = '', five = '', six = ''] = await issueTans(edge.url, 6);
  const published = await shared(rogue, one, rogue.invent(12));
  await moveClock(edge.url, START + SECONDS_PER_HOUR);
  const { listed: before } = await read(edge);
  const waiting = await shared(rogue, two, rogue.invent(12));
  const tans = [
    [three, four],
    [five, six],
  ] as const;
  const replies = new Set<string>();
  rogue.onReply = (reply) => replies.add(reply);
  for (const [n, person] of [published, waiting].entries()) {
    await guess(rogue, person);
    await copy(rogue, tans[n]!, person);
  }
  // Hands on what a person asks for, and keeps it.
  await rogue.withdraw([published.openings[0]!]);
  await replay(rogue, published);
  return { people: { published, waiting }, replies, before };
}

/** What an attack came to; the flood comes last. */
async function resultOf<T>(rogue: Rogue, edge: LocalEdge, afterwards: () => Promise<T>) {
  const tried = await tryOthersKeys(rogue, edge);
  await moveClock(edge.url, START + 2 * SECONDS_PER_HOUR);
  // What was taken back is asked for once more, when an hour has done it.
  await replay(rogue, tried.people.published);
  // The flood may hear that it is too much, as everybody does then.
  rogue.onReply = () => undefined;
  const flooded = await afterwards();
  await moveClock(edge.url, START + 3 * SECONDS_PER_HOUR);
  const { listed, revoked } = await read(edge);
  const [own = '', ...others] = namesOf(tried.people.published.openings);
  return {
    ...tried,
    flooded,
    ended: others.filter((name) => revoked.has(name)).length,
    dropped: namesOf(tried.people.waiting.openings).filter((name) => !listed.has(name)).length,
    times: revoked.get(own) ?? 0,
  };
}

const verdictOf = (what: string, figure: number | string, bound: string, holds: boolean): Verdict => ({
  what,
  figure: String(figure),
  bound,
  holds,
});

/**
 * @param seed same seed, same keys
 * @returns the verdicts
 */
export async function tryWithdrawals(seed: number): Promise<Verdict[]> {
  return onEdge(withPuppet('upload'), seed, async (rogue, edge) => {
    const { people, replies, before, dropped, ended, times, flooded } = await resultOf(rogue, edge, async () =>
      flood(rogue, (await issueTans(edge.url, 1))[0] ?? ''),
    );
    const isPublished = namesOf(people.published.openings).every((name) => before.has(name));
    return [
      verdictOf(
        'published keys of others, by openings that it guessed or copied, or a replayed secret',
        `${ended} taken back`,
        '0',
        ended === 0 && isPublished,
      ),
      verdictOf('waiting keys of others, by openings that it guessed or copied', `${dropped} gone`, '0', dropped === 0),
      verdictOf('a withdrawal that it hands on and replays', `revoked ${times} times`, '1', times === 1),
      verdictOf(
        'what replies tell of openings, right and wrong',
        [...replies].join(', '),
        'heard',
        [...replies].join() === 'heard',
      ),
      verdictOf(
        `a flood of ${FLOOD} withdrawals`,
        `${flooded.heard} looked into`,
        `at most ${flooded.allowed}`,
        flooded.heard <= flooded.allowed,
      ),
      verdictOf('an upload during the flood', flooded.upload, 'stored', flooded.upload === 'stored'),
      ...(await noSecretAsked(seed)),
      await repliesTell(seed),
      await noPace(seed),
    ];
  });
}

async function onEdge<T>(adapt: Adapt, seed: number, work: (rogue: Rogue, edge: LocalEdge) => Promise<T>): Promise<T> {
  const edge = await startLocalEdge({ vars: VARS, adapt, onLog: () => undefined });
  try {
    await setClock(edge.url, START);
    return await work(new Rogue(edge.url, seed), edge);
  } finally {
    await edge.dispose();
  }
}

/** Each key must be found: those that wait gone, the published ones taken back. What is taken back twice by this fault too is revoked once, by Publisher. */
async function noSecretAsked(seed: number): Promise<Verdict[]> {
  return onEdge(forgetful, seed, async (rogue, edge) => {
    const { dropped, ended } = await resultOf(rogue, edge, async () => null);
    const what = (found: string): string => `fault put there: an Intake that asks for no secret; ${found}`;
    return [
      verdictOf(what('waiting keys of others gone'), dropped, 'found: 12', dropped === 12),
      verdictOf(what('published ones taken back'), ended, 'found: 11', ended === 11),
    ];
  });
}

async function repliesTell(seed: number): Promise<Verdict> {
  const replies = await onEdge(tellTale, seed, async (rogue, edge) => (await tryOthersKeys(rogue, edge)).replies);
  const text = [...replies].toSorted().join(', ');
  return verdictOf(
    'fault put there: an Intake that says when a key waits no more; what replies tell',
    text,
    'found: gone, heard',
    text === 'gone, heard',
  );
}

async function noPace(seed: number): Promise<Verdict> {
  const { heard, allowed } = await onEdge(unpaced, seed, async (rogue, edge) =>
    flood(rogue, (await issueTans(edge.url, 1))[0] ?? ''),
  );
  return verdictOf(
    'fault put there: an Intake that looks into everything; of the flood looked into',
    heard,
    `found: ${FLOOD}, above ${allowed}`,
    heard === FLOOD && heard > allowed,
  );
}
