/**
 * @module The routes for apps of Google's dialect (docs/spec/google.md §5.3, §5.6, §5.9; docs/verification.md): the device API, links that open an app, and the public keys that certificates verify with.
 * Of the device API real, dummy and refused leave at one deadline with one size and one set of headers; a dummy makes no RPC.
 */
import type { Context, Hono } from 'hono';
import type { Clock } from '../../../domain/clock.ts';
import type { SmsPort } from '../../../domain/rpc-codes.ts';
import { readBody } from '../../shared/body.ts';
import type { ClientVariables } from '../../shared/client-metadata.ts';
import { answerAtDeadline, requireDeadline } from '../../shared/deadline.ts';
import type { VerificationEnv } from '../bindings.ts';
import { servicesOf } from '../services.ts';
import { type DeviceAnswer, deviceError, DUMMY, levelled, UNAUTHORIZED } from './answers.ts';
import { certificate, type DeviceContext, userReport, verify } from './device.ts';
import { jwks } from './jwks.ts';
import { appleAssociation, assetLinks, linkAnswer } from './links.ts';
import { MAX_BODY_BYTES, parseCertificate, parseUserReport, parseVerify, type Unasked } from './question.ts';

type App = { Bindings: VerificationEnv; Variables: ClientVariables };

/** Where all routes of the device API begin. */
export const DEVICE_API = '/api/';
/** Where links lead. */
const LINK_PATH = '/v';
const APPLE_PATH = '/.well-known/apple-app-site-association';
const ANDROID_PATH = '/.well-known/assetlinks.json';
const JWKS_PATH = '/jwks';

/** Headers that a route may see of a request; none of the link's but what kind of phone it is. @param path of the request */
export function headersOf(path: string): readonly string[] {
  if (path.startsWith(DEVICE_API)) return ['content-type', 'x-api-key', 'x-chaff'];
  return path === LINK_PATH ? ['user-agent'] : [];
}

/** What the routes need of who composes them. */
export interface GoogleRoutes {
  readonly clock: Clock;
  readonly mayAnswerAtOnce: boolean;
  /** The gateway for messages; null: there is none. */
  readonly sms: (env: VerificationEnv) => SmsPort | null;
}

/** How a route reads a body, and what it answers. */
interface Route<Question extends object> {
  readonly parse: (bytes: Uint8Array) => Question | Unasked;
  readonly real: (question: Question, context: DeviceContext) => Promise<DeviceAnswer>;
}

/** Adds the routes to `verification`. */
export function addGoogleRoutes(app: Hono<App>, routes: GoogleRoutes): void {
  const serve = <Q extends object>(path: string, route: Route<Q>): void => {
    app.post(path, (c) => {
      requireDeadline(servicesOf(c.env).config, routes.mayAnswerAtOnce);
      return answer(c, route, routes);
    });
    app.all(path, (c) => levelled(deviceError('unparsable_request', 405), routes.clock, c.var.statusLineHasPhrase));
  };
  serve('/api/verify', { parse: parseVerify, real: verify });
  serve('/api/certificate', { parse: parseCertificate, real: certificate });
  serve('/api/user-report', { parse: parseUserReport, real: userReport });
  app.get(LINK_PATH, (c) => {
    const link = { url: new URL(c.req.url), userAgent: c.req.raw.headers.get('user-agent') ?? '' };
    return linkAnswer(link, servicesOf(c.env).config.google.links);
  });
  app.get(APPLE_PATH, (c) => appleAssociation(servicesOf(c.env).config.google.links));
  app.get(ANDROID_PATH, (c) => assetLinks(servicesOf(c.env).config.google.links));
  app.get(JWKS_PATH, (c) => jwks(servicesOf(c.env).config.google.publishedKeys));
}

async function answer<Q extends object>(
  c: Context<App>,
  route: Route<Q>,
  { clock, sms }: GoogleRoutes,
): Promise<Response> {
  const { config, codes } = servicesOf(c.env);
  const headers = c.req.raw.headers;
  const body = await readBody(c.req.raw, MAX_BODY_BYTES);
  const waitUntil = (promise: Promise<unknown>): void => c.executionCtx.waitUntil(promise);
  const said = await answerAtDeadline<DeviceAnswer>({
    deadlineMs: config.answerDeadlineMs,
    async work() {
      const apiKeyIds = codes.ourApiKey('device', headers.get('x-api-key') ?? '');
      if (apiKeyIds === null) return UNAUTHORIZED;
      if ((headers.get('x-chaff') ?? '') !== '') return DUMMY;
      const isJson = /^application\/json\s*(?:;|$)/i.test(headers.get('content-type') ?? '');
      const question = body.kind === 'body' && isJson ? route.parse(body.bytes) : 'unparsable_request';
      if (typeof question === 'string') return deviceError(question);
      const now = Math.floor(await clock());
      return route.real(question, { codes, config, apiKeyIds, now, sms: sms(c.env), waitUntil });
    },
    late: () => deviceError('internal_server_error'),
    failed: () => deviceError('internal_server_error'),
    waitUntil,
  });
  return levelled(said, clock, c.var.statusLineHasPhrase);
}
