/**
 * @module The upload Worker: `POST /version/v1/diagnosis-keys` in Corona-Warn-App's dialect (cwa/), `POST /v1/publish` and `POST /v1/stats` in Google's (google/), and `POST
 * /v1/withdrawal` (docs/architecture.md §4). Every answer leaves at one deadline after the last body byte, and has its dialect's one size.
 */
import { Hono, type Context } from 'hono';
import type { Clock } from '../../domain/clock.ts';
import { isOlderPolicy, type PublishedPolicy } from '../../domain/keys/regions.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { PUBLISH_BODY_BYTES, PUBLISH_PATH } from '../../protocol/publish/request.ts';
import { STATS_PATH } from '../../protocol/publish/stats.ts';
import { WITHDRAWAL_PATH } from '../../protocol/withdrawal.ts';
import { readBody, type BodyResult } from '../shared/body.ts';
import { stripClientMetadata, type ClientVariables } from '../shared/client-metadata.ts';
import { answerAtDeadline, requireDeadline } from '../shared/deadline.ts';
import { ConfigError, parsedOnce } from '../shared/env.ts';
import { createHourlyCounts, type HourlyCounts } from '../shared/hourly-counts.ts';
import { LastGood } from '../shared/last-good.ts';
import { logLine } from '../shared/log.ts';
import { parseUploadConfig, type UploadEnv } from './bindings.ts';
import { decideUpload, MAX_BODY_BYTES, UPLOAD_PATH } from './cwa/decide.ts';
import { DIALECT_HEADERS } from './cwa/headers.ts';
import { dialectAnswer, statusOf, type Outcome } from './cwa/outcome.ts';
import { withdraw } from './cwa/withdrawal.ts';
import { decidePublish, PUBLISH_HEADERS, type Certifier } from './google/decide.ts';
import { decideStats, STATS_HEADERS, statsAnswer, type StatsOutcome } from './google/stats.ts';
import { publishAnswer, type PublishOutcome } from './google/outcome.ts';
import type { Neighbours } from './neighbours.ts';

type UploadContext = Context<{ Bindings: UploadEnv; Variables: ClientVariables }>;

/** What the composition hands in. */
export interface UploadDependencies {
  readonly clock: Clock;
  /** Whether ANSWER_DEADLINE_MS may be 0: in tests and benchmarks, never where it is deployed. */
  readonly mayAnswerAtOnce?: boolean;
  /** Left out: one that writes log lines. */
  readonly counts?: HourlyCounts;
  /** Left out, as it is wherever it is deployed: nobody publishes without a certificate of their own. */
  readonly certified?: Certifier;
}

const configOf = parsedOnce(parseUploadConfig);

/** How requests of one path are answered. */
interface Door<O> {
  readonly limitBytes: number;
  readonly answer: (outcome: O, statusLineHasPhrase: boolean) => Response;
  /** When the deadline came first, or a neighbour failed. */
  readonly tryLater: O;
}

const CWA_DOOR: Door<Outcome> = {
  limitBytes: MAX_BODY_BYTES,
  answer: (outcome, statusLineHasPhrase) => dialectAnswer(statusOf(outcome), statusLineHasPhrase),
  tryLater: { kind: 'try-later' },
};

const STATS_DOOR: Door<StatsOutcome> = {
  limitBytes: PUBLISH_BODY_BYTES,
  answer: statsAnswer,
  tryLater: { kind: 'try-later' },
};

const GOOGLE_DOOR: Door<PublishOutcome> = {
  limitBytes: PUBLISH_BODY_BYTES,
  answer: publishAnswer,
  tryLater: { kind: 'try-later' },
};

/**
 * Builds the Worker.
 *
 * @param dependencies the clock (real, or the local edge's) and, for tests, the counts of late and failed answers
 * @returns a hono app
 */
export function createApp({
  clock,
  mayAnswerAtOnce = false,
  counts = createHourlyCounts(logLine),
  certified,
}: UploadDependencies) {
  const policy = new LastGood<PublishedPolicy>(isOlderPolicy);
  const app = new Hono<{ Bindings: UploadEnv; Variables: ClientVariables }>();
  app.use(stripClientMetadata([...new Set([...DIALECT_HEADERS, ...PUBLISH_HEADERS, ...STATS_HEADERS])]));
  const neighboursOf = (c: UploadContext): Neighbours => ({
    config: configOf(c.env),
    clock,
    redeem: c.env.REDEEM,
    intake: c.env.INTAKE,
    policy: async () => policy.get(() => c.env.INTAKE.policy(), await clock()),
    newerPolicy: async () => policy.again(() => c.env.INTAKE.policy(), await clock(), Date.now()),
  });
  const open = <O>(path: string, door: Door<O>, decide: (c: UploadContext, body: BodyResult) => Promise<O>) =>
    app.post(path, (c) => {
      requireDeadline(configOf(c.env), mayAnswerAtOnce);
      return answered(c, counts, door, (body) => decide(c, body));
    });
  open(UPLOAD_PATH, CWA_DOOR, (c, body) => decideUpload(c.req.raw.headers, body, neighboursOf(c)));
  open(WITHDRAWAL_PATH, CWA_DOOR, (c, body) => withdraw(c.req.raw.headers, body, c.env.INTAKE));
  open(PUBLISH_PATH, GOOGLE_DOOR, (c, body) => decidePublish(c.req.raw.headers, body, neighboursOf(c), certified));
  for (const path of [UPLOAD_PATH, WITHDRAWAL_PATH])
    app.all(path, (c) => dialectAnswer(405, c.var.statusLineHasPhrase));
  open(STATS_PATH, STATS_DOOR, (c, body) => decideStats(c.req.raw.headers, body, neighboursOf(c), c.env.INTAKE));
  app.all(STATS_PATH, (c) => statsAnswer({ kind: 'wrong-method' }, c.var.statusLineHasPhrase));
  app.all(PUBLISH_PATH, (c) => publishAnswer({ kind: 'wrong-method' }, c.var.statusLineHasPhrase));
  app.notFound((c) => dialectAnswer(404, (c as UploadContext).var.statusLineHasPhrase));
  app.onError((error, c) => {
    // Names a variable of ours, nothing of a request: every request fails the same way until it is set right.
    if (error instanceof ConfigError) logLine(`upload is not set up: ${error.message}`);
    const { statusLineHasPhrase } = (c as UploadContext).var;
    if (c.req.path === STATS_PATH) return statsAnswer({ kind: 'try-later' }, statusLineHasPhrase);
    return c.req.path === PUBLISH_PATH
      ? publishAnswer({ kind: 'try-later' }, statusLineHasPhrase)
      : dialectAnswer(500, statusLineHasPhrase);
  });
  return app;
}

/** Whatever comes out leaves at one deadline, with one size. */
async function answered<O>(
  c: UploadContext,
  counts: HourlyCounts,
  { limitBytes, answer, tryLater }: Door<O>,
  work: (body: BodyResult) => Promise<O>,
): Promise<Response> {
  const body = await readBody(c.req.raw, limitBytes);
  const hour = hourOf(Date.now() / 1000);
  counts.report(hour);
  const counted = (event: string) => (): O => {
    counts.count(event, hour);
    return tryLater;
  };
  const outcome = await answerAtDeadline<O>({
    deadlineMs: configOf(c.env).answerDeadlineMs,
    work: () => work(body),
    late: counted('answer-late'),
    failed: counted('answer-failed'),
    waitUntil: (promise) => c.executionCtx.waitUntil(promise),
  });
  return answer(outcome, c.get('statusLineHasPhrase'));
}
