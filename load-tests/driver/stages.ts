/**
 * @module The stages of `npm run load`: which scenarios run at which part of the rate, and what each must show beside its own
 * thresholds. All figures are of this machine; what carries over are the bounds, the ratios and the bytes.
 */
import { join } from 'node:path';
import { advanceUntilIdle } from '../../scripts/support/operator.ts';
import { answerSizes } from './answer-size.ts';
import { type Assertion, type Context, type ScenarioResult, withTier } from './context.ts';
import { sumOf } from './counters.ts';
import { prepareCover } from './prepare-cover.ts';
import { prepareUploads } from './prepare-uploads.ts';
import { googleScenarios } from './google-stages.ts';
import { type Plan, runScenario, type Seen } from './run-scenario.ts';
import { storedOnce } from './stored-once.ts';
import { sessionRows } from './session-rows.ts';

/** Steps of the search for the highest factor that is held: about a quarter more each. */
const FACTORS = [
  0.01, 0.02, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.125, 0.15, 0.19, 0.24, 0.3, 0.38, 0.48, 0.6, 0.75, 1,
];
/** Part of what is held that the other scenarios run at, so that a slow second is no failure. */
const EASY = 0.5;

/** Scenarios that can be chosen, in the order in which they run; `bytes` belongs to a whole run. */
export const SCENARIO_NAMES = [
  'seal-under-load',
  'download-steady',
  'download-peak',
  'download-first-install',
  'download-catch-up',
  'config',
  'download-flood',
  'upload-mix',
  'upload-flood',
  'verification-poll',
  'verification-flood',
  'upload-publish',
  'verification-certificate',
  'cover',
  'portal',
] as const;
type ScenarioName = (typeof SCENARIO_NAMES)[number];

/** @param name as somebody typed it @returns whether there is such a scenario */
export const isScenario = (name: string): name is ScenarioName => (SCENARIO_NAMES as readonly string[]).includes(name);

/** How each of some scenarios is run. */
type Stages = readonly (readonly [name: ScenarioName, run: () => Promise<ScenarioResult>])[];

/** Runs those that are wanted, one after the other. */
async function runWanted({ only }: Context, stages: Stages): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  for (const [name, run] of stages) if (only === null || only.includes(name)) results.push(await run());
  return results;
}

/**
 * Seals an hour while phones read. Must come first: the hour that has just ended is not sealed yet.
 *
 * @param context of the run
 * @param factor part of the rate
 * @returns the result, none when it isn't wanted
 */
export function sealUnderLoad(context: Context, factor: number): Promise<ScenarioResult[]> {
  // Edges show a new head when its TTL of 60 s is over; in CI only readers without a cache see it.
  const duration = context.ci ? 6 : 80;
  const plan: Plan = {
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
  };
  return runWanted(context, [['seal-under-load', () => runScenario(context, plan)]]);
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
  const stage = (scenario: ScenarioName, part: number, more: Partial<Plan> = {}): Stages[number] => {
    const plan = { scenario, factor: Number((held * part).toPrecision(2)), duration, ...more };
    return [scenario, () => runScenario(context, plan)];
  };
  return runWanted(context, [
    stage('download-steady', EASY, { duration: context.ci ? 4 : 70 }),
    stage('download-peak', EASY / 60),
    stage('download-first-install', EASY),
    stage('download-catch-up', EASY),
    stage('config', EASY),
    stage('download-flood', EASY / 10, {
      assert: ({ counters }) => bucketReads(sumOf(counters, 'r2.get', 'r2.head')),
    }),
  ]);
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
  const at = (part: number): number => Number((factor * part).toPrecision(2));
  const storing = (scenario: ScenarioName, part: number): Stages[number] => [
    scenario,
    async () => {
      await prepareUploads(context.edge, prepared, file);
      return runScenario(context, { scenario, factor: at(part), duration, environment, assert: storedOnce });
    },
  ];
  const [mixName, mix] = storing('upload-mix', 1);
  return runWanted(context, [
    [
      mixName,
      async () => {
        const result = await mix();
        const sizes = await withTier(context, 'sizes', ({ edges: [edge = ''] }) => answerSizes(edge));
        for (const { text, holds } of sizes) context.say(`  ${holds ? 'ok' : 'MISSED'}  ${text}`);
        return { ...result, assertions: [...result.assertions, ...sizes] };
      },
    ],
    storing('upload-flood', 0.1),
    ['verification-poll', () => runScenario(context, { scenario: 'verification-poll', factor: at(0.5), duration })],
    [
      'verification-flood',
      async () => {
        await prepareUploads(context.edge, prepared, file);
        return verificationFlood(context, at(0.1), duration, environment);
      },
    ],
    // In CI only where they are asked for: each would take ten seconds of its time.
    ...(context.ci && context.only === null
      ? []
      : [
          ...googleScenarios(context, { factor: at(0.5), duration, prepared, file }),
          ['cover', () => cover(context, at(0.4), duration)] as const,
        ]),
  ]);
}

/** What requests about tests, codes and keys call. */
const CALLED_FOR_PEOPLE = /^(TestSession|TanLedger|CodeStore|CodeDesk|SubmissionBuffer\.(accept|resolve|known))\b/;

/** Cover of some phones: whatever it is, no object hears of it. */
function cover(context: Context, factor: number, duration: number): Promise<ScenarioResult> {
  const file = join(context.folder, 'cover.json');
  prepareCover(file);
  const assert = ({ counters, value }: Seen): Assertion[] => {
    const calls = sumOf(counters, ...[...counters.keys()].filter((name) => CALLED_FOR_PEOPLE.test(name)));
    return [
      { text: `objects called for ${value('iterations', 'count')} feigned actions: ${calls}`, holds: calls === 0 },
    ];
  };
  return runScenario(context, { scenario: 'cover', factor, duration, environment: { UPLOADS: file }, assert });
}

/** Staff at the portal, which has no cache in front: each code that was read was made by one call. */
export async function staff(context: Context): Promise<ScenarioResult[]> {
  const plan: Plan = {
    scenario: 'portal',
    // Half of a country's staff: the browser's part, k6 and the Workers share this machine.
    factor: context.ci ? 0.1 : 0.5,
    duration: context.ci ? 4 : 20,
    environment: { PORTAL_URL: context.edge.url },
    assert: ({ counters, value }) => {
      const [shown, made] = [value('teletans_shown', 'count'), sumOf(counters, 'TestSession.issue')];
      return [{ text: `teleTANs read by agents: ${shown}, made by ${made} calls`, holds: shown > 0 && made === shown }];
    },
  };
  return runWanted(context, [['portal', () => runScenario(context, plan)]]);
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
