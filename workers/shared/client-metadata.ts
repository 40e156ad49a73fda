/**
 * @module Forgets who is calling (docs/architecture.md §4.1, §10): before any handler runs, the request is replaced by one that
 * holds method, URL, body and an explicit list of headers. Addresses and `request.cf` do not exist past here, nor the user agent but on the page of a link
 * (workers/verification/google/links.ts), which looks what kind of phone asks and keeps nothing.
 */
import type { MiddlewareHandler } from 'hono';

/** What middleware hands on to handlers. */
export interface ClientVariables {
  /** True when the phone's own connection speaks HTTP/1.x: status lines then carry a reason phrase, see level-answer.ts. */
  readonly statusLineHasPhrase: boolean;
}

/**
 * @param allowed header names that handlers may see, lower case, or which they are of a path
 * @returns middleware that strips everything else
 */
export const stripClientMetadata =
  (
    allowed: readonly string[] | ((path: string) => readonly string[]),
  ): MiddlewareHandler<{ Variables: ClientVariables }> =>
  async (c, next) => {
    const original = c.req.raw;
    const headers = new Headers();
    for (const name of typeof allowed === 'function' ? allowed(c.req.path) : allowed) {
      const value = original.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    const protocol = (original as { cf?: { httpProtocol?: unknown } }).cf?.httpProtocol;
    c.set('statusLineHasPhrase', typeof protocol !== 'string' || protocol.startsWith('HTTP/1'));
    // A GET has no body by definition, and `Request` refuses one even when the platform hands over an empty stream.
    const bodyless = original.method === 'GET' || original.method === 'HEAD';
    c.req.raw = new Request(original.url, {
      method: original.method,
      headers,
      body: bodyless ? null : original.body,
      ...(!bodyless && original.body !== null && { duplex: 'half' }),
    });
    await next();
  };
