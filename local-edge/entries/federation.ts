/**
 * @module `federation` with the local clock. Behind `local-edge/mutual-tls` its client certificate comes as the platform's does; where no TLS ends in front of a loopback port, a header says whose it is. The
 * deployed Worker reads the platform's word alone (workers/federation/certificate).
 */
import { createApp } from '../../workers/federation/app.ts';
import { platformFingerprint } from '../../workers/federation/certificate.ts';
import { clock } from './local-clock.ts';

export default createApp({
  clock,
  fingerprint: (request) => platformFingerprint(request) ?? request.headers.get('x-local-client-certificate'),
});
