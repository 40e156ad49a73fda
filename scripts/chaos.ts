/**
 * @module `npm run chaos`: uploads from several clients, hours sealed, batches rolled back, keys withdrawn, and SIGKILL at moments that the seed draws, of workerd alone and
 * of the whole process group (docs/architecture.md §12, "faults"), some with the loss of all that `origin` stores. Traffic goes to 127.0.0.1 alone; everything it starts is
 * ended by process id.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { JSON_FLAG, oneOf, wholeNumber } from './support/command-line/arguments.ts';
import { type Io, run } from './support/command-line/command.ts';
import { temporaryFolder } from './support/command-line/interrupt.ts';
import { advanceUntilIdle, moveClock, setClock } from './support/operator.ts';
import { byteSource } from './support/patients.ts';
import { writeReport } from './support/report.ts';
import { type Ledger, patiently, runClient } from './chaos/clients.ts';
import { verifyAuditLog, verifyEventLog } from './chaos/logs.ts';
import { Losses, restoreOrigin } from './chaos/loss.ts';
import { drawMoments, type Moment, type Target } from './chaos/moments.ts';
import { Phones } from './chaos/phones.ts';
import { readHead, Reader, REGIONS, type SeenHead } from './support/published.ts';
import { type RunResult, summary } from './chaos/summary.ts';
import { TakingBack } from './chaos/taking-back.ts';
import { isClean, judge } from './chaos/verdict.ts';
import { Victim } from './chaos/victim.ts';
import { freePort } from './support/free-port.ts';

/** 2026-06-15 14:00 UTC: midnight comes in the middle of the run. */
const START = 1_781_532_000;
/** Hours that pass while something is killed; by the end of {@link END} all of it lies in days. */
const HOURS_IN_RUN = 20;
/** The midnight after that and three hours. */
const END = 10 + 24 + 3;
const MAX_WAIT_MS = 900;
/** How long what goes on takes at most, here; in the middle of it is a part of that. */
const LONGEST_MS = { seal: 300, rollback: 1_500, withdrawals: 100, restore: 4_000 } as const;
/** One in so many clients has its TANs by code cards. */
const WITH_CARD = 3;
/** Of code cards: as many as some fifty kills use, and printed within the time of a start. */
const BATCHES_AT_ONCE = 12;
/** A shorter run shows that it works, not how well. */
const REPORTED_KILLS = 50;
const FEDERATION_KILLS = 20;

await run(
  {
    name: 'npm run chaos',
    summary: `Kills the local edge N times while phones upload, hours are sealed, batches of code cards are rolled back and keys are withdrawn, then counts what became of
      every key. From ${REPORTED_KILLS} kills on it writes benchmarks/results/chaos.md; of a federation, from ${FEDERATION_KILLS} on, chaos-federation.md.`,
    options: {
      story: oneOf(
        'which; federation: three backends that exchange keys, and die in turn',
        { country: '', federation: '' },
        'country',
      ),
      kills: wholeNumber('how often', { min: 1, max: 1000, default: 50 }),
      seed: wholeNumber('same seed, same keys and same moments', { min: 0, max: 1_000_000_000, default: 1 }),
      clients: wholeNumber('phones that upload at once; one in three has code cards', {
        min: 1,
        max: 64,
        default: 4,
      }),
      json: JSON_FLAG,
    },
    examples: ['npm run chaos -- --kills 5 --seed 1', 'npm run chaos -- --story federation --kills 20'],
  },
  async ({ story, kills, seed, clients }, { say, print }) => {
    const folder = temporaryFolder('chaos');
    if (story === 'federation') return federation(folder, kills, seed, { say, print });
    const victim = new Victim(folder.path, await freePort());
    try {
      const drawn = byteSource(`chaos/${seed}`);
      const byte = (): number => drawn(1)[0] ?? 0;
      const moments = drawMoments(kills, byte);
      // One more than are rolled back; in a long run they are printed by and by, at restarts.
      const wanted = moments.filter(({ work }) => work === 'rollback').length + 1;
      const edge = await victim.start(Math.min(wanted, BATCHES_AT_ONCE));
      say(`the local edge runs on ${edge.url}`);
      await moveClock(edge.url, START);
      const ledger: Ledger = { patients: [], heard: [], met: new Set(), attempts: 0 };
      const losses = new Losses();
      let hour = 0;
      let stop = false;
      const now = (): number => START + hour * 3600;
      const taking = new TakingBack(edge.url, victim.state, edge.batches, ledger, now, `chaos/${seed}`);
      const phones = new Phones(edge, ledger.heard, now, byte);
      const regions = REGIONS.map((region) => ({
        region,
        reader: new Reader(edge, region),
        heads: new Map<number, SeenHead>(),
      }));
      /** Reads what each region lists now, and lets phones download. */
      const note = async (): Promise<void> => {
        for (const { region, reader, heads } of regions) {
          await patiently(async () => {
            const seen = await readHead(edge, region);
            if (seen === null || heads.has(seen.head.sequence)) return;
            await reader.listed(seen.head);
            heads.set(seen.head.sequence, seen);
          });
        }
        await phones.download();
      };
      /** Moves the clock to an hour and lets the origin work, through the kill that comes in the middle of it. */
      const seal = async (until: number): Promise<void> => {
        await patiently(() => setClock(edge.url, START + until * 3600));
        hour = until;
        await patiently(() => advanceUntilIdle(edge.url));
        await note();
      };

      // Every third patient is impatient: one attempt, then the phone is off for good.
      const patience = (patient: number): number => (patient % 3 === 2 ? 1 : Number.POSITIVE_INFINITY);
      const running = Array.from({ length: clients }, (_, i) =>
        runClient(
          {
            url: edge.url,
            name: `chaos/${seed}/${i}`,
            now,
            batch: () => (i % WITH_CARD === 0 ? taking.batch() : null),
            patience,
            stopped: () => stop,
          },
          ledger,
        ),
      );
      const clientsEnd = Promise.all(running);
      // What goes wrong with one of them ends the run now.
      const orClientsFail = <T>(work: Promise<T>): Promise<T> =>
        Promise.race([
          work,
          clientsEnd.then(
            () => work,
            (error: unknown) => Promise.reject(error as Error),
          ),
        ]);

      /** Kills, and brings back what was lost, through a kill of its own. */
      const kill = async ({ target, restoreCutAt }: Moment): Promise<void> => {
        const atRest = async (): Promise<void> => {
          if (target === 'storage') await losses.note(victim.state, ledger);
        };
        taking.addBatches(await victim.kill(target, atRest, Math.min(wanted - taking.printed(), BATCHES_AT_ONCE)));
        if (target !== 'storage') return;
        if (restoreCutAt !== null) {
          const cut = restoreOrigin(edge.url, victim.state).catch(() => null);
          await sleep(restoreCutAt * LONGEST_MS.restore);
          await victim.kill('group');
          await cut;
        }
        await restoreOrigin(edge.url, victim.state);
      };

      const count: Record<Target, number> = { workerd: 0, group: 0, storage: 0 };
      const during = { sealing: 0, rollback: 0, withdrawals: 0, restore: 0 };
      for (const [n, moment] of moments.entries()) {
        const due = Math.min(HOURS_IN_RUN, Math.ceil(((n + 1) * HOURS_IN_RUN) / kills));
        const { work, when, part } = moment;
        const sealing = due > hour || moment.sealing;
        const start = (): Promise<unknown> =>
          Promise.all([
            sealing ? seal(Math.min(due, hour + 1)) : null,
            work === 'rollback' ? taking.rollBack() : null,
            work === 'withdrawals' ? taking.withdraw() : null,
          ]);
        const longest = work === 'nothing' ? (sealing ? LONGEST_MS.seal : MAX_WAIT_MS) : LONGEST_MS[work];
        const step = async (): Promise<void> => {
          if (when === 'before') {
            const killed = kill(moment);
            await Promise.all([killed, start()]);
            return;
          }
          const working = start();
          if (when === 'after') await working;
          else await sleep(part * longest);
          await Promise.all([kill(moment), working]);
        };
        await orClientsFail(step());
        count[moment.target]++;
        if (sealing) during.sealing++;
        if (work !== 'nothing') during[work]++;
        if (moment.target === 'storage' && moment.restoreCutAt !== null) during.restore++;
        say(
          `kill ${String(n + 1).padStart(String(kills).length)}/${kills}  ${moment.target.padEnd(7)}  ${when.padEnd(6)}  ${sealing ? 'sealing  ' : 'uploading'}` +
            `  ${work.padEnd(11)}  ${ledger.patients.length} uploads`,
        );
      }
      stop = true;
      await clientsEnd;
      for (let next = hour + 1; next <= END; next++) await seal(next);

      const verdicts = [];
      const listed = new Set<string>();
      for (const { region, reader, heads } of regions) {
        const last = await readHead(edge, region);
        if (last === null) throw new Error(`${region}: no head was ever published`);
        const found = { region, heads, listed: await reader.listed(last.head), tree: await reader.tree() };
        const more = { revoked: await reader.revoked(last.head), everListed: reader.everListed() };
        verdicts.push(judge({ ...found, ...more }, ledger, taking.ended, losses, now()));
        for (const name of found.listed.keys()) listed.add(name);
      }
      const met = await phones.judge(ledger.met, listed);
      const audit = await verifyAuditLog(edge.url, now());
      await victim.end();
      const logs = [...audit, ...(await verifyEventLog(victim.state))];
      const fates = (fate: string): number => ledger.patients.filter(({ upload }) => upload === fate).length;
      const refusedRetries = ledger.patients.filter((one) => one.upload === 'refused' && one.batchId === null).length;
      const clean =
        (losses.count > 0 || refusedRetries === 0) &&
        verdicts.every(isClean) &&
        new Set(verdicts.map(({ published }) => published)).size === 1 &&
        met.differing + met.errors.length + logs.length === 0 &&
        taking.rollbacks.done === taking.rollbacks.asked;
      const result: RunResult = {
        kills: count,
        during,
        attempts: ledger.attempts,
        acknowledgedUploads: fates('acknowledged'),
        abandonedUploads: fates('abandoned'),
        refusedUploads: fates('refused'),
        refusedRetries,
        acknowledgedAfterJournal: losses.afterJournal.size,
        journalAges: losses.journalAges,
        withdrawnAfterJournal: losses.cameBack.size,
        withoutBatch: losses.withoutBatch.size,
        rollbacks: taking.rollbacks,
        withdrawals: taking.withdrawals,
        dummies: taking.dummies,
        regions: verdicts,
        phones: met,
        logs,
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
    } finally {
      await victim.end();
      folder.remove();
    }
  },
);

/** The other story. */
async function federation(
  folder: ReturnType<typeof temporaryFolder>,
  kills: number,
  seed: number,
  { say, print }: Pick<Io, 'say' | 'print'>,
): Promise<number> {
  // Loaded late: --help and a wrong call answer at once.
  const { federationChaos, federationSummary } = await import('./chaos/federation.ts');
  try {
    const result = await federationChaos({ folder: folder.path, kills, seed, say });
    const lines = federationSummary(result);
    print(result, lines.join('\n'));
    if (kills >= FEDERATION_KILLS) {
      writeReport('chaos-federation', {
        title: 'Backends of a federation, killed while they exchange keys',
        command: `npm run chaos -- --story federation --kills ${kills} --seed ${seed}`,
        body: lines.join('  \n'),
      });
    }
    return result.clean ? 0 : 1;
  } finally {
    folder.remove();
  }
}
