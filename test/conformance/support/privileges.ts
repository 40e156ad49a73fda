/**
 * @module docs/architecture.md §2 as data: what each Worker may hold. The one place a reviewer compares with the design; the tests
 * compare it with wrangler.toml and with what a running Worker is given.
 */

/** One row: every kind of binding, nothing left out. */
export interface Privileges {
  /** RPC: binding → Worker#Entrypoint. */
  readonly rpc: Readonly<Record<string, string>>;
  /** R2: binding → bucket. */
  readonly buckets: Readonly<Record<string, string>>;
  /** Durable Objects: binding → class. */
  readonly objects: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  /** True for a Worker that the internet reaches. */
  readonly route: boolean;
}

const NOTHING: Privileges = { rpc: {}, buckets: {}, objects: {}, secrets: [], route: true };

/** The table, by environment of wrangler.toml. */
export const PRIVILEGES: Readonly<Record<string, Privileges>> = {
  upload: {
    ...NOTHING,
    rpc: { REDEEM: 'exposure-edge-verification#Redeem', INTAKE: 'exposure-edge-origin#Intake' },
    secrets: ['DIGEST_KEY', 'TAN_MAC_KEY', 'UPLOAD_ID_KEY'],
  },
  index: { ...NOTHING, buckets: { PUBLIC: 'exposure-edge-public', DIRECTORY: 'exposure-edge-directory' } },
  config: { ...NOTHING, buckets: { PUBLIC: 'exposure-edge-public' } },
  origin: {
    ...NOTHING,
    buckets: { PUBLIC: 'exposure-edge-public', PRIVATE: 'exposure-edge-private', FEEDS: 'exposure-edge-feeds' },
    objects: { SUBMISSION_BUFFER: 'SubmissionBuffer', PUBLISHER: 'Publisher', PARAMETER_STORE: 'ParameterStore' },
    secrets: [
      'CONFIG_SIGNING_KEY',
      'EXPORT_SIGNING_KEY',
      'KNOWN_KEY_HASH_KEY',
      'LOG_SIGNING_KEY',
      'MANIFEST_SIGNING_KEY',
      'PERMIT_KEY',
      'RESTORE_PUBLIC_KEY',
      'REVISION_TOKEN_KEY',
      'UNDO_PUBLIC_KEY',
    ],
    route: false,
  },
  verification: {
    ...NOTHING,
    rpc: { RESULTS: 'exposure-edge-laboratory#Results', POLICY: 'exposure-edge-origin#Policy' },
    buckets: { DIRECTORY: 'exposure-edge-directory' },
    objects: {
      TAN_LEDGER: 'TanLedger',
      TEST_SESSION: 'TestSession',
      CODE_DESK: 'CodeDesk',
      CREDENTIAL_DESK: 'CredentialDesk',
      CODE_STORE: 'CodeStore',
    },
    secrets: [
      'CERTIFICATE_SIGNING_KEY',
      'CREDENTIAL_SIGNING_KEY',
      'DERIVATION_KEY',
      'PERMIT_KEY',
      'SMS_SIGNING_KEY',
      'SMS_WEBHOOK_SECRET',
      'TAN_HASH_KEY',
      'TAN_MAC_KEY',
    ],
  },
  federation: {
    ...NOTHING,
    rpc: { EXCHANGE: 'exposure-edge-origin#Exchange' },
    buckets: { FEEDS: 'exposure-edge-feeds', DIRECTORY: 'exposure-edge-directory' },
    objects: { PEER_DESK: 'PeerDesk' },
  },
  laboratory: { ...NOTHING, objects: { RESULT_STORE: 'ResultStore' }, secrets: ['LABORATORY_LIST_PUBLIC_KEY'] },
  portal: {
    ...NOTHING,
    rpc: {
      VERIFICATION: 'exposure-edge-verification#BackOffice',
      ORIGIN: 'exposure-edge-origin#BackOffice',
      LABORATORY: 'exposure-edge-laboratory#BackOffice',
      FEDERATION: 'exposure-edge-federation#BackOffice',
    },
    objects: { STAFF_ROOM: 'StaffRoom' },
  },
};
