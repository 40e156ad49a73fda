/** @module For the portal's tests in workerd: an identity, and a browser that keeps its cookie and sends forms. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { createApp } from './app.ts';
import type { PortalEnv } from './bindings.ts';
import { newOnce } from './form.ts';
import type { Identify, Identity } from './identity-source.ts';

/** Unix seconds of the tests' clock. */
export const NOW = 1_790_000_000;
export const ENV = env as unknown as PortalEnv;
const ORIGIN = 'https://portal.example';

/** @returns an identity with these properties, for whoever asks */
export function identityOf(given: Partial<Identity> = {}): Identify {
  const subject = given.subject ?? 'anna@example.org';
  const rest = {
    person: subject.toLowerCase(),
    provider: subject,
    roles: [],
    authenticatedAt: null,
    signInAgain: '/cdn-cgi/access/logout',
  };
  return async () => ({ subject, ...rest, ...given });
}

/** A browser with a person before it. */
export class Browser {
  cookie = '';
  readonly subject: string;
  readonly #app;
  readonly #bindings: PortalEnv;

  constructor(identity: Partial<Identity>, options: { bindings?: Partial<PortalEnv>; now?: () => number } = {}) {
    this.subject = identity.subject ?? 'anna@example.org';
    this.#app = createApp({ identify: identityOf(identity), clock: options.now ?? (() => NOW) });
    this.#bindings = { ...ENV, ...options.bindings };
  }

  /** Sends a request with the cookie, and keeps the one that comes. */
  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.cookie !== '') headers.set('cookie', this.cookie);
    const context = createExecutionContext();
    const request = new Request(`${ORIGIN}${path}`, { ...init, headers, redirect: 'manual' });
    const response = await this.#app.fetch(request, this.#bindings, context);
    await waitOnExecutionContext(context);
    const set = response.headers.get('set-cookie');
    if (set !== null) this.cookie = set.split(';')[0] ?? '';
    return response;
  }

  /** @returns the token that the forms of this session carry */
  async csrf(): Promise<string> {
    const page = await (await this.send('/staff')).text();
    return /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  }

  /** Sends a form as a page of the portal would. @returns the answer, a redirect not followed */
  async submit(
    path: string,
    fields: Record<string, string> = {},
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const body = new URLSearchParams({ csrf: await this.csrf(), once: newOnce(), ...fields });
    return this.send(path, { method: 'POST', body, headers: { 'sec-fetch-site': 'same-origin', ...headers } });
  }

  /** Sends a form. @returns the page that a browser shows then */
  async post(
    path: string,
    fields: Record<string, string> = {},
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const answer = await this.submit(path, fields, headers);
    return answer.status === 303 ? this.send(answer.headers.get('location') ?? '') : answer;
  }
}
