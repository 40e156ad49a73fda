/**
 * @module Somebody of staff at the portal of a local edge, over HTTP alone: keeps cookies, fills in the forms of pages. What a test can't see without a browser it doesn't need here.
 */
import { asPerson } from '../../../scripts/support/operator.ts';

/** What a browser would keep. */
export type Cookies = Readonly<Record<string, string>>;

/** A person, signed in. */
export class StaffBrowser {
  readonly #url: string;
  readonly #cookies: Map<string, string>;

  /** @param url of the edge @param cookies of {@link cookies}, or of {@link signIn} */
  constructor(url: string, cookies: Cookies) {
    this.#url = url;
    this.#cookies = new Map(Object.entries(cookies));
  }

  /** @param name of the person, whose provider it is too @param at Unix seconds at which they signed in */
  static signIn(url: string, name: string, roles: readonly string[], at: number): StaffBrowser {
    const [key = '', value = ''] = (asPerson(name, roles)['cookie'] ?? '').split('=');
    const identity = { ...(JSON.parse(decodeURIComponent(value)) as object), at };
    return new StaffBrowser(url, { [key]: encodeURIComponent(JSON.stringify(identity)) });
  }

  get cookies(): Cookies {
    return Object.fromEntries(this.#cookies);
  }

  /** @param path e.g. `/staff/cards` @returns the page @throws Error when there is none */
  async page(path: string): Promise<string> {
    return (await this.#go(path, {})).text();
  }

  /**
   * Opens a page, fills its form in and sends it.
   *
   * @param path of the page
   * @param action where its form leads
   * @param fields what the person fills in
   * @returns the page that came at last
   * @throws Error when there is no such form, or it is refused
   */
  async submit(path: string, action: string, fields: Readonly<Record<string, string>>): Promise<string> {
    const page = await this.page(path);
    const form = page.split('<form').find((part) => part.includes(`action="${action}"`));
    if (form === undefined) throw new Error(`${path} has no form that leads to ${action}`);
    const hidden = [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name, value],
    );
    const body = new URLSearchParams([...hidden, ...Object.entries(fields)]);
    const answer = await this.#go(action, {
      method: 'POST',
      body: body.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
    });
    return answer.text();
  }

  async #go(
    path: string,
    init: { readonly method?: string; readonly body?: string; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(new URL(path, this.#url), {
      ...init,
      headers: { ...init.headers, cookie },
      redirect: 'manual',
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    if (location !== null) return this.#go(location, {});
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer;
  }
}
