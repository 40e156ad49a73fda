/**
 * @module Composition of the deployed portal: identities come from Cloudflare Access.
 */
import { createApp } from './app.ts';
import { identifyByAccess } from './identity.ts';

export default createApp({ identify: identifyByAccess });
