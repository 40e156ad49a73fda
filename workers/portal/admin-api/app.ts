/**
 * @module The administrators' API (docs/spec/google.md §5.4) on a host of its own, for systems of a health authority that issue codes: an API key of kind `admin` in
 * `X-API-Key` lets them in, no Access stands before it, and no other route of the portal answers there (decision 067).
 */
import { Hono } from 'hono';
import type { Clock } from '../../../domain/clock.ts';
import { apiKeyIssuer } from '../../../domain/rpc-codes.ts';
import { ENDED_MESSAGE } from '../../../domain/sunset.ts';
import type { Result } from '../../../protocol/primitives/result.ts';
import { readBody } from '../../shared/body.ts';
import { noStore } from '../../shared/no-store.ts';
import type { PortalEnv } from '../bindings.ts';
import { securityHeaders } from '../security-headers.ts';
import {
  answer,
  answerError,
  API_ERRORS,
  type ApiError,
  codeFields,
  errorFields,
  errorOf,
  expiryFields,
} from './answers.ts';
import { MAX_BATCH_BYTES, MAX_BODY_BYTES, readBatch, readFields, readIssue, readUuid } from './fields.ts';

interface Api {
  Bindings: PortalEnv;
  Variables: { readonly now: number; readonly issuer: string };
}

type Fields = Parameters<typeof readUuid>[0];

/** One method: what it reads, and what it answers. */
interface Method<T> {
  readonly maxBytes: number;
  readonly read: (fields: Fields) => Result<T, ApiError>;
  readonly act: (
    about: { readonly env: PortalEnv; readonly issuer: string; readonly now: number },
    asked: T,
  ) => Promise<Response>;
}

/** @param clock Unix seconds @returns a hono app for the API's host */
export function createAdminApi(clock: Clock) {
  const app = new Hono<Api>();
  app.use(noStore(), securityHeaders());

  const serve = <T>(path: string, { maxBytes, read, act }: Method<T>): void => {
    app.post(path, async (c) => {
      const { now, issuer } = c.var;
      const mediaType = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
      if (mediaType !== 'application/json') return answerError(API_ERRORS.mediaType, now);
      const body = await readBody(c.req.raw, maxBytes);
      if (body.kind !== 'body') {
        return answerError(body.kind === 'too-large' ? API_ERRORS.tooLarge : API_ERRORS.broken, now);
      }
      const fields = readFields(body.bytes);
      const asked = fields.ok ? read(fields.value) : fields;
      return asked.ok ? act({ env: c.env, issuer, now }, asked.value) : answerError(asked.error, now);
    });
    app.all(path, (c) => {
      const refused = answerError(API_ERRORS.method, c.var.now);
      refused.headers.set('allow', 'POST');
      return refused;
    });
  };

  // Whoever has no key learns nothing else: not which methods there are, nor what is wrong with a body, which isn't read.
  app.use(async function requireKey(c, next) {
    const now = Math.floor(await clock());
    c.set('now', now);
    const key = await c.env.VERIFICATION.checkApiKey('admin', c.req.header('x-api-key') ?? '');
    if (key === null) return answerError(API_ERRORS.unauthorized, now);
    c.set('issuer', apiKeyIssuer(key.id));
    return next();
  });

  serve('/api/issue', {
    maxBytes: MAX_BODY_BYTES,
    read: readIssue,
    async act({ env, issuer, now }, request) {
      const [reply = { error: 'internal_server_error' as const }] = await env.VERIFICATION.deliverCodes(issuer, [
        request,
      ]);
      const error = errorOf(reply);
      if (error !== null || 'error' in reply) return answerError(error ?? API_ERRORS.internal, now);
      return answer(200, codeFields(reply, request.phone));
    },
  });

  serve('/api/batch-issue', {
    maxBytes: MAX_BATCH_BYTES,
    read: readBatch,
    async act({ env, issuer, now }, asked) {
      const requests = asked.flatMap((one) => (one.ok ? [one.value] : []));
      const replies = requests.length === 0 ? [] : await env.VERIFICATION.deliverCodes(issuer, requests);
      let next = 0;
      const errors: ApiError[] = [];
      const codes = asked.map((one) => {
        const reply = one.ok ? replies[next++] : undefined;
        if (one.ok && reply !== undefined && !('error' in reply)) return codeFields(reply, one.value.phone);
        const error = one.ok ? (reply === undefined ? null : errorOf(reply)) : one.error;
        errors.push(error ?? API_ERRORS.internal);
        return errorFields(error ?? API_ERRORS.internal);
      });
      const [first] = errors;
      if (first === undefined) return answer(200, { codes });
      const error = `${errors.length} of ${asked.length} codes were not issued: see the error of each`;
      return answerError({ ...first, error }, now, { codes });
    },
  });

  serve('/api/checkcodestatus', {
    maxBytes: MAX_BODY_BYTES,
    read: readUuid,
    async act({ env, issuer, now }, uuid) {
      const status = await env.VERIFICATION.codeStatus(issuer, uuid);
      if (status === null) return answerError(API_ERRORS.codeNotFound, now);
      return answer(200, { claimed: status.claimed, ...expiryFields(status) });
    },
  });

  serve('/api/expirecode', {
    maxBytes: MAX_BODY_BYTES,
    read: readUuid,
    async act({ env, issuer, now }, uuid) {
      const status = await env.VERIFICATION.expireCode(issuer, uuid);
      if (status === null) return answerError(API_ERRORS.codeNotFound, now);
      return status === 'claimed' ? answerError(API_ERRORS.claimed, now) : answer(200, expiryFields(status));
    },
  });

  app.notFound((c) => answerError(API_ERRORS.notFound, c.get('now') ?? 0));
  app.onError((error, c) =>
    answerError(error.message.includes(ENDED_MESSAGE) ? API_ERRORS.ended : API_ERRORS.internal, c.get('now') ?? 0),
  );
  return app;
}
