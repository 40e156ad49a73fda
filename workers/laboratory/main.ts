/**
 * @module Entry file of the deployed `laboratory` Worker: real time, the platform's word for who is calling.
 */
import { createApp } from './app.ts';
import { platformCertificate } from './certificate.ts';
import { scheduled } from './clocks.ts';
import { createResults } from './rpc.ts';

const clock = (): number => Date.now() / 1000;

export { ResultStore } from '../../durable-objects/result-store/result-store.ts';
export { BackOffice } from './rpc.ts';
export const Results = createResults(clock);
export default { fetch: createApp({ clock, certificate: platformCertificate }).fetch, scheduled };
