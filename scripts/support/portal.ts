/**
 * @module The portal's commands about parameters, over HTTP (workers/portal/config-routes.ts).
 */
import type {
  ParameterStatus,
  PublishReply,
  PublishRequest,
  RollbackRequest,
} from '../../domain/parameters/publication.ts';
import { command } from './operator.ts';

/** Outcomes that come with a status above 299 but are answers all the same. */
const ANSWERS = [409, 422];

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
    return command(this.#base, method, path, body, ANSWERS);
  }
}
