/**
 * @module The portal's commands about parameters, over HTTP (workers/portal/config-routes.ts).
 */
import type {
  ParameterStatus,
  PublishReply,
  PublishRequest,
  RollbackRequest,
} from '../../domain/parameters/publication.ts';

/** Outcomes that come with a status above 299 but are answers all the same. */
const ANSWERS = [200, 202, 409, 422];

/** The portal of a deployment. */
export class ParameterPortal {
  readonly #base: string;

  /** @param url of the portal or of a local edge */
  constructor(url: string) {
    this.#base = url;
  }

  /** @throws Error when the portal isn't reached or refuses */
  async status(): Promise<ParameterStatus> {
    return (await this.#call('GET', '/operator/config')) as ParameterStatus;
  }

  /** @returns parsed JSON of a document */
  async document(name: string): Promise<unknown> {
    return this.#call('GET', `/operator/config/documents/${name}`);
  }

  async publish(request: PublishRequest, expectedVersion: number): Promise<PublishReply> {
    return (await this.#call('POST', '/operator/config/publish', { ...request, expectedVersion })) as PublishReply;
  }

  async rollback(request: RollbackRequest, expectedVersion: number): Promise<PublishReply> {
    return (await this.#call('POST', '/operator/config/rollback', { ...request, expectedVersion })) as PublishReply;
  }

  async #call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const target = new URL(path, this.#base);
    const init: RequestInit =
      method === 'GET'
        ? { method }
        : { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    let response: Response;
    try {
      response = await fetch(target, init);
    } catch (error) {
      const reason = (error as { cause?: { message?: string } }).cause?.message ?? (error as Error).message;
      throw new Error(`${method} ${target}: not reached (${reason})`, { cause: error });
    }
    const text = await response.text();
    if (!ANSWERS.includes(response.status)) throw new Error(`${method} ${target}: ${response.status} ${text}`);
    return JSON.parse(text);
  }
}
