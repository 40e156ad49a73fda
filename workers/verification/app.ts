/**
 * @module The public routes of `verification` (docs/spec/cwa.md §3.1; docs/architecture.md §7): registration token, test result, TAN, and
 * ours to delete a test, to take a credential of it and to use one (docs/credential.md). Real, dummy and refused leave at one deadline with one size; a dummy makes no RPC.
 */
import { type Context, Hono } from 'hono';
import type { Clock } from '../../domain/clock.ts';
import { composeTan, lastDayOfTan, TAN_UNPREDICTABLE_BYTES } from '../../domain/tan.ts';
import { readBody } from '../shared/body.ts';
import { type ClientVariables, stripClientMetadata } from '../shared/client-metadata.ts';
import { answerAtDeadline, requireDeadline } from '../shared/deadline.ts';
import { MAX_CREDENTIAL_LENGTH, STATUS_LIST_PATH } from '../../protocol/credential/credential.ts';
import { STATUS_LIST_MEDIA_TYPE } from '../../protocol/credential/status-list.ts';
import { SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { type Answer, paddedAnswer, padding, refusal } from './answers.ts';
import type { VerificationEnv } from './bindings.ts';
import { deviceError, levelled } from './google/answers.ts';
import { addGoogleRoutes, DEVICE_API, type GoogleRoutes, headersOf } from './google/app.ts';
import {
  type CredentialQuestion,
  isDummy,
  MAX_BODY_BYTES,
  type Members,
  parseCredentialQuestion,
  parseMembers,
  parsePresentation,
  parseRegistration,
  parseToken,
  type RegistrationQuestion,
} from './question.ts';
import { type Services, servicesOf } from './services.ts';

type App = { Bindings: VerificationEnv; Variables: ClientVariables };

/** One route: how its body is read, what a real question is answered, what a dummy. */
interface Route<Question> {
  readonly parse: (members: Members) => Question | null;
  readonly real: (question: Question, services: Services, now: number) => Promise<Answer>;
  readonly dummy: (services: Services, now: number) => Answer;
}

const REGISTRATION: Route<RegistrationQuestion> = {
  parse: parseRegistration,
  async real(question, { sessions, desk }, now) {
    const reply = await sessions.register(question, now);
    if (reply.kind === 'granted') return { status: 201, body: { registrationToken: reply.token } };
    // Only counted, never refused: a valid code must not pay for somebody else's guesses.
    if (reply.kind === 'refused' && question.keyType === 'TELETAN') await desk.countFailedGuess();
    return refusal(reply.kind === 'later' ? 500 : 400);
  },
  dummy: () => ({ status: 201, body: { registrationToken: crypto.randomUUID() } }),
};

const TEST_RESULT: Route<string> = {
  parse: parseToken,
  async real(token, { sessions }) {
    const reply = await sessions.poll(token);
    if (reply === null) return refusal(400);
    if (reply.kind === 'birth-date-differs') return refusal(403);
    const { result, sampleCollected, labId } = reply;
    const body = { testResult: result, sc: sampleCollected };
    return { status: 200, body: labId === null ? body : { ...body, labId } };
  },
  dummy: (_services, now) => ({ status: 200, body: { testResult: 2, sc: now } }),
};

const TAN: Route<string> = {
  parse: parseToken,
  async real(token, { sessions }) {
    const tan = await sessions.tan(token);
    return tan === null ? refusal(400) : { status: 201, body: { tan } };
  },
  dummy({ config }, now) {
    // Well-formed like a real one, and forged: its MAC is over a key nobody has.
    const random = crypto.getRandomValues(new Uint8Array(TAN_UNPREDICTABLE_BYTES + config.tanMacKeys.current.length));
    return {
      status: 201,
      body: {
        tan: composeTan(
          random.subarray(0, TAN_UNPREDICTABLE_BYTES),
          lastDayOfTan(now + config.tanLifetimeSeconds),
          random.subarray(TAN_UNPREDICTABLE_BYTES),
        ),
      },
    };
  },
};

const FORGET: Route<string> = {
  parse: parseToken,
  async real(token, { sessions }) {
    await sessions.forget(token);
    return { status: 200, body: { forgotten: true } };
  },
  dummy: () => ({ status: 200, body: { forgotten: true } }),
};

const CREDENTIAL: Route<CredentialQuestion> = {
  parse: parseCredentialQuestion,
  async real(question, { credentials }, now) {
    const reply = await credentials.take(question, now);
    if (reply.kind === 'given') return { status: 201, body: { credential: reply.credential } };
    return refusal(reply.kind === 'later' ? 500 : 400);
  },
  dummy: () => ({ status: 201, body: { credential: padding(MAX_CREDENTIAL_LENGTH) } }),
};

const PRESENTATION: Route<string> = {
  parse: parsePresentation,
  async real(text, { presentations }, now) {
    const reply = await presentations.use(text, now);
    if (reply.kind === 'granted') return { status: 201, body: { registrationToken: reply.token } };
    return reply.kind === 'later' ? refusal(500) : { status: 400, body: { refused: reply.why } };
  },
  dummy: () => ({ status: 201, body: { registrationToken: crypto.randomUUID() } }),
};

/**
 * Builds the Worker.
 *
 * @param options.clock Unix seconds: real, or the local edge's
 * @param options.mayAnswerAtOnce whether ANSWER_DEADLINE_MS may be 0: in tests and benchmarks, never where it is deployed
 * @param options.sms the gateway for messages of an environment; left out: there is none
 * @returns a hono app; every answer to a phone has one size
 */
export function createApp({
  clock,
  mayAnswerAtOnce = false,
  sms = () => null,
}: {
  readonly clock: Clock;
  readonly mayAnswerAtOnce?: boolean;
  readonly sms?: GoogleRoutes['sms'];
}): Hono<App> {
  const app = new Hono<App>();
  app.use(
    stripClientMetadata((path) => (path.startsWith('/version/') ? ['content-type', 'cwa-fake'] : headersOf(path))),
  );
  const serve = <Q>(path: string, route: Route<Q>): void => {
    app.post(path, (c) => {
      requireDeadline(servicesOf(c.env).config, mayAnswerAtOnce);
      return answer(c, route, clock);
    });
    app.all(path, (c) => paddedAnswer(refusal(405), c.var.statusLineHasPhrase));
  };
  serve('/version/v1/registrationToken', REGISTRATION);
  serve('/version/v1/testresult', TEST_RESULT);
  serve('/version/v1/tan', TAN);
  serve('/version/v1/forget', FORGET);
  serve('/version/v1/credential', CREDENTIAL);
  serve('/version/v1/presentation', PRESENTATION);
  app.get(STATUS_LIST_PATH, async (c) => {
    const now = Math.floor(await clock());
    const list = await servicesOf(c.env).credentials.statusList(now);
    return list === null ? c.notFound() : c.body(list, 200, statusListHeaders(now));
  });
  addGoogleRoutes(app, { clock, mayAnswerAtOnce, sms });
  app.notFound((c) => paddedAnswer(refusal(404), c.var.statusLineHasPhrase));
  app.onError((_error, c) =>
    c.req.path.startsWith(DEVICE_API)
      ? levelled(deviceError('internal_server_error'), clock, c.var.statusLineHasPhrase)
      : paddedAnswer(refusal(500), c.var.statusLineHasPhrase),
  );
  return app;
}

/** The same for all who ask; no phone does. @param now Unix seconds: the list of the next hour is another */
const statusListHeaders = (now: number) => ({
  'content-type': STATUS_LIST_MEDIA_TYPE,
  'cache-control': `public, max-age=${SECONDS_PER_HOUR - (now % SECONDS_PER_HOUR)}`,
  'x-content-type-options': 'nosniff',
});

async function answer<Q>(c: Context<App>, route: Route<Q>, clock: Clock): Promise<Response> {
  const services = servicesOf(c.env);
  const fake = c.req.raw.headers.get('cwa-fake');
  const body = await readBody(c.req.raw, MAX_BODY_BYTES);
  const said = await answerAtDeadline<Answer>({
    deadlineMs: services.config.answerDeadlineMs,
    async work() {
      const members = body.kind === 'body' ? parseMembers(body.bytes) : null;
      if (members === null) return refusal(400);
      const dummy = isDummy(fake, members);
      const question = route.parse(members);
      if (dummy === null || question === null) return refusal(400);
      const now = Math.floor(await clock());
      return dummy ? route.dummy(services, now) : route.real(question, services, now);
    },
    late: () => refusal(500),
    failed: () => refusal(500),
    waitUntil: (promise) => c.executionCtx.waitUntil(promise),
  });
  return paddedAnswer(said, c.var.statusLineHasPhrase);
}
