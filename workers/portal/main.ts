/**
 * @module Composition of the deployed portal: identities come from Cloudflare Access or from a professional's certificate.
 */
import { createApp } from './app.ts';
import { scheduled } from './clocks.ts';
import { identifyStaff } from './identity.ts';

export { StaffRoom } from '../../durable-objects/staff-room/staff-room.ts';

export default { fetch: createApp({ identify: identifyStaff, clock: () => Date.now() / 1000 }).fetch, scheduled };
