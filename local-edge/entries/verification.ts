/** @module `verification` with the local clock, its objects counted. */
import { createApp } from '../../workers/verification/app.ts';
import { scheduled } from '../../workers/verification/clocks.ts';
import { createRedeem } from '../../workers/verification/redeem.ts';
import { TanLedger as DeployedTanLedger } from '../../durable-objects/tan-ledger/tan-ledger-do.ts';
import { CodeDesk as DeployedCodeDesk } from '../../durable-objects/code-desk/code-desk.ts';
import { CodeStore as DeployedCodeStore } from '../../durable-objects/code-store/code-store.ts';
import { CredentialDesk as DeployedCredentialDesk } from '../../durable-objects/credential-desk/credential-desk.ts';
import { TestSession as DeployedTestSession } from '../../durable-objects/test-session/test-session.ts';
import { countCalls, countedWorker } from './counters.ts';
import { atLocalTime, clock, secondClock } from './local-clock.ts';

export { BackOffice } from '../../workers/verification/entrypoints.ts';
export const Redeem = createRedeem(clock);

/** The deployed object, asking the local clock. */
export class TanLedger extends DeployedTanLedger {
  protected override clock = clock;
  protected override secondClock = secondClock;
}

/** The deployed object, asking the local clock. */
export class CodeDesk extends DeployedCodeDesk {
  protected override clock = clock;
  protected override secondClock = secondClock;
}

/** The deployed object, asking the local clock. */
export class TestSession extends DeployedTestSession {
  protected override clock = clock;
  protected override secondClock = secondClock;
}

/** The deployed object, asking the local clock. */
export class CredentialDesk extends DeployedCredentialDesk {
  protected override clock = clock;
  protected override secondClock = secondClock;
}

/** The deployed object, asking the local clock. */
export class CodeStore extends DeployedCodeStore {
  protected override clock = clock;
  protected override secondClock = secondClock;
}

countCalls('TanLedger', DeployedTanLedger);
countCalls('TestSession', DeployedTestSession);
countCalls('CodeDesk', DeployedCodeDesk);
countCalls('CredentialDesk', DeployedCredentialDesk);
countCalls('CodeStore', DeployedCodeStore);

export default {
  ...countedWorker('verification', createApp({ clock, mayAnswerAtOnce: true })),
  scheduled: atLocalTime(scheduled),
};
