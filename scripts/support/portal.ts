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

/** proposed: nothing is published, a second person has to agree to the proposal of this id. */
export type ConfigReply =
  | PublishReply
  | { readonly kind: 'proposed'; readonly id: string; readonly abovePercentage: number };

/** What is published, and what waits for a second person. */
export interface ConfigStatus extends ParameterStatus {
  readonly proposals: readonly {
    readonly id: string;
    readonly by: string;
    /** Unix seconds. */
    readonly at: number;
    readonly action: 'publish' | 'rollback';
    readonly expectedVersion: number;
  }[];
}

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
  async status(): Promise<ConfigStatus> {
    return (await this.#call('GET', '/operator/config')) as ConfigStatus;
  }

  /** @returns parsed JSON of a document */
  async document(name: string): Promise<unknown> {
    return this.#call('GET', `/operator/config/documents/${name}`);
  }

  async publish(request: PublishRequest, expectedVersion: number): Promise<ConfigReply> {
    return (await this.#call('POST', '/operator/config/publish', { ...request, expectedVersion })) as ConfigReply;
  }

  async rollback(request: RollbackRequest, expectedVersion: number): Promise<ConfigReply> {
    return (await this.#call('POST', '/operator/config/rollback', { ...request, expectedVersion })) as ConfigReply;
  }

  /** As the second person. @param proposal its id @throws Error when there is none, or it is one's own */
  async agree(proposal: string): Promise<ConfigReply> {
    return (await this.#call('POST', '/operator/config/agree', { proposal })) as ConfigReply;
  }

  async #call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    return command(this.#base, method, path, body, ANSWERS);
  }
}
