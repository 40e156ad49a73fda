/**
 * @module `federation` with the local clock. Behind `local-edge/mutual-tls` its client certificate comes as the platform's does; where no TLS ends in front of a loopback port, a header says whose it is. The
 * deployed Worker reads the platform's word alone (workers/federation/certificate).
 */
import { PeerDesk as DeployedPeerDesk } from '../../durable-objects/peer-desk/peer-desk-do.ts';
import { createApp } from '../../workers/federation/app.ts';
import { platformFingerprint } from '../../workers/federation/certificate.ts';
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
  fingerprint: (request) => platformFingerprint(request) ?? request.headers.get('x-local-client-certificate'),
});

export default { fetch: app.fetch, scheduled: atLocalTime(scheduled) };
