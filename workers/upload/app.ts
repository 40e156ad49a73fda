/**
 * @module The upload Worker: `POST /version/v1/diagnosis-keys` in Corona-Warn-App's dialect (docs/architecture.md §4, docs/spec/cwa.md
 * §1.1), and `POST /v1/withdrawal` (withdrawal.ts). Every answer leaves at one deadline after the last body byte, and has one size.
 */
import { Hono, type Context } from 'hono';
import type { Clock } from '../../domain/clock.ts';
import { uploadDigest } from '../../domain/keys/digest.ts';
import type { PublishedPolicy } from '../../domain/keys/regions.ts';
import { publishableKeys } from '../../domain/keys/validate.ts';
import { authenticateTan } from '../../domain/tan.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { WITHDRAWAL_PATH } from '../../protocol/withdrawal.ts';
import { readBody, type BodyResult } from '../shared/body.ts';
import { stripClientMetadata, type ClientVariables } from '../shared/client-metadata.ts';
import { answerAtDeadline, requireDeadline } from '../shared/deadline.ts';
import { ConfigError, parsedOnce } from '../shared/env.ts';
import { createHourlyCounts, type HourlyCounts } from '../shared/hourly-counts.ts';
import { LastGood } from '../shared/last-good.ts';
import { logLine } from '../shared/log.ts';

import { parseUploadConfig, type UploadConfig, type UploadEnv } from './bindings.ts';
import { readClaim } from './claim.ts';
import { DIALECT_HEADERS, readHeaders, type Intent } from './headers.ts';
import { dialectAnswer, statusOf, type Outcome } from './outcome.ts';
import { storeUpload } from './store.ts';
import { withdraw } from './withdrawal.ts';

/** Where phones post to. */
export const UPLOAD_PATH = '/version/v1/diagnosis-keys';
/** docs/architecture.md §4.1; 30 keys, padding and headers of CWA's clients are below 2 KB. */
export const MAX_BODY_BYTES = 64 * 1024;

type UploadContext = Context<{ Bindings: UploadEnv; Variables: ClientVariables }>;

/** What the composition hands in. */
export interface UploadDependencies {
  readonly clock: Clock;
  /** Whether ANSWER_DEADLINE_MS may be 0: in tests and benchmarks, never where it is deployed. */
  readonly mayAnswerAtOnce?: boolean;
  /** Left out: one that writes log lines. */
  readonly counts?: HourlyCounts;
}

const configOf = parsedOnce(parseUploadConfig);

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
}: UploadDependencies) {
  const policy = new LastGood<PublishedPolicy>();
  const app = new Hono<{ Bindings: UploadEnv; Variables: ClientVariables }>();
  app.use(stripClientMetadata(DIALECT_HEADERS));
  app.post(UPLOAD_PATH, (c) => {
    requireDeadline(configOf(c.env), mayAnswerAtOnce);
    const intent = readHeaders(c.req.raw.headers);
    return answer(c, counts, (body) => decide(intent, body, configOf(c.env), c.env, { clock, policy }));
  });
  app.post(WITHDRAWAL_PATH, (c) => {
    requireDeadline(configOf(c.env), mayAnswerAtOnce);
    return answer(c, counts, (body) => withdraw(c.req.raw.headers, body, c.env.INTAKE));
  });
  for (const path of [UPLOAD_PATH, WITHDRAWAL_PATH])
    app.all(path, (c) => dialectAnswer(405, c.var.statusLineHasPhrase));
  app.notFound((c) => dialectAnswer(404, (c as UploadContext).var.statusLineHasPhrase));
  app.onError((error, c) => {
    // Names a variable of ours, nothing of a request: every request fails the same way until it is set right.
    if (error instanceof ConfigError) logLine(`upload is not set up: ${error.message}`);
    return dialectAnswer(500, (c as UploadContext).var.statusLineHasPhrase);
  });
  return app;
}

/** What one app keeps between requests. */
interface Kept {
  readonly clock: Clock;
  readonly policy: LastGood<PublishedPolicy>;
}

/** Whatever comes out leaves at one deadline, with one size. */
async function answer(
  c: UploadContext,
  counts: HourlyCounts,
  work: (body: BodyResult) => Promise<Outcome>,
): Promise<Response> {
  const body = await readBody(c.req.raw, MAX_BODY_BYTES);
  const hour = hourOf(Date.now() / 1000);
  counts.report(hour);
  const tryLater = (event: string) => (): Outcome => {
    counts.count(event, hour);
    return { kind: 'try-later' };
  };
  const outcome = await answerAtDeadline<Outcome>({
    deadlineMs: configOf(c.env).answerDeadlineMs,
    work: () => work(body),
    late: tryLater('answer-late'),
    failed: tryLater('answer-failed'),
    waitUntil: (promise) => c.executionCtx.waitUntil(promise),
  });
  return dialectAnswer(statusOf(outcome), c.get('statusLineHasPhrase'));
}

/** Headers first, then the body, then the authorisation: the order of CWA's server, so that its statuses come out. */
async function decide(
  intent: Intent,
  body: BodyResult,
  config: UploadConfig,
  env: UploadEnv,
  { clock, policy }: Kept,
): Promise<Outcome> {
  const inForce = async (): Promise<PublishedPolicy> => policy.get(() => env.INTAKE.policy(), await clock());
  // Whoever can't be asked hasn't said that it is over: uploads go on as they did.
  if (
    await inForce().then(
      ({ ended }) => ended,
      () => false,
    )
  )
    return { kind: 'ended' };
  if (intent.kind === 'answer') return intent.outcome;
  if (body.kind === 'too-large') return { kind: 'too-large' };
  if (body.kind === 'broken') return { kind: 'malformed' };
  const claim = readClaim(body.bytes, config.policy, intent);
  if (!claim.ok) return claim.error;
  const { upload, authorisation } = claim.value;
  const digest = uploadDigest(upload, config.digestKey);
  if (authorisation === null) {
    return publishableKeys(upload.keys, await clock()).refused ?? { kind: 'dummy' };
  }
  const tan = authenticateTan(authorisation, config.tanMacKey, await clock());
  if (tan === null) return { kind: 'unauthorised' };
  const supportedCountries = async (): Promise<readonly string[]> => (await inForce()).supportedCountries;
  return storeUpload(
    { redeem: env.REDEEM, intake: env.INTAKE, now: clock, supportedCountries, uploadIdKey: config.uploadIdKey },
    { tan, digest, upload, origin: config.policy.homeCountry },
  );
}
