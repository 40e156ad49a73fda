/**
 * @module The demo's undo (docs/rollback.md): a batch of code cards proves forged, one person asks for its rollback and another confirms it, with the
 * operator's commands and both shares of the undo key; then the phones that it warned download again.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rollback, RollbackPlan, RollbackTarget } from '../../domain/rollback.ts';
import { retentionEnd } from '../../domain/embargo.ts';
import { describeDownloadError } from '../../phone/download/download.ts';
import type { Match } from '../../phone/matching/match.ts';
import type { SharedKey } from '../../phone/upload/upload-request.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { RETENTION_DAYS, SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { command, moveClock } from '../support/operator.ts';
import { combineShares, splitKey } from '../support/undo-key.ts';
import type { Findings } from './audience.ts';
import { type Names, namesOf, within, without } from './names.ts';
import type { Person } from './people.ts';
import type { Progress, Row } from './report.ts';
import { type Watcher, watcher } from './watcher.ts';

/** A phone that has met nobody. */
const newPhone = (): Person => ({ number: -1, history: [], sightings: [] });

/** As the chooser of the local portal would sign somebody in; deployed, Access says who it is. */
const signedInAs = (name: string, at: number): Record<string, string> => ({
  cookie: `local-identity=${encodeURIComponent(JSON.stringify({ name, roles: ['health-authority'], provider: '', at }))}`,
});

/**
 * Rolls a batch of cards back, for today.
 *
 * @param edge a running edge
 * @param batchId whose keys end
 * @param now Unix seconds
 * @returns published keys that end with the next hour, the same in each region
 * @throws Error when a command is refused, others' keys would end too, or its keys aren't asked back
 */
async function rollBack(edge: LocalEdge, batchId: string, now: number): Promise<number> {
  const shares = splitKey(readFileSync(join(edge.state, 'undo-private.pem'), 'utf8'));
  const today = Math.floor(now / SECONDS_PER_DAY);
  const target: RollbackTarget = { kind: 'batch', name: batchId, fromDay: today, toDay: today };
  const post = (name: string, path: string, body: object): Promise<unknown> => {
    const sent = { ...body, undoKey: combineShares(shares) };
    return command(edge.url, 'POST', `/operator/rollback/${path}`, sent, [], signedInAs(name, now));
  };
  const asked = (await post('anna@example.org', 'ask', { target })) as RollbackPlan & { readonly id: string };
  if (asked.others.length > 0) throw new Error(`rollback: ${asked.others.length} other sources would be hit`);
  const { outcome } = (await post('berta@example.org', 'confirm', { id: asked.id })) as Rollback;
  if (outcome?.state !== 'waiting') throw new Error(`rollback: ${outcome?.state ?? 'nothing'} came of it, not waiting`);
  return outcome.taken;
}

/** What the story has come to, when a batch proves forged. */
export interface BeforeUndo {
  readonly batchId: string;
  /** Key data in hex of the batch's published keys. */
  readonly forged: Names;
  /** All published keys; the batch's among them. */
  readonly published: readonly TemporaryKeyTimes[];
  readonly found: Findings;
  /** Unix seconds: when it is rolled back, and when a phone downloads for the first time a day later. */
  readonly times: { readonly now: number; readonly nextDay: number };
}

/** What came of it all. */
export interface Undone {
  readonly rows: readonly Row[];
  /** Phone number → what its warning has become; left out: it is as it was. */
  readonly after: ReadonlyMap<number, 'withdrawn' | 'kept'>;
  /** Forged keys that a phone got before it. */
  readonly before: number;
  /** Those that a new phone gets a day later. */
  readonly left: number;
}

type TemporaryKeyTimes = Pick<SharedKey, 'keyData' | 'rollingStartIntervalNumber' | 'rollingPeriod'>;

/**
 * Rolls the batch back, lets the phones that it warned download again within the hour and on the next day, and lets new phones see what is handed out then.
 *
 * @param edge a running edge, its clock at `times.now`
 * @param story what it has come to
 * @param progress told of each step
 * @param problems gets what is not as it should be
 * @returns what came of it; the edge's clock stands at `times.nextDay`
 */
export async function playUndo(
  edge: LocalEdge,
  { batchId, forged, published, found, times: { now, nextDay } }: BeforeUndo,
  progress: Progress,
  problems: string[],
): Promise<Undone> {
  progress(
    'the code cards prove forged: one person asks for their rollback, another confirms it with both shares of the undo key',
  );
  const taken = await rollBack(edge, batchId, now);
  if (taken !== forged.size) problems.push(`${taken} keys are taken back, ${forged.size} were to be`);

  progress('the next hour takes their keys back; phones that warn of one download again');
  await moveClock(edge.url, now + SECONDS_PER_HOUR);
  const { watchers, alarmed } = found;
  const first = await downloadAgain(watchers, alarmed, forged, now + SECONDS_PER_HOUR, problems);
  if (first.withdrawn.length === 0) problems.push('no warning was withdrawn: the rollback shows nothing');

  progress('midnight: the day is cut without them; new phones see what a phone gets the morning after');
  await moveClock(edge.url, nextDay);
  const { kept, withdrawn: late } = await downloadAgain(watchers, alarmed, forged, nextDay, problems);
  if (late.length > 0) problems.push(`${late.length} phones took a warning back a day late`);
  const living = without(namesOf(published.filter((key) => retentionEnd(key, RETENTION_DAYS) > nextDay)), forged);
  const received: Names[] = [];
  for (const way of ['manifest', 'tree'] as const) {
    const phone = watcher(edge, newPhone(), way);
    const { errors } = await phone.sync(nextDay);
    for (const error of errors) problems.push(`a new phone, by ${way}: ${describeDownloadError(error)}`);
    const names = new Set(phone.received);
    const [missing, more] = [without(living, names).size, without(names, living).size];
    if (missing > 0) problems.push(`a new phone, by ${way}: ${missing} keys that nobody took back are missing`);
    if (more > 0)
      problems.push(`a new phone, by ${way}: ${more} keys that were taken back or synthetic are handed out`);
    received.push(names);
  }
  const before = within(forged, new Set(watchers[0]?.received)).size;
  const left = Math.max(...received.map((names) => within(names, forged).size));
  const others = Math.min(...received.map((names) => without(names, forged).size));
  const row = (name: string, label: string, value: Row['value']): Row => ({ name, label, value });
  return {
    before,
    left,
    after: new Map([
      ...first.withdrawn.map((number) => [number, 'withdrawn'] as const),
      ...kept.map((number) => [number, 'kept'] as const),
    ]),
    rows: [
      row('forgedKeys', 'forged keys in the chunk, before two people roll them back', before),
      row('forgedKeysAfter', 'forged keys that a new phone gets the day after', left),
      row('honestKeysAfter', "others that it gets (the oldest day's have ended)", others),
      row('warningsWithdrawn', 'phones that take a warning back', first.withdrawn.length),
      row('silenced', 'of these with nothing left to warn of', first.silenced.length),
      row('warningsKept', 'phones that keep one, by Android’s rule for a confirmed test', kept.length),
    ],
  };
}

/** What came of a rollback on the phones that it concerns. */
export interface Aftermath {
  /** Numbers of phones that took keys of an earlier warning back, and said so now. */
  readonly withdrawn: readonly number[];
  /** Phones that warn of a forged key still. */
  readonly kept: readonly number[];
  /** Phones that warned and have nothing left to warn of. */
  readonly silenced: readonly number[];
}

/**
 * Phones that warned of a forged key download again, and are checked: by the manifest each takes back what was forged and keeps the rest; by
 * Corona-Warn-App's tree each keeps what is reported as a confirmed test too, since Android changes such a key no more.
 *
 * @param phones each has downloaded and told its owner before
 * @param met phone number → what it had warned of
 * @param forged key data in hex
 * @param now Unix seconds on their clocks
 * @param problems gets what is not as it should be
 * @returns what they tell now
 */
export async function downloadAgain(
  phones: readonly Watcher[],
  met: ReadonlyMap<number, readonly Match[]>,
  forged: Names,
  now: number,
  problems: string[],
): Promise<Aftermath> {
  const withdrawn: number[] = [];
  const kept: number[] = [];
  const silenced: number[] = [];
  for (const { person, way, sync, tell } of phones) {
    const before = (met.get(person.number) ?? []).map(({ key }) => key);
    if (within(namesOf(before), forged).size === 0) continue;
    const { errors } = await sync(now);
    for (const error of errors) problems.push(`phone ${person.number}, again: ${describeDownloadError(error)}`);
    const told = tell(now);
    const after = namesOf(told.matches.map(({ key }) => key));
    const lasting = before.filter(({ reportType }) => way === 'tree' && reportType === REPORT_TYPE.CONFIRMED_TEST);
    const expected = new Set([...without(namesOf(before), forged), ...namesOf(lasting)]);
    if (without(after, expected).size + without(expected, after).size > 0) {
      problems.push(
        `phone ${person.number} warns of ${after.size} keys after the rollback, ${expected.size} were to be`,
      );
    }
    if (told.withdrawn > 0) withdrawn.push(person.number);
    if (within(after, forged).size > 0) kept.push(person.number);
    if (after.size === 0) silenced.push(person.number);
  }
  return { withdrawn, kept, silenced };
}
