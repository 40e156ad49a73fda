/** @module The variables of a stage's Workers: what `wrangler.toml` leaves open, out of the stage's file. Pure. What isn't named here stays as `wrangler.toml` has it. */
import type { Stage } from './stage.ts';

const SECONDS_PER_DAY = 86_400;

/** What the account says when it has made it, and the file can't know. */
export interface Made {
  /** Name of a service token in the file → its subject in Access's assertions: the client id. */
  readonly serviceSubjects?: Readonly<Record<string, string>>;
  /** Variables of a rotation that is under way, over those of the file: ids of signing keys (scripts/stage/rotate). */
  readonly rotation?: Readonly<Record<string, string>>;
}

/** Workers, by their environment in wrangler.toml. */
export type WorkerName =
  | 'upload'
  | 'index'
  | 'config'
  | 'origin'
  | 'verification'
  | 'portal'
  | 'laboratory'
  | 'federation';

type Vars = Readonly<Record<string, string>>;

/**
 * @param stage see {@link Stage}
 * @param worker environment of wrangler.toml
 * @param made see {@link Made}
 * @returns variables that replace those of `[env.<worker>.vars]`
 */
export function varsOf(stage: Stage, worker: WorkerName, made: Made = {}): Vars {
  const vars = VARS[worker](stage, made);
  const rotated = Object.entries(made.rotation ?? {}).filter(([name]) => name in vars || ROTATED_OF[name] === worker);
  return { ...vars, ...Object.fromEntries(rotated) };
}

/** Variables that only a rotation sets, or a file that names a former key. */
const ROTATED_OF: Readonly<Record<string, WorkerName>> = {
  EXPORT_FORMER_KEY_ID: 'origin',
  EXPORT_FORMER_KEY_VERSION: 'origin',
  EXPORT_FORMER_KEY_UNTIL: 'origin',
  CONFIG_FORMER_KEY_ID: 'origin',
  CONFIG_FORMER_KEY_VERSION: 'origin',
  CONFIG_FORMER_KEY_UNTIL: 'origin',
  MANIFEST_FORMER_KEY_ID: 'origin',
  LABORATORY_LIST_OTHER_KEYS: 'laboratory',
};

const VARS: Readonly<Record<WorkerName, (stage: Stage, made: Made) => Vars>> = {
  upload: ({ country }) => ({ HOME_COUNTRY: country }),
  index: ({ regions }) => ({ REGIONS: regions.join(',') }),
  config: ({ country }) => ({ HOME_COUNTRY: country }),
  origin: (stage) => ({
    HOME_COUNTRY: stage.country,
    UNION_REGION: stage.union,
    ...signingVars(stage),
    ...policyVars(stage),
    PEER_FEEDS: stage.federation.feeds.join(','),
    IMPORT_REGIONS: stage.federation.importRegions.join(','),
    FEED_URL: addressOf(stage.hosts.peers),
  }),
  verification: verificationVars,
  portal: portalVars,
  laboratory: ({ laboratories }) => ({ LABORATORY_LIST_KEY_ID: laboratories.listKeyId }),
  federation: ({ country, hosts, federation }) => ({
    HOME_COUNTRY: country,
    PEER_FEEDS: federation.feeds.join(','),
    FEED_URL: addressOf(hosts.peers),
    PEERS: federation.peers,
    EFGS_SETTINGS: federation.efgsSettings,
    DIRECTORY_POLICY: federation.directoryPolicy,
  }),
};

const addressOf = (host: string | null): string => (host === null ? '' : `https://${host}`);

function signingVars({ signing }: Stage): Vars {
  const { exportFormerKeyId, exportFormerKeyVersion, exportFormerKeyUntil } = signing;
  return {
    EXPORT_KEY_ID: signing.exportKeyId,
    EXPORT_KEY_VERSION: signing.exportKeyVersion,
    ...(exportFormerKeyId === null ? {} : { EXPORT_FORMER_KEY_ID: exportFormerKeyId }),
    ...(exportFormerKeyVersion === null ? {} : { EXPORT_FORMER_KEY_VERSION: exportFormerKeyVersion }),
    ...(exportFormerKeyUntil === null ? {} : { EXPORT_FORMER_KEY_UNTIL: exportFormerKeyUntil }),
    MANIFEST_KEY_ID: signing.manifestKeyId,
    LOG_KEY_ID: signing.logKeyId,
    CONFIG_KEY_ID: signing.configKeyId ?? signing.exportKeyId,
    CONFIG_KEY_VERSION: signing.configKeyVersion,
  };
}

function policyVars({ policy, retention }: Stage): Vars {
  return {
    MIN_KEYS: String(policy.minKeys),
    MIN_UPLOADS: String(policy.minUploads),
    ...(policy.reserveUploads === null ? {} : { RESERVE_UPLOADS: String(policy.reserveUploads) }),
    MAX_HOLD_HOURS: String(policy.maxHoldHours),
    MAX_KEYS_PER_FILE: String(policy.maxKeysPerFile),
    CWA_MAX_KEYS: String(policy.cwaMaxKeys),
    RETENTION_DAYS: String(retention.days),
  };
}

function verificationVars({ country, hosts, signing, verification, federation }: Stage): Vars {
  const { smsTemplates } = verification;
  return {
    HOME_COUNTRY: country,
    VERIFICATION_URL: verification.credentials ? addressOf(hosts.verification) : '',
    CREDENTIAL_KEY_ID: signing.credentialKeyId,
    CREDENTIAL_KEY_VERSION: signing.credentialKeyVersion,
    CREDENTIAL_PEERS: verification.credentialPeers.join(','),
    DIRECTORY_POLICY: federation.directoryPolicy,
    CERTIFICATE_KEY_ID: signing.certificateKeyId,
    CERTIFICATE_ISSUER: verification.certificateIssuer,
    CERTIFICATE_AUDIENCE: verification.certificateAudience,
    CERTIFICATE_OTHER_KEYS: signing.certificateOtherKeys.join(','),
    LINK_DOMAIN: hosts.links ?? '',
    APPLE_APPS: verification.appleApps.join(','),
    ANDROID_APPS: verification.androidApps.join(','),
    SMS_WEBHOOK_URL: verification.smsWebhookUrl ?? '',
    ...(smsTemplates.length === 0
      ? {}
      : { SMS_TEMPLATES: JSON.stringify(Object.fromEntries(smsTemplates.map(({ label, text }) => [label, text]))) }),
    SMS_KEY_ID: verification.smsKeyId ?? '',
    TAN_LIFETIME_SECONDS: String(verification.tanLifetimeDays * SECONDS_PER_DAY),
    FOLLOW_UP_DAYS: String(verification.followUpDays),
  };
}

function portalVars({ access, staff, hosts }: Stage, { serviceSubjects = {} }: Made): Vars {
  // A token that isn't made yet gives no commands: its subject isn't known.
  const services = access.services.flatMap(({ name, person }) =>
    serviceSubjects[name] === undefined ? [] : [`${serviceSubjects[name]}=${person}`],
  );
  return {
    STAFF_ROLES_CLAIM: access.rolesClaim,
    STAFF_PROVIDER_CLAIM: access.providerClaim,
    OPERATOR_SERVICES: services.join(','),
    STAFF_ROOTS: staff.cardRoots.map(({ pem }) => pem.trim()).join('\n'),
    STAFF_TIME_ZONE: staff.timeZone,
    AUTHORITY_NAME: staff.authorityName,
    AUTHORITY_TELEPHONE: staff.authorityTelephone,
    APP_NAME: staff.appName,
    ADMIN_API_HOST: hosts.codes ?? '',
    DEPLOYMENT_NAME: staff.deploymentName,
  };
}
