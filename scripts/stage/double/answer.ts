/**
 * @module From a call to its answer: token, route, rights, parameters, effect, and the faults that were asked for.
 */
import type { Fault } from './faults.ts';
import { Refusal, Reply } from './refusal.ts';
import { type BucketObjects, type Context, findRoute, type Incoming, readParams, type Route } from './router.ts';
import type { Store } from './state.ts';

/** What goes back. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, in Cloudflare's envelope. */
  readonly text: string;
  /** The connection ends before or after the effect. */
  readonly cut: 'before' | 'after' | null;
  readonly unknown: boolean;
  readonly message: string;
}

interface Asked {
  readonly incoming: Incoming;
  readonly store: Store;
  readonly routes: readonly Route[];
  readonly objects: BucketObjects;
  readonly fault: Fault | null;
}

const CLEAN = { headers: {}, cut: null, unknown: false, message: '' } as const;

const envelope = (result: unknown, errors: readonly object[] = [], more: object = {}): string =>
  JSON.stringify({ result, success: errors.length === 0, errors, messages: [], ...more });

const refused = (refusal: Refusal): Answer => ({
  ...CLEAN,
  status: refusal.status,
  text: envelope(
    null,
    refusal.messages.map((message) => ({ code: refusal.code, message })),
  ),
  message: refusal.message,
});

const NO_CONTENT = 204;

/** wrangler and `npm cloudflare` both take 10000 for a missing right (`isAuthenticationError`). */
const forbidden = (): Refusal => new Refusal(403, 10_000, 'Authentication error');

/** The answer to a fault that comes before any effect; `null`: the call goes on. */
function faulty(fault: Fault | null): Answer | null {
  switch (fault?.kind) {
    case 'too-many': {
      const { retryAfterSeconds } = fault;
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      return { ...refused(new Refusal(429, 971, 'Please wait and consider throttling your request speed')), headers };
    }
    case 'server-error':
      return refused(new Refusal(500, 10_013, 'An unknown error has occurred.'));
    case 'forbidden':
      return refused(forbidden());
    case 'cut':
      return fault.when === 'before'
        ? { ...CLEAN, status: 0, text: '', cut: 'before', message: 'cut before the effect' }
        : null;
    default:
      return null;
  }
}

function rightsOf({ incoming, store }: Asked): readonly string[] | null {
  const [, token = ''] = /^Bearer (.+)$/.exec(incoming.headers['authorization'] ?? '') ?? [];
  const { tokens } = store.account;
  if (!Object.hasOwn(tokens, token)) {
    throw incoming.path === '/user/tokens/verify'
      ? new Refusal(401, 1000, 'Invalid API Token')
      : new Refusal(403, 9109, 'Invalid access token');
  }
  return tokens[token] ?? null;
}

async function act(asked: Asked): Promise<Answer> {
  const { incoming, store, routes, objects } = asked;
  const rights = rightsOf(asked);
  const found = findRoute(routes, incoming.method, incoming.path);
  if (found === null) {
    const refusal = new Refusal(
      404,
      7003,
      `Could not route to ${incoming.path}, perhaps your object identifier is invalid?`,
    );
    return { ...refused(refusal), unknown: true };
  }
  const { account } = store;
  const { route, params } = found;
  if (params['account_id'] !== undefined && params['account_id'] !== account.id) throw forbidden();
  const sent = await readParams(route, incoming);
  const { query, headers } = incoming;
  const context: Context = { account, store, objects, params, query, headers, ...sent, rights };
  const right = typeof route.right === 'function' ? route.right(context) : route.right;
  if (right !== null && rights !== null && !rights.includes(right)) throw forbidden();
  const result = await route.handle(context);
  const reply = result instanceof Reply ? result : new Reply(result ?? null);
  store.save();
  const text = reply.status === NO_CONTENT ? '' : envelope(reply.result, [], reply.more);
  return { ...CLEAN, status: reply.status, text };
}

/**
 * @param asked call, account, routes, and what is to go wrong
 * @returns the answer; a refused call has changed nothing
 */
export async function answer(asked: Asked): Promise<Answer> {
  const early = faulty(asked.fault);
  if (early !== null) return early;
  await asked.store.open();
  try {
    const done = await act(asked);
    return asked.fault?.kind === 'cut' ? { ...done, cut: 'after', message: 'cut after the effect' } : done;
  } catch (error) {
    asked.store.revert();
    if (error instanceof Refusal) return refused(error);
    throw error;
  } finally {
    asked.store.close();
  }
}
