/**
 * @module The story of an enterprise (docs/federation.md): at some of its sites people test positive and share, twice; each site seals its hours, reads all others, and publishes what it read. In the end every key is
 * counted, from the feeds and files that are served, and what went over the wires, from the sockets.
 */
import type { RandomBytes } from '../../../phone/random.ts';
import { ALL_TO_ALL } from '../../../protocol/feed/names.ts';
import type { PeerStatus } from '../../federation/orders.ts';
import { type Site, workerdMegabytes } from '../../federation/sites.ts';
import { inParallel } from '../../support/in-parallel.ts';
import { moveClock, setClock } from '../../support/operator.ts';
import { type Cast, share, type Shared } from '../federation/cast.ts';
import { type Backend, countAll } from '../federation/count.ts';
import { leftOutBy, lookAt, sharedKeys } from '../federation/look.ts';
import { statusOf } from '../federation/feeds.ts';
import type { Progress, Row } from '../report.ts';
import { MAX_HOLD_HOURS, MIN_KEYS } from './sites.ts';
import { type WireCost, wireCost } from './wire.ts';

const HOUR = 3600;
/** Requests of the driver's own, on two cores. */
const AT_ONCE = 4;
/** One polls all others at once; more of them would wait for one another. */
const POLLING_AT_ONCE = 2;
/** Every third site has a case in an hour: eight of two dozen, as 200 cases a day have it. */
const EVERY = 3;
const [STAYS, REFUSES]: readonly [Cast, Cast] = [
  { stays: 1, abroad: 0, refuses: 0 },
  { stays: 0, abroad: 0, refuses: 1 },
];
/** One in four refuses that the keys leave the site. */
const REFUSING = 4;

/** What the story ends with. */
interface Ending {
  readonly rows: readonly Row[];
  readonly problems: readonly string[];
}

/** @param of some sites @returns what passed at their sockets so far */
function passedAt(of: readonly Site[]): { readonly connections: number; readonly bytes: number } {
  const all = of.flatMap(({ wire }) => wire.passed);
  return { connections: all.length, bytes: all.reduce((sum, { asked, answered }) => sum + asked + answered, 0) };
}

/**
 * @param sites that run, their clocks at `start`
 * @param start Unix seconds, early in a UTC day: the oldest keys leave at midnight, and what has left can't be counted
 * @param random source of bytes
 * @param progress told of each step
 * @returns rows for the table, and what is wrong
 */
export async function playEnterprise(
  sites: readonly Site[],
  start: number,
  random: RandomBytes,
  progress: Progress,
): Promise<Ending> {
  const shared: Shared[] = [];
  let now = start;
  let cases = 0;
  const everywhere = <T>(work: (site: Site) => Promise<T>, width = AT_ONCE): Promise<T[]> =>
    inParallel(
      sites.map((site) => () => work(site)),
      width,
    );
  /** Somebody at every third site, from the `first` on. */
  const peopleShare = async (first: number): Promise<void> => {
    const casts = sites
      .filter((_, at) => at % EVERY === first)
      .map((site, at) => ({ site, cast: at % REFUSING === REFUSING - 1 ? REFUSES : STAYS }));
    cases += casts.length;
    await inParallel(
      casts.map(
        ({ site, cast }) =>
          async () =>
            void shared.push(await share(site, now, random, { cast })),
      ),
      AT_ONCE,
    );
  };
  const hoursPass = async (hours: number): Promise<void> => {
    now = now - (now % HOUR) + hours * HOUR + 60;
    await everywhere(({ url }) => moveClock(url, now));
  };
  const statuses = async (): Promise<PeerStatus[]> =>
    (await everywhere(({ backend }) => backend.obey({ kind: 'peers' }) as Promise<PeerStatus[]>)).flat();
  /** Goes on to when the last consumer is due, and has all ask all. @returns what passed meanwhile */
  const pollAll = async () => {
    const due = (await statuses()).map(({ nextPoll }) => (nextPoll ?? 0) + 1);
    now = Math.max(now, ...due);
    await everywhere(({ url }) => setClock(url, now));
    const before = passedAt(sites);
    await everywhere(({ backend }) => backend.obey({ kind: 'poll' }), POLLING_AT_ONCE);
    const after = passedAt(sites);
    return { connections: after.connections - before.connections, bytes: after.bytes - before.bytes };
  };

  progress(
    `somebody tests positive at every third site, and shares; one in ${REFUSING} refuses that the keys leave the site`,
  );
  await peopleShare(0);
  progress(`${MAX_HOLD_HOURS} hours later nobody else came: each site fills its hour with decoys and seals it`);
  await hoursPass(MAX_HOLD_HOURS + 1);
  progress('each site asks each other one, and imports');
  const first = await pollAll();
  progress('others test positive, and some where somebody did before; hours of people here and elsewhere are sealed');
  await peopleShare(1);
  await peopleShare(0);
  await hoursPass(MAX_HOLD_HOURS + 1);
  progress('each asks each again, and publishes what it read with the next hour');
  const second = await pollAll();
  await hoursPass(1);
  progress('nothing is new, and each asks each once more');
  const third = await pollAll();
  const megabytes = workerdMegabytes();

  progress('every feed is read as a peer reads it, every file as a phone does, and all is counted');
  const backends: Backend[] = await everywhere((site) => lookAt(site, sites, shared, now, () => [ALL_TO_ALL]));
  const [producer] = sites;
  const reader = sites.at(-1) as Site;
  const foreign = await statusOf(reader, producer as Site, reader.plan.id);
  const cost = await wireCost(reader, producer as Site, 1);
  const desks = await statuses();
  const { rows, problems } = judge(backends, desks, shared);
  const pairs = sites.length * (sites.length - 1);
  const polls: readonly [string, string, typeof first][] = [
    ['first', 'first poll: a batch of every third site', first],
    ['second', 'second: a batch of two in three', second],
    ['third', 'third: nothing new', third],
  ];
  if (foreign !== 403) problems.push(`a feed for one site alone is there: ${foreign}`);
  return {
    problems,
    rows: [
      { name: 'sites', label: 'sites, each a workerd with all Workers', value: sites.length },
      { name: 'cases', label: 'people who shared', value: cases },
      ...rows,
      ...polls.flatMap(([name, label, { connections, bytes }]) => [
        { name: `${name}Connections`, label: `${label}: connections`, value: connections },
        { name: `${name}Bytes`, label: `bytes a pair of sites, ${name} poll`, value: Math.round(bytes / pairs) },
      ]),
      ...costRows(cost),
      { name: 'memory', label: 'MiB of a workerd, the largest', value: Math.round(Math.max(0, ...megabytes)) },
      { name: 'memoryOfAll', label: 'MiB of all', value: Math.round(megabytes.reduce((sum, one) => sum + one, 0)) },
    ],
  };
}

/** What became of every key. */
function judge(backends: readonly Backend[], desks: readonly PeerStatus[], shared: readonly Shared[]) {
  const counts = countAll(backends, MIN_KEYS);
  const leftOut = leftOutBy(desks);
  const faults = desks.flatMap(({ fault, config }) => (fault === null ? [] : [`${config.RegionID}: ${fault}`]));
  const problems: string[] = [];
  const wrong = (is: boolean, text: string): void => void (is && problems.push(text));
  wrong(counts.sent === 0 || counts.decoys === 0, 'nothing was sent: the story shows nothing');
  wrong(counts.mixedFiles === 0, 'no file has keys of peers among ours');
  wrong(counts.sent !== counts.imported, `${counts.sent} keys were sent, ${counts.imported} imported`);
  wrong(leftOut > 0, `${leftOut} keys were left out`);
  wrong(faults.length > 0, `polls failed: ${faults.slice(0, 3).join('; ')}`);
  for (const name of ['doubled', 'ownBack', 'refusedAbroad', 'missing', 'originVisible', 'decoysUnmasked'] as const) {
    wrong(counts[name] > 0, `${name}: ${counts[name]}`);
  }
  const batches = backends.reduce((sum, { feeds }) => sum + (feeds.get(ALL_TO_ALL)?.batches ?? 0), 0);
  const rows: Row[] = [
    { name: 'shared', label: 'keys that they shared', value: sharedKeys(shared) },
    { name: 'decoys', label: 'decoys beside them', value: counts.decoys },
    { name: 'batches', label: 'batches of all feeds', value: batches },
    {
      name: 'keysPerBatch',
      label: 'keys a batch',
      value: Math.round(counts.sent / (Math.max(1, batches) * (backends.length - 1))),
    },
    { name: 'sent', label: 'keys sent, once for each reader', value: counts.sent },
    { name: 'imported', label: 'of them published by the reader', value: counts.imported },
    { name: 'mixedFiles', label: 'files of peers’ keys among ours', value: counts.mixedFiles },
    { name: 'doubled', label: 'keys published twice', value: counts.doubled },
    { name: 'ownBack', label: 'own keys that came back', value: counts.ownBack },
    { name: 'refusedAbroad', label: 'keys elsewhere of who refused', value: counts.refusedAbroad },
    { name: 'missing', label: 'keys that were lost', value: counts.missing },
    { name: 'originVisible', label: 'marks of origin in public files', value: counts.originVisible },
    { name: 'decoysUnmasked', label: 'decoys unmasked by subtracting feeds', value: counts.decoysUnmasked },
  ];
  return { rows, problems };
}

function costRows({ handshake, serverChain, clientChain, document, batch, file, keys }: WireCost): Row[] {
  return [
    { name: 'handshakeBytes', label: 'bytes of a connection: full handshake of both', value: handshake },
    { name: 'serverChainBytes', label: 'of them the server’s certificate', value: serverChain },
    { name: 'clientChainBytes', label: 'of them the client’s certificates', value: clientChain },
    { name: 'documentBytes', label: 'bytes of asking what there is', value: document },
    { name: 'batchBytes', label: 'bytes of asking for a batch', value: batch },
    { name: 'fileBytes', label: 'of them the file', value: file },
    { name: 'fileKeys', label: 'keys in it', value: keys },
  ];
}
