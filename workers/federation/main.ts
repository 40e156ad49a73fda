/**
 * @module Entry file of the deployed `federation` Worker: real time, the platform's word for who is calling.
 */
import { createApp } from './app.ts';
import { platformFingerprint } from './certificate.ts';

export default createApp({ clock: () => Date.now() / 1000, fingerprint: platformFingerprint });
