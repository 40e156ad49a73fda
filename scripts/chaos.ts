/**
 * @module `npm run chaos`: uploads from several clients, hours sealed, and SIGKILL at random moments, of workerd alone and
 * of the whole process group (docs/architecture.md §12, "faults"). At the end each acknowledged key must be published exactly once
 * in each region, but for those that came after the last journal before a loss of everything that `origin` stores, which are counted. Traffic goes to 127.0.0.1 alone; everything it starts is ended by process id.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { JSON_FLAG, wholeNumber } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { temporaryFolder } from './support/command-line/interrupt.ts';
import { byteSource, type Ledger, patiently, runClient } from './support/patients.ts';
import { type HeadLog, isClean, judge, readHead, REGIONS, type Verdict } from './chaos/verdict.ts';
import { Losses, restoreOrigin } from './chaos/loss.ts';
import { type Target, Victim } from './chaos/victim.ts';
import { freePort } from './support/free-port.ts';
import { advanceUntilIdle, moveClock, setClock } from './support/operator.ts';
import { writeReport } from './support/report.ts';

/** 2026-06-15 01:00 UTC: so early that the whole run is one UTC day (an hour a three kills, in the end a day chunk). */
const START = 1_781_485_200;
const HOURS_IN_RUN = 20;
const MAX_WAIT_MS = 900;
/** Every so many kills, the fifth of them first, `origin` loses all that it stores. */
const KILLS_A_LOSS = 10;
const LOSS = 5;
/** A shorter run shows that it works, not how well. */
const REPORTED_KILLS = 50;

await run(
  {
    name: 'npm run chaos',
    summary: `Kills the local edge N times while phones upload and hours are sealed, then counts what became of every key. From
      ${REPORTED_KILLS} kills on it writes benchmarks/results/chaos.md.`,
    options: {
      kills: wholeNumber('how often', { min: 1, max: 1000, default: 50 }),
      seed: wholeNumber('same seed, same keys and same order of kills', { min: 0, max: 1_000_000_000, default: 1 }),
      clients: wholeNumber('phones that upload at once', { min: 1, max: 64, default: 4 }),
      json: JSON_FLAG,
    },
    examples: ['npm run chaos -- --kills 5 --seed 1'],
  },
  async ({ kills, seed, clients }, { say, print }) => {
    const folder = temporaryFolder('chaos');
    const victim = new Victim(folder.path, await freePort());
    try {
      const edge = await victim.start();
      say(`the local edge runs on ${edge.url}`);
      await moveClock(edge.url, START);
      const drawn = byteSource(`chaos/${seed}`);
      const byte = (): number => drawn(1)[0] ?? 0;
      const ledger: Ledger = { acknowledged: new Set(), abandoned: [], refused: [], attempts: 0 };
      const losses = new Losses();
      const log: HeadLog = { DE: new Map(), EUR: new Map() };
      const note = async (): Promise<void> => {
        for (const region of REGIONS) {
          const seen = await patiently(() => readHead(edge, region));
          if (seen !== null) log[region].set(seen.head.sequence, seen);
        }
      };

      let hour = 0;
      let stop = false;
      const now = (): number => START + hour * 3600;
      // Every third patient is impatient: one attempt, then the phone is off for good.
      const patience = (patient: number): number => (patient % 3 === 2 ? 1 : Number.POSITIVE_INFINITY);
      const running = Array.from({ length: clients }, (_, i) =>
        runClient(edge.url, `chaos/${seed}/${i}`, now, patience, () => stop, ledger),
      );

      const count: Record<Target, number> = { workerd: 0, group: 0, storage: 0 };
      let whileSealing = 0;
      for (let kill = 1; kill <= kills; kill++) {
        const due = Math.min(HOURS_IN_RUN, Math.ceil((kill * HOURS_IN_RUN) / kills));
        const sealing = due > hour || byte() < 128;
        const work = sealing ? seal() : Promise.resolve();
        if (due > hour) hour = Math.min(due, hour + 1);
        await sleep((byte() / 255) * (sealing ? MAX_WAIT_MS / 3 : MAX_WAIT_MS));
        const process: Target = byte() < 128 ? 'workerd' : 'group';
        const target = kill % KILLS_A_LOSS === LOSS ? 'storage' : process;
        await victim.kill(target, async () => {
          if (target === 'storage') await losses.note(victim.state, ledger);
        });
        if (target === 'storage') await restoreOrigin(edge.url, victim.state);
        count[target]++;
        if (sealing) whileSealing++;
        await work;
        say(
          `kill ${String(kill).padStart(String(kills).length)}/${kills}  ${target.padEnd(7)}  ${sealing ? 'while sealing  ' : 'while uploading'}` +
            `  acknowledged ${ledger.acknowledged.size} keys`,
        );
      }
      stop = true;
      await Promise.all(running);
      for (; hour <= HOURS_IN_RUN; hour++) await patiently(() => moveClock(edge.url, now() + 3600)).then(note);

      const verdicts = [];
      for (const region of REGIONS) verdicts.push(await judge(edge, region, ledger, log, losses));
      const isRefusedRightly = losses.count > 0 || ledger.refused.length === 0;
      const clean =
        isRefusedRightly && verdicts.every(isClean) && new Set(verdicts.map((verdict) => verdict.published)).size === 1;
      const result = {
        kills: count,
        whileSealing,
        attempts: ledger.attempts,
        acknowledgedKeys: ledger.acknowledged.size,
        abandonedUploads: ledger.abandoned.length,
        acknowledgedAfterJournal: losses.afterJournal.size,
        refusedRetries: ledger.refused.length,
        regions: verdicts,
        clean,
      };
      print(result, summary(result).join('\n'));
      if (kills >= REPORTED_KILLS) {
        writeReport('chaos', {
          title: 'Killed while it works',
          command: `npm run chaos -- --kills ${kills} --seed ${seed} --clients ${clients}`,
          body: summary(result).join('  \n'),
        });
      }
      return clean ? 0 : 1;

      /** Moves the clock by an hour and lets the origin work, through the kill that comes in the middle of it. */
      async function seal(): Promise<void> {
        await patiently(() => setClock(edge.url, now()));
        await patiently(() => advanceUntilIdle(edge.url));
        await note();
      }
    } finally {
      await victim.end();
      folder.remove();
    }
  },
);

interface RunResult {
  readonly kills: Record<Target, number>;
  readonly whileSealing: number;
  readonly attempts: number;
  readonly acknowledgedKeys: number;
  readonly abandonedUploads: number;
  /** Keys that were acknowledged after the last journal before a loss. */
  readonly acknowledgedAfterJournal: number;
  /** Uploads that were stored after it, and whose phones heard nothing of that before the loss. */
  readonly refusedRetries: number;
  readonly regions: readonly Verdict[];
  readonly clean: boolean;
}

/** The result for a person, line by line. */
function summary(result: RunResult): string[] {
  return [
    `kills: ${result.kills.workerd} of workerd, ${result.kills.group} of the group, ${result.kills.storage} with the loss of all that origin stores;` +
      ` ${result.whileSealing} while sealing`,
    `uploads: ${result.attempts} attempts, ${result.abandonedUploads} given up without an answer`,
    `keys acknowledged: ${result.acknowledgedKeys}, of these after the last journal before a loss: ${result.acknowledgedAfterJournal}`,
    `retries told that their TAN was used, since the first attempt was lost after its answer: ${result.refusedRetries}`,
    ...result.regions.map(
      (v) =>
        `${v.region} published ${v.published}, missing ${v.missing}, doubled ${v.doubled}, half-stored uploads ${v.halfStored},` +
        ` strangers ${v.strangers}, head ${v.sequence}, broken links ${v.brokenLinks}`,
    ),
    result.clean
      ? 'every acknowledged key that a record or a journal had is published exactly once in each region'
      : 'NOT CLEAN',
  ];
}
