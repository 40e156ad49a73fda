/**
 * @module Composition of the deployed verification Worker: entrypoints, ledger, real time.
 */
import { createApp } from './app.ts';
import { scheduled } from './clocks.ts';
import { createRedeem } from './redeem.ts';
import { servicesOf } from './services.ts';
import { smsPortOf } from './sms/gateway.ts';

export { TanLedger } from '../../durable-objects/tan-ledger/tan-ledger-do.ts';
export { CodeStore } from '../../durable-objects/code-store/code-store.ts';
export { CodeDesk } from '../../durable-objects/code-desk/code-desk.ts';
export { CredentialDesk } from '../../durable-objects/credential-desk/credential-desk.ts';
export { TestSession } from '../../durable-objects/test-session/test-session.ts';
export { BackOffice } from './entrypoints.ts';
export const Redeem = createRedeem(() => Date.now() / 1000);

const app = createApp({
  clock: () => Date.now() / 1000,
  sms: (env) => smsPortOf(servicesOf(env).config.sms, (url, init) => fetch(url, init)),
});

export default { fetch: app.fetch, scheduled };
