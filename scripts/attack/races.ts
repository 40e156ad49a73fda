/**
 * @module `npm run attack -- races`: many requests at once for what there is once (TANs of a positive test, tokens of a test, a
 * teleTAN or a card, dates of birth that may be tried), on the local edge, with each kind of RPC made slow in turn, on its way
 * and on the way back, every call and every second one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { VerificationBackOfficeRpc } from '../../domain/rpc.ts';
import { type Delay, hopsSeen, setDelay, withSlowWire } from '../../local-edge/slow-wire.ts';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { hashGuid } from '../../domain/derived-codes.ts';
import { openLaboratory } from '../support/laboratory.ts';
import { setClock } from '../support/operator.ts';
import { byteSource } from '../support/patients.ts';
import type { Attack, Verdict } from './attack.ts';
import { type Door, EdgeDoor } from './support/door.ts';
import { FormerVerification } from './support/former-verification.ts';

/** 2026-11-24, 10:20 UTC. */
const START = Date.UTC(2026, 10, 24, 10, 20) / 1000;
const DAY_SECONDS = 86_400;
const AT_ONCE = 20;
/** What a call takes across the world; the former ledger gave ten TANs at it. */
const SLOW_MS = 40;
const CARDS = 20;

/** What a round of races came to; the most over all rounds is held against a bound. */
interface Counts {
  /** TANs that one positive test was given on its first day, and that were stored for it in three days. */
  readonly tansOfADay: number;
  readonly uploads: number;
  /** Tokens that one test, teleTAN, card was given. */
  readonly tokens: number;
  readonly teleTanTokens: number;
  readonly cardTokens: number;
  /** Tokens of who is right about the date of birth, while who was wrong asks for TANs and deletes; and TANs of the latter. */
  readonly rightTokens: number;
  readonly wrongTans: number;
  /** Uploads stored with a card that was withdrawn while its TAN was asked for. */
  readonly withdrawnUploads: number;
}

const times = <T>(work: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, (_, i) => work(i)));
const distinct = (given: readonly (string | null)[]): string[] => [...new Set(given.filter((one) => one !== null))];

/** Everybody asks for a TAN at once and uploads with whatever came, on three days. */
async function raceForTans(door: Door, id: string): Promise<Pick<Counts, 'tansOfADay' | 'uploads'>> {
  await door.post([id], 2);
  const token = await door.register(id);
  if (token === null) throw new Error('races: a test did not open');
  let [tansOfADay, uploads] = [0, 0];
  for (let day = 0; day < 3; day++) {
    const tans = distinct(await times(() => door.tan(token)));
    if (day === 0) tansOfADay = tans.length;
    const stored = await Promise.all(tans.flatMap((tan) => [door.upload(tan), door.upload(tan)]));
    uploads += stored.filter(Boolean).length;
    await door.wait(DAY_SECONDS);
  }
  if (uploads === 0) throw new Error('races: nothing was uploaded, so nothing was raced for');
  return { tansOfADay, uploads };
}

/** A wrong date of birth was registered before the laboratory answered; then everything at once. */
async function raceForBirthDate(
  door: Door,
  id: string,
  right: string,
  wrong: string,
): Promise<Pick<Counts, 'rightTokens' | 'wrongTans'>> {
  const early = (await door.register(id, wrong)) ?? '';
  await door.post([id, right], 2);
  const [tokens, tans] = await Promise.all([
    times(() => door.register(id, right)),
    times(async (i) => (i === AT_ONCE / 2 ? door.forget(early).then(() => null) : door.tan(early))),
  ]);
  const shown = await Promise.all(distinct(tokens).map((token) => door.result(token)));
  return { rightTokens: shown.filter((result) => result === 2).length, wrongTans: distinct(tans).length };
}

/** A card's TAN is asked for, and its batch is withdrawn while it is issued. @returns uploads stored with it */
async function raceForWithdrawn(door: Door, office: VerificationBackOfficeRpc, lateMs: number): Promise<number> {
  const sheet = await office.makeCards('race', 'race', CARDS);
  const token = (await door.register(hashGuid(sheet?.cards[0]?.guid ?? ''))) ?? '';
  const asked = times(() => door.tan(token));
  await sleep(lateMs);
  await office.withdrawBatch(sheet?.batch.batchId ?? '', null, START - DAY_SECONDS);
  const stored = await Promise.all(distinct(await asked).map((tan) => door.upload(tan)));
  return stored.filter(Boolean).length;
}

/** One round on the real edge. @param draw hex of so many bytes, new each time */
async function round(edge: LocalEdge, door: Door, draw: (bytes: number) => string): Promise<Counts> {
  const staff = await edge.miniflare.getBindings('exposure-edge-portal');
  const { VERIFICATION } = staff as unknown as { readonly VERIFICATION: VerificationBackOfficeRpc };
  const test = draw(32);
  const dates = Array.from({ length: AT_ONCE }, (_, i) => (i === 0 ? null : `x${draw(32).slice(1)}`));
  const tokens = distinct(await times((i) => door.register(test, dates[i] ?? null)));

  const issued = await VERIFICATION.issueTeleTan('race');
  await VERIFICATION.setTeleTanQuota('race', 10_000);
  const teleTan = issued?.teleTan ?? '';
  const teleTanTokens = distinct(await times(() => door.register(teleTan, null, 'TELETAN')));

  const sheet = await VERIFICATION.makeCards('race', 'race', CARDS);
  const card = hashGuid(sheet?.cards[0]?.guid ?? '');
  const cardTokens = distinct(await times((i) => door.register(card, dates[i] ?? null)));
  const withdrawals: number[] = [];
  for (const lateMs of [SLOW_MS / 4, SLOW_MS / 2, SLOW_MS]) {
    withdrawals.push(await raceForWithdrawn(door, VERIFICATION, lateMs));
  }

  return {
    ...(await raceForBirthDate(door, draw(32), `x${draw(32).slice(1)}`, `x${draw(32).slice(1)}`)),
    ...(await raceForTans(door, draw(32))),
    tokens: tokens.length,
    teleTanTokens: teleTanTokens.length,
    cardTokens: cardTokens.length,
    withdrawnUploads: Math.max(...withdrawals),
  };
}

/** @returns each kind of call, slow on its way and on the way back, always and every second time */
function delaysOf(hops: readonly string[]): Delay[] {
  return hops.flatMap((hop) =>
    (['before', 'after'] as const).flatMap((when) => [1, 2].map((every) => ({ hop, when, every, ms: SLOW_MS }))),
  );
}

const BOUNDS: Readonly<Record<keyof Counts, { readonly what: string; readonly most: number; readonly least: number }>> =
  {
    tansOfADay: { what: 'TANs of one positive test on one day', most: 1, least: 1 },
    uploads: { what: 'uploads of one positive test in three days', most: 2, least: 1 },
    tokens: { what: 'tokens of one test, asked for with 19 dates of birth and with none', most: 1, least: 1 },
    teleTanTokens: { what: 'tokens of one teleTAN', most: 1, least: 1 },
    cardTokens: { what: 'tokens of one code card', most: 1, least: 1 },
    rightTokens: { what: 'tokens of a test whose first date of birth was wrong, for the right one', most: 1, least: 1 },
    wrongTans: { what: 'TANs of the session with the wrong one meanwhile', most: 0, least: 0 },
    withdrawnUploads: { what: 'uploads with a card that is withdrawn while its TAN is issued', most: 0, least: 0 },
  };

function verdictsOf(rounds: readonly Counts[]): Verdict[] {
  return Object.entries(BOUNDS).map(([name, { what, most, least }]) => {
    const counts = rounds.map((counted) => counted[name as keyof Counts]);
    const worst = Math.max(...counts);
    return {
      what: `${what}, ${AT_ONCE} at once, over ${rounds.length} rounds`,
      figure: `at most ${worst}`,
      bound: `at most ${most}`,
      // A round in which nobody got anything was no race.
      holds: worst <= most && Math.min(...counts) >= least,
    };
  });
}

/**
 * @param seed of ids and keys
 * @param progress prints a line
 * @param chosen which of the delays to try; all when left out
 */
export async function races(
  seed: number,
  progress: (text: string) => void,
  chosen: (delays: readonly Delay[]) => readonly Delay[] = (delays) => delays,
): Promise<readonly Verdict[]> {
  const random = byteSource(`races ${seed}`);
  const draw = (bytes: number): string => toHex(random(bytes));
  const edge = await startLocalEdge({
    vars: { upload: { ANSWER_DEADLINE_MS: '0' }, verification: { ANSWER_DEADLINE_MS: '0' } },
    adapt: withSlowWire,
    onLog: () => undefined,
  });
  try {
    await openLaboratory(edge, { id: 'lab', name: 'Laboratory', birthDate: 'optional' });
    const rounds: Counts[] = [];
    const run = async (delay: Delay | null): Promise<void> => {
      await setDelay(edge.url, delay);
      await setClock(edge.url, START);
      rounds.push(await round(edge, new EdgeDoor(edge, START, draw(8)), draw));
    };
    await run(null);
    const tried = new Set<string>();
    // Slow calls bring about calls that a quick round needed not: the list grows while it is gone through.
    for (let hops = await hopsSeen(edge.url); hops.length > tried.size; hops = await hopsSeen(edge.url)) {
      const next = hops.filter((hop) => !tried.has(hop));
      for (const hop of next) tried.add(hop);
      for (const delay of chosen(delaysOf(next))) {
        progress(`${delay.hop} ${delay.when}, each ${delay.every}.`);
        await run(delay);
      }
    }
    const former = await raceForTans(new FormerVerification(SLOW_MS), draw(32));
    const found: Verdict = {
      what: `the former rule, its ledger ${SLOW_MS} ms away: TANs of one positive test on one day`,
      figure: String(former.tansOfADay),
      bound: 'found: at least 3',
      holds: former.tansOfADay >= 3,
    };
    return [...verdictsOf(rounds), found];
  } finally {
    await edge.dispose();
  }
}

export const attack: Attack = {
  name: 'races',
  summary: 'TANs, tokens, teleTANs and cards asked for many times at once, each hop slow in turn',
  run: ({ seed, progress }) => races(seed, progress),
};
