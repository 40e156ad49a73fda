/**
 * @module `federation` with the local clock and a simulated client certificate: no TLS ends in front of a loopback port, so a header says whose certificate it is. The deployed Worker reads the
 * platform's word alone (workers/federation/certificate).
 */
import { PeerDesk as DeployedPeerDesk } from '../../durable-objects/peer-desk/peer-desk-do.ts';
import { createApp } from '../../workers/federation/app.ts';
import { scheduled } from '../../workers/federation/desks.ts';
import { atLocalTime, clock, secondClock } from './local-clock.ts';

export { BackOffice } from '../../workers/federation/desks.ts';

/** The deployed object, asking the local clock. */
export class PeerDesk extends DeployedPeerDesk {
  protected override clock = clock;
  protected override secondClock = secondClock;
}

const app = createApp({
  clock,
  fingerprint: (request) => request.headers.get('x-local-client-certificate'),
});

export default { fetch: app.fetch, scheduled: atLocalTime(scheduled) };
