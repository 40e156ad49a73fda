/**
 * @module `federation` with the local clock and a simulated client certificate: no TLS ends in front of a loopback port, so a header says whose certificate it is. The deployed Worker reads the
 * platform's word alone (workers/federation/certificate).
 */
import { createApp } from '../../workers/federation/app.ts';
import { clock } from './local-clock.ts';

export default createApp({
  clock,
  fingerprint: (request) => request.headers.get('x-local-client-certificate'),
});
