/**
 * @module The stages of `npm run load`: which scenarios run at which part of the rate, and what each must show beside its own
 * thresholds. All figures are of this machine; what carries over are the bounds, the ratios and the bytes.
 */
import { join } from 'node:path';
import { advanceUntilIdle } from '../../scripts/support/operator.ts';
import { answerSizes } from './answer-size.ts';
import { type Assertion, type Context, type ScenarioResult, withTier } from './context.ts';
import { CALLS_BY_PHONES, sumOf } from './counters.ts';
import { prepareUploads } from './prepare-uploads.ts';
import { runScenario, type Seen } from './run-scenario.ts';
import { sessionRows } from './session-rows.ts';

/** Steps of the search for the highest factor that is held: about a quarter more each. */
const FACTORS = [
  0.01, 0.02, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.125, 0.15, 0.19, 0.24, 0.3, 0.38, 0.48, 0.6, 0.75, 1,
];
/** Part of what is held that the other scenarios run at, so that a slow second is no failure. */
const EASY = 0.5;

/** Real uploads, dummies and the flood's requests: what k6 told. */
const iterations = ({ value }: Seen): number => value('iterations', 'count');

/**
 * Seals an hour while phones read. Must come first: the hour that has just ended is not sealed yet.
 *
 * @param context of the run
 * @param factor part of the rate
 * @returns the result
 */
export function sealUnderLoad(context: Context, factor: number): Promise<ScenarioResult> {
  // Edges show a new head when its TTL of 60 s is over; in CI only readers without a cache see it.
  const duration = context.ci ? 6 : 80;
  return runScenario(context, {
    scenario: 'seal-under-load',
    factor,
    duration,
    during: {
      seconds: Math.max(2, duration / 4),
      act: async () => {
        await advanceUntilIdle(context.edge.url);
      },
    },
    assert: ({ value }) => [
      {
        text: `heads of the new hour seen: ${value('new_heads_seen', 'count')}`,
        holds: value('new_heads_seen', 'count') > 0,
      },
    ],
  });
}

/**
 * Looks for the highest part of the rate that is held without a dropped session and within the thresholds on times.
 *
 * @param context of the run
 * @returns that factor, and each step
 */
export async function findHeldFactor(context: Context): Promise<{ held: number; steps: ScenarioResult[] }> {
  const steps: ScenarioResult[] = [];
  let held = 0;
  for (const factor of FACTORS) {
    const plan = { scenario: 'download-steady', factor, duration: 6 };
    let step = await runScenario(context, plan);
    // Once more: somebody else's work on the same cores is no limit of ours.
    if (!holdsAll(step)) step = await runScenario(context, plan);
    steps.push(step);
    if (!holdsAll(step)) break;
    held = factor;
  }
  return { held, steps };
}

const holdsAll = ({ assertions }: ScenarioResult): boolean => assertions.every(({ holds }) => holds);

/**
 * Every download scenario.
 *
 * @param context of the run
 * @param held highest factor that this machine held, or the one to use in CI
 * @returns the results
 */
export async function downloads(context: Context, held: number): Promise<ScenarioResult[]> {
  const duration = context.ci ? 4 : 20;
  const at = (part: number): number => Number((held * part).toPrecision(2));
  return [
    await runScenario(context, { scenario: 'download-steady', factor: at(EASY), duration: context.ci ? 4 : 70 }),
    await runScenario(context, { scenario: 'download-peak', factor: at(EASY / 60), duration }),
    await runScenario(context, { scenario: 'download-first-install', factor: at(EASY), duration }),
    await runScenario(context, { scenario: 'download-catch-up', factor: at(EASY), duration }),
    await runScenario(context, { scenario: 'config', factor: at(EASY), duration }),
    await runScenario(context, {
      scenario: 'download-flood',
      factor: at(EASY / 10),
      duration,
      assert: ({ counters }) => bucketReads(sumOf(counters, 'r2.get', 'r2.head')),
    }),
  ];
}

/** Objects that the honest phones of a flood read: the head and the newest chunk, once a TTL; ranges come from that copy. */
const FLOOD_OBJECTS = 8;

function bucketReads(reads: number): Assertion[] {
  return [
    {
      text: `the flood does not reach the bucket: ${reads} reads, no more than ${FLOOD_OBJECTS} by honest phones`,
      holds: reads > 0 && reads <= FLOOD_OBJECTS,
    },
  ];
}

/**
 * Uploads among dummies, uploads under a flood, and polls of test results.
 *
 * @param context of the run
 * @param factor part of 150 real uploads a second
 * @returns the results
 */
export async function uploads(context: Context, factor: number): Promise<ScenarioResult[]> {
  const duration = context.ci ? 4 : 20;
  const file = join(context.folder, 'uploads.json');
  // k6 may send one more than the rate says.
  const prepared = Math.ceil(150 * factor * duration * 1.5) + 20;
  const environment = { UPLOADS: file };
  const results: ScenarioResult[] = [];
  for (const [scenario, part] of [
    ['upload-mix', 1],
    ['upload-flood', 0.1],
  ] as const) {
    await prepareUploads(context.edge, prepared, file);
    const plan = { scenario, factor: Number((factor * part).toPrecision(2)), duration, environment };
    results.push(await runScenario(context, { ...plan, assert: storedOnce }));
  }
  const sizes = await withTier(context, 'sizes', ({ edges: [edge = ''] }) => answerSizes(edge));
  for (const { text, holds } of sizes) context.say(`  ${holds ? 'ok' : 'MISSED'}  ${text}`);
  results[0] = { ...mixed(results), assertions: [...mixed(results).assertions, ...sizes] };
  const polls = { scenario: 'verification-poll', factor: Number((factor * 0.5).toPrecision(2)), duration };
  results.push(await runScenario(context, polls));
  await prepareUploads(context.edge, prepared, file);
  results.push(await verificationFlood(context, Number((factor * 0.1).toPrecision(2)), duration, environment));
  return results;
}

/** What a TAN leads to beside the calls of an accepted upload, which are counted apart. */
const CALLS_FOR_ODD_TANS = [
  'TanLedger.release',
  'TanLedger.issue',
  'TanLedger.status',
  'TanLedger.withdraw',
  'SubmissionBuffer.known',
  'SubmissionBuffer.resolve',
];

/** Failed guesses are counted in samples of 32: so few calls for so many, five more for chance. */
const fewSamples = (guesses: number): number => guesses / 8 + 5;

/** Polls and uploads under a flood of `verification`; what it leaves is counted in the store. */
async function verificationFlood(
  context: Context,
  factor: number,
  duration: number,
  environment: Readonly<Record<string, string>>,
): Promise<ScenarioResult> {
  const before = sessionRows(context.edge);
  const assertRows = (seen: Seen): Assertion[] => {
    const after = sessionRows(context.edge);
    const [tests, teleTans, tokens, deadTans] = [
      'made_up_tests',
      'made_up_teletans',
      'made_up_tokens',
      'dead_tans',
    ].map((metric) => seen.value(metric, 'count')) as [number, number, number, number];
    const made = after.sessions - before.sessions;
    const samples = sumOf(seen.counters, 'CodeDesk.countFailedGuesses');
    const reached = sumOf(seen.counters, ...CALLS_FOR_ODD_TANS);
    return [
      ...storedOnce(seen),
      {
        text: `rows left: ${made} by ${tests} made-up tests; none by ${teleTans} teleTANs, ${tokens} tokens; ${after.claims - before.claims} claims`,
        holds: made === tests && after.claims === before.claims && Math.min(tests, teleTans, tokens) > 0,
      },
      {
        text: `${teleTans} made-up teleTANs were counted by ${samples} writes`,
        holds: samples <= fewSamples(teleTans),
      },
      { text: `${deadTans} forged and expired TANs made ${reached} calls`, holds: deadTans > 0 && reached === 0 },
    ];
  };
  return runScenario(context, { scenario: 'verification-flood', factor, duration, environment, assert: assertRows });
}

/** The first of the upload scenarios. */
function mixed([first]: readonly ScenarioResult[]): ScenarioResult {
  if (first === undefined) throw new Error('load: upload-mix was not run');
  return first;
}

/** Each accepted upload was stored by one call and redeemed by one pair; nothing else made a call (docs/architecture.md §4). */
function storedOnce(seen: Seen): Assertion[] {
  const accepted = seen.value('uploads_accepted', 'count');
  const [stored, , reserved, committed] = CALLS_BY_PHONES.map((call) => sumOf(seen.counters, call));
  return [
    { text: `uploads accepted: ${accepted}, stored by ${stored} calls`, holds: accepted > 0 && stored === accepted },
    {
      text: `TANs reserved ${reserved} and committed ${committed} times, of ${iterations(seen)} requests`,
      holds: reserved === accepted && committed === accepted,
    },
  ];
}
