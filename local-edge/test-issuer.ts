/** @module Names of the local edge's test authority, for the process that starts it (test-authority.ts) and the Worker that signs (entries/test-authority.ts). */

/** `iss` and `aud` of its certificates. */
export const TEST_ISSUER = 'local-test-authority';
export const TEST_KEY_ID = 'test';
