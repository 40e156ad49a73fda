/**
 * @module A member of staff at the portal, as a browser is one: cookies, a form's tokens, the page that a form leads to. The local edge
 * lets anybody choose a name (`/staff/local-identity`); a deployed portal has Access in front, so these are for the local one.
 */
import http, { type RefinedResponse } from 'k6/http';
import { textOf } from './signed.ts';
import { anyEdge, REQUEST_TIMEOUT } from './settings.ts';

type Page = RefinedResponse<'text'>;

/** Where the portal is, without a trailing slash; the edge itself unless told. */
const portal = (): string => __ENV['PORTAL_URL'] ?? anyEdge();

/** A browser with somebody before it. Its cookies are sent by hand: k6 keeps none that is for TLS alone on a loopback port. */
export class Staff {
  readonly #cookies = new Map<string, string>();
  readonly #name: string;

  /** @param name of the person, as the audit log will have it */
  constructor(name: string) {
    this.#name = name;
  }

  /** Chooses who to be. @returns the start page */
  signIn(roles: readonly string[]): Page {
    const fields = [`name=${this.#name}`, `provider=${this.#name}`, ...roles.map((role) => `roles=${role}`)];
    return this.#send('POST', '/staff/local-identity', fields.join('&'));
  }

  /** @param path from the portal's root on */
  open(path: string): Page {
    return this.#send('GET', path, null);
  }

  /** Sends the form of a page, with the tokens that the page gave it. @returns the page that a browser shows then */
  submit(page: Page, action: string, fields: Readonly<Record<string, string>>): Page {
    const form = textOf(page).split(`action="${action}"`)[1] ?? '';
    const token = (name: string): string => new RegExp(`name="${name}" value="([^"]*)"`).exec(form)?.[1] ?? '';
    const all = { csrf: token('csrf'), once: token('once'), ...fields };
    const body = Object.entries(all).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return this.#send('POST', action, body.join('&'));
  }

  #send(method: 'GET' | 'POST', path: string, body: string | null): Page {
    const answer = http.request(method, `${portal()}${path}`, body, {
      headers: {
        cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        'sec-fetch-site': 'same-origin',
        ...(body === null ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      redirects: 0,
      tags: { name: method === 'POST' ? 'form' : 'page', kind: 'staff' },
      responseType: 'text',
      timeout: REQUEST_TIMEOUT,
    });
    for (const [name, kept] of Object.entries(answer.cookies)) this.#cookies.set(name, kept[0]?.value ?? '');
    const next = answer.status === 303 ? answer.headers['Location'] : undefined;
    return next === undefined ? answer : this.#send('GET', next, null);
  }
}
