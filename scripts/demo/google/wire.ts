/**
 * @module What leaves and reaches the phones of the story: sizes of requests and answers by path, and answers that are lost on their way.
 */
import type { Fetch } from '../../../phone/http.ts';

/** What whoever sees the wire can tell of requests to one path. */
export interface Sizes {
  requests: number;
  /** Of body and the header that is empty or not: one, if chaff looks as the rest. */
  readonly sent: Set<number>;
  /** Of bodies of answers. */
  readonly answered: Set<number>;
}

export class Wire {
  /** By path. */
  readonly sizes = new Map<string, Sizes>();

  /** Sends, and counts. */
  readonly fetch: Fetch = async (url, init = {}) => {
    const response = await fetch(url, init);
    const body = await response.clone().arrayBuffer();
    const { pathname } = new URL(url);
    const seen = this.sizes.get(pathname) ?? { requests: 0, sent: new Set(), answered: new Set() };
    this.sizes.set(pathname, seen);
    const headers = Object.entries((init.headers ?? {}) as Readonly<Record<string, string>>);
    const sent = headers.reduce((all, [name, value]) => all + name.length + value.length, 0);
    seen.requests += 1;
    seen.sent.add(sent + ((init.body as Uint8Array | undefined)?.length ?? 0));
    seen.answered.add(body.byteLength);
    return response;
  };

  /** @param path whose first answer doesn't reach the phone @returns a `fetch` of one phone */
  losing(path: string): Fetch {
    let isLost = false;
    return async (url, init) => {
      const response = await this.fetch(url, init);
      if (isLost || new URL(url).pathname !== path) return response;
      isLost = true;
      throw new TypeError('the answer is lost');
    };
  }
}
