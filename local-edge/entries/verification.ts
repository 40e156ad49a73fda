/** @module `verification` with the local clock, its objects counted. */
import { createApp } from '../../workers/verification/app.ts';
import { scheduled } from '../../workers/verification/clocks.ts';
import { createRedeem } from '../../workers/verification/redeem.ts';
import { TanLedger as DeployedTanLedger } from '../../durable-objects/tan-ledger/tan-ledger-do.ts';
import { CodeDesk as DeployedCodeDesk } from '../../durable-objects/code-desk/code-desk.ts';
import { CodeStore as DeployedCodeStore } from '../../durable-objects/code-store/code-store.ts';
import { CredentialDesk as DeployedCredentialDesk } from '../../durable-objects/credential-desk/credential-desk.ts';
import { TestSession as DeployedTestSession } from '../../durable-objects/test-session/test-session.ts';
import { env } from 'cloudflare:workers';
import { BackOffice as DeployedBackOffice } from '../../workers/verification/entrypoints.ts';
import { servicesOf } from '../../workers/verification/services.ts';
import { type SendPost, smsPortOf } from '../../workers/verification/sms/gateway.ts';
import { countCalls, countedWorker } from './counters.ts';
import { atLocalTime, clock, secondClock } from './local-clock.ts';

export const Redeem = createRedeem(clock);

/** The edge's outbox takes messages in place of a gateway on the internet (local-edge/sms-outbox.ts). */
const post: SendPost = (url, init) => (env as unknown as { readonly SMS_OUTBOX: Fetcher }).SMS_OUTBOX.fetch(url, init);

/** The deployed entrypoint, its messages in the outbox. */
export class BackOffice extends DeployedBackOffice {
  protected override post = post;
}

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
  ...countedWorker(
    'verification',
    createApp({ clock, mayAnswerAtOnce: true, sms: (bindings) => smsPortOf(servicesOf(bindings).config.sms, post) }),
  ),
  scheduled: atLocalTime(scheduled),
};
