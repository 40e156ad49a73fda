/**
 * @module `laboratory` with the local clock and a simulated client certificate: no TLS ends in front of a loopback port, so
 * a header says whose certificate it is. The deployed Worker reads the platform's word alone (workers/laboratory/certificate).
 */
import { ResultStore as DeployedResultStore } from '../../durable-objects/result-store/result-store.ts';
import { createApp } from '../../workers/laboratory/app.ts';
import { scheduled } from '../../workers/laboratory/clocks.ts';
import { createResults } from '../../workers/laboratory/rpc.ts';
import { atLocalTime, clock, secondClock } from './local-clock.ts';

export { BackOffice } from '../../workers/laboratory/rpc.ts';

/** The deployed object, asking the local clock. */
export class ResultStore extends DeployedResultStore {
  protected override clock = clock;
  protected override secondClock = secondClock;
}

export const Results = createResults(clock);

const app = createApp({
  clock,
  certificate: (request) => {
    const fingerprint = request.headers.get('x-local-client-certificate');
    return fingerprint === null ? null : { fingerprint, marks: [] };
  },
});

export default { fetch: app.fetch, scheduled: atLocalTime(scheduled) };
