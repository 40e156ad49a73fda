/**
 * @module `npm run chaos -- --story federation`: three backends exchange keys while one of them after the other loses its power, in the middle of uploads, of a seal or of an import. At the end each key
 * that was sent must be published by who read it, exactly once; counted from what is served (scripts/demo/federation/count.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Shared, share } from '../demo/federation/cast.ts';
import { type Backend, countAll, type Counts } from '../demo/federation/count.ts';
import { leftOutBy, lookAt, sharedKeys } from '../demo/federation/look.ts';
import { MIN_KEYS, REGIONS, STORY_VARS } from '../demo/federation/story.ts';
import { type Member, startFederation } from '../federation/federation.ts';
import { makePlan } from '../federation/plan.ts';
import { isUsual } from '../federation/usual-lines.ts';
import { advanceUntilIdle, setClock } from '../support/operator.ts';
import { byteSource } from '../support/patients.ts';
import { patiently } from './clients.ts';

const DAY = 86_400;
const HOUR = 3600;
/** So early that the whole run is one UTC day: the oldest keys leave at midnight, and what has left can't be counted. */
const BEGIN = 20 * 60;
const HOURS_IN_RUN = 19;

/** What a backend is killed in, and how long that takes at most here. */
const LONGEST_MS = { uploading: 1_000, sealing: 2_000, importing: 600 } as const;
type Work = keyof typeof LONGEST_MS;
const WORKS: readonly Work[] = ['importing', 'sealing', 'uploading'];

/** What a run came to. */
export interface FederationChaos extends Counts {
  readonly kills: Readonly<Record<Work, number>>;
  /** Keys that people shared; each of their uploads was acknowledged in the end. */
  readonly shared: number;
  /** Keys that broke a rule of the reader's. */
  readonly leftOut: number;
  /** What a Worker printed that isn't a count of requests. */
  readonly said: readonly string[];
  readonly clean: boolean;
}

/** How to run it. */
interface ChaosOptions {
  /** For everything; removed by who made it. */
  readonly folder: string;
  readonly kills: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** @returns what became of every key @throws Error when a backend doesn't come back */
export async function federationChaos({ folder, kills, seed, say }: ChaosOptions): Promise<FederationChaos> {
  const random = byteSource(`chaos-federation/${seed}`);
  const byte = (): number => random(1)[0] ?? 0;
  // Yesterday: TLS lives by the machine's clock, and no certificate is of the future there.
  let now = (Math.floor(Date.now() / 1000 / DAY) - 1) * DAY + BEGIN;
  const said: string[] = [];
  const start = now;
  const plan = await makePlan(folder, REGIONS, start);
  const federation = await startFederation(plan, {
    vars: STORY_VARS,
    now: () => start,
    setClocks: true,
    onLog: (region, line) => void (isUsual(line) || said.push(`${region}: ${line}`)),
  });
  const { members } = federation;
  try {
    say(`three backends run: ${members.map(({ plan: { id }, url }) => `${id} ${url}`).join(', ')}`);
    const shared: Shared[] = [];
    const everywhere = (work: (member: Member) => Promise<unknown>): Promise<unknown> => Promise.all(members.map(work));
    const works: Readonly<Record<Work, () => Promise<unknown>>> = {
      uploading: () =>
        everywhere(async (member) => shared.push(await share(member, now, random, { persist: patiently }))),
      async sealing() {
        now = now - (now % HOUR) + HOUR + 60;
        await everywhere(({ url }) => patiently(async () => (await setClock(url, now), advanceUntilIdle(url))));
      },
      async importing() {
        const desks = (await Promise.all(members.map(({ process }) => patiently(() => process.peers())))).flat();
        now = Math.max(now, ...desks.map(({ nextPoll }) => (nextPoll ?? 0) + 1));
        await everywhere(({ url }) => patiently(() => setClock(url, now)));
        await everywhere(({ process }) => patiently(() => process.poll()));
      },
    };
    const count: Record<Work, number> = { uploading: 0, sealing: 0, importing: 0 };
    let hours = 0;
    for (let kill = 1; kill <= kills; kill += 1) {
      const killedIn = WORKS[byte() % WORKS.length] ?? 'importing';
      const victim = members[byte() % members.length] as Member;
      const part = byte() / 255;
      const isNextHour = Math.ceil((kill * HOURS_IN_RUN) / kills) > hours;
      if (isNextHour) hours += 1;
      for (const work of ['uploading', 'sealing', 'importing'] as const) {
        // A run of more kills than a day has hours kills several times in one.
        if (!isNextHour && work !== killedIn) continue;
        const working = works[work === 'sealing' && !isNextHour ? 'importing' : work]();
        if (work === killedIn) {
          await sleep(part * LONGEST_MS[work]);
          await victim.process.kill();
          await victim.process.start();
          count[work] += 1;
        }
        await working;
      }
      say(
        `kill ${String(kill).padStart(String(kills).length)}/${kills}  ${victim.plan.id}  ${killedIn.padEnd(9)}  ${sharedKeys(shared)} keys shared`,
      );
    }
    // What waits is sealed, read and published; a peer that failed is asked again later.
    await works.sealing();
    for (let round = 0; round < 3; round += 1) await works.importing();
    await works.sealing();

    const backends: Backend[] = [];
    for (const member of members) backends.push(await lookAt(member, members, shared, now));
    const counts = countAll(backends, MIN_KEYS);
    const leftOut = leftOutBy((await Promise.all(members.map(({ process }) => process.peers()))).flat());
    const { sent, imported, doubled, ownBack, refusedAbroad, missing, originVisible, decoysUnmasked } = counts;
    const clean =
      sent > 0 &&
      sent === imported &&
      leftOut + doubled + ownBack + refusedAbroad + missing + originVisible + decoysUnmasked === 0;
    return { ...counts, kills: count, shared: sharedKeys(shared), leftOut, said, clean };
  } finally {
    await federation.end();
  }
}

/** @returns a run for a person, line by line */
export function federationSummary(result: FederationChaos): string[] {
  const { kills, leftOut } = result;
  return [
    `kills: ${kills.uploading} while uploading, ${kills.sealing} while sealing, ${kills.importing} while importing`,
    `keys shared ${result.shared}, of these lost ${result.missing}; decoys beside them ${result.decoys}`,
    `keys sent, once for each reader, ${result.sent}: published by the reader ${result.imported}, left out ${leftOut}`,
    `doubled ${result.doubled}, own keys back ${result.ownBack}, abroad of who refused ${result.refusedAbroad}, marks of origin ${result.originVisible},` +
      ` decoys unmasked ${result.decoysUnmasked}; files of peers' keys among ours ${result.mixedFiles}`,
    ...result.said.map((line) => `a Worker said: ${line}`),
    result.clean ? 'every key that was sent is published by its reader exactly once' : 'NOT CLEAN',
  ];
}
