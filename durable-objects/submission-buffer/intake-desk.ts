/**
 * @module What the SubmissionBuffer does with uploads (accept-ops.ts, publish-ops.ts, known-ops.ts): keys that must be ready, and transactions.
 */
import { unpackUpload, type PackedUpload } from '../../domain/packed-upload.ts';
import type { KeyStanding } from '../../domain/rpc.ts';
import type { ShownStats } from '../../domain/publish-stats.ts';
import type { RandomBytes } from '../../domain/random.ts';
import type { Published, PublishPart } from '../../domain/rpc-publish.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import type { GroupCommit } from '../group-commit.ts';
import { acceptUpload, resolveUpload } from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import type { Acceptance, Resolution } from './contract.ts';
import type { HourKeys } from './hour-keys.ts';
import { keyStandings } from './known-ops.ts';
import { answerHour, readAnswer } from './publish-answers.ts';
import { acceptPublication } from './publish-ops.ts';
import { shownStats } from './stats-ops.ts';
import type { ReceivedUploads } from './received-ops.ts';

export class IntakeDesk {
  readonly #sql: SqlStorage;
  readonly #keys: HourKeys;
  readonly #commits: GroupCommit;
  readonly #received: ReceivedUploads;

  /** @param received of the transactions of `commits` */
  constructor(sql: SqlStorage, keys: HourKeys, commits: GroupCommit, received: ReceivedUploads) {
    this.#sql = sql;
    this.#keys = keys;
    this.#commits = commits;
    this.#received = received;
  }

  /**
   * @param ready makes the keys of now ready @returns Unix seconds
   * @param publish of Google's dialect
   * @throws RangeError when the keys aren't packed
   */
  async accept(
    config: BufferConfig,
    ready: () => Promise<number>,
    uploadId: string,
    packed: PackedUpload,
    publish: PublishPart | null,
  ): Promise<Acceptance> {
    const upload = unpackUpload(packed);
    if (upload === null) throw new RangeError('accept: packed keys are expected');
    const now = await ready();
    const [sql, ciphers, received] = [this.#sql, this.#keys, this.#received];
    if (publish === null) {
      return this.#commits.run(() => acceptUpload(sql, config, ciphers, received, now, uploadId, upload));
    }
    // Keys of a day ahead, where a certificate lives that long: a crash leaves them without rows.
    await this.#keys.ready(now, [answerHour(now, publish)]);
    return this.#commits.run(() =>
      acceptPublication({ sql, config, ciphers, received }, now, uploadId, upload, publish),
    );
  }

  /** @param now Unix seconds, keys ready @returns see `PublishRpc.replayed` */
  replayed(now: number, uploadId: string): Published | null {
    return readAnswer(this.#sql, this.#keys, now, uploadId);
  }

  /** @param now Unix seconds, keys ready @param random for noise @returns see {@link shownStats} */
  stats(config: BufferConfig, now: number, random: RandomBytes, authorityId: string): Promise<ShownStats[]> {
    const { retentionDays } = config.policy;
    return this.#commits.run(() => shownStats(this.#sql, this.#keys, random, now, retentionDays, authorityId));
  }

  /** @param now Unix seconds */
  resolve(now: number, uploadId: string): Promise<Resolution> {
    return this.#commits.run(() => resolveUpload(this.#sql, now, uploadId));
  }

  /** @param now Unix seconds, keys ready */
  known(config: BufferConfig, now: number, keys: readonly TemporaryExposureKey[]): KeyStanding[] {
    return keyStandings(this.#sql, config, this.#keys, now, keys);
  }
}
