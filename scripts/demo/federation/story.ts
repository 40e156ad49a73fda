/**
 * @module The story of a federation: two countries and a company's site, each a whole backend of its own on this machine, with TLS between them. People share, hours are sealed, peers read; one backend is killed in the middle of an
 * import, another's sealed feed is altered, the site's certificate is taken back. In the end everything is counted (count.ts).
 */
import type { RandomBytes } from '../../../phone/random.ts';
import { ALL_TO_ALL } from '../../../protocol/feed/names.ts';
import type { Federation, Member } from '../../federation/federation.ts';
import { moveClock, setClock } from '../../support/operator.ts';
import type { Progress, Row } from '../report.ts';
import { share, type Shared } from './cast.ts';
import { type Backend, countAll } from './count.ts';
import { feedFor, leftOutBy, lookAt, sharedKeys } from './look.ts';
import { readFeed, statusOf } from './feeds.ts';
import { alterBatch, killWhileImporting, takeCertificateBack } from './mishaps.ts';

/** DE and NL in one cluster, a company's site in another. */
export const REGIONS = [
  { id: 'DE', cluster: 'eu' },
  { id: 'NL', cluster: 'eu' },
  { id: 'XA', cluster: 'enterprise' },
] as const;

export const MIN_KEYS = 40;
/** Small minima, so that fifteen people are an hour; nothing waits for more. */
export const STORY_VARS = {
  upload: { ANSWER_DEADLINE_MS: '0' },
  verification: { ANSWER_DEADLINE_MS: '0' },
  origin: { MIN_KEYS: String(MIN_KEYS), MIN_UPLOADS: '4', RESERVE_UPLOADS: '2', MAX_HOLD_HOURS: '0' },
} as const;

const HOUR = 3600;

/** A feed that somebody may not read. */
const FOREIGN = 403;

/** Asks everybody, with everybody's certificate, for every feed that isn't theirs. @returns the statuses */
async function tryForeignFeeds(members: readonly Member[]): Promise<number[]> {
  const attempts = members.flatMap((reader) =>
    members
      .filter((producer) => producer !== reader)
      .flatMap((producer) =>
        [ALL_TO_ALL, ...members.map(({ plan }) => plan.id)]
          .filter((feed) => feed !== producer.plan.id && feed !== reader.plan.id && feed !== feedFor(reader, producer))
          .map((feed) => statusOf(reader, producer, feed)),
      ),
  );
  return Promise.all(attempts);
}

/** What the story ends with. */
interface Ending {
  readonly rows: readonly Row[];
  readonly problems: readonly string[];
}

/**
 * Plays the story.
 *
 * @param federation that runs, its clocks at `start`
 * @param start Unix seconds, in the middle of an hour
 * @param random source of bytes
 * @param progress told of each step
 * @returns rows for the table, and what is wrong
 */
export async function playFederation(
  federation: Federation,
  start: number,
  random: RandomBytes,
  progress: Progress,
): Promise<Ending> {
  const { members } = federation;
  const [de, nl, site] = REGIONS.map(({ id }) => members.find(({ plan }) => plan.id === id)) as [
    Member,
    Member,
    Member,
  ];
  const problems: string[] = [];
  const shared: Shared[] = [];
  let now = start;
  const everywhere = (work: (member: Member) => Promise<unknown>): Promise<unknown> => Promise.all(members.map(work));
  const nextHour = async (): Promise<void> => {
    now = now - (now % HOUR) + HOUR + 60;
    await everywhere(({ url }) => moveClock(url, now));
  };
  /** Goes on to when the last consumer is due, and has them ask. */
  const pollAt = async (readers: readonly Member[]): Promise<void> => {
    const desks = (await Promise.all(readers.map(({ process }) => process.peers()))).flat();
    now = Math.max(now, ...desks.map(({ nextPoll }) => (nextPoll ?? 0) + 1));
    await everywhere(({ url }) => setClock(url, now));
    await Promise.all(readers.map(({ process }) => process.poll()));
  };

  progress('people share, in each of the three; some were abroad, some refuse that their keys leave');
  await everywhere(async (member) => shared.push(await share(member, now, random)));
  progress('the hour is over: each seals it, for its phones first, then for its peers');
  await nextHour();

  progress('everybody asks everybody for feeds that are not theirs');
  const foreign = await tryForeignFeeds(members);

  progress('NL has served DE a batch, and DE loses its power while it imports; it comes back and asks again');
  const served = await killWhileImporting(de, nl);
  progress(
    'the others read too, the site by DP-3T’s format; more people share, and in an hour phones get all of it, mixed',
  );
  await pollAt([nl, site]);
  await everywhere(async (member) => shared.push(await share(member, now, random)));
  await nextHour();

  progress('NL’s operator alters the batch that was sealed for its cluster, and DE reads it');
  const { batches } = await readFeed(de, nl, ALL_TO_ALL, now);
  const altered = await alterBatch(nl, de, batches, () => pollAt([de]));
  progress('NL’s publisher finds the object altered and puts it again; all read, and an hour later phones have it');
  await nextHour();
  await pollAt(members);
  // Once more: a desk whose own alarm had begun to ask before all had sealed joins that poll, which found nothing.
  await pollAt(members);
  await nextHour();

  const backends: Backend[] = [];
  for (const member of members) backends.push(await lookAt(member, members, shared, now));
  progress('the site’s certificate is taken back: the directory says so, and its next request is refused');
  const revoked = await takeCertificateBack(federation, site, now);
  const leftOut = leftOutBy((await Promise.all(members.map(({ process }) => process.peers()))).flat());
  const counts = countAll(backends, MIN_KEYS);
  const wrong = (is: boolean, text: string): void => void (is && problems.push(text));
  wrong(counts.sent === 0 || counts.decoys === 0, 'nothing was sent: the story shows nothing');
  wrong(counts.mixedFiles === 0, 'no file has keys of peers among ours');
  wrong(
    counts.sent !== counts.imported || leftOut > 0,
    `${counts.sent} keys were sent, ${counts.imported} imported, ${leftOut} left out`,
  );
  for (const name of ['doubled', 'ownBack', 'refusedAbroad', 'missing', 'originVisible', 'decoysUnmasked'] as const) {
    wrong(counts[name] > 0, `${name}: ${counts[name]}`);
  }
  wrong(served < 2, 'DE was killed too late: nothing was cut off');
  wrong(altered.fault === null || altered.taken, 'DE took the altered batch');
  wrong(revoked.before.includes(FOREIGN), 'the site was refused before its certificate was taken back');
  const shut = revoked.after.filter((status) => status === FOREIGN).length;
  wrong(shut !== revoked.after.length || shut === 0, 'a certificate that was taken back still opens a feed');
  const refused = foreign.filter((status) => status === FOREIGN).length;
  wrong(refused !== foreign.length || refused === 0, `${foreign.length - refused} foreign feeds were not refused`);
  const rows: Row[] = [
    { name: 'shared', label: 'keys that people shared', value: sharedKeys(shared) },
    { name: 'decoys', label: 'decoys beside them', value: counts.decoys },
    { name: 'sent', label: 'keys sent, once for each reader', value: counts.sent },
    { name: 'imported', label: 'of them published by the reader', value: counts.imported },
    { name: 'leftOut', label: 'of them left out by any rule', value: leftOut },
    { name: 'mixedFiles', label: 'files of peers’ keys among ours', value: counts.mixedFiles },
    { name: 'doubled', label: 'keys published twice', value: counts.doubled },
    { name: 'ownBack', label: 'own keys that came back', value: counts.ownBack },
    { name: 'refusedAbroad', label: 'keys abroad of who refused', value: counts.refusedAbroad },
    { name: 'missing', label: 'keys that were lost', value: counts.missing },
    { name: 'originVisible', label: 'marks of origin in public files', value: counts.originVisible },
    { name: 'decoysUnmasked', label: 'decoys unmasked by subtracting feeds', value: counts.decoysUnmasked },
    { name: 'servedAgain', label: 'times NL served the batch that DE was killed over', value: served },
    { name: 'alteredTaken', label: 'altered batches taken', value: Number(altered.taken) },
    { name: 'alteredFault', label: 'what DE says of it', value: altered.fault ?? 'nothing' },
    { name: 'revokedAsked', label: 'feeds asked for by a certificate taken back', value: revoked.after.length },
    { name: 'revokedRefused', label: 'of them answered with 403', value: shut },
    { name: 'foreignFeeds', label: 'foreign feeds asked for', value: foreign.length },
    { name: 'foreignRefused', label: 'of them answered with 403', value: refused },
  ];
  return { rows, problems };
}
