/**
 * @module What may stand in a stage's file, `stages/<name>.toml`: each field, its rule and its default. The JSON Schema for editors is made of it (`npm run stage:schema`). Rules
 * between fields: rules.ts. No field holds a secret.
 */
import * as z from 'zod';
import { DEFAULT_CHUNK_POLICY } from '../../../domain/chunk-policy.ts';
import { MAX_TAN_LIFETIME_SECONDS } from '../../../domain/tan.ts';
import {
  country,
  email,
  file,
  host,
  keyId,
  must,
  orNull,
  pattern,
  recipient,
  region,
  regions,
  whole,
  words,
} from './fields.ts';

const SECONDS_PER_DAY = 86_400;
/** Access's own limit is a month; a session of staff is a day's at most (docs/deploy.md). */
const MAX_SESSION_HOURS = 24;
/** Past its 14 days a key is published no more. */
const MAX_FOLLOW_UP_DAYS = 13;

/** The account that is rehearsed on this machine. */
export const DOUBLE = 'double';

const hosts = z
  .strictObject({
    submission: host.describe('where phones upload'),
    keys: host.describe('where phones download'),
    config: orNull(host).describe(
      'where phones read the configuration; left out: paths on the host of keys, as both apps of the CWA kind want it',
    ),
    verification: host.describe('where phones get TANs and check codes'),
    laboratories: host.describe('where laboratories post results, by client certificate'),
    peers: orNull(host).describe('where other backends read feeds, by client certificate; left out: none do'),
    portal: host.describe('where staff and operators work, behind Access'),
    cards: orNull(host).describe(
      'where professionals sign in by card, by client certificate, without Access; left out: none do',
    ),
    codes: orNull(host).describe(
      'the administrators’ API of Google’s dialect, which no Access stands before; left out: there is none',
    ),
    links: orNull(host).describe('https://<country>.<this>/v?c=… opens the app; left out: no links'),
  })
  .describe('host names, all in the zone');

const access = z.strictObject({
  team: pattern(/^[a-z0-9-]{1,63}$/, 'the team’s name: <team>.cloudflareaccess.com').describe('of Cloudflare Access'),
  staff: z
    .array(
      pattern(
        /^(group \S.{0,99}|@[^\s@]+\.[^\s@]+|[^\s=,@]+@[^\s=,@]+\.[^\s=,@]+)$/,
        '"group NAME" of the identity provider, "@domain" or an e-mail address',
      ),
      must('a list of groups, domains and e-mail addresses'),
    )
    .min(1, must('at least one group, domain or e-mail address'))
    .describe('who may sign in'),
  operators: z
    .array(email, must('a list of e-mail addresses'))
    .min(2, must('at least two people: parameters, rollbacks and the end want a second one'))
    .describe('who operates: these people, beside staff'),
  session_hours: whole(1, MAX_SESSION_HOURS, 'hours').default(12).describe('how long a sign-in lasts'),
  roles_claim: words(200, 'a dotted path')
    .default('oidc_fields.exposure_edge_roles')
    .describe('where the identity lists roles'),
  provider_claim: words(200, 'a dotted path')
    .default('oidc_fields.exposure_edge_provider')
    .describe('whose cards a provider’s staff make'),
  services: z
    .array(z.strictObject({ name: keyId, person: email }), must('a list of tables: name, person'))
    .default([])
    .describe('service tokens that may give operator commands, each with the person whose it is'),
});

const laboratories = z.strictObject({
  list_public_key: orNull(file).describe(
    'PEM of the key that signs the list of laboratories; left out: init draws the pair',
  ),
  list_key_id: keyId.default('laboratories-v1'),
  root_certificates: z
    .array(file, must('a list of PEM files'))
    .default([])
    .describe('PEM files of authorities whose client certificates laboratories show; none: no laboratory gets in'),
});

const policy = z.strictObject({
  min_keys: whole(0, 999_999_999, 'keys')
    .default(DEFAULT_CHUNK_POLICY.minKeys)
    .describe('fewest keys in a chunk that isn’t empty'),
  min_uploads: whole(0, 999_999_999, 'uploads')
    .default(DEFAULT_CHUNK_POLICY.minUploads)
    .describe('fewest uploads behind it'),
  reserve_uploads: orNull(whole(0, 999_999_999, 'uploads')).describe(
    'synthetic uploads set aside an hour; left out: 3, or none where min_uploads is less',
  ),
  max_hold_hours: whole(0, 999_999_999, 'hours')
    .default(DEFAULT_CHUNK_POLICY.maxHoldHours)
    .describe('hours a key may wait for others before decoys are added'),
  max_keys_per_file: whole(0, 999_999_999, 'keys').default(DEFAULT_CHUNK_POLICY.maxKeysPerFile),
  cwa_max_keys: whole(0, 999_999_999, 'keys')
    .default(DEFAULT_CHUNK_POLICY.cwaMaxKeys)
    .describe('keys in CWA’s tree an hour, and in all hours of a UTC day'),
});

const staff = z.strictObject({
  authority_name: words(60, 'the health authority’s name').describe('printed on cards'),
  authority_telephone: pattern(
    /^(?=(?:\D*\d){3})\+?[0-9 ()/.–-]{3,30}$/,
    'a telephone number: digits, spaces and ( ) / . -, 3 to 30 characters',
  ).describe('of the hotline, printed on cards'),
  app_name: words(30, 'the app’s name as stores have it').describe('printed on cards'),
  time_zone: z
    .string(must('the name of a time zone (IANA)'))
    .refine(isTimeZone, must('the name of a time zone (IANA), as Europe/Berlin'))
    .default('Europe/Berlin')
    .describe('whose times staff read'),
  deployment_name: pattern(/^([A-Za-z0-9][A-Za-z0-9 ._-]{2,59})?$/, '3 to 60 letters, digits, spaces, . _ -')
    .default('')
    .describe('typed by two persons to end the deployment; empty: it can’t be ended'),
  card_roots: z
    .array(file, must('a list of PEM files'))
    .default([])
    .describe('PEM files of authorities whose certificates let professionals in'),
});

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const signing = z.strictObject({
  export_key_id: keyId.describe('as registered with Apple and Google: the MCC, 262 for Germany'),
  export_key_version: keyId.default('v1'),
  export_former_key_id: orNull(keyId).describe('a key that signs beside it while it is replaced, and until when'),
  export_former_key_version: orNull(keyId),
  export_former_key_until: orNull(pattern(/^\d{4}-\d{2}-\d{2}$/, 'a UTC day, YYYY-MM-DD')),
  manifest_key_id: keyId.default('manifest-v1'),
  log_key_id: keyId.default('log-v1'),
  config_key_id: orNull(keyId).describe('left out: as export_key_id'),
  config_key_version: keyId.default('v1'),
  credential_key_id: pattern(/^[A-Za-z0-9._-]{1,16}$/, '1 to 16 letters, digits, dots, hyphens').default('credential'),
  credential_key_version: pattern(/^[A-Za-z0-9._-]{1,16}$/, '1 to 16 letters, digits, dots, hyphens').default('v1'),
  certificate_key_id: keyId.default('v1'),
  certificate_other_keys: z
    .array(z.string(must('kid=SPKI in base64')), must('a list of kid=SPKI in base64'))
    .default([])
    .describe('public keys at /jwks beside it while it is rotated'),
});

const verification = z.strictObject({
  tan_lifetime_days: whole(1, MAX_TAN_LIFETIME_SECONDS / SECONDS_PER_DAY, 'days').default(
    MAX_TAN_LIFETIME_SECONDS / SECONDS_PER_DAY,
  ),
  follow_up_days: whole(0, MAX_FOLLOW_UP_DAYS, 'days')
    .default(0)
    .describe('days after the test’s whose keys may be shared too'),
  credentials: z.boolean(must('true or false')).default(false).describe('tests of people who travel'),
  credential_peers: regions.default([]).describe('regions whose tests are taken up here'),
  certificate_issuer: words(100, 'printable characters')
    .default('exposure-edge')
    .describe('as key servers of Google’s dialect know us'),
  certificate_audience: words(100, 'printable characters').default('exposure-edge'),
  apple_apps: z
    .array(pattern(/^[A-Z0-9]{10}\.[A-Za-z0-9.-]{1,155}$/, 'TEAMID.bundle.id'), must('a list of TEAMID.bundle.id'))
    .default([]),
  android_apps: z
    .array(
      pattern(/^[A-Za-z]\w*(?:\.\w+)+=[0-9A-Fa-f:]{64,95}$/, 'package=SHA-256 of its certificate'),
      must('a list of package=SHA-256'),
    )
    .default([]),
  sms_webhook_url: orNull(pattern(/^https:\/\/[^\s@#]+$/, 'https://…')).describe(
    'the gateway that is posted each message; left out: none is sent',
  ),
  sms_key_id: orNull(keyId).describe('names the key that authenticates messages; left out: they aren’t'),
  sms_templates: z
    .array(
      z.strictObject({ label: words(100, 'a label'), text: words(800, 'a text') }),
      must('a list of tables: label, text'),
    )
    .default([])
    .describe('left out: as in wrangler.toml; the first is the default'),
});

const federation = z.strictObject({
  feeds: z
    .array(pattern(/^(a2a|[A-Z]{2})$/, 'a2a or a country'), must('a list of a2a and countries'))
    .default([])
    .describe('what peers read'),
  import_regions: z.array(country, must('a list of countries')).default([]).describe('whose keys may be brought'),
  peers: orNull(file).describe('JSON file of peers that we read (docs/federation.md)'),
  efgs_settings: orNull(file).describe('JSON file, where a peer’s format is efgs'),
  directory_policy: orNull(file).describe(
    'JSON file: which directory, roots and witnesses are believed (docs/directory.md)',
  ),
  client_roots: z
    .array(file, must('a list of PEM files'))
    .default([])
    .describe('PEM files of authorities whose client certificates peers show'),
  certificates: z
    .array(
      z.strictObject({
        binding: pattern(/^[A-Z][A-Z0-9_]{0,63}$/, 'capital letters, digits, underscores'),
        id: pattern(/^[0-9a-f-]{32,36}$/, 'the id of an uploaded client certificate'),
      }),
      must('a list of tables: binding, id'),
    )
    .default([])
    .describe('client certificates that we show, as `wrangler mtls-certificate upload` names them'),
});

const keepers = z.strictObject({
  operator: orNull(recipient).describe(
    'opens stages/<name>.secrets.age at each apply; left out for the double: an identity of this machine',
  ),
  restore: z
    .array(recipient, must('a list of recipients of age'))
    .default([])
    .describe('each of them can open the key that restores'),
  undo: z
    .array(recipient, must('a list of recipients of age'))
    .default([])
    .describe('two people, a share of the undo key each'),
});

/** The whole file. */
export const fileSchema = z.strictObject({
  $schema: z.string().optional().describe('for editors'),
  account: pattern(/^([0-9a-f]{32}|double)$/, '32 hex digits, or "double" for an account on this machine').describe(
    'the Cloudflare account',
  ),
  jurisdiction: z
    .enum(['eu', 'fedramp', 'none'], must('"eu", "fedramp" or "none"'))
    .describe('of buckets; a bucket never moves to another'),
  country: country.describe('whose backend it is'),
  union: region.describe('the region of all countries’ keys'),
  regions: regions.min(1, must('at least the country and the union')).describe('what the index serves'),
  zone: host.describe('the Cloudflare zone'),
  hosts,
  download: z
    .enum(['worker', 'bucket'], must('"worker" or "bucket"'))
    .default('worker')
    .describe('who serves keys: the Worker index, or the bucket by its own domain (docs/deploy.md)'),
  access,
  laboratories: laboratories.prefault({}),
  authorities: z
    .strictObject({
      document: orNull(file).describe('signed document of health authorities, published after the first deployment'),
    })
    .prefault({}),
  retention: z.strictObject({ days: whole(10, 14, 'days').default(DEFAULT_CHUNK_POLICY.retentionDays) }).prefault({}),
  policy: policy.prefault({}),
  staff,
  signing,
  verification: verification.prefault({}),
  federation: federation.prefault({}),
  keepers: keepers.prefault({}),
  workers: z
    .strictObject({
      prefix: pattern(/^[a-z][a-z0-9-]{1,30}[a-z0-9]$/, '3 to 32 lower-case letters, digits, hyphens')
        .default('exposure-edge')
        .describe('names of Workers and buckets begin with it'),
    })
    .prefault({}),
});

/** What the file says, by its own names. */
export type StageTable = z.output<typeof fileSchema>;
