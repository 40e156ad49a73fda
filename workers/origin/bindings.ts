/**
 * @module The environment of `origin`, parsed once: a missing or contradictory value refuses the first call, naming it.
 */
import type { ClockStatus } from '../../domain/clock-status.ts';
import { parseParameterStoreConfig } from '../../durable-objects/parameter-store/config.ts';
import type { ParameterStore } from '../../durable-objects/parameter-store/parameter-store-do.ts';
import { parsePublisherConfig } from '../../durable-objects/publisher/config.ts';
import type { Publisher } from '../../durable-objects/publisher/publisher-do.ts';
import type { SubmissionBuffer } from '../../durable-objects/submission-buffer/submission-buffer-do.ts';
import { clocksOf } from '../shared/clocks.ts';

import { parseImportRegions } from '../../domain/federation/packed-batch.ts';
import type { UploadPolicy } from '../../domain/keys/upload-rules.ts';
import type { KeyRing } from '../../protocol/primitives/key-ring.ts';
import { country, parsedOnce, secretRing } from '../shared/env.ts';

export interface OriginEnv {
  readonly SUBMISSION_BUFFER: DurableObjectNamespace<SubmissionBuffer>;
  readonly PUBLISHER: DurableObjectNamespace<Publisher>;
  readonly PARAMETER_STORE: DurableObjectNamespace<ParameterStore>;
  readonly PUBLIC: R2Bucket;
  readonly PRIVATE: R2Bucket;
  readonly FEEDS: R2Bucket;
  readonly IMPORT_REGIONS: string;
}

/** What `Intake` judges uploads by. */
export interface IntakeConfig {
  readonly policy: Omit<UploadPolicy, 'minimumKeys'>;
  /** Shared with `verification`: a permit of any is good, and receipts are made with the first (docs/rotation.md). */
  readonly permitKeys: KeyRing;
}

/** @param env of the invocation @returns see {@link IntakeConfig}, parsed once @throws ConfigError naming the variable */
export const intakeConfig = parsedOnce((env: OriginEnv): IntakeConfig => {
  const variables = { ...env };
  const homeCountry = country(variables, 'HOME_COUNTRY');
  return { policy: { homeCountry }, permitKeys: secretRing(variables, 'PERMIT_KEY') };
});

/** @param env of the invocation @returns regions whose keys `federation` may bring, parsed once @throws Error naming the variable */
export const importRegions = parsedOnce((env: OriginEnv) =>
  parseImportRegions(env.IMPORT_REGIONS, intakeConfig(env).policy.homeCountry),
);

/** One object of each kind a deployment (docs/architecture.md §4.5, §5). */
export interface OriginObjects {
  readonly buffer: DurableObjectStub<SubmissionBuffer>;
  readonly publisher: DurableObjectStub<Publisher>;
  readonly parameters: DurableObjectStub<ParameterStore>;
}

/** @param at Unix seconds that another clock says, or null to ask only @returns the clocks of all objects */
export function originClocks(env: OriginEnv, at: number | null): Promise<ClockStatus[]> {
  const { buffer, publisher, parameters } = originObjects(env);
  return clocksOf({ buffer, publisher, parameters }, at);
}

let checked: unknown = null;

/**
 * @param env of the invocation
 * @returns the objects
 * @throws Error naming the field that is missing or wrong
 */
export function originObjects(env: OriginEnv): OriginObjects {
  if (checked !== env) {
    parsePublisherConfig(env as unknown as Record<string, unknown>);
    parseParameterStoreConfig(env as unknown as Record<string, unknown>);
    checked = env;
  }
  // A stub is made when it is asked for: an upload needs one of the three.
  return {
    get buffer() {
      return env.SUBMISSION_BUFFER.getByName('buffer');
    },
    get publisher() {
      return env.PUBLISHER.getByName('publisher');
    },
    get parameters() {
      return env.PARAMETER_STORE.getByName('parameters');
    },
  };
}
