/**
 * @module Entry file of the deployed `federation` Worker: real time, the platform's word for who is calling.
 */
import { createApp } from './app.ts';
import { platformFingerprint } from './certificate.ts';
import { scheduled } from './desks.ts';

export { PeerDesk } from '../../durable-objects/peer-desk/peer-desk-do.ts';
export { BackOffice } from './desks.ts';
export default {
  fetch: createApp({ clock: () => Date.now() / 1000, fingerprint: platformFingerprint }).fetch,
  scheduled,
};
