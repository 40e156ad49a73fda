/** @module `origin` with the local clock, its objects counted. */
import { ParameterStore as DeployedParameterStore } from '../../durable-objects/parameter-store/parameter-store-do.ts';
import { Publisher as DeployedPublisher } from '../../durable-objects/publisher/publisher-do.ts';
import { SubmissionBuffer as DeployedSubmissionBuffer } from '../../durable-objects/submission-buffer/submission-buffer-do.ts';
import { originHandler } from '../../workers/origin/app.ts';
import type { OriginEnv } from '../../workers/origin/bindings.ts';
import { createIntake } from '../../workers/origin/entrypoints.ts';
import { createExchange } from '../../workers/origin/exchange.ts';
import { countCalls, countedWorker } from './counters.ts';
import { atLocalTime, clock, secondClock } from './local-clock.ts';

export { BackOffice, Policy } from '../../workers/origin/entrypoints.ts';
export const Intake = createIntake(clock);
export const Exchange = createExchange(clock);

/** The deployed object, asking the local clock. */
export class Publisher extends DeployedPublisher {
  protected override clock = clock;
  protected override secondClock = secondClock;
}

/** The deployed object, asking the local clock. */
export class SubmissionBuffer extends DeployedSubmissionBuffer {
  protected override clock = clock;
  protected override secondClock = secondClock;

  /** What the alarm does after five minutes of real time. */
  async writeJournal(): Promise<void> {
    await this.rewriteJournal();
  }
}

/** The deployed object, asking the local clock. */
export class ParameterStore extends DeployedParameterStore {
  protected override clock = clock;
  protected override secondClock = secondClock;
}

countCalls('SubmissionBuffer', DeployedSubmissionBuffer);
countCalls('Publisher', DeployedPublisher);

export default {
  ...countedWorker('origin', originHandler),
  scheduled: atLocalTime((event, env: OriginEnv) => originHandler.scheduled(event, env)),
};
