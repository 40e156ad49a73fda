/**
 * @module `portal` with a simulated identity: deployed, Cloudflare Access says who is asking; on a loopback port nobody
 * stands in front, so everybody who reaches it is the local operator.
 */
import { createApp } from '../../../workers/portal/app.ts';

export default createApp({ identify: async () => ({ subject: 'local-operator' }) });
